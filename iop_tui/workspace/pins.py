"""What a user's program must find again: the program's root key, and the log as it was when they last looked.

Everybody who may write to a vault could also replace the root key that certifies its users, or rewrite its log
and sign a new head. So each user keeps a note of both where only they can write: sealed under their own key,
and in their own view.
"""

from __future__ import annotations

from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import IopError, VaultDamaged
from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret
from iop_tui.store.check import CheckFinding
from iop_tui.store.database import Connection
from iop_tui.store.session import self_key
from iop_tui.store.vaultdb import Position, VaultDb
from iop_tui.store.views.view import View
from iop_tui.vault import envelope, slots
from iop_tui.vault.digest import sha256
from iop_tui.workspace.viewplaces import state_key

_CONTEXT = "iop/pin/1"
BROUGHT = "pin_brought"
_SEEN_SEQ, _SEEN_HASH = "seen_seq", "seen_hash"


def program_pin(db: VaultDb, realm: bytes, user: bytes, secrets: slots.UserSecrets, rng: Rng) -> dict[str, bytes]:
    """The program's root as the state entry that only this user could have written, and can check."""
    sealed = envelope.seal_raw(self_key(secrets.enc_seed), _CONTEXT, (realm, user), _root_of(db), rng)
    return {state_key("pin", user): sealed}


def check_program(db: VaultDb, realm: bytes, user: bytes, secrets: slots.UserSecrets) -> bool:
    """Raise `VaultDamaged` unless the program's root is the one this user was admitted under.

    True where only the note from another device of the program says so: then this device's own is to be written.
    """
    state, key = db.state, self_key(secrets.enc_seed)
    if _opened(key, realm, user, state.get(state_key("pin", user), b"")) == _root_of(db):
        return False
    brought = _opened(key, realm, user, state.get(state_key(BROUGHT, user), b""))
    if state_key("pin", user) in state or not brought or not _same_program(brought, _root_of(db)):
        raise VaultDamaged("The program's root key was replaced.")
    return True


def check_brought(db: VaultDb, realm: bytes, user: bytes, secrets: slots.UserSecrets, note: bytes) -> None:
    """Raise `VaultDamaged` unless a user's note from another device names the program of this new copy."""
    opened = _opened(self_key(secrets.enc_seed), realm, user, note)
    if not opened or not _same_program(opened, _root_of(db)):
        raise VaultDamaged("The other device named another program than the one you were admitted to.")


def _opened(key: Secret, realm: bytes, user: bytes, sealed: bytes) -> bytes:
    try:
        return envelope.open_raw(key, _CONTEXT, (realm, user), sealed)
    except IopError:  # missing, damaged or written by somebody else: all the same
        return b""


def _same_program(left: bytes, right: bytes) -> bool:
    """Whether two notes name one program, whatever device they were written on."""
    a, b = (decode(note, tuple[bytes, bytes, bytes]) for note in (left, right))
    return (a[0], a[2]) == (b[0], b[2])


def _root_of(db: VaultDb) -> bytes:
    programs = sorted((key, value) for key, value in db.facts.items() if key.startswith("program:"))
    return encode((db.meta("root_public"), db.meta("device_public"), sha256(encode(tuple(programs)))))


def note_seen(view: View, position: Position) -> None:
    """Remember in the user's own view how far the log had come."""
    view.transaction(lambda db: put_seen(view, db, position))


def put_seen(view: View, db: Connection, position: Position) -> None:
    """The same inside a transaction of the view."""
    view.set_number(db, _SEEN_SEQ, position.audit_seq)
    db.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (_SEEN_HASH, position.audit_hash),
    )


def rewritten(view: View, db: VaultDb) -> CheckFinding | None:
    """An alarm where the log no longer leads through the entry this user saw last."""
    seq = view.number(_SEEN_SEQ)
    if not seq:
        return None
    seen = view.one("SELECT value FROM meta WHERE key = ?", (_SEEN_HASH,))
    found = db.read("SELECT hash FROM audit WHERE seq = ?", (seq,))
    if found and seen is not None and bytes(found[0][0]) == bytes(seen[0]):
        return None
    return CheckFinding("The log was rewritten since you last looked", f"vault.db audit {seq}")
