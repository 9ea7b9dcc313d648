"""A verified copy of a vault in one file, and the way back.

    "IOPB" | u32 length | canonical(manifest) | vault.head | vault.db | parts
    parts    SHA-256 | u32 length | bytes, for each part of an attachment that is here

The database inside is the encrypted one, the key slots are those of `vault.head`: whoever finds the file meets what
whoever finds the vault meets. The manifest names sizes and hashes; the vault is checked completely before it is
copied, and the copy is read back. A restored vault is opened with a passphrase, a recovery kit or recovery shares; as
a device it knows, from the first pack of its own it meets, that it was restored.

Where the program names offline recipients, the whole file is sealed to them besides (age-encryption.org/v1): then it
says nothing to whoever finds it, and their key is needed before any of the above.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import IopError, MediumUnusable, NeedsNewer, Refused, VaultDamaged, WrongSecrets
from iop_tui.kernel.rng import SystemRng
from iop_tui.store.chunks import ChunkStore
from iop_tui.store.database import translated
from iop_tui.vault import agekeys, chunks
from iop_tui.vault.age import Recipient
from iop_tui.vault.digest import Hasher, sha256

MAGIC = b"IOPB"
VERSION = 3
HEAD, DATABASE = "vault.head", "vault.db"
_MODE = 0o600
_PART = 1024 * 1024
_LARGEST_FRONT = 16 * 1024 * 1024
_DAMAGED = "The backup is cut or damaged."
_OTHER = "Take another one."


class _First(msgspec.Struct, frozen=True, array_like=True):
    """The manifest of the first version: of which vault and device, made when, up to which entry of its log."""

    version: int
    realm: bytes
    device: bytes
    at_ms: int
    audit_seq: int
    audit_hash: bytes
    head_size: int
    head_hash: bytes
    database_size: int
    database_hash: bytes


class _Second(_First, frozen=True, array_like=True):
    """The second version added what recovery shares open (see `workspace.recovering`), empty where nobody made any."""

    recovery: bytes = b""


class Manifest(_Second, frozen=True, array_like=True):
    """What a backup holds. `parts`: how many parts of attachments, and the hash of their names in order."""

    parts: int = 0
    parts_hash: bytes = b""


_OLDER = {1: _First, 2: _Second}


@dataclass(frozen=True, slots=True)
class Copied:
    """A backup that was written and read back. `hash`: SHA-256 of the file."""

    manifest: Manifest
    size: int
    hash: bytes
    sealed: bool


@dataclass(frozen=True, slots=True)
class Source:
    """The files of a vault that nobody changes meanwhile: the bytes of `vault.head`, the database piece by piece, the
    parts of attachments.
    """

    head: bytes
    database: Callable[[], Iterator[bytes]]
    parts: ChunkStore | None = None

    @classmethod
    def closed(cls, vault: Path) -> Source:
        """Those of a vault that is not open in this process."""
        return cls((vault / HEAD).read_bytes(), lambda: _parts_of(vault / DATABASE), ChunkStore(vault, SystemRng()))


class _Feed:
    """A sequence of byte strings as a file that is read once."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._rest = parts, b""

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes."""
        while not self._rest:
            part = next(self._parts, None)
            if part is None:
                return b""
            self._rest = part
        found = self._rest if size < 0 else self._rest[:size]
        self._rest = self._rest[len(found) :]
        return found


class _Sink:
    """A file that is hashed while it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.hasher = file, Hasher()

    def write(self, data: bytes, /) -> int:
        """Write all of it."""
        self.hasher.update(data)
        self._file.write(data)
        return len(data)

    def flush(self) -> None:
        """Hand on what was written."""
        self._file.flush()


