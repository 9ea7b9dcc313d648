"""Rows and audit entries of a pack without what they repeat. Pure.

Format 1 wrote every row and entry with all its fields. Format 2 names records, places (compartment, generation, tag)
and sessions once, times as steps, and leaves out what equals the entry before. Nothing is compressed here: the same
rows must give the same bytes with every release of every library, since a pack is made again from its rows.
"""

from __future__ import annotations

from typing import TypeAlias, TypeVar

import msgspec

from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import VaultDamaged
from iop_tui.store.rows import EMPTY_DIGEST, RevisionRow

T = TypeVar("T")
FIRST, PRESENT = 1, 2
"""The formats of packs: every one is read, the present one is written."""
Place: TypeAlias = tuple[int, int, bytes]
_NONE = b"\0"
"""In the place of a digest: the empty one. An empty text: the same as in the entry before."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """An audit entry without what follows from the one before it: number, device and previous hash."""

    at_ms: int
    session: bytes
    changes: bytes
    state: bytes
    clean_close: bool
    sealed: bytes


class AuditPart(msgspec.Struct, frozen=True, array_like=True):
    """Consecutive entries of one device's log: what precedes them, and the entries."""

    first: int
    previous: bytes
    entries: tuple[Entry, ...]


class _Row(msgspec.Struct, frozen=True, array_like=True):
    """A revision of format 1; `stream` numbers its compartment in the pack's list."""

    id: bytes
    record: bytes
    stream: int
    generation: int
    tag: bytes
    deposit: bool
    sealed: bytes


class _Short(msgspec.Struct, frozen=True, array_like=True):
    """A revision of format 2: record and place by their numbers."""

    id: bytes
    record: int
    place: int
    deposit: bool
    sealed: bytes


class _Rows(msgspec.Struct, frozen=True, array_like=True):
    records: tuple[bytes, ...]
    places: tuple[Place, ...]
    rows: tuple[_Short, ...]


class _Step(msgspec.Struct, frozen=True, array_like=True):
    """An entry of format 2: milliseconds since the one before, the session by its number."""

    after_ms: int
    session: int
    changes: bytes
    state: bytes
    clean_close: bool
    sealed: bytes


class _Audit(msgspec.Struct, frozen=True, array_like=True):
    first: int
    previous: bytes
    sessions: tuple[bytes, ...]
    steps: tuple[_Step, ...]


def rows_section(rows: tuple[RevisionRow, ...], streams: tuple[bytes, ...], format_: int) -> bytes:
    """The bytes of the section `rows`, empty for none."""
    if not rows:
        return b""
    number = {compartment: at for at, compartment in enumerate(streams)}
    if format_ == FIRST:
        return encode(
            tuple(_Row(r.id, r.record, number[r.compartment], r.generation, r.tag, r.deposit, r.sealed) for r in rows)
        )
    records = {record: at for at, record in enumerate(dict.fromkeys(row.record for row in rows))}
    places = {place: at for at, place in enumerate(dict.fromkeys(_place(row, number) for row in rows))}
    short = tuple(_Short(r.id, records[r.record], places[_place(r, number)], r.deposit, r.sealed) for r in rows)
    return encode(_Rows(tuple(records), tuple(places), short))


def _place(row: RevisionRow, number: dict[bytes, int]) -> Place:
    return number[row.compartment], row.generation, row.tag


def read_rows(data: bytes, streams: tuple[bytes, ...], format_: int) -> tuple[RevisionRow, ...]:
    """The rows of a section. Raises `VaultDamaged`."""
    if not data:
        return ()
    try:
        if format_ == FIRST:
            return tuple(
                RevisionRow(r.id, r.record, _at(streams, r.stream), r.generation, r.tag, r.deposit, r.sealed)
                for r in decode(data, tuple[_Row, ...])
            )
        found = decode(data, _Rows)
        return tuple(_row(found, one, streams) for one in found.rows)
    except IndexError:
        raise VaultDamaged("A pack names a stream, record or place it does not list.") from None


def _row(found: _Rows, one: _Short, streams: tuple[bytes, ...]) -> RevisionRow:
    stream, generation, tag = _at(found.places, one.place)
    record = _at(found.records, one.record)
    return RevisionRow(one.id, record, _at(streams, stream), generation, tag, one.deposit, one.sealed)


def audit_section(part: AuditPart | None, format_: int) -> bytes:
    """The bytes of the section `audit`, empty for none."""
    if part is None:
        return b""
    if format_ == FIRST:
        return encode(part)
    sessions = {one: at for at, one in enumerate(dict.fromkeys(entry.session for entry in part.entries))}
    steps, at_ms, state = [], 0, b""
    for entry in part.entries:
        known = _NONE if entry.state == EMPTY_DIGEST else b"" if entry.state == state else entry.state
        changes = b"" if entry.changes == EMPTY_DIGEST else entry.changes
        steps.append(
            _Step(entry.at_ms - at_ms, sessions[entry.session], changes, known, entry.clean_close, entry.sealed)
        )
        at_ms = entry.at_ms
        state = state if entry.state == EMPTY_DIGEST else entry.state
    return encode(_Audit(part.first, part.previous, tuple(sessions), tuple(steps)))


def read_audit(data: bytes, format_: int) -> AuditPart | None:
    """The entries of a section. Raises `VaultDamaged`."""
    if not data:
        return None
    if format_ == FIRST:
        return decode(data, AuditPart)
    found = decode(data, _Audit)
    entries, at_ms, state = [], 0, b""
    for step in found.steps:
        at_ms += step.after_ms
        now = EMPTY_DIGEST if step.state == _NONE else step.state or state
        state = state if step.state == _NONE else now
        try:
            session = _at(found.sessions, step.session)
        except IndexError:
            raise VaultDamaged("A pack names a session it does not list.") from None
        entries.append(Entry(at_ms, session, step.changes or EMPTY_DIGEST, now, step.clean_close, step.sealed))
    return AuditPart(found.first, found.previous, tuple(entries))


def _at(listed: tuple[T, ...], place: int) -> T:
    """An item by its number, which is never counted from the end."""
    if place < 0:
        raise IndexError(place)
    return listed[place]
