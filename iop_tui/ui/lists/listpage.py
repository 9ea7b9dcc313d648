"""Pages that are a list: it has the focus, and is asked for again when something it shows was written."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

from textual.widget import Widget

from iop_tui.kernel.errors import IopError
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page
from iop_tui.ui.text.readview import HEADING, ReadView

Told = tuple[str, str, str]
"""Label, text and tone of a line below a list."""


class ListPage(Page):
    """Subclasses make the list in `content` and fill it in `fill`."""

    @property
    def listing(self) -> RecordList[Any]:
        """The list."""
        return self.query_one(RecordList)

    def on_mount(self) -> None:
        """The list has the focus; what is in it comes."""
        super().on_mount()
        self.listing.focus()
        self.reload()

    def reload(self) -> None:
        """Ask again; of two answers the later one counts."""
        self.start(self.fill, group="list", exclusive=True)

    async def fill(self) -> None:
        """Hook: ask the services and show what they say."""


class DetailPage(ListPage):
    """A list, below it what the line under the cursor means. Subclasses make the list with the class `lines`."""

    DEFAULT_CSS = "DetailPage .lines { height: 1fr; margin-top: 1; } DetailPage #detail { height: 11; }"

    @abstractmethod
    def make_list(self) -> RecordList[Any]:
        """Hook: the list, with the class `lines`."""

    @property
    def listing(self) -> RecordList[Any]:
        """The list."""
        return self.query_one(".lines", RecordList)

    def between(self) -> Iterable[Widget]:
        """Hook: what stands between the list and the detail."""
        return ()

    def content(self) -> Iterable[Widget]:
        """The list, below it what is under the cursor."""
        yield self.make_list()
        yield from self.between()
        detail = ReadView(id="detail")
        detail.can_focus = False
        yield detail

    def tell(self, heading: str, lines: Sequence[Told]) -> None:
        """Show something below the list."""
        self.query_one("#detail", ReadView).show((), [("", heading, HEADING), *lines])

    def refused(self, error: IopError) -> None:
        """A refusal stands below the list until the cursor moves."""
        self.tell("Refused: nothing was changed", [("", f"{error.message} {error.hint}".strip(), "danger")])
        super().refused(error)
