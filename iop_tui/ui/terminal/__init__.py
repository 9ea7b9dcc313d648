"""Between Textual and the terminal: only changed cells are written, no key is lost, nothing is left behind."""
