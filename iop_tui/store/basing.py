"""Against which earlier version a new one is stored: small on the wire, and never a burden.

The base is the nearest version before that stands alone, sealed under the same key for the same record: whoever opens
the new version opens it too. It is used while no pack holds it, since a pack that holds a version stored against a base
holds the base as well (`exchange.sealing`): so no pack ever needs another one to be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from iop_tui.kernel.secret import Secret
from iop_tui.store import revisions
from iop_tui.store.exchangelog import SEALED, Sealed
from iop_tui.store.revisions import Body
from iop_tui.store.rows import RevisionRow
from iop_tui.vault.coding import Base

if TYPE_CHECKING:
    from iop_tui.store.session import Session
    from iop_tui.store.vaultdb import VaultDb


def base(session: Session, compartment: bytes, generation: int, key: Secret, body: Body) -> Base | None:
    """The base for a new version, or None where it is to stand alone."""
    row = session.db.revision(body.parents[0]) if body.parents else None
    if row is not None and (name := revisions.base_of(row)):
        row = session.db.revision(name)
    if row is None or row.deposit or (row.compartment, row.generation, row.record) != (
        compartment, generation, body.record,
    ):  # fmt: skip
        return None
    if _in_own_pack(session.db, row):
        return None
    return revisions.base_for(row, realm=session.realm, key=key, device=session.device)


def _in_own_pack(db: VaultDb, row: RevisionRow) -> bool:
    """Whether this device has sealed the row into a pack."""
    last = db.read("SELECT data FROM exchange WHERE kind = ? ORDER BY seq DESC LIMIT 1", (SEALED,))
    if not last:
        return False
    (found,) = db.read("SELECT seq FROM revision WHERE id = ?", (row.id,))[0]
    return int(found) <= Sealed.read(bytes(last[0][0])).revisions
