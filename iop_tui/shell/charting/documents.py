"""Writing any declared document from its declaration: form, journal, findings, signature."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import msgspec

from iop_tui.access.policy import AUTHOR_KINDS, Kind
from iop_tui.clinical.charting import lettering
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.letters.model import LETTER, TEMPLATES, Letter
from iop_tui.clinical.notes.starting import called
from iop_tui.clinical.people import api as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.sessions import service as sessions
from iop_tui.clinical.sessions.model import SESSION, Session
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.signing import service as signatures
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import Document, DocumentType, Finding, Severity, Widget
from iop_tui.kernel.errors import AlreadySigned, DocumentInvalid, NotFound, NotReady, Refused
from iop_tui.shell.charting.signing import findings_of, review_and_sign
from iop_tui.ui.forms.editpage import JournalForm, when
from iop_tui.ui.forms.review import SAID
from iop_tui.ui.text.readview import HEADING, ReadView
from iop_tui.workspace import Workspace, unsaved

HAND_WRITTEN = frozenset({Kind.IND, Kind.SUD, Kind.MED, Kind.CRISIS, *AUTHOR_KINDS})
"""Compartments that a clinician writes into."""
NOT_BY_HAND = frozenset({
    "received_note", "received", "received_goal", "received_plan", "encounter", "procedure", "addendum", "amendment",
    "void", "client_signature", "service_line", "plan_review", "partner_message", "safety_concern", "held_note",
    "record_request", "wizard_state", "report_file", "emergency_access", "emergency_review", "attachment",
})  # fmt: skip
"""Kinds that arrive, or that belong to another document."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A document to write on: whose, of which kind, which record, which journal slot, with which values."""

    person: bytes
    name: str
    kind: DocumentType[Any]
    record: bytes
    slot: bytes
    values: dict[str, Any]
    restored_at_ms: int = 0


def kinds(ws: Workspace) -> list[DocumentType[Any]]:
    """What a clinician may write into a chart, by name."""
    found = [kind for kind in ws.registry if kind.compartment in HAND_WRITTEN and kind.kind not in NOT_BY_HAND]
    return sorted(found, key=lambda kind: kind.label.lower())


def new_sheet(ws: Workspace, person: bytes, kind: str, template: str = "", consent: str = "") -> Sheet:
    """A new document, or the own unsigned one of that kind to go on with; a letter on the consent and to the recipient
    that `consent` names (`lettering.Allowed.key`). Raises `NoKey`, `NotFound`, `Refused`.
    """
    declared = ws.registry.need(kind)
    signing.place_for(ws, person, declared)
    draft = _draft_of(ws, person, kind) if declared.signable and not template else None
    if draft is not None:
        return draft_sheet(ws, draft)
    document = charting.begin(ws, person, declared, template)
    if isinstance(document, Letter):
        chosen = next((item for item in lettering.need(ws, person) if item.key == consent), None)
        document = lettering.on_consent(document, chosen, ws) if chosen else document
    values = msgspec.to_builtins(document)
    return Sheet(person, called(people.header(ws, person)), declared, b"", ws.rng.token(16), values)


def _draft_of(ws: Workspace, person: bytes, kind: str) -> bytes | None:
    row = ws.view.one(
        "SELECT record FROM record WHERE person = ? AND kind = ? AND +status = 'draft' AND author = ?"
        f" AND record NOT IN {signatures.VOIDED} ORDER BY changed_ms DESC LIMIT 1",
        (person, kind, ws.user.user),
    )
    return bytes(row[0]) if row else None


def draft_sheet(ws: Workspace, record: bytes) -> Sheet:
    """An own document to go on with: an unsigned one, or one that is never signed; with what was typed and not saved.

    Raises `AlreadySigned`, `Refused`, `NotFound`.
    """
    view = records.read(ws, record)
    line = view.line
    if line.status == "signed":
        raise AlreadySigned(f"This {line.label.lower()} is signed.", "Correct it with c.")
    if line.author != ws.user.user or view.document is None or view.type is None:
        raise Refused(f"This {line.label.lower()} belongs to its author.", "Write one of your own.")
    slot, kept = next(
        ((slot, item) for slot, item in unsaved.kept(ws).items() if item.record == record), (record, None)
    )
    document = view.document
    if isinstance(document, Session):
        document = sessions.as_planned(ws, record, document)  # the front desk may have moved it
    values = {**msgspec.to_builtins(document), **(_fields(kept) if kept else {})}
    name = called(people.header(ws, line.person))
    return Sheet(line.person, name, view.type, record, slot, values, kept.at_ms if kept else 0)


def _fields(kept: unsaved.Unsaved) -> dict[str, Any]:
    return {name: value for name, value in kept.fields.items() if not name.startswith("$")}


def restored_sheet(ws: Workspace, slot: bytes) -> Sheet:
    """Unsaved text of any kind without a screen of its own. Raises `NotFound` where it was saved or given up."""
    kept = unsaved.kept(ws).get(slot)
    if kept is None:
        raise NotFound
    kind = str(kept.fields.get(unsaved.KIND, ""))
    declared = ws.registry.need(kind)
    if kept.record:
        return draft_sheet(ws, kept.record)
    name = called(people.header(ws, kept.person))
    return Sheet(kept.person, name, declared, b"", slot, _fields(kept), kept.at_ms)


# -- the screen ----------------------------------------------------------------------------


def findings_lines(found: Sequence[Finding]) -> list[tuple[str, str, str]]:
    """What the rules say, for the pane beside the form."""
    head: list[tuple[str, str, str]] = [("", "Before signing", HEADING)]
    for severity, (word, tone) in SAID.items():
        texts = [f"{word}: {item.message}" for item in found if item.severity is severity]
        head += [("", "\n".join(texts), tone)] if texts else []
    return head + ([] if found else [("", "Nothing is missing.", "text")])


