"""Admitting a colleague, and testing one's own recovery kit, without a shell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from iop_tui.access import roles
from iop_tui.clinical.staff import service
from iop_tui.kernel.errors import WrongSecrets
from iop_tui.ui.ask import AskLine
from iop_tui.ui.dialogs import PickSeveral
from iop_tui.ui.forms.review import AskPassphrase
from iop_tui.ui.frame.bars import Lines, Toned
from iop_tui.ui.page import Page
from iop_tui.ui.text.cellfit import wrap
from iop_tui.workspace import NewUser, Workspace

_WIDTH = 70
_HALVES = {(False, False): " ", (True, False): "\N{UPPER HALF BLOCK}", (False, True): "\N{LOWER HALF BLOCK}",
           (True, True): "\N{FULL BLOCK}"}  # fmt: skip


def qr_lines(text: str) -> list[str]:
    """A QR code as half blocks, two modules to a cell."""
    import segno

    rows = [[bool(cell) for cell in row] for row in segno.make(text, error="l").matrix_iter(border=2)]
    rows += [[False] * len(rows[0])] * (len(rows) % 2)
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return ["".join(_HALVES[not upper, not lower] for upper, lower in zip(*pair, strict=True)) for pair in pairs]


class ForTheirEyes(ModalScreen[None]):
    """Authenticator address and recovery kit of a new user, shown once, to them alone."""

    DEFAULT_CSS = """
    ForTheirEyes { align: center middle; }
    ForTheirEyes .box { width: 78; max-width: 100%; height: 90%; padding: 1 2; background: $kit-ground;
                        border: solid $kit-accent; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q", "close", show=False)]

    def __init__(self, name: str, new: NewUser, notes: Sequence[str]) -> None:
        super().__init__()
        self._name, self._new, self._notes = name, new, notes

    def compose(self) -> ComposeResult:
        """Kit first, then the code: the kit matters more."""
        lines: list[list[Toned]] = [[(f"For {self._name} alone; everybody else looks away.", "strong")], []]
        lines += [[("Recovery kit, to write down or print now", "accent")], [(self._new.kit, "text")], []]
        lines += [[("Authenticator app: scan, or type the address", "accent")]]
        lines += [[(line, "text")] for line in wrap(self._new.totp_uri, _WIDTH)]
        lines += [[], *([(line, "text")] for line in qr_lines(self._new.totp_uri)), []]
        lines += [[(line, "dim")] for note in self._notes for line in wrap(note, _WIDTH)]
        with VerticalScroll(classes="box"):
            yield Lines([*lines, [("[Enter]", "accent"), (" it is written down", "text")]])

    def action_close(self) -> None:
        """Never again."""
        self.dismiss(None)


async def admit(page: Page) -> None:
    """Name, roles, then the passphrase, typed twice by the new user."""
    consequence = "They type a passphrase of their own next. You see neither it nor any key."
    answer = await page.app.push_screen_wait(AskLine("Add a user", consequence, "Name", done="go on"))
    if answer is None:
        return
    name = answer[1]
    chosen = await page.app.push_screen_wait(PickSeveral(f"Roles of {name}", [(role, role) for role in roles.ROLES]))
    if not chosen:
        return
    granted = roles.check(chosen)
    phrase = await _chosen_phrase(page, name)
    if phrase is None:
        return
    try:
        new = await page.desk.write(_add, name, granted, phrase)
    finally:
        phrase[:] = bytes(len(phrase))
    await page.app.push_screen_wait(ForTheirEyes(name, new, roles.consequences(granted)))
    page.app.notify(f"{name} can unlock now. Their kit counts when they tested it: g p, then t.")


def _add(ws: Workspace, name: str, granted: tuple[str, ...], phrase: bytearray) -> NewUser:
    return service.add_user(ws, name=name, user_roles=granted, phrase=phrase)


async def _chosen_phrase(page: Page, name: str) -> bytearray | None:
    """A passphrase typed twice alike, or None. The caller wipes it."""
    failure = ""
    while True:
        ask = AskPassphrase(f"{name} types a passphrase, at least 15 characters.", failure, done="go on")
        first = await page.app.push_screen_wait(ask)
        if first is None:
            return None
        second = await page.app.push_screen_wait(AskPassphrase("The same once more.", done="add"))
        same = second is not None and first == second
        if second is not None:
            second[:] = bytes(len(second))
        if same:
            return first
        first[:] = bytes(len(first))
        failure = "The two were not alike."


async def try_kit(page: Page) -> None:
    """Open one's own slot with the kit from the paper."""
    failure = ""
    while True:
        ask = AskPassphrase("Type the recovery kit from the paper.", failure, label="Recovery kit", done="test")
        typed = await page.app.push_screen_wait(ask)
        if typed is None:
            return
        try:
            await page.desk.write(service.confirm_kit, typed.decode(errors="replace"))
        except WrongSecrets as error:
            failure = f"{error.message} {error.hint}".strip()
        else:
            page.app.notify("The kit opens your account: keep it in a drawer.")
            return
        finally:
            typed[:] = bytes(len(typed))
