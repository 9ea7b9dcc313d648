"""One key in every editor and reader: who could read this line, and who would get it if they asked today.

`spot_of` finds out what a page shows or writes and where its cursor stands. A new editor or reader is registered here;
the test that walks all of them says so otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import singledispatch
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widget import Widget

from iop_tui.access import charts
from iop_tui.access.policy import Kind
from iop_tui.clinical.attachments import api as attachments
from iop_tui.clinical.consents import drafting, places
from iop_tui.clinical.consents.model import CONSENT, Consent
from iop_tui.clinical.consents.screens import ConsentEditor
from iop_tui.clinical.measures.screens.answering import KIND as MEASURE
from iop_tui.clinical.measures.screens.answering import Answering
from iop_tui.clinical.measures.screens.charts import MeasureCharts
from iop_tui.clinical.notes.screens.writing import Writing
from iop_tui.clinical.people.model import PERSON
from iop_tui.clinical.people.screens import PersonEditor
from iop_tui.clinical.plans.screens import PlanEditor, PlanReview
from iop_tui.clinical.plans.screens.treepage import TreePage
from iop_tui.clinical.relapse.screens import DrillPage, RelapsePage
from iop_tui.clinical.restrictions.model import RESTRICTION
from iop_tui.clinical.restrictions.screens import RestrictionEditor
from iop_tui.clinical.safety.plan import SAFETY_PLAN
from iop_tui.clinical.sessions.model import APPOINTMENT
from iop_tui.clinical.sessions.screens import TimeEditor
from iop_tui.clinical.toxicology.screens import KIND as FOLLOWBACK
from iop_tui.clinical.toxicology.screens import FollowbackPage
from iop_tui.clinical.wizards import catalog
from iop_tui.kernel.errors import DocumentInvalid, IopError, NoKey
from iop_tui.shell.attaching.form import AttachForm
from iop_tui.shell.care.glass import AccessPage, GlassPage
from iop_tui.shell.charting.clientsign import ClientSigns
from iop_tui.shell.charting.corrections import CorrectionEditor
from iop_tui.shell.charting.documents import DocumentEditor
from iop_tui.shell.charting.profiles import ProfileEditor
from iop_tui.shell.charting.supervision import CosignPage
from iop_tui.shell.charting.versions import Versions
from iop_tui.shell.couples.editor import PartnerSigns
from iop_tui.shell.couples.guidepage import GuidePage
from iop_tui.shell.exchange.merging import Merge
from iop_tui.shell.explaining import Spot, Triple, Where, answered
from iop_tui.shell.screens.record import RecordPage
from iop_tui.ui.forms.answers import AnswerField
from iop_tui.ui.forms.fields import LineInput, ValueField
from iop_tui.ui.forms.form import FieldRow, Form
from iop_tui.ui.frame.bars import Bar
from iop_tui.ui.frame.titleline import TitleLine
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.text.editor import NoteText
from iop_tui.ui.text.readview import ReadView
from iop_tui.workspace import Workspace

if TYPE_CHECKING:
    from iop_tui.shell.app import IopApp


async def show(app: IopApp) -> None:
    """Answer for the line under the cursor of the page in front."""
    spot = spot_of(app.screen)
    if spot is None:
        app.notify("Open a record or an editor first, then ask who could read it.", severity="warning")
        return
    try:
        lines = await app.desk.read(answered, spot)
    except IopError as error:
        app.notify(f"{error.message} {error.hint}".strip(), severity="error")
        return
    await app.push_screen(WhoScreen(f"{spot.label}: {spot.name}" if spot.name else spot.label, lines))


class WhoScreen(ModalScreen[None]):
    """The answer, over the whole screen; the key that opened it closes it."""

    DEFAULT_CSS = "WhoScreen { background: $kit-ground; align: left top; layout: vertical; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,left,w,ctrl+r", "cancel", "Back", show=False)]

    def __init__(self, context: str, lines: list[Triple]) -> None:
        super().__init__()
        self._asked_of, self._answer = context, lines

    def compose(self) -> ComposeResult:
        """Title, answer, how to go back."""
        yield TitleLine("Who could read this?", self._asked_of)
        yield ReadView()
        yield Bar([("Esc", "bar_key"), (" back   ", "bar"), ("PgDn", "bar_key"), (" more", "bar")])

    def on_mount(self) -> None:
        """Write it."""
        view = self.query_one(ReadView)
        view.show((), self._answer)
        view.focus()

    def action_cancel(self) -> None:
        """Back to the line."""
        self.dismiss(None)


# -- what a page shows or writes ---------------------------------------------------------------


@singledispatch
def spot_of(page: object) -> Spot | None:
    """What a page is about; None for pages that neither read nor write a document."""
    del page
    return None


@spot_of.register
def _(page: RecordPage) -> Spot:
    view = page.opened.view
    return Spot(view.line.label, page.opened.name, view.line.kind, view.line.person, view.line.id)


@spot_of.register
def _(page: CosignPage) -> Spot:
    request = page.shown.request
    return Spot(request.label, request.author_name, page.shown.type.kind, request.person, request.record)


@spot_of.register
def _(page: Versions) -> Spot | None:
    row = page.query_one(RecordList).row
    return Spot(row.title, "this version", record=row.record) if row is not None else None


@spot_of.register
def _(page: RelapsePage) -> Spot:
    return Spot("Relapse plan", kind="relapse_plan", person=page.person, record=page.held_record)


@spot_of.register
def _(page: MeasureCharts) -> Spot | None:
    record = page.record_at_cursor
    return Spot("Measure", kind=MEASURE, person=page.person, record=record) if record else None


@spot_of.register
def _(page: Writing) -> Spot:
    note, kind = page.note, page.kind
    spot = Spot(kind.label, note.name, kind.kind, note.person, page.record, writing=True)
    beside = bool(page.record) and page.record == note.record and not note.stored
    return _in_form(page.form, replace(spot, beside=beside), page.written_in)


@spot_of.register
def _(page: DocumentEditor) -> Spot:
    sheet = page.sheet
    spot = Spot(sheet.kind.label, sheet.name, sheet.kind.kind, sheet.person, sheet.record, writing=True)
    return _in_form(page.form, spot, page.written_in)


@spot_of.register
def _(page: CorrectionEditor) -> Spot:
    sheet, record = page.sheet, page.sheet.record
    label = f"Correction of the {page.given.of.label.lower()}"
    spot = Spot(label, sheet.name, page.given.of.kind, sheet.person, record or page.given.target, not record, True)
    return _in_form(page.form, spot, page.written_in)


@spot_of.register
def _(page: ProfileEditor) -> Spot:
    kind = page.sheet.kind
    return _in_form(page.form, Spot(kind.label, page.sheet.name, kind.kind, writing=True), page.written_in)


@spot_of.register
def _(page: PlanEditor) -> Spot:
    begun = page.begun
    record = page.record or begun.corrects
    spot = Spot(page.heading, begun.name, "treatment_plan", begun.person, record, not page.record, writing=True)
    return _in_tree(page, spot)


@spot_of.register
def _(page: PlanReview) -> Spot:
    begun = page.begun
    return _in_tree(page, Spot("Plan review", begun.name, "plan_review", begun.person, begun.record, True, True))


@spot_of.register
def _(page: DrillPage) -> Spot:
    begun = page.begun
    return Spot("Relapse drill", begun.name, "relapse_drill", begun.person, begun.record, True, writing=True)


@spot_of.register
def _(page: Answering) -> Spot:
    begun = page.begun
    return Spot("Measure", begun.name, MEASURE, begun.person, begun.record, writing=True)


@spot_of.register
def _(page: FollowbackPage) -> Spot:
    begun = page.begun
    return Spot("Follow-back", begun.name, FOLLOWBACK, begun.person, begun.record, writing=True)


@spot_of.register
def _(page: AttachForm) -> Spot:
    subject, place = page.begun.subject, page.place

    def found(ws: Workspace) -> tuple[bytes, str]:
        home = attachments.home(ws, subject, place)
        return home.compartment, home.kind

    spot = Spot("Attachment", page.begun.name, attachments.ATTACHMENT.kind, subject, writing=True, where=found)
    return _in_form(page.form, spot, page.written_in)


@spot_of.register
def _(page: ClientSigns) -> Spot:
    begun = page.begun
    spot = Spot("Client's signature", begun.name, "client_signature", b"", begun.record, True, writing=True)
    return _in_form(page.form, spot, page.written_in)


@spot_of.register
def _(page: PartnerSigns) -> Spot:
    line = page.line
    spot = Spot("Partner's signature", "", "partner_signature", line.person, line.id, True, writing=True)
    return _in_form(page.form, spot, page.written_in)


@spot_of.register
def _(page: PersonEditor) -> Spot:
    person = page.person_edited
    spot = Spot("Directory entry", kind=PERSON.kind, person=person, writing=True, where=_directory(person))
    return _in_form(page.form, spot, page.written_in)


@spot_of.register
def _(page: TimeEditor) -> Spot:
    label = APPOINTMENT.label
    spot = Spot(label, kind=APPOINTMENT.kind, person=page.person, writing=True, where=_directory(page.person))
    return _in_form(page.form, spot, page.written_in)


@spot_of.register
def _(page: RestrictionEditor) -> Spot:
    where = _directory(page.person)
    spot = Spot(RESTRICTION.label, kind=RESTRICTION.kind, person=page.person, writing=True, where=where)
    return _in_form(page.form, spot, page.written_in)


@spot_of.register
def _(page: Merge) -> Spot:
    line = page.begun.sheet.conflict.line
    spot = Spot(line.label, page.begun.name, line.kind, line.person, line.id, writing=True)
    row = page.query_one(RecordList).row
    return replace(spot, part=row.part.label) if row is not None else spot


@spot_of.register
def _(page: GlassPage) -> Spot:
    card = page.card

    def crisis(ws: Workspace) -> tuple[bytes, str]:
        return charts.compartment_for(ws.session, card.person, Kind.CRISIS), str(Kind.CRISIS)

    return Spot("Crisis card", kind=SAFETY_PLAN.kind, person=card.person, where=crisis)


@spot_of.register
def _(page: AccessPage) -> Spot:
    return Spot("Emergency access", record=page.record)


@spot_of.register
def _(page: ConsentEditor) -> Spot:
    person, values = page.person, page.values_now()

    def home(ws: Workspace) -> tuple[bytes, str]:
        try:
            consent: Consent = drafting.parsed(person, values)
        except DocumentInvalid:
            consent = Consent(person=str(values.get("person") or ""), source=str(values.get("source") or ""))
        place = places.place_of(ws, consent)
        return place.home, place.home_kind

    spot = Spot(CONSENT.label, kind=CONSENT.kind, person=person, writing=True, where=home)
    return _in_form(page.form, spot, page.written_in)


@spot_of.register
def _(page: GuidePage) -> Spot:
    sitting = page.sitting

    def home(ws: Workspace) -> tuple[bytes, str]:
        found = catalog.places(ws, sitting.guide, sitting.subject)
        if not found:
            raise NoKey("This guide is not yours to use for this person.")
        return found[0][1], found[0][0]

    spot = Spot(sitting.guide.title, "", "wizard_state", sitting.subject, sitting.record, writing=True, where=home)
    return _in_form(page.form, spot, page.written_in)


def _directory(person: bytes) -> Where:
    """The part of the directory that a person's entry lies in; nothing for somebody new."""

    def found(ws: Workspace) -> tuple[bytes, str]:
        row = ws.view.one(
            "SELECT compartment FROM record WHERE person = ? AND kind = 'person' AND deposit = 0 LIMIT 1", (person,)
        )
        return (bytes(row[0]) if row else b""), str(Kind.DIR)

    return found


