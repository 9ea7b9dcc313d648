"""From which compartment a consent releases, where it lies itself, and who must sign it; what the rules must know."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from iop_tui.access import charts, policy, roles
from iop_tui.access.explain import wrapped
from iop_tui.access.policy import AUTHOR_KINDS, MEMBER_CELLS, Cell, Kind
from iop_tui.clinical.consents.model import INTERNAL, Consent
from iop_tui.clinical.consents.rules import Facts
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.people import api as people
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.errors import NoKey, NotFound, RuleRefused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.workspace import Workspace

_ROLES_ALONE = (roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR)


@dataclass(frozen=True, slots=True)
class Place:
    """The source of a consent and the place of its own. `person` is the couple where the source is joint."""

    source: bytes
    kind: str
    person: bytes
    home: bytes
    home_kind: str
    signers: tuple[bytes, ...]
    ledger: tuple[disclosures.Place, ...]

    @property
    def alone(self) -> bool:
        """Whether its author keeps the source alone."""
        return self.kind in AUTHOR_KINDS


def place_of(ws: Workspace, document: Consent) -> Place:
    """Where a consent belongs. Raises `NotFound` for an unknown person, `RuleRefused` without the key."""
    person = parse_id(document.person)
    if document.source == Kind.JNT:
        return _joint(ws, document, person)
    charts.chart_of(ws.session, person)
    if document.source == Kind.HOLD:
        return _single(ws, person, _held(ws, person), Kind.HOLD)
    if document.source in (Kind.PSY, Kind.SAFE):
        return _private(ws, document, person)
    if document.source:
        return _single(ws, person, charts.compartment_for(ws.session, person, document.source), document.source)
    return _own(ws, person)


def _single(ws: Workspace, person: bytes, compartment: bytes, kind: str) -> Place:
    _need(ws, compartment)
    ledger = (disclosures.Place(compartment, kind, person),)
    return Place(compartment, kind, person, compartment, kind, (person,), ledger)


def _need(ws: Workspace, compartment: bytes) -> None:
    if not ws.session.holds(compartment):
        raise RuleRefused(
            "consent.no_key", "You hold no key to the part of the record this would release.",
            "The colleague who holds it records the authorization.",
        )  # fmt: skip


def _own(ws: Workspace, person: bytes) -> Place:
    """The author's own part of the record, for forms that name no part."""
    try:
        home = signing.home(ws, person)
    except NoKey:
        return _single(ws, person, _held(ws, person), Kind.HOLD)
    return _single(ws, person, home.compartment, home.kind)


def _held(ws: Workspace, person: bytes) -> bytes:
    """What the couples therapist at the keyboard holds for one partner."""
    for link in charts.couple_links(ws.session).values():
        if parse_id(link.therapist) == ws.user.user:
            for partner, held in ((link.a, link.hold_a), (link.b, link.hold_b)):
                if parse_id(partner) == person:
                    return parse_id(held)
    raise RuleRefused(
        "consent.no_key", "You hold no key to the part of the record this would release.",
        "The colleague who holds it records the authorization.",
    )  # fmt: skip


def _joint(ws: Workspace, document: Consent, couple: bytes) -> Place:
    link = charts.couple_links(ws.session).get(couple)
    if link is None:
        raise NotFound
    if link.ended is not None and document.variant == INTERNAL:
        raise RuleRefused("consent.separated", "Joint work of this couple ended: nothing joint is shared any more.")
    joint, a, b = parse_id(link.joint), parse_id(link.a), parse_id(link.b)
    _need(ws, joint)
    ledger = (
        disclosures.Place(parse_id(link.hold_a), Kind.HOLD, a),
        disclosures.Place(parse_id(link.hold_b), Kind.HOLD, b),
    )
    return Place(joint, Kind.JNT, couple, joint, Kind.JNT, (a, b), ledger)


