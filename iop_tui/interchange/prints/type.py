"""The typefaces of printed copies, and what they cover."""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files
from pathlib import Path

from fontTools.ttLib import TTFont

MAIN = "main"
FACES = {
    MAIN: "NotoSans-Regular.ttf",
    "hebrew": "NotoSansHebrew-Regular.ttf",
    "arabic": "NotoSansArabic-Regular.ttf",
    "emoji": "NotoEmoji-Regular.ttf",
}
BOLD = "NotoSans-Bold.ttf"
MARK = "\ufffd"
_INVISIBLE = dict.fromkeys(map(ord, "\ufe0e\ufe0f"))
_PLAIN = frozenset({"L", "EN", "ES", "ET", "CS", "ON", "WS", "B", "S"})
_JOINERS = frozenset("\u200c\u200d\u200e\u200f")


def face(name: str) -> Path:
    """The file of a typeface, shipped with the program."""
    return Path(str(files("iop_tui.data") / "fonts" / name))


@cache
def _covered() -> frozenset[int]:
    found: set[int] = set()
    for name in FACES.values():
        with TTFont(face(name), lazy=True) as font:
            found |= set(font.getBestCmap())
    return frozenset(found)


def missing(text: str) -> frozenset[str]:
    """Visible characters of a text that no typeface here has."""
    covered = _covered()
    wanted = {char for char in text.translate(_INVISIBLE) if not char.isspace()}
    return frozenset(char for char in wanted if ord(char) not in covered and char not in _JOINERS)


def printable(text: str) -> str:
    """The text as it can be set: variation selectors gone, uncovered characters as a mark."""
    text = text.translate(_INVISIBLE)
    gaps = missing(text)
    return "".join(MARK if char in gaps else char for char in text) if gaps else text


def is_plain(text: str) -> bool:
    """Whether letters stand side by side from left to right: nothing to be joined, stacked or turned round."""
    return all(char < "\u0300" or (char < "\u2070" and unicodedata.bidirectional(char) in _PLAIN) for char in text)


def reads_right_to_left(text: str) -> bool:
    """Whether the first letter with a direction runs from right to left (Unicode Standard Annex 9, P2 and P3)."""
    for char in text:
        kind = unicodedata.bidirectional(char)
        if kind in ("R", "AL"):
            return True
        if kind == "L":
            return False
    return False


def names_of(gaps: frozenset[str]) -> tuple[str, ...]:
    """What cannot be printed, in words: `CJK UNIFIED IDEOGRAPH-4F50 (U+4F50)`."""
    return tuple(f"{unicodedata.name(char, 'character')} (U+{ord(char):04X})" for char in sorted(gaps))
