"""Files that leave the vault: made in memory, complete or absent, readable by their owner alone.

Two steps: `staged_…` puts the whole content on the disk as a part beside its place, `publish` gives it the name.
Between the two the ledger is written, so that nothing has its name that no row tells of, and no row tells of a file
that a full disk refused. Where the system can (Linux, `O_TMPFILE`) even the part has no name before it is complete,
so that a crash while writing leaves nothing. Should anything fail, the part is removed. Nothing that exists is ever
replaced.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from iop_tui.kernel.errors import DiskFull, MediumUnusable, ReadOnlyMedium
from iop_tui.kernel.streamed import Content, pieces_of
from iop_tui.kernel.text import clean_line

_PRIVATE = 0o600
_PRIVATE_FOLDER = 0o700
_PART = ".part"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_CANNOT = frozenset({
    errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL, errno.EPERM, errno.EACCES, errno.EXDEV,
})
"""What systems and file systems say that have no files without a name, or do not let them get one."""
_AT_FDCWD, _AT_EMPTY_PATH = -100, 0x1000

Publish = Callable[[], None]


class AlreadyThere(MediumUnusable):
    """The named output exists; nothing is overwritten."""

    code = "already_there"
    default_hint = "Choose another name, or move the old one away."


def check_free(path: Path) -> None:
    """Raise unless `path` can be created: `AlreadyThere`, or `MediumUnusable` for a folder that is missing."""
    if os.path.lexists(path):
        raise AlreadyThere(f"There is already something called {_shown(path)}.")
    if not path.absolute().parent.is_dir():
        raise MediumUnusable(f"There is no folder for {_shown(path)}.", "Create the folder, or choose another place.")


@contextmanager
def staged_file(path: Path, content: bytes) -> Iterator[Publish]:
    """The content on the disk, its name still to come: call what this gives. Without that call nothing stays.

    Raises `AlreadyThere`, `DiskFull`, `ReadOnlyMedium`, `MediumUnusable`.
    """
    check_free(path)
    with _staged_part(path, lambda part: _put_whole(part, content)) as publish:
        yield publish


@contextmanager
def staged_stream(path: Path, fill: Callable[[Callable[[bytes], None]], None]) -> Iterator[Publish]:
    """Like `staged_file` for content that is too large to hold: `fill` gets a function that writes the next bytes. What
    it writes is on the disk under the part's name meanwhile, so it is to be sealed already.
    """
    check_free(path)
    with _staged_part(path, lambda part: _stream(part, fill)) as publish:
        yield publish


@contextmanager
def staged_folder(path: Path, contents: Iterable[tuple[str, Content]]) -> Iterator[Publish]:
    """A folder of (name, content) files, taken one at a time; a name may hold `/`. Like `staged_file`; raises
    whatever making the contents raises, too.
    """
    check_free(path)
    with _staged_part(path, lambda part: _fill(part, contents)) as publish:
        yield publish


def write_file(path: Path, content: bytes) -> None:
    """A new file with this content, on the disk when this returns. Raises like `staged_file`; then there is none."""
    with staged_file(path, content) as publish:
        publish()


@contextmanager
def _staged_part(path: Path, fill: Callable[[Path], None]) -> Iterator[Publish]:
    part = path.absolute().with_name(path.name + _PART)
    if os.path.lexists(part):
        raise AlreadyThere(f"There is already something called {_shown(part)}.", "Remove what an earlier try left.")
    try:
        with _told(path):
            fill(part)
        yield lambda: _rename(part, path)
    finally:
        _remove(part)


def _fill(part: Path, contents: Iterable[tuple[str, Content]]) -> None:
    part.mkdir(mode=_PRIVATE_FOLDER)
    folders = {part}
    for name, content in contents:
        file = part / name
        if file.parent not in folders:
            folders |= _make_folders(part, file.parent)
        _put(file, content)
    for folder in sorted(folders, reverse=True):
        _sync_folder(folder)


def _make_folders(root: Path, wanted: Path) -> set[Path]:
    made = set()
    for folder in (*reversed(wanted.parents), wanted):
        if root in folder.parents:
            folder.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
            made.add(folder)
    return made


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    with suppress(OSError):
        part.unlink(missing_ok=True)


def _rename(part: Path, path: Path) -> None:
    with _told(path):
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, "exists")
        os.rename(part, path)
        _sync_folder(path.absolute().parent)


def _put_whole(part: Path, content: bytes) -> None:
    """The part, with a name once it is complete where that can be had."""
    if not _put_without_name(part, content):
        _put(part, content)


def _put_without_name(part: Path, content: bytes) -> bool:
    """Whether it was written before it had a name."""
    flag = getattr(os, "O_TMPFILE", 0)
    if not flag:
        return False
    try:
        handle = os.open(part.parent, flag | os.O_WRONLY | os.O_CLOEXEC, _PRIVATE)
    except OSError as error:
        if error.errno in _CANNOT:
            return False
        raise
    try:
        _write_all(handle, content)
        return _named(handle, part)
    finally:
        os.close(handle)


def _named(handle: int, part: Path) -> bool:
    """Give an open file a name: by its descriptor (Linux 6.10), else by its place in /proc, which a process that may
    not be looked into cannot use.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.linkat(handle, b"", _AT_FDCWD, os.fsencode(part), _AT_EMPTY_PATH) == 0:
        return True
    try:
        os.link(f"/proc/self/fd/{handle}", part, follow_symlinks=True)
    except OSError as error:
        if error.errno in _CANNOT:
            return False
        raise
    return True


def _put(path: Path, content: Content) -> None:
    _stream(path, lambda write: _write_pieces(content, write))


def _write_pieces(content: Content, write: Callable[[bytes], None]) -> None:
    for piece in pieces_of(content):
        write(piece)


def _stream(path: Path, fill: Callable[[Callable[[bytes], None]], None]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, _PRIVATE)
    try:
        fill(lambda content: _write(handle, content))
        os.fsync(handle)
    except BaseException:  # also a stop by the user: half an export must not stay
        with suppress(OSError):
            path.unlink()
        raise
    finally:
        os.close(handle)


def _write_all(handle: int, content: bytes) -> None:
    _write(handle, content)
    os.fsync(handle)


def _write(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network folders cannot
            raise
    finally:
        os.close(handle)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """System errors as plain sentences."""
    try:
        yield
    except FileExistsError:
        raise AlreadyThere(f"There is already something called {_shown(path)}.") from None
    except OSError as error:
        raise _sentence(path, error) from None


def _sentence(path: Path, error: OSError) -> MediumUnusable:
    if error.errno in _FULL:
        return DiskFull(f"The disk is full: {_shown(path)} was not written.", "Free some space, then repeat.")
    if error.errno == errno.EROFS:
        return ReadOnlyMedium(f"{_shown(path)} lies on a medium that cannot be written.", "Choose another place.")
    reason = os.strerror(error.errno) if error.errno else "the system reported an error"
    return MediumUnusable(f"{_shown(path)} could not be written: {reason}.", "Choose another place.")


def _shown(path: Path) -> str:
    return clean_line(path.name) or "this place"
