"""The life of a user account. A role is certified by the program's root key; access still comes only with keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from iop_tui.access import chartkeys, charts, policy, program, roles
from iop_tui.access.primitives import Target, program_compartment, rotate
from iop_tui.clinical.staff.api import ACTIVE, REMOVED, SUSPENDED, users
from iop_tui.kernel.errors import Refused, VaultDamaged
from iop_tui.kernel.secret import Secret
from iop_tui.kernel.text import clean_line
from iop_tui.store.members.acts import UserCard, sign_card
from iop_tui.store.views.view import Changes
from iop_tui.store.work import Work
from iop_tui.vault import keystore, passphrase, recovery, slots, totp
from iop_tui.vault.headfile import Header
from iop_tui.vault.slots import Slot
from iop_tui.workspace import ISSUER, Environment, NewUser, Workspace, open_kit, program_pin
from iop_tui.workspace.recovering import renew


def add_user(
    ws: Workspace,
    *,
    name: str,
    user_roles: tuple[str, ...],
    phrase: bytearray,
    secrets: slots.UserSecrets | None = None,
) -> NewUser:
    """Admit a user. The new user types the passphrase; the administrator sees neither it nor any key.

    Their keys are made here, certified by the program's root key, and wrapped what their roles are owed and
    this user holds; colleagues' programs hand over the rest. Raises `RoleRefused`, `NoKey` (not an administrator),
    `WeakPassphrase`, `Refused` for a name in use.
    """
    granted = roles.check(user_roles)
    shown = clean_line(name)
    if not shown:
        raise Refused("A user needs a name.")
    if slots.name_tag(ws.realm, shown) in {slots.name_tag(ws.realm, line.name) for line in users(ws)}:
        raise Refused("There is a user of this name already.", "Add a middle name or a number.")
    if not ws.demo:
        passphrase.check_new(phrase, names=(shown, ISSUER))
    root = program.root_signer(ws.session)
    identifier, fresh, kit = ws.rng.token(16), secrets or slots.new_secrets(ws.rng), recovery.new_kit_key(ws.rng)
    card = UserCard(identifier, shown, granted, fresh.enc_public(), fresh.signer().public, ACTIVE, 1)
    slot = slots.make_slot(
        vault_id=ws.realm,
        user_id=identifier,
        device_id=ws.session.device,
        name=shown,
        secrets=fresh,
        passphrase=phrase,
        kdf=ws.env.kdf,
        rng=ws.rng,
        kit_key=kit,
        keys=ws.vault_keys(),
    )
    work = ws.work()
    ws.session.act(work, "admit", cards=(sign_card(card, root),))
    program.give_programs(ws.session, work, identifier, card.enc_public, granted)
    work.state[f"kit_untested:{identifier.hex()}"] = b"1"
    work.state |= program_pin(ws.session.db, ws.realm, identifier, fresh, ws.rng)
    ws.session.note(work, "add-user", subject=identifier, detail=", ".join(granted))
    ws.change_header(work, lambda header: msgspec.structs.replace(header, slots=(*header.slots, slot)))
    return NewUser(identifier, totp.uri(fresh.totp_seed, shown, ISSUER), recovery.encode_kit(kit), fresh)


def _recertify(
    ws: Workspace, work: Work, user: bytes, *, user_roles: tuple[str, ...] | None = None, status: str | None = None
) -> UserCard:
    root = program.root_signer(ws.session)
    card = ws.session.card(user)
    fresh = UserCard(
        card.user,
        card.name,
        user_roles or card.roles,
        card.enc_public,
        card.sig_public,
        status or card.status,
        card.serial + 1,
    )
    ws.session.act(work, "certify", cards=(sign_card(fresh, root),))
    return fresh


def set_roles(ws: Workspace, user: bytes, user_roles: tuple[str, ...]) -> Changes:
    """Change a user's roles. Program-wide keys that the roles no longer allow are revoked and get a new generation."""
    granted = roles.check(user_roles)
    work = ws.work()
    card = _recertify(ws, work, user, user_roles=granted)
    _revoke_not_allowed(ws, work, user, granted)
    program.give_programs(ws.session, work, user, card.enc_public, granted)
    ws.session.note(work, "set-roles", subject=user, detail=", ".join(granted))
    return ws.commit(work)


