"""Drafts: everything of one's own that is not signed or not even saved, whoever it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from textual import on
from textual.widget import Widget

from iop_tui.clinical.notes.starting import unsaved
from iop_tui.clinical.records import api as records
from iop_tui.ui.frame.bars import Bar
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.listpage import ListPage
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.workspace import Workspace

EMPTY = "No drafts. What you write and do not sign is found here; n in a chart begins a note."


@dataclass(frozen=True, slots=True)
class Row:
    """A draft: a stored one (`record`), or typing that was never saved (`slot`)."""

    key: bytes
    when: str
    name: str
    what: str
    words: str
    record: bytes = b""
    slot: bytes = b""


def drafts(ws: Workspace) -> list[Row]:
    """Unsaved text first, then unsigned documents, newest first."""
    waiting = [
        Row(line.slot, f"{datetime.fromtimestamp(line.at_ms / 1000):%Y-%m-%d %H:%M}", line.name, _label(ws, line.kind),
            f"{line.words} words, not saved", slot=line.slot)
        for line in unsaved(ws)
    ]  # fmt: skip
    kinds = ws.view.rows("SELECT DISTINCT kind FROM record WHERE status = 'draft' AND author = ?", (ws.user.user,))
    lines = records.lines(ws, tuple(sorted(str(row[0]) for row in kinds)), status="draft", author=ws.user.user)
    names = dict(ws.view.rows("SELECT id, name FROM person WHERE id IN (SELECT person FROM record WHERE author = ?)",
                              (ws.user.user,)))  # fmt: skip
    stored = [
        Row(line.id, line.service_date or "no date", names.get(line.person, ""), line.label,
            "! two versions: choose" if line.conflict else line.title, record=line.id)
        for line in lines if line.mark != "void"
    ]  # fmt: skip
    return [*waiting, *stored]


def _label(ws: Workspace, kind: str) -> str:
    found = ws.registry.get(kind)
    return found.label if found is not None else kind.replace("_", " ").capitalize()


COLUMNS: tuple[Column[Row], ...] = (
    Column("when", "Date", lambda row: Cell(row.when[:10], "dim"), 10),
    Column("name", "Who", lambda row: row.name, 16, weight=1),
    Column("what", "What", lambda row: row.what, 14, weight=1),
    Column("words", "", lambda row: Cell(row.words, "warn" if row.slot or row.words.startswith("!") else "dim"), 20,
           weight=2, priority=1),
)


class Drafts(ListPage):
    """The list."""

    heading = "Drafts"
    places = ("back", "find", "list")
    DEFAULT_CSS = "Drafts RecordList { margin-top: 1; }"

    def content(self) -> Iterable[Widget]:
        """The list."""
        yield RecordList(COLUMNS, key=lambda row: row.key, empty=EMPTY)
        yield Bar([("Enter", "bar_key"), (" goes on writing; signed documents are not in this list.", "bar_dim")])

    async def fill(self) -> None:
        """Ask again."""
        rows = await self.desk.read(drafts)
        self.query_one(RecordList).set_rows(rows)
        self.retitle(context=f"{len(rows)} {'draft' if len(rows) == 1 else 'drafts'}")

    @on(RecordList.Opened)
    def _open(self, event: RecordList.Opened) -> None:
        row: Row = event.row
        if row.slot:
            self.go("unsaved", row.slot)
        else:
            self.go("draft", row.record)
