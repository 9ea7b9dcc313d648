"""Reading a file that is to be attached: in pieces, and refused in words where it cannot be one."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from iop_tui.clinical.attachments.model import LARGEST
from iop_tui.kernel.errors import InputRejected
from iop_tui.kernel.text import clean_line

_MIB = 1024 * 1024
TOO_LARGE = f"The file is larger than {LARGEST // _MIB} MiB."
_TOO_LARGE_HINT = "Attach the pages that belong to the chart, or a smaller scan (150 dots per inch are enough to read)."
_UNREADABLE = {
    errno.ENOENT: ("There is no such file.", "Check its name and folder."),
    errno.ENOTDIR: ("There is no such file.", "Check its name and folder."),
    errno.EISDIR: ("This is a folder, not a file.", "Attach its files one by one."),
    errno.EACCES: ("This file cannot be read with your permissions.", "Copy it to a place of yours, or ask its owner."),
    errno.EPERM: ("This file cannot be read with your permissions.", "Copy it to a place of yours, or ask its owner."),
    errno.ELOOP: ("This is a link, not a file.", "Give the file itself."),
    errno.ENAMETOOLONG: ("There is no such file.", "Check its name and folder."),
}


class Readable(Protocol):
    """Something that is read once, from its beginning."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; empty at the end."""
        ...


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """A file for reading and its size in bytes; refused after the block where it changed meanwhile.

    Raises `InputRejected` for a folder, a device, an empty, unreadable or too large file.
    """
    with _told(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        before = os.fstat(descriptor)
        _check(before, path)
    except BaseException:  # nothing is caught here: the descriptor alone must not outlive it
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        with _told(path):
            yield file, before.st_size
        after = os.fstat(descriptor)
        if (before.st_size, before.st_mtime_ns, before.st_ctime_ns) != (
            after.st_size, after.st_mtime_ns, after.st_ctime_ns,
        ):  # fmt: skip
            raise InputRejected(
                "The file changed while it was read; nothing was attached.", "Wait until it is complete, then repeat.",
                file=_shown(path),
            )  # fmt: skip


def look(path: Path) -> None:
    """Whether a file can be attached as it is now. Raises `InputRejected` as `opened` does."""
    with opened(path):
        return


def _check(found: os.stat_result, path: Path) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise InputRejected(*_UNREADABLE[errno.EISDIR], file=_shown(path))
    if not stat.S_ISREG(found.st_mode):
        raise InputRejected("This is no ordinary file.", "Give a file, or `-` for standard input.", file=_shown(path))
    if found.st_size == 0:
        raise InputRejected("The file is empty.", "Check that it was copied or scanned completely.", file=_shown(path))
    if found.st_size > LARGEST:
        raise InputRejected(TOO_LARGE, _TOO_LARGE_HINT, file=_shown(path))


def pieces(source: Readable, size: int) -> Iterator[bytes]:
    """The bytes of a source in pieces of exactly `size`, the last one shorter. Raises `InputRejected` beyond `LARGEST`,
    also of what does not say its size.
    """
    taken = 0
    while piece := _filled(source, size):
        taken += len(piece)
        if taken > LARGEST:
            raise InputRejected(TOO_LARGE, _TOO_LARGE_HINT)
        yield piece
        if len(piece) < size:
            return


def _filled(source: Readable, size: int) -> bytes:
    """As many bytes as were asked for, where they come in small portions."""
    found = source.read(size)
    if len(found) in (0, size):
        return found
    portions, have = [found], len(found)
    while have < size and (more := source.read(size - have)):
        portions.append(more)
        have += len(more)
    return b"".join(portions)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.filename not in (None, path, os.fspath(path)):
            raise
        said = _UNREADABLE.get(error.errno or 0)
        if said is None:
            said = (f"The file cannot be read ({os.strerror(error.errno or errno.EIO)}).", "Copy it elsewhere first.")
        raise InputRejected(*said, file=_shown(path)) from None


def _shown(path: Path) -> str:
    return clean_line(path.name)
