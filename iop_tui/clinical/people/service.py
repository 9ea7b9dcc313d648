"""Registering people, the caseload, the chart's header, the care team. Headless: screens and commands call the
same functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from iop_tui.access import chartkeys, charts, roles
from iop_tui.access.charts import ChartMap
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import program_compartment, put
from iop_tui.clinical.people.model import PERSON, Person, full_name
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import RuleContext, Severity
from iop_tui.kernel.errors import NotFound, NotReady, RoleRefused
from iop_tui.kernel.text import initials
from iop_tui.store.view import Changes
from iop_tui.store.work import Work
from iop_tui.workspace import Workspace

REGISTRARS = frozenset({roles.FRONT_DESK, roles.ADMINISTRATOR, roles.MEDICAL_DIRECTOR, roles.PRIVACY_OFFICER})
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


def add_person(
    ws: Workspace, work: Work, person: Person, *, received: bytes = b"", source: str = ""
) -> tuple[bytes, ChartMap | None]:
    """Register a person inside a larger write; (person id, chart map).

    A registrar without a key to directory entries (an administrator) deposits the entry with the front desk.
    """
    if not (REGISTRARS | roles.CLINICIANS) & set(ws.user.roles):
        raise RoleRefused("Your role does not register people.", "Ask the front desk.")
    identifier = ws.rng.token(16)
    short = initials(f"{person.given} {person.family}")
    try:
        chart: ChartMap | None = chartkeys.open_chart(ws.session, work, identifier, short)
    except RoleRefused:
        raise
    home = charts.reserved_id(chart, Kind.DIR) if chart else program_compartment(ws.session, Kind.DESK)
    put(ws.session, work, home, PERSON, person, person=identifier, received=received, source=source)
    ws.session.note(work, "register", person=identifier, category=Kind.DIR)
    return identifier, chart


def register(ws: Workspace, person: Person) -> tuple[bytes, Changes]:
    """Register a person. Raises `NotReady` where the rules refuse the entry, `RoleRefused`, `NoKey`."""
    findings = PERSON.findings(person, RuleContext(local_date(ws.clock.now_ms())))
    refused = [item for item in findings if item.severity is Severity.REFUSE]
    if refused:
        raise NotReady(refused[0].message, "Complete the entry, then save again.")
    work = ws.work()
    identifier, chart = add_person(ws, work, person)
    own = [role for role in ws.user.roles if role in (roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR)]
    if chart is not None and own and not chartkeys.ASSIGNERS & set(ws.user.roles):
        chartkeys.assign(ws.session, work, identifier, ws.user.user, own[0], since=local_date(work.at_ms), chart=chart)
    return identifier, ws.commit(work)


def assign(ws: Workspace, person: bytes, user: bytes, role: str) -> Changes:
    """Make a user part of a person's care. Raises `WallRefused`, `RoleRefused`, `NotFound`."""
    work = ws.work()
    chartkeys.assign(ws.session, work, person, user, role, since=local_date(work.at_ms))
    return ws.commit(work)


_LAST = (
    "(SELECT max(service_date) FROM record n WHERE n.person = p.id AND n.kind IN ('progress_note', 'received_note'))"
)
_DRAFTS = "(SELECT count(*) FROM record n WHERE n.person = p.id AND n.status = 'draft' AND n.author = ?)"


def caseload(
    ws: Workspace, *, text: str = "", sort: str = "name", limit: int = 100, offset: int = 0
) -> list[CaseloadLine]:
    """People this user knows of, a page at a time. `text` filters on the start of any word of the name."""
    where, parameters = _filter(text)
    rows = ws.view.rows(
        f"SELECT p.id, p.name, p.initials, p.birth_date, p.pronouns, {_LAST} AS last_note, {_DRAFTS} AS drafts,"
        " (SELECT count(*) FROM record n WHERE n.person = p.id) FROM person p"
        f" {where} ORDER BY {SORTS.get(sort, SORTS['name'])} LIMIT ? OFFSET ?",
        (ws.user.user, *parameters, limit, offset),
    )
    return [CaseloadLine(r[0], r[1], r[2], r[3] or "", r[4] or "", r[5] or "", r[6], r[7]) for r in rows]


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
        " ORDER BY service_date DESC, id DESC LIMIT 1",
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
    )


def _week_minutes(ws: Workspace, person: bytes) -> int:
    today = local_date(ws.clock.now_ms())
    monday = today.fromordinal(today.toordinal() - today.weekday())
    row = ws.view.one(
        "SELECT coalesce(sum(value), 0) FROM fact WHERE person = ? AND key = 'minutes' AND on_date >= ? AND"
        " on_date <= ?",
        (person, monday.isoformat(), today.isoformat()),
    )
    return int(row[0]) if row else 0


def team(ws: Workspace, person: bytes) -> tuple[tuple[str, str], ...]:
    """(name, role) of everyone in a person's care, as far as this user may know."""
    return tuple((ws.session.card(fact.user).name, fact.role) for fact in charts.care_facts(ws.session, person))


def show_name(person: Person) -> str:
    """The name lists show."""
    return full_name(person)
