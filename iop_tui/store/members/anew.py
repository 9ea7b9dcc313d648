"""Taking membership in anew: a pack brought acts that belong before some this view knows.

The records stay where they are until it is known which keys are held no longer; only what those opened goes.
"""

from __future__ import annotations

from iop_tui.store.database import Connection
from iop_tui.store.views.view import Changes, drop_compartments, drop_record

Held = set[tuple[bytes, int]]
_MEMBERSHIP = ("card", "wrap", "pending_revoke", "role", "waiting", "generation", "keyring", "compartment",
               "emergency")  # fmt: skip


def forget(db: Connection) -> Held:
    """Take membership out of a view; the keys it held."""
    before = held(db)
    for table in _MEMBERSHIP:
        db.execute(f"DELETE FROM {table}")
    db.execute("DELETE FROM quarantine WHERE what != 'revision'")
    return before


def held(db: Connection) -> Held:
    """The compartment generations a view holds keys to."""
    return {(row[0], row[1]) for row in db.execute("SELECT compartment, generation FROM keyring")}


def settle(db: Connection, before: Held, changes: Changes) -> set[bytes]:
    """After membership was taken in anew: what lost keys opened leaves the view; the compartments to be read again."""
    after = held(db)
    kept = {compartment for compartment, _ in after}
    lost = {compartment for compartment, _ in before - after}
    drop_compartments(db, sorted(lost - kept), changes)
    for compartment in sorted(lost & kept):
        rows = db.execute("SELECT record, person FROM record WHERE compartment = ?", (compartment,)).fetchall()
        for record, person in rows:
            drop_record(db, record)
            changes.records.add(record)
            changes.persons.add(person)
    return (lost & kept) | {compartment for compartment, _ in after - before}
