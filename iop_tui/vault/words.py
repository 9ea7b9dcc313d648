"""Short words that two people compare on two screens: six of SLIP-0039's 1,024 words say 60 bits of a digest."""

from __future__ import annotations

from iop_tui.vault.digest import sha256

COUNT = 6
_BITS = 10


def six_words(transcript: bytes) -> str:
    """The words of a transcript, as both screens show them."""
    from shamir_mnemonic.wordlist import WORDLIST

    number = int.from_bytes(sha256(b"iop/words/1", transcript), "big") >> (256 - COUNT * _BITS)
    mask = (1 << _BITS) - 1
    return " ".join(WORDLIST[number >> (_BITS * (COUNT - 1 - place)) & mask] for place in range(COUNT))


def same_words(typed: str, shown: str) -> bool:
    """Whether somebody typed the words that were shown; case, dashes and blanks do not matter."""
    return typed.lower().replace("-", " ").split() == shown.split()
