"""Bringing a view to the end of the log: membership first, then whatever the keys open.

The result depends only on the set of acts and revisions, not on their order: a wrap that arrives after
its revoke is revoked, a key that arrives after its content opens it then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from iop_tui.kernel.errors import Cancelled, IopError, NotFound, VaultDamaged
from iop_tui.kernel.secret import Secret
from iop_tui.store import revisions
from iop_tui.store.database import Connection
from iop_tui.store.members import membership
from iop_tui.store.members.believed import ACTED_UPON
from iop_tui.store.members.membership import AUTHORITY, quarantine
from iop_tui.store.rows import RevisionRow
from iop_tui.store.views.projection import SIGNATURE_KIND
from iop_tui.store.views.view import (
    Changes,
    Projected,
    ProjectedSignature,
    leaves_unshown,
    put_revisions,
    put_signatures,
    show_version,
    signed_unshown,
)
from iop_tui.store.work import Work

if TYPE_CHECKING:
    from iop_tui.store.session import Session

CHUNK = 1000
AUTHORITY_KINDS = frozenset(
    {SIGNATURE_KIND, "chart_map", "care_member", "couple_link", "couple_end", "conflict_clearance"}
)
"""Kinds that say who has a part in what: `Session.derived` is computed anew when one comes."""
_VERIFIED = AUTHORITY_KINDS | ACTED_UPON | {"person"}
_PART = 500
SHARED = "SHARE"
_REVISIONS = "applied_revisions"


def catch_up(
    session: Session,
    progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None,
    written: tuple[int, list[RevisionRow]] | None = None,
) -> Changes:
    """Apply every act and revision after the view's position. Cancelling leaves a view that goes on later.

    `written`: the sequence of the first row of a write and its rows, which then need not be read back.
    """
    changes = catch_up_acts(session)
    done, target = session.view.number(_REVISIONS), session.db.position.revisions
    if written is not None and written[1] and written[0] == done + 1:
        done += len(written[1])
        _apply_revisions(session, written[1], changes, done)
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


class _Overtaken(Exception):
    """The write lies elsewhere in the log than it was projected for: another one came before it."""


def take_in(session: Session, work: Work, placed: Future[tuple[int, int]]) -> Changes:
    """Project a write that is on its way to the disk. `placed` gives its first and last revision once it is durable;
    until then the view keeps nothing of it.
    """
    changes = Changes()
    if work.revisions and not work.acts:
        changes = catch_up_acts(session)
        done = session.view.number(_REVISIONS) + len(work.revisions)

        def kept() -> None:
            if placed.result()[1] != done:
                raise _Overtaken

        try:
            _apply_revisions(session, work.revisions, changes, done, kept)
            return changes
        except _Overtaken:
            pass  # rolled back; what came before is read in first
    changes.merge(catch_up(session, None, None, (placed.result()[0], work.revisions)))
    return changes


def catch_up_acts(session: Session) -> Changes:
    """Apply membership alone, with what newly gained keys open among revisions the view already passed."""
    changes = Changes()
    membership.expire(session, changes)
    gained = membership.catch_up_acts(session, changes)
    backfill(session, gained, changes)
    if changes.access:
        _retry_late(session, changes)
    return changes


# -- revisions -----------------------------------------------------------------------------


def backfill(session: Session, gained: set[bytes], changes: Changes) -> None:
    """Read in what newly gained keys open among the revisions that the view has already passed."""
    done = session.view.number(_REVISIONS)
    for compartment in sorted(gained):
        rows = [row for seq, row in session.db.revisions_of(compartment) if seq <= done]
        for start in range(0, len(rows), CHUNK):
            _apply_revisions(session, rows[start : start + CHUNK], changes, done)


def _retry_late(session: Session, changes: Changes) -> None:
    """Revisions that were here before their author's card or key; who wrote them may be known now."""
    late = [row[0] for row in session.view.rows("SELECT id FROM late ORDER BY id")]
    rows = [row for row in map(session.db.revision, late) if row is not None]
    if rows:
        _apply_revisions(session, rows, changes, session.view.number(_REVISIONS))
        done = "SELECT id FROM version UNION SELECT id FROM signature UNION SELECT id FROM quarantine"
        session.view.transaction(lambda db: db.execute(f"DELETE FROM late WHERE id IN ({done})"))


