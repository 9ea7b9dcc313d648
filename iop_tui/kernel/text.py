"""One sanitizer for all text from outside: what a terminal could obey never reaches a record or a screen.

Removed: C0 and C1 controls (ESC, OSC and CSI introducers with them), DEL, bidirectional overrides,
embeddings and isolates (Trojan Source, CVE-2021-42574), line and paragraph separators, zero-width
and invisible format characters, lone surrogates and non-characters. Kept: newline, tab (as spaces),
combining marks, the zero-width joiner and non-joiner that scripts such as Persian need.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f]"
)
_BREAKS = re.compile("\r\n?|\u2028|\u2029|\u0085|\x0b|\x0c")
_TAB = "    "


def clean(text: str) -> str:
    """Multi-line text without anything a terminal would obey. NFC; line ends become `\\n`."""
    text = _BREAKS.sub("\n", text)
    if text.isascii() and text.isprintable():
        return text
    return unicodedata.normalize("NFC", _FORBIDDEN.sub("", text.replace("\t", _TAB)))


def clean_line(text: str) -> str:
    """One line: as `clean`, with every run of white space as one blank."""
    return " ".join(clean(text).split())


def clean_all(value: Any) -> Any:
    """A JSON value with every text in it cleaned; lists and tuples become lists."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list | tuple):
        return [clean_all(item) for item in value]
    if isinstance(value, dict):
        return {name: clean_all(item) for name, item in value.items()}
    return value


def escaped(text: str) -> str:
    """Text for a terminal or a log: what a terminal could obey is shown as `\\uXXXX`; tabs and line ends stay."""
    return _FORBIDDEN.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    units = (code,) if code < 0x10000 else (0xD7C0 + (code >> 10), 0xDC00 | code & 0x3FF)
    return "".join(f"\\u{unit:04x}" for unit in units)


def initials(name: str) -> str:
    """The initials of a personal name, at most three: what people without a key may see."""
    parts = [part for part in re.split(r"[\s\-]+", name) if part and part[0].isalpha()]
    return "".join(part[0].upper() for part in parts[:3])
