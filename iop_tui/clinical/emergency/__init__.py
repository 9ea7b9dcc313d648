"""Break-glass on crisis cards: the reason, the card, who is told, the review (program rule CR-17)."""
