"""Who may hold which key: the policy as data, the wall between partners, and the four primitives."""
