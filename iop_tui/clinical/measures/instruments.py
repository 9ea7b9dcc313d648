"""The instruments whose scores are understood, from `data/instruments` (facts with their sources, no code).

Bands are aids, not diagnoses. LOINC is copyright Regenstrief Institute, Inc., available at no cost under the
licence at http://loinc.org/license.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

import msgspec


class Answer(msgspec.Struct, frozen=True):
    """One allowed answer of an item: LOINC answer code (where known), its value, its words."""

    code: str
    value: int
    text: str


class ItemFacts(msgspec.Struct, frozen=True):
    """One item: LOINC code, words, the name of its answer list, other wordings in use."""

    code: str
    text: str
    answers: str
    also: tuple[str, ...] = ()


class Instrument(msgspec.Struct, frozen=True):
    """One questionnaire: LOINC codes of its total and panels, range in points, bands as (lowest, name)."""

    name: str
    total: str
    panels: tuple[str, ...]
    low: int
    high: int
    bands: tuple[tuple[int, str], ...]
    source: str
    items: tuple[ItemFacts, ...]
    safety_item: str = ""
    unscored: tuple[str, ...] = ()

    def band(self, score: float | None) -> str:
        """The name of the band a score falls into; empty without a score or bands."""
        names = [name for lowest, name in self.bands if score is not None and score >= lowest]
        return names[-1] if names else ""

    def in_range(self, value: float) -> bool:
        """Whether a total is possible on this scale."""
        return self.low <= value <= self.high


class Catalogue(msgspec.Struct, frozen=True):
    """All instruments and answer lists."""

    answers: dict[str, tuple[Answer, ...]]
    instruments: tuple[Instrument, ...]

    def by_total(self, code: str) -> Instrument | None:
        """The instrument whose total has this LOINC code."""
        return next((each for each in self.instruments if each.total == code), None)

    def by_panel(self, code: str) -> Instrument | None:
        """The instrument whose panel has this LOINC code."""
        return next((each for each in self.instruments if code in each.panels), None)

    def item(self, code: str) -> ItemFacts | None:
        """The item with this LOINC code, from whichever instrument lists it first."""
        return next((item for each in self.instruments for item in each.items if item.code == code), None)

    def item_by_text(self, text: str) -> ItemFacts | None:
        """The item with these words, case and punctuation aside."""
        wanted = plain_words(text)
        return next(
            (
                item for each in self.instruments for item in each.items
                if wanted in {plain_words(known) for known in (item.text, *item.also)}
            ),
            None,
        )


def plain_words(text: str) -> str:
    """Letters and digits only, lower case: how texts are compared."""
    return re.sub(r"[^a-z0-9]+", "", text.lower())


@cache
def catalogue() -> Catalogue:
    """The shipped instruments, read once."""
    data = (files("iop_tui.data") / "instruments" / "instruments.json").read_bytes()
    return msgspec.json.decode(data, type=Catalogue)
