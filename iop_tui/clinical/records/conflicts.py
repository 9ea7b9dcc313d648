"""Two versions of one record, written on two devices that knew nothing of each other: a person decides, field by field.

What one side alone changed since their common ancestor is proposed; where both changed, nothing is chosen for anybody.
The version that results names all sides as its parents; what was not chosen stays one key away for good. A signed
document has no conflict: what was written elsewhere meanwhile is left behind it, and may become an addendum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from iop_tui.access import policy, roles
from iop_tui.access.primitives import put
from iop_tui.clinical.records import api as records
from iop_tui.kernel.declare import Document, DocumentType, FieldInfo, Widget, show_value
from iop_tui.kernel.errors import AlreadySigned, NeedsNewer, NotFound, Refused
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace

_ENTRY = "person"
_SHOWN_AS = "_name"
"""An id `clinician` is shown as `clinician_name`: whose name is chosen is who is chosen."""


@dataclass(frozen=True, slots=True)
class Side:
    """One version: who wrote it when, on which device, and what it says."""

    revision: bytes
    author: bytes
    author_name: str
    at_ms: int
    document: Document
    device: bytes = b""


@dataclass(frozen=True, slots=True)
class FieldChoice:
    """One field: what it said in the ancestor and says on each side. `proposed`: the side to take, None where a person
    must choose.
    """

    info: FieldInfo
    ancestor: str
    values: tuple[str, ...]
    proposed: int | None

    @property
    def same(self) -> bool:
        """Whether all sides say the same."""
        return len(set(self.values)) == 1


@dataclass(frozen=True, slots=True)
class Conflict:
    """A record with several open versions, ready to be shown side by side."""

    line: records.RecordLine
    kind: DocumentType[Document]
    ancestor: Side | None
    sides: tuple[Side, ...]
    fields: tuple[FieldChoice, ...]

    @property
    def open(self) -> tuple[FieldChoice, ...]:
        """Fields a person must decide."""
        return tuple(field for field in self.fields if field.proposed is None)


Write = Callable[[Workspace, records.RecordLine, tuple[bytes, ...], Document], Changes]
"""Writes a decided version of a record, given all versions as its parents."""


def conflict(ws: Workspace, record: bytes) -> Conflict:
    """The open versions of a record with their common ancestor; opening is logged.

    Raises `NotFound`, `AlreadySigned` for a signed document, `Refused` where there is nothing to decide, `NeedsNewer`.
    """
    line = records.line_of(ws, record)
    if line.status == "signed":
        raise AlreadySigned("A signed document is not merged.", "Write an addendum with what should be added.")
    rows = ws.view.rows("SELECT id FROM version WHERE record = ? AND leaf = 1 ORDER BY id", (record,))
    leaves = [row[0] for row in rows]
    if len(leaves) < 2:
        raise Refused("This record has one version; there is nothing to decide.")
    kind = ws.registry.get(line.kind)
    if kind is None or line.status == "newer":
        raise NeedsNewer("A version of this record needs a newer version of iop-tui.")
    _log(ws, line)
    sides = tuple(sorted((_side(ws, kind, leaf) for leaf in leaves), key=lambda side: (side.at_ms, side.revision)))
    common = _common(ws, record, leaves)
    ancestor = _side(ws, kind, common) if common is not None else None
    return Conflict(line, kind, ancestor, sides, _fields(kind, ancestor, sides))


def merge(
    ws: Workspace,
    record: bytes,
    chosen: Mapping[str, int],
    edited: Mapping[str, Any] | None = None,
    write: Write | None = None,
) -> Changes:
    """Write the version that a person decided: `chosen` names the side of a field, `edited` gives a field's own value.
    `write` does it for a kind with rules of its own about who writes it and how.

    Raises `Refused` naming the fields that nobody decided, or for a draft of somebody else; what `conflict` raises.
    """
    found, edited = conflict(ws, record), edited or {}
    if write is None and (why := not_yours(ws, found.line)):
        raise Refused(*why)
    undecided = [f.info.label for f in found.open if f.info.name not in chosen and f.info.name not in edited]
    if undecided:
        raise Refused(f"Both versions changed: {', '.join(undecided)}.", "Choose one for each, or write it anew.")
    document = found.kind.parse(_values(found, chosen, edited))
    if write is not None:
        return write(ws, found.line, tuple(side.revision for side in found.sides), document)
    row = ws.view.one("SELECT compartment, source FROM record WHERE record = ?", (record,))
    if row is None:
        raise NotFound
    work = ws.work()
    put(
        ws.session,
        work,
        row[0],
        found.kind,
        document,
        person=found.line.person,
        record=record,
        parents=tuple(side.revision for side in found.sides),
        source=row[1],
    )
    category = found.line.compartment_kind
    ws.session.note(work, "merge-versions", person=found.line.person, category=category, subject=record)
    return ws.commit(work)


def not_yours(ws: Workspace, line: records.RecordLine) -> tuple[str, str] | None:
    """Why this user may not decide between the versions of a record, with what to do; None where they may.

    A draft is its author's. A directory entry is whose office it is to change it; anything else is merged by who may
    write where it stands.
    """
    if line.status == "draft":
        mine = line.author == ws.user.user
        return None if mine else ("A draft is merged by its author.", f"Ask {line.author_name}.")
    if line.kind == _ENTRY:
        office = bool(roles.REGISTRARS & set(ws.user.roles))
        return None if office else ("Your role does not change directory entries.", "Ask the front desk.")
    place = line.compartment_kind
    writes = place != policy.Kind.SHARE and policy.best_cell(place, ws.user.roles) is policy.Cell.FULL
    if writes or line.author == ws.user.user:
        return None
    return "You may read this and not write it.", f"Ask {line.author_name}."


def left_behind(ws: Workspace, record: bytes) -> tuple[Side, ...]:
    """Versions written elsewhere that a signed document does not contain; opening is logged. Raises `NotFound`."""
    line = records.line_of(ws, record)
    kind = ws.registry.get(line.kind)
    row = ws.view.one("SELECT leaf FROM record WHERE record = ?", (record,))
    if line.status != "signed" or kind is None or row is None:
        return ()
    ids = {item[0] for item in ws.view.rows("SELECT id FROM version WHERE record = ?", (record,))}
    behind = sorted(ids - _ancestors(ws, row[0]))
    if behind:
        _log(ws, line)
    return tuple(_side(ws, kind, one) for one in behind)


def _log(ws: Workspace, line: records.RecordLine) -> None:
    work = ws.work()
    what = f"{line.kind} versions"
    ws.session.note(work, "read", person=line.person, category=line.compartment_kind, subject=line.id, detail=what)
    ws.commit(work)


def _side(ws: Workspace, kind: DocumentType[Document], revision: bytes) -> Side:
    body = ws.session.open_revision(revision).body
    document = kind.decode(body.payload, body.version)
    return Side(revision, body.author, ws.session.card(body.author).name, body.at_ms, document, body.device)


def _ancestors(ws: Workspace, revision: bytes) -> set[bytes]:
    """A version and all it comes from."""
    rows = ws.view.rows(
        "WITH RECURSIVE up (id) AS (SELECT ?1 UNION SELECT e.parent FROM edge e JOIN up ON e.child = up.id)"
        " SELECT id FROM up",
        (revision,),
    )
    return {row[0] for row in rows}


def _common(ws: Workspace, record: bytes, leaves: list[bytes]) -> bytes | None:
    """The newest version all leaves come from, or None."""
    shared = set.intersection(*(_ancestors(ws, leaf) for leaf in leaves))
    inner = {one for version in shared for one in _ancestors(ws, version) if one != version}
    rows = ws.view.rows("SELECT id FROM version WHERE record = ? ORDER BY at_ms DESC, id DESC", (record,))
    return next((row[0] for row in rows if row[0] in shared - inner), None)


def _fields(kind: DocumentType[Document], ancestor: Side | None, sides: tuple[Side, ...]) -> tuple[FieldChoice, ...]:
    found = []
    for info in kind.fields():
        if _follows(kind, info):
            continue
        values = [getattr(side.document, info.name) for side in sides]
        before = getattr(ancestor.document, info.name) if ancestor is not None else None
        changed = [place for place, value in enumerate(values) if ancestor is None or value != before]
        if all(value == values[0] for value in values):
            proposed: int | None = 0
        else:
            proposed = changed[0] if ancestor is not None and len(changed) == 1 else None
        shown = show_value(before) if ancestor is not None else ""
        found.append(FieldChoice(info, shown, tuple(show_value(value) for value in values), proposed))
    return tuple(found)


def _follows(kind: DocumentType[Document], info: FieldInfo) -> bool:
    """Whether a field is the id behind a name that is decided about."""
    return info.widget is Widget.HIDDEN and any(other.name == info.name + _SHOWN_AS for other in kind.fields())


def _values(found: Conflict, chosen: Mapping[str, int], edited: Mapping[str, Any]) -> dict[str, Any]:
    plain = [msgspec.to_builtins(side.document, str_keys=True) for side in found.sides]
    values: dict[str, Any] = {}
    followers = [info for info in found.kind.fields() if _follows(found.kind, info)]
    for info in followers:
        shown = next(field for field in found.fields if field.info.name == info.name + _SHOWN_AS)
        side = chosen.get(shown.info.name, shown.proposed)
        if side is None or not 0 <= side < len(plain):
            raise Refused(f"{shown.info.label} names somebody.", "Take one of the versions.")
        values[info.name] = plain[side][info.name]
    for field in found.fields:
        name = field.info.name
        side = chosen.get(name, field.proposed)
        if name in edited:
            values[name] = edited[name]
        elif side is not None and 0 <= side < len(plain):
            values[name] = plain[side][name]
        else:
            raise Refused(f"There is no version {side} of {field.info.label}.")
    return values
