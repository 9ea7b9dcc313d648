"""What an import takes in and what it reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol


class Item(Protocol):
    """One record as a reader of foreign files hands it over: mapped, sanitised, with the bytes as they came.

    `fingerprint_parts` identify the content, the first three of them (`identity`) the record whatever its version.
    `person_key` is the source's name for the person, `aliases` their identifiers as `system|value` (people only).
    `compartment` names the policy row the record belongs to; `vault` and `source_id` are set for what this program
    exported: the printed ids of its vault and of the record.
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
    @property
    def vault(self) -> str: ...
    @property
    def source_id(self) -> str: ...
    @property
    def source_type(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that was not taken: file, place in it, reason. Never a word of the record."""

    file: str
    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class RowLine:
    """What became of one row of a list: `created`, `matched` or `unchanged`, and what is to be looked at."""

    file: str
    place: str
    outcome: str
    remarks: tuple[str, ...] = ()


@dataclass(slots=True)
class Counts:
    """What an import did. Every record is created, matched (known before, newer now), unchanged or rejected.

    `kept` of them are stored verbatim without a mapping, `flagged` carry something that does not fit. `rows` are the
    people of client lists and address books, one by one.
    """

    created: int = 0
    matched: int = 0
    unchanged: int = 0
    kept: int = 0
    flagged: int = 0
    rejected: list[Refusal] = field(default_factory=list)
    rows: list[RowLine] = field(default_factory=list)
