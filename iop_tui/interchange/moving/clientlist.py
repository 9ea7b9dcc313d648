"""Client lists as CSV: sniffed, mapped, every row a person or a reason. A couple's card becomes two people and a
proposed link, never a link.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from iop_tui.interchange.items import PERSON, Mapped, Rejection
from iop_tui.interchange.moving import columns, made
from iop_tui.interchange.moving.columns import ColumnMap
from iop_tui.kernel.text import clean, clean_line

FORM = "client list"
PROPOSAL = "couple_proposal"
MOST_BYTES = 16 << 20
MOST_ROWS = 20_000
_MOST_COLUMNS = 200
_LONGEST_CELL = 20_000
_LOOK_AT = 64 * 1024
_SAID = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
"""What spreadsheets write first to say which separator follows."""
_AND = re.compile(r"\s*(?:&|\+|\band\b)\s*", re.IGNORECASE)
_PHONE = re.compile(r"\+?[\d\s().\-/]{7,25}(?:\s*(?:x|ext\.?)\s*\d{1,6})?\Z", re.IGNORECASE)
_SEXES = {"f": "female", "female": "female", "m": "male", "male": "male", "x": "other", "other": "other"}
_LIMITS = {"given": 120, "family": 120, "preferred_name": 120, "pronouns": 40, "email": 200, "language": 60,
           "safe_contact": 300}  # fmt: skip
NO_PHONE = "a phone number that is not one was left out"
NO_DATE = "a birth date that is not one was left out"
NO_EMAIL = "an e-mail address that is not one was left out"
COUPLE = "one of a couple's card: contact details to be asked of each"
AMBIGUOUS = "day and month of the birth dates could be swapped; read as month/day"


class Refused(Exception):
    """The list as a whole is not read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Table:
    """A list as it was understood: its headings, rows with their line numbers, mapping."""

    headings: tuple[str, ...]
    rows: list[tuple[int, list[str]]]
    mapping: ColumnMap


def table(data: bytes, chosen: Mapping[str, str]) -> Table:
    """The rows of a CSV file. Raises `Refused`."""
    if len(data) > MOST_BYTES:
        raise Refused(f"It is larger than {MOST_BYTES >> 20} MiB.")
    text = _decoded(data)
    csv.field_size_limit(_LONGEST_CELL)
    if said := _SAID.match(text):
        text = "\n" + text[said.end() :]
    delimiter = said[1] if said else _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((reader.line_num, row))
            if len(rows) > MOST_ROWS or len(row) > _MOST_COLUMNS:
                raise Refused(f"It has more than {MOST_ROWS:,} rows or {_MOST_COLUMNS} columns.")
    except csv.Error:
        where = f"near line {reader.line_num}"
        raise Refused(f"It is no regular CSV: an unfinished quote or an endless cell {where}.") from None
    if len(rows) < 2:
        raise Refused("It has no row below its headings.")
    headings = tuple(clean_line(cell) for cell in rows[0][1])
    return Table(headings, rows[1:], columns.guess(headings, chosen))


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif b"\x00" in data:
        raise Refused("It is no text.")
    else:
        encoding = "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _delimiter(text: str) -> str:
    """The separator that gives the headings the most columns; the comma where none does."""
    headings = next((line for line in text[:_LOOK_AT].splitlines() if line.strip()), "")
    return max((",", ";", "\t", "|"), key=lambda mark: len(next(csv.reader([headings], delimiter=mark), [])))


# ---- rows --------------------------------------------------------------------------------------------------


def read(
    data: bytes, file: str, chosen: Mapping[str, str], must: Sequence[str] = ()
) -> Iterator[Mapped | Rejection | ColumnMap]:
    """First the mapping, then every row as its people, or as a refusal that names the row. Raises `Refused`."""
    found = table(data, chosen)
    yield found.mapping
    _check(found, must)
    month_first, doubt = _order(found)
    for line, row in found.rows:
        values = {name: row[number] for number, name in found.mapping.fields.items() if number < len(row)}
        row_flags = (AMBIGUOUS,) if doubt and values.get("birth_date") else ()
        yield from _row(values, file, f"row at line {line}", month_first=month_first, more=row_flags)


def _check(found: Table, must: Sequence[str]) -> None:
    unknown = [name for name in found.mapping.fields.values() if name not in columns.FIELDS]
    if unknown:
        known = ", ".join(columns.FIELDS)
        raise Refused(f"There is no field called {clean_line(unknown[0])}. Fields: {known}.")
    if set(must) & set(found.mapping.unknown):
        raise Refused("A column that was mapped is not in the list: check the spelling of its heading.")
    if not found.mapping.names_people:
        shown = ", ".join(found.headings[:12])
        raise Refused(f"No column holds a name. Its columns: {shown}. Say which is what: --map Column=family.")


def _row(values: dict[str, str], file: str, place: str, *, month_first: bool, more: tuple[str, ...]) -> Iterator[Any]:
    cells = {name: clean(value).strip() for name, value in values.items()}
    names = _names(cells)
    if not names:
        yield Rejection(file, place, "The row names nobody.")
        return
    fields, flags = _fields(cells, month_first=month_first)
    flags += list(more)
    if len(names) == 1:
        given, family = names[0]
        yield _person({**fields, "given": given, "family": family}, cells, file, place, flags)
        return
    yield from _couple(names, cells, file, place)


