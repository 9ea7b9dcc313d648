"""Between the program and the disk: every write is seen, and any of them can be made to fail.

SQLite calls the C library through the relocation slots of its extension module. They are pointed at Python
functions here (and `os.pwrite` and its like at wrappers), inside this process and only while a `Disk` is entered:
no compiler, no preloaded library, no special kernel. Works on ELF systems (Linux with glibc or musl).

`Disk` records what reached the kernel, and what was flushed; `power_cut` rebuilds a folder as a disk may hold it
after the current failed at one moment: what was flushed, plus any part of what was not, torn at sectors.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import random
import shutil
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlcipher3._sqlite3 as extension

SECTOR = 512
_WRITES, _SYNCS, _CUTS, _REMOVALS = (
    ("pwrite", "pwrite64"),
    ("fsync", "fdatasync"),
    ("ftruncate", "ftruncate64"),
    ("unlink",),
)
_SYMBOL_TYPES = {1, 6, 7, 257, 1025, 1026}  # R_X86_64_64, GLOB_DAT, JUMP_SLOT and their AArch64 names


@dataclass(frozen=True)
class Event:
    """One thing that happened to the disk, or an acknowledgement to the person (`kind` "ack")."""

    kind: str
    path: str = ""
    at: int = 0
    data: bytes = b""
    other: str = ""
    note: Any = None


@dataclass
class Disk:
    """The writes below one folder, recorded; `fail` may raise `OSError` in place of any of them."""

    folder: Path
    events: list[Event] = field(default_factory=list)
    fail: Callable[[str, str], None] | None = None
    calls: int = 0
    _lock: Any = field(default_factory=threading.RLock)

    def ack(self, note: Any) -> None:
        """The program told the person that something is saved."""
        self.events.append(Event("ack", note=note))

    def before(self, kind: str, path: str) -> bool:
        """Whether this call is ours; raises what the test wants to happen."""
        ours = path.startswith(str(self.folder))
        if ours and not path.endswith("-shm"):
            self.calls += 1
            if self.fail is not None:
                self.fail(kind, path)
        return ours

    @contextmanager
    def entered(self) -> Iterator[Disk]:
        """Watch until the end of the block."""
        with self._python(), _patched(self):
            yield self

    @contextmanager
    def _python(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("pwrite", "fsync", "fdatasync", "rename", "replace", "unlink"):
                patch.setattr(os, name, getattr(self, f"_{name}")(getattr(os, name)))
            yield

    def _pwrite(self, real: Any) -> Any:
        def call(fd: int, data: Any, at: int) -> int:
            path, content = _path(fd), bytes(data)
            ours = self.before("write", path)
            done: int = real(fd, data, at)
            if ours:
                self.events.append(Event("write", path, at, content[:done]))
            return done

        return call

    def _fsync(self, real: Any) -> Any:
        def call(fd: int) -> None:
            path = _path(fd)
            ours = self.before("sync", path)
            real(fd)
            if ours:
                self.events.append(Event("sync", path))

        return call

    _fdatasync = _fsync

    def _rename(self, real: Any) -> Any:
        def call(source: Any, target: Any, **more: Any) -> None:
            ours = self.before("rename", str(source))
            real(source, target, **more)
            if ours:
                self.events.append(Event("rename", str(source), other=str(target)))

        return call

    _replace = _rename

    def _unlink(self, real: Any) -> Any:
        def call(path: Any, **more: Any) -> None:
            ours = self.before("unlink", str(path))
            real(path, **more)
            if ours:
                self.events.append(Event("unlink", str(path)))

        return call


def _path(fd: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return ""


# -- the slots of the extension module -----------------------------------------------------

_C = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _guarded(disk: Disk, kind: str, path: str, call: Callable[[], int], event: Event) -> int:
    """Run a call of SQLite's under the lock; the errno of a made-up failure reaches SQLite."""
    with disk._lock:
        try:
            ours = disk.before(kind, path)
        except OSError as error:
            ctypes.set_errno(error.errno or errno.EIO)
            return -1
        done = call()
        if done >= 0 and ours:
            disk.events.append(event if kind != "write" else Event("write", path, event.at, event.data[:done]))
        return done


def _replacements(disk: Disk) -> dict[str, Any]:
    c = _C
    size, offset, number = ctypes.c_ssize_t, ctypes.c_longlong, ctypes.c_int
    real_write = ctypes.CFUNCTYPE(size, number, ctypes.c_void_p, ctypes.c_size_t, offset, use_errno=True)(("pwrite", c))
    real_sync = ctypes.CFUNCTYPE(number, number, use_errno=True)(("fsync", c))
    real_cut = ctypes.CFUNCTYPE(number, number, offset, use_errno=True)(("ftruncate", c))
    real_unlink = ctypes.CFUNCTYPE(number, ctypes.c_char_p, use_errno=True)(("unlink", c))

    def write(fd: int, buffer: int, count: int, at: int) -> int:
        path, data = _path(fd), ctypes.string_at(buffer, count)
        return _guarded(disk, "write", path, lambda: real_write(fd, buffer, count, at), Event("write", path, at, data))

    def sync(fd: int) -> int:
        path = _path(fd)
        return _guarded(disk, "sync", path, lambda: real_sync(fd), Event("sync", path))

    def cut(fd: int, length: int) -> int:
        path = _path(fd)
        return _guarded(disk, "truncate", path, lambda: real_cut(fd, length), Event("truncate", path, length))

    def unlink(name: bytes) -> int:
        path = name.decode()
        return _guarded(disk, "unlink", path, lambda: real_unlink(name), Event("unlink", path))

    made = {
        _WRITES: ctypes.CFUNCTYPE(size, number, ctypes.c_void_p, ctypes.c_size_t, offset, use_errno=True)(write),
        _SYNCS: ctypes.CFUNCTYPE(number, number, use_errno=True)(sync),
        _CUTS: ctypes.CFUNCTYPE(number, number, offset, use_errno=True)(cut),
        _REMOVALS: ctypes.CFUNCTYPE(number, ctypes.c_char_p, use_errno=True)(unlink),
    }
    return {name: function for names, function in made.items() for name in names}


