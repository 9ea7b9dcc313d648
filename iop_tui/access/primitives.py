"""The four ways to give access: member, share, projection, deposit. There is no fifth.

Every function adds to a `Work`; nothing happens before the session commits it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from iop_tui.access import charts, groups, oncall, policy
from iop_tui.access.gate import MEMBER, SHARE
from iop_tui.access.policy import Kind
from iop_tui.kernel.declare import Document, DocumentType
from iop_tui.kernel.errors import NoKey, NotFound, Refused
from iop_tui.store.members.acts import Grant, SealedKey
from iop_tui.store.members.authority import COUNT_BITS
from iop_tui.store.revisions import Origin
from iop_tui.store.session import NOBODY, Session
from iop_tui.store.work import Work


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a key is sealed to: a user, or a program-wide compartment whose members share it."""

    id: bytes
    public: bytes
    role: str


@dataclass(frozen=True, slots=True)
class Target:
    """A compartment and what it is."""

    id: bytes
    kind: str
    person: bytes = NOBODY
    owner: bytes = NOBODY


def user_recipient(session: Session, user: bytes, role: str) -> Recipient:
    """A user as recipient, under the key of their certified card. Raises `NotFound`, `Refused` for a user who left."""
    card = session.card(user)
    if card.status != "active":
        raise Refused("This user is suspended or has left.", "Choose somebody else.")
    return Recipient(user, card.enc_public, role)


def group_recipient(session: Session, compartment: bytes, role: str, work: Work | None = None) -> Recipient:
    """The members of a program-wide compartment as one recipient. Raises `NoKey` for anything else."""
    kind = next((kind for kind in policy.PROGRAM_KINDS if program_compartment(session, kind) == compartment), "")
    return Recipient(compartment, session.public_key(compartment, work, kind=kind)[1], role)


def program_compartment(session: Session, kind: str) -> bytes:
    """The id of a program-wide compartment, whether or not this user holds its key."""
    return session.db.meta(f"program:{kind}")


def open_compartment(
    session: Session,
    work: Work,
    target: Target,
    recipients: Iterable[Recipient],
    *,
    act: str,
    number: int = 1,
    myself: bool = True,
) -> bytes:
    """*member*: make a generation of a compartment's key and wrap it to its first members. Returns the act id.

    The author must be among those the policy lets be members: nobody makes a key they may not hold. `myself` is
    False where the author is among the members of a recipient group: their key then ends with their membership.
    """
    if not policy.may_be_member(target.kind, session.identity.roles):
        raise NoKey("Your roles do not open this part of a record.")
    generation, key = session.new_generation(work, target.id, number)
    me = session.identity
    own = [Recipient(me.user, session.card(me.user).enc_public, me.roles[0])] if myself else []
    wraps = [(target, number, key)]
    return _seal(session, work, act, wraps, [*recipients, *own], MEMBER, generations=(generation,))


def open_together(
    session: Session, work: Work, given: Iterable[tuple[Target, Iterable[Recipient]]], *, act: str
) -> bytes:
    """*member*: first generations of several compartments in one act, each wrapped to this user and its own members.

    What `open_compartment` does one by one; one signature and one seal per recipient for a whole chart.
    """
    me = Recipient(session.identity.user, session.card(session.identity.user).enc_public, session.identity.roles[0])
    seals: dict[bytes, list[SealedKey]] = {}
    publics: dict[bytes, bytes] = {}
    generations = []
    for target, recipients in given:
        if not policy.may_be_member(target.kind, session.identity.roles):
            raise NoKey("Your roles do not open this part of a record.")
        generation, key = session.new_generation(work, target.id, 1)
        generations.append(generation)
        for recipient in (*recipients, me):
            publics[recipient.id] = recipient.public
            seals.setdefault(recipient.id, []).append(_sealed(session, (target, 1, key), recipient, "care", ""))
    return session.act(work, act, seals=seals, publics=publics, primitive=MEMBER, generations=tuple(generations))


