"""Opening a vault for a user."""

from __future__ import annotations

from pathlib import Path

from iop_tui.kernel.errors import VaultDamaged, WrongSecrets
from iop_tui.store import check
from iop_tui.store.vaultdb import VaultDb
from iop_tui.store.view import ViewDamaged
from iop_tui.vault import headfile, signing, slots, totp
from iop_tui.workspace.environment import DATABASE, Environment
from iop_tui.workspace.heads import anchor_findings, head_sink, head_state_of, header_findings
from iop_tui.workspace.sessions import begin, open_session
from iop_tui.workspace.slotaccess import open_slot
from iop_tui.workspace.viewplaces import state_key
from iop_tui.workspace.workspace import Workspace


def unlock(
    path: Path,
    env: Environment,
    *,
    name: str,
    phrase: bytearray,
    code: str,
    catch_up: bool = True,
    inspect: bool = False,
) -> Workspace:
    """Open a vault for a user. Raises `WrongSecrets` (whatever was wrong), `LockedOut`, `Suspended`,
    `VaultDamaged`, `VaultInUse`.

    A vault that is older than its signed head is not opened for work; `inspect` opens it to look and writes nothing.
    """
    head, slot, secrets = open_slot(path, env, name=name, phrase=phrase)
    keys = slots.unwrap(slot, secrets, head.header.vault_id)
    db = VaultDb.open(path / DATABASE, keys.vault_key, slot.device_id)
    try:
        return _unlocked(path, env, db, head.header, slot, secrets, keys, code, catch_up=catch_up, inspect=inspect)
    except BaseException:
        db.close()
        raise


def _unlocked(
    path: Path,
    env: Environment,
    db: VaultDb,
    header: headfile.Header,
    slot: slots.Slot,
    secrets: slots.UserSecrets,
    keys: slots.VaultKeys,
    code: str | None,
    *,
    catch_up: bool,
    inspect: bool,
) -> Workspace:
    user, realm = slot.user_id, header.vault_id
    if db.meta("vault_id") != realm:
        raise VaultDamaged("vault.db and vault.head belong to different vaults.")
    tag = slot.name_tag
    step = _accept_code(path, env, db, secrets, user, tag, code)
    findings = (
        check.quick(db, head_state_of(path, db))
        + header_findings(path, db, header)
        + anchor_findings(env, db, realm, slot.device_id)
    )
    alarms = [item for item in findings if item.alarm]
    if alarms and not inspect:
        raise VaultDamaged(
            f"{alarms[0].what} ({alarms[0].where}{', since ' + alarms[0].since if alarms[0].since else ''})."
        )
    session = open_session(
        env, db, realm, slot.device_id, secrets, user, db.state.get(state_key("view", user)), path, findings=findings
    )
    if inspect:
        return Workspace(path, env, session, None, findings, header.demo, secrets.totp_seed)
    failed = headfile.failures(path / headfile.NAME, tag).count
    writer = head_sink(path, db, header, slot.device_id, signing.from_seed(keys.device_seed.reveal()), env.clock)
    work = session.work()
    work.state[state_key("totp", user)] = step.to_bytes(8, "big")
    begin(session, work, "unlock", f"after {failed} failures" if failed else "")
    headfile.clear_failures(path / headfile.NAME, tag)
    ws = Workspace(path, env, session, writer, findings, header.demo, secrets.totp_seed)
    if catch_up:
        try:
            session.catch_up()
        except ViewDamaged as error:
            what = f"Your view is built anew: {error.message}"
            findings.append(check.CheckFinding(what, f"views/{session.view.path.name}", alarm=False))
            ws.rebuild_view()
        if ws.purge_owed():
            ws.rebuild_view()
    return ws


def _accept_code(
    path: Path,
    env: Environment,
    db: VaultDb,
    secrets: slots.UserSecrets,
    user: bytes,
    tag: bytes,
    code: str | None,
) -> int:
    """The step of an accepted one-time code (RFC 6238); None asks for none: a recovery kit was used instead."""
    last = int.from_bytes(db.state.get(state_key("totp", user), b"\x00"), "big")
    if code is None:
        return last
    try:
        return totp.accept(secrets.totp_seed, code, env.code_clock.now_ms() // 1000, last)
    except WrongSecrets:
        headfile.note_failure(path / headfile.NAME, tag, env.code_clock.now_ms())
        raise


def unlock_with(path: Path, env: Environment, slot: slots.Slot, secrets: slots.UserSecrets) -> Workspace:
    """Open a vault with secrets a recovery kit gave."""
    header = headfile.read(path / headfile.NAME).header
    keys = slots.unwrap(slot, secrets, header.vault_id)
    db = VaultDb.open(path / DATABASE, keys.vault_key, slot.device_id)
    try:
        return _unlocked(path, env, db, header, slot, secrets, keys, None, catch_up=True, inspect=False)
    except BaseException:
        db.close()
        raise
