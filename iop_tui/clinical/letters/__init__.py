"""Notes and records from other organisations."""
