"""What the screens of turnover share: a list over an explanation, and acts that say first what they give."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from textual import on
from textual.widget import Widget

from iop_tui.clinical.staff import api as staff
from iop_tui.clinical.turnover import planning
from iop_tui.clinical.turnover.saying import Said
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.errors import IopError, ReauthNeeded, Refused
from iop_tui.ui.ask import AskLine
from iop_tui.ui.dialogs import Confirm, PickOne
from iop_tui.ui.frame.bars import Lines, Toned
from iop_tui.ui.lists.listpage import DetailPage, Told
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page
from iop_tui.ui.text.cellfit import wrap
from iop_tui.workspace import Workspace

WEEK = timedelta(days=7)
REFUSED = "Refused: nothing was changed"
MOST = 6
"""Lines of an answer that fit above the explanation."""
TONES = {"gives": "text", "never": "dim", "against": "danger"}


def said_lines(said: Said) -> list[Told]:
    """An act in words for the pane below a list."""
    lines: list[Told] = [("Refused", said.against, TONES["against"])] if said.against else []
    lines += [("It will", "\n".join(said.gives), TONES["gives"])] if not said.against else []
    lines.append(("It will not", "\n".join(said.never), TONES["never"]))
    return [*lines, ("Know", said.stays, TONES["never"])]


class TurnoverPage(DetailPage):
    """A list, below it what the last act did and what the line under the cursor means."""

    DEFAULT_CSS = """
    TurnoverPage #detail { height: 8; }
    TurnoverPage #top { margin-top: 1; } TurnoverPage #answer { height: auto; }
    """

    def between(self) -> Iterable[Widget]:
        """What the last act did."""
        yield Lines(id="answer")

    @property
    def ws(self) -> Workspace:
        """The open vault, for what costs nothing: the clock and who one is."""
        subject: Workspace = self.desk.subject
        return subject

    def answer(self, heading: str, lines: Sequence[Told] = (), tone: str = "text") -> None:
        """Show what an act did, or why not: it stays until the next act."""
        width = max(self.size.width - 4, 20)
        shown: list[list[Toned]] = [[(f" {heading}", "danger" if tone == "danger" else "strong")]]
        for label, text, color in lines:
            whole = f"{label}: {text}" if label else text
            shown += [[(f"   {part}", color)] for part in wrap(whole, width)]
        self.query_one("#answer", Lines).show(shown[:MOST])

    @on(RecordList.Highlighted, ".lines")
    def _moved(self, event: RecordList.Highlighted) -> None:
        self.start(self.explain, event.row, group="detail", exclusive=True)

    async def explain(self, row: Any) -> None:
        """Hook: what a row means."""

    # -- acts ------------------------------------------------------------------------------------

    def act(self, work: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> None:
        """Run an act; a refusal stands below the list until the cursor moves, and changes nothing."""
        self.query_one("#answer", Lines).show([])
        self.start(self._acted, work, *args, group="act")

    async def _acted(self, work: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> None:
        try:
            await work(*args)
        except ReauthNeeded:
            raise
        except Refused as error:
            text = await self.desk.read(planning.refusal, error)
            self.answer(REFUSED, [("", text, "danger")], "danger")
            self.app.notify(text, severity="error")

    def refused(self, error: IopError) -> None:
        """Say why something was not done."""
        self.answer("Not done", [("", f"{error.message} {error.hint}".strip(), "danger")], "danger")
        Page.refused(self, error)

    async def agreed(self, question: str, said: Said, label: str) -> bool:
        """Whether it is to be done, after saying what it gives; what a rule stands against is not asked."""
        if said.against:
            self.answer(REFUSED, [("", said.against, "danger")], "danger")
            self.app.notify(said.against, severity="error")
            return False
        agreed: bool = await self.app.push_screen_wait(Confirm(question, said.text(), label=label))
        return agreed

    async def pick_colleague(self, title: str, role: str = "", without: Sequence[bytes] = ()) -> bytes | None:
        """A colleague of a role; None for Esc, and where there is nobody."""
        found = await self.desk.read(colleagues, role, tuple(without))
        if not found:
            self.app.notify(f"Nobody else here is {role}: add a user, or give somebody the role.", severity="warning")
            return None
        chosen = await self.app.push_screen_wait(PickOne(title, [(user.hex(), name) for user, name in found]))
        return bytes.fromhex(chosen) if chosen else None

    async def pick_day(self, title: str, consequence: str) -> date | None:
        """A day in the future, a week from now proposed; None for Esc or for what is no date."""
        proposed = local_date(self.ws.clock.now_ms()) + WEEK
        answer = await self.app.push_screen_wait(
            AskLine(title, consequence, "Until, as year-month-day", value=proposed.isoformat(), done="go on")
        )
        if answer is None:
            return None
        try:
            return date.fromisoformat(answer[1].strip())
        except ValueError:
            self.app.notify(f"{answer[1]} is no date. Write it as year-month-day.", severity="error")
            return None


def colleagues(ws: Workspace, role: str, without: tuple[bytes, ...]) -> list[tuple[bytes, str]]:
    """Active users of a role (of any, where none is named), by name."""
    return [
        (line.id, f"{line.name}, {', '.join(line.roles)}" if not role else line.name)
        for line in staff.users(ws)
        if line.status == staff.ACTIVE and line.id not in without and (not role or role in line.roles)
    ]
