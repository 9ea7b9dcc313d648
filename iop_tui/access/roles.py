"""Roles, and which of them one person may hold together.

A role gives nothing by itself: it says to whom a key may be sealed. Unions follow separation of duties
(NIST SP 800-53 AC-5); a clinic of two or three needs some, so the table says what each then rules out.
"""

from __future__ import annotations

from dataclasses import dataclass

from iop_tui.kernel.errors import RoleRefused

INDIVIDUAL_THERAPIST = "individual therapist"
COUPLES_THERAPIST = "couples therapist"
COUNSELOR = "drug-and-alcohol counselor"
SUPERVISOR = "supervisor"
MEDICAL_DIRECTOR = "medical director"
ADMINISTRATOR = "administrator"
BILLER = "biller"
FRONT_DESK = "front desk"
AUDITOR = "auditor"
PRIVACY_OFFICER = "privacy officer"

ROLES = (
    INDIVIDUAL_THERAPIST,
    COUPLES_THERAPIST,
    COUNSELOR,
    SUPERVISOR,
    MEDICAL_DIRECTOR,
    ADMINISTRATOR,
    BILLER,
    FRONT_DESK,
    AUDITOR,
    PRIVACY_OFFICER,
)
ASSIGNERS = frozenset({FRONT_DESK, MEDICAL_DIRECTOR, PRIVACY_OFFICER, SUPERVISOR})
"""Whose word makes somebody part of a person's care, or links a couple."""

REGISTRARS = frozenset({FRONT_DESK, ADMINISTRATOR, MEDICAL_DIRECTOR, PRIVACY_OFFICER})
"""Whose office it is to register people and to change their directory entries."""

CLINICIANS = frozenset({INDIVIDUAL_THERAPIST, COUPLES_THERAPIST, COUNSELOR, MEDICAL_DIRECTOR})


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Two roles one person may not hold together, and why."""

    first: str
    second: str
    reason: str


@dataclass(frozen=True, slots=True)
class Union:
    """Roles a small clinic may put on one person, and what is then impossible."""

    roles: frozenset[str]
    then_impossible: str


EXCLUSIONS = (
    Exclusion(AUDITOR, ADMINISTRATOR, "an administrator would read the log of their own acts"),
    Exclusion(AUDITOR, INDIVIDUAL_THERAPIST, "an auditor would review their own charting"),
    Exclusion(AUDITOR, COUPLES_THERAPIST, "an auditor would review their own charting"),
    Exclusion(AUDITOR, COUNSELOR, "an auditor would review their own charting"),
    Exclusion(AUDITOR, MEDICAL_DIRECTOR, "an auditor would review their own orders"),
    Exclusion(AUDITOR, BILLER, "an auditor would review their own claims"),
)

UNIONS = (
    Union(
        frozenset({ADMINISTRATOR, PRIVACY_OFFICER}),
        "The administrator's acts have no independent reader: appoint an auditor.",
    ),
    Union(frozenset({FRONT_DESK, BILLER}), "Registration and billing are not checked by a second person."),
    Union(frozenset({INDIVIDUAL_THERAPIST, COUPLES_THERAPIST}), "They cannot treat a couple and one of its partners."),
    Union(
        frozenset({INDIVIDUAL_THERAPIST, COUNSELOR}),
        "A separate substance-use record from the therapist is not possible for their clients.",
    ),
    Union(frozenset({INDIVIDUAL_THERAPIST, SUPERVISOR}), "They cannot supervise their own charting."),
    Union(frozenset({MEDICAL_DIRECTOR, SUPERVISOR}), "Medical and clinical review fall together."),
)


def check(roles: tuple[str, ...]) -> tuple[str, ...]:
    """The roles in their fixed order. Raises `RoleRefused` for unknown roles, none, or an excluded pair."""
    unknown = sorted(set(roles) - set(ROLES))
    if unknown:
        raise RoleRefused(f"There is no role called {unknown[0]!r}.", f"Roles: {', '.join(ROLES)}.")
    if not roles:
        raise RoleRefused("A user needs at least one role.", f"Roles: {', '.join(ROLES)}.")
    for exclusion in EXCLUSIONS:
        if {exclusion.first, exclusion.second} <= set(roles):
            raise RoleRefused(f"One person cannot be {exclusion.first} and {exclusion.second}: {exclusion.reason}.")
    return tuple(role for role in ROLES if role in roles)


def consequences(roles: tuple[str, ...]) -> tuple[str, ...]:
    """What a union of roles makes impossible, in plain sentences."""
    return tuple(union.then_impossible for union in UNIONS if union.roles <= set(roles))
