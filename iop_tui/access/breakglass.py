"""Break-glass on crisis cards (CR-17): found by name and birth date, used by an act, opened only afterwards.

What the key is sealed under stands in `oncall`. A clinician on call cannot list whom the program treats: the entry that
leads to a crisis card is found by who knows the person's name and date of birth, since it holds a keyed digest of both
and no word. Order of a use (45 CFR 164.312(a)(2)(ii)): act, audit entry and notices are on the disk, then the key is
opened.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Annotated

import msgspec

from iop_tui.access import charts, oncall, roles
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import put
from iop_tui.kernel.declare import Document, DocumentType, F
from iop_tui.kernel.errors import NoKey, NotFound, Refused, RuleRefused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.members import emergency, sealedapart
from iop_tui.store.members.acts import Grant
from iop_tui.store.session import NOBODY, Session
from iop_tui.store.work import Work
from iop_tui.vault.digest import mac

_CONTEXT = "iop/oncall/1"


class OnCallEntry(Document, frozen=True, kw_only=True):
    """How a crisis card is found: digests of the names with the birth date, and whose card it is. No name stands here.

    `generation`: the number of the on-call key that the digests were made with.
    """

    compartment: Annotated[str, F("Crisis card", search=False)]
    person: Annotated[str, F("Person", search=False)]
    generation: Annotated[int, F("Key", search=False)]
    lookups: Annotated[tuple[str, ...], F("Digests", search=False)]


ON_CALL_ENTRY: DocumentType[OnCallEntry] = DocumentType(
    kind="on_call_entry", label="On-call entry", struct=OnCallEntry, compartment=Kind.ONCALL,
    title=lambda document: document.compartment,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """A crisis card: its compartment and whose it is."""

    compartment: bytes
    person: bytes


@dataclass(frozen=True, slots=True)
class Use:
    """One use of the glass, as the log tells it. Times in milliseconds since 1970."""

    id: bytes
    user: bytes
    compartment: bytes
    at_ms: int
    until_ms: int


# -- finding a person ------------------------------------------------------------------------------------------


def _names(text: str) -> str:
    """The words of a name in one order, without case, accents and punctuation."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    words = "".join(sign if sign.isalnum() else "" if unicodedata.combining(sign) else " " for sign in plain).split()
    return " ".join(sorted(words))


def _digest(session: Session, generation: int, name: str, born: str) -> str:
    key = session.key(oncall.group(session), generation).reveal()
    return mac(key, _CONTEXT, f"{_names(name)}\n{born}".encode()).hex()


def find(session: Session, name: str, born: date) -> Place:
    """The crisis card of the person of this name and birth date. Raises `RuleRefused`, and `Refused` for several."""
    numbers = [row[0] for row in session.view.rows(
        "SELECT generation FROM keyring WHERE compartment = ?", (oncall.group(session),)
    )]  # fmt: skip
    if not numbers:
        raise NoKey("You are not on call in this program.", "Call a clinician of the person's care team.")
    wanted = {_digest(session, number, name, born.isoformat()) for number in numbers}
    found = {
        Place(parse_id(entry.compartment), parse_id(entry.person))
        for entry, author in _entries(session)
        if wanted & set(entry.lookups) and _vouched(session, entry, author)
    }
    if len(found) > 1:
        raise Refused("Two people of this name were born on that day.", "Call a clinician of the care team.")
    if not found:
        raise RuleRefused(
            "emergency.nobody", "No crisis card is found by this name and date of birth.",
            "Both must be as they are registered. In danger call the emergency services.",
        )  # fmt: skip
    return found.pop()


def _entries(session: Session) -> Iterator[tuple[OnCallEntry, bytes]]:
    rows = session.view.rows(
        "SELECT doc, author FROM record WHERE kind = ? AND deposit = 0 AND status != 'newer' ORDER BY id",
        (ON_CALL_ENTRY.kind,),
    )
    for doc, author in rows:
        yield msgspec.json.decode(doc, type=OnCallEntry), bytes(author)


def _vouched(session: Session, entry: OnCallEntry, author: bytes) -> bool:
    """Whether who wrote an entry is of the team that sealed the card: nobody else says whose card it is."""
    place = parse_id(entry.compartment)
    rows = session.view.rows("SELECT root FROM emergency WHERE compartment = ? AND author = ?", (place, author))
    return not {row[0] for row in rows}.isdisjoint(session.valid_roots(place, Kind.CRISIS))


def card_of(session: Session, compartment: bytes) -> Place:
    """Whose crisis card a compartment is, by what its team wrote. Raises `NotFound`."""
    for entry, author in _entries(session):
        if parse_id(entry.compartment) == compartment and _vouched(session, entry, author):
            return Place(compartment, parse_id(entry.person))
    raise NotFound


def place_of(session: Session, person: bytes) -> Place:
    """The crisis card of somebody whose directory entry this user reads. Raises `NotFound`."""
    return Place(charts.compartment_for(session, person, Kind.CRISIS), person)


# -- what a treating clinician's program owes ------------------------------------------------------------------


