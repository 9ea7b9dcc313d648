"""What somebody must be told after an unlock about who treats whom: the wall, supervisors, hand-overs, successors."""

from __future__ import annotations

from dataclasses import dataclass

from iop_tui.access import charts, roles
from iop_tui.clinical.staff import api as staff
from iop_tui.clinical.turnover.service import hand_overs_waiting
from iop_tui.workspace import Workspace

_WATCH = frozenset({roles.PRIVACY_OFFICER, roles.MEDICAL_DIRECTOR, roles.FRONT_DESK})


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to see to, about one person or couple, and the rule behind it."""

    subject: bytes
    text: str
    rule: str


def notices(ws: Workspace) -> list[Notice]:
    """Everything this user must be told, the wall first. Names stand in it only where this user knows them."""
    return [*_breaches(ws), *_supervision(ws), *_waiting(ws)]


def _breaches(ws: Workspace) -> list[Notice]:
    if not _WATCH & set(ws.user.roles):
        return []
    facts = charts.care_facts(ws.session)
    lost = charts.suspended(ws.session)
    return [
        Notice(
            fact.person,
            f"{_user(ws, fact.user)} stands on both sides of a couple: the later part, {fact.role} of"
            f" {_person(ws, fact.person)}, is suspended. End it, or choose somebody else.",
            "program rule CR-1",
        )
        for fact in facts
        if fact.id in lost
    ]


def _supervision(ws: Workspace) -> list[Notice]:
    if not _WATCH & set(ws.user.roles):
        return []
    return [
        Notice(
            item.couple,
            f"{_user(ws, item.supervisor)} supervises authors on more than one side of a couple:"
            f" {', '.join(_user(ws, author) for author in item.authors)}.",
            "program rule CR-16",
        )
        for item in staff.conflicts(ws)
        if not item.excepted
    ]


def _waiting(ws: Workspace) -> list[Notice]:
    return [
        Notice(
            person,
            f"{_user(ws, user)} was assigned to {_person(ws, person)} as {role} and waits for your keys"
            " (g w, or `iop-tui transfer`).",
            "program rule CR-1",
        )
        for person, user, role in hand_overs_waiting(ws)
    ]


def _user(ws: Workspace, user: bytes) -> str:
    return ws.session.card(user).name


def _person(ws: Workspace, person: bytes) -> str:
    row = ws.view.one("SELECT name FROM person WHERE id = ?", (person,))
    return str(row[0]) if row else "somebody you have no key to"
