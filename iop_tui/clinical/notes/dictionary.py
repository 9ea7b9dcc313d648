"""The words this installation knows: clinical terms that ship with it, in front of any general dictionary."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from iop_tui.clinical.notes.spelling import Speller, WordList


@cache
def clinical_words() -> WordList:
    """Names of medications, therapies and findings that general dictionaries lack."""
    text = (files("iop_tui") / "data" / "dictionary" / "clinical.txt").read_text("utf-8")
    return WordList(text.split())


class Both:
    """Two dictionaries as one: a word is known where either knows it; suggestions of the first come first."""

    def __init__(self, first: Speller, second: Speller) -> None:
        self._parts = (first, second)

    def knows(self, word: str) -> bool:
        """Whether either knows the word."""
        return any(part.knows(word) for part in self._parts)

    def suggest(self, word: str) -> tuple[str, ...]:
        """Suggestions of both, at most five."""
        found = [item for part in self._parts for item in part.suggest(word)]
        return tuple(dict.fromkeys(found))[:5]
