"""A copy of the vault on another device: made from a grant and from the packs of a carrier.

As a new vault it is made beside its place and moved there when complete: an interruption leaves nothing but a folder
that may be removed, and a new request.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from iop_tui.exchange import cards, carrying, keys, polling, taking
from iop_tui.exchange.carrying import Budget, Moved
from iop_tui.exchange.enrol import Grant, NewDevice
from iop_tui.exchange.ledger import Ledger
from iop_tui.exchange.mirror import Mirror
from iop_tui.exchange.remotes.patient import LinkLost, Patient
from iop_tui.exchange.remotes.port import Remote
from iop_tui.kernel.canonical import encode
from iop_tui.kernel.errors import Refused, WrongSecrets
from iop_tui.kernel.secret import Secret
from iop_tui.store.database import translated
from iop_tui.store.exchangelog import DEVICE
from iop_tui.store.rows import ExchangeRow
from iop_tui.store.session import Session
from iop_tui.store.vaultdb import VaultDb
from iop_tui.vault import headfile, slots
from iop_tui.vault.slots import Slot, UserSecrets
from iop_tui.workspace import links
from iop_tui.workspace.environment import DATABASE, Environment
from iop_tui.workspace.founding import staging_beside
from iop_tui.workspace.heads import head_sink
from iop_tui.workspace.pins import check_brought, program_pin
from iop_tui.workspace.sessions import begin, open_session
from iop_tui.workspace.workspace import Workspace


def join(
    path: Path,
    env: Environment,
    new: NewDevice,
    grant: Grant,
    remote: Remote,
    *,
    name: str,
    phrase: bytearray,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Make this device's copy of the vault from the carrier's packs, with a key slot for one user; how many packs came.

    The others' slots follow with the packs. Raises `WrongSecrets`, `Refused`, `CarrierGone`.
    """
    if (path / headfile.NAME).exists() or (path / DATABASE).exists():
        raise Refused("There is a vault in this folder already.", "Choose another folder with --vault.")
    slot, pin, secrets = _slot_of(grant, env, name, phrase)
    fresh = slots.VaultKeys(Secret(env.rng.token(32)), new.seed)
    own = slots.with_wrap(slot, secrets.enc_public(), fresh)
    staging = staging_beside(path)
    try:
        count = _build(staging, env, new, grant, remote, own, pin, secrets, fresh, name, progress)
        with translated(path):
            os.replace(staging, path)
    except BaseException:  # also a stop by the user: half a vault must not stay in the place of one
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return count


def _slot_of(grant: Grant, env: Environment, name: str, phrase: bytearray) -> tuple[Slot, bytes, UserSecrets]:
    tag = slots.name_tag(grant.realm, name)
    for slot, pin in grant.slots:
        if slot.name_tag == tag:
            if slot.needs_device_secret:
                raise Refused(
                    "This account needs a secret of the other computer's keyring.",
                    "Let somebody else enrol the device, then use your recovery kit on it.",
                )
            return slot, pin, slots.open_slot(slot, phrase, None, env.kdf, grant.realm)
    raise WrongSecrets


def _build(
    staging: Path,
    env: Environment,
    new: NewDevice,
    grant: Grant,
    remote: Remote,
    slot: Slot,
    pin: bytes,
    secrets: UserSecrets,
    fresh: slots.VaultKeys,
    name: str,
    progress: Callable[[int, int], None] | None,
) -> int:
    device = new.request.device
    facts = {**dict(grant.facts), "device": device, "device_public": new.keys.signer.public}
    header = headfile.Header(vault_id=grant.realm, demo=grant.demo, created_ms=env.clock.now_ms(), slots=(slot,))
    db = VaultDb.create(staging / DATABASE, fresh.vault_key, device, facts)
    session: Session | None = None
    writer: headfile.HeadWriter | None = None
    try:
        check_brought(db, grant.realm, slot.user_id, secrets, pin)
        with translated(staging):
            headfile.create(staging / headfile.NAME, header)
        session = open_session(
            env, db, grant.realm, device, secrets, slot.user_id, None, staging, name=name, user_roles=("",)
        )
        writer = head_sink(staging, db, header, device, new.keys.signer, env.clock)
        ws = Workspace(staging, env, session, writer, [], grant.demo, secrets.totp_seed)
        count = _fill(ws, grant, new, remote, header, progress)
    except BaseException:  # also a stop by the user: keys and files are let go before it goes on
        if writer is not None:
            writer.close()
        if session is not None:
            session.view.abandon()
        db.close()
        raise
    ws.close("joined")
    return count


def _fill(
    ws: Workspace,
    grant: Grant,
    new: NewDevice,
    remote: Remote,
    header: headfile.Header,
    progress: Callable[[int, int], None] | None,
) -> int:
    session = ws.session
    _first_entry(session, grant, header, ws)
    mirror = Mirror(ws.path, grant.realm, ws.rng)
    _fetch(mirror, remote, ws, Budget(progress=progress))
    ledger = Ledger.read(session, new.keys)
    taken = taking.take(ledger, mirror, progress)
    if not taken.packs:
        raise Refused(
            "The carrier holds no records of this program yet.",
            "Exchange with it on the other device first, then begin again.",
        )
    session.catch_up(progress)
    begin(session, None, "join-device")
    return len(taken.packs)


def _fetch(mirror: Mirror, remote: Remote, ws: Workspace, budget: Budget) -> None:
    """Every pack of the carrier. As long as something new comes, a link that drops does not end it: what is here now
    would be thrown away. Raises `LinkLost`.
    """
    patient = links.patient(remote, mirror, "", clock=ws.clock, rng=ws.rng, budget=budget)
    if isinstance(patient, Patient):
        patient.find_out()
    while True:
        moved = Moved()
        try:
            carrying.pull(mirror, patient, polling.survey(mirror, patient, ""), budget, moved)
        except LinkLost:
            if not moved.received:
                raise
        else:
            return


def _first_entry(session: Session, grant: Grant, header: headfile.Header, ws: Workspace) -> None:
    work = session.work()
    session.note(work, "found-copy", subject=session.device)
    work.state[keys.STATE] = grant.keys
    work.state["header"] = encode(header)
    work.state |= program_pin(session.db, session.realm, session.identity.user, ws.own_secrets(), session.rng)
    batch = session.sealed(work)
    batch.exchange += [ExchangeRow(DEVICE, cards.identity(data), data) for data in grant.cards]
    session.db.commit(batch)
