"""A verified copy of a vault in one file, and the way back.

    "IOPB" | u32 length | canonical(manifest) | vault.head | vault.db

The database inside is the encrypted one, the key slots are those of `vault.head`: whoever finds the file meets what
whoever finds the vault meets. The manifest names sizes and hashes; the vault is checked completely before it is
copied, and the copy is read back. A restored vault is opened with a passphrase or a recovery kit; as a device it knows,
from the first pack of its own it meets, that it was restored.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import IopError, Refused, VaultDamaged
from iop_tui.store.database import translated
from iop_tui.vault.digest import sha256

MAGIC = b"IOPB"
VERSION = 1
HEAD, DATABASE = "vault.head", "vault.db"
_MODE = 0o600


class Manifest(msgspec.Struct, frozen=True, array_like=True):
    """What a backup holds: of which vault and device, made when, up to which entry of its log."""

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


@dataclass(frozen=True, slots=True)
class Copied:
    """A backup that was written and read back."""

    manifest: Manifest
    size: int


def write(
    target: Path, vault: Path, *, realm: bytes, device: bytes, at_ms: int, audit_seq: int, audit_hash: bytes
) -> Copied:
    """Copy a vault whose log is folded into its main file and that nobody writes meanwhile. Raises `Refused` where the
    target exists, `DiskFull`, `MediumUnusable`; then there is no target.
    """
    head, database = (vault / HEAD).read_bytes(), (vault / DATABASE).read_bytes()
    manifest = Manifest(
        VERSION, realm, device, at_ms, audit_seq, audit_hash, len(head), sha256(head), len(database), sha256(database)
    )
    front = encode(manifest)
    data = b"".join((MAGIC, len(front).to_bytes(4, "big"), front, head, database))
    _store(target, data)
    if target.read_bytes() != data:
        target.unlink(missing_ok=True)
        raise VaultDamaged("The backup reads back as something else.", "Use another disk; the vault is untouched.")
    return Copied(manifest, len(data))


def read(source: Path) -> tuple[Manifest, bytes, bytes]:
    """Manifest, `vault.head` and `vault.db` of a backup, all hashes checked. Raises `VaultDamaged`."""
    with translated(source):
        raw = source.read_bytes()
    if raw[:4] != MAGIC:
        raise VaultDamaged(f"{source.name} is no backup of a vault.", "Choose a file that `iop-tui backup` wrote.")
    at = 8 + int.from_bytes(raw[4:8], "big")
    try:
        manifest = decode(raw[8:at], Manifest)
    except IopError:
        raise VaultDamaged("The backup is damaged.", "Take another one.") from None
    head = raw[at : at + manifest.head_size]
    database = raw[at + manifest.head_size :]
    if sha256(head) != manifest.head_hash or sha256(database) != manifest.database_hash:
        raise VaultDamaged("The backup is cut or damaged.", "Take another one.")
    return manifest, head, database


def unpack(source: Path, folder: Path) -> Manifest:
    """Put the files of a backup into an empty folder, durably. Raises `VaultDamaged`, `Refused`."""
    manifest, head, database = read(source)
    if any(folder.iterdir()):
        raise Refused("The folder is not empty.", "Choose another folder with --vault.")
    _store(folder / HEAD, head)
    _store(folder / DATABASE, database)
    return manifest


def _store(target: Path, data: bytes) -> None:
    if target.exists():
        raise Refused(f"{target.name} exists already.", "Choose another name: a backup is never overwritten.")
    temporary = target.with_name(f"{target.name}.part")
    with translated(target):
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync(target.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
