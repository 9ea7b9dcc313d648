"""Which column of a client list is which field: synonyms that practice systems document, a mapping a person confirms.

Sources: the published import notes of products that accept each other's lists (their column names only).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FIELDS: dict[str, tuple[str, ...]] = {
    "given": ("first name", "firstname", "given name", "given", "legal first name", "client first name", "first"),
    "middle": ("middle name", "middle", "legal middle name", "middle initial"),
    "family": ("last name", "lastname", "surname", "family name", "legal last name", "client last name", "last"),
    "name": ("client", "name", "full name", "client name", "patient", "patient name"),
    "preferred_name": ("preferred name", "goes by", "nickname", "name they go by", "preferred first name"),
    "birth_date": ("date of birth", "dob", "birth date", "birthdate", "birthday", "born"),
    "sex_at_birth": ("sex", "sex at birth", "birth sex", "assigned sex"),
    "pronouns": ("pronouns", "preferred pronouns"),
    "phone": ("phone", "mobile", "mobile phone", "cell", "cell phone", "phone number", "telephone", "primary phone"),
    "email": ("email", "e-mail", "email address", "e-mail address"),
    "address": ("address", "street", "address 1", "street address", "address line 1"),
    "address_2": ("address 2", "address line 2", "apartment", "unit", "suite"),
    "city": ("city", "town"),
    "state": ("state", "province", "region"),
    "postal": ("zip", "postal", "zip code", "postal code", "zipcode"),
    "country": ("country",),
    "language": ("language", "preferred language"),
    "safe_contact": ("safe contact", "contact permission", "how to reach"),
    "client_id": ("client id", "id", "patient id", "chart number", "mrn", "record number", "account number"),
    "kind": ("client type", "type"),
}
"""Field → headings that mean it, in plain words: case, marks and `*` do not count."""

LEFT_OUT = ""
_MARKS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """The fields of a list by column number, each with its heading; headings nothing was made of, and those a person
    named in vain.
    """

    fields: dict[int, str]
    named: tuple[tuple[str, str], ...]
    unused: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def names_people(self) -> bool:
        """Whether a name can be made of it."""
        return bool({"name", "given", "family"} & set(self.fields.values()))


def plain(heading: str) -> str:
    """A heading without case, marks and the asterisk of required columns."""
    return _MARKS.sub(" ", heading.casefold()).strip()


_BY_WORDS = {plain(word): name for name, words in FIELDS.items() for word in words}


def guess(headings: Sequence[str], chosen: Mapping[str, str]) -> ColumnMap:
    """What each column is: a person's choice first, then the synonyms; a field is taken once, by the first column."""
    wanted = {plain(heading): name for heading, name in chosen.items()}
    fields: dict[int, str] = {}
    for number, heading in enumerate(headings):
        if plain(heading) in wanted and wanted[plain(heading)]:
            fields[number] = wanted[plain(heading)]
    for number, heading in enumerate(headings):
        name = _BY_WORDS.get(plain(heading), "")
        if name and plain(heading) not in wanted and name not in fields.values():
            fields[number] = name
    unused = tuple(heading for number, heading in enumerate(headings) if number not in fields and heading.strip())
    known = {plain(heading) for heading in headings}
    named = tuple((headings[number], name) for number, name in sorted(fields.items()))
    return ColumnMap(fields, named, unused, tuple(heading for heading in chosen if plain(heading) not in known))
