"""CR-1, the wall: nobody holds keys to protected compartments of both partners.

Pure functions over care-team facts. The couples therapist is neither partner's individual therapist nor
their counselor; a medical director treats one partner at most and gets shares of the other's record. Checked at
assignment, at linking, and when two copies of the log meet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from iop_tui.access import roles
from iop_tui.kernel.errors import RuleRefused, WallRefused

_INDIVIDUAL = frozenset({roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR, roles.MEDICAL_DIRECTOR})


@dataclass(frozen=True, slots=True)
class CareFact:
    """A user's part in a person's care. `at_ms` and `id` order facts when copies meet. `until_ms`: who stands in for a
    colleague has it until then; 0 without an end.
    """

    user: bytes
    person: bytes
    role: str
    at_ms: int = 0
    id: bytes = b""
    until_ms: int = 0


@dataclass(frozen=True, slots=True)
class CoupleFact:
    """Two linked people and their couples therapist."""

    id: bytes
    a: bytes
    b: bytes
    therapist: bytes
    at_ms: int = 0

    def partner(self, person: bytes) -> bytes | None:
        """The other partner, or None for somebody outside this couple."""
        return self.b if person == self.a else self.a if person == self.b else None


def check_assignment(new: CareFact, team: Iterable[CareFact], couples: Iterable[CoupleFact]) -> None:
    """Raise `WallRefused` where an assignment would put one user on both sides of a couple."""
    facts = tuple(team)
    for couple in couples:
        other = couple.partner(new.person)
        if other is None or new.role not in _INDIVIDUAL:
            continue
        if new.user == couple.therapist:
            raise WallRefused("The couples therapist of this person's couple cannot treat one partner alone.")
        if any(f.user == new.user and f.person == other and f.role in _INDIVIDUAL for f in facts):
            raise WallRefused("This clinician treats or treated the other partner of a couple.")


def check_link(a: bytes, b: bytes, therapist: bytes, team: Iterable[CareFact]) -> None:
    """Raise `WallRefused` where linking two people would put one user on both sides, `RuleRefused` for one person
    twice.
    """
    if a == b:
        raise RuleRefused("couple.same_person", "A couple needs two different people.", "Choose the partner's id.")
    on_a = {f.user for f in team if f.person == a and f.role in _INDIVIDUAL}
    on_b = {f.user for f in team if f.person == b and f.role in _INDIVIDUAL}
    if on_a & on_b:
        raise WallRefused(
            "Both people are or were treated by the same clinician.", "Couples work then needs another program."
        )
    if therapist in on_a | on_b:
        raise WallRefused("The couples therapist treats or treated one of the partners alone.")


def suspended(
    team: Iterable[CareFact],
    couples: Iterable[CoupleFact],
    lifted: frozenset[tuple[bytes, bytes, bytes]] = frozenset(),
) -> tuple[bytes, ...]:
    """Ids of the facts that lose when copies meet: of two that break the wall together, the later one.

    Order-independent: facts are sorted by (time, id) before they are weighed. `lifted`: (couple, user, person) for whom
    that couple's wall stands no more.
    """
    kept: list[CareFact] = []
    lost: list[bytes] = []
    walls = tuple(couples)
    paired = {person for couple in walls for person in (couple.a, couple.b)}
    # Facts about people of no couple can neither lose nor make another one lose.
    for fact in sorted((one for one in team if one.person in paired), key=lambda item: (item.at_ms, item.id)):
        links = [couple for couple in walls if (couple.id, fact.user, fact.person) not in lifted]
        try:
            check_assignment(fact, kept, [c for c in links if c.at_ms <= fact.at_ms or c.therapist == fact.user])
            for couple in links:
                if couple.at_ms > fact.at_ms:
                    check_assignment(fact, kept, [couple])
        except WallRefused:
            lost.append(fact.id)
        else:
            kept.append(fact)
    return tuple(lost)
