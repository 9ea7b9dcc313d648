"""A copy of the vault on another device: made from a grant and from the packs of a carrier.

As a new vault it is made beside its place and moved there when complete. What came of the packs lies in a folder of its
own beside it until then: sealed, and of use to nobody but the next try, which asks for the rest.
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
from iop_tui.exchange.mirror import FOLDER, Mirror
from iop_tui.exchange.remotes.patient import LinkLost, Patient
from iop_tui.exchange.remotes.port import OtherProgram, Remote
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
    budget: Budget | None = None,
    wait: float = 0.0,
) -> int:
    """Make this device's copy of the vault from the carrier's packs, with a key slot for one user; how many packs came.

    The others' slots follow with the packs. A link that is lost is tried again for `wait` seconds without anything new.
    Raises `WrongSecrets`, `Refused`, `CarrierGone`, `Cancelled`; what came until then is there at the next try.
    """
    if (path / headfile.NAME).exists() or (path / DATABASE).exists():
        raise Refused("There is a vault in this folder already.", "Choose another folder with --vault.")
    if path.is_dir() and any(path.iterdir()):
        raise Refused(f"The folder {path.name} is not empty.", "Choose another one with --vault, or empty it.")
    slot, pin, secrets = _slot_of(grant, env, name, phrase)
    fresh = slots.VaultKeys(Secret(env.rng.token(32)), new.seed)
    own = slots.with_wrap(slot, secrets.enc_public(), fresh)
    coming = _coming(path, grant, env)
    _fetch(coming, remote, env, budget or Budget(progress=progress), wait)
    staging = staging_beside(path)
    try:
        count = _build(staging, env, new, grant, coming, own, pin, secrets, fresh, name, progress)
        with translated(path):
            os.replace(coming.folder, staging / FOLDER)
            os.replace(staging, path)
    except BaseException:  # also a stop by the user: half a vault must not stay in the place of one
        if (staging / FOLDER).exists() and not coming.folder.exists():
            os.replace(staging / FOLDER, coming.folder)
        shutil.rmtree(staging, ignore_errors=True)
        raise
    shutil.rmtree(coming.folder.parent, ignore_errors=True)
    return count


def reach(remote: Remote, env: Environment, budget: Budget | None = None) -> Remote:
    """A carrier as a device uses it that has no vault yet: over a network with the patience of an exchange."""
    return links.unknown(remote, _Nowhere(), clock=env.clock, rng=env.rng, budget=budget or Budget())


class _Nowhere:
    """A drawer for a device without a folder: requests and grants are short."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def part(self, name: str) -> bytes:
        return self._kept.get(name, b"")

    def keep_part(self, name: str, data: bytes) -> None:
        self._kept[name] = data


def _coming(path: Path, grant: Grant, env: Environment) -> Mirror:
    """What came of the packs, beside the vault's place: of an earlier try, if that was for the same program."""
    folder = path.parent / f".{path.name}.coming"
    with translated(path):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return Mirror(folder, grant.realm, env.rng)
    except OtherProgram:
        shutil.rmtree(folder)
        return _coming(path, grant, env)


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
    mirror: Mirror,
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
        count = _fill(ws, grant, new, mirror, header, progress)
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
    mirror: Mirror,
    header: headfile.Header,
    progress: Callable[[int, int], None] | None,
) -> int:
    session = ws.session
    _first_entry(session, grant, header, ws)
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


def _fetch(mirror: Mirror, remote: Remote, env: Environment, budget: Budget, wait: float) -> None:
    """Every pack of the carrier that is not here. A link that drops does not end it as long as something new comes, nor
    for `wait` seconds after that. Raises `LinkLost`.
    """
    patient = links.patient(remote, mirror, "", clock=env.clock, rng=env.rng, budget=budget)
    until = env.clock.monotonic() + wait
    while True:
        moved = Moved()
        try:
            if isinstance(patient, Patient):
                patient.find_out()
            carrying.pull(mirror, patient, polling.survey(mirror, patient, ""), budget, moved)
        except LinkLost:
            if moved.received:
                until = env.clock.monotonic() + wait
            elif env.clock.monotonic() >= until:
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
