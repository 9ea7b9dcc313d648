"""The page from which something of one person leaves: documents with marks, a packet of them, the whole record."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import on
from textual.widget import Widget

from iop_tui.clinical.records import api as records
from iop_tui.clinical.records.api import RecordLine
from iop_tui.shell.leaving import asking
from iop_tui.shell.leaving.asking import CLIENT, FOLDER, NOT_MADE, SEALED, Basis, Facts
from iop_tui.store.views.view import Changes
from iop_tui.ui.dialogs import Confirm, PickOne
from iop_tui.ui.frame.bars import Bar
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page
from iop_tui.workspace import Workspace

if TYPE_CHECKING:
    from iop_tui.interchange.exports import Exported
    from iop_tui.interchange.packets import Order, Packet

EMPTY = "Nothing of this person can leave yet: drafts are no part of the record."
HINT = "Space marks, p seals what is marked, e exports everything"
SHOWN_ONCE = "It is shown once and kept nowhere. Write it down, and tell it by another way than the file goes."
_MANY = 100_000
COLUMNS: tuple[Column[RecordLine], ...] = (
    Column("date", "Date", lambda line: Cell(line.service_date, "dim"), 10),
    Column("label", "Document", lambda line: line.label, 20, weight=1),
    Column("title", "What", lambda line: Cell(line.title, "dim"), 20, weight=2, priority=2),
    Column("part", "Part", lambda line: Cell(line.compartment_kind, "dim"), 6, priority=1),
    Column("state", "", lambda line: line.mark or line.status, 8),
)


def documents(ws: Workspace, person: bytes) -> list[RecordLine]:
    """What can be chosen: everything that is part of the record, newest first."""
    return [line for line in records.timeline(ws, person, limit=_MANY) if line.status != "draft"]


def make_packet(ws: Workspace, order: Order) -> Packet:
    """Seal and write. Typefaces and the sealing library are loaded by who makes one."""
    from iop_tui.interchange import packets

    return packets.make(ws, order)


def check_packet(ws: Workspace, order: Order) -> None:
    """Raise what making it would raise, before anything more is asked."""
    from iop_tui.interchange import packets

    packets.check(ws, order)


class LeavingPage(Page):
    """Documents to choose from; what leaves is asked step by step."""

    heading = "What leaves"
    places = ("leaving", "back", "find", "list")
    DEFAULT_CSS = "LeavingPage RecordList { margin-top: 1; }"

    def __init__(self, person: bytes, known: Facts, lines: list[RecordLine]) -> None:
        super().__init__()
        self.person, self._known, self._lines = person, known, lines

    def content(self) -> Iterable[Widget]:
        """The documents, then what to do with them."""
        yield RecordList(COLUMNS, key=lambda line: line.id, selectable=True, empty=EMPTY)
        yield Bar(id="hint")

    def on_mount(self) -> None:
        """Show what there is."""
        super().on_mount()
        listing = self.query_one(RecordList)
        listing.set_rows(self._lines)
        listing.focus()
        self.retitle(f"What leaves: {self._known.name}")
        self._say()

    def _say(self) -> None:
        marked = len(self.query_one(RecordList).selected)
        self.query_one("#hint", Bar).show([(f" {marked} marked. ", "bar_key"), (HINT, "bar_dim")])

    def concerns(self, result: Any) -> bool:
        """Only what changed this person, or access."""
        changes = getattr(result, "changes", result)
        return isinstance(changes, Changes) and (changes.access or self.person in changes.persons)

    def reload(self) -> None:
        """The list again."""
        self.start(self._reload, group="leaving", exclusive=True)

    async def _reload(self) -> None:
        self._lines = await self.desk.read(documents, self.person)
        self.query_one(RecordList).set_rows(self._lines)

    @on(RecordList.Selected)
    def _marked(self) -> None:
        self._say()

    @on(RecordList.Opened)
    def _open(self, event: RecordList.Opened) -> None:
        event.stop()
        self.go("record", event.row.id)

    async def _ask(self, dialog: Any) -> Any:
        return await self.app.push_screen_wait(dialog)

    def action_mark_all(self) -> None:
        """Mark every document, or none."""
        listing = self.query_one(RecordList)
        every: set[Hashable] = {line.id for line in self._lines}
        listing.selected = set() if listing.selected == every else every
        listing.refresh()
        self._say()

    def _chosen(self) -> tuple[bytes, ...]:
        marked = self.query_one(RecordList).selected
        return tuple(line.id for line in self._lines if line.id in marked)

    # -- a packet --------------------------------------------------------------------------------

    def action_packet(self) -> None:
        """A packet of the marked documents."""
        if self._chosen():
            self.start(self._packet, group="save")
        else:
            self.app.notify("Mark documents with Space first.")

    async def _packet(self) -> None:
        basis = await asking.whom(self._ask, self._known)
        if not isinstance(basis, Basis):
            self._stop(basis)
            return
        from iop_tui.interchange.packets import PASSPHRASE, Order

        usual = f"packet-{self._known.today.isoformat()}.age"
        out = Path.home() / usual
        order = Order(
            self.person, self._chosen(), basis.purpose, PASSPHRASE, out, basis.kind, basis.consent, basis.basis,
            basis.recipient,
        )  # fmt: skip
        await self.desk.keep(check_packet, order)
        if basis.kind == CLIENT and not await self._is_safe():
            return
        to = await asking.key(self._ask)
        if to is None:
            return
        says = f"{len(order.documents)} documents for {basis.recipient.name}. The list of disclosures says so."
        path = await asking.place(self._ask, "Allowed. Where does the packet go?", says, usual)
        if path is None:
            return
        made = await self._working("sealing the packet", make_packet, replace(order, to=to, out=path))
        said = f"{path.name} written: {len(made.contents)} files inside, {made.size:,} bytes."
        await self._tell(made.passphrase, said)

    async def _is_safe(self) -> bool:
        safe = await asking.safe_to_hold(self._ask)
        if safe is False:
            self.app.notify(NOT_MADE)
        return bool(safe)

    def _stop(self, said: str | None) -> None:
        if said:
            self.app.notify(said, severity="warning")

    async def _working(self, what: str, call: Any, *given: Any) -> Any:
        """Write off the screen's thread; the status line says what is going on meanwhile."""
        self.shell.set_status("leaving", f"{what} …", "bar_accent")
        try:
            return await self.desk.write(call, *given)
        finally:
            self.shell.set_status("leaving", "")

    async def _tell(self, passphrase: str, said: str) -> None:
        if passphrase:
            await self._ask(Confirm(f"Passphrase: {passphrase}", SHOWN_ONCE, key="w", label="written down"))
        self.app.notify(said)

    # -- the whole record ------------------------------------------------------------------------

    def action_export(self) -> None:
        """The whole record as FHIR R4."""
        self.start(self._export, group="save")

    async def _export(self) -> None:
        kind = await self._ask(PickOne("Who receives the whole record?", asking.RECEIVERS[:2]))
        basis = await asking.ground(self._ask, self._known, kind) if kind else None
        if not isinstance(basis, Basis):
            self._stop(basis)
            return
        if basis.kind == CLIENT and not await self._is_safe():
            return
        found = await export_where(self._ask, f"record-{self._known.today.isoformat()}", passphrase=True)
        if found is None:
            return
        to, path = found
        made = await self._working("exporting the record", export_one, self.person, path, basis, to)
        count = sum(made.resources.values())
        await self._tell(made.passphrase, f"{path.name} written: {count:,} resources.{'' if to else ' Not encrypted.'}")


async def export_where(ask: asking.Ask, name: str, *, passphrase: bool) -> tuple[str, Path] | None:
    """Sealed to what (empty: not at all), and where to; None for Esc."""
    form = await ask(PickOne("How is it written?", (
        (SEALED, "One encrypted file"), (FOLDER, "A folder, NOT encrypted"),
    )))  # fmt: skip
    if form is None:
        return None
    to = await asking.key(ask, passphrase=passphrase) if form == SEALED else ""
    if to is None:
        return None
    usual = f"{name}.tar.age" if to else name
    path = await asking.place(ask, "Where does it go?", asking.SAYS_SEALED if to else asking.SAYS_OPEN, usual)
    return None if path is None else (to, path)


def export_one(ws: Workspace, person: bytes, path: Path, basis: Basis, to: str) -> Exported:
    """One person's record."""
    from iop_tui.interchange import exports

    return exports.export_person(
        ws, person, path, consent=basis.consent, recipient=basis.recipient, purpose=basis.purpose, to=to
    )


def export_everyone(ws: Workspace, path: Path, to: str) -> Exported:
    """Everyone in this user's care."""
    from iop_tui.interchange import exports

    return exports.export_all(ws, path, to=to)
