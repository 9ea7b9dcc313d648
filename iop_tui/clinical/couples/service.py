"""Linking couples. The link is a directory-level fact of both people and of nobody else's chart."""

from __future__ import annotations

from dataclasses import dataclass

from iop_tui.access import chartkeys, charts
from iop_tui.access.attempts import attempted
from iop_tui.kernel.ids import parse_id
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace


@dataclass(frozen=True, slots=True)
class CoupleLine:
    """A couple as lists show it; names are empty for who holds no key to that partner's directory entry."""

    id: bytes
    a: bytes
    b: bytes
    a_name: str
    b_name: str
    therapist: bytes
    therapist_name: str
    ended: str


def link(ws: Workspace, a: bytes, b: bytes, therapist: bytes) -> tuple[bytes, Changes]:
    """Link two people and their couples therapist; (couple id, changes). Raises `WallRefused`, `RoleRefused`,
    `NotFound`.
    """
    with attempted(ws.session, "link-couple", person=a):
        work = ws.work()
        identifier = chartkeys.link_couple(ws.session, work, a, b, therapist)
        return identifier, ws.commit(work)


def couples(ws: Workspace) -> list[CoupleLine]:
    """Couples this user knows of."""
    found = []
    for identifier, item in charts.couple_links(ws.session).items():
        a, b, therapist = parse_id(item.a), parse_id(item.b), parse_id(item.therapist)
        found.append(
            CoupleLine(
                identifier,
                a,
                b,
                _name(ws, a),
                _name(ws, b),
                therapist,
                ws.session.card(therapist).name,
                item.ended.isoformat() if item.ended else "",
            )
        )
    return sorted(found, key=lambda line: (line.a_name, line.b_name, line.id))


def _name(ws: Workspace, person: bytes) -> str:
    row = ws.view.one("SELECT name FROM person WHERE id = ?", (person,))
    return str(row[0]) if row else ""