def write(
    target: Path,
    source: Source,
    *,
    realm: bytes,
    device: bytes,
    at_ms: int,
    audit_seq: int,
    audit_hash: bytes,
    recovery: bytes = b"",
    recipients: Sequence[Recipient] = (),
) -> Copied:
    """Write a vault's files into one, sealed to `recipients` where there are any, and read it back. Raises `Refused`
    where the target exists, `DiskFull`, `MediumUnusable`, `VaultDamaged` where it reads back as something else; then
    there is no target.
    """
    with translated(target):
        hasher = Hasher()
        for part in source.database():
            hasher.update(part)
        names = _sound(source.parts)
    manifest = Manifest(
        VERSION, realm, device, at_ms, audit_seq, audit_hash, len(source.head), sha256(source.head), hasher.size,
        hasher.digest(), recovery, len(names), sha256(*names.values()),
    )  # fmt: skip
    front = encode(manifest)
    start = b"".join((MAGIC, len(front).to_bytes(4, "big"), front, source.head))

    def parts() -> Iterator[bytes]:
        yield start
        yield from source.database()
        yield from _framed(source.parts, names)

    with stored(target) as file:
        sink = _Sink(file)
        if recipients:
            agekeys.seal(_Feed(parts()), sink, recipients)
        else:
            for part in parts():
                sink.write(part)
    written = sink.hasher
    _read_back(target, written, plain=None if recipients else manifest)
    return Copied(manifest, written.size, written.digest(), bool(recipients))


def _sound(store: ChunkStore | None) -> dict[str, bytes]:
    """Names and hashes of the parts of attachments that are here and sound. What is damaged is told by the complete
    check, and fetched again by the next exchange: it keeps no backup from being made.
    """
    names = store.names() if store is not None else {}
    return {name: chunks.digest_of(name) for name in names if store is not None and store.sound(name) is not None}


def _framed(store: ChunkStore | None, names: dict[str, bytes]) -> Iterator[bytes]:
    for name, digest in names.items():
        data = store.sound(name) if store is not None else None
        if data is None:
            raise MediumUnusable("A part of an attachment was damaged meanwhile.", "Check the disk, then repeat it.")
        yield b"".join((digest, len(data).to_bytes(4, "big"), data))


def _read_back(target: Path, written: Hasher, plain: Manifest | None) -> None:
    """The file is what was written, and where it is not sealed, it is a whole backup."""
    try:
        with translated(target):
            again = Hasher()
            for part in _parts_of(target):
                again.update(part)
        if again.digest() != written.digest() or (plain is not None and check(target) != plain):
            raise VaultDamaged("The backup reads back as something else.", "Use another disk; the vault is untouched.")
    except BaseException:  # also a stop by the user: half a backup must not look like one
        target.unlink(missing_ok=True)
        raise


def is_sealed(source: Path) -> bool:
    """Whether a file is sealed to recipients. Raises `MediumUnusable`."""
    with outside(source), source.open("rb") as file:
        return file.read(len(agekeys.MAGIC)) == agekeys.MAGIC


def check(source: Path) -> Manifest:
    """The manifest of a backup that is not sealed, every byte of it checked. Raises `VaultDamaged`."""
    with outside(source), source.open("rb") as file:
        manifest = _front(file, source)
        for size, digest in _files(manifest):
            found = Hasher()
            for part in _taken(file, size):
                found.update(part)
            if found.digest() != digest:
                raise VaultDamaged(_DAMAGED, _OTHER)
        for _ in _parts(file, manifest):
            pass
        return manifest


