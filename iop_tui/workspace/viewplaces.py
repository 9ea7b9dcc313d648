"""Where a user's view lies, and opening, replacing and removing its file."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec

from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import VaultDamaged
from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret
from iop_tui.store.check import CheckFinding
from iop_tui.store.session import Identity
from iop_tui.store.vaultdb import VaultDb
from iop_tui.store.view import View
from iop_tui.vault import envelope
from iop_tui.workspace.environment import VIEWS


class ViewPlace(msgspec.Struct, frozen=True, array_like=True):
    name: str
    sealed_key: bytes
    revisions: int


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
    if raw is not None:
        place = decode(raw, ViewPlace)
        key = Secret(
            envelope.open_raw(
                identity.self_key, "iop/view/1", (realm, identity.user, place.name.encode()), place.sealed_key
            )
        )
        file = path / VIEWS / place.name
        try:
            view = View.open(file, key)
        except VaultDamaged as error:
            findings.append(
                CheckFinding(f"Your view is built anew: {error.message}", f"views/{place.name}", alarm=False)
            )
            remove_view(file)
        else:
            if (
                view.number("applied_revisions") < place.revisions
                or view.number("applied_revisions") > db.position.revisions
            ):
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


def new_place(identity: Identity, realm: bytes, rng: Rng) -> tuple[ViewPlace, Secret]:
    name = base64.b32encode(rng.token(10)).decode().lower() + ".db"
    key = Secret(rng.token(32))
    sealed = envelope.seal_raw(
        identity.self_key, "iop/view/1", (realm, identity.user, name.encode()), key.reveal(), rng
    )
    return ViewPlace(name, sealed, 0), key


def remove_view(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        (path.parent / name).unlink(missing_ok=True)
