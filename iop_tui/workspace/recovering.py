"""Recovery shares: a set of papers of which some together open accounts of a backup, and no single one does.

    secret     32 random bytes, split by SLIP-0039 (2 of 3 by default); kept nowhere
    box        X25519 pair derived from the secret; its public half is in the set
    set        id, box, age recipient, how many of how many, made by whom; certified by the program's root key
    account    a user's own secrets, sealed to the box by that user's program: of the person who made the set, and of
               whoever joined it

Sets and accounts are rows that travel between devices; a backup carries the newest set and its accounts beside the
vault, since the vault itself cannot be opened before an account is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from iop_tui.access import program, roles
from iop_tui.kernel.canonical import decode, encode, joined
from iop_tui.kernel.errors import IopError, Refused, RoleRefused, VaultDamaged, WrongSecrets
from iop_tui.kernel.secret import Secret
from iop_tui.store.exchangelog import ACCOUNT, RECOVERY
from iop_tui.store.rows import ExchangeRow
from iop_tui.store.session import Session
from iop_tui.vault import agekeys, headfile, hpke, passphrase, recovery, signing, slots, totp
from iop_tui.vault.digest import derive, sha256
from iop_tui.vault.recovery import SharesWrong
from iop_tui.workspace.environment import ISSUER, Environment, NewUser
from iop_tui.workspace.unlocking import unlock_with
from iop_tui.workspace.viewplaces import state_key
from iop_tui.workspace.workspace import Workspace

THRESHOLD, COUNT = 2, 3
PENDING = "recovery:pending"
_CONTEXT, _ACCOUNT = "iop/recovery-set/1", "iop/recovery-account/1"
Closed = dict[tuple[str, ...], int]
_OLDER = "Take the papers of the set that was newest when the backup was made."


class RecoverySet(msgspec.Struct, frozen=True, array_like=True):
    """A set of shares. `serial` counts the sets of the program; the highest one is the newest."""

    realm: bytes
    serial: int
    recipient: str
    public: bytes
    threshold: int
    count: int
    made_ms: int
    made_by: bytes

    @property
    def id(self) -> bytes:
        """The id of the set."""
        return sha256(encode(self))[:16]


class _Certified(msgspec.Struct, frozen=True, array_like=True):
    stored: bytes
    signature: bytes


class _Account(msgspec.Struct, frozen=True, array_like=True):
    user: bytes
    set: bytes
    sealed: bytes


class _Carried(msgspec.Struct, frozen=True, array_like=True):
    set: RecoverySet
    accounts: tuple[_Account, ...]


class _Bundle(msgspec.Struct, frozen=True, array_like=True):
    enc_seed: bytes
    sig_seed: bytes
    totp_seed: bytes


@dataclass(frozen=True, slots=True)
class NewShares:
    """Shares as they are shown once, and how many of them are needed."""

    shares: tuple[str, ...]
    threshold: int


def need_administrator(ws: Workspace) -> signing.SigningKey:
    """The program's root key. Raises `RoleRefused` but for administrators."""
    if roles.ADMINISTRATOR not in ws.user.roles:
        raise RoleRefused("Recovery is set up by an administrator.", "Ask an administrator of the program.")
    return program.root_signer(ws.session)


# -- the ceremony --------------------------------------------------------------------------


def make_shares(ws: Workspace, *, threshold: int = THRESHOLD, count: int = COUNT) -> NewShares:
    """A new set of shares; it counts once `confirm_shares` saw it. The older set goes on until then.

    Raises `RoleRefused`, `ReauthNeeded`, `Usage` for counts that make no sense.
    """
    root = need_administrator(ws)
    ws.need_fresh()
    secret = Secret(ws.rng.token(recovery.KIT_BYTES))
    shares = tuple(recovery.split(secret, threshold, count))
    known = present(ws.session)
    made = RecoverySet(
        ws.realm, known.serial + 1 if known else 1, agekeys.public(_identity(secret)), _box(secret).public, threshold,
        count, ws.clock.now_ms(), ws.user.user,
    )  # fmt: skip
    secret.wipe()
    stored = encode(made)
    work = ws.work()
    work.state[PENDING] = encode(_Certified(stored, root.sign(_CONTEXT, stored)))
    ws.session.note(work, "recovery-shares", detail=f"{threshold} of {count}")
    ws.commit(work)
    return NewShares(shares, threshold)


