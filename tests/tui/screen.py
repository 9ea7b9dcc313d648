"""A model of a terminal's screen for tests: pyte for the cells, plus what pyte does not know.

pyte has no alternate screen and mistakes the kitty keyboard and query sequences for others; those
are handled here. Modes are kept so that a test can ask what a program left switched on.
"""

from __future__ import annotations

import codecs
import re

import pyte

_TOKEN = re.compile(
    r"\x1b\[(?P<params>[0-?]*)(?P<inter>[ -/]*)(?P<final>[@-~])"
    r"|\x1b(?P<intro>[\]PX^_])(?P<string>[^\x07\x18\x1a\x1b]*)(?:\x07|\x1b\\|\x18|\x1a|(?=\x1b[^\\]))"
    r"|(?P<escape>\x1b[ -/]*(?![\[\]PX^_])[0-~])"
    r"|(?P<aborted>(?:\x1b\[[0-?]*[ -/]*|\x1b[ -/]*)(?:(?=\x1b)|[\x18\x1a])|[\x18\x1a])"
    r"|(?P<text>[^\x1b\x18\x1a]+)",
    re.DOTALL,
)
_PARTIAL = 65536
_ALTERNATE = {47, 1047, 1049}
_ON_AT_START = {7, 25}
_FOR_PYTE = {5, 6, 7, 25}


class ScreenModel:
    """Main screen with scrollback, alternate screen, modes, title, and counts of what must not happen."""

    def __init__(self, cols: int, rows: int, answer: bool = False) -> None:
        self.modes: dict[int, bool] = {}
        self.title = ""
        self.clipboard_writes = 0
        self.kitty_depth = 0
        self.keypad = False
        self._answer = answer
        self._pending = ""
        self._replies = ""
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._main = pyte.HistoryScreen(cols, rows, history=10_000)
        self._other = pyte.Screen(cols, rows)
        self.screen: pyte.Screen = self._main
        self._streams = {id(each): pyte.Stream(each) for each in (self._main, self._other)}

    @property
    def in_alternate(self) -> bool:
        """Whether the alternate screen is shown."""
        return self.screen is self._other

    def text(self) -> str:
        """The visible text, one line per row."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def scrollback(self) -> str:
        """Text of the lines scrolled off the main screen."""
        columns = range(self._main.columns)
        return "\n".join("".join(line[x].data for x in columns).rstrip() for line in self._main.history.top)

    def cursor(self) -> tuple[int, int]:
        """Column and row of the cursor, from 0."""
        return self.screen.cursor.x, self.screen.cursor.y

    def resize(self, cols: int, rows: int) -> None:
        """Adopt a new size."""
        self._main.resize(rows, cols)
        self._other.resize(rows, cols)

    def modes_left(self) -> list[str]:
        """What differs from a fresh terminal."""
        left = [f"?{mode}{'h' if on else 'l'}" for mode, on in self.modes.items() if on != (mode in _ON_AT_START)]
        return sorted(left) + ["kitty-keys"] * (self.kitty_depth > 0) + ["keypad"] * self.keypad

    def feed(self, data: bytes) -> bytes:
        """Interpret output; the replies a terminal would send, empty unless `answer`."""
        buffer = self._pending + self._decode(data)
        position = 0
        while match := _TOKEN.match(buffer, position):
            position = match.end()
            self._token(match)
        rest = buffer[position:]
        self._pending = rest if len(rest) < _PARTIAL else ""
        replies, self._replies = self._replies, ""
        return replies.encode() if self._answer else b""

    def _token(self, match: re.Match[str]) -> None:
        if match["final"]:
            self._csi(match["params"], match["inter"], match["final"], match[0])
        elif match["intro"]:
            self._string(match["intro"], match["string"])
        elif match["escape"]:
            self._escape(match["escape"])
        elif match["text"]:
            self._show(match["text"])

    def _show(self, text: str) -> None:
        self._streams[id(self.screen)].feed(text)

    def _escape(self, sequence: str) -> None:
        if sequence in ("\x1b=", "\x1b>"):
            self.keypad = sequence == "\x1b="
        elif sequence != "\x1b\\":
            self._show(sequence)

    def _string(self, intro: str, string: str) -> None:
        if intro != "]":
            return
        code, _, value = string.partition(";")
        if code in ("0", "2"):
            self.title = value
        elif code == "52":
            self.clipboard_writes += 1

    def _csi(self, params: str, inter: str, final: str, whole: str) -> None:
        private = params[:1] if params[:1] in "<=>?" else ""
        numbers = [int(part) if part.isdigit() else 0 for part in params[len(private) :].split(";")]
        if private == "?" and final in "hl" and not inter:
            for number in numbers:
                self._set_mode(number, final == "h")
        elif private or inter:
            self._special(private, numbers, inter, final)
        elif final in "nc":
            self._replies += {"c": "\x1b[?62;22c", "n": self._position()}[final]
        elif final != "t":
            self._show(whole)

    def _position(self) -> str:
        x, y = self.cursor()
        return f"\x1b[{y + 1};{x + 1}R"

    def _special(self, private: str, numbers: list[int], inter: str, final: str) -> None:
        if final == "u" and private in (">", "<"):
            self.kitty_depth = max(0, self.kitty_depth + (1 if private == ">" else -max(1, numbers[0])))
        elif private == "?" and inter == "$" and final == "p":
            self._replies += f"\x1b[?{numbers[0]};{2 if numbers[0] == 2026 else 0}$y"

    def _set_mode(self, mode: int, on: bool) -> None:
        if mode != 2026:
            self.modes[mode] = on
        if mode in _ALTERNATE:
            if on and not self.in_alternate:
                self._other.reset()
            self.screen = self._other if on else self._main
        elif mode in _FOR_PYTE:
            self._show(f"\x1b[?{mode}{'h' if on else 'l'}")
