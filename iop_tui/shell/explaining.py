"""Who could read this? The whole answer for a record, a draft or one line, as the command line and the screens give it.

Stored records answer from their own keys; what is not stored yet from the keys of the part it will lie in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from iop_tui.access.asked import RECORD_POLICIES, UNMARKED, WHOLE, Line
from iop_tui.access.explain import Explanation, who, who_would
from iop_tui.access.policy import Kind
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.drafting import LABELS
from iop_tui.clinical.consents.topics import kinds_of
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.records import api as records
from iop_tui.clinical.requests.joint import OWN_FIELDS
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.errors import NoKey, NotFound, Refused
from iop_tui.kernel.labeled import Speaker, segments
from iop_tui.ui.text.readview import HEADING
from iop_tui.workspace import Workspace

Triple = tuple[str, str, str]
Where = Callable[[Workspace], tuple[bytes, str]]
"""Finds the part of the record that something will lie in: compartment and kind. Raises refusals."""
_POLICIES = dict(zip(couples.RELEASE_RULES, RECORD_POLICIES, strict=False))
_SAID = 160
_OF_NOBODY = ("joint_plan", "recovery_day", "joint_closing", "attachment")
"""Documents of the joint record in which nobody's words are marked."""
_WHO = "Who could read this, from the keys that are given out"
_WHO_THEN = "Who could read it then, from the keys that are given out today"


@dataclass(frozen=True, slots=True)
class Spot:
    """What somebody looks at or writes. `record` is where it is stored; or, with `beside`, the document it will stand
    beside. `part`, `field` and `text` are the line under the cursor, `before` the text up to it. `where` is for what
    lies elsewhere than its kind says.
    """

    label: str
    name: str = ""
    kind: str = ""
    person: bytes = b""
    record: bytes = b""
    beside: bool = False
    writing: bool = False
    part: str = ""
    field: str = ""
    text: str = ""
    before: str = ""
    where: Where | None = None


# -- a record, and a spot in one ---------------------------------------------------------------


def explained(ws: Workspace, record: bytes, *, line: Line = WHOLE) -> Explanation:
    """The answer, with what the couple's agreement and the person's consents say. Raises `NotFound`."""
    found = records.line_of(ws, record)
    policy = _record_policy(ws, found.compartment_kind, found.person)
    return who(ws.session, record, record_policy=policy, payer_consent=_pays(ws, found.person), line=line)


def foreseen(ws: Workspace, spot: Spot) -> Explanation:
    """The answer for what is not stored yet. Raises `NoKey`, `NotFound`, `Refused`."""
    compartment, kind = (spot.where or _home_of(spot))(ws)
    policy = _record_policy(ws, kind, spot.person)
    return who_would(
        ws.session, compartment, kind, record_policy=policy, payer_consent=_pays(ws, spot.person), line=_line(spot)
    )


def _home_of(spot: Spot) -> Where:
    def found(ws: Workspace) -> tuple[bytes, str]:
        home = signing.place_for(ws, spot.person, ws.registry.need(spot.kind))
        return home.compartment, home.kind

    return found


def _pays(ws: Workspace, person: bytes) -> bool:
    return bool(consents.in_force(ws, person, variant=consents.TPO))


def _record_policy(ws: Workspace, kind: str, subject: bytes) -> str:
    """What the agreement in force says of joint records; both sign where there is none."""
    if kind != Kind.JNT:
        return RECORD_POLICIES[0]
    terms = couples.in_force(ws, couples.couple(ws, subject))
    return _POLICIES.get(terms.agreement.release, RECORD_POLICIES[0]) if terms is not None else RECORD_POLICIES[0]


def _line(spot: Spot) -> Line:
    """The line of a spot, as those who answer requests see it."""
    return Line(spot.field, _speaker(spot))


def _speaker(spot: Spot) -> str:
    """Whose words a line of a joint document is, for a release of each partner's own words; empty for the whole."""
    if spot.kind == "couples_agreement":
        return Speaker.JOINT
    if spot.kind != "joint_note":
        return UNMARKED if spot.kind in _OF_NOBODY else ""
    if not spot.field:
        return ""
    if spot.field in (*OWN_FIELDS, "policy"):
        return Speaker.JOINT
    if spot.field in ("attended_a", "attended_b"):
        return Speaker.A_JOINT if spot.field == "attended_a" else Speaker.B_JOINT
    marked = segments(spot.before) if spot.field == "content" else ()
    return (marked[-1].speaker if marked else None) or UNMARKED


# -- in words ----------------------------------------------------------------------------------


