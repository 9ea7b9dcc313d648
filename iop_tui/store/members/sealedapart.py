"""Emergency grants as the log is read in: they stand in a table of their own and are nobody's access by themselves."""

from __future__ import annotations

from iop_tui.store.database import Connection
from iop_tui.store.members.acts import Act, Grant

PRIMITIVE = "emergency"
"""What a grant is called that seals a key for an emergency, or says that somebody used one."""


def recipients(act: Act) -> frozenset[bytes]:
    """Whose seals in this act stay closed until somebody breaks the glass."""
    return frozenset(grant.recipient for grant in act.grants if grant.primitive == PRIMITIVE)


def is_use(act: Act, grant: Grant) -> bool:
    """Whether a grant says that the act's own author used what was sealed before: it hands no key to anybody."""
    return grant.primitive == PRIMITIVE and grant.recipient == act.author


def keep(db: Connection, act: Act, grant: Grant, root: bytes, pos: int) -> None:
    """Note an emergency grant. `root` is the founding its key descends from; empty for a use, which needs none."""
    db.execute(
        "INSERT OR IGNORE INTO emergency VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            grant.id, grant.recipient, grant.compartment, grant.generation, grant.not_after_ms, act.id, act.author,
            act.at_ms, root, pos,
        ),
    )  # fmt: skip
