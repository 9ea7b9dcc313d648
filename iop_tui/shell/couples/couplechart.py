"""The couple chart: Partner A, joint, Partner B side by side; a line that is the same for everybody below them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from textual import on
from textual.containers import Horizontal, Vertical
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
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page

_KEEPERS = frozenset({
    "new_document", "write_session", "open_plan", "partner_signs", "calendar", "whats_due", "compare",
})  # fmt: skip
IDS = ("side-a", "side-joint", "side-b")
_STATES = {"draft": ("draft", "warn"), "newer": ("newer", "warn")}


def _state(line: RecordLine) -> Cell:
    text, tone = _STATES.get(line.status, ("", "dim"))
    return Cell(text, tone)


SIDE: tuple[Column[RecordLine], ...] = (
    Column("date", "Date", lambda line: Cell(line.service_date[5:] or "-", "dim"), 5),
    Column("title", "What", lambda line: line.title, 14, weight=1),
    Column("state", "", _state, 5, priority=1),
)
COUPLES: tuple[Column[CoupleLine], ...] = (
    Column("a", "Partner A", lambda row: row.a_name or "-", 20, weight=1),
    Column("b", "Partner B", lambda row: row.b_name or "-", 20, weight=1),
    Column("therapist", "Couples therapist", lambda row: Cell(row.therapist_name, "dim"), 18, priority=1),
    Column("ended", "Joint work", lambda row: Cell(f"ended {row.ended}" if row.ended else "goes on", "dim"), 16),
)


class Couples(Page):
    """The couples one knows of."""

    heading = "Couples"
    places = ("couples", "back", "find", "list")

    def content(self) -> Iterable[Widget]:
        """One list."""
        yield RecordList(COUPLES, key=lambda row: row.id, empty="You know of no couple.")

    def on_mount(self) -> None:
        """Ask."""
        super().on_mount()
        self.query_one(RecordList).focus()
        self.reload()

    def reload(self) -> None:
        """Ask again."""
        self.start(self._reload, group="couples", exclusive=True)

    async def _reload(self) -> None:
        self.query_one(RecordList).set_rows(await self.desk.read(couples.couples))

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
    CoupleChartPage .sides { height: 1fr; margin-top: 1; }
    CoupleChartPage .side { width: 1fr; height: 1fr; margin-right: 1; }
    CoupleChartPage .side Lines { height: 1; }
    CoupleChartPage #protected { height: 1; }
    """
    titles: ClassVar[tuple[str, str, str]] = (PARTNERS[0], "joint", PARTNERS[1])

    def __init__(self, data: CoupleChart) -> None:
        super().__init__()
        self.data = data

    def content(self) -> Iterable[Widget]:
        """Head, three columns, the constant line."""
        yield Lines(id="head")
        with_lists = []
        for name in IDS:
            listing: RecordList[RecordLine] = RecordList(
                SIDE, key=lambda line: line.id, header=False, empty=chart.PROTECTED, id=name
            )
            with_lists.append(Vertical(Lines(id=f"{name}-title"), listing, classes="side"))
        yield Horizontal(*with_lists, classes="sides")
        yield Lines([[(chart.PROTECTED, "dim")]], id="protected")

    def on_mount(self) -> None:
        """Begin in the joint column."""
        super().on_mount()
        for name in IDS:
            self.give_keys(self.query_one(f"#{name}", RecordList), "list")
        self._show()
        self.query_one("#side-joint", RecordList).focus()

    @property
    def _columns(self) -> tuple[CoupleColumn, CoupleColumn, CoupleColumn]:
        return self.data.a, self.data.joint, self.data.b

    def _show(self) -> None:
        data = self.data
        self.retitle(f"Couple: {data.name}", f"joint work ended {data.ended}" if data.ended else "")
        self.query_one("#head", Lines).show([self._head()])
        for name, title, column in zip(IDS, self.titles, self._columns, strict=True):
            label = column.title if title == "joint" else f"{title[-1]}  {column.title}"
            self.query_one(f"#{name}-title", Lines).show([[(label, "strong")]])
            self.query_one(f"#{name}", RecordList).set_rows(list(column.lines))

    def _head(self) -> list[Toned]:
        """The policy in force, for who keeps the joint record; nothing for anyone else."""
        if not self.data.joint.is_open:
            return [("", "text")]
        if not self.data.policy:
            return [("Secrets policy  ", "dim"), ("no agreement yet: + then Couples agreement", "warn")]
        return [("Secrets policy  ", "dim"), (self.data.policy, "text")]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only who keeps the joint record writes in it."""
        del parameters
        return self.data.keeps or action not in _KEEPERS

    # -- moving ----------------------------------------------------------------------------------

    def action_step_side(self, by: int) -> None:
        """The next column."""
        focused = self.focused.id if self.focused is not None else ""
        at = IDS.index(focused) if focused in IDS else 1
        self.query_one(f"#{IDS[(at + by) % len(IDS)]}", RecordList).focus()

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
