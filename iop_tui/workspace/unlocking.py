"""Opening a vault for a user."""

from __future__ import annotations

from pathlib import Path

from iop_tui.kernel.errors import Suspended, VaultDamaged, WrongSecrets
from iop_tui.store import check
from iop_tui.store.check import CheckFinding
from iop_tui.store.session import Session
from iop_tui.store.vaultdb import VaultDb
from iop_tui.store.views.view import ViewDamaged
from iop_tui.vault import headfile, signing, slots, totp
from iop_tui.workspace.environment import DATABASE, Environment
from iop_tui.workspace.heads import anchor_findings, head_sink, head_state_of, header_findings, refuse_old_slot
from iop_tui.workspace.pins import check_program, note_seen, program_pin
from iop_tui.workspace.sessions import begin, open_session
from iop_tui.workspace.slotaccess import STEP_BYTES, open_slot
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
    except BaseException:  # also a stop by the user: the lock of the vault must not outlive it
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
    user, realm, device = slot.user_id, header.vault_id, db.meta("device")
    if db.meta("vault_id") != realm:
        raise VaultDamaged("vault.db and vault.head belong to different vaults.")
    tag = slot.name_tag
    step = _accept_code(path, env, db, secrets, user, tag, code)
    head = head_state_of(path, db)
    findings = check.quick(db, head) + anchor_findings(env, db, realm, device)
    if inspect:
        refuse_old_slot(db, header, slot, head)
    else:
        _refuse_alarms(findings)
        findings += header_findings(path, db, header, head, by_kit=code is None)
        _refuse_alarms(findings)
    unpinned = check_program(db, realm, user, secrets)
    place = db.state.get(state_key("view", user))
    session = open_session(
        env, db, realm, device, secrets, user, place, path, findings=findings, look=inspect
    )
    try:
        _refuse_inactive(session)
        findings += _journal_findings(session)
        if inspect:
            return Workspace(path, env, session, None, findings, header.demo, secrets.totp_seed)
        first = program_pin(db, realm, user, secrets, env.rng) if unpinned else {}
        return _begun(path, env, db, header, slot, secrets, keys, session, findings, step, first, catch_up=catch_up)
    except BaseException:  # also a stop by the user: a view half brought up is not used again
        session.view.abandon()
        raise


def _refuse_alarms(findings: list[CheckFinding]) -> None:
    for item in findings:
        if item.alarm:
            raise VaultDamaged(f"{item.what} ({item.where}{', since ' + item.since if item.since else ''}).")


def _refuse_inactive(session: Session) -> None:
    if session.card(session.identity.user).status != "active":
        raise Suspended("This account is suspended on this copy of the vault.")


def _journal_findings(session: Session) -> list[CheckFinding]:
    count = len(session.journal_unreadable())
    if not count:
        return []
    return [CheckFinding(f"Unsaved typing in your name cannot be read ({count})", "vault.db journal", alarm=False)]


def _begun(
    path: Path,
    env: Environment,
    db: VaultDb,
    header: headfile.Header,
    slot: slots.Slot,
    secrets: slots.UserSecrets,
    keys: slots.VaultKeys,
    session: Session,
    findings: list[CheckFinding],
    step: int,
    first: dict[str, bytes],
    *,
    catch_up: bool,
) -> Workspace:
    """A session with its first entry written and its view brought up."""
    user, tag = slot.user_id, slot.name_tag
    failed = headfile.failures(path / headfile.NAME, tag).count
    writer = head_sink(path, db, header, session.device, signing.from_seed(keys.device_seed.reveal()), env.clock)
    work = session.work()
    work.state |= first
    work.state[state_key("totp", user)] = step.to_bytes(STEP_BYTES, "big")
    begin(session, work, "unlock", f"after {failed} failures" if failed else "")
    note_seen(session.view, db.position)
    headfile.clear_failures(path / headfile.NAME, tag)
    ws = Workspace(path, env, session, writer, findings, header.demo, secrets.totp_seed)
    if catch_up:
        try:
            session.catch_up()
        except ViewDamaged as error:
            what = f"Your view is built anew: {error.message}"
            findings.append(CheckFinding(what, f"views/{session.view.path.name}", alarm=False))
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
    raw = db.state.get(state_key("totp", user), b"\x00")
    readable = len(raw) <= STEP_BYTES
    if code is None:
        return int.from_bytes(raw, "big") if readable else 0
    if not readable:
        raise VaultDamaged(
            "The last one-time code noted for you cannot be read (vault.db state totp).",
            "Your recovery kit opens the vault: `iop-tui users lost-phone`.",
        )
    last = int.from_bytes(raw, "big")
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
    except BaseException:  # also a stop by the user: the lock of the vault must not outlive it
        db.close()
        raise
