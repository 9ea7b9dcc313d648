"""All cryptography of the program: one home, so that one review covers it.

See `README.md` beside this file for the key hierarchy, the formats and their limits.
"""