class DocumentEditor(JournalForm):
    """Any declared document: the form of its fields, beside it (110 columns and more) what is missing."""

    heading = "Document"
    places = ("entry", "document", "form")
    journal = unsaved
    with_side = True
    commands: ClassVar[Sequence[tuple[str, str]]] = (
        ("s", "save"), ("i", "go on"), ("r", "review, sign"), ("d", "discard"), ("q", "leave"),
    )  # fmt: skip

    def __init__(self, ws: Workspace, sheet: Sheet) -> None:
        self.sheet = sheet
        today = local_date(ws.clock.now_ms())
        super().__init__(self.fields_shown(), sheet.values, today=today, first=_first(sheet))

    def fields_shown(self) -> Sequence[Any]:
        """The fields of the form."""
        return self.sheet.kind.fields()

    def named(self) -> str:
        """What the title line says."""
        return f"{self.sheet.kind.label}: {self.sheet.name}"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what is signed is reviewed."""
        if action == "review" and not self.sheet.kind.signable:
            return False
        return super().check_action(action, parameters)

    def on_mount(self) -> None:
        """Say what it is and whose."""
        super().on_mount()
        sheet = self.sheet
        stage = "unsaved text restored" if sheet.restored_at_ms else "draft" if sheet.record else "new"
        self.retitle(self.named(), stage)
        if sheet.restored_at_ms:
            self.app.notify("Your unsaved text is back. Save it, or discard it from the command row.")
        self._look()

    # -- the journal -----------------------------------------------------------------------------

    def slot(self) -> bytes:
        """The sheet's."""
        return self.sheet.slot

    def held(self, values: dict[str, Any], at_ms: int) -> unsaved.Unsaved:
        """The fields, and what they belong to."""
        return unsaved.Unsaved(
            self.sheet.person, self.sheet.record, {**values, unsaved.KIND: self.sheet.kind.kind}, at_ms
        )

    def kept(self) -> None:
        """Say when; the findings follow."""
        super().kept()
        self._look()

    # -- findings --------------------------------------------------------------------------------

    def _look(self) -> None:
        if self.has_class("-wide"):
            self.start(self._show_findings, group="findings", exclusive=True)

    def on_resize(self) -> None:
        """The pane beside the form may appear."""
        self.call_after_refresh(self._look)

    async def _show_findings(self) -> None:
        document = self.parsed()
        if document is not None:
            sheet = self.sheet
            found = await self.desk.read(charting.findings, sheet.person, sheet.kind, document, sheet.record)
            self.query_one(".side", ReadView).show((), findings_lines(found))

    def parsed(self) -> Document | None:
        """The document as it stands, or None while something cannot be read."""
        try:
            document: Document = self.sheet.kind.parse(declared_only(self.sheet.kind, self.form.values()))
        except DocumentInvalid:
            return None
        return document

    # -- saving ----------------------------------------------------------------------------------

    async def save(self, values: dict[str, Any]) -> bool:
        """A version; what is never signed is finished with it."""
        sheet = self.sheet
        document = sheet.kind.parse(declared_only(sheet.kind, values))
        try:
            saved = await self.desk.write(store, sheet, document)
        except NotReady:
            self._mark(await self.desk.read(charting.findings, sheet.person, sheet.kind, document, sheet.record))
            raise
        self.sheet = replace(sheet, record=saved.record)
        self.saved_now()
        if sheet.kind.signable:
            self._look()
            return False
        self.app.notify(" ".join(["Saved.", *(item.message for item in saved.findings)]))
        return True

    def saved_now(self) -> None:
        """Say when."""
        self.stored()
        self.retitle(context="draft" if self.sheet.kind.signable else "saved")
        self.shell.set_status("draft", f"saved {when(self.desk.subject.clock.now_ms)}")

    def _mark(self, found: Iterable[Finding]) -> None:
        refused = [item for item in found if item.severity is Severity.REFUSE and item.field]
        if refused:
            self.form.show_errors({item.field: item.message for item in reversed(refused)})

    def action_review(self) -> None:
        """Save, say what is missing, sign."""
        self.start(self._review, group="save")

    async def _review(self) -> None:
        with self.shell.holding():
            if not await self._save():
                return
        what = f"{self.sheet.kind.label.lower()} of {self.sheet.name}"
        if await review_and_sign(self, [(self.sheet.record, what)]):
            self._done = True
            self.shell.set_status("draft", "")
            self.go("back")
        else:
            self._mark(await self.desk.read(findings_of, self.sheet.record))


def store(ws: Workspace, sheet: Sheet, document: Document) -> signing.Saved:
    """Save what a sheet holds, by the rules of its kind."""
    record = sheet.record or None
    if sheet.kind.kind == SESSION.kind and isinstance(document, SESSION.struct):
        return sessions.schedule(ws, sheet.person, document, record=record, slot=sheet.slot)
    return charting.save(ws, sheet.person, sheet.kind, document, record=record, slot=sheet.slot)


def declared_only(kind: DocumentType[Any], values: dict[str, Any]) -> dict[str, Any]:
    """The fields that the kind declares."""
    return {name: values[name] for name in kind.struct.__struct_fields__ if name in values}


def _first(sheet: Sheet) -> str:
    """Where to begin: the first field that waits for an answer."""
    shown = [info for info in sheet.kind.fields() if info.widget is not Widget.HIDDEN]
    waiting = [info.name for info in shown if info.required and sheet.values.get(info.name) in (None, "", [], ())]
    return (waiting or [shown[0].name])[0]


def templates(kind: str) -> tuple[str, ...]:
    """Templates that a kind is begun from."""
    return TEMPLATES if kind == LETTER.kind else ()
