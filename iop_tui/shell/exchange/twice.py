"""People who may be entered twice: the list, and two entries side by side for somebody to decide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from textual import on
from textual.widget import Widget

from iop_tui.access import roles
from iop_tui.clinical.people import duplicates
from iop_tui.clinical.people.duplicates import Entry, Pair
from iop_tui.clinical.people.model import DIFFERENT, PERSON, SAME
from iop_tui.ui.ask import AskLine
from iop_tui.ui.frame.bars import Bar
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.listpage import ListPage
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page
from iop_tui.ui.text.diffview import DiffView
from iop_tui.workspace import Workspace

EMPTY = "Nobody looks entered twice. Entries that agree in name and birth date appear here by themselves."

COLUMNS: tuple[Column[Pair], ...] = (
    Column("state", "", lambda row: Cell("linked", "dim") if row.decided else Cell("! decide", "warn"), 8),
    Column("name", "Name", lambda row: row.name, 20, weight=1),
    Column("other", "And", lambda row: row.other_name, 20, weight=1),
    Column("born", "Born", lambda row: Cell(row.birth_date or "not known", "dim"), 10),
)


class Twice(ListPage):
    """Pairs of entries: what nobody decided about first, then what was linked."""

    heading = "People entered twice"
    places = ("back", "find", "list")
    DEFAULT_CSS = "Twice RecordList { margin-top: 1; }"

    def content(self) -> Iterable[Widget]:
        """The list."""
        yield RecordList(COLUMNS, key=lambda row: (row.first, row.second), empty=EMPTY)
        yield Bar([("Enter", "bar_key"), (" compares the two entries; nothing is ever merged by itself.", "bar_dim")])

    async def fill(self) -> None:
        """Ask again."""
        rows = await self.desk.read(duplicates.pairs)
        self.query_one(RecordList).set_rows(rows)
        self.retitle(context=f"{sum(not row.decided for row in rows)} to decide")

    @on(RecordList.Opened)
    def _open(self, event: RecordList.Opened) -> None:
        self.go("twicepair", event.row.first, event.row.second)


# -- two entries ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compared:
    """Two entries, and whether this user may decide about them."""

    pair: Pair
    entries: tuple[Entry, Entry]
    decides: bool


def compared(ws: Workspace, first: bytes, second: bytes) -> Compared:
    """Two entries; looking is logged. Raises `NotFound`."""
    pair, one, two = duplicates.compare(ws, first, second)
    return Compared(pair, (one, two), bool(roles.REGISTRARS & set(ws.user.roles)))


class TwicePair(Page):
    """Two entries side by side, field by field."""

    heading = "One person or two?"
    places = ("twicepair", "back")
    DEFAULT_CSS = "TwicePair DiffView { margin: 1 1 0 1; }"

    def __init__(self, shown: Compared) -> None:
        super().__init__()
        self.shown = shown

    def content(self) -> Iterable[Widget]:
        """The comparison, and what was said of it."""
        yield DiffView()
        yield Bar(id="hint")

    def on_mount(self) -> None:
        """Show both."""
        super().on_mount()
        one, two = self.shown.entries
        fields = [(info.label, text, _of(two, info.name)) for info, text in PERSON.shown(one.document)]
        fields += [("Chart", f"{one.records} records", f"{two.records} records"),
                   ("Entered", _day(one.created_ms), _day(two.created_ms))]  # fmt: skip
        view = self.query_one(DiffView)
        view.show((f"1  {one.name}", f"2  {two.name}"), fields)
        view.focus()
        self.retitle(context=self.shown.pair.decided or "not decided")
        said = "Linked as one person. n takes that back." if self.shown.pair.decided else "Lines marked * differ."
        if not self.shown.decides:
            said = "The front desk, the medical director or the privacy officer decides this."
        self.query_one("#hint", Bar).show([(said, "bar_dim")])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Deciding is whose office it is."""
        del parameters
        return self.shown.decides if action in ("say_same", "say_different") else True

    def concerns(self, result: object) -> bool:
        """Never: what is compared is what was logged."""
        del result
        return False

    def action_open_chart(self, number: int) -> None:
        """The chart of one of the two."""
        self.go("chart", self.shown.entries[number].person)

    def action_say_same(self) -> None:
        """They are one person: link the entries."""
        consequence = ("Both entries and both charts stay as they are, and each shows that the other is the same"
                       " person. Nothing is merged; it can be taken back.")  # fmt: skip
        self.start(self._decide, SAME, "The same person?", consequence, "link", group="save")

    def action_say_different(self) -> None:
        """They are two people."""
        consequence = "The two entries are not proposed again. Both stay as they are."
        self.start(self._decide, DIFFERENT, "Two different people?", consequence, "note it", group="save")

    async def _decide(self, decision: str, question: str, consequence: str, done: str) -> None:
        answer = await self.app.push_screen_wait(AskLine(question, consequence, "How it was found out", done=done))
        if answer is None:
            return
        pair = self.shown.pair
        await self.desk.write(duplicates.decide, pair.first, pair.second, decision, answer[1])
        self.app.notify("Linked: each chart names the other entry." if decision == SAME else "Noted: two people.")
        self.go("back")


def _of(entry: Entry, name: str) -> str:
    return next((text for info, text in PERSON.shown(entry.document) if info.name == name), "")


def _day(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000):%Y-%m-%d}"
