"""`backup` and `restore`: a verified copy of the vault in one file, and the way back."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from iop_tui.clinical.staff import service as staff
from iop_tui.exchange import backup as backups
from iop_tui.kernel.clock import iso
from iop_tui.kernel.errors import EXIT_DAMAGED, Refused, VaultDamaged
from iop_tui.kernel.ids import show_id
from iop_tui.shell.commands import environment
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.output import pairs
from iop_tui.shell.commands.unlocking import progress, unlock_once
from iop_tui.store.database import refuse_if_in_use, translated
from iop_tui.vault import headfile
from iop_tui.vault.totp import code_at
from iop_tui.workspace import DATABASE, Environment, Workspace, unlock
from iop_tui.workspace.founding import staging_beside


def backup(call: Call) -> Answer:
    """Check the vault completely, then copy it into one file; with --sealed copy it as it is, without a user."""
    target, folder = Path(call.args.out).absolute(), call.opener.options.folder
    if target.exists():
        raise Refused(f"{target.name} exists already.", "Choose another name: a backup is never overwritten.")
    if call.args.sealed:
        return _told(_copy(target, folder), target, verified=False)
    ws = call.ws
    found = [item for item in ws.verify(progress("Checking")) if item.alarm]
    if found:
        return Answer(
            {"ok": False, "findings": [{"what": item.what, "where": item.where} for item in found]},
            ["The vault does not fit, so no backup was made. See `iop-tui verify`."],
            EXIT_DAMAGED,
        )
    work = ws.work()
    ws.session.note(work, "backup")
    ws.commit(work)
    call.opener.close()  # the copy is taken from a vault that nobody writes
    return _told(_copy(target, folder), target, verified=True)


def _copy(target: Path, folder: Path) -> backups.Copied:
    refuse_if_in_use(folder / DATABASE)
    log = folder / f"{DATABASE}-wal"
    if log.exists() and log.stat().st_size:
        raise Refused("The vault was not closed properly.", "Unlock and lock it once, then repeat the backup.")
    head = headfile.read(folder / headfile.NAME)
    if head.newest is None:
        raise VaultDamaged("vault.head holds no signed head.")
    signed = head.newest.head  # a claim here; restoring verifies it
    return backups.write(
        target, folder, realm=head.header.vault_id, device=signed.device_id, at_ms=signed.at_ms,
        audit_seq=signed.audit_seq, audit_hash=signed.audit_hash,
    )  # fmt: skip


def _told(copied: backups.Copied, target: Path, *, verified: bool) -> Answer:
    value: dict[str, Any] = {
        "file": str(target), "bytes": copied.size, "verified": verified, "at": iso(copied.manifest.at_ms),
        "log_entries": copied.manifest.audit_seq,
    }  # fmt: skip
    advice = "Keep it apart from this computer, and the recovery kit apart from both."
    return Answer(value, [*pairs(list(value.items())), advice])


def restore(call: Call) -> Answer:
    """Bring a backup back into an empty place, open it and check it completely before it counts."""
    options, source = call.opener.options, Path(call.args.file).absolute()
    folder = options.folder
    if (folder / headfile.NAME).exists() or (folder / DATABASE).exists():
        raise Refused("There is a vault in this folder already.", "Choose another folder with --vault.")
    staging = staging_beside(folder)
    try:
        manifest = backups.unpack(source, staging)
        new = _open(call, staging)
        with translated(folder):
            os.replace(staging, folder)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    value = {"restored": str(folder), "device": show_id(manifest.device), "at": iso(manifest.at_ms),
             "log_entries": manifest.audit_seq, **new}  # fmt: skip
    lines = pairs(list(value.items()))
    return Answer(value, [*lines, "It equals what was backed up. Exchange now: what was written since comes from the"
                          " other devices."])  # fmt: skip


def _open(call: Call, staging: Path) -> dict[str, Any]:
    options, secrets = call.opener.options, call.opener.secrets
    env = environment.make(staging, options.now)
    quiet = replace(env, use_keyring=False)  # the keyring remembers a later state, which is what was lost
    if not call.args.kit:
        _prove(unlock_once(staging, quiet, options.user, secrets), env)
        return {}
    kit, phrase = secrets.kit(), secrets.new_passphrase()
    try:
        fresh = staff.lost_phone(staging, quiet, name=options.user, kit=kit, phrase=bytearray(phrase))
        code = code_at(fresh.secrets.totp_seed, quiet.code_clock.now_ms() // 1000)
        _prove(unlock(staging, quiet, name=options.user, phrase=phrase, code=code), env)
    finally:
        phrase[:] = bytes(len(phrase))
    return {"totp_uri": fresh.totp_uri, "kit": fresh.kit}


def _prove(ws: Workspace, env: Environment) -> None:
    try:
        found = [item for item in ws.verify(progress("Checking")) if item.alarm]
        if found:
            raise VaultDamaged(f"{found[0].what} ({found[0].where}).", "Take another backup.")
    except BaseException:
        ws.close()
        raise
    ws.env = env
    ws.close("restore")
