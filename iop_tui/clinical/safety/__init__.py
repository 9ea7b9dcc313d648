"""Clinical risk: assessment, screening, what follows from it."""
