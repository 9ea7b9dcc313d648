"""Signatures over documents of any kind: author, co-signer, client; amendments, voids, proof outside the program."""
