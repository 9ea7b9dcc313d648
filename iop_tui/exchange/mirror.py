"""The folder `packs` of a vault: every pack this copy made or was given, as it came, for whoever lacks it.

Carrying needs no key and no user: it makes the mirror and a carrier hold the same packs. What was given damaged is
set aside, never dropped.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from pathlib import Path

from iop_tui.exchange import packs
from iop_tui.exchange.remotes.directory import DirectoryRemote
from iop_tui.kernel.rng import Rng
from iop_tui.vault.digest import sha256

FOLDER = "packs"


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

    def set_aside(self, name: str, data: bytes) -> None:
        """Keep bytes that are not what their name says, for somebody to look at."""
        self._write(self._root / "q" / f"{name.rpartition('/')[2]}-{packs.text(sha256(data))[:8]}", data)

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
        else:
            place.unlink(missing_ok=True)

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
