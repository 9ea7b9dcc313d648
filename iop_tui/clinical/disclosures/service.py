"""Writing rows of the ledger, and the accounting a person may ask for.

A row lies where its source lies. What the privacy officer may know of is also deposited with them, because the
accounting is theirs to give; what authors keep alone stays with its author, who adds it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import msgspec

from iop_tui.access import charts, roles
from iop_tui.access.policy import AUTHOR_KINDS, Kind
from iop_tui.access.primitives import program_compartment, put
from iop_tui.clinical.disclosures.model import DISCLOSURE, Disclosure
from iop_tui.kernel.clock import iso, local_date
from iop_tui.kernel.errors import NotFound
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.work import Work
from iop_tui.workspace import Workspace

YEARS = 6
"""How far back a person may ask (45 CFR 164.528(a)(1))."""
CLOSING = (
    "Entries that only one clinician may read are added by that clinician. Uses for treatment, payment and operations"
    " inside the program are not disclosures (45 CFR 164.528(a)(1)(i))."
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row lies: a compartment, its kind, and the person it is about."""

    compartment: bytes
    kind: str
    person: bytes


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the ledger with the record it stands in."""

    record: bytes
    person: bytes
    author: bytes
    document: Disclosure


@dataclass(frozen=True, slots=True)
class Accounting:
    """What a person gets who asks: every row this user may read, oldest first, and what the list does not hold."""

    person: bytes
    since: date
    until: date
    rows: tuple[Disclosure, ...]
    closing: str = CLOSING


def record(ws: Workspace, work: Work, places: Iterable[Place], disclosure: Disclosure) -> tuple[bytes, ...]:
    """Write a row about each person concerned, in the same transaction as what it is about; the records' ids.

    One row for each place: nothing in one names the other. Raises `NoKey` where nobody opened the place yet.
    """
    written = []
    for place in places:
        value = msgspec.structs.replace(
            disclosure, row=show_id(ws.rng.token(16)), on=local_date(work.at_ms), at=iso(work.at_ms),
            discloser=ws.user.name,
        )  # fmt: skip
        written.append(_put(ws, work, place, value))
        if not value.internal and place.kind not in AUTHOR_KINDS:
            audit = program_compartment(ws.session, Kind.AUD)
            put(ws.session, work, audit, DISCLOSURE, value, person=place.person, source="ledger")
        ws.session.note(
            work, "disclose", person=place.person, category=place.kind, subject=written[-1], detail=value.basis
        )
    return tuple(written)


def _put(ws: Workspace, work: Work, place: Place, value: Disclosure) -> bytes:
    session = ws.session
    if session.holds(place.compartment) or place.compartment in work.latest:
        identifier, _ = put(session, work, place.compartment, DISCLOSURE, value, person=place.person, source="ledger")
        return identifier
    identifier = ws.rng.token(16)
    body = session.body(
        work, record=identifier, person=place.person, kind=DISCLOSURE.kind, version=DISCLOSURE.version,
        payload=DISCLOSURE.encode(value), source="ledger",
    )  # fmt: skip
    alone = place.kind in AUTHOR_KINDS
    maker = charts.author_now(session, place.compartment, place.kind, place.person) if alone else b""
    session.deposit(work, place.compartment, body, place.kind, maker)
    return identifier


def rows(ws: Workspace, person: bytes | None = None, *, consent: bytes | None = None) -> list[Row]:
    """Rows of the ledger this user may read, oldest first, each once: of one person, under one consent, or all."""
    found = ws.view.rows(
        "SELECT r.record, r.person, r.author, r.doc, r.version FROM record r WHERE r.kind = 'disclosure' AND"
        " r.origin IS NULL AND r.status != 'newer' AND (?1 IS NULL OR r.person = ?1) AND (?2 IS NULL OR"
        " json_extract(r.doc, '$.consent') = ?2) ORDER BY r.deposit, r.created_ms, r.id",
        (person, show_id(consent) if consent is not None else None),
    )
    first: dict[tuple[str, bytes], Row] = {}  # nobody's row takes the place of somebody else's
    for identifier, whose, author, doc, version in found:
        document = DISCLOSURE.decode(doc, version)
        first.setdefault((document.row or identifier.hex(), author), Row(identifier, whose, author, document))
    return sorted(first.values(), key=lambda row: (row.document.at, row.document.row))


def accounting(
    ws: Workspace, person: bytes, *, since: date | None = None, until: date | None = None, internal: bool = False
) -> Accounting:
    """The list of disclosures about one person. With `internal` also what moved between clinicians; logged.

    A colleague who is not part of this person's own care stands there as a clinician of the program, without a name:
    whom the partner sees is not this person's to learn. Raises `NotFound` for an unknown person.
    """
    if ws.view.one("SELECT 1 FROM person WHERE id = ?", (person,)) is None:
        raise NotFound
    today = local_date(ws.clock.now_ms())
    first, last = since or _years_before(today), until or today
    found = [
        _neutral(ws, person, row.document)
        for row in rows(ws, person)
        if row.document.on is not None and first <= row.document.on <= last and (internal or not row.document.internal)
    ]
    work = ws.work()
    ws.session.note(work, "accounting", person=person, category=Kind.DIR)  # how many would tell of rows kept apart
    ws.commit(work)
    return Accounting(person, first, last, tuple(found))


def _years_before(today: date) -> date:
    try:
        return today.replace(year=today.year - YEARS)
    except ValueError:
        return today.replace(year=today.year - YEARS, day=28)  # 29 February


def _neutral(ws: Workspace, person: bytes, row: Disclosure) -> Disclosure:
    if not row.user:
        return row
    user = parse_id(row.user)
    own = {fact.user for fact in charts.care_facts(ws.session, person)}
    if user in own or roles.SUPERVISOR in ws.session.card(user).roles:
        return row
    return msgspec.structs.replace(row, recipient="a clinician of this program", user="")
