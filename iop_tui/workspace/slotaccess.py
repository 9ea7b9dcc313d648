"""From a typed name and passphrase, or a recovery kit, to the secrets of a key slot."""

from __future__ import annotations

from pathlib import Path

from iop_tui.kernel.errors import LockedOut, VaultMissing, WrongSecrets
from iop_tui.kernel.secret import Secret
from iop_tui.store.database import refuse_if_in_use
from iop_tui.store.session import Session
from iop_tui.store.work import Work
from iop_tui.vault import headfile, keystore, slots, totp
from iop_tui.workspace.environment import DATABASE, Environment
from iop_tui.workspace.viewplaces import state_key

STEP_BYTES = 8
"""How the last accepted step of a one-time code is noted."""


def open_slot(
    path: Path, env: Environment, *, name: str, phrase: bytearray, own: bool = False
) -> tuple[headfile.HeadFile, slots.Slot, slots.UserSecrets]:
    """The first step of an unlock: head, slot and the secrets behind the passphrase. Failures make the wait grow."""
    file = path / headfile.NAME
    head = headfile.read(file)
    if not (path / DATABASE).exists():
        raise VaultMissing("vault.db is missing.", "Restore it from the newest verified backup.")
    if not own:
        refuse_if_in_use(path / DATABASE)
    tag = tag_of(head.header, name)
    _refuse_early(file, tag, env)
    slot = next((item for item in head.header.slots if item.name_tag == tag), None)
    try:
        if slot is None:
            slots.decoy(phrase, env.kdf, head.header.slots[0].profile if head.header.slots else None)
        secret = None
        if slot.needs_device_secret:
            secret = keystore.load(slot.vault_id, slot.user_id, slot.device_id)
        return head, slot, slots.open_slot(slot, phrase, secret, env.kdf, head.header.vault_id)
    except WrongSecrets:
        headfile.note_failure(file, tag, env.code_clock.now_ms())
        raise


def tag_of(header: headfile.Header, name: str) -> bytes:
    """By what a user's slot is found; nobody is asked for a name where there is one user."""
    if not name and len(header.slots) == 1:
        return header.slots[0].name_tag
    return slots.name_tag(header.vault_id, name)


def _refuse_early(file: Path, tag: bytes, env: Environment) -> None:
    now = env.code_clock.now_ms()
    wait = headfile.wait_ms(headfile.restart_wait(file, tag, now), now)
    if wait > 0:
        raise LockedOut(
            f"Too many failed attempts. Wait {-(-wait // 1000)} seconds.",
            "Then try again; the wait grows with each failure.",
        )


def accept_again(path: Path, env: Environment, session: Session, seed: Secret, code: str, work: Work) -> None:
    """A one-time code in the middle of a session: checked, and noted as used in `work`. Failures make the wait grow."""
    file = path / headfile.NAME
    tag = tag_of(headfile.read(file).header, session.identity.name)
    _refuse_early(file, tag, env)
    place = state_key("totp", session.identity.user)
    last = int.from_bytes(session.db.state.get(place, b"\x00"), "big")
    try:
        step = totp.accept(seed, code, env.code_clock.now_ms() // 1000, last)
    except WrongSecrets:
        headfile.note_failure(file, tag, env.code_clock.now_ms())
        raise
    work.state[place] = step.to_bytes(STEP_BYTES, "big")


def open_kit(path: Path, env: Environment, *, name: str, kit: Secret) -> tuple[slots.Slot, slots.UserSecrets]:
    """Slot and secrets by recovery kit instead of passphrase and code. Failures make the wait grow as everywhere."""
    file = path / headfile.NAME
    header = headfile.read(file).header
    refuse_if_in_use(path / DATABASE)
    tag = tag_of(header, name)
    _refuse_early(file, tag, env)
    slot = next((item for item in header.slots if item.name_tag == tag), None)
    try:
        if slot is None:
            raise WrongSecrets
        return slot, slots.open_with_kit(slot, kit)
    except WrongSecrets:
        headfile.note_failure(file, tag, env.code_clock.now_ms())
        raise
