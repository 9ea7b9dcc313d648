"""The words this installation knows: clinical terms that ship with it, in front of general English (pyspellchecker's
word counts). Everything is read from this machine.
"""

from __future__ import annotations

import gzip
import re
import time
from functools import cache
from importlib.resources import files

from iop_tui.clinical.notes.spelling import Speller, WordList

_ENTRY = re.compile(r'"([^"\\]+)": ?(\d+)')
_SLICE = 1_000
_REST = 0.0005


@cache
def clinical_words() -> WordList:
    """Names of medications, therapies and findings that general dictionaries lack."""
    text = (files("iop_tui") / "data" / "dictionary" / "clinical.txt").read_text("utf-8")
    return WordList(text.split())


@cache
def general_words() -> WordList:
    """General English. Read in small slices with rests, so that a thread that reads it never holds up a key."""
    packed = (files("spellchecker") / "resources" / "en.json.gz").read_bytes()
    counts: dict[str, int] = {}
    for place, match in enumerate(_ENTRY.finditer(gzip.decompress(packed).decode("utf-8"))):
        counts[match[1]] = int(match[2])
        if place % _SLICE == 0:
            time.sleep(_REST)
    return WordList.counted(counts)


def dictionary() -> Speller:
    """Both together. Slow the first time: half a second, for a thread."""
    return Both(clinical_words(), general_words())


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
