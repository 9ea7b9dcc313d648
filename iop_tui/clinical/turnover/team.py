"""The care team of a person as the keys say it, and ending one part of it.

Who opens what is read from live wraps, never from the policy table: the table says what somebody may be given, the
wraps say what they have. The parts (who was named, since when, until when) are the care team's own records.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from iop_tui.access import chartkeys, charts, handover, policy, roles
from iop_tui.access.attempts import attempted
from iop_tui.access.explain import Reader, wrapped
from iop_tui.access.policy import PERSON_KINDS, Kind
from iop_tui.access.settle import settle
from iop_tui.access.wall import CareFact
from iop_tui.clinical.turnover.naming import PART_WORDS, listed, user_name
from iop_tui.clinical.turnover.service import assigns
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.errors import NotFound, RoleRefused, RuleRefused
from iop_tui.kernel.ids import parse_id
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace

IN_CARE, STANDS_IN, WAITS, SUSPENDED, OFFICE, WITHOUT = (
    "in care", "stands in", "waits for keys", "suspended", "office", "keys, no part",
)  # fmt: skip
_KINDS = (*PERSON_KINDS, Kind.JNT)


@dataclass(frozen=True, slots=True)
class TeamLine:
    """One part in a person's care, or somebody who holds keys by their office.

    `opens`: the parts of the record that a live key opens now, in words. `waiting_for`: whose hand-over is missing.
    `since` is the day the part began, `until` the day a stand-in ends (None without an end).
    """

    user: bytes
    name: str
    role: str
    state: str
    since: date | None
    until: date | None
    opens: tuple[str, ...]
    waiting_for: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[bytes, str]:
        """What tells the lines apart."""
        return self.user, self.role


@dataclass(slots=True)
class _Held:
    """What one user holds of a chart: part of the record → the live key."""

    name: str
    roles: tuple[str, ...]
    keys: dict[str, Reader] = field(default_factory=dict)


def care_team(ws: Workspace, person: bytes) -> list[TeamLine]:
    """Everybody with a part in a person's care, then who holds keys by their office. Raises `NotFound`."""
    held = _held(ws, person)
    lost = charts.suspended(ws.session)
    facts = charts.care_facts(ws.session, person)
    lines = [_line(ws, fact, held, suspended=fact.id in lost) for fact in facts]
    named = {fact.user for fact in facts}
    lines += [_office(user, found) for user, found in held.items() if user not in named]
    return sorted(lines, key=lambda line: (line.state == OFFICE, line.role, line.name.casefold(), line.user))


def _held(ws: Workspace, person: bytes) -> dict[bytes, _Held]:
    chart = charts.chart_of(ws.session, person)
    places = [(kind, charts.reserved_id(chart, kind)) for kind in PERSON_KINDS]
    for link in charts.couple_links(ws.session).values():
        if link.ended is None and person in (parse_id(link.a), parse_id(link.b)):
            places.append((Kind.JNT, parse_id(link.joint)))
    found: dict[bytes, _Held] = {}
    for kind, place in places:
        for reader in wrapped(ws.session, place, kind):
            found.setdefault(reader.user, _Held(reader.name, reader.roles)).keys[str(kind)] = reader
    return found


def _line(ws: Workspace, fact: CareFact, held: dict[bytes, _Held], *, suspended: bool) -> TeamLine:
    keys = held[fact.user].keys if fact.user in held else {}
    opens = tuple(PART_WORDS[kind] for kind in _KINDS if kind in keys and policy.may_be_member(kind, (fact.role,)))
    missing = () if suspended else _missing(ws, fact, held)
    until = local_date(fact.until_ms) if fact.until_ms else None
    state = SUSPENDED if suspended else WAITS if missing else STANDS_IN if until else IN_CARE
    since = local_date(fact.at_ms)
    return TeamLine(fact.user, user_name(ws, fact.user), fact.role, state, since, until, opens, missing)


def _missing(ws: Workspace, fact: CareFact, held: dict[bytes, _Held]) -> tuple[str, ...]:
    """Colleagues who hold what this part comes with and its holder does not have."""
    own = held[fact.user].keys if fact.user in held else {}
    wanted = [target.kind for target in handover.part_targets(ws.session, fact.person, fact.role)]
    names = {
        other.name
        for user, other in held.items()
        for kind in wanted
        if user != fact.user and kind in other.keys and kind not in own and not _by_office(other.keys[kind])
    }
    return tuple(sorted(names))


def _by_office(reader: Reader) -> bool:
    return reader.via != "member"


def _office(user: bytes, found: _Held) -> TeamLine:
    opens = tuple(PART_WORDS[kind] for kind in _KINDS if kind in found.keys)
    offices = [role for role in found.roles if role not in policy.CARE_ROLES and role != roles.SUPERVISOR]
    by_role = all(policy.may_be_member(kind, tuple(offices)) for kind in found.keys)
    state = OFFICE if offices and by_role else WITHOUT
    since = min((reader.since for reader in found.keys.values() if reader.since), default="")
    day = date.fromisoformat(since[:10]) if since else None
    return TeamLine(user, found.name, listed(tuple(offices or found.roles)), state, day, None, opens)


# -- ending a part -------------------------------------------------------------------------


def end_part(ws: Workspace, person: bytes, user: bytes, role: str) -> Changes:
    """End one part in a person's care: its keys end at once, what is written afterwards has new ones.

    Raises `RoleRefused`; `RuleRefused` where only this colleague could open something (`turnover.last_holder`) and for
    a couples therapist (`turnover.joint_part`); `NotFound`. A refusal is audited.
    """
    with attempted(ws.session, "end-part", person=person, subject=user):
        if not assigns(ws) and user != ws.user.user:
            raise RoleRefused("A part is ended by the front desk, the medical director or the privacy officer.",
                              "Ask one of them, or end your own part.")  # fmt: skip
        if role == roles.COUPLES_THERAPIST:
            raise RuleRefused("turnover.joint_part", "A couples therapist's part does not end by itself.",
                              "Transfer it to a colleague, or end the joint work (guide: separation).")  # fmt: skip
        facts = charts.care_facts(ws.session, person)
        fact = next((one for one in facts if (one.user, one.role) == (user, role)), None)
        if fact is None:
            raise NotFound
        _refuse_last(ws, fact, facts)
        work = ws.work()
        chartkeys.end_part(ws.session, work, fact)
        changes = ws.commit(work)
    changes.merge(settle(ws.session))
    return changes


def _refuse_last(ws: Workspace, fact: CareFact, facts: Iterable[CareFact]) -> None:
    """Nobody leaves as the last who can open something: it would be unreadable for ever."""
    alone = only_holder(ws, fact, facts)
    if alone:
        name = user_name(ws, fact.user)
        raise RuleRefused("turnover.last_holder", f"Only {name} can open the {listed(alone)}: it would become"
                          " unreadable.", "Transfer the part to a colleague first.")  # fmt: skip


def only_holder(ws: Workspace, fact: CareFact, facts: Iterable[CareFact]) -> tuple[str, ...]:
    """The parts of the record that would have no holder left after the end of one part, in words."""
    rest = tuple(one.role for one in facts if one.user == fact.user and one.role != fact.role)
    found = []
    for target in handover.part_targets(ws.session, fact.person, fact.role):
        holders = {reader.user for reader in wrapped(ws.session, target.id, target.kind)}
        if holders == {fact.user} and not policy.may_be_member(target.kind, rest):
            found.append(PART_WORDS[target.kind])
    return tuple(found)
