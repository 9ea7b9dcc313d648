"""Screens of couples work: the couple chart, its editors, guides, pasting with labels."""
