"""Numbers beside words from right to left. Without a mark `(555) 010-1200` behind an Arabic name is set as
`1200-010 (555)`: another number (Unicode Standard Annex 9, W2 and W4).
"""

from __future__ import annotations

import re

LEFT_TO_RIGHT = "\u200e"
"""Invisible; what stands between two of them runs from left to right."""
_TURNED = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_NUMBER = re.compile(r"[+(]*\d+(?:[ ().\-/:]{1,2}\d+)*")


def headline(text: str) -> str:
    """A line that begins with a name and runs from left to right, whatever the name does."""
    return f"{LEFT_TO_RIGHT}{text}" if _TURNED.search(text) else text


def steadied(text: str) -> str:
    """The text with every number between invisible marks, where it has words from right to left."""
    if not _TURNED.search(text):
        return text
    return _NUMBER.sub(lambda found: f"{LEFT_TO_RIGHT}{found[0]}{LEFT_TO_RIGHT}", text)
