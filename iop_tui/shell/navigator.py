"""Where a `Go` leads: one place for every way between screens. Data is asked for first, then the screen is shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from iop_tui.kernel.clock import local_date
from iop_tui.shell.charting import noteways
from iop_tui.ui.dialogs import PickOne
from iop_tui.ui.page import Go, Page

if TYPE_CHECKING:
    from textual.screen import ModalScreen

    from iop_tui.clinical.notes.starting import Start, UnsavedLine
    from iop_tui.shell.app import IopApp
    from iop_tui.ui.page import Desk
    from iop_tui.workspace import Workspace

R = TypeVar("R")
INSTEAD = "instead"


class Navigator:
    """Opens, replaces and leaves pages. While it works, keys wait for the page that comes."""

    def __init__(self, app: IopApp) -> None:
        self._app = app
        self._kept: dict[str, Page] = {}
        self.busy = False

    def begin(self) -> bool:
        """Whether a wish is taken up now; keys wait from here on."""
        taken, self.busy = not self.busy, True
        return taken

    async def go(self, wish: Go) -> None:
        """Do what a page asked for, after `begin`. Raises what the services raise."""
        try:
            await self._way(wish.place)(wish)
        finally:
            self.busy = False

    def _way(self, place: str) -> Callable[[Go], Awaitable[None]]:
        from iop_tui.shell.charting.ways import WAYS

        if place in WAYS:
            return partial(WAYS[place], self)
        found: Callable[[Go], Awaitable[None]] = getattr(self, f"_to_{place}", self._to_root)
        return found

    # -- for ways that live elsewhere ------------------------------------------------------------

    @property
    def desk(self) -> Desk[Workspace]:
        """The way to the services."""
        return self._app.desk

    @property
    def ws(self) -> Workspace:
        """The open vault."""
        return self._app.ws

    def knows(self, place: str) -> bool:
        """Whether there is a way of that name, other than to a root."""
        return self._way(place) != self._to_root

    async def way(self, place: str, wish: Go) -> None:
        """Go by another way."""
        await self._way(place)(wish)

    async def show(self, page: Page, wish: Go) -> None:
        """Put a page on top, or in the place of the top one."""
        await self._show(page, wish)

    def say(self, text: str) -> None:
        """A word on what was done."""
        self._app.notify(text)

    async def ask(self, dialog: ModalScreen[R | None]) -> R | None:
        """Ask on the way; keys go to the dialog meanwhile."""
        self.busy = False
        answer = await self._app.push_screen_wait(dialog)
        self.busy = True
        return answer

    # -- the stack -------------------------------------------------------------------------------

    @property
    def _top(self) -> Page | None:
        screen = self._app.screen
        return screen if isinstance(screen, Page) else None

    async def _to_back(self, wish: Go) -> None:
        del wish
        top = self._top
        if top is None or len(self._app.screen_stack) <= self._app.base:
            return
        await top.leaving()
        await self._app.pop_screen()

    async def _show(self, page: Page, wish: Go) -> None:
        top = self._top
        if wish.how == INSTEAD and top is not None and len(self._app.screen_stack) > self._app.base:
            await top.leaving()
            await self._app.pop_screen()
        await self._app.push_screen(page)

    async def root(self, name: str) -> None:
        """A place that `g` leads to: everything above it is left, and it is found again as it was."""
        while len(self._app.screen_stack) > self._app.base and self._app.screen is not self._kept.get(name):
            await self._to_back(Go("back"))
        if name == "today" or self._app.screen is self._kept.get(name):
            return
        page = self._kept.get(name)
        if page is None:
            page = self._kept[name] = _new_root(name, self._app.ws)
            self._app.install_screen(page, name)
        await self._app.push_screen(page)

    async def _to_root(self, wish: Go) -> None:
        await self.root(wish.place)

    async def _to_search(self, wish: Go) -> None:
        from iop_tui.shell.screens.search import Search

        if wish.how or len(self._app.screen_stack) <= self._app.base:
            await self.root("search")
        elif not isinstance(self._app.screen, Search):
            await self._app.push_screen(Search())
        if wish.how and isinstance(self._app.screen, Search):
            self._app.screen.look_for(wish.how)

    async def _to_set(self, wish: Go) -> None:
        self._app.configure(wish.how)

    # -- people and records ----------------------------------------------------------------------

    async def _to_chart(self, wish: Go) -> None:
        from iop_tui.shell.screens.chart import Chart
        from iop_tui.shell.screens.chartparts import head

        person = wish.ids[0]
        await self._show(Chart(person, await self._app.desk.read(head, person)), wish)

    async def _to_record(self, wish: Go) -> None:
        from iop_tui.shell.charting.planpage import PlanPage
        from iop_tui.shell.screens.record import RecordPage, open_record

        opened = await self._app.desk.keep(open_record, wish.ids[0])
        is_plan = opened.view.line.kind == "treatment_plan"
        await self._show((PlanPage if is_plan else RecordPage)(opened, self._app.config.note_format), wish)

    async def _to_register(self, wish: Go) -> None:
        from iop_tui.clinical.people.screens import PersonEditor

        await self._show(PersonEditor(self._app.ws), wish)

    async def _to_entry(self, wish: Go) -> None:
        from iop_tui.clinical.people.screens import PersonEditor, entry_values

        values = await self._app.desk.read(entry_values, wish.ids[0])
        await self._show(PersonEditor(self._app.ws, wish.ids[0], values), wish)

    # -- writing ---------------------------------------------------------------------------------

    async def _to_note(self, wish: Go) -> None:
        from iop_tui.clinical.notes import starting
        from iop_tui.shell.charting.ways import NOTE_KINDS, with_session

        person = wish.ids[0]
        kept = await self._app.desk.read(starting.unsaved)
        waiting = [line for line in kept if line.person == person and line.kind in NOTE_KINDS]
        if waiting:
            chosen = await self._choose(waiting)
            if chosen is None:
                return
            if chosen:
                await self._write(await self._app.desk.keep(starting.restore, chosen), wish)
                return
        start = await self._app.desk.keep(starting.new_note, person)
        await self._write(await self._app.desk.read(with_session, start, wish.how), wish)

    async def _choose(self, waiting: list[UnsavedLine]) -> bytes | None:
        """A slot to go on with, empty for a new note, None for neither."""
        today = local_date(self._app.ws.clock.now_ms())
        options = [(line.slot.hex(), f"Go on with {_described(line, today.isoformat())}") for line in waiting]
        self.busy = False
        chosen = await self._app.push_screen_wait(
            PickOne("There is unsaved text", [*options, ("new", "Begin a new note")])
        )
        self.busy = True
        return None if chosen is None else b"" if chosen == "new" else bytes.fromhex(chosen)

    async def _to_noteunsaved(self, wish: Go) -> None:
        from iop_tui.clinical.notes import starting

        await self._write(await self._app.desk.keep(starting.restore, wish.ids[0]), wish)

    async def _to_notedraft(self, wish: Go) -> None:
        from iop_tui.clinical.notes import starting

        await self._write(await self._app.desk.keep(starting.draft, wish.ids[0]), wish)

    async def _to_addendum(self, wish: Go) -> None:
        from iop_tui.clinical.notes import starting

        await self._write(await self._app.desk.keep(starting.addendum, wish.ids[0]), wish)

    async def _write(self, start: Start, wish: Go) -> None:
        await self._show(noteways.editor(self._app, start), wish)

    async def _to_private(self, wish: Go) -> None:
        await self._show(await noteways.private(self._app, wish.ids[0]), wish)


def _described(line: UnsavedLine, today: str) -> str:
    from datetime import datetime

    at = datetime.fromtimestamp(line.at_ms / 1000)
    moment = f"{at:%H:%M}" if at.date().isoformat() == today else f"{at:%Y-%m-%d %H:%M}"
    return f"the text of {moment}, {line.words} words"


def _new_root(name: str, ws: Workspace) -> Page:
    if name == "caseload":
        from iop_tui.clinical.people.screens import Caseload

        return Caseload()
    if name == "search":
        from iop_tui.shell.screens.search import Search

        return Search()
    if name == "people":
        from iop_tui.shell.screens.colleagues import Colleagues

        return Colleagues()
    if name == "audit":
        from iop_tui.shell.screens.auditlog import AuditLog

        return AuditLog()
    if name == "schedule":
        from iop_tui.clinical.sessions.screens import Schedule

        return Schedule(ws)
    if name == "exchange":
        from iop_tui.shell.exchange.page import Exchange

        return Exchange()
    if name == "drafts":
        from iop_tui.shell.charting.drafts import Drafts

        return Drafts()
    if name == "supervision":
        from iop_tui.shell.charting.supervision import Supervision

        return Supervision()
    from iop_tui.shell.screens.settings import Settings

    return Settings()
