"""Who a couple is, what both signed, and which agreement was in force when. Queries only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from iop_tui.access import charts
from iop_tui.access.charts import CoupleLink
from iop_tui.clinical.couples.model import (
    AGREEMENT,
    PARTNERS,
    SCREENING_DONE,
    SIGNED,
    CouplesAgreement,
)
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.errors import NotFound, RuleRefused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Couple:
    """Two people in couples work, as this user knows them."""

    id: bytes
    a: bytes
    b: bytes
    therapist: bytes
    joint: bytes
    hold_a: bytes
    hold_b: bytes
    ended: date | None

    def side(self, person: bytes) -> str:
        """`partner A` or `partner B`. Raises `RuleRefused` for anyone else: a couple has two."""
        if person not in (self.a, self.b):
            raise RuleRefused("couple.third_partner", "This person is not one of the two partners.")
        return PARTNERS[0] if person == self.a else PARTNERS[1]

    def person(self, side: str) -> bytes:
        """The person behind `partner A` or `partner B`."""
        return self.a if side == PARTNERS[0] else self.b

    def other(self, person: bytes) -> bytes:
        """The other partner."""
        return self.b if self.side(person) == PARTNERS[0] else self.a


def _couple(identifier: bytes, link: CoupleLink) -> Couple:
    return Couple(
        identifier, parse_id(link.a), parse_id(link.b), parse_id(link.therapist), parse_id(link.joint),
        parse_id(link.hold_a), parse_id(link.hold_b), link.ended,
    )  # fmt: skip


def couple(ws: Workspace, identifier: bytes) -> Couple:
    """A couple this user knows of. Raises `NotFound`."""
    link = charts.couple_links(ws.session).get(identifier)
    if link is None:
        raise NotFound
    return _couple(identifier, link)


def couple_of(ws: Workspace, person: bytes) -> Couple | None:
    """The couple a person is or was part of, one in work before one of the past; None for nobody's partner."""
    shown = show_id(person)
    mine = [
        _couple(identifier, link) for identifier, link in charts.couple_links(ws.session).items()
        if shown in (link.a, link.b)
    ]  # fmt: skip
    return min(mine, key=lambda item: (item.ended is not None, item.id), default=None)


def names(ws: Workspace) -> dict[bytes, str]:
    """Couples this user knows of, by id: both names, as far as they may know them."""
    pairs = [_couple(identifier, link) for identifier, link in charts.couple_links(ws.session).items()]
    people = {person for pair in pairs for person in (pair.a, pair.b)}
    known = dict(
        ws.view.rows(f"SELECT id, name FROM person WHERE id IN ({','.join('?' * len(people))})", tuple(people))
    )
    return {pair.id: f"{known.get(pair.a, '?')} & {known.get(pair.b, '?')}" for pair in pairs}


def about(ws: Workspace, subject: bytes) -> Couple:
    """The couple itself, or the one a partner belongs to. Raises `NotFound`."""
    links = charts.couple_links(ws.session)
    if subject in links:
        return _couple(subject, links[subject])
    found = couple_of(ws, subject)
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True, slots=True)
class Terms:
    """An agreement that both partners and the couples therapist signed, and since when it counts."""

    record: bytes
    agreement: CouplesAgreement
    since_ms: int

    @property
    def stamp(self) -> tuple[str, str]:
        """What every entry written under it carries."""
        return self.agreement.secrets, self.record.hex()


def history(ws: Workspace, pair: Couple) -> list[Terms]:
    """Every agreement that came into force, oldest first."""
    gone = signing.voided(ws, pair.id)
    rows = ws.view.rows(
        "SELECT record, doc, version, changed_ms FROM record WHERE person = ? AND kind = ? AND status = 'signed'"
        " AND deposit = 0 AND compartment = ? ORDER BY created_ms",
        (pair.id, AGREEMENT.kind, pair.joint),
    )
    found = []
    for record, doc, version, signed_ms in rows:
        signed = partner_signatures(ws, pair, record)
        if record not in gone and set(signed) == set(PARTNERS):
            since = max(int(signed_ms), *signed.values())
            found.append(Terms(record, AGREEMENT.decode(doc, version), since))
    return sorted(found, key=lambda item: item.since_ms)


def in_force(ws: Workspace, pair: Couple) -> Terms | None:
    """The agreement that counts now: the last that both partners signed; None before the first."""
    found = history(ws, pair)
    return found[-1] if found else None


def partner_signatures(ws: Workspace, pair: Couple, record: bytes) -> dict[str, int]:
    """Which partners signed a document, and when that was recorded."""
    rows = ws.view.rows(
        "SELECT json_extract(doc, '$.partner'), min(created_ms) FROM record WHERE person = ? AND compartment = ?"
        " AND kind = 'partner_signature' AND status = 'signed' AND deposit = 0"
        " AND json_extract(doc, '$.record') = ? AND json_extract(doc, '$.outcome') = ? GROUP BY 1",
        (pair.id, pair.joint, record.hex(), SIGNED),
    )
    return {str(partner): int(at_ms) for partner, at_ms in rows}


def terms_of(ws: Workspace, pair: Couple, stamp: tuple[str, str]) -> Terms | None:
    """The agreement a stamp names, whether or not it still counts."""
    return next((item for item in history(ws, pair) if item.stamp == stamp), None)


def stamp_of(ws: Workspace, record: bytes) -> tuple[str, str] | None:
    """The stamp of an entry as it was first written; None for a new one."""
    row = ws.view.one("SELECT id FROM version WHERE record = ? ORDER BY at_ms, id LIMIT 1", (record,))
    if row is None:
        return None
    _, _, document = signing.opened_document(ws, record, bytes(row[0]))
    return str(getattr(document, "policy", "")), str(getattr(document, "agreement", ""))


def screenings(ws: Workspace, pair: Couple) -> dict[str, date]:
    """When each partner was last screened alone, by word of their own clinicians."""
    rows: list[tuple[Any, ...]] = ws.view.rows(
        "SELECT doc, version, author FROM record WHERE person = ? AND compartment = ? AND kind = ?",
        (pair.id, pair.joint, SCREENING_DONE.kind),
    )
    found: dict[str, date] = {}
    for doc, version, author in rows:
        item = SCREENING_DONE.decode(doc, version)
        own = {fact.user for fact in charts.care_facts(ws.session, pair.person(item.partner))}
        if author in own and item.done is not None:
            found[item.partner] = max(item.done, found.get(item.partner, item.done))
    return found
