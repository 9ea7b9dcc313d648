"""Bringing a view to the end of the log: membership first, then whatever the keys open.

The result depends only on the set of acts and revisions, not on their order: a wrap that arrives after
its revoke is revoked, a key that arrives after its content opens it then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from iop_tui.kernel.errors import Cancelled, IopError, VaultDamaged
from iop_tui.kernel.secret import Secret
from iop_tui.store import acts, revisions
from iop_tui.store.acts import Act, SealedKey, UserCard
from iop_tui.store.database import Connection
from iop_tui.store.projection import SIGNATURE_KIND
from iop_tui.store.rows import ActRow, RevisionRow
from iop_tui.store.view import Changes, Projected, ProjectedSignature, drop_compartments, put_revisions, put_signatures

if TYPE_CHECKING:
    from iop_tui.store.session import Session

CHUNK = 1000
_ACTS, _REVISIONS = "applied_acts", "applied_revisions"


class Gate(Protocol):
    """What the policy says of a key that was offered: None, or why it is not accepted."""

    def refuses(self, key: SealedKey, author: UserCard, recipient: UserCard, primitive: str) -> str | None: ...


def catch_up(
    session: Session,
    progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> Changes:
    """Apply every act and revision after the view's position. Cancelling leaves a view that goes on later."""
    changes = catch_up_acts(session)
    done, target = session.view.number(_REVISIONS), session.db.position.revisions
    while done < target:
        if cancelled is not None and cancelled():
            raise Cancelled("Stopped. The rest is read in next time.")
        rows = session.db.revisions_since(done, CHUNK)
        if not rows:
            raise VaultDamaged("vault.db lacks revisions that its log counts.")
        done = rows[-1][0]
        _apply_revisions(session, [row for _, row in rows], changes, done)
        if progress is not None:
            progress(done, target)
    return changes


def catch_up_acts(session: Session) -> Changes:
    """Apply membership alone, with what newly gained keys open among revisions the view already passed."""
    changes = Changes()
    _expire(session, changes)
    gained = _apply_acts(session, changes)
    _backfill(session, gained, changes)
    return changes


# -- acts ----------------------------------------------------------------------------------


def _apply_acts(session: Session, changes: Changes) -> set[bytes]:
    rows = session.db.acts_since(session.view.number(_ACTS))
    gained: set[bytes] = set()
    if rows:

        def work(db: Connection) -> None:
            for _, row in rows:
                _apply_act(session, db, row, gained, changes)
            session.view.set_number(db, _ACTS, rows[-1][0])

        session.view.transaction(work)
        changes.access = True
    return gained


def _quarantine(db: Connection, identifier: bytes, what: str, why: str, at_ms: int) -> None:
    db.execute("INSERT OR IGNORE INTO quarantine VALUES (?, ?, ?, ?)", (identifier, what, why, at_ms))


def _apply_act(session: Session, db: Connection, row: ActRow, gained: set[bytes], changes: Changes) -> None:
    try:
        act = acts.read(row)
        for signed in act.cards:
            _put_card(db, acts.read_card(signed, session.root_public), act.at_ms)
        author = _card(db, act.author)
        if author is None:
            raise VaultDamaged("its author was never admitted")
        acts.verify(row, author.sig_public)
    except IopError as error:
        _quarantine(db, row.id, "act", error.message, session.clock.now_ms())
        return
    _put_generations(db, act)
    _put_wraps(db, act, author)
    _revoke(session, db, act, changes)
    _take_keys(session, db, act, author, gained)


def _put_card(db: Connection, card: UserCard, at_ms: int) -> None:
    db.execute(
        "INSERT INTO card VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user) DO UPDATE SET name = excluded.name,"
        " roles = excluded.roles, enc_public = excluded.enc_public, sig_public = excluded.sig_public, status ="
        " excluded.status,"
        " serial = excluded.serial, at_ms = excluded.at_ms WHERE excluded.serial > card.serial",
        (card.user, card.name, "|".join(card.roles), card.enc_public, card.sig_public, card.status, card.serial, at_ms),
    )


def _card(db: Connection, user: bytes) -> UserCard | None:
    row = db.execute(
        "SELECT user, name, roles, enc_public, sig_public, status, serial FROM card WHERE user = ?", (user,)
    ).fetchone()
    return (
        UserCard(row[0], row[1], tuple(row[2].split("|")) if row[2] else (), row[3], row[4], row[5], row[6])
        if row
        else None
    )


def _put_generations(db: Connection, act: Act) -> None:
    for generation in act.generations:
        db.execute(
            "INSERT OR IGNORE INTO generation VALUES (?, ?, ?, ?, ?, ?)",
            (generation.compartment, generation.number, generation.public, act.author, act.id, act.at_ms),
        )


