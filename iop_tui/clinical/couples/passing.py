"""What goes to a partner's own clinician without being readable for who sends it, and the one date that comes back.

Deposits (write without read): a contact of one partner (CR-7, separate-only), a safety concern (CR-13). The other way
a clinician tells the couples therapist that a partner was screened alone, and when; there is no field for more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from iop_tui.access import charts, primitives, roles, settle
from iop_tui.access.attempts import attempted
from iop_tui.access.policy import AUTHOR_KINDS, Kind
from iop_tui.clinical.couples import terms
from iop_tui.clinical.couples.model import (
    HELD,
    HELD_NOTE,
    LIMITED,
    OPEN,
    PARTNER_MESSAGE,
    REPORT_FILE,
    SAFETY_CONCERN,
    SCREENING_DONE,
    SHARED,
    TO_OWN,
    PartnerMessage,
    ReportFile,
    SafetyConcern,
    ScreeningDone,
)
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import Document, DocumentType, RuleContext, Severity
from iop_tui.kernel.errors import NoKey, NotReady, RuleRefused
from iop_tui.store.revisions import Body
from iop_tui.store.work import Work
from iop_tui.workspace import Workspace

_OWN = frozenset({roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR})


@dataclass(frozen=True, slots=True)
class ContactRule:
    """What the agreement says of a contact with one partner: the rule in words, and which document it becomes."""

    policy: str
    rule: str
    kind: str
    categories: tuple[str, ...] = ()


def contact_rule(ws: Workspace, couple: bytes) -> ContactRule:
    """What happens with a contact of one partner now. Without an agreement: as under separate-only."""
    counts = terms.in_force(ws, terms.couple(ws, couple))
    if counts is None or counts.agreement.secrets not in (LIMITED, OPEN):
        return ContactRule(counts.agreement.secrets if counts else "", TO_OWN, PARTNER_MESSAGE.kind)
    agreement = counts.agreement
    if agreement.secrets == OPEN:
        return ContactRule(OPEN, SHARED, "joint_note")
    named = (*agreement.held_categories, *agreement.blocking_categories)
    return ContactRule(LIMITED, HELD, HELD_NOTE.kind, named)


def pass_on(ws: Workspace, person: bytes, message: PartnerMessage) -> None:
    """Pass a partner's contact on to their own therapist, sealed: who sends it cannot read it again.

    Raises `RuleRefused` for anyone but the couples therapist, `NotReady`, `NoKey` while nobody opened that record.
    """
    pair = terms.about(ws, person)
    with attempted(ws.session, "pass-on"):
        if pair.therapist != ws.user.user:
            raise RuleRefused("couple.contact", "Contacts are passed on by the couples therapist.")
        pair.side(person)
    _check(ws, PARTNER_MESSAGE, message)
    home = charts.compartment_for(ws.session, person, Kind.IND)
    _deposit(ws, home, Kind.IND, PARTNER_MESSAGE, message, person)


def concern(ws: Workspace, person: bytes, noticed: SafetyConcern) -> None:
    """Seal a safety concern to the person's own clinician, and to nobody else. Raises `NotReady`, `NoKey`."""
    _check(ws, SAFETY_CONCERN, noticed)
    _deposit(ws, _safe(ws, person), Kind.SAFE, SAFETY_CONCERN, noticed, person)


def keep_report(ws: Workspace, person: bytes, file: ReportFile) -> None:
    """Seal the file of a mandated report to the person's own clinician. Raises `NotReady`, `NoKey`."""
    _check(ws, REPORT_FILE, file)
    _deposit(ws, _safe(ws, person), Kind.SAFE, REPORT_FILE, file, person)


def _safe(ws: Workspace, person: bytes) -> bytes:
    """The safety compartment of this user, else of the person's therapist or counselor. Raises `NoKey`."""
    chart = charts.chart_of(ws.session, person)
    places = [charts.reserved_id(chart, Kind.SAFE, role) for role in (roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR)]
    for place in sorted(places, key=lambda item: not ws.session.holds(item)):
        try:
            if not ws.session.holds(place):
                charts.author_now(ws.session, place, Kind.SAFE, person)
        except NoKey:
            continue  # nobody has this part yet
        return place
    raise NoKey("This person has no clinician of their own yet.", "Ask the front desk to assign one.")


def tell_screened(ws: Workspace, person: bytes, done: date) -> None:
    """Tell the couples therapist that this partner was screened alone on a day: the date, nothing else (CR-13).

    Every couple has both dates, whatever was found. Raises `RuleRefused` for who does not treat the person, `NoKey`.
    """
    pair = terms.about(ws, person)
    with attempted(ws.session, "screened", person=person):
        if not any(fact.person == person and fact.role in _OWN for fact in settle.my_care(ws.session)):
            raise RuleRefused("couple.screening", "A partner is screened by their own therapist or counselor.")
    document = ScreeningDone(partner=pair.side(person), done=done)
    _check(ws, SCREENING_DONE, document)
    _deposit(ws, pair.joint, Kind.JNT, SCREENING_DONE, document, pair.id)


def _check(ws: Workspace, kind: DocumentType[Any], document: Document) -> None:
    found = kind.findings(signing.cleaned(kind, document), RuleContext(signing.today(ws)))
    missing = [item.message for item in found if item.severity is Severity.REFUSE]
    if missing:
        raise NotReady(f"Not ready: {' '.join(missing)}", "Complete it, then try again.")


def seal_joint(ws: Workspace, work: Work, pair: terms.Couple, body: Body) -> None:
    """Write into the joint record: as its keeper, or sealed for them. Raises `NoKey`."""
    if ws.session.holds(pair.joint):
        ws.session.write(work, pair.joint, body)
    else:
        _seal(ws, work, pair.joint, body, Kind.JNT)


def _deposit(
    ws: Workspace, home: bytes, place: str, kind: DocumentType[Any], document: Document, person: bytes
) -> None:
    """Seal a document into a compartment; as a member where this user is one."""
    document = signing.cleaned(kind, document)
    work = ws.work()
    if ws.session.holds(home):
        primitives.put(ws.session, work, home, kind, document, person=person, source="collateral")
    else:
        body = ws.session.body(
            work, record=ws.rng.token(16), person=person, kind=kind.kind, version=kind.version,
            payload=kind.encode(document), source="collateral",
        )  # fmt: skip
        _seal(ws, work, home, body, place)
    ws.session.note(work, "deposit", person=person, category=place, detail=kind.kind)
    ws.commit(work)


def _seal(ws: Workspace, work: Work, home: bytes, body: Body, place: str) -> None:
    try:
        maker = charts.author_now(ws.session, home, place, body.person) if place in AUTHOR_KINDS else b""
        ws.session.deposit(work, home, body, place, maker)
    except NoKey:
        whose = "couples therapist" if place == Kind.JNT else "person's own clinician"
        raise NoKey(
            f"The {whose} has not opened this part of the record yet.",
            "Their program does it at their next unlock; try again then.",
        ) from None  # fmt: skip