def _names(cells: dict[str, str]) -> list[tuple[str, str]]:
    """(given, family) of everyone a row names: one, or the two of a couple's card."""
    given = f"{cells.get('given', '')} {cells.get('middle', '')}".strip()
    family = cells.get("family", "")
    if not given and not family:
        return _split_names(clean_line(cells.get("name", "")))
    couple = "couple" in cells.get("kind", "").casefold()
    firsts, lasts = _AND.split(clean_line(given)), _AND.split(clean_line(family))
    marked = any(mark in f"{given} {family}" for mark in "&+")
    if (couple or marked) and (len(firsts) == 2 or len(lasts) == 2):
        pairs = [(firsts[min(n, len(firsts) - 1)], lasts[min(n, len(lasts) - 1)]) for n in (0, 1)]
        return [pair for pair in pairs if any(pair)]
    return [(clean_line(given), clean_line(family))]


def _split_names(text: str) -> list[tuple[str, str]]:
    if not text:
        return []
    whole = [part for part in re.split(r"\s*[&+]\s*", text) if part]
    found = [_split(part) for part in whole[:2]]
    if len(found) == 2 and not found[0][1] and found[1][1]:
        found[0] = (found[0][0], found[1][1])  # "Ana & Ben Quill"
    return found


def _split(text: str) -> tuple[str, str]:
    if "," in text:
        family, _, given = text.partition(",")
        return given.strip(), family.strip()
    given, _, family = text.rpartition(" ")
    return (given, family) if given else (family, "")


def _fields(cells: dict[str, str], *, month_first: bool) -> tuple[dict[str, Any], list[str]]:
    flags = []
    fields: dict[str, Any] = {
        name: clean_line(cells[name])[:limit] for name, limit in _LIMITS.items() if cells.get(name)
    }
    if cells.get("phone"):
        phone = clean_line(cells["phone"])
        if _PHONE.match(phone) and sum(char.isdigit() for char in phone) >= 7:
            fields["phone"] = phone
        else:
            flags.append(NO_PHONE)
    if fields.get("email") and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", fields["email"]):
        del fields["email"]
        flags.append(NO_EMAIL)
    if cells.get("birth_date"):
        born = _date(cells["birth_date"], month_first=month_first)
        fields["birth_date"] = born
        flags += [] if born else [NO_DATE]
    fields["sex_at_birth"] = _SEXES.get(cells.get("sex_at_birth", "").casefold(), "")
    town = f"{cells.get('state', '')} {cells.get('postal', '')}".strip()
    parts = (cells.get("address"), cells.get("address_2"), cells.get("city"), town, cells.get("country"))
    fields["address"] = ", ".join(clean_line(part) for part in parts if part)[:500]
    return fields, flags


_NUMBERS = re.compile(r"(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})(?:[T ].*)?\Z")


def _date(text: str, *, month_first: bool) -> str | None:
    match = _NUMBERS.match(text)
    if match is None:
        return None
    first, second, third = match.groups()
    try:
        if len(first) == 4:
            return date(int(first), int(second), int(third)).isoformat()
        if len(third) != 4:
            return None  # two digits do not say the century
        month, day = (first, second) if month_first and "." not in text else (second, first)
        return date(int(third), int(month), int(day)).isoformat()
    except ValueError:
        return None


def _order(found: Table) -> tuple[bool, bool]:
    """Whether months come first in this list's dates, and whether that is a guess."""
    number = next((number for number, name in found.mapping.fields.items() if name == "birth_date"), -1)
    firsts, seconds = [], []
    for _, row in found.rows:
        match = _NUMBERS.match(row[number].strip()) if 0 <= number < len(row) else None
        if match and len(match[1]) < 4 and "." not in match[0]:
            firsts.append(int(match[1]))
            seconds.append(int(match[2]))
    if any(value > 12 for value in firsts):
        return False, False
    return True, bool(firsts) and not any(value > 12 for value in seconds)


def _key(fields: dict[str, Any], client_id: str) -> str:
    if client_id:
        return f"client/{client_id}"
    name = f"{fields.get('given', '')} {fields.get('family', '')}".casefold()
    return f"client/{name}|{fields.get('birth_date') or ''}"


def _person(fields: dict[str, Any], cells: dict[str, str], file: str, place: str, flags: list[str]) -> Mapped:
    fields = {name: value[:120] if name in ("given", "family") else value for name, value in fields.items()}
    key = _key(fields, clean_line(cells.get("client_id", "")))
    raw = msgspec.json.encode(cells)
    return made.item(
        PERSON, fields, file=file, place=place, raw=raw, form=FORM, key=key, identity=key, usual="DIR",
        flags=tuple(flags),
    )  # fmt: skip


def _couple(names: list[tuple[str, str]], cells: dict[str, str], file: str, place: str) -> Iterator[Mapped]:
    """Two people with their names alone: whose phone, address or birth date a shared card holds, only they can say.

    What is kept of the card beside a person names that person only.
    """
    whole = clean_line(cells.get("client_id", ""))
    people = []
    for number, (given, family) in enumerate(names, 1):
        own = {"given": given, "family": family}
        if whole:
            own["client_id"] = f"{whole}/{number}"
        people.append(_person({"given": given, "family": family}, own, file, place, [COUPLE]))
    yield from people
    for person, (given, family) in zip(people, reversed(names), strict=True):
        fields = {"partner": f"{given} {family}".strip(), "source": f"client list, {place}"}
        identity = f"{person.person_key}+{given} {family}".casefold()
        yield made.item(
            PROPOSAL, fields, file=file, place=place, raw=msgspec.json.encode(fields), form=FORM, key=person.person_key,
            identity=identity, usual="DIR",
        )  # fmt: skip
