"""Vocabulary shared by every layer: ids, clock, randomness, errors, declared documents.

Nothing in here does I/O, reads a clock or imports another package of the program.
"""
