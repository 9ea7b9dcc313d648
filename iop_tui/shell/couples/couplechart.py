"""The couple chart: Partner A, joint, Partner B side by side; a line that is the same for everybody below them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from textual import on
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus
from textual.widget import Widget

from iop_tui.clinical.couples import chart
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.couples.chart import CoupleChart, CoupleColumn
from iop_tui.clinical.couples.model import AGREEMENT, HELD_NOTE, PARTNERS
from iop_tui.clinical.couples.service import CoupleLine
from iop_tui.clinical.joint import service as joint
from iop_tui.clinical.joint.model import JOINT_NOTE, JOINT_PLAN
from iop_tui.clinical.records.api import RecordLine
from iop_tui.kernel.errors import IopError
from iop_tui.shell.couples.editor import WRITTEN
from iop_tui.shell.couples.linking import link, may_link
from iop_tui.store.views.view import Changes
from iop_tui.ui.dialogs import Confirm, PickOne
from iop_tui.ui.frame.bars import Lines, Toned
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.listpage import ListPage
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page
from iop_tui.ui.text.cellfit import fit

_KEEPERS = frozenset({
    "new_document", "write_session", "open_plan", "partner_signs", "calendar", "whats_due", "compare",
})  # fmt: skip
IDS = ("side-a", "side-joint", "side-b")
_STATES = {"draft": ("draft", "warn"), "newer": ("newer", "warn")}


def _state(line: RecordLine) -> Cell:
    text, tone = _STATES.get(line.status, ("", "dim"))
    return Cell(text, tone)


NO_COUPLE = "You know of no couple: one appears here once a person of yours is linked."
SIDE: tuple[Column[RecordLine], ...] = (
    Column("date", "Date", lambda line: Cell(line.service_date[5:] or "-", "dim"), 5),
    Column("title", "What", lambda line: line.title, 14, weight=1),
    Column("state", "", _state, 5, priority=1),
)
ALONE: tuple[Column[RecordLine], ...] = (
    Column("date", "Date", lambda line: Cell(line.service_date or "no date", "dim"), 10),
    Column("kind", "What", lambda line: Cell(line.label, "dim"), 19, priority=1),
    Column("title", "", lambda line: line.title, 28, weight=1),
    Column("state", "", _state, 7),
)
BESIDE = 110
"""From so many cells on, the three columns stand beside each other."""
COUPLES: tuple[Column[CoupleLine], ...] = (
    Column("a", "Partner A", lambda row: row.a_name or "-", 20, weight=1),
    Column("b", "Partner B", lambda row: row.b_name or "-", 20, weight=1),
    Column("therapist", "Couples therapist", lambda row: Cell(row.therapist_name, "dim"), 18, priority=1),
    Column("ended", "Joint work", lambda row: Cell(f"ended {row.ended}" if row.ended else "goes on", "dim"), 16),
)


class Couples(ListPage):
    """The couples one knows of."""

    heading = "Couples"
    places = ("couples", "back", "find", "list")
    DEFAULT_CSS = "Couples RecordList { margin-top: 1; }"

    def content(self) -> Iterable[Widget]:
        """One list."""
        yield RecordList(COUPLES, key=lambda row: row.id, empty=NO_COUPLE)

    async def fill(self) -> None:
        """The couples; what to do first where there is none."""
        self.listing.empty = f"{NO_COUPLE} Press + to link two people." if may_link(self.desk.subject) else NO_COUPLE
        self.listing.set_rows(await self.desk.read(couples.couples))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only who assigns links."""
        del parameters
        return action != "link_couple" or may_link(self.desk.subject)

    def action_link_couple(self) -> None:
        """Two people become a couple in care."""
        self.start(link, self)

    @on(RecordList.Opened)
    def _open(self, event: RecordList.Opened) -> None:
        self.go("couple", event.row.id)