def give_member(
    session: Session,
    work: Work,
    targets: Iterable[Target],
    recipients: Iterable[Recipient],
    *,
    act: str,
    purpose: str = "care",
    not_after_ms: int = 0,
) -> bytes:
    """*member*: wrap every generation this user holds of these compartments, a new one first where one is owed;
    until `not_after_ms` for who stands in for a colleague.

    Raises `NoKey` for any it lacks.
    """
    wraps = []
    for target in targets:
        _rotate_if_owed(session, work, target.id)
        rows = session.view.rows(
            "SELECT generation FROM keyring WHERE compartment = ? ORDER BY generation", (target.id,)
        )
        made = {number for (compartment, number) in work.keys if compartment == target.id}
        numbers = {row[0] for row in rows} | made
        if not numbers:
            raise NoKey("You hold no key to what you want to give.", "Ask a colleague who holds it.")
        for number in sorted(numbers):
            key = work.keys.get((target.id, number)) or session.key(target.id, number).reveal()
            wraps.append((target, number, key))
    return _seal(session, work, act, wraps, list(recipients), MEMBER, purpose=purpose, not_after_ms=not_after_ms)


def _seal(
    session: Session,
    work: Work,
    act: str,
    wraps: list[tuple[Target, int, bytes]],
    recipients: list[Recipient],
    primitive: str,
    *,
    purpose: str = "care",
    rule: str = "",
    not_after_ms: int = 0,
    generations: tuple[object, ...] = (),
    grants: tuple[Grant, ...] = (),
) -> bytes:
    seals = {
        recipient.id: [_sealed(session, wrap, recipient, purpose, rule) for wrap in wraps] for recipient in recipients
    }
    publics = {recipient.id: recipient.public for recipient in recipients}
    return session.act(
        work,
        act,
        seals=seals,
        publics=publics,
        primitive=primitive,
        not_after_ms=not_after_ms,
        generations=generations,  # type: ignore[arg-type]
        grants=grants,
    )


def _sealed(
    session: Session, wrap: tuple[Target, int, bytes], recipient: Recipient, purpose: str, rule: str
) -> SealedKey:
    """What one recipient learns of one generation."""
    target, number, key = wrap
    return SealedKey(
        session.rng.token(16),
        target.id,
        number,
        key,
        target.kind,
        target.person,
        target.owner,
        recipient.role,
        purpose,
        rule or _source(target.kind),
    )


def _source(kind: str) -> str:
    return policy.rule(kind).source if kind != Kind.SHARE else "authorization"


@dataclass(frozen=True, slots=True)
class Shared:
    """A share that was made: its compartment and the act that can be revoked."""

    compartment: bytes
    act: bytes


def share(
    session: Session,
    work: Work,
    revisions: Iterable[bytes],
    readers: Iterable[Recipient],
    *,
    purpose: str,
    not_after_ms: int,
    person: bytes,
    rule: str = "authorization",
    mine: bool = True,
    keeper: bytes = b"",
) -> Shared:
    """*share*: named revisions re-sealed, with provenance, into a compartment of their own that ends at a date.

    Only what this user can open can be shared. Without `mine` its author, who has the originals, gets no key to the
    copies. `keeper` is the compartment whose members may end it, now and after its author left; it gets no key either.
    Raises `NotFound` for anything else, `Refused` without an end.
    """
    if not_after_ms <= work.at_ms:
        raise Refused("A share needs an end date in the future.")
    target = Target(session.rng.token(16), Kind.SHARE, person)
    generation, key = session.new_generation(work, target.id, 1)
    owner = Grant(session.rng.token(16), keeper, target.id, 1, SHARE, not_after_ms)
    act = _seal(
        session,
        work,
        "share",
        [(target, 1, key)],
        [*readers, *([_myself(session)] if mine else [])],
        SHARE,
        purpose=purpose,
        rule=rule,
        not_after_ms=not_after_ms,
        generations=(generation,),
        grants=(owner,) if keeper else (),
    )
    for identifier in revisions:
        _share_one(session, work, target, identifier, purpose)
    return Shared(target.id, act)