def answered(ws: Workspace, spot: Spot) -> list[Triple]:
    """Everything about a spot: what it is, who could read it, who would get it, by which rule."""
    record = _held(ws, spot.record)
    found = explained(ws, record, line=_line(spot)) if record else _foreseen(ws, spot)
    if found is None:
        nobody = "Nobody yet: it lies nowhere before it is saved."
        return [*_about(spot), ("", nobody if spot.writing else "Its care team, by keys that you do not see.", "text")]
    stored = not spot.writing or (bool(spot.record) and not spot.beside)
    lines = [*_about(spot), *_state(spot, found.kind, stored=stored)]
    lines += explanation_lines(found, heading=_WHO if stored else _WHO_THEN)
    return [*lines, *_standing(ws, spot, found.kind)] if spot.writing else lines


def _held(ws: Workspace, record: bytes) -> bytes:
    """A record, or the copy of it that this user was given: a share has ids of its own."""
    if not record or ws.view.one("SELECT 1 FROM record WHERE record = ?", (record,)) is not None:
        return record
    row = ws.view.one("SELECT record FROM record WHERE origin IS NOT NULL AND instr(origin, ?) > 0", (record,))
    return bytes(row[0]) if row is not None else record


def _foreseen(ws: Workspace, spot: Spot) -> Explanation | None:
    try:
        return foreseen(ws, spot)
    except (NoKey, NotFound, Refused):
        return None


def _about(spot: Spot) -> list[Triple]:
    """The line itself, where there is a cursor."""
    if not spot.part:
        return []
    text = " ".join(spot.text.split())
    quoted = f": {text[:_SAID]}{' …' if len(text) > _SAID else ''}" if text else ", still empty"
    return [("Line", f"{spot.part}{quoted}", "strong")]


def _state(spot: Spot, kind: str, *, stored: bool) -> list[Triple]:
    """Where it lies or will lie, and who has what is typed and not saved."""
    part = LABELS.get(kind, "part of the program's own record" if kind in _PROGRAM else f"{kind} part")
    if stored:
        lines = [("Lies in", part, "text")]
        return [*lines, ("Not saved", "What was typed since opens for you alone.", "text")] if spot.writing else lines
    return [
        ("Now", "Not saved yet: what is typed opens for you alone, on this copy.", "text"),
        ("Saved, signed", f"It lies in: {part}.", "text"),
    ]


_PROGRAM = frozenset({Kind.PROG, Kind.ORG, Kind.REG, Kind.DESK, Kind.OPS, Kind.DIR})


def _standing(ws: Workspace, spot: Spot, kind: str) -> list[Triple]:
    """Whom consents in force share it with as soon as it is signed."""
    lines: list[Triple] = []
    for consent in consents.in_force(ws, spot.person, source=kind, variant=consents.INTERNAL) if spot.person else ():
        if spot.kind in kinds_of(consent.document.topics):
            until = f" until {consent.until.isoformat()}" if consent.until else ""
            lines += [
                (one.name, f"by the client's consent of {consent.starts.isoformat()}{until}", "text")
                for one in consent.open_to if one.user
            ]  # fmt: skip
    return [("", "Shared as soon as it is signed", HEADING), *lines] if lines else []


def explanation_lines(found: Explanation, *, heading: str = _WHO) -> list[Triple]:
    """Readers by name first, then who might ask, then each role: in or out, each with its rule."""
    lines: list[Triple] = [("", heading, HEADING)]
    for item in found.readers:
        until = f" until {item.until[:10]}" if item.until else ""
        by = f"{', '.join(item.roles)}; {item.via} by {item.act}, {item.rule}, since {item.since[:10]}{until}"
        lines.append((item.name, by, "text"))
    if not found.readers:
        lines.append(("You", "alone, until its part of the record has a key that others hold", "text"))
    if found.on_call:
        lines.append(("In an emergency", f"{', '.join(found.on_call)}: with a reason, logged and reviewed", "text"))
    if found.asked:
        lines.append(("", "If somebody asked today", HEADING))
    for one in found.asked:
        lines.append((one.who, f"{_word(inside=one.inside)}: {one.rule} {one.source}", _tone(inside=one.inside)))
    lines.append(("", "Each role", HEADING))
    for role in found.roles:
        names = f" ({', '.join(role.names)})" if role.names else ""
        lines.append((role.role, f"{_word(inside=role.inside)}{names}: {role.rule}", _tone(inside=role.inside)))
    return lines


def _word(*, inside: bool) -> str:
    return "IN" if inside else "out"


def _tone(*, inside: bool) -> str:
    return "warn" if inside else "dim"


def joint_lines(ws: Workspace, spot: Spot, content: Any) -> list[Triple]:
    """Of a joint session that is read: what of each speaker's words either partner would get today, alone."""
    found = explained(ws, spot.record)
    if found.kind != Kind.JNT or not isinstance(content, str):
        return []
    lines: list[Triple] = [("", "Each speaker's words", HEADING)]
    for mark in dict.fromkeys(item.speaker for item in segments(content)):
        answers = explained(ws, spot.record, line=Line("content", mark or UNMARKED)).asked[:2]
        told = ", ".join(f"{one.who} {_word(inside=one.inside)}" for one in answers)
        lines.append((f"[{mark}]" if mark else UNMARKED, told, "text"))
    return lines
