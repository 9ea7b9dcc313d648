"""Carrying out a consent inside the program: what it covers is shared; what lost its ground is ended."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from iop_tui.access import primitives
from iop_tui.clinical.consents import places, queries, rules
from iop_tui.clinical.consents.model import CONSENT, INTERNAL, NOTES, Recipient
from iop_tui.clinical.consents.places import Place
from iop_tui.clinical.consents.queries import ConsentLine, Piece
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.disclosures.api import Disclosure, Row
from iop_tui.kernel.clock import day_start, local_date
from iop_tui.kernel.errors import NotFound, Refused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.revisions import Origin
from iop_tui.store.views.view import Changes
from iop_tui.store.work import Work
from iop_tui.workspace import Workspace

RULE = {INTERNAL: "program rule CR-8", NOTES: "45 CFR 164.508(a)(2); 42 CFR 2.31(b)"}
_PURPOSE = 120


@dataclass(frozen=True, slots=True)
class ShareLine:
    """One share that a consent made: for whom, the act that can be revoked, how many records."""

    user: bytes
    name: str
    act: bytes
    compartment: bytes
    records: int


def execute(ws: Workspace, work: Work, line: ConsentLine, leaf: bytes, place: Place) -> tuple[ShareLine, ...]:
    """Share with every colleague a consent names what it covers and they do not have yet.

    `leaf` is the consent's own version: a copy of it goes along. Raises `Refused` for a consent that lies elsewhere
    than where what it releases demands.
    """
    if not _in_place(line, place):
        raise Refused("A consent counts in the part of the record it was given for, and for nobody else.")
    pieces = queries.covered(ws, line, place.source)
    made = []
    for recipient in line.open_to:
        if not recipient.user:
            continue
        missing = _missing(ws, line, recipient, pieces)
        if missing:
            made.append(_share(ws, work, (line, leaf), place, recipient, missing))
    return tuple(made)


def _missing(ws: Workspace, line: ConsentLine, recipient: Recipient, pieces: list[Piece]) -> list[Piece]:
    """What the recipient does not have under this consent now: never shared, or shared and ended since."""
    rows = [row for row in disclosures.rows(ws, consent=line.id) if row.document.user == recipient.user]
    known = {mark for row in rows if _lives(ws, row) for mark in row.document.records}
    return [piece for piece in pieces if piece.mark not in known]


def _lives(ws: Workspace, row: Row) -> bool:
    """Whether the share of a ledger row still opens for its recipient."""
    return _act_of(ws, row, "AND revoked_ms = 0") is not None


def _act_of(ws: Workspace, row: Row, condition: str = "") -> bytes | None:
    """The share a ledger row tells of, if who wrote the row made that share for that recipient: a row by anybody else,
    or about another act, says nothing.
    """
    try:
        act, user = parse_id(row.document.act), parse_id(row.document.user)
    except NotFound:
        return None
    found = ws.view.one(
        "SELECT act FROM wrap WHERE act = ? AND recipient = ? AND author = ? AND act_kind = 'share' AND primitive ="
        f" 'share' {condition} LIMIT 1",
        (act, user, row.author),
    )
    return bytes(found[0]) if found else None


def _share(
    ws: Workspace, work: Work, under: tuple[ConsentLine, bytes], place: Place, recipient: Recipient,
    pieces: list[Piece],
) -> ShareLine:  # fmt: skip
    line, leaf = under
    user = parse_id(recipient.user)
    relation = next(iter(places.relations(ws, place, user)), "")
    reader = primitives.user_recipient(ws.session, user, relation)
    shared = primitives.share(
        ws.session, work, [piece.leaf for piece in pieces], [reader], purpose=line.document.purpose[:_PURPOSE],
        not_after_ms=end_of(line.until), person=place.person, rule=RULE[line.document.variant], mine=False,
        keeper=b"" if place.alone else place.source,
    )  # fmt: skip
    _add_consent(ws, work, shared.compartment, line, leaf, place)
    row = Disclosure(
        recipient=recipient.name, what=_what(ws, pieces), purpose=line.document.purpose, basis=disclosures.CONSENT,
        method="share", consent=show_id(line.id), notice=True, internal=True, user=recipient.user,
        act=show_id(shared.act), records=tuple(piece.mark for piece in pieces),
    )  # fmt: skip
    disclosures.record(ws, work, place.ledger, row)
    return ShareLine(user, recipient.name, shared.act, shared.compartment, len(pieces))


def end_of(until: date | None) -> int:
    """The end of a share: with the last day of its consent."""
    if until is None:
        raise Refused("A share inside the program ends on a date.")
    return day_start(until + timedelta(days=1))


def _what(ws: Workspace, pieces: list[Piece]) -> str:
    labels = Counter(ws.registry.need(piece.kind).label.lower() for piece in pieces)
    return ", ".join(f"{count} × {label}" for label, count in sorted(labels.items()))


def _add_consent(ws: Workspace, work: Work, compartment: bytes, line: ConsentLine, leaf: bytes, place: Place) -> None:
    """A copy of the consent travels with what it lets go (42 CFR 2.32)."""
    origin = Origin(line.id, leaf, place.home_kind, line.author, work.at_ms)
    body = ws.session.body(
        work, record=ws.rng.token(16), person=place.person, kind=CONSENT.kind, version=CONSENT.version,
        payload=CONSENT.encode(line.document), source="record", origin=origin,
    )  # fmt: skip
    ws.session.write(work, compartment, body)


# -- what follows by itself ----------------------------------------------------------------


def keep_up(ws: Workspace) -> Changes:
    """What is owed under the consents this user holds: new documents of a standing topic are shared, and shares whose
    reader has no part in the care any more end. Running it again does nothing.
    """
    work = ws.work()
    for line in queries.in_force(ws):
        if line.document.variant not in (INTERNAL, NOTES) or not any(item.user for item in line.open_to):
            continue
        try:
            place = places.place_of(ws, line.document)
        except (Refused, NotFound):
            continue  # the colleague who holds the source does it
        if not _in_place(line, place):
            continue  # laid down where somebody could write, not where this consent belongs
        _keep_up(ws, work, line, place)
    return ws.commit(work) if work.acts else Changes()


def _keep_up(ws: Workspace, work: Work, line: ConsentLine, place: Place) -> None:
    gone = [item for item in line.open_to if item.user and not places.foreseen(ws, place, parse_id(item.user))]
    for recipient in gone:
        end_shares(ws, work, line, recipient)
    stays = tuple(item for item in line.open_to if item not in gone)
    row = ws.view.one("SELECT leaf FROM record WHERE record = ?", (line.id,))
    if stays and row is not None and _was_executable(ws, line, place):
        narrowed = ConsentLine(
            line.id, line.person, line.compartment, line.compartment_kind, line.author, line.author_name,
            line.document, line.state, line.starts, line.until, stays,
        )  # fmt: skip
        execute(ws, work, narrowed, row[0], place)


def _in_place(line: ConsentLine, place: Place) -> bool:
    return (line.compartment, line.person) == (place.home, place.person)


def _was_executable(ws: Workspace, line: ConsentLine, place: Place) -> bool:
    """Whether nothing spoke against the consent on the day it was recorded: what a program carries out unasked, it
    judges itself. Names and care teams change; `foreseen` asks about the latter as they are now.
    """
    facts = rules.Facts(
        today=line.starts,
        author=show_id(line.author),
        signers=frozenset(map(show_id, place.signers)),
        allowed=frozenset(item.user for item in line.document.recipients),
    )
    return line.starts <= local_date(ws.clock.now_ms()) and not rules.findings(line.document, facts)


def end_shares(ws: Workspace, work: Work, line: ConsentLine, recipient: Recipient) -> int:
    """End every share a consent made for one recipient: the recipient's key and the share's own. How many ended."""
    ended = 0
    rows = [row for row in disclosures.rows(ws, consent=line.id) if row.document.user == recipient.user]
    for act in sorted({act for row in rows if (act := _act_of(ws, row)) is not None}):
        try:
            primitives.revoke(ws.session, work, act)
        except NotFound:
            continue  # it ended before
        ended += 1
        ws.session.note(
            work, "end-share", person=line.person, category=line.compartment_kind, subject=line.id,
            detail=show_id(act),
        )  # fmt: skip
    return ended
