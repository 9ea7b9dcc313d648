"""A single file `.cwx` as carrier, for mail or a phone: packs one after another, with a table in front.

    "CWXF" | 28 bytes of a hash of the program's id | u32 length | canonical((name, size), …) | packs and parts
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from iop_tui.exchange import chunks, packs
from iop_tui.exchange.remotes.directory import looked, tag_of, told
from iop_tui.exchange.remotes.port import LOCAL, Capabilities, CarrierGone, Look, OtherProgram
from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import IopError, MediumUnusable
from iop_tui.kernel.rng import Rng
from iop_tui.vault.digest import Hasher, sha256

MAGIC = b"CWXF"
SUFFIX = ".cwx"
_FRONT = 32
_LONGEST_TABLE = 32 * 1024 * 1024
"""Bytes of the table: some three hundred thousand packs. What is behind it is read one by one, as it is asked for."""
_PIECE = 1024 * 1024
_MODE = 0o600
_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


class BundleRemote:
    """One file. What it holds is kept; `close` writes it anew where packs were added. Neither reading nor writing holds
    more of it in memory than its table and one pack.
    """

    def __init__(self, path: Path, realm: bytes, rng: Rng) -> None:
        self._path = path
        self._rng = rng
        self._mark = MAGIC + sha256(b"cwx/realm", realm)[:28]
        self._there: dict[str, tuple[int, int]] = {}
        self._fresh: dict[str, tuple[int, int]] = {}
        self._added: IO[bytes] | None = None
        self._seen = b""
        with told(path.parent):
            if not path.parent.is_dir():
                raise CarrierGone(f"The folder of {path.name} is not there.")
            if path.exists():
                self._load()

    def _load(self) -> None:
        with self._opened() as (file, size):
            raw = file.read(_FRONT + 4)
            if raw[:4] != MAGIC:
                raise OtherProgram(f"{self._path.name} is no file of an exchange.", "Choose another name for it.")
            if raw[:_FRONT] != self._mark:
                raise OtherProgram(f"{self._path.name} holds the exchange of another program.")
            length = int.from_bytes(raw[_FRONT:], "big")
            try:
                table = decode(file.read(length) if length <= _LONGEST_TABLE else b"", tuple[tuple[str, int], ...])
            except IopError:
                raise MediumUnusable(f"{self._path.name} is cut or damaged.", "Have it sent again.") from None
        at = _FRONT + 4 + length
        for name, wanted in table:
            if _is_kept(name) and 0 <= wanted <= packs.LARGEST:
                self._there[name] = (at, max(0, min(wanted, size - at)))  # cut at the end: told when it is read
            at += max(0, wanted)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[tuple[IO[bytes], int]]:
        """The file as it was when it was seen first, and its size. Raises `CarrierGone` where it is another one now."""
        with os.fdopen(os.open(self._path, _READING), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise MediumUnusable(f"{self._path.name} is no ordinary file.", "Choose another name.")
            seen = f"{found.st_dev} {found.st_ino} {found.st_size} {found.st_mtime_ns}".encode()
            if self._seen not in (b"", seen):
                raise CarrierGone(f"{self._path.name} was replaced while it was used.", "Exchange with it again.")
            self._seen = seen
            yield file, found.st_size

    def capabilities(self) -> Capabilities:
        """What every file can do."""
        return LOCAL

    def listing(self) -> dict[str, int]:
        """The packs of the table."""
        return {name: size for name, size in self._sizes().items() if packs.parse_name(name) is not None}

    def _sizes(self) -> dict[str, int]:
        return {name: size for name, (_, size) in {**self._there, **self._fresh}.items()}

    def names(self, folder: str, suffix: str = "") -> list[str]:
        """Names of packs in a folder."""
        return sorted(name for name in self._sizes() if name.rpartition("/")[0] == folder and name.endswith(suffix))

    def get(self, name: str, start: int = 0) -> bytes | None:
        """The bytes of a pack from `start` on, as far as the file holds them."""
        with told(self._path.parent):
            if name in self._fresh and self._added is not None:
                return _read(self._added, *self._fresh[name])[start:]
            if name not in self._there:
                return None
            with self._opened() as (file, _):
                return _read(file, *self._there[name])[start:]

    def look(self, name: str, tag: str = "") -> Look | None:
        """The bytes of a pack and their hash as the tag."""
        data = self.get(name)
        return None if data is None else looked(data, tag)

    def size(self, name: str) -> int | None:
        """The size of a pack, or None."""
        return self._sizes().get(name)

    def tags(self, folder: str) -> dict[str, str]:
        """Names of packs in a folder and the hash of each."""
        found = {name: self.get(name) for name in self.names(folder)}
        return {name: tag_of(data) for name, data in found.items() if data is not None}

    def put(self, name: str, data: bytes) -> None:
        """Add a pack or a part of an attachment; it is in the file after `close`. Until then it lies beside it, in a
        file without a name.
        """
        if not _is_kept(name):
            return
        with told(self._path.parent):
            if self._added is None:
                self._added = self._nameless()
            at = self._added.seek(0, os.SEEK_END)
            self._added.write(data)
        self._fresh[name] = (at, len(data))

    def _nameless(self) -> IO[bytes]:
        place = self._temporary()
        file = os.fdopen(os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE), "w+b")
        place.unlink()
        return file

    def _temporary(self) -> Path:
        return self._path.with_name(f"{packs.text(self._rng.token(5))}.tmp")

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
        if self._added is None or self._added.closed:
            return
        temporary = self._temporary()
        with self._added, told(self._path.parent):
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    written = self._write(file)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, self._path)
            except BaseException:  # also a stop by the user: a temporary file goes before it is raised on
                temporary.unlink(missing_ok=True)
                raise
            if _digest(self._path) != written:
                raise MediumUnusable("What was written reads back as something else.", "Use another medium.")
            self._there, self._fresh, self._seen, self._added = {}, {}, b"", None
            self._load()

    def _write(self, file: IO[bytes]) -> bytes:
        """The whole file, old and new; the hash of what was written."""
        sizes = self._sizes()
        table, written = encode(tuple(sizes.items())), Hasher()
        if len(table) > _LONGEST_TABLE:
            raise MediumUnusable(f"{self._path.name} would hold more packs than a file can.", "Use a stick or folder.")
        for data in (self._mark, len(table).to_bytes(4, "big"), table):
            file.write(data)
            written.update(data)
        for name, size in sizes.items():
            data = self.get(name) or b""
            if len(data) != size:
                raise MediumUnusable(f"{self._path.name} cannot be read as it was.", "Exchange with it again.")
            file.write(data)
            written.update(data)
        return written.digest()


def _read(file: IO[bytes], at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)


def _digest(path: Path) -> bytes:
    found = Hasher()
    with path.open("rb") as file:
        while data := file.read(_PIECE):
            found.update(data)
    return found.digest()


def _is_kept(name: str) -> bool:
    return packs.parse_name(name) is not None or chunks.is_remote_name(name)
