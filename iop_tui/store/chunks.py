"""The folder `chunks` of a vault: sealed parts of large files, each under the hash of its bytes.

    chunks/<first character>/<name>     a chunk that belongs to a record, or that was carried for others
    chunks/new/<id>/…                   a file that is being attached; `for-<revision>` once all its chunks are there
    chunks/aside/…                      what was found damaged, set aside

The bytes are on the disk before the record that names them is written, and get their place after it: who is stopped in
between leaves a folder under `new`, and whether its revision is in the vault says which way it ends (`settle`).
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from iop_tui.kernel.errors import MediumUnusable
from iop_tui.kernel.ids import show_id
from iop_tui.kernel.rng import Rng
from iop_tui.store.database import translated
from iop_tui.vault import chunks

FOLDER = "chunks"
_NEW, _ASIDE = "new", "aside"
_PROMISE = "for-"
_PROMISED = re.compile("for-((?:[0-9a-f]{2})+)")
_MODE, _FOLDER_MODE = 0o600, 0o700
_TEMPORARY = ".tmp"
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"

Committed = Callable[[bytes], bool]
"""Whether a revision id is in the vault."""

_active: set[Path] = set()
"""Staging folders of this process, which `settle` leaves alone. The vault lets no other process write."""
_settling = threading.Lock()
"""Two threads never end the same file at once."""


class ChunkStore:
    """The chunks of one copy of a vault. Needs no key: it never opens them."""

    def __init__(self, vault: Path, rng: Rng) -> None:
        self.root = vault / FOLDER
        self._rng = rng

    # -- reading ---------------------------------------------------------------------------

    def size(self, name: str) -> int | None:
        """Size of a chunk in bytes, or None where it is not here; its bytes are not looked at."""
        try:
            found = os.lstat(self._place(name)).st_size
        except (FileNotFoundError, NotADirectoryError):
            return None
        return found if found in chunks.SIZES else None

    def has(self, name: str) -> bool:
        """Whether a chunk is here."""
        return self.size(name) is not None

    def sound(self, name: str) -> bytes | None:
        """The bytes of a chunk, checked against its name; None where it is not here or was damaged: then it is set
        aside, and fetched again where somebody has it. Raises `MediumUnusable`.
        """
        place = self._place(name)
        with translated(place):
            try:
                descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except (FileNotFoundError, NotADirectoryError):
                return None
            with os.fdopen(descriptor, "rb") as file:
                data = file.read(chunks.WIDE + 1)
            if chunks.fits(name, data):
                return data
            aside = self.root / _ASIDE
            aside.mkdir(mode=_FOLDER_MODE, exist_ok=True)
            os.replace(place, aside / name)
            return None

    def names(self) -> dict[str, int]:
        """Every chunk that is here and its size in bytes; other files are passed over."""
        found: dict[str, int] = {}
        with translated(self.root):
            for letter in _LETTERS:
                for item in _entries(self.root / letter):
                    if chunks.is_name(item.name) and item.is_file(follow_symlinks=False):
                        found[item.name] = item.stat(follow_symlinks=False).st_size
        return {name: size for name, size in found.items() if size in chunks.SIZES}

    def aside(self) -> list[str]:
        """Names of what was found damaged."""
        return [item.name for item in _entries(self.root / _ASIDE)]

    # -- writing ---------------------------------------------------------------------------

    def put(self, name: str, data: bytes) -> None:
        """Store a chunk durably under its name. Raises `DiskFull`, `MediumUnusable`, also where it is another chunk."""
        if not chunks.fits(name, data):
            raise MediumUnusable("A part of an attachment is not what its name says.", "It is fetched again.")
        place = self._place(name)
        temporary = place.with_name(f"{show_id(self._rng.token(16))}{_TEMPORARY}")
        with translated(self.root):
            place.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            try:
                _write(temporary, data)
                os.replace(temporary, place)
            except BaseException:  # also a stop by the user: a temporary file goes before it is raised on
                temporary.unlink(missing_ok=True)
                raise
            _sync(place.parent)
            _sync(self.root)

    def staging(self) -> Staging:
        """A place for the chunks of a file that is being attached."""
        place = self.root / _NEW / show_id(self._rng.token(16))
        _active.add(place)
        with translated(self.root):
            place.mkdir(mode=_FOLDER_MODE, parents=True)
            _sync(self.root / _NEW)
        return Staging(self, place)

    def settle(self, committed: Committed) -> int:
        """Finish or undo what an earlier run left half done; how many files it was. Needs the vault's own process."""
        with _settling, translated(self.root):
            left = [Path(item.path) for item in _entries(self.root / _NEW) if Path(item.path) not in _active]
            for place in left:
                _end(self, place, committed)
            for letter in _LETTERS if left else "":
                for item in _entries(self.root / letter):
                    if item.name.endswith(_TEMPORARY):
                        Path(item.path).unlink(missing_ok=True)
        return len(left)

    def _place(self, name: str) -> Path:
        return self.root / name[0] / name


class Staging:
    """Chunks on the disk that belong to no record yet."""

    def __init__(self, store: ChunkStore, place: Path) -> None:
        self._store = store
        self._at = place

    def add(self, chunk: bytes) -> str:
        """Write a chunk durably; its name. Raises `DiskFull`, `MediumUnusable`."""
        name = chunks.name_of(chunk)
        with translated(self._store.root):
            _write(self._at / name, chunk)
        return name

    def promise(self, revision: bytes) -> None:
        """Note durably which revision the chunks wait for, before it is written."""
        with translated(self._store.root):
            _write(self._at / f"{_PROMISE}{revision.hex()}", b"")
            _sync(self._at)
            _sync(self._at.parent)

    def end(self, committed: Committed) -> None:
        """Give the chunks their places where their revision is in the vault, else remove them."""
        try:
            with translated(self._store.root):
                _end(self._store, self._at, committed)
        finally:
            _active.discard(self._at)


def _end(store: ChunkStore, place: Path, committed: Committed) -> None:
    items = [item.name for item in _entries(place)]
    promised = [bytes.fromhex(found[1]) for name in items if (found := _PROMISED.fullmatch(name))]
    if not any(committed(revision) for revision in promised):
        shutil.rmtree(place)
        return
    touched = set()
    for name in filter(chunks.is_name, items):
        target = store.root / name[0] / name
        target.parent.mkdir(mode=_FOLDER_MODE, exist_ok=True)
        os.replace(place / name, target)
        touched.add(target.parent)
    for folder in (*sorted(touched), store.root):
        _sync(folder)
    shutil.rmtree(place)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda item: item.name)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _write(place: Path, data: bytes) -> None:
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, _MODE)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some file systems cannot sync a folder
            raise
    finally:
        os.close(descriptor)