def _may_grant(db: Connection, act: Act, compartment: bytes) -> bool:
    """A wrap counts where its author made the generation's compartment or held a live wrap of it."""
    made = db.execute(
        "SELECT author FROM generation WHERE compartment = ? ORDER BY number LIMIT 1", (compartment,)
    ).fetchone()
    if made is not None and made[0] == act.author:
        return True
    held = db.execute(
        "SELECT 1 FROM wrap WHERE compartment = ? AND primitive = 'member' AND revoked_ms = 0 AND (recipient ="
        " ? OR recipient IN"
        " (SELECT compartment FROM wrap WHERE recipient = ? AND revoked_ms = 0)) LIMIT 1",
        (compartment, act.author, act.author),
    ).fetchone()
    return held is not None


def _put_wraps(db: Connection, act: Act, author: UserCard) -> None:
    for grant in act.grants:
        if not _may_grant(db, act, grant.compartment):
            _quarantine(db, grant.id, "wrap", "its author holds no key to what it grants", act.at_ms)
            continue
        early = db.execute("SELECT at_ms FROM pending_revoke WHERE id = ?", (grant.id,)).fetchone()
        db.execute(
            "INSERT OR IGNORE INTO wrap VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                grant.id,
                grant.recipient,
                grant.compartment,
                grant.generation,
                grant.primitive,
                grant.not_after_ms,
                act.id,
                act.kind,
                author.user,
                act.at_ms,
                early[0] if early else 0,
            ),
        )


def _revoke(session: Session, db: Connection, act: Act, changes: Changes) -> None:
    for identifier in act.revokes:
        db.execute("INSERT OR IGNORE INTO pending_revoke VALUES (?, ?)", (identifier, act.at_ms))
        db.execute("UPDATE wrap SET revoked_ms = ? WHERE id = ? AND revoked_ms = 0", (max(1, act.at_ms), identifier))
    if act.revokes:
        _drop_lost(session, db, changes)


def _drop_lost(session: Session, db: Connection, changes: Changes) -> None:
    """Compartments whose last live wrap to this user is gone leave the view at once."""
    lost = db.execute(
        "SELECT DISTINCT k.compartment FROM keyring k WHERE NOT EXISTS (SELECT 1 FROM wrap w WHERE"
        " w.compartment = k.compartment"
        " AND w.revoked_ms = 0 AND (w.recipient = ? OR w.recipient IN (SELECT compartment FROM keyring)))",
        (session.identity.user,),
    ).fetchall()
    if lost:
        drop_compartments(db, [row[0] for row in lost], changes)
        session.view.set_number(db, "purge_owed", 1)


def _take_keys(session: Session, db: Connection, act: Act, author: UserCard, gained: set[bytes]) -> None:
    me = _card(db, session.identity.user)
    if me is None:
        return
    primitive = {grant.id: grant.primitive for grant in act.grants}
    for seal in act.seals:
        secret = _recipient_secret(session, db, seal.recipient)
        if secret is None:
            continue
        try:
            keys = acts.open_keys(seal, realm=session.realm, act=act.id, secret=secret)
        except IopError as error:
            _quarantine(db, act.id, "seal", error.message, act.at_ms)
            continue
        for key in keys:
            _take_key(session, db, key, author, me, primitive.get(key.grant, ""), gained, act.at_ms)


def _recipient_secret(session: Session, db: Connection, recipient: bytes) -> Secret | None:
    if recipient == session.identity.user:
        return session.identity.enc_secret
    row = db.execute(
        "SELECT key FROM keyring WHERE compartment = ? ORDER BY generation DESC LIMIT 1", (recipient,)
    ).fetchone()
    return None if row is None else revisions.deposit_keys(Secret(row[0])).secret


