"""Registering people, the caseload, the chart's header, the care team. Headless: screens and commands call the
same functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from iop_tui.access import chartkeys, charts, policy, roles
from iop_tui.access.attempts import attempted
from iop_tui.access.charts import ChartMap
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import put
from iop_tui.access.settle import settle
from iop_tui.clinical.people.model import PERSON, Person, full_name
from iop_tui.clinical.signing.api import VOIDED
from iop_tui.clinical.staff.api import check_assignment
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import Finding, RuleContext, Severity
from iop_tui.kernel.errors import NotFound, NotReady, RoleRefused
from iop_tui.kernel.text import initials
from iop_tui.store.views.view import Changes
from iop_tui.store.work import Work
from iop_tui.workspace import Workspace

REGISTRARS = roles.REGISTRARS
SORTS = {"name": "p.sort_key, p.id", "last note": "last_note DESC, p.sort_key", "drafts": "drafts DESC, p.sort_key"}


@dataclass(frozen=True, slots=True)
class CaseloadLine:
    """One person in the caseload. Who has no key to the directory sees id and initials only."""

    id: bytes
    name: str
    initials: str
    birth_date: str
    pronouns: str
    last_note: str
    drafts: int
    records: int
    risk: str = ""
    minutes_this_week: int = 0
    trend: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Header:
    """What stands above every chart."""

    id: bytes
    name: str
    pronouns: str
    birth_date: str
    safe_contact: str
    allergies: tuple[str, ...]
    last_note: str
    risk: str
    drafts: int
    team: tuple[tuple[str, str], ...]
    partner_linked: bool
    minutes_this_week: int = 0
    deceased: bool = False
    opens: frozenset[str] = frozenset()
    """The kinds of compartment of this person that this user holds a key to."""


def may_register(ws: Workspace) -> bool:
    """Whether this user's role registers people."""
    return bool((REGISTRARS | roles.CLINICIANS) & set(ws.user.roles))


def add_person(
    ws: Workspace, work: Work, person: Person, *, received: bytes = b"", source: str = ""
) -> tuple[bytes, ChartMap | None]:
    """Register a person inside a larger write; (person id, chart map).

    A registrar without a key to directory entries (an administrator) deposits the entry with the front desk.
    """
    if not may_register(ws):
        raise RoleRefused("Your role does not register people.", "Ask the front desk.")
    identifier = ws.rng.token(16)
    short = initials(f"{person.given} {person.family}")
    chart: ChartMap | None = None
    if policy.may_be_member(Kind.DIR, ws.user.roles):
        chart = chartkeys.open_chart(ws.session, work, identifier, short)
        home = charts.reserved_id(chart, Kind.DIR)
        put(ws.session, work, home, PERSON, person, person=identifier, received=received, source=source)
    else:
        stored = PERSON.encode(person).decode()
        arrival = charts.Arrival(kind=PERSON.kind, version=PERSON.version, entry=stored, initials=short)
        chartkeys.announce(ws.session, work, identifier, arrival, received=received, source=source)
    ws.session.note(work, "register", person=identifier, category=Kind.DIR)
    return identifier, chart


def register(ws: Workspace, person: Person) -> tuple[bytes, Changes]:
    """Register a person. Raises `NotReady` where the rules refuse the entry, `RoleRefused`, `NoKey`."""
    _refuse_unready(ws, person)
    work = ws.work()
    identifier, chart = add_person(ws, work, person)
    own = [role for role in ws.user.roles if role in (roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR)]
    if chart is not None and own and not roles.ASSIGNERS & set(ws.user.roles):
        chartkeys.assign(ws.session, work, identifier, ws.user.user, own[0], since=local_date(work.at_ms), chart=chart)
    return identifier, ws.commit(work)


def entry(ws: Workspace, person: bytes) -> Person:
    """The directory entry as it stands, for editing. Raises `NotFound`."""
    row = ws.view.one(
        "SELECT r.doc, r.version FROM person p JOIN record r ON r.record = p.record WHERE p.id = ?", (person,)
    )
    if row is None:
        raise NotFound
    return PERSON.decode(row[0], row[1])