class CoupleChartPage(Page):
    """Both partners and what they share."""

    heading = "Couple"
    places = ("couple", "back", "find")
    DEFAULT_CSS = """
    CoupleChartPage #head { margin-top: 1; height: auto; }
    CoupleChartPage #sides { margin-top: 1; }
    CoupleChartPage .sides { height: 1fr; }
    CoupleChartPage .side { width: 1fr; height: 1fr; display: none; }
    CoupleChartPage.-on-side-a .of-side-a, CoupleChartPage.-on-side-joint .of-side-joint,
    CoupleChartPage.-on-side-b .of-side-b { display: block; }
    CoupleChartPage .side-title { display: none; }
    CoupleChartPage.-wide #sides { display: none; }
    CoupleChartPage.-wide .sides { margin-top: 1; }
    CoupleChartPage.-wide .side { display: block; margin-right: 1; }
    CoupleChartPage.-wide .side-title { display: block; }
    CoupleChartPage .side Lines { height: 1; }
    CoupleChartPage #protected { height: 1; }
    """
    titles: ClassVar[tuple[str, str, str]] = (PARTNERS[0], "joint", PARTNERS[1])

    def __init__(self, data: CoupleChart) -> None:
        super().__init__()
        self.data, self._side = data, 1

    def content(self) -> Iterable[Widget]:
        """Head, three columns, the constant line."""
        yield Lines(id="head")
        yield Lines(id="sides")
        with_lists = []
        for name in IDS:
            listing: RecordList[RecordLine] = RecordList(
                SIDE, key=lambda line: line.id, header=False, empty=chart.PROTECTED, id=name
            )
            title = Lines(id=f"{name}-title", classes="side-title")
            with_lists.append(Vertical(title, listing, classes=f"side of-{name}"))
        yield Horizontal(*with_lists, classes="sides")
        yield Lines([[(chart.PROTECTED, "dim")]], id="protected")

    def on_mount(self) -> None:
        """Begin in the joint column, or in the one that is open to this user."""
        super().on_mount()
        for name in IDS:
            self.give_keys(self.query_one(f"#{name}", RecordList), "list")
        self._show()
        is_open = [column.is_open for column in self._columns]
        self.action_side(1 if is_open[1] or not any(is_open) else is_open.index(True))

    def on_resize(self) -> None:
        """All three beside each other where there is room, else one at a time."""
        for name in IDS:
            self.query_one(f"#{name}", RecordList).set_columns(SIDE if self.size.width >= BESIDE else ALONE)
        self._show_sides()

    @property
    def _columns(self) -> tuple[CoupleColumn, CoupleColumn, CoupleColumn]:
        return self.data.a, self.data.joint, self.data.b

    def _show(self) -> None:
        data = self.data
        self.retitle(f"Couple: {data.name}", f"joint work ended {data.ended}" if data.ended else "")
        head = self._head()
        self.query_one("#head", Lines).show(head)
        self.query_one("#head").display = bool(head)
        for name, label, column in zip(IDS, self._labels, self._columns, strict=True):
            self.query_one(f"#{name}-title", Lines).show([[(label, "strong")]])
            self.query_one(f"#{name}", RecordList).set_rows(list(column.lines))
        self._show_sides()

    @property
    def _labels(self) -> list[str]:
        return [
            column.title if title == "joint" else f"{title[-1]}  {column.title}"
            for title, column in zip(self.titles, self._columns, strict=True)
        ]

    def _show_sides(self) -> None:
        """The three parts in one line, the one that is shown marked by brackets as well as colour."""
        room = max((self.size.width or 80) // 3 - 6, 8)
        parts: list[Toned] = []
        for number, label in enumerate(self._labels):
            words = f"{number + 1} {fit(label, room).rstrip()}"
            parts.append((f"[{words}]", "accent") if number == self._side else (f" {words} ", "dim"))
            parts.append((" ", "dim"))
        self.query_one("#sides", Lines).show([parts])

    def _head(self) -> list[list[Toned]]:
        """The policy in force, for who keeps the joint record; nothing for anyone else."""
        if not self.data.joint.is_open:
            return []
        if not self.data.policy:
            return [[("Secrets policy  ", "dim"), ("no agreement yet: + then Couples agreement", "warn")]]
        return [[("Secrets policy  ", "dim"), (self.data.policy, "text")]]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only who keeps the joint record writes in it."""
        del parameters
        return self.data.keeps or action not in _KEEPERS

    # -- moving ----------------------------------------------------------------------------------

    def action_step_side(self, by: int) -> None:
        """The next column."""
        self.action_side((self._side + by) % len(IDS))

    def action_side(self, number: int) -> None:
        """A column by its number from 0."""
        self.remove_class(*(f"-on-{name}" for name in IDS))
        self._side = number
        self.add_class(f"-on-{IDS[number]}")
        self._show_sides()
        self.query_one(f"#{IDS[number]}", RecordList).focus()

    @on(DescendantFocus)
    def _entered(self, event: DescendantFocus) -> None:
        """The column that was clicked into."""
        if event.widget.id in IDS:
            self._side = IDS.index(event.widget.id)
            self._show_sides()

    @on(RecordList.Opened)
    def _open(self, event: RecordList.Opened) -> None:
        self.go("record", event.row.id)

    # -- news ------------------------------------------------------------------------------------

    def concerns(self, result: Any) -> bool:
        """Only what changed one of the three, or access."""
        changes = getattr(result, "changes", result)
        known = {column.subject for column in self._columns}
        return not isinstance(changes, Changes) or changes.access or bool(known & changes.persons)

    def reload(self) -> None:
        """Ask again."""
        self.start(self._reload, group="couple", exclusive=True)

    async def _reload(self) -> None:
        self.data = await self.desk.read(chart.columns, self.data.couple)
        self._show()

    # -- acts ------------------------------------------------------------------------------------

    def action_new_document(self) -> None:
        """Something new: in the joint record, or held for one partner."""
        self.start(self._new)

    async def _new(self) -> None:
        options = [(kind.kind, kind.label) for kind in WRITTEN]
        options += [(f"{HELD_NOTE.kind}:{name}", f"Held for {name[-1]}") for name in PARTNERS]
        chosen = await self.app.push_screen_wait(PickOne("New in this couple's record", options))
        if not chosen:
            return
        kind, _, partner = chosen.partition(":")
        subject = self.data.couple
        if partner:
            subject = self.data.a.subject if partner == PARTNERS[0] else self.data.b.subject
        self.go("joint", subject, how=kind)

    def action_write_session(self) -> None:
        """A joint session."""
        self.go("joint", self.data.couple, how=JOINT_NOTE.kind)

    def action_open_plan(self) -> None:
        """The joint plan."""
        self.go("joint", self.data.couple, how=JOINT_PLAN.kind)

    def action_partner_signs(self) -> None:
        """Record a partner's signature under the document on this line of the joint column."""
        row = self.query_one("#side-joint", RecordList).row
        if row is None or row.kind not in (AGREEMENT.kind, JOINT_PLAN.kind):
            self.app.notify("Put the cursor on a signed agreement or plan of the joint column.", severity="warning")
            return
        self.go("partnersign", row.id)

    def action_attachments(self) -> None:
        """The files of the joint record, or of the partner whose column the cursor is in."""
        column = self._columns[self._side]
        self.go("attachments", column.subject, how=self.data.name if column is self.data.joint else "")

    def action_guides(self) -> None:
        """A guided sequence about the couple or one partner."""
        self.go("guides", self.data.couple, self.data.a.subject, self.data.b.subject)

    def action_calendar(self) -> None:
        """The days of the recovery contract."""
        self.go("contract", self.data.couple)

    def action_whats_due(self) -> None:
        """What the couple's work still needs."""
        self.start(self._due)

    def action_compare(self) -> None:
        """Both partners' newest answers to a measure: never on the screen without asking."""
        self.app.push_screen(
            Confirm("Compare both partners' measures?", "For your eyes: it is never shown in front of both.",
                    label="show it to me"),
            self._compare_if,
        )  # fmt: skip

    def _compare_if(self, yes: bool | None) -> None:
        if yes:
            self.start(self._compare)

    async def _compare(self) -> None:
        found = await self.desk.read(joint.differences, self.data.couple)
        text = "; ".join(f"{name}: they lie {gap:g} apart" for name, gap in found)
        self.app.notify(text or "There is no measure that both have answered.")

    async def _due(self) -> None:
        try:
            found = await self.desk.read(joint.owed, self.data.couple)
        except IopError as error:
            self.refused(error)
            return
        text = "; ".join(f"{item.what} by {item.due.isoformat()} ({item.rule})" for item in found)
        self.app.notify(text or "Nothing is due.")
