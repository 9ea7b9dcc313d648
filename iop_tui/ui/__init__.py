"""The kit: widgets, themes, keys and the terminal driver. It knows no clinical word and no store."""
