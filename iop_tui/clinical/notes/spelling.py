"""Spell checking on this machine: which words of a text are unknown. Nothing is sent anywhere. Pure.

The dictionary is behind `Speller`, so that any word list or library can stand there. Names of the chart at hand are
given as known words; they stay in memory and are never added to a dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*", re.UNICODE)
_SKIPPED = re.compile(r"\S*(?:@|://|\w/\w)\S*|\S*\d\S*|#\S+")
_ENDINGS = ("'s", "’s", "s'", "s’")
_LETTERS = "abcdefghijklmnopqrstuvwxyz'"
LONGEST = 30
"""Longer words are no words: nobody wants suggestions for them."""


class Speller(Protocol):
    """A dictionary."""

    def knows(self, word: str) -> bool:
        """Whether the word, in any case, is spelled like this."""
        ...

    def suggest(self, word: str) -> tuple[str, ...]:
        """Words that may be meant, best first."""
        ...


@dataclass(frozen=True, slots=True)
class Unknown:
    """A word no dictionary knows, and where it stands."""

    start: int
    stop: int
    word: str


class WordList:
    """A dictionary made of plain words; suggestions are known words one edit away, commoner words first."""

    def __init__(self, words: Iterable[str]) -> None:
        self._rank = {word.casefold(): place for place, word in reversed(list(enumerate(words)))}

    def knows(self, word: str) -> bool:
        """Whether the list has the word, folded and without a possessive ending."""
        folded = word.casefold().replace("’", "'")
        return folded in self._rank or _without_ending(folded) in self._rank

    def suggest(self, word: str) -> tuple[str, ...]:
        """At most five known words one insertion, deletion, change or swap away, in the order of the list."""
        folded = word.casefold().replace("’", "'")
        if len(folded) > LONGEST:
            return ()
        found = {edit for edit in _edits(folded) if edit in self._rank}
        best = sorted(found, key=lambda item: (self._rank[item], item))[:5]
        return tuple(item.capitalize() if word[:1].isupper() else item for item in best)


def _without_ending(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending):
            return word[: -len(ending)] if ending.startswith(("'", "’")) else word[:-1]
    return word


def _edits(word: str) -> Iterator[str]:
    for at in range(len(word) + 1):
        head, tail = word[:at], word[at:]
        if tail:
            yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for letter in _LETTERS:
            yield head + letter + tail
            if tail:
                yield head + letter + tail[1:]


def unknown(text: str, speller: Speller, known: Collection[str] = ()) -> list[Unknown]:
    """Words of a text that are in no dictionary, in order.

    Passed over: words with digits, links, `#` references, abbreviations in capitals, single letters, and `known`.
    """
    own = {part.casefold() for word in known for part in _WORD.findall(word)}
    blanked = _SKIPPED.sub(lambda match: " " * len(match[0]), text)
    answers: dict[str, bool] = {}
    found = []
    for match in _WORD.finditer(blanked):
        word = match[0]
        if len(word) == 1 or word.isupper() or word.casefold() in own or _without_ending(word.casefold()) in own:
            continue
        if word not in answers:
            answers[word] = speller.knows(word)
        if not answers[word]:
            found.append(Unknown(match.start(), match.end(), word))
    return found
