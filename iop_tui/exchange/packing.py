"""Rows and audit entries of a pack without what they repeat. Pure.

Format 1 wrote every row and entry with all its fields. Format 2 names records, places (compartment, generation, tag)
and sessions once, times as steps, and leaves out what equals the entry before. Format 3 names the row that another one
is stored against by its place in the pack, and instead of an entry's digest of what it changed the rows it is the
digest of, where they are in the pack: a reader computes it from them. Nothing is compressed here: the same rows must
give the same bytes with every release of every library, since a pack is made again from its rows.
"""

from __future__ import annotations

from typing import TypeAlias, TypeVar

import msgspec

from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import VaultDamaged
from iop_tui.store.revisions import base_of
from iop_tui.store.rows import EMPTY_DIGEST, RevisionRow, changes_digest

T = TypeVar("T")
FIRST, SECOND, PRESENT = 1, 2, 3
"""The formats of packs: every one is read, the present one is written."""
Place: TypeAlias = tuple[int, int, bytes]
_DEPOSIT, _AGAINST, _BASE_AT = 1, 2, 2
_LONGEST_RUN, _MOST_ROWS = 16, 4096
"""Writes of more rows, and packs of more rows (one large write), keep their digests: they weigh nothing there."""
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


class _Brief(msgspec.Struct, frozen=True, array_like=True):
    """A revision of format 3. `how`: 0, 1 for a deposit, 2 and more for one stored against row `how - 2`, whose id is
    left out of `sealed`.
    """

    id: bytes
    record: int
    place: int
    how: int
    sealed: bytes


class _BriefRows(msgspec.Struct, frozen=True, array_like=True):
    records: tuple[bytes, ...]
    places: tuple[Place, ...]
    rows: tuple[_Brief, ...]


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
    if format_ == SECOND:
        short = tuple(_Short(r.id, records[r.record], places[_place(r, number)], r.deposit, r.sealed) for r in rows)
        return encode(_Rows(tuple(records), tuple(places), short))
    ids = {row.id: at for at, row in reversed(list(enumerate(rows)))}
    brief = tuple(_brief(row, records[row.record], places[_place(row, number)], ids) for row in rows)
    return encode(_BriefRows(tuple(records), tuple(places), brief))


def _brief(row: RevisionRow, record: int, place: int, ids: dict[bytes, int]) -> _Brief:
    base = base_of(row)
    if not base or base not in ids:
        return _Brief(row.id, record, place, int(row.deposit), row.sealed)
    sealed = row.sealed[:_BASE_AT] + row.sealed[_BASE_AT + len(base) :]
    return _Brief(row.id, record, place, ids[base] + _AGAINST, sealed)


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
        if format_ == SECOND:
            found = decode(data, _Rows)
            return tuple(_row(found.records, found.places, one, streams) for one in found.rows)
        return _read_brief(decode(data, _BriefRows), streams)
    except IndexError:
        raise VaultDamaged("A pack names a stream, record or place it does not list.") from None


def _row(
    records: tuple[bytes, ...], places: tuple[Place, ...], one: _Short, streams: tuple[bytes, ...]
) -> RevisionRow:
    stream, generation, tag = _at(places, one.place)
    record = _at(records, one.record)
    return RevisionRow(one.id, record, _at(streams, stream), generation, tag, one.deposit, one.sealed)


def _read_brief(found: _BriefRows, streams: tuple[bytes, ...]) -> tuple[RevisionRow, ...]:
    rows = []
    for one in found.rows:
        sealed = one.sealed
        if one.how >= _AGAINST:
            sealed = sealed[:_BASE_AT] + _at(found.rows, one.how - _AGAINST).id + sealed[_BASE_AT:]
        short = _Short(one.id, one.record, one.place, one.how == _DEPOSIT, sealed)
        rows.append(_row(found.records, found.places, short, streams))
    return tuple(rows)


def audit_section(part: AuditPart | None, format_: int, rows: tuple[RevisionRow, ...] = ()) -> bytes:
    """The bytes of the section `audit`, empty for none; `rows` are the revisions of the same pack."""
    if part is None:
        return b""
    if format_ == FIRST:
        return encode(part)
    sessions = {one: at for at, one in enumerate(dict.fromkeys(entry.session for entry in part.entries))}
    steps, at_ms, state = [], 0, b""
    runs, place = (_runs(rows), 0) if format_ > SECOND else ({}, 0)
    for entry in part.entries:
        known = _NONE if entry.state == EMPTY_DIGEST else b"" if entry.state == state else entry.state
        changes = b"" if entry.changes == EMPTY_DIGEST else entry.changes
        if changes in runs:
            start, count = runs[changes]
            changes, place = _run_code(start, count, place), start + count
        steps.append(
            _Step(entry.at_ms - at_ms, sessions[entry.session], changes, known, entry.clean_close, entry.sealed)
        )
        at_ms = entry.at_ms
        state = state if entry.state == EMPTY_DIGEST else entry.state
    return encode(_Audit(part.first, part.previous, tuple(sessions), tuple(steps)))


def _runs(rows: tuple[RevisionRow, ...]) -> dict[bytes, tuple[int, int]]:
    """Digests of a few consecutive rows, as a write brings them: where they begin and how many they are."""
    digests = [row.digest() for row in rows] if len(rows) <= _MOST_ROWS else []
    return {
        changes_digest(digests[start : start + count]): (start, count)
        for count in range(_LONGEST_RUN, 0, -1)
        for start in range(len(digests) - count, -1, -1)
    }


def _run_code(start: int, count: int, expected: int) -> bytes:
    """The rows an entry brought: one byte where they follow those of the entry before."""
    return bytes((count,)) if start == expected else start.to_bytes(4, "big") + bytes((count,))


def _read_run(code: bytes, digests: list[bytes], expected: int) -> tuple[bytes, int]:
    """The digest of the rows that are meant, and the place behind them."""
    start = expected if len(code) == 1 else int.from_bytes(code[:4], "big")
    end = start + code[-1]
    if len(code) not in (1, 5) or not start < end <= len(digests):
        raise VaultDamaged("A pack names rows of an entry that it does not hold.")
    return changes_digest(digests[start:end]), end


def read_audit(data: bytes, format_: int, rows: tuple[RevisionRow, ...] = ()) -> AuditPart | None:
    """The entries of a section; `rows` are the revisions of the same pack. Raises `VaultDamaged`."""
    if not data:
        return None
    if format_ == FIRST:
        return decode(data, AuditPart)
    found = decode(data, _Audit)
    entries, at_ms, state, place = [], 0, b"", 0
    digests = [row.digest() for row in rows] if format_ > SECOND else []
    for step in found.steps:
        at_ms += step.after_ms
        now = EMPTY_DIGEST if step.state == _NONE else step.state or state
        state = state if step.state == _NONE else now
        try:
            session = _at(found.sessions, step.session)
        except IndexError:
            raise VaultDamaged("A pack names a session it does not list.") from None
        changes = step.changes or EMPTY_DIGEST
        if format_ > SECOND and len(changes) != len(EMPTY_DIGEST):
            changes, place = _read_run(changes, digests, place)
        entries.append(Entry(at_ms, session, changes, now, step.clean_close, step.sealed))
    return AuditPart(found.first, found.previous, tuple(entries))


def _at(listed: tuple[T, ...], place: int) -> T:
    """An item by its number, which is never counted from the end."""
    if place < 0:
        raise IndexError(place)
    return listed[place]
