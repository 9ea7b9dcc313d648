"""A single file `.cwx` as carrier, for mail or a phone: packs one after another, with a table in front.

    "CWXF" | 28 bytes of a hash of the program's id | u32 length | canonical((name, size), …) | packs and parts
"""

from __future__ import annotations

import os
from pathlib import Path

from iop_tui.exchange import chunks, packs
from iop_tui.exchange.remotes.directory import looked, tag_of, told
from iop_tui.exchange.remotes.port import LOCAL, Capabilities, CarrierGone, Look, OtherProgram
from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import IopError, MediumUnusable
from iop_tui.kernel.rng import Rng
from iop_tui.vault.digest import sha256

MAGIC = b"CWXF"
SUFFIX = ".cwx"
_FRONT = 32
_MODE = 0o600


class BundleRemote:
    """One file. What it holds is kept; `close` writes it anew where packs were added."""

    def __init__(self, path: Path, realm: bytes, rng: Rng) -> None:
        self._path = path
        self._rng = rng
        self._mark = MAGIC + sha256(b"cwx/realm", realm)[:28]
        self._sizes: dict[str, int] = {}
        self._data: dict[str, bytes] = {}
        self._changed = False
        with told(path.parent):
            if not path.parent.is_dir():
                raise CarrierGone(f"The folder of {path.name} is not there.")
            if path.exists():
                self._load(path.read_bytes())

    def _load(self, raw: bytes) -> None:
        if raw[:4] != MAGIC:
            raise OtherProgram(f"{self._path.name} is no file of an exchange.", "Choose another name for it.")
        if raw[:_FRONT] != self._mark:
            raise OtherProgram(f"{self._path.name} holds the exchange of another program.")
        at = _FRONT + 4 + int.from_bytes(raw[_FRONT : _FRONT + 4], "big")
        try:
            table = decode(raw[_FRONT + 4 : at], tuple[tuple[str, int], ...])
        except IopError:
            raise MediumUnusable(f"{self._path.name} is cut or damaged.", "Have it sent again.") from None
        for name, size in table:
            if _is_kept(name) and 0 <= size <= packs.LARGEST:
                self._data[name] = raw[at : at + size]  # cut at the end: shorter, and told when it is read
                self._sizes[name] = len(self._data[name])
            at += max(0, size)

    def capabilities(self) -> Capabilities:
        """What every file can do."""
        return LOCAL

    def listing(self) -> dict[str, int]:
        """The packs of the table."""
        return {name: size for name, size in self._sizes.items() if packs.parse_name(name) is not None}

    def names(self, folder: str, suffix: str = "") -> list[str]:
        """Names of packs in a folder."""
        return sorted(name for name in self._data if name.rpartition("/")[0] == folder and name.endswith(suffix))

    def get(self, name: str, start: int = 0) -> bytes | None:
        """The bytes of a pack from `start` on, as far as the file holds them."""
        data = self._data.get(name)
        return None if data is None else data[start:]

    def look(self, name: str, tag: str = "") -> Look | None:
        """The bytes of a pack and their hash as the tag."""
        data = self._data.get(name)
        return None if data is None else looked(data, tag)

    def size(self, name: str) -> int | None:
        """The size of a pack, or None."""
        return self._sizes.get(name)

    def tags(self, folder: str) -> dict[str, str]:
        """Names of packs in a folder and the hash of each."""
        return {name: tag_of(self._data[name]) for name in self.names(folder)}

    def put(self, name: str, data: bytes) -> None:
        """Add a pack or a part of an attachment; it is on the disk after `close`."""
        if _is_kept(name):
            self._sizes[name], self._data[name], self._changed = len(data), data, True

    def want(self, name: str) -> None:
        """A damaged file is sent again as a whole."""

    def wants(self) -> set[str]:
        """None: see `want`."""
        return set()

    def granted(self, name: str) -> None:
        """Nothing: see `want`."""

    def heads(self) -> list[str]:
        """A file needs no hints."""
        return []

    def close(self) -> None:
        """Write the file beside its place, move it there, read it back."""
        if not self._changed:
            return
        table = encode(tuple((name, len(data)) for name, data in self._data.items()))
        raw = b"".join((self._mark, len(table).to_bytes(4, "big"), table, *self._data.values()))
        temporary = self._path.with_name(f"{packs.text(self._rng.token(5))}.tmp")
        with told(self._path.parent):
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(raw)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, self._path)
            except BaseException:  # also a stop by the user: a temporary file goes before it is raised on
                temporary.unlink(missing_ok=True)
                raise
            if self._path.read_bytes() != raw:
                raise MediumUnusable("What was written reads back as something else.", "Use another medium.")
        self._changed = False


def _is_kept(name: str) -> bool:
    return packs.parse_name(name) is not None or chunks.is_remote_name(name)
