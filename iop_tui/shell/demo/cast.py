"""Who works in a demo program: the same people in every demo of a size, so that the prompt can name them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iop_tui.access import roles

_GIVEN = (
    "Amara", "Bjarne", "Chidi", "Delphine", "Emre", "Freya", "Goran", "Hana", "Isandro", "Jelena", "Kofi", "Linnea",
    "Mateo", "Nia", "Olamide", "Petra", "Quentin", "Rosalind", "Soren", "Tamsin", "Umut", "Viola", "Wiremu", "Ximena",
    "Yusuf", "Zelda",
)  # fmt: skip
_SURNAMES = ("Example", "Sample", "Specimen", "Pretend", "Fictional", "Imaginary", "Placeholder", "Mockup")


@dataclass(frozen=True, slots=True)
class Member:
    """One user of a demo program."""

    name: str
    roles: tuple[str, ...]


FOUNDER = Member("Alex Founder", (roles.ADMINISTRATOR, roles.PRIVACY_OFFICER))
_CORE = (
    Member("Dana Example", (roles.INDIVIDUAL_THERAPIST,)),
    Member("Ravi Sample", (roles.INDIVIDUAL_THERAPIST,)),
    Member("Mei Specimen", (roles.INDIVIDUAL_THERAPIST, roles.SUPERVISOR)),
    Member("Tomas Pretend", (roles.COUPLES_THERAPIST,)),
    Member("Ines Fictional", (roles.COUNSELOR,)),
    Member("Jo Imaginary", (roles.COUNSELOR,)),
    Member("Sam Placeholder", (roles.SUPERVISOR,)),
    Member("Priya Mockup", (roles.MEDICAL_DIRECTOR,)),
    Member("Kim Standin", (roles.FRONT_DESK,)),
    Member("Bo Sandbox", (roles.BILLER,)),
    Member("Lee Proforma", (roles.ADMINISTRATOR,)),
    Member("Ada Trial", (roles.AUDITOR,)),
    Member("Noor Prototype", (roles.PRIVACY_OFFICER,)),
)
# How many more therapists, counselors and couples therapists a larger program has.
_MORE = {"small": (0, 0, 0), "clinic": (5, 2, 2), "large": (21, 8, 4)}


def cast(size: str) -> tuple[Member, ...]:
    """Everyone of a program of this size, the founder first."""
    names = _names()
    more = [
        Member(next(names), (role,))
        for role, count in zip(
            (roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR, roles.COUPLES_THERAPIST), _MORE[size], strict=True
        )
        for _ in range(count)
    ]
    return (FOUNDER, *_CORE, *more)


def everyone() -> tuple[Member, ...]:
    """All users that a demo of any size has, each once."""
    found = {member.name: member for size in _MORE for member in cast(size)}
    return tuple(found.values())


def _names() -> Iterator[str]:
    return (
        f"{given} {_SURNAMES[(index + turn) % len(_SURNAMES)]}"
        for turn in range(2)
        for index, given in enumerate(_GIVEN)
    )
