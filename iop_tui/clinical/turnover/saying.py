"""What an act will give and what it will not, said before it is done. Read from the keys as they are now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from iop_tui.access import charts, handover, policy, roles
from iop_tui.access.explain import wrapped
from iop_tui.access.policy import Kind
from iop_tui.clinical.turnover import planning
from iop_tui.clinical.turnover.naming import PART_WORDS, listed, user_name
from iop_tui.clinical.turnover.planning import PlanLine
from iop_tui.clinical.turnover.team import only_holder
from iop_tui.kernel.errors import NotFound
from iop_tui.workspace import Workspace

ALONE = "Private notes, safety entries and what was told in confidence stay with who wrote them."
NO_OTHER = "give any other part of the record: that needs the person's own authorization."
NEVER_ALONE = "give private notes, safety entries or what was told in confidence."
STAYS_READ = "What was read stays read; a laptop that does not exchange keeps what it had until it does."


@dataclass(frozen=True, slots=True)
class Said:
    """An act in words: what it does, what it does not, what already stands against it (empty for nothing), and what
    no act can take back.
    """

    gives: tuple[str, ...]
    never: tuple[str, ...]
    against: str = ""
    stays: str = ""

    def text(self) -> str:
        """Ready to read."""
        head = [f"Refused: {self.against}"] if self.against else [f"Will: {line}" for line in self.gives]
        tail = [f"Know: {self.stays}"] if self.stays else []
        return "\n".join((*head, *(f"Will not: {line}" for line in self.never), *tail))


def assigning(ws: Workspace, person: bytes, user: bytes, role: str) -> Said:
    """What an assignment would give. Raises `NotFound` without the directory entry."""
    if role == roles.SUPERVISOR:
        return Said(("name a supervisor. No key goes with it: they read what a colleague shares, with a reason and an"
                     " end.",), (NEVER_ALONE,))  # fmt: skip
    chart = charts.chart_of(ws.session, person)
    at_once, later = [PART_WORDS[Kind.DIR]], dict[str, list[str]]()
    for target in handover.part_targets(ws.session, person, role):
        if ws.session.holds(charts.reserved_id(chart, target.kind)):
            at_once.append(PART_WORDS[target.kind])
            continue
        for reader in wrapped(ws.session, target.id, target.kind):
            if reader.via == "member" and reader.user != user:
                later.setdefault(reader.name, []).append(PART_WORDS[target.kind])
    gives = [f"give the {listed(tuple(at_once))} at once."]
    gives += [f"let {name} hand over: {listed(tuple(parts))}." for name, parts in sorted(later.items())]
    return Said(tuple(gives), (NEVER_ALONE, NO_OTHER))


def moving(ws: Workspace, frm: bytes, to: bytes, line: PlanLine, until: date | None = None) -> Said:
    """What a transfer of one person, or a stand-in, would give."""
    giver, receiver = user_name(ws, frm), user_name(ws, to)
    parts = listed(parts_in_words(ws, frm, line.subject, line.role))
    if until is not None:
        gives: tuple[str, ...] = (
            f"give {receiver} the {parts}, with keys that end by themselves on {until.isoformat()}.",
            f"leave {giver} everything; what {receiver} writes stays in the record.",
        )
    else:
        gives = (f"give {receiver} the {parts}, old notes included.", f"end {giver}'s keys to it, after that.")
    against = line.says if line.state == planning.REFUSED else ""
    never = (f"move what {giver} kept alone: private notes and safety entries.",)
    return Said(gives, never, against, STAYS_READ)


def parts_in_words(ws: Workspace, user: bytes, subject: bytes, role: str) -> tuple[str, ...]:
    """The parts of the record that a user's part comes with and that they can open now."""
    try:
        part = planning.part_of(ws, subject, role)
    except NotFound:
        return ()
    held = [
        target.kind for target in part.targets
        if any(reader.user == user for reader in wrapped(ws.session, target.id, target.kind))
    ]  # fmt: skip
    return (PART_WORDS[Kind.DIR], *(PART_WORDS[kind] for kind in held))


def ending(ws: Workspace, person: bytes, user: bytes, role: str) -> Said:
    """What the end of a part takes, and what would be left without anybody to open it."""
    name, facts = user_name(ws, user), charts.care_facts(ws.session, person)
    fact = next((one for one in facts if (one.user, one.role) == (user, role)), None)
    if fact is None:
        raise NotFound
    rest = tuple(one.role for one in facts if one.user == user and one.role != role)
    going = [part for part in _opened(ws, person, user) if not policy.may_be_member(part, rest)]
    alone = only_holder(ws, fact, facts)
    against = f"Only {name} can open the {listed(alone)}. Transfer the part to a colleague first." if alone else ""
    words = listed(tuple(PART_WORDS[kind] for kind in going))
    gives = (f"end {name}'s keys ({words}) at once; what is written afterwards has new keys.",)
    return Said(gives, (f"take back what {name} kept alone about this person.",), against, STAYS_READ)


def _opened(ws: Workspace, person: bytes, user: bytes) -> list[str]:
    chart = charts.chart_of(ws.session, person)
    return [
        str(kind) for kind in policy.PERSON_KINDS
        if any(reader.user == user for reader in wrapped(ws.session, charts.reserved_id(chart, kind), kind))
    ]  # fmt: skip
