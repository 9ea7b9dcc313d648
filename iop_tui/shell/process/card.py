"""The unlock card: what it shows, drawn with plain writes. Row-wise: only rows that changed are written."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from iop_tui.shell.process.keyboard import Entry
    from iop_tui.shell.process.terminal import Terminal

LEFT, VALUE = 5, 18
"""Columns (from 1) where labels and values begin."""
_TITLE_ROW, _STATUS_ROW, _FIELD_ROW = 2, 3, 5
_KEYS = "Enter next   Ctrl+U clear   Ctrl+R show   Ctrl+Q quit"


class Card:
    """What the card says. Nothing about clients.

    `status` is the line under the title; `failure` and `hint` are the sentences after a failed try,
    `wait_seconds` the delay before the next one is looked at. `default_user` is taken when the user
    field stays empty. `demo_code` gives the current code for a user name of a demo vault, or "".
    """

    __slots__ = (
        "ask_code", "ask_user", "default_user", "demo", "demo_code", "failure", "hint", "notes", "status",
        "wait_seconds",
    )  # fmt: skip

    def __init__(
        self, *, ask_user: bool = True, ask_code: bool = True, default_user: str = "", status: str = "Locked",
        failure: str = "", hint: str = "", wait_seconds: float = 0.0, demo: bool = False,
        demo_code: Callable[[str], str] | None = None, notes: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self.ask_user = ask_user
        self.ask_code = ask_code
        self.default_user = default_user
        self.status = status
        self.failure = failure
        self.hint = hint
        self.wait_seconds = wait_seconds
        self.demo = demo
        self.demo_code = demo_code
        self.notes = notes

    def after(self, failure: str, hint: str = "", wait_seconds: float = 0.0) -> Card:
        """The same card after a failed try."""
        return Card(
            ask_user=self.ask_user, ask_code=self.ask_code, default_user=self.default_user, status=self.status,
            failure=failure, hint=hint, wait_seconds=wait_seconds, demo=self.demo, demo_code=self.demo_code,
            notes=self.notes,
        )  # fmt: skip

    def labels(self) -> list[str]:
        """The fields in the order they are asked."""
        user = f"User [{self.default_user}]" if self.default_user else "User"
        return [user] * self.ask_user + ["Passphrase"] + ["Code"] * self.ask_code


class Painter:
    """Draws a card on the alternate screen and remembers its rows."""

    def __init__(self, terminal: Terminal, drawn: Card | None = None) -> None:
        self._terminal = terminal
        self._plain = "NO_COLOR" in os.environ
        self._size = terminal.size()
        self._rows = self._compose(drawn, drawn.status, ()) if drawn else []
        self._drawn: dict[int, tuple[int, bool]] = {}
        self._cursor = (-1, -1, -1)

    def paint(
        self, card: Card, status: str, extra: tuple[str, ...] = (), entries: tuple[Entry, ...] = (),
        active: int = 0, masked: int = -1,
    ) -> None:  # fmt: skip
        """Bring the screen up to date; only rows that changed are written.

        `masked` is the entry shown as asterisks. The cursor ends in the active entry; hidden when there is none.
        """
        out = bytearray()
        if self._terminal.size() != self._size:
            self._size = self._terminal.size()
            self._rows, self._drawn = [], {}
            out += b"\x1b[2J"
        rows = self._compose(card, status, extra)
        for number, row in enumerate(rows):
            if (self._rows[number] if number < len(self._rows) else b"") != row:
                out += b"\x1b[%d;1H\x1b[2K" % (number + 1) + row
                self._drawn.pop(number + 1 - _FIELD_ROW, None)
        self._rows = rows
        cursor = (active, entries[active].version if active < len(entries) else -1, masked)
        if not out and cursor == self._cursor:
            return
        self._cursor = cursor
        for index in sorted(range(len(entries)), key=lambda index: index == active):
            self._value(out, index, entries[index], masked=index == masked, active=index == active)
        out += b"\x1b[?25h" if active < len(entries) else b"\x1b[?25l"
        self._terminal.write(out)
        out[:] = bytes(len(out))  # it may have held a passphrase that was to be shown

    def _value(self, out: bytearray, index: int, entry: Entry, *, masked: bool, active: bool) -> None:
        if not active and self._drawn.get(index, (0, masked)) == (entry.version, masked):
            return
        self._drawn[index] = entry.version, masked
        room = max(1, self._size[0] - VALUE - 1)
        out += b"\x1b[%d;%dH" % (_FIELD_ROW + index, VALUE)
        out += b"*" * min(len(entry), room) if masked else entry.view()
        out += b"\x1b[K"

    def _compose(self, card: Card | None, status: str, extra: tuple[str, ...]) -> list[bytes]:
        cols, count = self._size
        rows = [b""] * max(count, 1)
        if card is None:
            return rows
        body: dict[int, bytes] = {
            _TITLE_ROW: self._styled("1", "iop-tui") + (b"   " + self._styled("7", " DEMO ") if card.demo else b""),
            _STATUS_ROW: status.encode(),
        }
        labels = card.labels()
        body |= {_FIELD_ROW + index: label.encode() for index, label in enumerate(labels)}
        said = [self._styled("1", line) for line in wrap(card.failure, cols - 2 * LEFT)]
        said += [line.encode() for text in (card.hint, *extra, *card.notes) for line in wrap(text, cols - 2 * LEFT)]
        body |= {_FIELD_ROW + len(labels) + 1 + index: line for index, line in enumerate(said)}
        body[count - 1] = self._styled("2", _KEYS)
        for number, text in body.items():
            if 0 < number <= count and text:
                rows[number - 1] = b" " * (LEFT - 1) + text
        return rows

    def _styled(self, style: str, text: str) -> bytes:
        if self._plain and style != "7":
            return text.encode()
        return f"\x1b[{style}m{text}\x1b[0m".encode()


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` characters, broken at blanks."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines
