"""Notes: progress notes, their addenda, and the acts of writing, signing and reading them."""
