"""Room kept aside beside a vault, so that a full disk still lets a session write its end, lock and read."""

from __future__ import annotations

import os
from pathlib import Path

BYTES = 8 * 1024 * 1024


def place(vault: Path) -> Path:
    """Where the room of a vault database is kept."""
    return vault.parent / "views" / "ballast"


def keep(vault: Path) -> None:
    """Keep 8 MiB aside. Best effort: no room, no ballast."""
    path = place(vault)
    if path.exists():
        return
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with path.open("wb") as file:
            os.chmod(path, 0o600)
            os.posix_fallocate(file.fileno(), 0, BYTES)
    except OSError:
        path.unlink(missing_ok=True)


def give_up(vault: Path) -> bool:
    """Give the room back; whether there was any."""
    path = place(vault)
    if not path.exists():
        return False
    try:
        path.unlink()
    except OSError:
        return False  # a disk that fails at this too gives no room
    return True
