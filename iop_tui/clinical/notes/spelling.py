"""Spell checking on this machine: which words of a text are unknown. Nothing is sent anywhere. Pure.

The dictionary is behind `Speller`, so that any word list or library can stand there. Names of the chart at hand are
given as known words; they stay in memory and are never added to a dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*", re.UNICODE)
_TOKEN = re.compile(r"\S+")
_PATH = re.compile(r"\w/\w|\d|@|://")
_ENDINGS = ("'s", "’s", "s'", "s’")
_LETTERS = "abcdefghijklmnopqrstuvwxyz'"
MOST_LINES = 2_000
LONGEST_TOKEN = 120
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

    @classmethod
    def counted(cls, counts: dict[str, int]) -> WordList:
        """From folded words and how often each was met."""
        made = cls(())
        made._rank = {word: -count for word, count in counts.items()}
        return made

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


def _blanked(match: re.Match[str]) -> str:
    """A token as long as before, without what is no word: numbers, addresses, what stands behind a `#`."""
    token = match[0]
    if len(token) > LONGEST_TOKEN or _PATH.search(token):
        return " " * len(token)
    head, mark, rest = token.partition("#")
    return head + " " * (len(mark) + len(rest)) if rest else token


class Checker:
    """The unknown words of a text that grows: a line that was looked at is not looked at again."""

    def __init__(self, speller: Speller, known: Collection[str] = ()) -> None:
        self._speller, self._known = speller, tuple(known)
        self._lines: dict[str, tuple[str, ...]] = {}

    def words(self, text: str, rest: Callable[[], None] = lambda: None) -> list[str]:
        """Every unknown word once, in order. `rest` is called between lines, for a thread that must not be in the way.

        Only the first lines count in a text of more than `MOST_LINES`.
        """
        found: dict[str, None] = {}
        seen: dict[str, tuple[str, ...]] = {}
        for line in text.split("\n")[:MOST_LINES]:
            if line not in self._lines:
                rest()
                self._lines[line] = tuple(item.word for item in unknown(line, self._speller, self._known))
            seen[line] = self._lines[line]
            found.update(dict.fromkeys(seen[line]))
        self._lines = seen
        return list(found)


def unknown(text: str, speller: Speller, known: Collection[str] = ()) -> list[Unknown]:
    """Words of a text that are in no dictionary, in order.

    Passed over: words with digits, links, `#` references, abbreviations in capitals, single letters, and `known`.
    """
    own = {part.casefold() for word in known for part in _WORD.findall(word)}
    blanked = _TOKEN.sub(_blanked, text)
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