def _private(ws: Workspace, document: Consent, person: bytes) -> Place:
    """What its author keeps alone. A consent for private notes lies in the chart; one for a safety entry beside it."""
    mine = [charts.compartment_for(ws.session, person, document.source, role) for role in _ROLES_ALONE]
    named = {_compartment_of(ws, parse_id(text)) for text in document.records}
    source = next((item for item in mine if item in named), next(filter(ws.session.holds, mine), mine[0]))
    _need(ws, source)
    if named - {source}:
        raise RuleRefused("consent.records", "A named record is not in this part of the record, or not yours.")
    if document.source == Kind.SAFE:
        return _single(ws, person, source, Kind.SAFE)
    home = _own(ws, person)
    return Place(source, document.source, person, home.home, home.home_kind, (person,), home.ledger)


def _compartment_of(ws: Workspace, record: bytes) -> bytes:
    row = ws.view.one("SELECT compartment FROM record WHERE record = ?", (record,))
    if row is None:
        raise NotFound
    return bytes(row[0])


# -- what the rules must know --------------------------------------------------------------


def facts_of(ws: Workspace, document: Consent, place: Place) -> Facts:
    """Everything about the vault that the rules ask for."""
    users = {parse_id(item.user) for item in document.recipients if item.user}
    readers = set() if place.alone else {item.user for item in wrapped(ws.session, place.source, place.kind)}
    return Facts(
        today=signing.today(ws),
        author=show_id(ws.user.user),
        signers=frozenset(map(show_id, place.signers)),
        names={show_id(person): _names(ws, person) for person in place.signers},
        partner_names=() if place.kind == Kind.JNT else _partner_names(ws, place.person),
        allowed=frozenset(show_id(user) for user in users if foreseen(ws, place, user)),
        readers=frozenset(show_id(user) for user in users & readers),
    )


def foreseen(ws: Workspace, place: Place, user: bytes) -> bool:
    """Whether the policy lets this colleague have something of the source by the client's authorization, as the care
    teams are now.
    """
    cell = policy.best_cell(place.kind, relations(ws, place, user))
    return cell is Cell.CONSENT or (place.kind == Kind.SAFE and cell in MEMBER_CELLS)


def relations(ws: Workspace, place: Place, user: bytes) -> tuple[str, ...]:
    """The parts a colleague has in the care of who is concerned; a supervisor's where they supervise the author."""
    card = ws.session.card(user)
    if card.status != "active":
        return ()
    team = [fact for person in place.signers for fact in charts.care_facts(ws.session, person)]
    lost = charts.suspended(ws.session)
    found = [fact.role for fact in team if fact.user == user and fact.id not in lost and fact.role in card.roles]
    if place.kind == Kind.PSY and staff.supervisor_of(ws, ws.user.user) == user:
        found.append(roles.SUPERVISOR)
    return tuple(dict.fromkeys(found))


def _names(ws: Workspace, person: bytes) -> tuple[str, ...]:
    entry = people.entry(ws, person)
    given = (entry.given, entry.preferred_name)
    names = [f"{first} {entry.family}" for first in given if first]
    return tuple(" ".join(name.split()).casefold() for name in names)


def _partner_names(ws: Workspace, person: bytes) -> tuple[str, ...]:
    """Words that would name a partner; what the person is called themselves says nothing."""
    others: list[bytes] = []
    for link in charts.couple_links(ws.session).values():
        pair = (parse_id(link.a), parse_id(link.b))
        others += [partner for partner in pair if person in pair and partner != person]
    own = set(_words(ws, (person,)))
    return tuple(word for word in _words(ws, others) if word not in own)


def _words(ws: Workspace, persons: Iterable[bytes]) -> list[str]:
    found: list[str] = []
    for person in persons:
        try:
            entry = people.entry(ws, person)
        except NotFound:
            continue  # the partner's entry is not this user's to read
        parts = f"{entry.given} {entry.preferred_name} {entry.family}".casefold().split()
        found += [word for word in parts if len(word) > 1]
    return found
