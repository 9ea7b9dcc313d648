"""Breaking the glass on a crisis card by keys: whose, why, passphrase and code, then the card for its time (CR-17)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from textual.widget import Widget

from iop_tui.clinical.emergency import api as emergency
from iop_tui.clinical.emergency.api import CATEGORIES, EMERGENCY_ACCESS, VERDICTS, AccessLine, Card, Wish
from iop_tui.kernel.errors import NotFound, NotReady, WrongSecrets
from iop_tui.ui.ask import AskLine
from iop_tui.ui.forms.review import AskPassphrase
from iop_tui.ui.frame.bars import Lines
from iop_tui.ui.page import Go, Page
from iop_tui.ui.text.readview import HEADING, ReadView

if TYPE_CHECKING:
    from iop_tui.shell.navigator import Navigator
    from iop_tui.workspace import Workspace

TOLD = (
    "The log says that you did it and why. The care team is told, and the privacy officer reviews it in two business"
    " days. The card is open for 60 minutes; it can be read, not printed or exported."
)
WHOSE = "Name and date of birth, as registered: Ana Quill 1988-04-02"
NO_PLAN = "No safety plan was written for this person. In danger call the emergency services."
_TICK_SECONDS = 5.0
_ASKED = re.compile(r"^(?P<name>.*\S)[\s,]+(?P<born>\d{4}-\d{2}-\d{2})$")


async def glass(nav: Navigator, wish: Go) -> None:
    """Whose card and why, then the card. The person is known where the wish names one."""
    await nav.desk.read(emergency.may_ask)
    person = wish.ids[0] if wish.ids else b""
    name, born = ("", None) if person else await _whose(nav) or ("", None)
    if not person and born is None:
        return
    why = await nav.ask(AskLine("Why is the crisis card needed now?", TOLD, "Reason, at least 20 characters",
                                choices=CATEGORIES, done="next"))  # fmt: skip
    if why is None:
        return
    asked = Wish(category=why[0], reason=why[1], person=person, name=name, born=born)
    await nav.desk.keep(emergency.ready, asked)
    card = await _opened(nav, asked)
    if card is not None:
        await nav.show(GlassPage(card, name or await nav.desk.read(_name, person)), Go(wish.place, wish.ids))


async def _whose(nav: Navigator) -> tuple[str, date] | None:
    answer = await nav.ask(AskLine("Break the glass: whose crisis card?", TOLD, WHOSE, done="next"))
    if answer is None:
        return None
    found = _ASKED.match(answer[1])
    try:
        if found is not None:
            return found["name"].rstrip(" ,"), date.fromisoformat(found["born"])
    except ValueError:
        pass  # a day that no calendar has: said below like any other slip
    raise NotReady("The name, then the date of birth as year-month-day.", WHOSE)


async def _opened(nav: Navigator, asked: Wish) -> Card | None:
    """Ask for passphrase and code until they are right; None where that was given up."""
    failure = ""
    while True:
        phrase = await nav.ask(AskPassphrase("Breaking the glass needs your passphrase.", failure, done="next"))
        if phrase is None:
            return None
        code = await nav.ask(AskPassphrase("And a new one-time code.", label="Code", done="open the card"))
        if code is None:
            phrase[:] = bytes(len(phrase))
            return None
        try:
            return await nav.desk.keep(emergency.break_glass, asked, phrase, code.decode(errors="replace"))
        except WrongSecrets as error:
            failure = f"{error.message} {error.hint}".strip()
        finally:
            phrase[:] = bytes(len(phrase))
            code[:] = bytes(len(code))


def _name(ws: Workspace, person: bytes) -> str:
    row = ws.view.one("SELECT name FROM person WHERE id = ?", (person,))
    return str(row[0]) if row else ""


class GlassPage(Page):
    """The card, with the time that is left. It goes when that is over."""

    heading = "Crisis card"
    places = ("reader", "back")

    def __init__(self, card: Card, name: str) -> None:
        super().__init__()
        self._card, self._name = card, name

    def content(self) -> Iterable[Widget]:
        """The banner, then the plan."""
        yield Lines(id="banner")
        yield ReadView()

    def on_mount(self) -> None:
        """Show it and watch the time."""
        super().on_mount()
        self.retitle(f"Crisis card: {self._name}", "break-glass")
        view = self.query_one(ReadView)
        view.show((), _sections(self._card))
        view.focus()
        self._tick()
        self.set_interval(_TICK_SECONDS, self._tick)

    @property
    def card(self) -> Card:
        """What is shown."""
        return self._card

    def concerns(self, result: Any) -> bool:
        """Never: it is shown as it was opened."""
        del result
        return False

    def _tick(self) -> None:
        ws: Workspace = self.desk.subject
        left = self._card.until_ms - ws.clock.now_ms()
        if left <= 0:
            self.query_one(ReadView).show((), [])
            self.app.notify("The time of this card is over.", severity="warning")
            if self.is_current:
                self.go("back")
            return
        until = datetime.fromtimestamp(self._card.until_ms / 1000)
        said = f" Break-glass. Open until {until:%H:%M}. The care team and the privacy officer are told."
        self.query_one("#banner", Lines).show([[(said, "danger")]])


def _sections(card: Card) -> list[tuple[str, str, str]]:
    plan = card.plan
    if plan is None or plan.document is None or plan.type is None:
        return [("", NO_PLAN, "text")]
    state = plan.line.mark or plan.line.status
    head = [("", plan.line.label, HEADING), ("State", f"{state}, by {plan.line.author_name}", "text")]
    return [*head, *((info.label, text, "text") for info, text in plan.type.shown(plan.document) if text)]


# -- the review --------------------------------------------------------------------------------


def to_review(ws: Workspace, record: bytes) -> AccessLine:
    """An access as the privacy officer sees it. Raises `NotFound`."""
    line = next((one for one in emergency.accesses(ws) if one.record == record), None)
    if line is None:
        raise NotFound
    return line


async def glass_review(nav: Navigator, wish: Go) -> None:
    """An emergency access, to give the verdict on it."""
    await nav.show(AccessPage(await nav.desk.read(to_review, wish.ids[0])), wish)


class AccessPage(Page):
    """Who opened whose card, when and why."""

    heading = "Emergency access"
    places = ("glassreview", "reader", "back")

    def __init__(self, line: AccessLine) -> None:
        super().__init__()
        self._line = line

    def content(self) -> Iterable[Widget]:
        """The notice."""
        yield ReadView()

    def on_mount(self) -> None:
        """Show it."""
        super().on_mount()
        line = self._line
        self.retitle(f"Emergency access: {line.name or 'somebody you have no key to'}", line.access.name)
        view = self.query_one(ReadView)
        fields = [(info.label, text, "text") for info, text in EMERGENCY_ACCESS.shown(line.access) if text]
        state = "reviewed" if line.reviewed else "to be reviewed"
        view.show((), [("", "What happened", HEADING), *fields, ("State", state, "text")])
        view.focus()

    @property
    def record(self) -> bytes:
        """The notice that is shown."""
        return self._line.record

    def concerns(self, result: Any) -> bool:
        """Never: what was written stays."""
        del result
        return False

    def action_verdict(self) -> None:
        """Give the verdict."""
        self.start(self._verdict, group="save")

    async def _verdict(self) -> None:
        answer = await self.app.push_screen_wait(AskLine(
            "Was this emergency access justified?", "The care team reads the verdict and your words. Its author may use"
            " the glass again.", "Why", choices=VERDICTS, done="keep",
        ))  # fmt: skip
        if answer is not None:
            await self.desk.write(emergency.review, self._line.record, answer[0], answer[1])
            self.app.notify("Reviewed. The care team is told.")
            self.go("back")
