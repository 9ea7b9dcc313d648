"""The unlock prompt on the raw terminal: user, passphrase, code, each ended by Enter.

It runs before Textual is imported, because a passphrase typed into a Textual widget stays in memory
as a string with all its prefixes. Nothing heavy is imported at the top: the card is on screen within
one and a half times the start of a bare interpreter, and no key is read before `harden` is done.
"""

from __future__ import annotations

from iop_tui.shell.process.card import Card, Painter
from iop_tui.shell.process.terminal import ENTER, Terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from iop_tui.shell.background import Background


class Answers:
    """What was typed. The passphrase is a buffer: call `wipe` when the keys are open."""

    __slots__ = ("code", "passphrase", "user")

    def __init__(self, user: str, passphrase: bytearray, code: str) -> None:
        self.user = user
        self.passphrase = passphrase
        self.code = code

    def wipe(self) -> None:
        """Overwrite the passphrase."""
        self.passphrase[:] = bytes(len(self.passphrase))

    def __repr__(self) -> str:
        return f"Answers(user={self.user!r}, passphrase=<redacted>, code=<redacted>)"


def draw_first(terminal: Terminal, card: Card) -> None:
    """The card before anything is known, in plain writes. Secret-free: the parent calls it."""
    if not terminal.dumb:
        terminal.write(ENTER)
        Painter(terminal).paint(card, card.status)


class Prompt:
    """The card as a dialogue. One per child; `ask` may be called again after a failure."""

    def __init__(self, terminal: Terminal, *, drawn: Card | None = None) -> None:
        self._terminal = terminal
        self._painter = Painter(terminal, drawn)
        self._caps = False
        self._last = drawn or Card()

    def ask(self, card: Card | Callable[[], Card], preload: Background[object] | None = None) -> Answers:
        """Ask what the card asks.

        `card` may be a function: it runs on a thread, keys are taken meanwhile, and what it raises is
        raised here (a damaged vault is told before any secret was asked for). `preload` is started as
        soon as the card is known. Raises `Cancelled` for Ctrl+C, `SystemExit(0)` for Ctrl+Q and
        `SystemExit(129)` when the terminal is gone.
        """
        if self._terminal.dumb:
            from iop_tui.shell.questions import Questions

            return Questions(self._terminal).card(card, preload)
        from iop_tui.shell.process.dialogue import Dialogue

        dialogue = Dialogue(self._terminal, self._painter, card, preload, caps_before=self._caps)
        answers = dialogue.run()
        self._caps = dialogue.caps
        self._last = dialogue.card
        return answers

    def busy(self, text: str) -> None:
        """Say what is going on, in place of the card."""
        if self._terminal.dumb:
            self._terminal.write(f"{text}\n".encode())
        else:
            self._painter.paint(self._last, text, active=1)
