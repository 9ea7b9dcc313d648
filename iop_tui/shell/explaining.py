"""Who could read this? The whole answer for a record, as the command line and the screens give it."""

from __future__ import annotations

from iop_tui.access.asked import RECORD_POLICIES
from iop_tui.access.explain import Explanation, who
from iop_tui.access.policy import Kind
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.records import api as records
from iop_tui.ui.readview import HEADING
from iop_tui.workspace import Workspace

Triple = tuple[str, str, str]
_POLICIES = dict(zip(couples.RELEASE_RULES, RECORD_POLICIES, strict=False))


def explained(ws: Workspace, record: bytes) -> Explanation:
    """The answer, with what the couple's agreement and the person's consents say. Raises `NotFound`."""
    line = records.line_of(ws, record)
    payer = bool(consents.in_force(ws, line.person, variant=consents.TPO))
    return who(ws.session, record, record_policy=_record_policy(ws, line), payer_consent=payer)


def _record_policy(ws: Workspace, line: records.RecordLine) -> str:
    """What the agreement in force says of joint records; both sign where there is none."""
    if line.compartment_kind != Kind.JNT:
        return RECORD_POLICIES[0]
    terms = couples.in_force(ws, couples.couple(ws, line.person))
    return _POLICIES.get(terms.agreement.release, RECORD_POLICIES[0]) if terms is not None else RECORD_POLICIES[0]


def explanation_lines(found: Explanation) -> list[Triple]:
    """Readers by name first, then the roles, then who might ask: in or out, each with its rule."""
    lines: list[Triple] = [("", "Who could read this, from the keys that are given out", HEADING)]
    for item in found.readers:
        until = f" until {item.until[:10]}" if item.until else ""
        by = f"{', '.join(item.roles)}; {item.via} by {item.act}, {item.rule}, since {item.since[:10]}{until}"
        lines.append((item.name, by, "text"))
    lines.append(("", "Each role", HEADING))
    for role in found.roles:
        names = f" ({', '.join(role.names)})" if role.names else ""
        lines.append((role.role, f"{_word(inside=role.inside)}{names}: {role.rule}", _tone(inside=role.inside)))
    if found.asked:
        lines.append(("", "If somebody asked today", HEADING))
    for one in found.asked:
        lines.append((one.who, f"{_word(inside=one.inside)}: {one.rule} {one.source}", _tone(inside=one.inside)))
    return lines


def _word(*, inside: bool) -> str:
    return "IN" if inside else "out"


def _tone(*, inside: bool) -> str:
    return "warn" if inside else "dim"
