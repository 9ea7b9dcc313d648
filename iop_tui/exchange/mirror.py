"""The folder `packs` of a vault: every pack this copy made or was given, as it came, for whoever lacks it.

Carrying needs no key and no user: it makes the mirror and a carrier hold the same packs. What was given damaged is
set aside, never dropped.
"""

from __future__ import annotations

import os
from dataclasses import astuple, dataclass
from pathlib import Path

from iop_tui.exchange import packs
from iop_tui.exchange.remotes.directory import DirectoryRemote
from iop_tui.kernel.rng import Rng
from iop_tui.vault.digest import sha256

FOLDER = "packs"
MOST_ASIDE, MOST_ASIDE_BYTES = 200, 64 * 1024 * 1024
"""Damaged files of carriers that are kept for somebody to look at."""
MOST_PARTS, MOST_PARTS_BYTES = 1_000, 256 * 1024 * 1024
"""Downloads that were cut and wait for the rest, besides the present one."""


@dataclass(frozen=True, slots=True)
class Last:
    """How the last exchange with a carrier went: when it ended (ms), bytes moved, seconds, what was left. A hint for
    people, kept beside the packs without a seal; nothing is decided by it.
    """

    at_ms: int
    moved_bytes: int
    seconds: float
    left: int
    left_bytes: int
    complete: bool


class Mirror(DirectoryRemote):
    """The packs of one copy of a vault."""

    def __init__(self, vault: Path, realm: bytes, rng: Rng) -> None:
        folder = vault / FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        super().__init__(folder, realm, rng)

    def set_aside(self, name: str, data: bytes, *, elsewhere: bool = False) -> None:
        """Keep bytes that are not what their name says, for somebody to look at. `elsewhere`: they lie on a carrier
        too; of those no more are kept than `MOST_ASIDE` allows, so that nobody fills this disk.
        """
        if not elsewhere or self.room_aside():
            self._write(self._root / "q" / f"{name.rpartition('/')[2]}-{packs.text(sha256(data))[:8]}", data)

    def room_aside(self) -> bool:
        """Whether more is set aside of what carriers bring."""
        found = _sizes(self._root / "q")
        return len(found) < MOST_ASIDE and sum(size for _, _, size in found) < MOST_ASIDE_BYTES

    def drop(self, name: str) -> None:
        """Remove a damaged file from its place, after it was set aside."""
        (self._root / name).unlink(missing_ok=True)

    def aside(self) -> list[str]:
        """Names of what was set aside."""
        folder = self._root / "q"
        return sorted(item.name for item in folder.iterdir()) if folder.is_dir() else []

    def marks(self, remote: str) -> set[str]:
        """The packs a carrier was seen to hold."""
        place = self._mark_place(remote)
        return set(place.read_text("ascii", "replace").split()) if place.exists() else set()

    def mark(self, remote: str, names: set[str]) -> None:
        """Remember what a carrier holds, to notice when it goes back to an older state."""
        if names != self.marks(remote):
            self._write(self._mark_place(remote), "\n".join(sorted(names)).encode("ascii"))

    def note_last(self, remote: str, last: Last) -> None:
        """Remember how an exchange with a carrier went."""
        self._write(self._mark_place(remote, ".last"), " ".join(map(str, astuple(last))).encode("ascii"))

    def last(self, remote: str) -> Last | None:
        """How the last exchange with a carrier went, or None where none is known."""
        place = self._mark_place(remote, ".last")
        parts = place.read_text("ascii", "replace").split() if place.exists() else []
        try:
            at, moved, seconds, left, left_bytes, complete = parts
            return Last(int(at), int(moved), float(seconds), int(left), int(left_bytes), complete == "True")
        except ValueError:
            return None  # never written, or by another version

    def part(self, name: str) -> bytes:
        """What came of a download that was cut; its bytes prove nothing until all are there and fit their name."""
        place = self._part_place(name)
        return place.read_bytes() if place.exists() else b""

    def keep_part(self, name: str, data: bytes) -> None:
        """Keep what came of a download, to go on behind it; empty takes it away."""
        place = self._part_place(name)
        if data:
            self._write(place, data)
            self._thin_parts(place)
        else:
            place.unlink(missing_ok=True)

    def _thin_parts(self, present: Path) -> None:
        """What came of downloads that nobody went on with goes, the oldest first: it would be fetched again."""
        found = [one for one in _sizes(present.parent) if one[1] != present]
        count, size = len(found), sum(size for _, _, size in found)
        for _, place, less in found:
            if count < MOST_PARTS and size <= MOST_PARTS_BYTES:
                return
            place.unlink(missing_ok=True)
            count, size = count - 1, size - less

    def keep_hint(self, remote: str, what: str, data: bytes) -> None:
        """Remember something of a carrier (empty: of all). A hint, kept without a seal: nothing is decided by it."""
        if data != self.hint(remote, what):
            self._write(self._mark_place(remote, f".{what}"), data)

    def hint(self, remote: str, what: str) -> bytes:
        """What is remembered of a carrier, empty for nothing."""
        place = self._mark_place(remote, f".{what}")
        return place.read_bytes() if place.exists() else b""

    def _part_place(self, name: str) -> Path:
        return self._root / "d" / packs.text(sha256(b"cwx/part", name.encode()))[:12]

    def _mark_place(self, remote: str, suffix: str = "") -> Path:
        return self._root / "r" / (packs.text(sha256(b"cwx/mark", remote.encode()))[:12] + suffix)


def _sizes(folder: Path) -> list[tuple[int, Path, int]]:
    """When the files of a folder were written (ns), where they are, and their sizes in bytes; the oldest first."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as items:
        found = [(item.stat().st_mtime_ns, Path(item.path), item.stat().st_size) for item in items]
    return sorted(found)
