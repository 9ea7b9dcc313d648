"""Where a user's view lies, and opening, replacing and removing its file."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec

from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import IopError, VaultDamaged
from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret
from iop_tui.store.check import CheckFinding
from iop_tui.store.database import Connection
from iop_tui.store.session import Identity
from iop_tui.store.vaultdb import VaultDb
from iop_tui.store.views.view import View, ViewDamaged
from iop_tui.vault import envelope
from iop_tui.workspace.environment import VIEWS


class ViewPlace(msgspec.Struct, frozen=True, array_like=True):
    name: str
    sealed_key: bytes
    revisions: int
    stamp: int = 0


STAMP, BEFORE = "stamp", "stamp_before"


def stamp_view(view: View, rng: Rng) -> int:
    """Mark a view at the end of a session, so that an older copy of its file shows. The mark."""
    fresh, before = int.from_bytes(rng.token(7), "big"), view.number(STAMP)

    def work(db: Connection) -> None:
        view.set_number(db, STAMP, fresh)
        view.set_number(db, BEFORE, before)

    view.transaction(work)
    return fresh


def _is_current(view: View, place: ViewPlace, revisions: int) -> bool:
    """A crash between marking the view and noting the mark leaves the mark before it."""
    marks = (view.number(STAMP), view.number(BEFORE))
    return place.stamp in marks and place.revisions <= view.number("applied_revisions") <= revisions


def state_key(kind: str, user: bytes) -> str:
    return f"{kind}:{user.hex()}"


def open_view(
    identity: Identity,
    realm: bytes,
    rng: Rng,
    db: VaultDb,
    raw: bytes | None,
    path: Path,
    findings: list[CheckFinding],
) -> tuple[View, bytes | None]:
    """This user's view: the one on disk where it is sound, else a new and empty one under a new key."""
    known = _known_place(identity, realm, db, raw, findings)
    if known is not None:
        place, key = known
        file = path / VIEWS / place.name
        try:
            view = View.open(file, key)
        except VaultDamaged as error:
            findings.append(
                CheckFinding(f"Your view is built anew: {error.message}", f"views/{place.name}", alarm=False)
            )
            remove_view(file)
        else:
            if not _is_current(view, place, db.position.revisions):
                findings.append(
                    CheckFinding(
                        "Your view was replaced by another state; it is built anew", f"views/{place.name}", alarm=False
                    )
                )
                view.close()
                remove_view(file)
            else:
                return view, None
    place, key = new_place(identity, realm, rng)
    return View.create(path / VIEWS / place.name, key), encode(place)


def _known_place(
    identity: Identity, realm: bytes, db: VaultDb, raw: bytes | None, findings: list[CheckFinding]
) -> tuple[ViewPlace, Secret] | None:
    """Where this user's view lies and its key; None, and a notice, where others made it unreadable."""
    if raw is None:
        if db.read("SELECT 1 FROM audit_session WHERE user = ? LIMIT 1", (identity.user,)):
            what = "The vault does not know where your view lies; it is built anew"
            findings.append(CheckFinding(what, "vault.db state", alarm=False))
        return None
    try:
        place = decode(raw, ViewPlace)
        ids = (realm, identity.user, place.name.encode())
        return place, Secret(envelope.open_raw(identity.self_key, "iop/view/1", ids, place.sealed_key))
    except IopError:
        what = "Where your view lies cannot be read; it is built anew"
        findings.append(CheckFinding(what, "vault.db state", alarm=False))
        return None


def new_place(identity: Identity, realm: bytes, rng: Rng) -> tuple[ViewPlace, Secret]:
    name = base64.b32encode(rng.token(10)).decode().lower() + ".db"
    key = Secret(rng.token(32))
    sealed = envelope.seal_raw(
        identity.self_key, "iop/view/1", (realm, identity.user, name.encode()), key.reveal(), rng
    )
    return ViewPlace(name, sealed, 0), key


def replace_view(
    old: View, identity: Identity, realm: bytes, rng: Rng, findings: list[CheckFinding] | None, error: ViewDamaged
) -> tuple[View, bytes]:
    """A new and empty view in place of one that cannot be read; the view and its place."""
    if findings is not None:
        what = f"Your view is built anew: {error.message}"
        findings.append(CheckFinding(what, f"views/{old.path.name}", alarm=False))
    old.abandon()
    remove_view(old.path)
    place, key = new_place(identity, realm, rng)
    return View.create(old.path.parent / place.name, key), encode(place)


def remove_view(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        (path.parent / name).unlink(missing_ok=True)
