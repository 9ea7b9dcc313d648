"""What an import takes in and what it reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol


class Item(Protocol):
    """One record as a reader of foreign files hands it over: mapped, sanitised, with the bytes as they came.

    `fingerprint_parts` identify the content, the first three of them (`identity`) the record whatever its version.
    `person_key` is the source's name for the person, `aliases` their identifiers as `system|value` (people only).
    `compartment` names the policy row the record belongs to.
    """

    @property
    def kind(self) -> str: ...
    @property
    def fields(self) -> dict[str, Any]: ...
    @property
    def person_key(self) -> str | None: ...
    @property
    def compartment(self) -> str: ...
    @property
    def fingerprint_parts(self) -> tuple[str, ...]: ...
    @property
    def identity(self) -> tuple[str, ...]: ...
    @property
    def flags(self) -> tuple[str, ...]: ...
    @property
    def file(self) -> str: ...
    @property
    def place(self) -> str: ...
    @property
    def raw(self) -> bytes: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...
    @property
    def kept(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that was not taken: file, place in it, reason. Never a word of the record."""

    file: str
    place: str
    reason: str


@dataclass(slots=True)
class Counts:
    """What an import did. Every record is created, matched (known before, newer now), unchanged or rejected.

    `kept` of them are stored verbatim without a mapping, `flagged` carry something that does not fit.
    """

    created: int = 0
    matched: int = 0
    unchanged: int = 0
    kept: int = 0
    flagged: int = 0
    rejected: list[Refusal] = field(default_factory=list)