def confirm_shares(ws: Workspace, shares: Sequence[str]) -> RecoverySet:
    """Take the shares back from their papers: what they give together must be what was made. From then on the set
    counts, and this user's account lies under it. Raises `SharesWrong`, `Refused` where none was made.
    """
    raw = ws.session.db.state.get(PENDING, b"")
    if not raw:
        raise Refused("No new shares wait to be confirmed.", "`iop-tui recovery shares` makes them.")
    made = _read(raw, ws.session)
    secret = Secret(recovery.combine(shares))
    if _box(secret).public != made.public:
        raise SharesWrong("These shares are not the ones that were made last.")
    secret.wipe()
    work = ws.work()
    work.state[PENDING] = b""
    ws.session.note(work, "recovery-confirmed", detail=f"set {made.serial}")
    rows = [ExchangeRow(RECOVERY, sha256(raw)[:16], raw), _account_row(ws, made)]
    batch = ws.session.sealed(work)
    batch.exchange += rows
    ws.session.db.commit(batch)
    return made


def join(ws: Workspace) -> RecoverySet:
    """Put this user's account under the newest set too. Whoever holds enough shares and a backup can then act as them.

    Raises `ReauthNeeded`, `Refused` where there is no set or the account is under it already.
    """
    ws.need_fresh()
    known = present(ws.session)
    if known is None:
        raise Refused("This program has no recovery shares.", "An administrator makes them: iop-tui recovery shares.")
    if any(item.user == ws.user.user for item in _accounts(ws.session, known)):
        raise Refused("Your account is under these shares already.")
    work = ws.work()
    ws.session.note(work, "recovery-join", subject=ws.user.user)
    batch = ws.session.sealed(work)
    batch.exchange.append(_account_row(ws, known))
    ws.session.db.commit(batch)
    return known


def _account_row(ws: Workspace, made: RecoverySet) -> ExchangeRow:
    own = ws.own_secrets()
    bundle = encode(_Bundle(own.enc_seed.reveal(), own.sig_seed.reveal(), own.totp_seed.reveal()))
    sealed = hpke.seal(made.public, _info(made, ws.user.user), bundle)
    data = encode(_Account(ws.user.user, made.id, sealed))
    return ExchangeRow(ACCOUNT, sha256(data)[:16], data)


# -- what is known -------------------------------------------------------------------------


def present(session: Session) -> RecoverySet | None:
    """The newest certified set of the program, or None."""
    found = []
    for (data,) in session.db.read("SELECT data FROM exchange WHERE kind = ?", (RECOVERY,)):
        try:
            made = _read(bytes(data), session)
        except IopError:
            continue  # not certified by this program
        found.append((made.serial, made.id, made))
    return max(found)[2] if found else None


def accounts(session: Session) -> list[bytes]:
    """The users whose accounts the newest set opens."""
    known = present(session)
    return [item.user for item in _accounts(session, known)] if known else []


def closed(session: Session, opened: Collection[bytes]) -> Closed:
    """Parts of records that the accounts `opened` cannot read: the names of who can, and of how many parts. They come
    back with the passphrase or kit of one of these people, and with nothing else. No names: nobody can.
    """
    rows = session.view.rows(
        "SELECT w.compartment, w.generation, w.recipient, c.name FROM wrap w LEFT JOIN card c ON c.user = w.recipient"
        " AND c.status != 'removed' WHERE w.primitive = 'member' AND w.revoked_ms = 0"
    )
    keys: dict[tuple[bytes, int], set[bytes]] = {}
    members: dict[bytes, set[bytes]] = {}
    names: dict[bytes, str] = {}
    for compartment, generation, recipient, name in rows:
        keys.setdefault((compartment, generation), set()).add(recipient)
        members.setdefault(compartment, set()).add(recipient)
        names |= {recipient: name} if name else {}
    found: dict[bytes, set[bytes]] = {}
    for (compartment, _), holders in keys.items():
        reached = _reached(holders, members)
        if not reached & set(opened):
            found.setdefault(compartment, set()).update(reached & names.keys())
    return dict(Counter(tuple(sorted(names[user] for user in users)) for users in found.values()))


def _reached(holders: set[bytes], members: dict[bytes, set[bytes]]) -> set[bytes]:
    """Who holds a key, by themselves or as a member of a group that holds it."""
    found, todo = set[bytes](), list(holders)
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            todo += members.get(one, ())
    return found


def carried(session: Session) -> bytes:
    """What a backup carries of this, empty where there is no set."""
    known = present(session)
    return encode(_Carried(known, tuple(_accounts(session, known)))) if known else b""


