"""A person's consents: what is in force, for whom and until when; recording one, ending one, the disclosures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from textual import on
from textual.screen import ModalScreen

from iop_tui.clinical.consents import drafting, queries, service, wording
from iop_tui.clinical.consents.drafting import Choice
from iop_tui.clinical.consents.model import CONSENT, INTERNAL, NOTES, VARIANTS
from iop_tui.clinical.consents.queries import IN_FORCE, ConsentLine
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.people import api as people
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.ids import show_id
from iop_tui.ui.ask import AskLine
from iop_tui.ui.dialogs import PickOne, PickSeveral
from iop_tui.ui.forms.editpage import JournalForm
from iop_tui.ui.forms.review import Review, freshly
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.listpage import DetailPage
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Desk
from iop_tui.ui.text.readview import HEADING, ReadView
from iop_tui.workspace import Workspace, unsaved

KIND = CONSENT.kind
EMPTY = "Nothing is authorized. Press + to record what the client allows."
_JOINT_RECORD = "joint"
COLUMNS: tuple[Column[ConsentLine], ...] = (
    Column("state", "State", lambda line: Cell(line.state, "text" if line.state == IN_FORCE else "dim"), 9),
    Column("to", "To", lambda line: ", ".join(item.name for item in line.document.recipients), 20, weight=2),
    Column("what", "What", lambda line: ", ".join(line.document.topics) or line.document.description, 20, weight=3),
    Column("until", "Until", lambda line: line.until.isoformat() if line.until else line.document.expires_event, 12),
    Column("form", "Form", lambda line: Cell(line.document.variant, "dim"), 18, priority=3),
)


def consents_of(ws: Workspace, person: bytes) -> list[ConsentLine]:
    """The consents of a person, and those about the joint record that concern them."""
    found = queries.consents(ws)
    return [line for line in found if person == line.person or _signs(line, person)]


def _signs(line: ConsentLine, person: bytes) -> bool:
    return any(item.person == show_id(person) for item in line.document.signatures)


def name_of(ws: Workspace, person: bytes) -> str:
    """Whose page it is. Raises `NotFound`."""
    return people.header(ws, person).name


def ledger_lines(ws: Workspace, person: bytes) -> list[tuple[str, str, str]]:
    """The accounting, ready to read."""
    found = disclosures.accounting(ws, person, internal=True)
    lines: list[tuple[str, str, str]] = [("", f"Disclosures since {found.since.isoformat()}", HEADING)]
    for row in found.rows:
        where = f", {row.address}" if row.address else ""
        inside = " (inside the program)" if row.internal else ""
        lines.append((row.at[:10], f"{row.recipient}{where}: {row.what}; {row.purpose}; {row.basis}{inside}", "text"))
    return [*lines, ("", found.closing, "dim")]


class ConsentList(DetailPage):
    """Everything a person authorized."""

    heading = "Consents"
    places = ("consents", "back", "find", "list")

    def __init__(self, person: bytes, name: str) -> None:
        super().__init__()
        self.person, self._name, self._ledger = person, name, False

    def make_list(self) -> RecordList[ConsentLine]:
        """Everything, newest first."""
        return RecordList(COLUMNS, key=lambda line: line.id, empty=EMPTY, classes="lines")

    async def fill(self) -> None:
        """The person's consents."""
        found = await self.desk.read(consents_of, self.person)
        self.listing.set_rows(found)
        force = sum(line.state == IN_FORCE for line in found)
        self.retitle(f"{self.heading}: {self._name}", f"{force} in force" if found else "")

    @on(RecordList.Highlighted)
    def _detail(self, event: RecordList.Highlighted) -> None:
        if not self._ledger:
            shown = [(info.label, text, "text") for info, text in CONSENT.shown(event.row.document) if text]
            self.tell(event.row.state, shown)

    @on(RecordList.Opened)
    def _open(self, event: RecordList.Opened) -> None:
        event.stop()
        self.go("record", event.row.id)

    # -- acts ------------------------------------------------------------------------------------

    def action_new_consent(self) -> None:
        """Record what the client allows."""
        self.go("consentnew", self.person)

    def action_disclosures(self) -> None:
        """What was disclosed about this person, or back to the consent."""
        self._ledger = not self._ledger
        self.start(self._show_ledger if self._ledger else self.fill, group="list", exclusive=True)

    async def _show_ledger(self) -> None:
        lines = await self.desk.keep(ledger_lines, self.person)
        self.query_one("#detail", ReadView).show((), lines)

    def action_end_consent(self) -> None:
        """End it for everyone or for one recipient."""
        line: ConsentLine | None = self.listing.row
        if line is not None:
            self.start(self._end, line, group="act")

    async def _end(self, line: ConsentLine) -> None:
        names: tuple[str, ...] = ()
        if len(line.open_to) > 1:
            options = [("", "Everyone"), *((item.name, item.name) for item in line.open_to)]
            chosen = await self.app.push_screen_wait(PickOne("End it for whom?", options))
            if chosen is None:
                return
            names = (chosen,) if chosen else ()
        warning = " ".join(wording.CANNOT_UNDO[:3])
        answer = await self.app.push_screen_wait(
            AskLine("End this consent?", warning, "How the revocation was received", value="in writing", done="end it")
        )
        if answer is None:
            return
        done = await self.desk.write(service.revoke, line.id, recipients=names, method=answer[1])
        self.app.notify(f"Ended. {done.ended} {'share' if done.ended == 1 else 'shares'} closed.")


