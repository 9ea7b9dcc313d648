"""What stands around a page: title, status, footer, palette, help."""
