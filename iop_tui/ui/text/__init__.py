"""Text: the editor, read views, differences, and how wide characters fit into cells."""
