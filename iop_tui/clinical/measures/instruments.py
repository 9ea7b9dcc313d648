"""The shipped questionnaires, from `data/instruments` (facts with their sources, no code), and what imports need.

Bands are aids, not diagnoses. LOINC is copyright Regenstrief Institute, Inc., available at no cost under the
licence at http://loinc.org/license.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

import msgspec

from iop_tui.clinical.measures.definition import Answer, Definition, Score


@cache
def shipped() -> dict[str, Definition]:
    """Every shipped definition by its id, in the order of their ids."""
    folder = files("iop_tui.data") / "instruments"
    found = [
        msgspec.json.decode(each.read_bytes(), type=Definition)
        for each in folder.iterdir() if each.name.endswith(".json")
    ]
    return {each.id: each for each in sorted(found, key=lambda each: each.id)}


@cache
def score_named(name: str) -> Score | None:
    """The shipped score of a name, as charts and trends store it: `PHQ-9`, `BAM Use`."""
    own = [each.total for each in shipped().values() if each.total is not None and each.total.name == name]
    others = (score for each in shipped().values() for score in each.scores if score.name == name)
    return own[0] if own else next(others, None)


def shipped_named(name: str) -> Definition | None:
    """The shipped definition of a name, else the one that has a score of this name."""
    named = next((each for each in shipped().values() if each.name == name), None)
    return named or next(
        (each for each in shipped().values() if any(score.name == name for score in each.scores)), None
    )


# -- what imports need: totals and items that carry LOINC codes ----------------------------------


class ItemFacts(msgspec.Struct, frozen=True):
    """One item: LOINC code, words, the name of its answer list, other wordings in use."""

    code: str
    text: str
    answers: str
    also: tuple[str, ...] = ()


class Instrument(msgspec.Struct, frozen=True):
    """One questionnaire with a LOINC total: codes of its total and panels, range in points, bands."""

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
    """What arrives from elsewhere is checked against: shipped questionnaires whose total has a LOINC code."""
    known = list(shipped().values())
    answers = {f"{each.id}:{name}": listed for each in known for name, listed in each.answers.items()}
    return Catalogue(answers, tuple(made for each in known if (made := _instrument(each)) is not None))


def _instrument(definition: Definition) -> Instrument | None:
    total = definition.total
    if total is None or not total.code:
        return None
    coded = [item for item in definition.items if item.code and item.text]
    safety = next((item.code for item in coded if item.id == definition.safety_item), "")
    return Instrument(
        definition.name, total.code, definition.panels, int(total.low), int(total.high),
        tuple((int(band.lowest), band.name) for band in total.bands), definition.source,
        tuple(
            ItemFacts(item.code, item.text, f"{definition.id}:{item.answers}", item.also)
            for item in coded if item.id in total.items
        ),
        safety, tuple(item.code for item in coded if item.id not in total.items),
    )  # fmt: skip
