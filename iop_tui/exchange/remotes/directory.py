"""A folder as carrier: a stick, a shared folder, a folder that some program keeps in step.

Written so that a stick may be pulled at any moment: temporary file of a short name, fsync, rename, fsync of the
folder, then read back. Readers look at names and bytes, never at times, permissions or letter case.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from iop_tui.exchange import packs
from iop_tui.exchange.names import ROOT, is_part, most
from iop_tui.exchange.remotes.port import LOCAL, Capabilities, CarrierGone, Look, OtherProgram
from iop_tui.kernel.errors import DiskFull, IopError, MediumUnusable, ReadOnlyMedium
from iop_tui.kernel.rng import Rng
from iop_tui.vault.digest import sha256

_REALM = "realm"
_MODE = 0o600
_NOTE = 200
_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""No link is followed, and nothing waits for the other end of a pipe that somebody put there."""


class DirectoryRemote:
    """The tree `cwx1/` in a folder. `realm` is the program's id; the folder shows only a hash of it.

    A device that does not belong to a program yet gives no realm: it may leave a request there.
    """

    def __init__(self, folder: Path, realm: bytes | None, rng: Rng) -> None:
        self.folder = folder
        self._root = folder / ROOT
        self._rng = rng
        with told(folder):
            if not folder.is_dir():
                raise CarrierGone(f"The folder {folder.name or folder} is not there.")
            if realm is not None:
                self._claim(b"CWX1" + sha256(b"cwx/realm", realm)[:28])

    def _claim(self, mark: bytes) -> None:
        place = self._root / _REALM
        found = _beginning(place, 2 * len(mark)) if place.exists() else b""
        if len(found) == len(mark) and found != mark:
            raise OtherProgram("This folder holds the exchange of another program.")
        if found != mark:
            self._root.mkdir(mode=0o700, exist_ok=True)
            self._write(place, mark)

    def capabilities(self) -> Capabilities:
        """What every folder can do."""
        return LOCAL

    def listing(self) -> dict[str, int]:
        """Packs in the folder; files with other names, conflict copies among them, are passed over."""
        found: dict[str, int] = {}
        with told(self.folder):
            if not self.folder.is_dir():
                raise CarrierGone("The folder is not there any more.")
            for lane in _entries(self._root / "p"):
                if lane.is_dir(follow_symlinks=False):
                    for item in _entries(Path(lane.path)):
                        name = f"p/{lane.name}/{item.name}".lower()
                        if packs.parse_name(name) is not None and item.is_file(follow_symlinks=False):
                            found[name] = item.stat().st_size
        return found

    def get(self, name: str, start: int = 0) -> bytes | None:
        """The bytes of a file from `start` on, as many as its name allows and one more, or None."""
        with told(self.folder):
            try:
                descriptor = os.open(self._root / name, _READING)
            except FileNotFoundError:
                return None
            with os.fdopen(descriptor, "rb") as file:
                file.seek(start)
                return file.read(most(name) + 1)

    def look(self, name: str, tag: str = "") -> Look | None:
        """The bytes of a file and their hash as the tag."""
        data = self.get(name)
        return None if data is None else looked(data, tag)

    def size(self, name: str) -> int | None:
        """The size of a file, or None."""
        with told(self.folder):
            try:
                return os.lstat(self._root / name).st_size
            except FileNotFoundError:
                return None

    def put(self, name: str, data: bytes) -> None:
        """Write a file durably and read it back."""
        with told(self.folder):
            if not self.folder.is_dir():
                raise CarrierGone("The folder is not there any more.")
            self._write(self._root / name, data)

    def want(self, name: str) -> None:
        """A file under `w/` that holds the name."""
        with told(self.folder):
            self._write(self._note(name), name.encode("ascii"))

    def wants(self) -> set[str]:
        """The names in the files under `w/`."""
        with told(self.folder):
            notes = [item for item in _entries(self._root / "w") if item.is_file(follow_symlinks=False)]
            found = {_beginning(Path(item.path), _NOTE) for item in notes}
        names = {raw.decode("ascii", "replace") for raw in found}
        return {name for name in names if packs.parse_name(name) is not None or is_part(name)}

    def granted(self, name: str) -> None:
        """Remove the note."""
        with told(self.folder):
            self._note(name).unlink(missing_ok=True)

    def _note(self, name: str) -> Path:
        return self._root / "w" / packs.text(sha256(name.encode("ascii")))[:12]

    def heads(self) -> list[str]:
        """Names of heads in the folder."""
        with told(self.folder):
            names = [f"h/{item.name}".lower() for item in _entries(self._root / "h")]
        return sorted(name for name in names if packs.is_head(name))

    def tags(self, folder: str) -> dict[str, str]:
        """Names in a folder of the tree and the hash of what is behind each: times of a stick say nothing."""
        found = {name: self.get(name) for name in self.names(folder)}
        return {name: tag_of(data) for name, data in found.items() if data is not None}

    def names(self, folder: str, suffix: str = "") -> list[str]:
        """Names in a folder of the tree that end in a suffix."""
        with told(self.folder):
            found = [f"{folder}/{item.name}" for item in _entries(self._root / folder) if not item.is_dir()]
        return [name for name in found if name.endswith(suffix)]

    def close(self) -> None:
        """Nothing is left to finish."""

    def _write(self, place: Path, data: bytes) -> None:
        temporary = self._root / "t" / f"{packs.text(self._rng.token(5))}.tmp"
        for folder in (temporary.parent, place.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        try:
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(descriptor, view) :]
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(temporary, place)
        except BaseException:  # also a stop by the user: a temporary file goes before it is raised on
            temporary.unlink(missing_ok=True)
            raise
        for folder in (place.parent, place.parent.parent, self._root):
            _sync(folder)
        if place.read_bytes() != data:
            raise MediumUnusable("What was written reads back as something else.", "Use another stick or folder.")


def tag_of(data: bytes) -> str:
    """The tag of bytes where the carrier gives none: their hash."""
    return packs.text(sha256(data))[:16]


def looked(data: bytes, tag: str) -> Look:
    """What `look` says of bytes that are at hand."""
    present = tag_of(data)
    return Look(None if present == tag else data, present)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda item: item.name)
    except FileNotFoundError:
        return []


def _beginning(place: Path, most: int) -> bytes:
    """The first bytes of a file, however large somebody made it."""
    with os.fdopen(os.open(place, _READING), "rb") as file:
        return file.read(most)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems of sticks cannot sync a folder; the file itself was synced and is read back.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


class told:  # noqa: N801
    """System errors of a carrier as plain sentences."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError) and not isinstance(error, IopError):
            raise _sentence(error) from None


def _sentence(error: OSError) -> IopError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull("The carrier is full.", "Make room on it or take another; what was sent is kept.")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return ReadOnlyMedium("The carrier cannot be written.", "Check its switch and permissions.")
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ESTALE, errno.ENOTDIR):
        return CarrierGone("The carrier went away while it was used.")
    return MediumUnusable(f"The carrier cannot be used ({os.strerror(error.errno or errno.EIO)}).")
