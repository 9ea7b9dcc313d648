"""Keys sealed for an emergency: in the log like any other, opened by no program that merely reads it.

A seal for the on-call group has the primitive `emergency`. What reads the log in (`membership`) keeps it in a table of
its own, so that it never counts as somebody's access: it founds nothing, keeps nothing alive and puts no key into a
keyring. `unseal` opens it, after an act that says who does so; `through` shows what it opens without keeping a word.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from iop_tui.kernel.errors import IopError, NoKey, VaultDamaged
from iop_tui.kernel.secret import Secret
from iop_tui.store import revisions
from iop_tui.store.database import Connection
from iop_tui.store.members import acts
from iop_tui.store.members.acts import SealedKey
from iop_tui.store.members.membership import APPLIED, EPOCH
from iop_tui.store.members.sealedapart import PRIMITIVE
from iop_tui.store.rows import ActRow
from iop_tui.store.views.catchup import backfill
from iop_tui.store.views.passing import passing_view
from iop_tui.store.views.view import Changes

if TYPE_CHECKING:
    from iop_tui.store.session import Session

__all__ = ["PRIMITIVE", "through", "unseal"]
_NAME = "glass.tmp"
_MEMBERS = "SELECT * FROM {} WHERE compartment = ?"


def unseal(session: Session, group: bytes, compartment: bytes, kind: str) -> dict[int, SealedKey]:
    """Generation -> key of a compartment of this kind, from what its members sealed for a group. Raises `NoKey` where
    this user is not of the group, or nothing was sealed that counts.

    A key counts where the compartment's own members sealed it, where it descends from a founding that counts, and
    where it is the one that was published when it was made.
    """
    secrets = [
        revisions.deposit_keys(Secret(row[0])).secret
        for row in session.view.rows("SELECT key FROM keyring WHERE compartment = ? ORDER BY generation DESC", (group,))
    ]
    roots = session.valid_roots(compartment, kind)
    found: dict[int, SealedKey] = {}
    for identifier, author, root in session.view.rows(
        "SELECT act, author, root FROM emergency WHERE compartment = ? AND recipient = ? ORDER BY pos, id",
        (compartment, group),
    ):
        if root not in roots:
            continue
        for key in _opened(session, identifier, author, group, secrets):
            if key.compartment == compartment and key.kind == kind and _published(session, key, root):
                found[key.generation] = key
    if not found:
        raise NoKey("No key to this crisis card was sealed for you.", "Call a clinician of the person's care team.")
    return found


def _opened(
    session: Session, identifier: bytes, author: bytes, group: bytes, secrets: list[Secret]
) -> tuple[SealedKey, ...]:
    """The keys that an act seals to the group, its author's signature checked."""
    rows = session.db.read("SELECT id, signed FROM act WHERE id = ?", (identifier,))
    if not rows:
        raise VaultDamaged("vault.db lacks an act that your view knows.")
    row = ActRow(rows[0][0], rows[0][1])
    act = acts.read(row)
    acts.verify(row, session.card(author).sig_public)
    for seal in act.seals:
        for secret in secrets if seal.recipient == group else ():
            try:
                return acts.open_keys(seal, realm=session.realm, act=act.id, secret=secret)
            except IopError:
                continue  # sealed to another generation of the group's key
    return ()


def _published(session: Session, key: SealedKey, root: bytes) -> bool:
    row = session.view.one(
        "SELECT public FROM generation WHERE compartment = ? AND number = ? AND root = ?",
        (key.compartment, key.generation, root),
    )
    return row is not None and revisions.deposit_keys(Secret(key.key)).public == row[0]


@contextmanager
def through(session: Session, keys: dict[int, SealedKey]) -> Iterator[Session]:
    """The session as if it held these keys of one compartment and nothing else, for reading. Its view is a file under
    a key that is never stored, and gone afterwards; the user's own view learns nothing.
    """
    first = next(iter(keys.values()))
    with passing_view(session.view.path.parent, _NAME, session.rng) as view:
        shadow = copy.copy(session)
        shadow.view = view
        shadow.forget_keys()
        known = session.view
        cards, roles = known.rows("SELECT * FROM card"), known.rows("SELECT * FROM role")
        wraps = known.rows(_MEMBERS.format("wrap"), (first.compartment,))
        generations = known.rows(_MEMBERS.format("generation"), (first.compartment,))
        sealed = known.rows(_MEMBERS.format("emergency"), (first.compartment,))

        def fill(db: Connection) -> None:
            _copy(db, "card", cards)
            _copy(db, "role", roles)
            _copy(db, "wrap", wraps)
            _copy(db, "generation", generations)
            _copy(db, "emergency", sealed)
            place = (first.compartment, first.kind, first.person, first.owner, "", "", "", PRIMITIVE,
                     session.identity.user, 0)  # fmt: skip
            _copy(db, "compartment", [place])
            _copy(db, "keyring", [(key.compartment, number, key.key, b"", 0) for number, key in keys.items()])
            for name in (APPLIED, EPOCH):
                view.set_number(db, name, known.number(name))
            view.set_number(db, "applied_revisions", session.db.position.revisions)

        view.transaction(fill)
        backfill(shadow, {first.compartment}, Changes())
        yield shadow


def _copy(db: Connection, table: str, rows: list[tuple[object, ...]]) -> None:
    if rows:
        db.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(rows[0]))})", rows)
