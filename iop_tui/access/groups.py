"""Program-wide compartments as recipients: whose members share a key, and who knew it and left.

Anybody can found such a compartment once more for themselves, with any number and any wraps; only the founding that
counts says who belongs to it.
"""

from __future__ import annotations

from iop_tui.store.session import Session


def _roots(session: Session, group: bytes) -> tuple[str, list[bytes]]:
    """Marks and values for a query: the foundings of a group that count."""
    known: dict[bytes, list[bytes]] = session.derived("group_roots", dict)
    if group not in known:
        known[group] = session.valid_roots(group, session.programs.get(group, ""))
    return ",".join("?" * len(known[group])), known[group]


def is_member(session: Session, group: bytes, user: bytes) -> bool:
    """Whether a user has a live wrap of a group's key."""
    marks, roots = _roots(session, group)
    row = session.view.one(
        f"SELECT 1 FROM wrap WHERE compartment = ? AND recipient = ? AND revoked_ms = 0 AND root IN ({marks}) LIMIT 1",
        (group, user, *roots),
    )
    return row is not None


def known_to_former(session: Session, group: bytes, pos: int) -> bool:
    """Whether a former member knew the group's key when something was sealed to it at a place in the log, however long
    ago they left.
    """
    marks, roots = _roots(session, group)
    row = session.view.one(
        f"SELECT 1 FROM wrap m WHERE m.compartment = ? AND m.root IN ({marks}) AND m.revoked_ms > 0 AND m.generation >="
        f" (SELECT max(x.number) FROM generation x WHERE x.compartment = m.compartment AND x.root IN ({marks}) AND"
        " x.pos <= ?) AND NOT EXISTS (SELECT 1 FROM wrap s WHERE s.compartment = m.compartment AND s.recipient ="
        f" m.recipient AND s.root IN ({marks}) AND s.revoked_ms = 0) LIMIT 1",
        (group, *roots, *roots, pos, *roots),
    )
    return row is not None