def _revoke_not_allowed(ws: Workspace, work: Work, user: bytes, granted: tuple[str, ...]) -> None:
    """What the program holds is known by its ids, so an administrator revokes it without holding the key."""
    programs = {program_compartment(ws.session, kind): kind for kind in policy.PROGRAM_KINDS}
    rows = ws.view.rows(
        "SELECT w.id, w.compartment, w.primitive, c.kind FROM wrap w LEFT JOIN compartment c ON c.id = w.compartment"
        " WHERE w.recipient = ? AND w.revoked_ms = 0",
        (user,),
    )
    lost = []
    for wrap, identifier, primitive, known in rows:
        kind = programs.get(identifier) or (known if primitive == "member" else None)
        if kind is not None and not policy.may_be_member(kind, granted):
            lost.append(wrap)
    if lost:
        ws.session.act(work, "revoke", revokes=tuple(lost))


def _check_other(ws: Workspace, user: bytes) -> None:
    if user == ws.user.user:
        raise Refused("You cannot do this to your own account.", "Ask another administrator.")
    administrators = [line for line in users(ws) if line.status == ACTIVE and roles.ADMINISTRATOR in line.roles]
    if len(administrators) == 1 and administrators[0].id == user:
        raise Refused("This is the program's last administrator.", "Appoint another one first.")


def suspend(ws: Workspace, user: bytes) -> Changes:
    """Take a user's vault key away on this copy; nothing else changes, and `resume` gives it back."""
    _check_other(ws, user)
    work = ws.work()
    _recertify(ws, work, user, status=SUSPENDED)
    ws.session.note(work, "suspend-user", subject=user)
    return ws.change_header(work, lambda header: _replace_slot(header, user, slots.without_wrap))


def resume(ws: Workspace, user: bytes) -> Changes:
    """End a suspension. Raises `Refused` for a removed user."""
    card = ws.session.card(user)
    if card.status == REMOVED:
        raise Refused("This user was removed.", "Add them again as a new user.")
    work = ws.work()
    _recertify(ws, work, user, status=ACTIVE)
    keys = ws.vault_keys()
    ws.session.note(work, "resume-user", subject=user)
    return ws.change_header(
        work, lambda header: _replace_slot(header, user, lambda slot: slots.with_wrap(slot, card.enc_public, keys))
    )


def remove(ws: Workspace, user: bytes) -> Changes:
    """Remove a user: every wrap is revoked, the slot goes, and compartments this user also holds get a new key.

    What the user read or copied stays read; removal protects what is written from now on. Compartments that only
    colleagues hold are rotated by their programs: rotation is owed until then.
    """
    _check_other(ws, user)
    work = ws.work()
    _recertify(ws, work, user, status=REMOVED)
    rows = ws.view.rows("SELECT id, compartment FROM wrap WHERE recipient = ? AND revoked_ms = 0", (user,))
    if rows:
        ws.session.act(work, "remove-user", revokes=tuple(row[0] for row in rows))
    _end_memberships(ws, work, user)
    ws.session.note(work, "remove-user", subject=user)
    changes = ws.change_header(
        work,
        lambda header: msgspec.structs.replace(
            header, slots=tuple(slot for slot in header.slots if slot.user_id != user)
        ),
    )
    changes.merge(_rotate_held(ws, {row[1] for row in rows}))
    return changes


def _end_memberships(ws: Workspace, work: Work, user: bytes) -> None:
    for fact in charts.care_facts(ws.session):
        if fact.user == user:
            chartkeys.close_membership(ws.session, work, fact.person, user)


def _rotate_held(ws: Workspace, compartments: set[bytes]) -> Changes:
    work = ws.work()
    groups = {program_compartment(ws.session, kind) for kind in policy.PROGRAM_KINDS}
    # Groups first: what is wrapped to a group must be wrapped to its new key.
    for identifier in sorted(compartments, key=lambda item: (item not in groups, item)):
        row = ws.view.one(
            "SELECT kind, person, owner FROM compartment WHERE id = ? AND primitive = 'member'", (identifier,)
        )
        if row is not None and ws.session.holds(identifier) and row[0] != "ORG":
            rotate(ws.session, work, Target(identifier, row[0], row[1], row[2]))
    if not work.acts:
        return Changes()
    ws.session.note(work, "rotate", detail=f"{len(work.acts)} compartments")
    return ws.commit(work)


def _replace_slot(header: Header, user: bytes, change: Callable[[Slot], Slot]) -> Header:
    fresh = tuple(change(slot) if slot.user_id == user else slot for slot in header.slots)
    return msgspec.structs.replace(header, slots=fresh)


