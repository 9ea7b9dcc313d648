"""Questions on the line, one below the other: commands, the set-up wizard, and terminals that only print.

    with Questions(open_line()) as ask:
        passphrase = ask.secret("New passphrase")
        if ask.confirm("Print the kit now?"): ...

The line is raw from the first question to the last, so that typing ahead works and never echoes.
"""

from __future__ import annotations

import select
import time

from iop_tui.kernel.errors import Cancelled
from iop_tui.shell.process import keyboard
from iop_tui.shell.process.dialogue import ESCAPE_SECONDS, Keys
from iop_tui.shell.process.keyboard import Entry
from iop_tui.shell.process.prompt import Answers
from iop_tui.shell.process.terminal import WIPE, Terminal, attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from iop_tui.shell.background import Background
    from iop_tui.shell.process.card import Card


class Questions:
    """A person at a terminal, asked in plain lines. Every question raises `Cancelled` for Ctrl+C and Ctrl+Q."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._keys = Keys(terminal.in_fd)

    def __enter__(self) -> Questions:
        self._terminal.raw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        attempt(self._terminal.settle)

    def say(self, text: str) -> None:
        """Print a line."""
        self._terminal.write(f"{text}\n".encode())

    def alone(self, lines: list[str]) -> None:
        """Show lines to the person at the keyboard until Enter (or Ctrl+C); then screen and scrollback are cleared."""
        try:
            self._terminal.write(WIPE)
            for text in lines:
                self.say(text)
            self._ask("Written down? Press Enter to clear the screen: ", masked=True).clear()
        except Cancelled:
            return  # it was shown, and that is all this is for
        finally:
            self._terminal.write(WIPE)

    def line(self, label: str, default: str = "") -> str:
        """A line of text; the default when it stays empty. Empty answers without a default are asked again."""
        shown = f"{label} [{default}]: " if default else f"{label}: "
        while True:
            entry = self._ask(shown, masked=False)
            text = entry.text() or default
            if text:
                return text

    def secret(self, label: str) -> bytearray:
        """A secret, shown as asterisks, in a buffer that the caller wipes."""
        while True:
            entry = self._ask(f"{label}: ", masked=True)
            if len(entry):
                return entry.take()

    def confirm(self, question: str, *, default: bool = False) -> bool:
        """Yes or no; Enter alone takes the default."""
        while True:
            answer = self._ask(f"{question} [{'Y/n' if default else 'y/N'}] ", masked=False).text().lower()
            if answer in ("", "y", "yes", "n", "no"):
                return answer.startswith("y") if answer else default

    def card(self, card: Card | Callable[[], Card], preload: Background[object] | None = None) -> Answers:
        """The unlock card as plain questions."""
        card = card() if callable(card) else card
        if preload is not None:
            preload.start()
        for text in (f"iop-tui {'DEMO' if card.demo else ''} {card.status}", card.failure, card.hint, *card.notes):
            if text:
                self.say(" ".join(text.split()))
        self._wait(card.wait_seconds)
        user = self.line("User", card.default_user) if card.ask_user else card.default_user
        passphrase = self.secret("Passphrase")
        if card.demo_code:
            self.say(f"Code of this demo user now: {card.demo_code(user)}")
        return Answers(user, passphrase, "".join(self.line("Code").split()) if card.ask_code else "")

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self.say(f"Wait {int(seconds) + 1} s.")
            time.sleep(seconds)

    def _ask(self, label: str, *, masked: bool) -> Entry:
        """One entry, ended by Enter."""
        entry = Entry(4096)
        self._terminal.write(label.encode())
        while (key := self._key()) != keyboard.ENTER:
            if key in (keyboard.QUIT, keyboard.CANCEL) or (key == keyboard.END and not len(entry)):
                entry.clear()
                self._terminal.write(b"\n")
                raise Cancelled("Cancelled.")
            self._edit(entry, key, masked)
        self._terminal.write(b"\n")
        if entry.broken:
            entry.clear()
            self.say("What was typed is too long or is not UTF-8 text. Type it again.")
        return entry

    def _edit(self, entry: Entry, key: int | str, masked: bool) -> None:
        before = len(entry)
        if isinstance(key, int):
            entry.insert(key)
            self._terminal.write(b"*" * (len(entry) - before) if masked else bytes([key]))
        elif key in (keyboard.BACKSPACE, keyboard.CLEAR):
            entry.backspace() if key == keyboard.BACKSPACE else entry.clear()
            self._terminal.write(b"\b \b" * (before - len(entry)))

    def _key(self) -> int | str:
        while (key := self._keys.next()) is None:
            ready, _, _ = select.select([self._keys.fd], [], [], ESCAPE_SECONDS if self._keys.decoder.waiting else None)
            if ready:
                self._keys.read()
            else:
                self._keys.decoder.expire()
        return key
