"""Numbered SQL files, forward only, immutable once released.

A wheel carries them inside the package; an editable install finds them beside it.
"""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import sqlcipher3.dbapi2 as sqlcipher

import iop_tui
from iop_tui.kernel.errors import NeedsNewer, Unexpected

SCHEMA_QUERY = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master ORDER BY type, name"
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema: its number, file name and SQL text."""

    number: int
    name: str
    sql: str


def folder() -> Path:
    """The folder of migrations: the packaged one, else the sibling of the package."""
    package = Path(iop_tui.__file__).parent
    for candidate in (package / "_migrations", package.parent / "migrations"):
        if candidate.is_dir():
            return candidate
    raise Unexpected("This installation is incomplete: its migrations are missing.", "Install iop-tui again.")


@cache
def released() -> tuple[Migration, ...]:
    """All migrations in order. Raises `Unexpected` where a number is missing."""
    found = []
    for path in sorted(folder().iterdir()):
        match = _NAME.fullmatch(path.name)
        if match:
            found.append(Migration(int(match[1]), path.name, path.read_text("utf-8")))
    if [item.number for item in found] != list(range(1, len(found) + 1)):
        raise Unexpected("This installation is incomplete: a migration is missing.", "Install iop-tui again.")
    return tuple(found)


@cache
def expected_schema() -> list[tuple[str, str, str, str]]:
    """What `SCHEMA_QUERY` finds in a vault that only the released migrations have shaped."""
    with closing(sqlcipher.connect(":memory:")) as connection:
        for step in released():
            connection.executescript(step.sql)
        found: list[tuple[str, str, str, str]] = connection.execute(SCHEMA_QUERY).fetchall()
    return found


def pending(version: int) -> tuple[Migration, ...]:
    """The migrations a vault of schema `version` still needs; never writes. Raises `NeedsNewer`."""
    known = released()
    if version > len(known):
        raise NeedsNewer("This vault was last used by a newer version of iop-tui.")
    return known[version:]