@contextmanager
def _patched(disk: Disk) -> Iterator[None]:
    if _C is None:
        pytest.skip("watching the disk needs ELF relocation slots (Linux)")
    functions = _replacements(disk)
    before: list[tuple[int, int]] = []
    for name, address in _slots():
        if name in functions:
            before.append((address, _swap(address, ctypes.cast(functions[name], ctypes.c_void_p).value or 0)))
    assert before, "the database library calls the disk in a way this test does not see"
    try:
        yield
    finally:
        for address, value in before:
            _swap(address, value)


def _swap(address: int, value: int) -> int:
    page = address & ~(mmap.PAGESIZE - 1)
    if _C.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(2 * mmap.PAGESIZE), 3):  # type: ignore[union-attr]
        raise OSError(ctypes.get_errno(), "mprotect")
    slot = ctypes.c_uint64.from_address(address)
    before, slot.value = slot.value, value
    return int(before)


def _slots() -> Iterator[tuple[str, int]]:
    """(name, address) of every slot of the extension module that the dynamic linker filled with a function."""
    path = os.path.realpath(str(extension.__file__))
    with open("/proc/self/maps") as maps:
        base = min(int(line.split("-")[0], 16) for line in maps if line.rstrip().endswith(path))
    data = Path(path).read_bytes()
    offset, count = struct.unpack_from("<Q", data, 40)[0], struct.unpack_from("<H", data, 60)[0]
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, offset + 64 * n) for n in range(count)]
    symbols = next(section for section in sections if section[1] == 11)
    names = sections[symbols[6]]
    for section in sections:
        if section[1] != 4:
            continue
        for at in range(section[4], section[4] + section[5], 24):
            place, info, _ = struct.unpack_from("<QQq", data, at)
            if info & 0xFFFFFFFF in _SYMBOL_TYPES and info >> 32:
                start = struct.unpack_from("<I", data, symbols[4] + 24 * (info >> 32))[0] + names[4]
                yield data[start : data.index(b"\0", start)].decode(), base + place


# -- after a power cut ---------------------------------------------------------------------


@dataclass
class _File:
    content: bytearray
    pending: list[Event] = field(default_factory=list)


def power_cut(before: Path, after: Path, watched: Path, events: list[Event], at: int, rng: random.Random) -> list[Any]:
    """Rebuild `watched` (which was a copy of `before`) in `after` as a disk may hold it once the first `at` events
    had happened and the current failed. Returns the notes of everything acknowledged until then.

    Flushed bytes are there. Unflushed writes are there, missing, or torn at a sector, each for itself; unflushed
    renames, removals and new files likewise, in the order of the calls up to a random one.
    """
    files: dict[str, _File] = {}
    names: list[Event] = []
    acked: list[Any] = []
    durable = {str(path.relative_to(before)): path.read_bytes() for path in before.rglob("*") if path.is_file()}
    for name, content in durable.items():
        files[name] = _File(bytearray(content))
    for event in events[:at]:
        if event.kind == "ack":
            acked.append(event.note)
            continue
        name = os.path.relpath(event.path, watched)
        if event.kind in ("write", "truncate"):
            files.setdefault(name, _File(bytearray())).pending.append(event)
        elif event.kind == "sync" and name in files:
            _flush(files[name])
        elif event.kind == "sync":
            _apply_names(files, names, watched, len(names))
            names.clear()
        else:
            names.append(event)
            if event.kind == "rename":
                _flush_pending_order(files, name)
    _apply_names(files, names, watched, rng.randint(0, len(names)))
    shutil.rmtree(after, ignore_errors=True)
    for name, file in files.items():
        if name.endswith("-shm"):
            continue
        for event in file.pending:
            _maybe(file.content, event, rng)
        target = after / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(bytes(file.content))
    return acked


def _flush(file: _File) -> None:
    for event in file.pending:
        _apply(file.content, event, len(event.data))
    file.pending.clear()


def _flush_pending_order(files: dict[str, _File], name: str) -> None:
    """Nothing: what a renamed file held unflushed stays unflushed, so that a missing flush shows."""


def _apply_names(files: dict[str, _File], names: list[Event], watched: Path, count: int) -> None:
    for event in names[:count]:
        name = os.path.relpath(event.path, watched)
        if event.kind == "unlink":
            files.pop(name, None)
        elif name in files:
            files[os.path.relpath(event.other, watched)] = files.pop(name)


def _apply(content: bytearray, event: Event, length: int) -> None:
    if event.kind == "truncate":
        if len(content) > event.at:
            del content[event.at :]
        else:
            content.extend(bytes(event.at - len(content)))
        return
    if len(content) < event.at:
        content.extend(bytes(event.at - len(content)))
    content[event.at : event.at + length] = event.data[:length]


def _maybe(content: bytearray, event: Event, rng: random.Random) -> None:
    fate = rng.random()
    if fate < 0.4:
        _apply(content, event, len(event.data))
    elif fate < 0.7 and event.kind == "write" and len(event.data) > SECTOR:
        _apply(content, event, rng.randrange(0, len(event.data), SECTOR))
