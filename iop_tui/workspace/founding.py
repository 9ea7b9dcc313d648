"""A new vault and its first user."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from iop_tui.access import program, roles
from iop_tui.kernel.canonical import encode
from iop_tui.kernel.errors import MediumUnusable, Refused
from iop_tui.kernel.secret import Secret
from iop_tui.kernel.text import clean_line
from iop_tui.store.database import translated
from iop_tui.store.members.acts import UserCard
from iop_tui.store.vaultdb import VaultDb
from iop_tui.vault import headfile, passphrase, recovery, signing, slots, totp
from iop_tui.workspace.environment import DATABASE, ISSUER, Environment, NewUser
from iop_tui.workspace.heads import head_sink
from iop_tui.workspace.pins import program_pin
from iop_tui.workspace.sessions import begin, open_session
from iop_tui.workspace.unlocking import unlock_with
from iop_tui.workspace.viewplaces import state_key
from iop_tui.workspace.workspace import Workspace


def create(
    path: Path,
    env: Environment,
    *,
    name: str,
    user_roles: tuple[str, ...],
    phrase: bytearray,
    demo: bool = False,
    realm: bytes | None = None,
    secrets: slots.UserSecrets | None = None,
) -> tuple[Workspace, NewUser]:
    """A new vault with its first user, who is administrator and privacy officer besides the roles asked for.

    Returns the open workspace and what the user takes away. Until the kit was tested the vault says so at every
    unlock. `realm` and `secrets` are given for demo vaults only, whose secrets follow from the vault's id.
    The vault is made beside its place and moved there when complete, so that an interruption leaves none.
    Raises `Refused` where a vault exists or the passphrase is weak, `MediumUnusable`, `DiskFull`.
    """
    if (path / headfile.NAME).exists() or (path / DATABASE).exists():
        raise Refused("There is a vault in this folder already.", "Choose another folder with --vault.")
    granted = roles.check((*user_roles, roles.ADMINISTRATOR, roles.PRIVACY_OFFICER))
    if not demo:
        passphrase.check_new(phrase, names=(name, ISSUER))
    name, rng = clean_line(name), env.rng
    own, kit_key = secrets or slots.new_secrets(rng), recovery.new_kit_key(rng)
    keys = slots.VaultKeys(Secret(rng.token(32)), Secret(rng.token(32)))
    slot = slots.make_slot(
        vault_id=realm or rng.token(16),
        user_id=rng.token(16),
        device_id=rng.token(16),
        name=name,
        secrets=own,
        passphrase=phrase,
        kdf=env.kdf,
        rng=rng,
        kit_key=kit_key,
        keys=keys,
    )
    staging = staging_beside(path)
    try:
        _found(staging, env, slot, own, keys, name=name, granted=granted, demo=demo)
        with translated(path):
            os.replace(staging, path)
    except BaseException:  # also a stop by the user: half a vault must not stay in the place of one
        shutil.rmtree(staging, ignore_errors=True)
        raise
    found = NewUser(slot.user_id, totp.uri(own.totp_seed, name, ISSUER), recovery.encode_kit(kit_key), own)
    return unlock_with(path, env, slot, own), found


def staging_beside(path: Path) -> Path:
    """A new and empty folder beside the vault's place, which nobody else can have made."""
    with translated(path):
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileNotFoundError:  # on a medium where no folder can be made; no vault is missing
            raise MediumUnusable(f"The folder {path.parent} cannot be made.", "Choose another place.") from None
        return Path(tempfile.mkdtemp(prefix=f".{path.name}.setup-", dir=path.parent))


def _found(
    path: Path,
    env: Environment,
    slot: slots.Slot,
    secrets: slots.UserSecrets,
    keys: slots.VaultKeys,
    *,
    name: str,
    granted: tuple[str, ...],
    demo: bool,
) -> None:
    root_seed, device = Secret(env.rng.token(32)), signing.from_seed(keys.device_seed.reveal())
    header = headfile.Header(vault_id=slot.vault_id, demo=demo, created_ms=env.clock.now_ms(), slots=(slot,))
    meta = {
        "vault_id": slot.vault_id,
        "device": slot.device_id,
        "device_public": device.public,
        "root_public": signing.from_seed(root_seed.reveal()).public,
        "demo": b"1" if demo else b"0",
        **program.reserve(env.rng),
    }
    db = VaultDb.create(path / DATABASE, keys.vault_key, slot.device_id, meta)
    with translated(path):
        headfile.create(path / headfile.NAME, header)
    session = open_session(
        env, db, slot.vault_id, slot.device_id, secrets, slot.user_id, None, path, name=name, user_roles=granted
    )
    writer = head_sink(path, db, header, slot.device_id, device, env.clock)
    card = UserCard(slot.user_id, name, granted, secrets.enc_public(), secrets.signer().public, "active", 1)
    work = session.work()
    program.found(session, work, card, root_seed)
    work.state["header"] = encode(header)
    work.state[state_key("kit_untested", slot.user_id)] = b"1"
    work.state |= program_pin(db, slot.vault_id, slot.user_id, secrets, env.rng)
    begin(session, work, "found")
    Workspace(path, env, session, writer, [], demo, secrets.totp_seed).close("founded")
