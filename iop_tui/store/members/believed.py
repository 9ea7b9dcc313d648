"""Which versions of a record are believed: what programs act upon by themselves has one author and one meaning.

A key opens a place for writing whatever one likes there, in anybody's name. So the signature of the author who is named
is checked before such a record is shown (`catchup`), and afterwards it stays what its author wrote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from iop_tui.store.database import Connection

if TYPE_CHECKING:
    from iop_tui.store.views.view import Projected

WRITTEN_ONCE = frozenset(
    {
        "consent", "revocation", "disclosure", "payer_consent", "joint_decision", "supervision_exception",
        "succession_approval", "arrival", "restriction", "restriction_decision",
        "emergency_access", "emergency_review", "on_call_entry",
    }
)  # fmt: skip
"""Executed once: what follows is a record of its own, never a second version."""
ONE_AUTHOR = frozenset({"private_receipt", "succession", "staff_profile", "program_profile"})
"""Brought up to date by who wrote it and by nobody else."""
ACTED_UPON = WRITTEN_ONCE | ONE_AUTHOR
"""What makes other programs share, hand over or release by themselves: shown with their author's signature only."""


def impostor(db: Connection, item: Projected, author: bytes, status: str, kind: str) -> str | None:
    """Why a version of a known record of the same compartment is not one: a record keeps its kind, a deposit is never
    a second version, and what its author signs or others act upon is written by its author alone.
    """
    known = db.execute("SELECT 1 FROM version WHERE id = ?", (item.id,)).fetchone() is not None
    if item.kind != kind:
        return "it claims to be a version of a record of another kind"
    if item.deposit and not known:
        return "a deposit claims to be a version of another record"
    if item.kind in WRITTEN_ONCE and not known:
        return "it claims to change what was executed"
    if (item.kind in ONE_AUTHOR or status in ("draft", "signed")) and author != item.author:
        return "it claims to be a version of somebody else's document"
    return None
