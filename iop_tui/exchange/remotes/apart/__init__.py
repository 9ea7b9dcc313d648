"""Servers are spoken with in a process of its own: what an answer can break or fill there is not the program.

The library reads lists and the texts of failures whole, and takes a server at its word for how long they are: a few
bytes can end the process it runs in. So that is another one than the one that holds the vault.
"""
