"""Paths as people type them."""

from __future__ import annotations

import os.path
from pathlib import Path


def typed(text: str) -> Path:
    """The path that was typed, or dropped into the terminal: `~` is the home folder, quotes around it fall away.

    A name such as `~nobody` that stands for no home folder is taken as it is; it is then a file that is not there.
    """
    plain = text.strip()
    if len(plain) > 1 and plain[0] == plain[-1] and plain[0] in "'\"":
        plain = plain[1:-1]
    return Path(os.path.expanduser(plain))
