"""Keeping the program's phrases: everybody in the program reads and writes them."""

from __future__ import annotations

from iop_tui.access.policy import Kind
from iop_tui.access.primitives import program_compartment, put
from iop_tui.clinical.notes.phrases import PHRASE, Phrase
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import RuleContext, Severity
from iop_tui.kernel.errors import NotFound, NotReady, Refused
from iop_tui.store.session import NOBODY
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace


def phrases(ws: Workspace, *, retired: bool = False) -> list[tuple[bytes, Phrase]]:
    """(record, phrase) by shortcut; those not offered any more, too, with `retired`."""
    rows = ws.view.rows(
        "SELECT record, doc, version FROM record WHERE kind = ? AND compartment = ? ORDER BY lower(title), record",
        (PHRASE.kind, program_compartment(ws.session, Kind.PROG)),
    )
    found = [(bytes(row[0]), PHRASE.decode(row[1], row[2])) for row in rows]
    return [item for item in found if retired or not item[1].retired]


def save(ws: Workspace, phrase: Phrase, *, record: bytes | None = None) -> tuple[bytes, Changes]:
    """Store a phrase or another version of one. Raises `NotReady`, `Refused` for a shortcut in use, `NotFound`."""
    phrase = signing.cleaned(PHRASE, phrase)
    found = PHRASE.findings(phrase, RuleContext(signing.today(ws)))
    refused = [item.message for item in found if item.severity is Severity.REFUSE]
    if refused:
        raise NotReady(refused[0], "Change the phrase, then save again.")
    _refuse_double(ws, phrase, record)
    parents: tuple[bytes, ...] = ()
    if record is not None:
        row = ws.view.one("SELECT leaf FROM record WHERE record = ? AND kind = ?", (record, PHRASE.kind))
        if row is None:
            raise NotFound
        parents = (bytes(row[0]),)
    work = ws.work()
    place = program_compartment(ws.session, Kind.PROG)
    written, _ = put(ws.session, work, place, PHRASE, phrase, person=NOBODY, record=record, parents=parents)
    ws.session.note(work, "write", category=Kind.PROG, subject=written, detail=PHRASE.kind)
    return written, ws.commit(work)


def _refuse_double(ws: Workspace, phrase: Phrase, record: bytes | None) -> None:
    wanted = (phrase.shortcut.casefold(), phrase.field)
    for other, item in phrases(ws):
        if other != record and (item.shortcut.casefold(), item.field) == wanted and not phrase.retired:
            raise Refused(f"The shortcut {phrase.shortcut} is in use.", "Choose another, or change that phrase.")