def _parts(file: BinaryIO, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
    """The parts of attachments, each checked, then the end of the file. Raises `VaultDamaged`."""
    names = Hasher()
    for _ in range(manifest.parts):
        digest = file.read(chunks.HASH_BYTES)
        data = file.read(min(int.from_bytes(file.read(4), "big"), chunks.WIDE))
        if sha256(data) != digest:
            raise VaultDamaged(_DAMAGED, _OTHER)
        names.update(digest)
        yield chunks.show_name(digest), data
    if file.read(1) or (manifest.version == VERSION and names.digest() != manifest.parts_hash):
        raise VaultDamaged(_DAMAGED, _OTHER)


def peek(source: Path) -> Manifest:
    """What a backup that is not sealed says of itself; its files are not looked at. Raises `VaultDamaged`."""
    with outside(source), source.open("rb") as file:
        return _front(file, source)


def unpack(source: Path, folder: Path, identities: Sequence[str] = ()) -> Manifest:
    """Put the files of a backup into an empty folder, durably. Raises `VaultDamaged`, `Refused`, and `NotForThisKey`
    where it is sealed and none of the identities opens it.
    """
    if any(folder.iterdir()):
        raise Refused("The folder is not empty.", "Choose another folder with --vault.")
    if not is_sealed(source):
        return _unpack(source, folder)
    if not identities:
        raise WrongSecrets(
            "This backup is sealed to offline recipients.",
            "Give recovery shares (--shares), or --identity with the key file of a named recipient.",
        )
    opened = folder / "backup"
    try:
        with outside(source), source.open("rb") as file, stored(opened) as into:
            agekeys.open_(file, into, identities)
        return _unpack(opened, folder)
    finally:
        opened.unlink(missing_ok=True)


def _unpack(source: Path, folder: Path) -> Manifest:
    manifest = check(source)
    with translated(source), source.open("rb") as file:
        _front(file, source)
        for name, size in ((HEAD, manifest.head_size), (DATABASE, manifest.database_size)):
            with stored(folder / name) as into:
                for part in _taken(file, size):
                    into.write(part)
        store = ChunkStore(folder, SystemRng())
        for name, data in _parts(file, manifest):
            store.put(name, data)
    return manifest


def _front(file: BinaryIO, source: Path) -> Manifest:
    if file.read(len(MAGIC)) != MAGIC:
        raise VaultDamaged(f"{source.name} is no backup of a vault.", "Choose a file that `iop-tui backup` wrote.")
    size = int.from_bytes(file.read(4), "big")
    if size > _LARGEST_FRONT:
        raise VaultDamaged("The backup is damaged.", _OTHER)
    return _manifest(file.read(size))


def _manifest(front: bytes) -> Manifest:
    try:
        version = msgspec.msgpack.decode(front)[0]
        if version in _OLDER:
            older: type[Any] = _OLDER[version]
            return Manifest(*msgspec.structs.astuple(decode(front, older)))
        found = decode(front, Manifest) if version == VERSION else None
    except (IopError, msgspec.MsgspecError, UnicodeDecodeError, TypeError, IndexError, KeyError):
        raise VaultDamaged("The backup is damaged.", _OTHER) from None
    if found is None:
        raise NeedsNewer("This backup was made by a newer version of iop-tui.", "Update iop-tui, then restore it.")
    return found


def _files(manifest: Manifest) -> tuple[tuple[int, bytes], ...]:
    return (manifest.head_size, manifest.head_hash), (manifest.database_size, manifest.database_hash)


def _taken(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0:
        part = file.read(min(size, _PART))
        if not part:
            raise VaultDamaged(_DAMAGED, _OTHER)
        size -= len(part)
        yield part


def _parts_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(_PART):
            yield part


@contextmanager
def outside(path: Path) -> Iterator[None]:
    """As `translated`, for a file that is no part of a vault: where it or its folder is not there, no vault is damaged.
    Raises `MediumUnusable`.
    """
    with translated(path):
        try:
            yield
        except FileNotFoundError:
            what = path.name if path.parent.is_dir() else str(path.parent)
            raise MediumUnusable(f"{what} is not there.", "Check the path, or attach the disk.") from None


@contextmanager
def stored(target: Path) -> Iterator[BinaryIO]:
    """A new file that is there completely and durably after the block, or not at all. Raises `Refused` where it is."""
    if target.exists():
        raise Refused(f"{target.name} exists already.", "Choose another name: a backup is never overwritten.")
    temporary = target.with_name(f"{target.name}.part")
    with outside(target):
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:  # also a stop by the user: a temporary file goes before it is raised on
            temporary.unlink(missing_ok=True)
            raise
        _sync(target.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
