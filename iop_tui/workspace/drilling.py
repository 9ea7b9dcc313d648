"""The restore drill: bring a backup back beside the vault, open it, check it, compare it, and sign what came of it.

45 CFR 164.308(a)(7)(ii)(D) asks for testing and revision of contingency plans; a backup nobody ever restored is a hope.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from iop_tui.exchange import backup
from iop_tui.exchange.backup import Manifest
from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import VaultDamaged
from iop_tui.kernel.secret import Secret
from iop_tui.vault import headfile, signing, slots
from iop_tui.workspace import recovering
from iop_tui.workspace.founding import staging_beside
from iop_tui.workspace.slotaccess import open_kit
from iop_tui.workspace.unlocking import unlock_with
from iop_tui.workspace.workspace import Workspace

CONTEXT = "iop/drill/1"
LAST = "backup:drill"
OWN, KIT, SHARES = "own account", "recovery kit", "recovery shares"
_CHUNK = 1000
Progress = Callable[[int, int], None] | None


class Drill(msgspec.Struct, frozen=True, array_like=True):
    """What a drill found. `fault` is empty where the backup came back whole; `seconds` from file to comparison."""

    realm: bytes
    device: bytes
    by: bytes
    at_ms: int
    file: str
    backup_ms: int
    audit_seq: int
    audit_hash: bytes
    revisions: int
    acts: int
    how: str
    seconds: int
    fault: str


class SignedDrill(msgspec.Struct, frozen=True, array_like=True):
    """A result and the signature of who ran it."""

    drill: bytes
    signature: bytes

    def read(self, public: bytes) -> Drill:
        """The result. Raises `BadSignature` unless this user signed it."""
        signing.verify(public, CONTEXT, self.drill, self.signature)
        return decode(self.drill, Drill)


@dataclass(frozen=True, slots=True)
class Means:
    """What a drill opens the backup with; nothing: the account of whoever runs it."""

    identities: Sequence[str] = ()
    shares: Sequence[str] = ()
    kit: Secret | None = None

    @property
    def how(self) -> str:
        """In words."""
        return SHARES if self.shares else KIT if self.kit is not None else OWN


def drill(ws: Workspace, source: Path, means: Means, progress: Progress = None) -> SignedDrill:
    """Restore a backup into a folder that is removed afterwards and compare it with this vault; signed and noted,
    whatever came of it. Raises what keeps a drill from being run: wrong secrets, a full disk, no such file.
    """
    started = ws.clock.monotonic()
    staging = staging_beside(ws.path)
    try:
        manifest = backup.unpack(source, staging, means.identities)
        slot, secrets = _account(ws, staging, manifest, means)
        counts, fault = (0, 0), ""
        try:
            counts = _compared(ws, staging, manifest, slot, secrets, progress)
        except VaultDamaged as error:
            fault = error.message
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    found = Drill(
        ws.realm, ws.session.device, ws.user.user, ws.clock.now_ms(), source.name, manifest.at_ms, manifest.audit_seq,
        manifest.audit_hash, *counts, means.how, round(ws.clock.monotonic() - started), fault,
    )  # fmt: skip
    return _noted(ws, found)


def last(ws: Workspace) -> Drill | None:
    """The newest drill of this copy, its signature checked. Raises `BadSignature`."""
    raw = ws.session.db.state.get(LAST, b"")
    if not raw:
        return None
    signed = decode(raw, SignedDrill)
    return signed.read(ws.session.card(decode(signed.drill, Drill).by).sig_public)


def _account(
    ws: Workspace, staging: Path, manifest: Manifest, means: Means
) -> tuple[slots.Slot, slots.UserSecrets]:
    if means.shares:
        return recovering.open_account(staging, manifest.recovery, means.shares, name="")
    if means.kit is not None:
        return open_kit(staging, ws.env, name=ws.user.name, kit=means.kit)
    header = headfile.read(staging / headfile.NAME).header
    for slot in header.slots:
        if slot.user_id == ws.user.user and slot.vault_id == ws.realm:
            return slot, ws.own_secrets()
    raise VaultDamaged("This backup holds no account of yours.", "Use --shares, or a backup of this program.")


def _compared(
    ws: Workspace, staging: Path, manifest: Manifest, slot: slots.Slot, secrets: slots.UserSecrets, progress: Progress
) -> tuple[int, int]:
    """Revisions and acts of the backup, all of them as they are here. Raises `VaultDamaged`."""
    quiet = replace(ws.env, use_keyring=False)  # the keyring knows of a later state, which a backup never is
    restored = unlock_with(staging, quiet, slot, secrets)
    try:
        alarms = [item for item in restored.verify(progress) if item.alarm]
        if alarms:
            raise VaultDamaged(f"{alarms[0].what} ({alarms[0].where}).")
        _same_history(ws, restored, manifest)
        return _same_rows(ws, restored, "revision", "sealed"), _same_rows(ws, restored, "act", "signed")
    finally:
        restored.close("drill")


def _same_history(ws: Workspace, restored: Workspace, manifest: Manifest) -> None:
    """The backup's log is the one this device wrote, as far as it goes; other devices have logs of their own."""
    row = restored.session.db.read("SELECT hash FROM audit WHERE seq = ?", (manifest.audit_seq,))
    if not row or bytes(row[0][0]) != manifest.audit_hash:
        raise VaultDamaged("The backup does not hold the log its front names.")
    if manifest.device == ws.session.device:
        here = ws.session.db.read("SELECT hash FROM audit WHERE seq = ?", (manifest.audit_seq,))
        if not here or bytes(here[0][0]) != manifest.audit_hash:
            raise VaultDamaged("The backup's log is not the one of this vault.")


def _same_rows(ws: Workspace, restored: Workspace, table: str, column: str) -> int:
    count = 0
    for part in _chunks(restored, table, column):
        marks = ",".join("?" * len(part))
        query = f"SELECT id, {column} FROM {table} WHERE id IN ({marks})"
        if dict(ws.session.db.read(query, tuple(part))) != part:
            raise VaultDamaged("The backup holds entries that this vault has otherwise or not at all.")
        count += len(part)
    return count


def _chunks(restored: Workspace, table: str, column: str) -> Iterator[dict[bytes, bytes]]:
    done = 0
    while rows := restored.session.db.read(
        f"SELECT seq, id, {column} FROM {table} WHERE seq > ? ORDER BY seq LIMIT ?", (done, _CHUNK)
    ):
        done = rows[-1][0]
        yield {row[1]: row[2] for row in rows}


def _noted(ws: Workspace, found: Drill) -> SignedDrill:
    stored = encode(found)
    signed = SignedDrill(stored, ws.user.signer.sign(CONTEXT, stored))
    work = ws.work()
    work.state[LAST] = encode(signed)
    ws.session.note(work, "restore-drill", detail="failed" if found.fault else "whole")
    ws.commit(work)
    return signed
