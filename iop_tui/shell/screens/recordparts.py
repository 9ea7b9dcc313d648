"""What stands above and below a record when it is read: plain lines, no widgets."""

from __future__ import annotations

from dataclasses import dataclass

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.notes import formats
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import PROGRESS_NOTE, ProgressNote
from iop_tui.clinical.people import service as people
from iop_tui.clinical.plans import printed
from iop_tui.clinical.plans.treatment import TreatmentPlan
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import versions
from iop_tui.clinical.signing.versions import Beside
from iop_tui.kernel.errors import NotFound
from iop_tui.ui.text.readview import HEADING
from iop_tui.workspace import Workspace

_WORDS = {
    "draft": ("unsigned draft", "warn"),
    "signed": ("signed", "text"),
    "newer": ("written by a newer program", "warn"),
}
Triple = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Opened:
    """A record and what is shown with it."""

    view: records.RecordView
    name: str
    addenda: tuple[records.RecordView, ...]
    own: bool
    beside: Beside
    is_late: bool
    shared: consents.SharedUnder | None = None


def open_record(ws: Workspace, record: bytes) -> Opened:
    """Read a record and its addenda; each is logged. Raises `NotFound`, `VaultDamaged`."""
    view = records.read(ws, record)
    addenda = (
        tuple(records.read(ws, line.id) for line in notes.addenda(ws, record)) if view.line.status == "signed" else ()
    )
    try:
        name = people.header(ws, view.line.person).name
    except NotFound:
        name = couples.names(ws).get(view.line.person, "")
    late = bool(charting.late_marks(ws, [view.line]))
    own = view.line.author == ws.user.user
    return Opened(view, name, addenda, own, versions.beside(ws, record), late, consents.shared_under(ws, record))


def lines(opened: Opened, form: str = formats.DEFAULT) -> list[Triple]:
    """The page: state, signatures, fields (of a progress note under the headings of `form`), corrections, addenda."""
    view = opened.view
    found: list[Triple] = [("", view.line.label, HEADING), *_state(opened)]
    found.append(("Written by", f"{view.line.author_name}{_when(view.line)}", "text"))
    found += [("Signed", _signature(item), "text") for item in view.signatures]
    found += [("Client signed", text, "text") for text in opened.beside.clients]
    if opened.addenda:
        found.append(("Addenda", f"{len(opened.addenda)}, at the end", "accent"))
    if view.source:
        found.append(("Source", view.source, "dim"))
    heading = "Content" if not opened.beside.amendments else "Content as it was signed"
    found += [("", heading, HEADING), *_body(view, form)]
    for title, text in opened.beside.amendments:
        found += [("", title, HEADING), ("", text, "text")]
    for item in opened.addenda:
        state = "" if item.line.status == "signed" else " (unsigned)"
        found.append(("", f"Addendum of {item.line.service_date} by {item.line.author_name}{state}", HEADING))
        found += [*_body(item), *(("Signed", _signature(each), "text") for each in item.signatures)]
    return found


def _state(opened: Opened) -> list[Triple]:
    """What a reader must know first."""
    line = opened.view.line
    word, tone = _WORDS.get(line.status, ("", "text"))
    found: list[Triple] = [("State", word, tone)] if word else []
    if opened.beside.void:
        found = [("State", "! VOID: withdrawn by its author, kept for the record", "danger")]
        found.append(("Withdrawn", opened.beside.void, "danger"))
    if opened.shared is not None:
        found.append(("Shared", f"{consents.wording.WATERMARK} Until {opened.shared.until[:10]}.", "warn"))
    if line.conflict:
        found.append(("State", "! two versions; one of them is shown, m decides", "danger"))
    if opened.beside.amendments:
        count = len(opened.beside.amendments)
        found.append(("Amended", f"{'once' if count == 1 else f'{count} times'}, see below; h compares", "warn"))
    if opened.is_late:
        found.append(("Late entry", "signed after the last day that the rule allows", "warn"))
    return found


def _when(line: records.RecordLine) -> str:
    return f", {line.service_date}" if line.service_date else ""


def _signature(item: records.SignatureView) -> str:
    return f"{item.name}, {item.role}, as {item.meaning}, by {item.method}, {item.at.replace('T', ' ').rstrip('Z')} UTC"


def _body(view: records.RecordView, form: str = formats.DEFAULT) -> list[Triple]:
    if view.document is None or view.type is None:
        return [("", "This program cannot show this kind of record yet.", "dim")]
    if isinstance(view.document, TreatmentPlan):
        return printed.lines(view.document)
    if isinstance(view.document, ProgressNote):
        return _note(view.document, form)
    return [(info.label, text, "text") for info, text in view.type.shown(view.document) if text]


def _note(note: ProgressNote, form: str) -> list[Triple]:
    """How the session was held, then the note's parts under the headings of a format."""
    shown = ((info, text) for info, text in PROGRESS_NOTE.shown(note) if text and info.name not in formats.ATOMS)
    found: list[Triple] = [(info.label, text, "text") for info, text in shown]
    for part in formats.sections(note, form):
        found.append(("", f"{part.letter}  {part.label}", HEADING))
        found += [(label, text, "text") for label, text in part.entries]
    return found
