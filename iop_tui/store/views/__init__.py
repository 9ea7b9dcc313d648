"""A user's view: its tables, how it follows the log, and whether it says what the log says."""