def change(ws: Workspace, person: bytes, entry: Person) -> Changes:
    """A new version of the directory entry. Raises `NotReady`, `NoKey` for who may not write it, `NotFound`."""
    _refuse_unready(ws, entry)
    row = ws.view.one(
        "SELECT r.record, r.leaf, r.compartment FROM person p JOIN record r ON r.record = p.record WHERE p.id = ?",
        (person,),
    )
    if row is None:
        raise NotFound
    if not REGISTRARS & set(ws.user.roles):
        raise RoleRefused("Your role does not change directory entries.", "Ask the front desk.")
    work = ws.work()
    put(ws.session, work, row[2], PERSON, entry, person=person, record=row[0], parents=(row[1],))
    ws.session.note(work, "write", person=person, category=Kind.DIR, subject=row[0], detail=PERSON.kind)
    return ws.commit(work)


def findings(ws: Workspace, entry: Person) -> tuple[Finding, ...]:
    """What the rules say of a directory entry now."""
    return PERSON.findings(entry, RuleContext(local_date(ws.clock.now_ms())))


def _refuse_unready(ws: Workspace, entry: Person) -> None:
    refused = [item for item in findings(ws, entry) if item.severity is Severity.REFUSE]
    if refused:
        raise NotReady(refused[0].message, "Complete the entry, then save again.")


def assign(ws: Workspace, person: bytes, user: bytes, role: str) -> Changes:
    """Make a user part of a person's care. Raises `WallRefused`, `RoleRefused`, `NotFound`, and `RuleRefused` where
    both sides of a couple would share a supervisor (CR-16); a refusal is audited.
    """
    with attempted(ws.session, "assign", person=person, subject=user):
        check_assignment(ws, person, user, role)
        work = ws.work()
        chartkeys.assign(ws.session, work, person, user, role, since=local_date(work.at_ms))
        return ws.commit(work)


def end_care(ws: Workspace, person: bytes, user: bytes) -> Changes:
    """End a user's part in a person's care: their keys are revoked at once and get new generations. Raises
    `RoleRefused`, `NoKey`.
    """
    if not roles.ASSIGNERS & set(ws.user.roles) and user != ws.user.user:
        raise RoleRefused(
            "Ending a clinician's part is done by the front desk, the medical director or the privacy officer."
        )
    work = ws.work()
    chartkeys.end_care(ws.session, work, person, user)
    changes = ws.commit(work)
    changes.merge(settle(ws.session))
    return changes


_LAST = (
    "(SELECT max(service_date) FROM record n WHERE n.person = p.id AND n.kind IN ('progress_note', 'received_note')"
    f" AND n.record NOT IN {VOIDED})"
)
_DRAFTS = "(SELECT count(*) FROM record n WHERE n.person = p.id AND n.status = 'draft' AND n.author = ?)"


_RISK = (
    "(SELECT json_extract(n.doc, '$.risk') FROM record n WHERE n.person = p.id AND n.kind = 'progress_note'"
    f" AND n.record NOT IN {VOIDED} ORDER BY n.service_date DESC, n.id DESC LIMIT 1)"
)
_WEEK = (
    "(SELECT coalesce(sum(f.value), 0) FROM fact f WHERE f.person = p.id AND f.key = 'minutes'"
    f" AND f.on_date >= ? AND f.on_date <= ? AND f.record NOT IN {VOIDED})"
)
TREND, TREND_LENGTH = "PHQ-9", 8
_TREND = (
    "(SELECT group_concat(value) FROM (SELECT f.value FROM fact f WHERE f.person = p.id AND f.key = ?"
    f" ORDER BY f.on_date DESC LIMIT {TREND_LENGTH}))"
)


def caseload(
    ws: Workspace, *, text: str = "", sort: str = "name", limit: int = 100, offset: int = 0
) -> list[CaseloadLine]:
    """People this user knows of, a page at a time. `text` filters on the start of any word of the name."""
    where, parameters = _filter(text)
    monday, today = _week(ws)
    rows = ws.view.rows(
        f"SELECT p.id, p.name, p.initials, p.birth_date, p.pronouns, {_LAST} AS last_note, {_DRAFTS} AS drafts,"
        f" (SELECT count(*) FROM record n WHERE n.person = p.id), {_RISK}, {_WEEK}, {_TREND} FROM person p"
        f" {where} ORDER BY {SORTS.get(sort, SORTS['name'])} LIMIT ? OFFSET ?",
        (ws.user.user, monday, today, TREND, *parameters, limit, offset),
    )
    return [
        CaseloadLine(
            r[0], r[1], r[2], r[3] or "", r[4] or "", r[5] or "", r[6], r[7], r[8] or "", int(r[9]), _trend(r[10])
        )
        for r in rows
    ]


def _trend(values: str | None) -> tuple[float, ...]:
    """Newest-first values of the query, oldest first."""
    return tuple(float(value) for value in reversed(values.split(","))) if values else ()


