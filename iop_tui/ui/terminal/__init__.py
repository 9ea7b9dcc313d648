"""Between Textual and the terminal: only changed cells are written, keys typed ahead are kept, nothing is left behind."""
