"""A leaver without notice: a successor named beforehand, the wall checked, a second signature.

The clinician's program signs the hand-over of each person's keys ahead of time, as the act it would log, and keeps it
sealed under a key of which the successor has one half and a second person (privacy officer or medical director) the
other. With both halves the successor's program logs the act. It counts like any act of the clinician: as long as their
account has not ended. So a leaver's succession comes before their removal. Nobody can do it alone, and nothing of it is
break-glass.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from iop_tui.access import chartkeys, charts, handover, roles, settle
from iop_tui.access.attempts import attempted
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import Target, give_member, put, user_recipient
from iop_tui.access.wall import CareFact
from iop_tui.clinical.staff import api as staff
from iop_tui.clinical.turnover.model import APPROVAL, SUCCESSION, Succession, SuccessionApproval
from iop_tui.kernel.canonical import decode, encode, joined
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import Document, DocumentType
from iop_tui.kernel.errors import NotFound, RoleRefused, RuleRefused, VaultDamaged, WallRefused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.kernel.secret import Secret
from iop_tui.store.members import acts
from iop_tui.store.rows import ActRow
from iop_tui.store.views.view import Changes
from iop_tui.vault import envelope, hpke
from iop_tui.workspace import Workspace

SECONDS = (roles.PRIVACY_OFFICER, roles.MEDICAL_DIRECTOR)
_CONTEXT, _HALF_CONTEXT = "iop/succession/1", "iop/succession-half/1"
_KEY = 32
PARTS = (roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR, roles.MEDICAL_DIRECTOR)


class _Act(msgspec.Struct, frozen=True, array_like=True):
    id: bytes
    signed: bytes


@dataclass(frozen=True, slots=True)
class Named:
    """One person's succession as this user can read it."""

    record: bytes
    leaf: bytes
    person: bytes
    compartment: bytes
    document: Succession


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one person: taken over, or the rule that stands against it."""

    person: bytes
    role: str
    refused: str


# -- naming --------------------------------------------------------------------------------


def name_successor(ws: Workspace, successor: bytes, second: bytes, *, persons: Sequence[bytes] = ()) -> Changes:
    """Name who takes over if this clinician is gone without notice, and who must agree then: for some people, or for
    everyone in their care.

    Raises `RuleRefused`, `NotFound`. Naming again replaces what was named.
    """
    with attempted(ws.session, "name-successor", subject=successor):
        _check_named(ws, successor, second)
        return _refresh(ws, lambda _before: (successor, second), frozenset(persons))


def _check_named(ws: Workspace, successor: bytes, second: bytes) -> None:
    card, other = ws.session.card(successor), ws.session.card(second)
    if len({ws.user.user, successor, second}) < 3:
        raise RuleRefused("succession.three", "Clinician, successor and second signature are three different people.")
    if not set(PARTS) & set(card.roles) & set(ws.user.roles):
        raise RuleRefused("succession.role", f"{card.name} has no part that you have in people's care.")
    if not set(SECONDS) & set(other.roles):
        raise RuleRefused(
            "succession.second", "The second signature is the privacy officer's or the medical director's."
        )
    if card.status != staff.ACTIVE or other.status != staff.ACTIVE:
        raise RuleRefused("succession.active", "One of them is suspended or has left.")


def keep_up(ws: Workspace) -> Changes:
    """Bring what was named up to date with new keys. Somebody is named for a person where that person's entry says so;
    whom nobody was named for shows in `unnamed`. Does nothing where nobody was named.
    """
    if not any(parse_id(item.document.user) == ws.user.user for item in named(ws)):
        return Changes()
    return _refresh(ws, lambda before: _still_named(ws, before))


def _still_named(ws: Workspace, before: Named | None) -> tuple[bytes, bytes] | None:
    """Successor and second person as they were named, if what held then holds now."""
    if before is None:
        return None
    successor, second = parse_id(before.document.successor), parse_id(before.document.second)
    try:
        _check_named(ws, successor, second)
    except (RuleRefused, NotFound):
        return None  # somebody of the three left: it shows in `unnamed`
    return successor, second


def _refresh(
    ws: Workspace, choose: Callable[[Named | None], tuple[bytes, bytes] | None], only: frozenset[bytes] = frozenset()
) -> Changes:
    settle.settle(ws.session)  # a key that is owed is made first, so that the hand-over holds every one
    known = {(i.person, i.document.role): i for i in named(ws) if parse_id(i.document.user) == ws.user.user}
    work = ws.work()
    for fact in settle.my_care(ws.session):
        if only and fact.person not in only:
            continue
        before = known.get((fact.person, fact.role))
        chosen = choose(before)
        if chosen is None or not _may_follow(ws, fact, chosen[0]):
            continue
        covers = _covers(ws, fact)
        fits = before is not None and (before.document.covers, before.document.successor, before.document.second) == (
            covers, *map(show_id, chosen),
        )  # fmt: skip
        if covers and not fits:
            document = _prepare(ws, fact, chosen, covers)
            home = charts.compartment_for(ws.session, fact.person, Kind.DIR)
            record, parents = (before.record, (before.leaf,)) if before is not None else (None, ())
            put(ws.session, work, home, SUCCESSION, document, person=fact.person, record=record, parents=parents)
            ws.session.note(work, "name-successor", person=fact.person, category=Kind.DIR, subject=chosen[0])
    return ws.commit(work) if work.revisions else Changes()


def _may_follow(ws: Workspace, fact: CareFact, successor: bytes) -> bool:
    """Whether a successor could have this part now: by their roles, and by the wall (CR-1, CR-12)."""
    if fact.role not in PARTS or fact.role not in ws.session.card(successor).roles:
        return False
    try:
        chartkeys.check_wall(
            ws.session, CareFact(successor, fact.person, fact.role), charts.care_facts(ws.session)
        )
    except WallRefused:
        return False
    return True


def _targets(ws: Workspace, fact: CareFact) -> list[Target]:
    targets = handover.part_targets(ws.session, fact.person, fact.role)
    return [target for target in targets if ws.session.holds(target.id)]


def _covers(ws: Workspace, fact: CareFact) -> tuple[str, ...]:
    """Every key the hand-over would hold."""
    ids = [target.id for target in _targets(ws, fact)]
    rows = ws.view.rows(
        f"SELECT compartment, generation FROM keyring WHERE compartment IN ({','.join('?' * len(ids))})"
        " ORDER BY compartment, generation",
        tuple(ids),
    )
    return tuple(f"{show_id(row[0])}:{row[1]}" for row in rows)


def _prepare(ws: Workspace, fact: CareFact, people: tuple[bytes, bytes], covers: tuple[str, ...]) -> Succession:
    successor, second = people
    scratch = ws.work()  # the act is made here and logged by the successor, if ever
    recipient = user_recipient(ws.session, successor, fact.role)
    give_member(ws.session, scratch, _targets(ws, fact), [recipient], act="succeed")
    if len(scratch.acts) != 1:
        raise RuleRefused("succession.rotation", "A key is being renewed.", "Try again after your next unlock.")
    row = scratch.acts[0]
    key = ws.rng.token(_KEY)
    half = ws.rng.token(_KEY)
    ids = (ws.realm, fact.person, ws.user.user)
    sealed = envelope.seal_raw(Secret(key), _CONTEXT, ids, encode(_Act(row.id, row.signed)), ws.rng)
    return Succession(
        user=show_id(ws.user.user), role=fact.role, successor=show_id(successor), second=show_id(second),
        sealed=_text(sealed), for_successor=_text(_seal_half(ws, successor, fact.person, half)),
        for_second=_text(_seal_half(ws, second, fact.person, _xor(key, half))), covers=covers,
        named_on=local_date(ws.clock.now_ms()),
    )  # fmt: skip


def _seal_half(ws: Workspace, user: bytes, person: bytes, half: bytes) -> bytes:
    return hpke.seal(ws.session.card(user).enc_public, _half_info(ws, user, person), half)


def _half_info(ws: Workspace, user: bytes, person: bytes) -> bytes:
    return joined(_HALF_CONTEXT, ws.realm, user, person)


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


# -- taking over ---------------------------------------------------------------------------


def approve(ws: Workspace, user: bytes, reason: str) -> list[Taken]:
    """The second signature: put the successor into the care team of each of the leaver's people whom the wall lets
    them treat, and give them the second half. Raises `RuleRefused`, `RoleRefused`; audited.
    """
    with attempted(ws.session, "approve-succession", subject=user):
        if not set(SECONDS) & set(ws.user.roles):
            raise RoleRefused("A succession is approved by the privacy officer or the medical director.")
        if not reason.strip():
            raise RuleRefused("succession.reason", "Say why the clinician cannot hand over themselves.")
        if ws.session.card(user).status != staff.ACTIVE:
            raise RuleRefused(
                "succession.ended", "This account has ended; what it signed beforehand counts no more.",
                "Resume a suspended account first, then take over, then remove it.",
            )  # fmt: skip
        found = [
            item for item in named(ws)
            if parse_id(item.document.user) == user and parse_id(item.document.second) == ws.user.user
        ]  # fmt: skip
        if not found:
            raise RuleRefused("succession.not_named", "They named no successor with you as the second signature.")
        done = {item.record for item, _ in approved(ws)}
        if all(item.record in done for item in found):
            raise RuleRefused("succession.approved", "This is approved.", "The successor's next unlock takes over.")
        return [_approve(ws, item, reason) for item in found if item.record not in done]


def _approve(ws: Workspace, item: Named, reason: str) -> Taken:
    successor, role = parse_id(item.document.successor), item.document.role
    work = ws.work()
    today = local_date(work.at_ms)
    try:
        if not chartkeys.stands(ws.session, item.person, successor, role):
            staff.check_assignment(ws, item.person, successor, role)
            chartkeys.assign(ws.session, work, item.person, successor, role, since=today)
    except (WallRefused, RoleRefused, RuleRefused) as error:
        return Taken(item.person, role, error.message)
    half = hpke.open_(ws.user.enc_secret, _half_info(ws, ws.user.user, item.person), _bytes(item.document.for_second))
    document = SuccessionApproval(
        succession=show_id(item.record), version=show_id(item.leaf),
        half=_text(_seal_half(ws, successor, item.person, half)), reason=reason, approved_on=today,
    )  # fmt: skip
    put(ws.session, work, item.compartment, APPROVAL, document, person=item.person)
    ws.session.note(work, "approve-succession", person=item.person, category=Kind.DIR, subject=successor)
    ws.commit(work)
    return Taken(item.person, role, "")


def succeed(ws: Workspace) -> list[Taken]:
    """Take over what was approved for this user: the leaver's own signed hand-over is logged. Doing it again does
    nothing.
    """
    found = []
    for item, approval in approved(ws):
        if parse_id(item.document.successor) != ws.user.user:
            continue
        act = _open(ws, item, approval)
        if ws.session.db.read("SELECT 1 FROM act WHERE id = ?", (act.id,)):
            continue
        work = ws.work()
        work.acts.append(ActRow(act.id, act.signed))
        leaver = parse_id(item.document.user)
        ws.session.note(work, "succeed", person=item.person, category=Kind.DIR, subject=leaver)
        ws.commit(work)
        found.append(Taken(item.person, item.document.role, ""))
    return found


def approved(ws: Workspace) -> list[tuple[Named, SuccessionApproval]]:
    """Approvals by the second person who was named, of the version that was named."""
    known = {(show_id(item.record), show_id(item.leaf)): item for item in named(ws)}
    found = []
    for row in documents(ws, APPROVAL):
        document = row.document
        if isinstance(document, SuccessionApproval):
            item = known.get((document.succession, document.version))
            if item is not None and show_id(row.author) == item.document.second:
                found.append((item, document))
    return found


def _open(ws: Workspace, item: Named, approval: SuccessionApproval) -> _Act:
    info = _half_info(ws, ws.user.user, item.person)
    halves = [
        hpke.open_(ws.user.enc_secret, info, _bytes(text)) for text in (item.document.for_successor, approval.half)
    ]
    leaver = parse_id(item.document.user)
    key = Secret(_xor(halves[0], halves[1]))
    act = decode(envelope.open_raw(key, _CONTEXT, (ws.realm, item.person, leaver), _bytes(item.document.sealed)), _Act)
    row = ActRow(act.id, act.signed)
    acts.verify(row, ws.session.card(leaver).sig_public)
    read = acts.read(row)
    if (read.realm, read.author, read.kind) != (ws.realm, leaver, "succeed"):
        raise VaultDamaged("The hand-over that was signed beforehand is not its clinician's.")
    return act


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise VaultDamaged("A stored succession cannot be read.") from None


# -- what there is -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    record: bytes
    leaf: bytes
    person: bytes
    compartment: bytes
    author: bytes
    document: Document


def documents(ws: Workspace, kind: DocumentType[Any]) -> list[_Row]:
    """Every document of a kind that this user can read, oldest first."""
    rows = ws.view.rows(
        "SELECT record, leaf, person, compartment, author, doc, version FROM record WHERE kind = ? AND deposit = 0 AND"
        " status != 'newer' ORDER BY created_ms, id",
        (kind.kind,),
    )
    return [_Row(row[0], row[1], row[2], row[3], row[4], kind.decode(row[5], row[6])) for row in rows]


def named(ws: Workspace) -> list[Named]:
    """Successions this user can read; only a clinician's own counts, and only in the entry of whom it is about."""
    return [
        Named(row.record, row.leaf, row.person, row.compartment, row.document)
        for row in documents(ws, SUCCESSION)
        if isinstance(row.document, Succession) and row.document.user == show_id(row.author) and _in_entry(ws, row)
    ]


def _in_entry(ws: Workspace, row: _Row) -> bool:
    try:
        return row.compartment == charts.compartment_for(ws.session, row.person, Kind.DIR)
    except NotFound:
        return False


def unnamed(ws: Workspace) -> list[bytes]:
    """People in this clinician's care for whom nobody is named who could take over."""
    found = {item.person for item in named(ws) if parse_id(item.document.user) == ws.user.user and alive(ws, item)}
    return sorted({fact.person for fact in settle.my_care(ws.session) if fact.role in PARTS} - found)


def alive(ws: Workspace, item: Named) -> bool:
    """Whether what was named could still be put into force, as far as this user knows."""
    try:
        cards = [ws.session.card(parse_id(text)) for text in (item.document.successor, item.document.second)]
        fact = CareFact(cards[0].user, item.person, item.document.role)
        chartkeys.check_wall(ws.session, fact, charts.care_facts(ws.session))
    except (NotFound, WallRefused):
        return False
    return all(card.status == staff.ACTIVE for card in cards)