def _myself(session: Session) -> Recipient:
    me = session.identity
    return Recipient(me.user, session.card(me.user).enc_public, me.roles[0])


def _share_one(session: Session, work: Work, target: Target, revision: bytes, purpose: str) -> None:
    opened = session.open_revision(revision)
    body, kind = opened.body, _kind_of(session, opened.compartment)
    if body.person != target.person:
        raise Refused("A share is about one person.", "Share each person's records by themselves.")
    copy = session.body(
        work,
        record=session.rng.token(16),
        person=body.person,
        kind=body.kind,
        version=body.version,
        payload=body.payload,
        source=body.source,
        origin=Origin(body.record, opened.id, kind, body.author, body.at_ms),
    )
    session.write(work, target.id, copy)
    session.note(work, "share", person=body.person, category=kind, subject=body.record, detail=purpose)


def _kind_of(session: Session, compartment: bytes) -> str:
    row = session.view.one("SELECT kind FROM compartment WHERE id = ?", (compartment,))
    return str(row[0]) if row else ""


def revoke(session: Session, work: Work, act: bytes) -> int:
    """End every live wrap an act gave. Final: a later grant is a new one. Returns how many ended.

    By who gave it, who holds what was given, who is a member of the compartment a share belongs to, or whose office it
    is to end access. Raises `NotFound` for anybody else.
    """
    me = session.identity
    rows = session.view.rows(
        "SELECT id, compartment, author, recipient FROM wrap WHERE act = ? AND revoked_ms = 0 AND recipient != ?",
        (act, me.user),
    )
    if not rows:
        raise NotFound
    owned = any(session.holds(recipient) for _, _, _, recipient in rows)
    for _, compartment, author, _ in rows:
        if not (author == me.user or owned or session.gate.may_end(me.roles) or session.holds(compartment)):
            raise NotFound
    session.act(work, "revoke", revokes=tuple(row[0] for row in rows))
    return len(rows)


# The foundings whose keys this user holds of a compartment and writes under: whatever else the log says of it is
# somebody's invention, or came from two devices that knew nothing of each other.
_OWN_ROOTS = (
    "(SELECT o.root FROM keyring k JOIN wrap o ON o.id = k.wrap WHERE k.compartment = ?1 AND k.secondary = 0)"
)


def rotate(session: Session, work: Work, target: Target) -> None:
    """A new generation of a compartment's key, wrapped to everyone who rightly holds a live wrap of it now. Protects
    what is written from now on. Who holds it as a member of a group gets no wrap of their own by this; who holds it
    until a date holds the new key until the same date. Raises `NoKey` for who holds none, or whose own has ended.
    """
    session.key(target.id, session.newest(target.id))
    number = next_number(session, target.id)
    generation, key = session.new_generation(work, target.id, number)
    until: dict[int, list[Recipient]] = {0: []}
    for recipient, end in _ends(session, work, target.id).items():
        found = _still_entitled(session, work, target.kind, recipient)
        if found:
            until.setdefault(end, []).append(found)
    primitive = SHARE if target.kind == Kind.SHARE else MEMBER
    for end in sorted(until):
        made = (generation,) if end == 0 else ()
        _seal(
            session, work, "rotate", [(target, number, key)], until[end], primitive,
            not_after_ms=end, generations=made,
        )  # fmt: skip
    if target.kind == Kind.CRISIS:
        oncall.seal(session, work, target.id, target.person, number, key)


