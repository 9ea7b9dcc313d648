"""The mapping wizard of a client list: each column with the field it becomes; mappings are kept under a name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from textual import on
from textual.widget import Widget

from iop_tui.interchange.moving.columns import FIELDS
from iop_tui.shell.moving import looking
from iop_tui.ui.ask import AskLine
from iop_tui.ui.dialogs import PickOne
from iop_tui.ui.frame.bars import Lines
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page

LEFT_OUT = "left out"
_LABELS = {"given": "first name", "family": "last name", "name": "whole name", "client_id": "its own client number",
           "kind": "individual or couple"}  # fmt: skip
SAYS = ("Enter says what a column is; F2 looks at the list again with it.", "A field is taken from one column only.")


def label(field: str) -> str:
    """A field in plain words."""
    return _LABELS.get(field, field.replace("_", " ")) if field else LEFT_OUT


COLUMNS: tuple[Column[tuple[str, str]], ...] = (
    Column("heading", "Column of the list", lambda row: row[0], 24, weight=1),
    Column("field", "becomes", lambda row: Cell(label(row[1]), "accent" if row[1] else "dim"), 22, weight=1),
)


class MappingPage(Page):
    """Columns and fields. Leaving with F2 hands the mapping over."""

    heading = "Columns"
    places = ("mapping", "back", "list")
    DEFAULT_CSS = "MappingPage #says { margin: 1 0; }"

    def __init__(self, columns: dict[str, str], done: Callable[[dict[str, str]], None]) -> None:
        super().__init__()
        self.columns, self._take = dict(columns), done

    def content(self) -> Iterable[Widget]:
        """What to do, then the columns."""
        yield Lines([[(said, "dim")] for said in SAYS], id="says")
        yield RecordList(COLUMNS, key=lambda row: row[0])

    def on_mount(self) -> None:
        """Show them."""
        super().on_mount()
        self.query_one(RecordList).focus()
        self._show()

    def concerns(self, result: Any) -> bool:
        """Never: nothing here is stored before it is saved."""
        del result
        return False

    def _show(self) -> None:
        self.query_one(RecordList).set_rows(list(self.columns.items()))
        used = sum(bool(field) for field in self.columns.values())
        self.retitle(context=f"{used} of {len(self.columns)} columns are used")

    @on(RecordList.Opened)
    def _open(self, event: RecordList.Opened) -> None:
        event.stop()
        self.start(self._choose, event.row[0], group="save")

    async def _choose(self, heading: str) -> None:
        options = [("", LEFT_OUT), *((field, label(field)) for field in FIELDS)]
        chosen = await self.app.push_screen_wait(PickOne(f"{heading} is", options, self.columns[heading]))
        if chosen is not None:
            if chosen:  # a field is taken once
                self.columns = {name: "" if field == chosen else field for name, field in self.columns.items()}
            self.columns[heading] = chosen
            self._show()

    def action_apply(self) -> None:
        """Look at the list again with these columns."""
        self._take(self.columns)
        self.go("back")

    def action_keep(self) -> None:
        """Keep the mapping under a name."""
        self.start(self._keep, group="save")

    async def _keep(self) -> None:
        answer = await self.app.push_screen_wait(AskLine(
            "Keep this mapping", "Colleagues find it by its name; one of the same name gets a new version.", "Name",
            done="keep",
        ))  # fmt: skip
        if answer is not None:
            await self.desk.keep(looking.save, answer[1], self.columns)
            self.app.notify("Kept.")

    def action_load(self) -> None:
        """A mapping that was kept."""
        self.start(self._load, group="save")

    async def _load(self) -> None:
        names = await self.desk.read(looking.saved)
        if not names:
            self.app.notify("No mapping was kept yet.")
            return
        chosen = await self.app.push_screen_wait(PickOne("Which mapping?", [(name, name) for name in names]))
        if chosen is not None:
            found = await self.desk.read(looking.load, chosen)
            self.columns = {heading: found.get(heading, "") for heading in self.columns}
            self._show()
