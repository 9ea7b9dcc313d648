"""How alike two texts are: the share of word 5-shingles they have in common (Jaccard; Broder 1997).

Cloned notes are a frequent audit finding; payers deny them. The number is shown, and warns from 0.8 on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

WIDTH = 5
WARN_AT = 0.8
MOST_WORDS = 5_000
"""Words of a text that are looked at: enough for any note, and a pasted megabyte does not slow typing down."""
_WORD = re.compile(r"\w+", re.UNICODE)

Shingles = frozenset[tuple[str, ...]]


def words_of(text: str) -> list[str]:
    """The first words of a text, case folded, without punctuation."""
    found = []
    for match in _WORD.finditer(text):
        found.append(match[0].casefold())
        if len(found) == MOST_WORDS:
            break
    return found


def shingles(text: str) -> Shingles:
    """The word 5-shingles of a text; a shorter text is one shingle, an empty one none."""
    words = words_of(text)
    if not words:
        return frozenset()
    if len(words) < WIDTH:
        return frozenset((tuple(words),))
    return frozenset(zip(*(words[start:] for start in range(WIDTH)), strict=False))


def jaccard(a: Shingles, b: Shingles) -> float:
    """Shared shingles over all shingles, 0 to 1; 0 where both are empty: nothing was copied."""
    if not a and not b:
        return 0.0
    return len(a & b) / len(a | b)


def similarity(a: str, b: str) -> float:
    """How alike two texts are, 0 to 1."""
    return jaccard(shingles(a), shingles(b))


def same_words(a: str, b: str) -> bool:
    """Whether two texts differ in case, spacing and punctuation at most."""
    return words_of(a) == words_of(b)


def most_similar(text: Shingles, others: Iterable[Shingles]) -> float:
    """The highest similarity to any of several texts."""
    return max((jaccard(text, other) for other in others), default=0.0)