# -- where the cursor stands -------------------------------------------------------------------


def _in_form(form: Form, spot: Spot, name: str) -> Spot:
    """With the line of the field that is written in."""
    row = next((row for row in form.rows if row.info.name == name), None)
    return _in_row(row, spot) if row is not None else spot


def _in_row(row: FieldRow, spot: Spot) -> Spot:
    text, before = _text_of(row.binding.widget)
    return replace(spot, part=row.info.label, field=row.info.name, text=text, before=before)


def _text_of(widget: Widget) -> tuple[str, str]:
    """The paragraph under the cursor, and everything up to its end."""
    if isinstance(widget, NoteText):
        line, lines = widget.cursor_location[0], widget.text.split("\n")
        return lines[line] if line < len(lines) else "", "\n".join(lines[: line + 1])
    if isinstance(widget, LineInput):
        return widget.value, widget.value
    if isinstance(widget, AnswerField):
        return widget.value, widget.value
    return (widget.shown().strip("<> "), "") if isinstance(widget, ValueField) else ("", "")


def _in_tree(page: TreePage, spot: Spot) -> Spot:
    """With the row of the outline, or the field of its sheet."""
    form = page.sheet_form
    if form is not None:
        row = next((row for row in form.rows if row.binding.widget is page.focused), None)
        return _in_row(row, spot) if row is not None else spot
    row_at = page.listing.rows[page.listing.cursor] if page.listing.rows else None
    return replace(spot, part=row_at.label, text=row_at.text) if row_at is not None else spot


def editors_and_readers() -> Iterable[type]:
    """Every class of page that is registered here."""
    return tuple(kind for kind in spot_of.registry if kind is not object)