Ask = Callable[[ModalScreen[Any]], Awaitable[Any]]
"""How a dialog is asked on the way to a page."""


async def choose(ask: Ask, desk: Desk[Workspace], person: bytes) -> Choice | None:
    """Which form, from which part of the record, for whom; None for Esc."""
    variant = await ask(PickOne("Which form?", [(item, item) for item in VARIANTS]))
    if variant is None:
        return None
    parts = await desk.read(drafting.sources, person, variant)
    source = parts[0] if variant == NOTES else ""
    if variant == INTERNAL:
        options = [(part, drafting.LABELS[part]) for part in parts]
        source = await ask(PickOne("From which part of the record?", options)) or ""
        if not source:
            return None
    records = await _records(ask, desk, person, source)
    if records is None or variant != INTERNAL:
        return None if records is None else Choice(variant, source, records=records)
    known = [(user.hex(), name) for user, name in await desk.read(drafting.colleagues, person, source)]
    chosen = await ask(PickOne("For whom?", [*known, (_JOINT_RECORD, "the joint record")]))
    if chosen is None:
        return None
    return Choice(variant, source, b"" if chosen == _JOINT_RECORD else bytes.fromhex(chosen), records)


async def _records(ask: Ask, desk: Desk[Workspace], person: bytes, source: str) -> tuple[bytes, ...] | None:
    """What its author keeps alone is chosen one by one."""
    own = await desk.read(drafting.own_records, person, source)
    if not own:
        return ()
    chosen = await ask(PickSeveral("Which records, one by one?", [(record.hex(), label) for record, label in own]))
    return None if chosen is None else tuple(bytes.fromhex(item) for item in chosen)


class ConsentEditor(JournalForm):
    """The form of a consent. Saving shows every rule against it; signing it carries it out at once."""

    heading = "New consent"
    places = ("entry", "form")
    journal = unsaved

    def __init__(self, ws: Workspace, person: bytes, values: dict[str, Any], *, slot: bytes = b"") -> None:
        self.person, self._slot, self._given = person, slot or ws.rng.token(16), values
        today = local_date(ws.clock.now_ms())
        super().__init__(CONSENT.fields(), values, today=today, first="description")

    # -- the journal -----------------------------------------------------------------------------

    def values_now(self) -> dict[str, Any]:
        """What the consent says as it stands."""
        return self._values(self.form.values())

    def _values(self, typed: dict[str, Any]) -> dict[str, Any]:
        return {**self._given, **typed}

    def held(self, values: dict[str, Any], at_ms: int) -> unsaved.Unsaved:
        """The fields, and what they belong to."""
        return unsaved.Unsaved(self.person, b"", {**self._values(values), unsaved.KIND: KIND}, at_ms)

    # -- signing ---------------------------------------------------------------------------------

    async def save(self, values: dict[str, Any]) -> bool:
        """Review, sign, carry out. Raises `DocumentInvalid`, refusals."""
        consent = drafting.parsed(self.person, self._values(values))
        found = await self.desk.read(service.check, consent)
        self.form.show_errors({item.field: item.message for item in found if item.field}, focus=False)
        consequence = f"Signing it shares at once. {wording.CANNOT_UNDO[1]} {wording.CANNOT_UNDO[2]}"
        title = f"Record this consent of {consent.person_name}?"
        if not await self.app.push_screen_wait(Review(title, found, consequence=consequence)):
            return False

        async def act() -> None:
            done = await self.desk.write(service.authorize, consent)
            count = sum(item.records for item in done.shares)
            self.app.notify(f"Recorded. {count} {'record' if count == 1 else 'records'} shared.")

        async def confirm(phrase: bytearray) -> None:
            await self.desk.keep(Workspace.confirm, phrase)

        if not await freshly(self, act, confirm, why="Recording a consent is signed: your passphrase."):
            return False
        self.stored()
        await self.desk.write(unsaved.give_up, self._slot)
        self.shell.set_status("draft", "")
        return True