def _week(ws: Workspace) -> tuple[str, str]:
    """Monday and today."""
    today = local_date(ws.clock.now_ms())
    return today.fromordinal(today.toordinal() - today.weekday()).isoformat(), today.isoformat()


def _filter(text: str) -> tuple[str, tuple[Any, ...]]:
    words = [word.casefold().replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") for word in text.split()]
    if not words:
        return "", ()
    clause = " AND ".join(r"(' ' || p.sort_key || ' ' || lower(p.name)) LIKE ? ESCAPE '\'" for _ in words)
    return f"WHERE {clause}", tuple(f"% {word}%" for word in words)


def caseload_count(ws: Workspace, text: str = "") -> int:
    """How many people `caseload` would list in all."""
    where, parameters = _filter(text)
    row = ws.view.one(f"SELECT count(*) FROM person p {where}", parameters)
    return int(row[0]) if row else 0


def registered(ws: Workspace) -> list[CaseloadLine]:
    """People by id and initials, for who holds the registry but not the directory."""
    rows = ws.view.rows(
        "SELECT r.person, r.title FROM record r WHERE r.kind = 'registration' AND NOT EXISTS (SELECT 1 FROM"
        " person p WHERE p.id = r.person)"
        " ORDER BY r.title, r.person",
    )
    return [CaseloadLine(row[0], row[1], row[1], "", "", "", 0, 0) for row in rows]


def header(ws: Workspace, person: bytes) -> Header:
    """The chart's header. Raises `NotFound`."""
    row = ws.view.one("SELECT name, pronouns, birth_date, safe_contact, deceased FROM person WHERE id = ?", (person,))
    if row is None:
        raise NotFound
    allergies = ws.view.rows(
        "SELECT title FROM record WHERE person = ? AND kind = 'allergy' ORDER BY title LIMIT 6", (person,)
    )
    last = ws.view.one(
        "SELECT service_date, json_extract(doc, '$.risk') FROM record WHERE person = ? AND kind = 'progress_note'"
        f" AND record NOT IN {VOIDED} ORDER BY service_date DESC, id DESC LIMIT 1",
        (person,),
    )
    drafts = ws.view.one(
        "SELECT count(*) FROM record WHERE person = ? AND status = 'draft' AND author = ?", (person, ws.user.user)
    )
    linked = ws.view.one("SELECT 1 FROM record WHERE kind = 'couple_link' AND person = ? LIMIT 1", (person,))
    return Header(
        person,
        row[0],
        row[1] or "",
        row[2] or "",
        row[3] or "",
        tuple(item[0] for item in allergies),
        (last[0] or "") if last else "",
        (last[1] or "") if last else "",
        drafts[0] if drafts else 0,
        team(ws, person),
        linked is not None,
        _week_minutes(ws, person),
        bool(row[4]),
        _opens(ws, person),
    )


def _opens(ws: Workspace, person: bytes) -> frozenset[str]:
    rows = ws.view.rows(
        "SELECT DISTINCT c.kind FROM compartment c JOIN keyring k ON k.compartment = c.id WHERE c.person = ?", (person,)
    )
    return frozenset(str(row[0]) for row in rows)


def _week_minutes(ws: Workspace, person: bytes) -> int:
    row = ws.view.one(
        "SELECT coalesce(sum(value), 0) FROM fact WHERE person = ? AND key = 'minutes' AND on_date BETWEEN ? AND ?"
        f" AND record NOT IN {VOIDED}",
        (person, *_week(ws)),
    )
    return int(row[0]) if row else 0


def team(ws: Workspace, person: bytes) -> tuple[tuple[str, str], ...]:
    """(name, role) of everyone in a person's care, as far as this user may know, by role."""
    members = [(ws.session.card(fact.user).name, fact.role) for fact in charts.care_facts(ws.session, person)]
    return tuple(sorted(members, key=lambda member: (member[1], member[0].casefold())))


def show_name(person: Person) -> str:
    """The name lists show."""
    return full_name(person)


def neighbour(ws: Workspace, person: bytes, by: int) -> bytes | None:
    """The person before or after another in the caseload by name, or None at its end."""
    sign, order = (">", "ASC") if by > 0 else ("<", "DESC")
    row = ws.view.one(
        f"SELECT id FROM person WHERE (sort_key, id) {sign} (SELECT sort_key, id FROM person WHERE id = ?)"
        f" ORDER BY sort_key {order}, id {order} LIMIT 1",
        (person,),
    )
    return bytes(row[0]) if row else None