def change_passphrase(ws: Workspace, new: bytearray) -> Changes:
    """A new passphrase for the user at the keyboard. Raises `ReauthNeeded` where the old one was not given just now."""
    ws.need_fresh()
    passphrase.check_new(new, names=(ws.user.name, ISSUER))
    slot = ws.own_slot()
    secret = keystore.load(slot.vault_id, slot.user_id, slot.device_id) if slot.needs_device_secret else None
    secrets = ws.own_secrets()
    work = ws.work()
    ws.session.note(work, "change-passphrase", subject=ws.user.user)
    fresh = slots.new_passphrase(slot, secrets, new, secret, ws.env.kdf, ws.rng)
    return ws.change_header(work, lambda header: _replace_slot(header, ws.user.user, lambda _: fresh))


def use_device_secret(ws: Workspace, phrase: bytearray) -> str:
    """Bind this user's slot to a secret in the operating system's keyring; the name of the keyring.

    With it the passphrase alone does not open a stolen copy. The recovery kit still does: keep it apart.
    Raises `KeyringUnusable` where there is no real keyring, `WrongSecrets` for a wrong passphrase.
    """
    ws.confirm(phrase)
    name = keystore.available()
    if name is None:
        raise keystore.KeyringUnusable("There is no usable keyring on this computer.")
    slot, secret = ws.own_slot(), Secret(ws.rng.token(32))
    keystore.store(slot.vault_id, slot.user_id, slot.device_id, secret)
    _rewrite_slot(ws, phrase, secret, "device-secret-on")
    return name


def drop_device_secret(ws: Workspace, phrase: bytearray) -> None:
    """Make this user's slot open with the passphrase alone again, then delete the secret from the keyring."""
    ws.confirm(phrase)
    slot = ws.own_slot()
    _rewrite_slot(ws, phrase, None, "device-secret-off")
    if slot.needs_device_secret:
        keystore.delete(slot.vault_id, slot.user_id, slot.device_id)


def _rewrite_slot(ws: Workspace, phrase: bytearray, secret: Secret | None, action: str) -> None:
    work = ws.work()
    ws.session.note(work, action, subject=ws.user.user)
    fresh = slots.new_passphrase(ws.own_slot(), ws.own_secrets(), phrase, secret, ws.env.kdf, ws.rng)
    ws.change_header(work, lambda header: _replace_slot(header, ws.user.user, lambda _: fresh))


def new_kit(ws: Workspace) -> str:
    """A new recovery kit for the user at the keyboard; the older one stops working. Returns its text, shown once."""
    ws.need_fresh()
    kit = recovery.new_kit_key(ws.rng)
    secrets, slot = ws.own_secrets(), ws.own_slot()
    work = ws.work()
    work.state[f"kit_untested:{ws.user.user.hex()}"] = b"1"
    ws.session.note(work, "new-kit", subject=ws.user.user)
    fresh = slots.new_kit(slot, secrets, kit, ws.rng)
    ws.change_header(work, lambda header: _replace_slot(header, ws.user.user, lambda _: fresh))
    return recovery.encode_kit(kit)


def confirm_kit(ws: Workspace, kit: str) -> Changes:
    """Test the printed kit by really opening the slot with it. Raises `WrongSecrets`, `KitMistyped`."""
    secrets = slots.open_with_kit(ws.own_slot(), recovery.decode_kit(kit))
    if secrets.enc_public() != ws.session.card(ws.user.user).enc_public:
        raise VaultDamaged("The kit opens a key that is not yours.")
    work = ws.work()
    work.state[f"kit_untested:{ws.user.user.hex()}"] = b""
    ws.session.note(work, "kit-tested", subject=ws.user.user)
    return ws.commit(work)


def lost_phone(path: Path, env: Environment, *, name: str, kit: str, phrase: bytearray) -> NewUser:
    """Open with the recovery kit: new passphrase, new code, new kit; the old ones stop working at once.

    The kit is burnt in the same change. Raises `WrongSecrets`, `KitUsed`, `KitMistyped`, `Suspended`.
    """
    slot, secrets = open_kit(path, env, name=name, kit=recovery.decode_kit(kit))
    return renew(path, env, slot, secrets, name=name, phrase=phrase, action="kit-used")


def complete(ws: Workspace, user: bytes) -> list[str]:
    """Give a colleague the program-wide keys their roles are owed; the kinds. An explicit act of a holder, never
    automatic.
    """
    card = ws.session.card(user)
    if card.status != ACTIVE:
        raise Refused("This user is not active.")
    work = ws.work()
    given = program.give_programs(ws.session, work, user, card.enc_public, card.roles)
    if not given:
        raise Refused("Nothing is owed to this user that you could give.")
    ws.session.note(work, "complete-user", subject=user, detail=", ".join(given))
    ws.commit(work)
    return given