def _take_key(
    session: Session,
    db: Connection,
    key: SealedKey,
    author: UserCard,
    me: UserCard,
    primitive: str,
    gained: set[bytes],
    at_ms: int,
) -> None:
    live = db.execute(
        "SELECT not_after_ms FROM wrap WHERE id = ? AND revoked_ms = 0 AND compartment = ? AND generation = ?",
        (key.grant, key.compartment, key.generation),
    ).fetchone()
    if live is None or (live[0] and live[0] <= session.clock.now_ms()):
        return
    public = db.execute(
        "SELECT public FROM generation WHERE compartment = ? AND number = ?", (key.compartment, key.generation)
    ).fetchone()
    reason = session.gate.refuses(key, author, me, primitive)
    if public is None or revisions.deposit_keys(Secret(key.key)).public != public[0]:
        reason = "its key is not the published one"
    if reason is not None:
        _quarantine(db, key.grant, "key", reason, at_ms)
        return
    db.execute(
        "INSERT OR IGNORE INTO keyring VALUES (?, ?, ?, ?)", (key.compartment, key.generation, key.key, key.grant)
    )
    db.execute(
        "INSERT OR IGNORE INTO compartment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            key.compartment,
            key.kind,
            key.person,
            key.owner,
            key.role,
            key.purpose,
            key.rule,
            primitive,
            author.user,
            at_ms,
        ),
    )
    gained.add(key.compartment)
    nested = db.execute(
        "SELECT act FROM wrap WHERE recipient = ? AND revoked_ms = 0 GROUP BY act ORDER BY min(at_ms)",
        (key.compartment,),
    ).fetchall()
    for (identifier,) in nested:
        row = session.db.read("SELECT id, signed FROM act WHERE id = ?", (identifier,))
        again = acts.read(ActRow(row[0][0], row[0][1]))
        wrapper = _card(db, again.author)
        if wrapper is not None:
            _take_group(session, db, again, key.compartment, wrapper, me, gained)


def _take_group(
    session: Session,
    db: Connection,
    act: Act,
    group: bytes,
    author: UserCard,
    me: UserCard,
    gained: set[bytes],
) -> None:
    """Keys that were sealed to a group before this user became its member."""
    secret = _recipient_secret(session, db, group)
    primitive = {grant.id: grant.primitive for grant in act.grants}
    for seal in act.seals:
        if seal.recipient != group or secret is None:
            continue
        try:
            keys = acts.open_keys(seal, realm=session.realm, act=act.id, secret=secret)
        except IopError as error:
            _quarantine(db, act.id, "seal", error.message, act.at_ms)
            continue
        for key in keys:
            if (
                db.execute(
                    "SELECT 1 FROM keyring WHERE compartment = ? AND generation = ?", (key.compartment, key.generation)
                ).fetchone()
                is None
            ):
                _take_key(session, db, key, author, me, primitive.get(key.grant, ""), gained, act.at_ms)


def _expire(session: Session, changes: Changes) -> None:
    """A share ends at its date: the wrap is closed, the key and everything it opened leave the view."""
    now = session.clock.now_ms()
    due = session.view.rows(
        "SELECT id FROM wrap WHERE not_after_ms > 0 AND not_after_ms <= ? AND revoked_ms = 0", (now,)
    )
    if due:

        def work(db: Connection) -> None:
            db.executemany("UPDATE wrap SET revoked_ms = not_after_ms WHERE id = ?", due)
            _drop_lost(session, db, changes)

        session.view.transaction(work)


# -- revisions -----------------------------------------------------------------------------


def _backfill(session: Session, gained: set[bytes], changes: Changes) -> None:
    done = session.view.number(_REVISIONS)
    for compartment in sorted(gained):
        rows = [row for seq, row in session.db.revisions_of(compartment) if seq <= done]
        for start in range(0, len(rows), CHUNK):
            _apply_revisions(session, rows[start : start + CHUNK], changes, done)


def _apply_revisions(session: Session, rows: list[RevisionRow], changes: Changes, done: int) -> None:
    keys: dict[tuple[bytes, int], Secret | None] = {}
    records: list[Projected] = []
    signatures: list[ProjectedSignature] = []
    bad: list[tuple[bytes, str]] = []
    for row in rows:
        place = (row.compartment, row.generation)
        if place not in keys:
            found = session.view.one("SELECT key FROM keyring WHERE compartment = ? AND generation = ?", place)
            keys[place] = Secret(found[0]) if found else None
        key = keys[place]
        if key is not None:
            _project(session, row, key, records, signatures, bad)

    def work(db: Connection) -> None:
        put_revisions(db, records, changes)
        put_signatures(db, signatures, changes)
        for identifier, why in bad:
            _quarantine(db, identifier, "revision", why, session.clock.now_ms())
        session.view.set_number(db, _REVISIONS, done)

    session.view.transaction(work)


def _project(
    session: Session,
    row: RevisionRow,
    key: Secret,
    records: list[Projected],
    signatures: list[ProjectedSignature],
    bad: list[tuple[bytes, str]],
) -> None:
    try:
        opened = revisions.open_row(row, realm=session.realm, key=key)
        if opened.body.kind == SIGNATURE_KIND:
            signatures.append(session.projector.signature(opened))
        else:
            records.append(session.projector.record(opened))
    except IopError as error:
        bad.append((row.id, error.message))
