"""All guides, and what the program looks up for each before a step is shown."""

from __future__ import annotations

from typing import Any

from iop_tui.access import roles
from iop_tui.access.policy import Kind
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.people import api as people
from iop_tui.clinical.requests import api as requests
from iop_tui.clinical.staff import api as staff
from iop_tui.clinical.wizards import ending, legal, safeguards
from iop_tui.clinical.wizards.model import Guide
from iop_tui.kernel.errors import NoKey, NotFound
from iop_tui.workspace import Workspace

GUIDES: dict[str, Guide] = {
    guide.id: guide for guide in (*safeguards.GUIDES, *legal.GUIDES, *ending.GUIDES)
}


def guide(identifier: str) -> Guide:
    """A guide by its id. Raises `NotFound`."""
    if identifier not in GUIDES:
        raise NotFound(f"Guides: {', '.join(GUIDES)}.")
    return GUIDES[identifier]


def facts(ws: Workspace, which: Guide, subject: bytes) -> dict[str, Any]:
    """What the steps of a guide depend on besides the answers. Raises `NotFound`."""
    if which.about == "couple":
        return _couple_facts(ws, subject)
    people.header(ws, subject)
    pair = couples.couple_of(ws, subject)
    found: dict[str, Any] = {
        "couple": pair is not None and pair.ended is None, "part2": staff.program_profile(ws).part2,
        "privacy_officer": roles.PRIVACY_OFFICER in ws.user.roles, "keeps": _keeps(ws, subject),
    }  # fmt: skip
    if pair is None:
        return found
    if which.id == safeguards.CONTACT.id:
        rule = couples.contact_rule(ws, pair.id)
        found |= {"policy": rule.policy, "rule": rule.rule, "categories": rule.categories}
    if which.id == ending.REQUEST.id:
        holds = ws.session.holds(pair.joint)
        found["keeps_joint"] = holds
        if holds:
            found["decision"] = requests.decided(ws, subject).decision
    return found


def _couple_facts(ws: Workspace, subject: bytes) -> dict[str, Any]:
    pair = couples.couple(ws, subject)
    return {"ended": pair.ended is not None, "shared_contacts": couples.shared_contacts(ws, pair)}


def _keeps(ws: Workspace, person: bytes) -> bool:
    """Whether this user keeps a part of the person's own record."""
    try:
        requests.home(ws, person)
    except NoKey:
        return False
    return True


def places(ws: Workspace, which: Guide, subject: bytes) -> list[tuple[str, bytes]]:
    """Compartments this user holds that a guide's state may lie in, the most fitting first: (kind, compartment)."""
    wanted: tuple[str, ...]
    if which.about == "couple":
        wanted = (Kind.JNT, Kind.DESK, Kind.OPS)
    elif which.id == safeguards.VIOLENCE.id:
        wanted = (Kind.SAFE,)
    elif which.id == legal.REPORT.id:
        wanted = (Kind.SAFE, Kind.HOLD)
    elif which.id == safeguards.CONTACT.id:
        wanted = (Kind.HOLD,)
    else:
        wanted = (Kind.IND, Kind.SUD, Kind.HOLD, Kind.MED, Kind.PAY, Kind.OPS)
    rows = ws.view.rows(
        "SELECT DISTINCT c.kind, c.id FROM compartment c JOIN keyring k ON k.compartment = c.id WHERE c.primitive ="
        f" 'member' AND c.kind IN ({','.join('?' * len(wanted))}) AND (c.person = ? OR c.kind IN ('DESK', 'OPS'))",
        (*(str(kind) for kind in wanted), subject),
    )
    order = {str(kind): place for place, kind in enumerate(wanted)}
    return sorted(((str(kind), bytes(place)) for kind, place in rows), key=lambda item: (order[item[0]], item[1]))
