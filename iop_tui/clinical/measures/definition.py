"""What a questionnaire is, as data: items, answers, skips, scores with bands, flags, change rules, licence, codes.

Nothing here knows a particular questionnaire. Shipped definitions lie in `data/instruments`; a clinic loads its own
file of the same form. Bands and flags are aids, not diagnoses. Pure.
"""

from __future__ import annotations

import math
from typing import Annotated, TypeAlias

import msgspec

SHIPPED, CLINIC = "shipped", "clinic"
"""Where item texts come from: with the program, or from the clinic's own file (wording or licence not free)."""
LOWER, HIGHER, NEITHER = "lower", "higher", "neither"
"""Which direction of a score is better."""
MOST_ITEMS, MOST_ANSWERS = 200, 12
_Id: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]
_Line: TypeAlias = Annotated[str, msgspec.Meta(max_length=200)]
_Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=2000)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the parts: immutable, unknown names refused."""


class Answer(_Part, frozen=True, kw_only=True):
    """One allowed answer: its value, its words, its LOINC answer code where one is known."""

    value: int
    text: _Line = ""
    code: str = ""


class Item(_Part, frozen=True, kw_only=True):
    """One question. `label` is a short topic in the program's own words, for charts; `text` the question itself."""

    id: _Id
    answers: str
    text: _Text = ""
    label: _Line = ""
    code: str = ""
    also: tuple[str, ...] = ()


class Clause(_Part, frozen=True, kw_only=True):
    """A condition on answers or on a score.

    On `items`: their sum, or with `counting` how many of them have at least that value. On `score`: its value.
    It holds when the number lies between `at_least` and `at_most`; never while an answer it needs is missing.
    """

    items: tuple[str, ...] = ()
    score: str = ""
    counting: int | None = None
    at_least: float | None = None
    at_most: float | None = None


class Skip(_Part, frozen=True, kw_only=True):
    """Items that are not asked, and count 0, when every clause holds."""

    when: tuple[Clause, ...]
    skip: tuple[str, ...]


class Band(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The name of a range of a score, from its lowest value on."""

    lowest: float
    name: str


class Score(_Part, frozen=True, kw_only=True):
    """A number made of items: the sum (or mean) of their values, reversed where named, times a factor.

    `positive_from` and `positive_below` are screening cut-offs; `by_sex` replaces the first where sex matters.
    `impute` allows that many missing items to count as the mean of the others; 0 means no total without all of them.
    """

    id: _Id = "total"
    name: _Line
    items: tuple[str, ...] = ()
    reverse: tuple[str, ...] = ()
    mean: bool = False
    times: float = 1
    low: float
    high: float
    bands: tuple[Band, ...] = ()
    code: str = ""
    positive_from: float | None = None
    positive_below: float | None = None
    by_sex: dict[str, float] = msgspec.field(default_factory=dict)
    impute: int = 0
    better: str = LOWER
    unit: str = "{score}"
    source: _Text = ""

    def band(self, value: float | None) -> str:
        """The name of the band a value falls into; empty without a value or bands."""
        names = [band.name for band in self.bands if value is not None and value >= band.lowest]
        return names[-1] if names else ""

    def positive(self, value: float | None, sex: str = "") -> bool | None:
        """Whether a value reaches the cut-off; None without a value or a cut-off. Unknown sex takes the lower one."""
        if value is None:
            return None
        if self.by_sex:
            return value >= self.by_sex.get(sex, min(self.by_sex.values()))
        if self.positive_from is not None:
            return value >= self.positive_from
        return value < self.positive_below if self.positive_below is not None else None


class Flag(_Part, frozen=True, kw_only=True):
    """Something to look at when every clause holds. `safety` leads to the safety plan."""

    id: _Id
    message: _Text
    when: tuple[Clause, ...]
    safety: bool = False
    source: _Text = ""


class Level(_Part, frozen=True, kw_only=True):
    """A triage level without a sum: the first whose any group of clauses holds.

    `action` levels cannot be completed before a safety action is recorded.
    """

    name: _Line
    any: tuple[tuple[Clause, ...], ...]
    safety: bool = False
    action: bool = False


class ChangeRule(_Part, frozen=True, kw_only=True):
    """When a difference between two scores means something.

    `points` directly, or from `sd` and `alpha` as reliable change index 1.96 * sd * sqrt(2 * (1 - alpha));
    `percent` of the first score towards better; `below` and `from_` (at or above) mark crossing a line for the better.
    """

    rule: _Line
    score: str = "total"
    points: float | None = None
    sd: float | None = None
    alpha: float | None = None
    percent: float | None = None
    below: float | None = None
    reaches: float | None = None
    source: _Text = ""

    def needed(self) -> float | None:
        """The difference in points that this rule asks for; None where it asks for something else."""
        if self.points is not None:
            return self.points
        if self.sd is not None and self.alpha is not None:
            return round(1.96 * self.sd * math.sqrt(2 * (1 - self.alpha)), 4)
        return None


class Definition(_Part, frozen=True, kw_only=True):
    """One questionnaire. `protected` ones belong to the author's compartment that nobody else opens."""

    id: _Id
    name: _Line
    title: _Line = ""
    version: _Line = "1"
    period: _Line = ""
    stem: _Text = ""
    texts: str = CLINIC
    licence: _Text
    credit: _Text = ""
    source: _Text = ""
    panels: tuple[str, ...] = ()
    answers: dict[str, tuple[Answer, ...]] = msgspec.field(default_factory=dict)
    items: tuple[Item, ...] = ()
    skips: tuple[Skip, ...] = ()
    scores: tuple[Score, ...] = ()
    flags: tuple[Flag, ...] = ()
    levels: tuple[Level, ...] = ()
    changes: tuple[ChangeRule, ...] = ()
    cadence_days: int | None = None
    protected: bool = False
    safety_item: str = ""

    @property
    def total(self) -> Score | None:
        """The score that stands for the questionnaire: the only one, or the one called total."""
        if len(self.scores) == 1:
            return self.scores[0]
        return next((score for score in self.scores if score.id == "total"), None)

    @property
    def has_texts(self) -> bool:
        """Whether a form can show every question."""
        return bool(self.items) and all(item.text for item in self.items)

    def item(self, identifier: str) -> Item:
        """An item by its id. Raises `KeyError`."""
        for item in self.items:
            if item.id == identifier:
                return item
        raise KeyError(identifier)

    def values(self, item: Item) -> tuple[int, ...]:
        """The values an item allows."""
        return tuple(answer.value for answer in self.answers[item.answers])

    def score(self, identifier: str) -> Score | None:
        """A score by its id."""
        return next((score for score in self.scores if score.id == identifier), None)