def keep_up(session: Session, work: Work) -> None:
    """Seal the crisis keys this user holds for who is on call, and write the entries they are found by."""
    for compartment, person, number in oncall.unsealed(session):
        key = session.key(compartment, number).reveal()
        oncall.seal(session, work, compartment, person, number, key)
    if session.holds(oncall.group(session)):
        _write_entries(session, work)


def _write_entries(session: Session, work: Work) -> None:
    known = dict(session.view.rows(
        "SELECT title, max(changed_ms) FROM record WHERE kind = ? AND author = ? AND deposit = 0 GROUP BY title",
        (ON_CALL_ENTRY.kind, session.identity.user),
    ))  # fmt: skip
    rows = session.view.rows(
        "SELECT c.id, c.person, r.changed_ms, json_extract(r.doc, '$.given'), json_extract(r.doc, '$.family'),"
        " json_extract(r.doc, '$.preferred_name'), json_extract(r.doc, '$.birth_date') FROM compartment c JOIN person p"
        " ON p.id = c.person JOIN record r ON r.record = p.record WHERE c.kind = ? AND c.primitive = 'member'"
        " ORDER BY c.id",
        (Kind.CRISIS,),
    )
    for compartment, person, changed_ms, given, family, preferred, born in rows:
        if born and known.get(show_id(compartment), -1) < changed_ms:
            names = {f"{first} {family or ''}" for first in (given or "", preferred or "") if first}
            _write_entry(session, work, Place(bytes(compartment), bytes(person)), names or {family or ""}, born)


def _write_entry(session: Session, work: Work, place: Place, names: set[str], born: str) -> None:
    group = oncall.group(session)
    generation = session.newest(group)
    entry = OnCallEntry(
        compartment=show_id(place.compartment), person=show_id(place.person), generation=generation,
        lookups=tuple(sorted(_digest(session, generation, name, born) for name in names)),
    )  # fmt: skip
    put(session, work, group, ON_CALL_ENTRY, entry, person=NOBODY)


# -- using it --------------------------------------------------------------------------------------------------


def use(session: Session, work: Work, place: Place, until_ms: int) -> bytes:
    """Say in the log that this user breaks the glass on a card until a time; the use's id. No key is opened by it."""
    if not session.holds(oncall.group(session)):
        raise NoKey("You are not on call in this program.", "Call a clinician of the person's care team.")
    number, _ = session.public_key(place.compartment, work, kind=Kind.CRISIS)
    grant = Grant(
        session.rng.token(16), session.identity.user, place.compartment, number, sealedapart.PRIMITIVE, until_ms
    )
    session.act(work, "break-glass", grants=(grant,))
    session.note(work, "break-glass", person=place.person, category=Kind.CRISIS, subject=grant.id)
    return grant.id


def uses(session: Session, *, user: bytes = b"", compartment: bytes = b"") -> list[Use]:
    """Every use of the glass the log knows, newest first: of one user, on one card, or all. Only of what was sealed for
    who is on call: a use of anything else is somebody's invention.
    """
    rows = session.view.rows(
        "SELECT id, recipient, compartment, at_ms, not_after_ms FROM emergency e WHERE recipient = author AND root ="
        " x'' AND EXISTS (SELECT 1 FROM emergency s WHERE s.compartment = e.compartment AND s.root != x'')"
        " AND (?1 = x'' OR recipient = ?1) AND (?2 = x'' OR compartment = ?2) ORDER BY pos DESC, id",
        (user, compartment),
    )
    return [Use(bytes(row[0]), bytes(row[1]), bytes(row[2]), int(row[3]), int(row[4])) for row in rows]


def reviewed(session: Session, use_id: bytes) -> bool:
    """Whether a privacy officer other than its author closed a use."""
    return session.view.one(
        "SELECT 1 FROM pending_revoke p JOIN role r ON r.user = p.author JOIN emergency e ON e.id = p.id WHERE p.id ="
        " ? AND r.role = ? AND p.author != e.recipient",
        (use_id, roles.PRIVACY_OFFICER),
    ) is not None  # fmt: skip


def close(session: Session, work: Work, use_id: bytes) -> None:
    """The privacy officer's act that closes a use: nothing is opened by it any more. Raises `NotFound` for what is no
    use of the glass: their word would end any key that it names.
    """
    if not any(one.id == use_id for one in uses(session)):
        raise NotFound
    session.act(work, "review-emergency", revokes=(use_id,))


@contextmanager
def opened(session: Session, place: Place) -> Iterator[Session]:
    """The card's contents for reading, within this user's use of the glass; the view they lie in is gone afterwards.

    Raises `Refused` without a use that lasts, `NoKey` where nothing was sealed, and `NotFound` where the keys are
    another person's.
    """
    now = session.clock.now_ms()
    mine = uses(session, user=session.identity.user, compartment=place.compartment)
    if not any(one.at_ms <= now < one.until_ms and not reviewed(session, one.id) for one in mine):
        raise Refused("The glass is not broken on this card, or its time is over.", "Give the reason once more.")
    keys = emergency.unseal(session, oncall.group(session), place.compartment, Kind.CRISIS)
    if {key.person for key in keys.values()} != {place.person}:
        raise NotFound
    with emergency.through(session, keys) as through:
        yield through
