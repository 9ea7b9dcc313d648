"""A person's restrictions: what they asked us not to tell whom, how it stands, the decision, the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from textual import on

from iop_tui.clinical.people import api as people
from iop_tui.clinical.restrictions import service
from iop_tui.clinical.restrictions.model import BY_PROGRAM, ENDINGS, RESTRICTION, SECTION, SELF_PAID, Restriction
from iop_tui.clinical.restrictions.service import IN_FORCE, WAITS, RestrictionLine
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import DocumentType, Severity
from iop_tui.kernel.errors import NotFound
from iop_tui.ui.ask import AskLine
from iop_tui.ui.dialogs import Confirm, PickOne
from iop_tui.ui.forms.editpage import JournalForm
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.listpage import DetailPage
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.workspace import Workspace, unsaved

KIND = RESTRICTION.kind
EMPTY = "No restriction was asked for. Press + to take one down; no reason is asked."
EFFECT = (
    "A release to these recipients is refused, by name, whoever tries; a court's order, a required report and the"
    " person's own copy are not hindered. Colleagues in the care team read on."
)
BY_PROGRAM_ONLY = "Ended by the program alone, it goes on binding what was before today (45 CFR 164.522(a)(2)(iii))."


def _state(line: RestrictionLine) -> Cell:
    return Cell(line.state, "text" if line.state == IN_FORCE else "warn" if line.state == WAITS else "dim")


COLUMNS: tuple[Column[RestrictionLine], ...] = (
    Column("state", "State", _state, 20),
    Column("to", "Not to be given to", lambda line: ", ".join(line.document.recipients), 18, weight=2),
    Column("what", "What", lambda line: line.document.what or _period(line.document), 16, weight=2),
    Column("asked", "Asked", lambda line: Cell(_iso(line.document), "dim"), 10),
)


def _iso(document: Restriction) -> str:
    return document.asked_on.isoformat() if document.asked_on else ""


def _period(document: Restriction) -> str:
    start, end = document.covers_from, document.covers_to
    if start is None and end is None:
        return "everything"
    return f"services {start.isoformat() if start else '...'} to {end.isoformat() if end else '...'}"


def name_of(ws: Workspace, person: bytes) -> str:
    """Whose page it is. Raises `NotFound`."""
    return people.header(ws, person).name


class RestrictionList(DetailPage):
    """Everything a person asked us not to tell."""

    heading = "Restrictions"
    places = ("restrictions", "back", "find", "list")

    def __init__(self, person: bytes, name: str) -> None:
        super().__init__()
        self.person, self._name_shown = person, name

    def make_list(self) -> RecordList[RestrictionLine]:
        """Everything, newest first."""
        return RecordList(COLUMNS, key=lambda line: line.record, empty=EMPTY, classes="lines")

    async def fill(self) -> None:
        """What the person asked for."""
        found = await self.desk.read(service.lines, self.person)
        self.listing.set_rows(found)
        force = sum(line.state == IN_FORCE for line in found)
        self.retitle(f"{self.heading}: {self._name_shown}", f"{force} in force" if found else "")

    @on(RecordList.Highlighted, ".lines")
    def _explain(self, event: RecordList.Highlighted) -> None:
        line: RestrictionLine = event.row
        shown = [(info.label, text, "text") for info, text in RESTRICTION.shown(line.document) if text]
        lines = [("Effect", EFFECT if line.binds else "nothing is refused by it now", "text"),
                 ("Rule", line.section, "dim"), ("Reason", line.reason, "text"), *shown]  # fmt: skip
        self.tell(line.state.capitalize(), lines)

    @on(RecordList.Opened, ".lines")
    def _open(self, event: RecordList.Opened) -> None:
        event.stop()
        self.go("record", event.row.record)

    # -- acts ------------------------------------------------------------------------------------

    def action_new_restriction(self) -> None:
        """Take a request down."""
        self.go("restrictionnew", self.person)

    def _line(self) -> RestrictionLine | None:
        line: RestrictionLine | None = self.listing.row
        if line is None:
            self.app.notify("There is nothing yet. Press + to take a request down.", severity="warning")
        return line

    def action_decide(self) -> None:
        """Agree or refuse."""
        line = self._line()
        if line is not None:
            self.start(self._decide, line, group="act")

    async def _decide(self, line: RestrictionLine) -> None:
        options = [("agree", "Agree: it binds everybody here from now on"), ("refuse", "Refuse: with a reason")]
        chosen = await self.app.push_screen_wait(PickOne("Decide on this request", options))
        if chosen == "agree":
            if await self.app.push_screen_wait(Confirm("Agree to this restriction?", EFFECT, label="agree")):
                await self.desk.write(service.decide, line.record, agreed=True)
                self.app.notify("Agreed. Tell the person.")
        elif chosen == "refuse":
            consequence = f"The program need not agree ({SECTION}(ii)). The person is told the reason."
            answer = await self.app.push_screen_wait(
                AskLine("Refuse this restriction?", consequence, "Reason", done="refuse")
            )
            if answer is not None:
                await self.desk.write(service.decide, line.record, agreed=False, reason=answer[1])
                self.app.notify("Refused. Tell the person.")

    def action_end_restriction(self) -> None:
        """End one that is in force."""
        line = self._line()
        if line is not None:
            self.start(self._end, line, group="act")

    async def _end(self, line: RestrictionLine) -> None:
        paid = line.document.ground == SELF_PAID
        options = [(how, how.capitalize()) for how in ENDINGS if not (paid and how == BY_PROGRAM)]
        how = await self.app.push_screen_wait(PickOne("How does it end?", options))
        if how is None:
            return
        consequence = BY_PROGRAM_ONLY if how == BY_PROGRAM else "From now on releases to these recipients go again."
        answer = await self.app.push_screen_wait(
            AskLine("End this restriction?", consequence, "What was said or written", done="end it")
        )
        if answer is not None:
            await self.desk.write(service.end, line.record, how, reason=answer[1])
            self.app.notify("Ended.")


@dataclass(frozen=True, slots=True)
class Sheet:
    """Whose record is written into: what a paste is judged by."""

    person: bytes
    kind: DocumentType[Restriction] = RESTRICTION


class RestrictionEditor(JournalForm):
    """The form of a request. What was paid for in full is in force when it is saved."""

    heading = "New restriction"
    places = ("entry", "form")
    journal = unsaved

    def __init__(self, ws: Workspace, person: bytes, values: dict[str, Any], *, slot: bytes = b"") -> None:
        self.person, self._slot = person, slot or ws.rng.token(16)
        self.sheet = Sheet(person)
        super().__init__(RESTRICTION.fields(), values, today=local_date(ws.clock.now_ms()), first="ground")

    def held(self, values: dict[str, Any], at_ms: int) -> unsaved.Unsaved:
        """The fields, and what they belong to."""
        return unsaved.Unsaved(self.person, b"", {**values, unsaved.KIND: KIND}, at_ms)

    async def save(self, values: dict[str, Any]) -> bool:
        """Take it down, where nothing speaks against it."""
        document = RESTRICTION.parse(values)
        found = await self.desk.read(service.findings, document)
        refused = [item for item in found if item.severity is Severity.REFUSE]
        if refused:
            self.form.show_errors({item.field: item.message for item in reversed(refused)})
            self.app.notify(refused[0].message, severity="warning")
            return False
        await self.desk.write(service.record, self.person, document)
        self.stored()
        await self.give_up()
        paid = document.ground == SELF_PAID
        self.app.notify("In force." if paid else "Taken down. It waits for the privacy officer's decision.")
        return True


def begin(ws: Workspace, person: bytes) -> dict[str, Any]:
    """The form's first values. Raises `NotFound` for somebody without the directory entry."""
    people.header(ws, person)
    return dict(msgspec.to_builtins(Restriction(asked_on=local_date(ws.clock.now_ms()))))


def restored(ws: Workspace, slot: bytes) -> tuple[bytes, dict[str, Any]]:
    """Whose request was being written, and the values. Raises `NotFound`."""
    kept = unsaved.kept(ws).get(slot)
    if kept is None:
        raise NotFound
    return kept.person, {name: value for name, value in kept.fields.items() if name != unsaved.KIND}
