"""From a record to a sheet: read (and logged) like on screen, with its signatures and its state."""

from __future__ import annotations

from iop_tui.clinical.people import api as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.records.api import RecordView
from iop_tui.clinical.signing.api import client_signatures, voided
from iop_tui.clinical.staff import api as staff
from iop_tui.interchange.prints.layout import Block, Form, Head, Sheet, blocks_of
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.errors import NotFound, Refused
from iop_tui.kernel.ids import show_id
from iop_tui.workspace import Workspace

_STATES = {"draft": "unsigned draft", "kept": "kept", "signed": "signed"}
_RECEIVED = "received"


def sheet_of(ws: Workspace, record: bytes, *, notices: tuple[str, ...] = ()) -> Sheet:
    """One record ready to be printed. Raises `NotFound`, `Refused` for what only a newer program can read,
    `VaultDamaged` where a signature does not verify.
    """
    view = records.read(ws, record)
    if view.document is None or view.type is None:
        raise Refused("This was written by a newer version of iop-tui.", "Install the current version, then print.")
    void = voided(ws, view.line.person).get(record, "")
    blocks = blocks_of(view.type, view.document)
    if void:
        blocks = (Block(Form.NOTE, "", (f"Withdrawn by its author: {void}.",)), *blocks)
    return Sheet(_head(ws, view, void, notices), blocks)


def _head(ws: Workspace, view: RecordView, void: str, notices: tuple[str, ...]) -> Head:
    name, born = _person(ws, view.line.person)
    signed = tuple(f"{item.name}, {item.role}, {item.at} ({item.meaning})" for item in view.signatures)
    signed += tuple(
        f"{each.name}, {each.signer}, {each.signed_on.isoformat() if each.signed_on else 'no date'} ({each.method})"
        for each in client_signatures(ws, view.line.id)
    )
    state = "as received" if view.source.startswith(_RECEIVED) else _STATES.get(view.line.status, view.line.status)
    return Head(
        person=name, born=born, program=staff.program_profile(ws).facility, label=view.line.label,
        state="withdrawn" if void else state, date=view.line.service_date,
        printed=f"Printed {local_date(ws.clock.now_ms()).isoformat()} by {ws.user.name}",
        reference=show_id(view.line.id), signed=signed, notices=notices,
    )  # fmt: skip


def _person(ws: Workspace, person: bytes) -> tuple[str, str]:
    """Name and birth date; nothing for records of several people, whose own text says who took part."""
    try:
        header = people.header(ws, person)
    except NotFound:
        return "", ""
    return header.name, header.birth_date
