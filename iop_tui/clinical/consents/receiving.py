"""Private notes from outside: whom the person authorized to receive them, and the compartment they go to.

45 CFR 164.508(a)(2): another provider's psychotherapy notes come only by an authorization of their own. Kept with a
chart they would lose their protection, so they go to their reader's own compartment and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

from iop_tui.access import charts, roles
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import put
from iop_tui.clinical.consents.model import PRIVATE_RECEIPT, Consent, PrivateReceipt
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.errors import NotFound, RuleRefused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.work import Work
from iop_tui.workspace import Workspace

_PARTS = (roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR)


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where a person's private notes from outside go: a clinician's own compartment, under that clinician's key."""

    compartment: bytes
    user: bytes


def announce(ws: Workspace, work: Work, person: bytes, consent: bytes, document: Consent) -> None:
    """Let imports know who receives: fixed fields, no word of the consent. Raises `RuleRefused`, `NotFound`."""
    if document.expires_on is None or any(parse_id(item.user) != ws.user.user for item in document.recipients):
        raise RuleRefused("consent.receiver", "Only you yourself can be named to receive from outside.")
    role = next((part for part in _PARTS if ws.session.holds(_own(ws, person, part))), "")
    if not role:
        raise RuleRefused("consent.no_key", "You keep no notes of your own about this person.")
    value = PrivateReceipt(
        consent=show_id(consent), user=show_id(ws.user.user), role=role, until=document.expires_on
    )
    home = charts.compartment_for(ws.session, person, Kind.DIR)
    put(ws.session, work, home, PRIVATE_RECEIPT, value, person=person)


def withdraw(ws: Workspace, work: Work, person: bytes, consent: bytes) -> None:
    """End what `announce` said, with the consent it stands for."""
    for record, leaf, place, value in _stated(ws, person):
        if value.consent == show_id(consent) and ws.session.holds(place):
            ended = PrivateReceipt(
                consent=value.consent, user=value.user, role=value.role, until=local_date(work.at_ms - 86_400_000)
            )
            put(
                ws.session, work, place, PRIVATE_RECEIPT, ended, person=person, record=record, parents=(leaf,)
            )


def receiver(ws: Workspace, person: bytes) -> Receiver | None:
    """Who receives a person's private notes from outside today; None where nobody was authorized."""
    today = local_date(ws.clock.now_ms())
    team = {(fact.user, fact.role) for fact in charts.care_facts(ws.session, person)}
    for _, _, _, value in _stated(ws, person):
        user = parse_id(value.user)
        if value.until >= today and (user, value.role) in team:
            return Receiver(_own(ws, person, value.role), user)
    return None


def _own(ws: Workspace, person: bytes, role: str) -> bytes:
    return charts.compartment_for(ws.session, person, Kind.PSY, role)


def _stated(ws: Workspace, person: bytes) -> list[tuple[bytes, bytes, bytes, PrivateReceipt]]:
    """What clinicians said of themselves in the person's directory entry, newest first."""
    try:
        home = charts.compartment_for(ws.session, person, Kind.DIR)
    except NotFound:
        return []
    rows = ws.view.rows(
        "SELECT r.record, r.leaf, r.doc, r.version, r.author FROM record r WHERE r.kind = 'private_receipt' AND"
        " r.compartment = ? AND r.person = ? AND r.deposit = 0 ORDER BY r.created_ms DESC",
        (home, person),
    )
    found = [(row[0], row[1], home, PRIVATE_RECEIPT.decode(row[2], row[3]), row[4]) for row in rows]
    return [(record, leaf, place, value) for record, leaf, place, value, author in found
            if value.user == show_id(author)]  # fmt: skip