def _ends(session: Session, work: Work, compartment: bytes) -> dict[bytes, int]:
    """Who rightly holds a live wrap of a compartment, and until when (0: without an end), in a stable order."""
    rows = session.view.rows(
        "SELECT id, recipient, not_after_ms FROM wrap WHERE compartment = ?1 AND revoked_ms = 0 AND root IN"
        f" {_OWN_ROOTS} ORDER BY recipient",
        (compartment,),
    )
    found: dict[bytes, int] = {}
    for wrap, recipient, end in rows:
        if wrap in work.ended or 0 < end <= work.at_ms:
            continue
        before = found.get(recipient, -1)
        found[recipient] = 0 if end == 0 or before == 0 else max(end, before)
    return found


def next_number(session: Session, compartment: bytes) -> int:
    """The number of a compartment's next key. The higher half counts; the lower half is random, so that two devices
    that know nothing of each other never give one number to two keys.
    """
    row = session.view.one("SELECT coalesce(max(number), 0) FROM generation WHERE compartment = ?", (compartment,))
    count = (int(row[0]) if row else 0) >> COUNT_BITS
    return (count + 1) << COUNT_BITS | int.from_bytes(session.rng.token(COUNT_BITS // 8), "big")


def _still_entitled(session: Session, work: Work, kind: str, recipient: bytes) -> Recipient | None:
    """A recipient as they are certified now, or None where they left or their roles no longer allow it."""
    card = session.view.one("SELECT enc_public, status, roles FROM card WHERE user = ?", (recipient,))
    if card is None:
        return group_recipient(session, recipient, "", work)
    granted = tuple(card[2].split("|"))
    if card[1] != "active" or (kind != Kind.SHARE and not policy.may_be_member(kind, granted)):
        return None
    return Recipient(recipient, card[0], granted[0])


def rotation_owed(session: Session, compartment: bytes) -> bool:
    """Whether somebody who lost their wrap still knows the newest key: directly, or as a former member of a group
    it is wrapped to.
    """
    known: dict[bytes, bool] = session.derived("rotation_owed", dict)
    if compartment not in known:
        known[compartment] = _rotation_owed(session, compartment)
    return known[compartment]


def _rotation_owed(session: Session, compartment: bytes) -> bool:
    newest = session.view.one(
        "SELECT g.number, g.root, g.pos, g.author FROM keyring k JOIN wrap o ON o.id = k.wrap JOIN generation g ON"
        " g.compartment = k.compartment AND g.number = k.generation AND g.root = o.root WHERE k.compartment = ? AND"
        " k.secondary = 0 ORDER BY k.generation DESC LIMIT 1",
        (compartment,),
    )
    if newest is None:
        return False
    number, root, pos, maker = newest
    shared = _groups(session, compartment, number, root)
    return (
        _known_to_former(session, compartment, number, root)
        or not _is_still_in(session, compartment, root, maker, shared)
        or any(groups.known_to_former(session, group, pos) for group in shared)
        or oncall.known_outside(session, compartment)
    )


def _known_to_former(session: Session, compartment: bytes, number: int, root: bytes) -> bool:
    """Whether somebody got this key and has it no more, or was removed without it being known where they got it."""
    row = session.view.one(
        "SELECT 1 FROM wrap w WHERE w.compartment = ?1 AND w.generation = ?2 AND w.root = ?3 AND ((w.revoked_ms > 0 AND"
        " NOT EXISTS (SELECT 1 FROM wrap l WHERE l.compartment = ?1 AND l.generation = ?2 AND l.root = ?3 AND"
        " l.recipient = w.recipient AND l.revoked_ms = 0)) OR (w.revoked_ms = 0 AND EXISTS (SELECT 1 FROM card c WHERE"
        " c.user = w.recipient AND c.status = 'removed'))) LIMIT 1",
        (compartment, number, root),
    )
    return row is not None


def _groups(session: Session, compartment: bytes, number: int, root: bytes) -> list[bytes]:
    """The program-wide compartments whose members share a key."""
    rows = session.view.rows(
        "SELECT DISTINCT recipient FROM wrap WHERE compartment = ? AND generation = ? AND root = ? AND revoked_ms = 0",
        (compartment, number, root),
    )
    return [recipient for (recipient,) in rows if recipient in session.programs]


def _is_still_in(session: Session, compartment: bytes, root: bytes, user: bytes, shared: list[bytes]) -> bool:
    """Whether who made a key is among its holders, by themselves or by a group: they know it, given or not."""
    row = session.view.one(
        "SELECT 1 FROM wrap WHERE compartment = ? AND recipient = ? AND root = ? AND revoked_ms = 0 LIMIT 1",
        (compartment, user, root),
    )
    return row is not None or any(groups.is_member(session, group, user) for group in shared)


def _rotate_if_owed(session: Session, work: Work, compartment: bytes) -> None:
    """Nothing new is sealed under a key that somebody without a wrap still knows."""
    if compartment in work.latest or not rotation_owed(session, compartment):
        return
    row = session.view.one(
        "SELECT kind, person, owner FROM compartment WHERE id = ? AND primitive = ?", (compartment, MEMBER)
    )
    if row is not None:
        rotate(session, work, Target(compartment, row[0], row[1], row[2]))


def put(
    session: Session,
    work: Work,
    compartment: bytes,
    kind: DocumentType[Any],
    document: Document,
    *,
    person: bytes,
    record: bytes | None = None,
    parents: tuple[bytes, ...] = (),
    source: str = "",
    received: bytes = b"",
    at_ms: int | None = None,
    maker: bytes = b"",
) -> tuple[bytes, bytes]:
    """Write a declared document into a compartment: as a member where this user is one, else as a *deposit* (to the
    key of `maker`, where authors keep keys of their own).

    Returns (record id, revision id). Raises `NoKey` where no member has opened the compartment yet.
    """
    identifier = record or session.rng.token(16)
    body = session.body(
        work,
        record=identifier,
        person=person,
        kind=kind.kind,
        version=kind.version,
        payload=kind.encode(document),
        parents=parents,
        source=source,
        received=received,
        at_ms=at_ms,
    )
    if _is_member(session, work, compartment):
        _rotate_if_owed(session, work, compartment)
        return identifier, session.write(work, compartment, body)
    kind_there = _kind_of_unknown(session, work, compartment, person)
    if kind_there in policy.AUTHOR_KINDS and not maker:
        maker = charts.author_now(session, compartment, kind_there, person)
    return identifier, session.deposit(work, compartment, body, kind_there, maker)


def _is_member(session: Session, work: Work, compartment: bytes) -> bool:
    """Whether this user can read what they write there, by this write or by an earlier one."""
    if compartment in work.latest:
        return (compartment, work.latest[compartment]) in work.keys
    return session.writes(compartment)


def _kind_of_unknown(session: Session, work: Work, compartment: bytes, person: bytes) -> str:
    """What a compartment is whose public key comes from the log; a key made in this write needs no check."""
    return "" if compartment in work.latest else charts.kind_of(session, compartment, person)


def project(
    session: Session,
    work: Work,
    compartment: bytes,
    kind: DocumentType[Any],
    document: Document,
    *,
    person: bytes,
    origin: tuple[bytes, bytes, str],
) -> bytes:
    """*projection*: the author's program writes fixed fields of a record into a compartment others read. Returns
    the revision id.

    `origin` is (record, revision, compartment kind) of what was projected; only its ids travel along.
    """
    source = Origin(origin[0], origin[1], origin[2], session.identity.user, work.at_ms)
    body = session.body(
        work,
        record=session.rng.token(16),
        person=person,
        kind=kind.kind,
        version=kind.version,
        payload=kind.encode(document),
        source="projection",
        origin=source,
    )
    if _is_member(session, work, compartment):
        return session.write(work, compartment, body)
    return session.deposit(work, compartment, body, _kind_of_unknown(session, work, compartment, person))
