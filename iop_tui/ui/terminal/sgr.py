"""Styles as the terminal knows them: parsed from SGR parameters, and the shortest way from one to another.

Source: ECMA-48 8.3.117 (SELECT GRAPHIC RENDITION); 38/48 colours from ITU-T T.416 in xterm's form.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

_ON = {1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 6: 32, 7: 64, 8: 128, 9: 256, 21: 512, 51: 1024, 52: 2048, 53: 4096}
_OFF = {22: 1 | 2, 23: 4, 24: 8 | 512, 25: 16 | 32, 27: 64, 28: 128, 29: 256, 54: 1024 | 2048, 55: 4096}
_SHOWS_ON_BLANK = 8 | 16 | 32 | 64 | 256 | 512 | 1024 | 2048 | 4096


class Style(NamedTuple):
    """Attributes as bits, foreground and background as SGR parameters (empty: the terminal's default)."""

    attributes: int = 0
    foreground: str = ""
    background: str = ""


PLAIN = Style()


_LEVELS = (0, 95, 135, 175, 215, 255)


@lru_cache(maxsize=1024)
def nearest(red: int, green: int, blue: int) -> int:
    """The index of the nearest of xterm's colours 16 to 255: a cube of six levels and 24 greys."""
    cube = [min(range(6), key=lambda level: abs(_LEVELS[level] - part)) for part in (red, green, blue)]
    grey = max(0, min(23, round(((red + green + blue) / 3 - 8) / 10)))
    in_cube = sum((_LEVELS[level] - part) ** 2 for level, part in zip(cube, (red, green, blue), strict=True))
    in_greys = sum((8 + 10 * grey - part) ** 2 for part in (red, green, blue))
    return 232 + grey if in_greys < in_cube else 16 + 36 * cube[0] + 6 * cube[1] + cube[2]


def _indexed(numbers: list[str]) -> str:
    """The parameters of an extended colour; a true colour becomes the nearest of 256, at half the bytes."""
    if numbers[1] != "2" or len(numbers) < 5:
        return ";".join(numbers)
    return f"{numbers[0]};5;{nearest(*(int(number or 0) for number in numbers[2:5]))}"


@lru_cache(maxsize=4096)
def apply_sgr(style: Style, parameters: str) -> Style:
    """The style after an SGR sequence with these parameters (`1;38;5;3`) in a pen of `style`."""
    numbers = parameters.replace(":", ";").split(";")
    attributes, foreground, background = style
    position = 0
    while position < len(numbers):
        code = int(numbers[position] or 0)
        size = 1
        if code == 0:
            attributes, foreground, background = PLAIN
        elif code in (38, 48):
            size = 5 if numbers[position + 1:position + 2] == ["2"] else 3
            colour = _indexed(numbers[position:position + size])
            foreground, background = (colour, background) if code == 38 else (foreground, colour)
        elif 30 <= code <= 37 or 90 <= code <= 97 or code == 39:
            foreground = "" if code == 39 else str(code)
        elif 40 <= code <= 47 or 100 <= code <= 107 or code == 49:
            background = "" if code == 49 else str(code)
        else:
            attributes = (attributes | _ON.get(code, 0)) & ~_OFF.get(code, 0)
        position += size
    return Style(attributes, foreground, background)


@lru_cache(maxsize=1024)
def for_blank(style: Style) -> Style:
    """The style of a blank: its foreground cannot be seen unless the blank is underlined, reversed or struck."""
    if style.attributes & _SHOWS_ON_BLANK:
        return style
    return Style(0, "", style.background)


def erasable(style: Style, *, coloured: bool) -> bool:
    """Whether erasing equals writing blanks; `coloured`: the terminal erases with the background colour."""
    return style.attributes == 0 and (coloured or not style.background)


@lru_cache(maxsize=4096)
def transition(before: Style | None, after: Style) -> str:
    """The shortest SGR sequence from one style to another; `before` None means unknown."""
    if before == after:
        return ""
    full = _from_reset(after)
    if before is None:
        return full
    change = _by_change(before, after)
    return min(change, full, key=len) if change else full


def _codes(bits: int) -> list[str]:
    return [str(code) for code, bit in _ON.items() if bits & bit]


def _from_reset(style: Style) -> str:
    codes = [*_codes(style.attributes), style.foreground, style.background]
    tail = ";".join(code for code in codes if code)
    return f"\x1b[0;{tail}m" if tail else "\x1b[m"


def _by_change(before: Style, after: Style) -> str:
    codes = []
    kept = before.attributes
    for code, bits in _OFF.items():
        if before.attributes & ~after.attributes & bits:
            codes.append(str(code))
            kept &= ~bits
    codes += _codes(after.attributes & ~kept)
    if before.foreground != after.foreground:
        codes.append(after.foreground or "39")
    if before.background != after.background:
        codes.append(after.background or "49")
    return f"\x1b[{';'.join(codes)}m"
