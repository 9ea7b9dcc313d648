"""Keys from raw bytes, and entry fields that hold them in buffers which can be overwritten.

A secret is never a `str` or `bytes` here: keys arrive as integers, live in a bytearray of fixed size
(growing would leave copies behind), and leave as one bytearray that the caller wipes.
"""

from __future__ import annotations

ENTER, BACKSPACE, CLEAR, SHOW, QUIT, CANCEL, NEXT, BACK, END = (
    "enter", "backspace", "clear", "show", "quit", "cancel", "next", "back", "end",
)  # fmt: skip
"""Names of the keys that a prompt knows."""

_CONTROL = {
    0x0D: ENTER, 0x0A: ENTER, 0x7F: BACKSPACE, 0x08: BACKSPACE, 0x15: CLEAR, 0x12: SHOW,
    0x11: QUIT, 0x03: CANCEL, 0x09: NEXT, 0x04: END,
}  # fmt: skip
_CURSOR = {"A": BACK, "Z": BACK, "B": NEXT}
_ESC = 0x1B
_STRING_END = (0x07, 0x18, 0x1A)
_MAX_SEQUENCE = 64


class Decoder:
    """Bytes in, keys out: an `int` is a byte of text, a `str` the name of a key, None nothing (yet).

    Escape sequences (cursor keys, mouse, replies of the terminal that come late) are taken whole and
    dropped; a bracketed paste is text without its control characters. `expire` ends a lone Esc.
    """

    def __init__(self) -> None:
        self._state = "text"
        self._sequence = ""
        self._pasting = False

    @property
    def waiting(self) -> bool:
        """Whether an escape sequence has begun: call `expire` if nothing follows soon."""
        return self._state != "text"

    def expire(self) -> None:
        """No more bytes came: what looked like a sequence was the Esc key alone."""
        self._state = "text"

    def feed(self, byte: int) -> int | str | None:
        """The key that this byte completes."""
        if self._state == "text":
            return self._text(byte)
        if self._state == "csi":
            return self._csi(byte)
        self._skip(byte)
        return None

    def _text(self, byte: int) -> int | str | None:
        if byte == _ESC:
            self._state = "escape"
            return None
        if byte >= 0x20 and byte != 0x7F:
            return byte
        return None if self._pasting else _CONTROL.get(byte)

    def _skip(self, byte: int) -> None:
        """After Esc, or inside a string that a terminal sends (title, colours): nothing is typed by it."""
        if byte == _ESC:
            self._state = "escape"
        elif self._state == "string":
            self._state = "text" if byte in _STRING_END else "string"
        else:
            self._state = "csi" if byte in b"[O" else "string" if byte in b"]PX^_" else "text"
            self._sequence = ""

    def _csi(self, byte: int) -> str | None:
        if byte == _ESC:
            self._state = "escape"
            return None
        self._sequence += chr(byte)
        if not 0x40 <= byte <= 0x7E and len(self._sequence) < _MAX_SEQUENCE:
            return None
        self._state = "text"
        if self._sequence in ("200~", "201~"):
            self._pasting = self._sequence == "200~"
            return None
        return None if self._pasting else _CURSOR.get(self._sequence[-1])


class Entry:
    """One line being typed, as UTF-8 in a buffer of fixed size. Bytes that are not UTF-8 are refused."""

    def __init__(self, limit: int = 1024) -> None:
        self._buffer = bytearray(limit)
        self._length = 0
        self._owed = 0
        self.version = 0
        """Counts changes."""
        self.broken = False
        """Something was typed that is not UTF-8 or did not fit: the entry must not be used as it is."""

    def __len__(self) -> int:
        """Characters (code points) typed."""
        return sum(1 for index in range(self._length) if self._buffer[index] & 0xC0 != 0x80)

    def view(self) -> memoryview:
        """The bytes typed so far, not copied."""
        return memoryview(self._buffer)[: self._length]

    def insert(self, byte: int) -> None:
        """Append one byte of text."""
        self.version += 1
        if byte & 0xC0 == 0x80:
            if not self._owed:
                self.broken = True
                return
            self._owed -= 1
        else:
            self.broken |= self._owed > 0 or 0x80 <= byte < 0xC2 or byte > 0xF4
            self._owed = 0 if byte < 0x80 else 1 if byte < 0xE0 else 2 if byte < 0xF0 else 3
        if self._length == len(self._buffer):
            self.broken = True
            return
        self._buffer[self._length] = byte
        self._length += 1
        if byte & 0xE0 == 0x80 and self._length > 1 and self._buffer[self._length - 2] == 0xC2:
            self.backspace()  # U+0080 to U+009F: control characters that a terminal obeys

    def backspace(self) -> None:
        """Remove the last character."""
        self.version += 1
        self._owed = 0
        while self._length:
            self._length -= 1
            byte, self._buffer[self._length] = self._buffer[self._length], 0
            if byte & 0xC0 != 0x80:
                return

    def clear(self) -> None:
        """Overwrite and empty the entry."""
        self.version += 1
        self._buffer[:] = bytes(len(self._buffer))
        self._length = self._owed = 0
        self.broken = False

    def take(self) -> bytearray:
        """The bytes typed, as a buffer of their own that the caller wipes; the entry is emptied."""
        taken = bytearray(self._length)
        memoryview(taken)[:] = self.view()
        self.clear()
        return taken

    def text(self) -> str:
        """What was typed, for entries that are not secret."""
        return str(self.view(), "utf-8", "replace").strip()

    def letters_all_upper(self) -> bool:
        """Whether there are ASCII letters and none is small: Caps Lock may be on."""
        letters = [byte & 0x20 for byte in self.view() if 0x41 <= byte & 0xDF <= 0x5A]
        return len(letters) > 3 and not any(letters)


def wipe(secret: bytearray) -> None:
    """Overwrite a secret in place."""
    secret[:] = bytes(len(secret))