def _apply_revisions(
    session: Session,
    rows: list[RevisionRow],
    changes: Changes,
    done: int,
    kept: Callable[[], None] = lambda: None,
) -> None:
    """Take rows into the view in one transaction. `kept` is asked last: what it raises undoes it."""
    places = _places(session, sorted({row.compartment for row in rows}))
    records: list[Projected] = []
    signatures: list[ProjectedSignature] = []
    bad: list[tuple[bytes, str]] = []
    late: list[tuple[bytes]] = []
    opening = [row for row in rows if (row.compartment, row.generation) in places]
    again, apart = _written_before(session, opening), _sealed_apart(session)
    for row in opening:
        place = places[(row.compartment, row.generation)]
        try:
            guarded = not row.deposit and row.compartment in apart
            _project(session, row, place, records, signatures, bad, verified=row.record in again, guarded=guarded)
        except NotFound:
            late.append((row.id,))

    def work(db: Connection) -> None:
        written_again: set[bytes] = set()
        refused = put_revisions(db, records, changes, written_again)
        for identifier in signed_unshown(db, put_signatures(db, signatures, changes)):
            _show(session, db, identifier, places, "signed")
        for identifier in leaves_unshown(db, written_again):
            _show(session, db, identifier, places)
        for identifier, why in [*bad, *refused]:
            quarantine(db, identifier, "revision", why, session.clock.now_ms())
        db.executemany("INSERT OR IGNORE INTO late VALUES (?)", late)
        if any(item.kind in AUTHORITY_KINDS for item in records):
            session.view.set_number(db, AUTHORITY, session.view.number(AUTHORITY) + 1)
        # Another thread may have come further meanwhile: the counter never goes back.
        session.view.set_number(db, _REVISIONS, max(done, session.view.number(_REVISIONS)))
        kept()

    session.view.transaction(work)


def _show(
    session: Session, db: Connection, identifier: bytes, places: dict[tuple[bytes, int], tuple[Secret, bytes, str]],
    status: str = "",
) -> None:  # fmt: skip
    row = session.db.revision(identifier)
    place = places.get((row.compartment, row.generation)) if row is not None else None
    if row is not None and place is not None:
        opened = revisions.open_row(row, realm=session.realm, key=place[0], rows=session.db.revision)
        item = session.projector.record(opened, deposit=row.deposit)
        show_version(db, item, status or item.status)


def _places(session: Session, compartments: list[bytes]) -> dict[tuple[bytes, int], tuple[Secret, bytes, str]]:
    """The keys this user holds of some compartments, by generation, and whose compartments they are."""
    found = session.view.rows(
        "SELECT k.compartment, k.generation, k.key, c.person, c.kind FROM keyring k JOIN compartment c ON c.id"
        " = k.compartment"
        f" WHERE k.compartment IN ({','.join('?' * len(compartments))})",
        tuple(compartments),
    )
    return {(row[0], row[1]): (Secret(row[2]), row[3], row[4]) for row in found}


def _written_before(session: Session, rows: list[RevisionRow]) -> set[bytes]:
    """The records among these of which the view has a version, or that come more than once."""
    count = Counter(row.record for row in rows)
    found = {record for record, times in count.items() if times > 1}
    ids = list(count)
    for start in range(0, len(ids), _PART):
        part = ids[start : start + _PART]
        marks = ",".join("?" * len(part))
        known = session.view.rows(f"SELECT record FROM record WHERE record IN ({marks})", tuple(part))
        found.update(row[0] for row in known)
    return found


def _sealed_apart(session: Session) -> frozenset[bytes]:
    """Compartments whose keys were sealed for an emergency: more people can open those than may write there."""
    rows = "SELECT DISTINCT compartment FROM emergency WHERE root != x''"
    return session.derived(
        "sealed_apart", lambda: frozenset(bytes(row[0]) for row in session.view.rows(rows))
    )


def _given(session: Session, compartment: bytes, kind: str, author: bytes) -> bool:
    """Whether an author was ever given a compartment's key as a member; who opens it in an emergency only reads."""
    rows = session.view.rows(
        "SELECT DISTINCT root FROM wrap WHERE compartment = ? AND recipient = ? AND primitive = 'member'",
        (compartment, author),
    )
    return bool(rows) and not {row[0] for row in rows}.isdisjoint(session.valid_roots(compartment, kind))


def _project(
    session: Session,
    row: RevisionRow,
    place: tuple[Secret, bytes, str],
    records: list[Projected],
    signatures: list[ProjectedSignature],
    bad: list[tuple[bytes, str]],
    *,
    verified: bool,
    guarded: bool,
) -> None:
    """Open one row for the view; `verified`: it is a version of something, which it would displace; `guarded`: more
    people can open its place than may write there.
    """
    key, person, kind = place
    try:
        opened = revisions.open_row(row, realm=session.realm, key=key, rows=session.db.revision)
        if any(person) and opened.body.person != person:
            raise VaultDamaged("It names another person than its compartment.")
        body = opened.body
        home, copied = session.projector.home(body.kind), body.origin is not None
        if session.gate.misplaced(
            body.kind, kind, deposit=row.deposit, home=home, about=any(body.person), copied=copied
        ):
            raise VaultDamaged("It does not belong into its compartment.")
        # What other programs act upon is verified before it is believed, what displaces somebody's words, and what lies
        # where many write; everything else when it is opened.
        if guarded and not _given(session, row.compartment, kind, body.author):
            raise NotFound
        open_to_many = kind == SHARED or row.compartment in session.programs or guarded
        if row.deposit or open_to_many or verified or body.parents or body.kind in _VERIFIED:
            opened.verify(session.card(opened.body.author).sig_public)
        if opened.body.kind == SIGNATURE_KIND:
            signatures.append(session.projector.signature(opened))
        else:
            records.append(session.projector.record(opened, deposit=row.deposit))
    except NotFound:
        raise  # its author is not known yet
    except IopError as error:
        bad.append((row.id, error.message))
