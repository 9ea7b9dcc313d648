"""Supervision: what waits for one's co-signature, what one asked for, and the page that reads, co-signs or returns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from textual import on
from textual.widget import Widget

from iop_tui.clinical.signing import cosign
from iop_tui.clinical.signing.cosign import PENDING, Request, Shown
from iop_tui.clinical.signing.model import RETURNED
from iop_tui.shell.charting.signing import with_passphrase
from iop_tui.ui.ask import AskLine
from iop_tui.ui.dialogs import Confirm
from iop_tui.ui.frame.bars import Bar
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.listpage import ListPage
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page
from iop_tui.ui.text.readview import HEADING, ReadView
from iop_tui.workspace import Workspace

EMPTY = "Nothing waits for a co-signature, here or elsewhere."


@dataclass(frozen=True, slots=True)
class Row:
    """A request and whether it is this user's to answer."""

    request: Request
    is_mine_to_sign: bool


def requests(ws: Workspace) -> list[Row]:
    """What waits for this supervisor first, then this user's own requests: returned, waiting, done."""
    waiting = [Row(item, True) for item in cosign.queue(ws)]
    own = [Row(item, False) for item in cosign.asked(ws)]
    order = {RETURNED: 0, PENDING: 1}
    return [*waiting, *sorted(own, key=lambda row: (order.get(row.request.state, 2), row.request.id))]


def _state(row: Row) -> Cell:
    if row.is_mine_to_sign:
        return Cell("! co-sign", "warn")
    tone = {RETURNED: "danger", PENDING: "dim"}.get(row.request.state, "dim")
    return Cell({PENDING: "waiting", RETURNED: "! returned"}.get(row.request.state, "co-signed"), tone)


COLUMNS: tuple[Column[Row], ...] = (
    Column("state", "", _state, 10),
    Column("date", "Service", lambda row: Cell(_day(row.request), "dim"), 10),
    Column("what", "What", lambda row: row.request.label, 19, weight=1),
    Column("who", "By", lambda row: row.request.author_name if row.is_mine_to_sign else "you", 14, weight=1),
    Column("why", "What to change", lambda row: Cell(row.request.reason, "dim"), 14, weight=2, priority=1),
)


def _day(request: Request) -> str:
    return request.service_date.isoformat() if request.service_date else "no date"


class Supervision(ListPage):
    """The queue."""

    heading = "Supervision"
    places = ("back", "find", "list")
    DEFAULT_CSS = "Supervision RecordList { margin-top: 1; }"

    def content(self) -> Iterable[Widget]:
        """The list."""
        yield RecordList(COLUMNS, key=lambda row: (row.request.id, row.is_mine_to_sign), empty=EMPTY)
        yield Bar([("Enter", "bar_key"), (" reads it; what was returned opens as a correction.", "bar_dim")])

    async def fill(self) -> None:
        """The queue, again."""
        rows = await self.desk.read(requests)
        self.query_one(RecordList).set_rows(rows)
        self.retitle(context=f"{sum(row.is_mine_to_sign for row in rows)} to co-sign")

    @on(RecordList.Opened)
    def _open(self, event: RecordList.Opened) -> None:
        row: Row = event.row
        if row.is_mine_to_sign:
            self.go("cosign", row.request.id)
        elif row.request.state == RETURNED:
            self.go("amend", row.request.record)
        else:
            self.go("record", row.request.record)


class CosignPage(Page):
    """One document as it was signed, to co-sign or to return."""

    heading = "Co-signature"
    places = ("cosign", "reader", "back")

    def __init__(self, shown: Shown) -> None:
        super().__init__()
        self.shown = shown

    def content(self) -> Iterable[Widget]:
        """The document."""
        yield ReadView()

    def on_mount(self) -> None:
        """Show it."""
        super().on_mount()
        request = self.shown.request
        self.retitle(f"Co-sign: {request.label} of {_day(request)}", request.author_name)
        asked = f"by {request.author_name}" + (f" on {request.asked_on.isoformat()}" if request.asked_on else "")
        head = [
            ("", request.label, HEADING), ("Asked", asked, "text"), ("Message", request.message, "text"),
            ("Checked", "exactly the bytes that the author signed", "dim"), ("", "Content", HEADING),
        ]  # fmt: skip
        body = [(info.label, text, "text") for info, text in self.shown.type.shown(self.shown.document) if text]
        view = self.query_one(ReadView)
        view.show((), [*head, *body])
        view.focus()

    def concerns(self, result: Any) -> bool:
        """Never: what is shown was signed."""
        del result
        return False

    def action_cosign(self) -> None:
        """Sign beside the author."""
        self.start(self._cosign, group="save")

    async def _cosign(self) -> None:
        request = self.shown.request
        consequence = "Your signature as supervisor stands beside the author's, over the same bytes."
        question = f"Co-sign the {request.label.lower()} of {_day(request)}?"
        if not await self.app.push_screen_wait(Confirm(question, consequence, label="co-sign")):
            return

        async def act() -> None:
            await self.desk.write(cosign.cosign, request.id)

        if await with_passphrase(self, act, "Co-signing needs your passphrase."):
            self.app.notify("Co-signed.")
            self.go("back")

    def action_give_back(self) -> None:
        """Return it with what is to be changed."""
        self.start(self._give_back, group="save")

    async def _give_back(self) -> None:
        consequence = "The author is told what to change, corrects the document and asks again."
        answer = await self.app.push_screen_wait(
            AskLine("Return it for changes?", consequence, "What to change", done="return")
        )
        if answer is not None:
            await self.desk.write(cosign.give_back, self.shown.request.id, answer[1])
            self.app.notify("Returned.")
            self.go("back")
