"""The card on a full terminal: takes keys, fills the entries, says what is missing, counts down."""

from __future__ import annotations

import os
import select
import signal
import time

from iop_tui.shell.background import Background
from iop_tui.shell.process import keyboard
from iop_tui.shell.process.card import Card, Painter
from iop_tui.shell.process.keyboard import Decoder, Entry
from iop_tui.shell.process.prompt import Answers
from iop_tui.shell.process.terminal import Terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

ESCAPE_SECONDS = 0.1
"""How long an Esc may be the beginning of a sequence."""
TICK_SECONDS = 1.0
HUNG_UP = 128 + signal.SIGHUP
_UNREADABLE = "What was typed is too long or is not UTF-8 text. Type it again."
_CAPS = "All letters were capitals: is Caps Lock on?"


class Keys:
    """Key events from the terminal, read into one buffer that is overwritten, never into `bytes`."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.decoder = Decoder()
        self._chunk = bytearray(256)
        self._at = self._end = 0

    def read(self) -> None:
        """Take what has come. Raises `SystemExit(129)` when the terminal is gone."""
        try:
            self._at, self._end = 0, os.readv(self.fd, [self._chunk])
        except BlockingIOError:
            return
        except OSError:
            raise SystemExit(HUNG_UP) from None
        if not self._end:
            raise SystemExit(HUNG_UP)

    def next(self) -> int | str | None:
        """The next byte of text or named key of what was read, or None at its end."""
        while self._at < self._end:
            byte, self._chunk[self._at] = self._chunk[self._at], 0
            self._at += 1
            key = self.decoder.feed(byte)
            if key is not None:
                return key
        return None


class Dialogue:
    """One round of the card: from the empty entries to the answers."""

    def __init__(
        self, terminal: Terminal, painter: Painter, card: Card | Callable[[], Card],
        preload: Background[object] | None, *, caps_before: bool = False,
    ) -> None:  # fmt: skip
        self._terminal = terminal
        self._painter = painter
        self._preload = preload
        self._keys = Keys(terminal.in_fd)
        self._entries: tuple[Entry, ...] = (Entry(),)
        self._active = 0
        self._shown = False
        self._said = ""
        self._free_at = 0.0
        self._known = False
        self._caps_before = caps_before
        self.caps = False
        self._woken, self._wake = os.pipe()
        self.card = card if isinstance(card, Card) else Card()
        self._pending = None if isinstance(card, Card) else Background(card)

    def run(self) -> Answers:
        """Ask until everything is answered. The entries are overwritten whatever happens."""
        before = signal.signal(signal.SIGWINCH, self._on_resize)
        os.set_blocking(self._wake, False)
        woken = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)  # also a signal just before `select`
        try:
            self._begin()
            while not (self._complete() and time.monotonic() >= self._free_at):
                self._paint()
                self._step()
            answers = self._answers()
            self._painter.paint(self.card, "Unlocking ...", (), self._entries, len(self._entries))
            return answers
        finally:
            signal.set_wakeup_fd(woken)
            signal.signal(signal.SIGWINCH, before)
            for entry in self._entries:
                entry.clear()
            os.close(self._woken)
            os.close(self._wake)

    def _begin(self) -> None:
        if self._pending is None:
            self._adopt(self.card)
        else:
            self._pending.start()

    def _adopt(self, card: Card) -> None:
        """The card is known: the entry typed into so far is its first."""
        self.card, self._known, self._pending = card, True, None
        self._entries = (self._entries[0], *(Entry() for _ in card.labels()[1:]))
        self._free_at = time.monotonic() + card.wait_seconds
        if self._preload is not None:
            self._preload.start()

    # -- one step

    def _step(self) -> None:
        sources: list[int | Background[Card]] = [self._woken]
        if not self._held():
            sources.append(self._keys.fd)
        if self._pending is not None:
            sources.append(self._pending)
        ready, _, _ = select.select(sources, [], [], self._timeout())
        if self._woken in ready:
            os.read(self._woken, 64)
        if self._keys.fd in ready:
            self._keys.read()
        elif not ready and self._keys.decoder.waiting:
            self._keys.decoder.expire()
        if self._pending is not None and self._pending in ready:
            self._adopt(self._pending.result())
        self._take_keys()

    def _held(self) -> bool:
        """Keys stay where they are: before the card is known no entry is left, after the last none is needed."""
        return self._active >= len(self._entries) and not self._known

    def _take_keys(self) -> None:
        while not self._held() and (key := self._keys.next()) is not None:
            self._said = ""
            self._key(key)

    def _timeout(self) -> float | None:
        if self._keys.decoder.waiting:
            return ESCAPE_SECONDS
        left = self._free_at - time.monotonic()
        if left > 0:
            return min(left, TICK_SECONDS)
        return TICK_SECONDS if self.card.demo_code else None

    def _on_resize(self, number: int, _: FrameType | None) -> None:
        """Nothing but a handler: with one, the signal wakes the loop, which paints."""
        del number

    # -- keys

    def _key(self, key: int | str) -> None:
        if key in (keyboard.QUIT, keyboard.CANCEL):
            _leave(key)
        if self._complete():
            return
        entry = self._entries[self._active]
        if isinstance(key, int):
            entry.insert(key)
        elif key == keyboard.BACKSPACE:
            entry.backspace()
        elif key == keyboard.CLEAR:
            entry.clear()
        elif key == keyboard.SHOW:
            self._shown = not self._shown
        elif key == keyboard.BACK:
            self._active = max(0, self._active - 1)
        elif key == keyboard.ENTER or (key == keyboard.NEXT and self._active < len(self._entries) - 1):
            self._enter(entry)
        elif key == keyboard.END and not len(entry):
            _leave(keyboard.CANCEL)

    def _enter(self, entry: Entry) -> None:
        label = self.card.labels()[self._active]
        if entry.broken:
            entry.clear()
            self._said = _UNREADABLE
        elif not len(entry) and self._known and not (label.startswith("User") and self.card.default_user):
            self._said = f"{label} is needed."
        else:
            self._active += 1
            self._shown = False

    def _complete(self) -> bool:
        return self._known and self._active >= len(self._entries)

    # -- what is shown and returned

    def _paint(self) -> None:
        masked = -1 if self._shown else self._secret_index()
        self._painter.paint(self.card, self._status(), self._extra(), self._entries, self._active, masked)

    def _status(self) -> str:
        left = self._free_at - time.monotonic()
        if left > 0:
            then = "then it is checked" if self._complete() else "then try again"
            return f"{self.card.status}. Wait {int(left) + 1} s, {then}."
        return self.card.status

    def _extra(self) -> tuple[str, ...]:
        lines = [self._said]
        if self._caps_before and self.card.failure:
            lines.append(_CAPS)
        if self.card.demo_code and self._secret_index() < self._active < len(self._entries):
            code = self.card.demo_code(self._user())
            lines.append(f"Code of this demo user now: {code}" if code else "")
        if not self._terminal.fits():
            lines.append("The terminal is too small; make the window larger.")
        return tuple(line for line in lines if line)

    def _secret_index(self) -> int:
        """The entry that is masked. While the card is not known it is the only one, whichever it will be."""
        return 1 if self._known and self.card.ask_user else 0

    def _user(self) -> str:
        return (self._entries[0].text() if self.card.ask_user else "") or self.card.default_user

    def _answers(self) -> Answers:
        user, secret = self._user(), self._entries[self._secret_index()]
        self.caps = secret.letters_all_upper()
        code = self._entries[-1].text() if self.card.ask_code else ""
        return Answers(user, secret.take(), "".join(code.split()))


def _leave(key: str | int) -> None:
    """Ctrl+Q ends the program as anywhere else; Ctrl+C cancels."""
    if key == keyboard.QUIT:
        raise SystemExit(0)
    from iop_tui.kernel.errors import Cancelled

    raise Cancelled("Cancelled.")
