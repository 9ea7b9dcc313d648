"""Saved mappings of client lists, shared by the program under a name."""

from __future__ import annotations

from collections.abc import Mapping

from iop_tui.access.policy import Kind
from iop_tui.access.primitives import program_compartment, put
from iop_tui.clinical.imports.documents import IMPORT_MAPPING, ImportMapping
from iop_tui.clinical.imports.service import check_role
from iop_tui.kernel.errors import Refused
from iop_tui.kernel.text import clean_line
from iop_tui.store.session import NOBODY
from iop_tui.workspace import Workspace


def mappings(ws: Workspace) -> dict[str, ImportMapping]:
    """All saved mappings by name, each in its newest version."""
    rows = ws.view.rows("SELECT doc, version FROM record WHERE kind = ? ORDER BY changed_ms", (IMPORT_MAPPING.kind,))
    found = (IMPORT_MAPPING.decode(doc, version) for doc, version in rows)
    return {each.name.casefold(): each for each in found}


def columns_of(ws: Workspace, name: str) -> dict[str, str]:
    """Heading → field of a saved mapping. Raises `Refused` naming those that exist."""
    known = mappings(ws)
    found = known.get(clean_line(name).casefold())
    if found is None:
        names = ", ".join(each.name for each in known.values()) or "none yet"
        raise Refused("There is no saved mapping with this name.", f"Saved: {names}.")
    return {column.heading: column.field for column in found.columns}


def save(ws: Workspace, name: str, columns: Mapping[str, str]) -> bytes:
    """Keep a mapping under a name; one of that name gets a new version. The record's id. Raises `Refused`,
    `DocumentInvalid`, `RoleRefused`.
    """
    check_role(ws)
    shown = clean_line(name)
    if not shown or not columns:
        raise Refused("A mapping needs a name and at least one column.", "Add --save-mapping NAME to a list's import.")
    document = IMPORT_MAPPING.parse(
        {"name": shown, "columns": [{"heading": heading, "field": field} for heading, field in columns.items()]}
    )
    before = ws.view.one(
        "SELECT record, leaf FROM record WHERE kind = ? AND lower(title) = lower(?) ORDER BY changed_ms DESC LIMIT 1",
        (IMPORT_MAPPING.kind, shown),
    )
    work = ws.work()
    record, _ = put(
        ws.session, work, program_compartment(ws.session, Kind.PROG), IMPORT_MAPPING, document, person=NOBODY,
        record=bytes(before[0]) if before else None, parents=(bytes(before[1]),) if before else (), source="entered",
    )  # fmt: skip
    ws.session.note(work, "write", category=Kind.PROG, subject=record, detail=IMPORT_MAPPING.kind)
    ws.commit(work)
    return record
