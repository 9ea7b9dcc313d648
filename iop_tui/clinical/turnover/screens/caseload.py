"""The transfer of a caseload: a dry run with an outcome per person, then one person after the other.

It stops between two people, never within one, and goes on where it stopped: how far each person is follows from the
keys. What this user may not do waits for who may.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from textual import on
from textual.widget import Widget

from iop_tui.access import roles
from iop_tui.clinical.turnover import planning, saying
from iop_tui.clinical.turnover.naming import user_name
from iop_tui.clinical.turnover.planning import DONE, READY, REFUSED, WAITS, PlanLine
from iop_tui.clinical.turnover.saying import Said
from iop_tui.clinical.turnover.screens.base import TurnoverPage, said_lines
from iop_tui.clinical.turnover.service import assigns
from iop_tui.store.views.view import Changes
from iop_tui.ui.ask import AskLine
from iop_tui.ui.frame.bars import Bar, Lines, Toned
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.workspace import Workspace

EMPTY = "Nobody is in this clinician's care. Press q, then t, and choose somebody else."
_TONES = {READY: "text", WAITS: "warn", DONE: "dim", REFUSED: "danger"}
_MARKS = {READY: "ok", WAITS: "waits", DONE: "done", REFUSED: "! refused"}
COLUMNS: tuple[Column[PlanLine], ...] = (
    Column("state", "", lambda line: Cell(_MARKS[line.state], _TONES[line.state]), 9),
    Column("name", "Who", lambda line: line.name, 14, weight=1),
    Column("role", "Part", lambda line: Cell(line.role, "dim"), 18, priority=1),
    Column("says", "Next step, or why not", lambda line: Cell(line.says, _TONES[line.state]), 40, weight=3),
)


@dataclass(frozen=True, slots=True)
class Transfer:
    """What the page is about: between whom, until when, on which paper (empty before it was begun), how far."""

    giver: bytes
    receiver: bytes
    giver_name: str
    receiver_name: str
    until: date | None
    record: bytes
    lines: tuple[PlanLine, ...]


def fresh(ws: Workspace, giver: bytes, receiver: bytes, until: date | None) -> Transfer:
    """A transfer that was not begun: the dry run. Raises `RuleRefused`."""
    lines = tuple(planning.plan(ws, giver, receiver, until=until))
    return Transfer(giver, receiver, user_name(ws, giver), user_name(ws, receiver), until, b"", lines)


def begun(ws: Workspace, record: bytes) -> Transfer:
    """A transfer by its paper. Raises `NotFound`."""
    found = planning.open_transfer(ws, record)
    return Transfer(
        found.giver, found.receiver, found.giver_name, found.receiver_name, found.until, record, found.lines
    )


class TransferPage(TurnoverPage):
    """Who goes from whom to whom."""

    heading = "Transfer"
    places = ("transfer", "back", "find", "list")
    DEFAULT_CSS = "TransferPage #top { height: auto; } TransferPage #detail { height: 8; }"

    def __init__(self, first: Transfer) -> None:
        super().__init__()
        self.transfer = first
        self._going = self._halt = False

    def make_list(self) -> RecordList[Any]:
        """One line per person."""
        return RecordList(COLUMNS, key=lambda line: line.key, empty=EMPTY, selectable=True, classes="lines")

    def content(self) -> Iterable[Widget]:
        """Between whom, the list, what the line means, how far it is."""
        yield Lines(id="top")
        yield from super().content()
        yield Bar(id="progress")

    def on_mount(self) -> None:
        """The dry run, as it was asked for."""
        super().on_mount()
        self._show(self.transfer)

    def reload(self) -> None:
        """How far it is, again; not while it runs."""
        if not self._going:
            self.start(self._reload, group="plan", exclusive=True)

    async def _reload(self) -> None:
        here = self.transfer
        if here.record:
            self._show(await self.desk.read(begun, here.record))
        else:
            self._show(await self.desk.read(fresh, here.giver, here.receiver, here.until))

    def _show(self, transfer: Transfer) -> None:
        self.transfer = transfer
        self.listing.set_rows(list(transfer.lines))
        until = f", who stands in until {transfer.until.isoformat()}" if transfer.until else ", for good"
        stage = "begun" if transfer.record else "dry run: nothing is written"
        self.retitle(context=stage)
        counts = [(state, sum(line.state == state for line in transfer.lines)) for state in _MARKS]
        shown: list[Toned] = [
            (f" {count} {_MARKS[state].removeprefix('! ')}  ", _TONES[state]) for state, count in counts if count
        ]
        head: list[Toned] = [(f" From {transfer.giver_name} to {transfer.receiver_name}{until}", "strong")]
        self.query_one("#top", Lines).show([head, shown or [(" nobody", "dim")]])
        if not self._going:
            self.query_one("#progress", Bar).show([(self._next(), "bar_dim")])

    def _next(self) -> str:
        ready = sum(line.state == READY for line in self.transfer.lines)
        waits = sum(line.state == WAITS for line in self.transfer.lines)
        if ready:
            return f"r does it for {ready}, or for those marked with Space; d stops between two people"
        return f"nothing of it is yours to do now; {waits} wait for others" if waits else "nothing is left to do"

    async def explain(self, row: PlanLine) -> None:
        """What it would give, or why it is refused."""
        here = self.transfer
        if row.state == DONE:
            self.tell(row.name, [("Done", row.says, "text")])
            return
        if row.state == REFUSED:
            self.tell(row.name, [("Refused", row.says, "danger"), ("Rule", row.rule, "dim")])
            return
        said = await self.desk.read(saying.moving, here.giver, here.receiver, row, here.until)
        self.tell(f"{row.name}: {row.says}", said_lines(said))

    @on(RecordList.Opened, ".lines")
    def _open(self, event: RecordList.Opened) -> None:
        event.stop()
        couple = event.row.role == roles.COUPLES_THERAPIST
        self.go("couple" if couple else "chart", event.row.subject)

    # -- doing it --------------------------------------------------------------------------------

    def action_run(self) -> None:
        """One person after the other."""
        if self._going:
            self.app.notify("It is running. d stops it between two people.")
            return
        marked = self.listing.selected
        chosen = [line for line in self.transfer.lines if line.state == READY and (not marked or line.key in marked)]
        if chosen:
            self.act(self._begin, chosen)
        else:
            self.app.notify(f"{self._next().capitalize()}.", severity="warning")

    async def _begin(self, chosen: Sequence[PlanLine]) -> None:
        said = await self.desk.read(in_all, self.transfer, len(chosen))
        people = "1 person" if len(chosen) == 1 else f"{len(chosen)} people"
        if not await self.agreed(f"{people}: go on?", said, "transfer"):
            return
        if not self.transfer.record and self.transfer.until is None:
            record = await self.desk.keep(_paper, self.transfer, chosen)
            self.transfer = replace(self.transfer, record=record)
        self._going, self._halt = True, False
        try:
            done = await self._one_by_one(chosen)
        finally:
            self._going = False
            self.shell.told(Changes(access=True))
        self._sum_up(done, len(chosen))

    async def _one_by_one(self, chosen: Sequence[PlanLine]) -> list[PlanLine]:
        here, done = self.transfer, list[PlanLine]()
        for number, line in enumerate(chosen, 1):
            if self._halt:
                break
            self.query_one("#progress", Bar).show([(f"{number} of {len(chosen)}: {line.name}", "bar_key"),
                                                   ("   d stops after this person", "bar_dim")])  # fmt: skip
            done.append(await self.desk.keep(planning.run, here.giver, here.receiver, line, here.until))
            after = tuple(done[-1] if one.key == line.key else one for one in self.transfer.lines)
            self._show(replace(self.transfer, lines=after))
        return done

    def _sum_up(self, done: Sequence[PlanLine], asked: int) -> None:
        refused = [line for line in done if line.state == REFUSED]
        left = asked - len(done)
        words = [f"{len(done) - len(refused)} went on", f"{len(refused)} refused"]
        words += [f"{left} not begun: r goes on with them"] if left else []
        self.app.notify(f"{', '.join(words)}.", severity="warning" if refused or left else "information")
        if refused:
            lines = [(line.name, line.says, "danger") for line in refused]
            self.answer("Refused: nothing was changed for them", lines, "danger")

    def action_stop(self) -> None:
        """Stop between two people; a transfer that is not running is ended with a reason."""
        if self._going:
            self._halt = True
            self.app.notify("Stops after this person.")
        elif self.transfer.record:
            self.act(self._end)
        else:
            self.app.notify("Nothing was begun: q leaves.")

    async def _end(self) -> None:
        consequence = "Who was transferred stays transferred; the rest stays where it is. It leaves everybody's list."
        answer = await self.app.push_screen_wait(
            AskLine("End this transfer here?", consequence, "Why", done="end it")
        )
        if answer is not None:
            await self.desk.write(planning.stop, self.transfer.record, answer[1])
            self.app.notify("Ended here.")
            self.go("back")

    async def leaving(self) -> None:
        """Nothing is begun with anybody after the page was left."""
        self._halt = True


def in_all(ws: Workspace, transfer: Transfer, count: int) -> Said:
    """What the whole transfer gives, in words."""
    del ws
    to, frm = transfer.receiver_name, transfer.giver_name
    people = "1 person" if count == 1 else f"each of {count} people"
    ends = f"that end on {transfer.until.isoformat()}" if transfer.until else "old notes included"
    gives = [f"do your step for {people}; what others must do waits for them.",
             f"give {to}, step by step, every key that {frm} has, {ends}."]  # fmt: skip
    return Said(tuple(gives), (f"move what {frm} kept alone: private notes, safety entries.",), "", saying.STAYS_READ)


def _paper(ws: Workspace, transfer: Transfer, chosen: Sequence[PlanLine]) -> bytes:
    """The paper of a transfer, by who assigns; empty for a giver, whose desk begins it."""
    if not assigns(ws):
        return b""
    return planning.begin(ws, transfer.giver, transfer.receiver, chosen, transfer.until)
