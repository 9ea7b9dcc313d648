"""Labeled text: every paragraph says who spoke and, where it came from elsewhere, by which authorization (CR-5).

A joint text is plain text with marks at the start of lines:

    [J] Both described the week.
    [A>] "I kept the appointment."
    [A alone xc:<26 characters>] What A had said alone, by A's authorization of that id.

A mark counts for everything up to the next one. Text without a mark belongs to nobody, and rules refuse it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

WIDTH = 5
REFUSED_FROM = 8
"""Words in common, in runs of at least five, from which on two texts are the same text (program rule CR-5)."""
_MARK = re.compile(r"^[ \t]*\[(J|A>|B>|A alone|B alone|C|O)(?: xc:([a-z2-7]{26}))?\][ \t]*", re.MULTILINE)
_WORD = re.compile(r"\w+", re.UNICODE)


class Speaker(StrEnum):
    """Who spoke, and where: the value is the mark."""

    JOINT = "J"
    A_JOINT = "A>"
    B_JOINT = "B>"
    A_ALONE = "A alone"
    B_ALONE = "B alone"
    COLLATERAL = "C"
    OBSERVATION = "O"


NAMES = {
    Speaker.JOINT: "both, or observed with both present",
    Speaker.A_JOINT: "A in joint session",
    Speaker.B_JOINT: "B in joint session",
    Speaker.A_ALONE: "A alone",
    Speaker.B_ALONE: "B alone",
    Speaker.COLLATERAL: "collateral",
    Speaker.OBSERVATION: "therapist's observation",
}
ALONE = frozenset({Speaker.A_ALONE, Speaker.B_ALONE})


@dataclass(frozen=True, slots=True)
class Segment:
    """One marked piece of a text. `speaker` is None for text before the first mark."""

    speaker: Speaker | None
    text: str
    authorization: str = ""

    def written(self) -> str:
        """The piece with its mark."""
        if self.speaker is None:
            return self.text
        return f"[{self.speaker}{f' xc:{self.authorization}' if self.authorization else ''}] {self.text}"


@dataclass(frozen=True, slots=True)
class Label:
    """Where a text was written: part of the record, person, record, source of information, speaker."""

    kind: str
    person: bytes
    record: bytes
    source: str = ""
    speaker: str = ""

    def shown(self) -> str:
        """`client in session, A alone`."""
        return ", ".join(part for part in (self.source, self.speaker) if part) or "unlabeled"


@dataclass(frozen=True, slots=True)
class Clip:
    """Copied text with the label it carries wherever it is pasted."""

    text: str
    label: Label


def segments(text: str) -> tuple[Segment, ...]:
    """The marked pieces of a text, in order; empty pieces are left out."""
    marks = list(_MARK.finditer(text))
    first = text[: marks[0].start()] if marks else text
    found = [Segment(None, first.strip())]
    for place, mark in enumerate(marks):
        end = marks[place + 1].start() if place + 1 < len(marks) else len(text)
        found.append(Segment(Speaker(mark[1]), text[mark.end() : end].strip(), mark[2] or ""))
    return tuple(item for item in found if item.text)


def written(items: Iterable[Segment]) -> str:
    """The text of segments, one paragraph each."""
    return "\n".join(item.written() for item in items)


def words(text: str) -> list[str]:
    """Words, case folded, without punctuation and marks."""
    return [match[0].casefold() for match in _WORD.finditer(_MARK.sub("", text))]


def shingles(text: str) -> frozenset[tuple[str, ...]]:
    """Every run of five words of a text (Broder 1997)."""
    found = words(text)
    return frozenset(zip(*(found[start:] for start in range(WIDTH)), strict=False))


def overlap(text: str, known: frozenset[tuple[str, ...]]) -> int:
    """How many words of a text stand in runs of five or more that occur among `known` shingles."""
    found = words(text)
    covered = bytearray(len(found))
    for place in range(len(found) - WIDTH + 1):
        if tuple(found[place : place + WIDTH]) in known:
            covered[place : place + WIDTH] = b"\x01" * WIDTH
    return sum(covered)


def relabeled(text: str, speaker: Speaker, authorization: str) -> str:
    """A pasted text under one mark with the authorization that allows it, its own marks taken out."""
    plain = " ".join(_MARK.sub("", text).split())
    return Segment(speaker, plain, authorization).written()


def of_speakers(text: str, speakers: Sequence[Speaker]) -> str:
    """The segments of some speakers only."""
    return written(item for item in segments(text) if item.speaker in speakers)