def _accounts(session: Session, known: RecoverySet) -> list[_Account]:
    rows = session.db.read("SELECT data FROM exchange WHERE kind = ? ORDER BY seq", (ACCOUNT,))
    found = {item.user: item for item in (decode(bytes(row[0]), _Account) for row in rows) if item.set == known.id}
    return [found[user] for user in sorted(found)]


def _read(raw: bytes, session: Session) -> RecoverySet:
    certified = decode(raw, _Certified)
    signing.verify(session.root_public, _CONTEXT, certified.stored, certified.signature)
    made = decode(certified.stored, RecoverySet)
    if made.realm != session.realm:
        raise VaultDamaged("A set of recovery shares belongs to another program.")
    return made


# -- the way back --------------------------------------------------------------------------


def identities(shares: Sequence[str]) -> list[str]:
    """The private age key behind enough shares, for a backup that is sealed. Raises `SharesWrong`."""
    return [_identity(Secret(recovery.combine(shares)))]


def open_account(path: Path, carried_: bytes, shares: Sequence[str], *, name: str) -> tuple[
    slots.Slot, slots.UserSecrets
]:  # fmt: skip
    """Slot and secrets of an account in an unpacked backup; the one of its maker where no name is given.

    Raises `SharesWrong`, `WrongSecrets` where these shares open no account of this name.
    """
    secret = Secret(recovery.combine(shares))
    if not carried_:
        raise SharesWrong("This backup was made before there were recovery shares.", "Use a recovery kit, or another.")
    known = decode(carried_, _Carried)
    pair = _box(secret)
    if pair.public != known.set.public:
        raise SharesWrong("These shares do not open this backup: they are of another set.", _OLDER)
    header = headfile.read(path / headfile.NAME).header
    tag = slots.name_tag(header.vault_id, name)
    for item in known.accounts:
        slot = next((one for one in header.slots if one.user_id == item.user), None)
        wanted = slot is not None and (slot.name_tag == tag if name else item.user == known.set.made_by)
        if slot is not None and wanted:
            bundle = decode(hpke.open_(pair.secret, _info(known.set, item.user), item.sealed), _Bundle)
            seeds = (Secret(bundle.enc_seed), Secret(bundle.sig_seed), Secret(bundle.totp_seed))
            return slot, slots.UserSecrets(*seeds)
    raise WrongSecrets(
        "These shares open no account of this name.",
        "Leave --user out for the account of whoever made the shares; others use their passphrase or kit.",
    )


def renew(
    path: Path, env: Environment, slot: slots.Slot, secrets: slots.UserSecrets, *, name: str, phrase: bytearray,
    action: str,
) -> NewUser:  # fmt: skip
    """Open a vault with secrets that a kit or shares gave, and give the user a new passphrase, code and kit; what they
    had stops working in the same change. Raises `WeakPassphrase`, `Suspended`, `VaultDamaged`.
    """
    passphrase.check_new(phrase, names=(name, ISSUER))
    fresh = slots.UserSecrets(secrets.enc_seed, secrets.sig_seed, totp.new_seed(env.rng))
    ws = unlock_with(path, env, slot, secrets)
    try:
        kit_key = recovery.new_kit_key(env.rng)
        changed = slots.new_kit(
            slots.new_passphrase(slot, fresh, phrase, None, env.kdf, env.rng), fresh, kit_key, env.rng
        )
        work = ws.work()
        work.state[state_key("totp", ws.user.user)] = b"\x00"
        work.state[state_key("kit_untested", ws.user.user)] = b"1"
        ws.session.note(work, action, subject=ws.user.user)
        shown = ws.user.name
        ws.change_header(work, lambda header: msgspec.structs.replace(
            header, slots=tuple(changed if one.user_id == slot.user_id else one for one in header.slots)
        ))  # fmt: skip
    finally:
        ws.close()
    uri = totp.uri(fresh.totp_seed, name or shown, ISSUER)
    return NewUser(slot.user_id, uri, recovery.encode_kit(kit_key), fresh, shown)


def _box(secret: Secret) -> hpke.KeyPair:
    return hpke.from_seed(derive(secret.reveal(), "iop/recovery-box/1"))


def _identity(secret: Secret) -> str:
    return agekeys.identity(Secret(derive(secret.reveal(), "iop/recovery-age/1")))


def _info(made: RecoverySet, user: bytes) -> bytes:
    return joined(_ACCOUNT, made.realm, made.id, user)
