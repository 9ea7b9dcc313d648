"""Who can open a file: exactly who can open its record. Found out by opening everything with everybody's keys."""

from __future__ import annotations

import io
import json

import pytest

from iop_tui.access import charts
from iop_tui.clinical.attachments import api as attachments
from iop_tui.clinical.attachments.api import Order
from iop_tui.clinical.records import api as records
from iop_tui.kernel.errors import IopError, NotFound
from iop_tui.vault import chunks
from iop_tui.workspace import Workspace
from tests.integration.attachments.conftest import Staff, order
from tests.support.clinic.vaults import Program, today

SECRET = b"Canary in a scanned letter."
READERS = {
    ("nadia", ""): {"nadia"}, ("nadia", "PSY"): {"nadia"}, ("nadia", "SAFE"): {"nadia"},
    ("nadia", "MED"): {"nadia", "sol"}, ("nadia", "CRISIS"): {"nadia", "sol"},
    ("sol", ""): {"sol"}, ("cleo", "HOLD"): {"cleo"}, ("cleo", "JNT"): {"cleo"},
    ("fay", "DIR"): {"fay", "nadia", "sol", "cleo", "bill"}, ("bill", "PAY"): {"bill", "nadia"},
}  # fmt: skip
"""(author, part) of an attachment about Ana → who reads that part. Nadia is also privacy officer."""


@pytest.fixture(scope="module")
def made(small: Program, staff: Staff) -> dict[bytes, tuple[str, str]]:
    """One attachment for each author and part."""
    found = {}
    for who, place in READERS:
        ws = staff[who]
        wanted = order(small, ws, place=place)
        if place == "JNT":
            wanted = Order(next(iter(charts.couple_links(ws.session))), "Both", "letter", today(ws), place=place)
        content = SECRET + f"{who} {place}".encode()
        found[attachments.attach(ws, wanted, io.BytesIO(content)).record] = (who, place)
    return found


@pytest.fixture(scope="module")
def everybody(staff: Staff, made: dict[bytes, tuple[str, str]]) -> Staff:
    """Everybody's workspace after all of that."""
    assert made
    for ws in staff.values():
        ws.session.catch_up()
    return staff


def test_exactly_the_readers_of_a_part_open_its_files(
    made: dict[bytes, tuple[str, str]], everybody: Staff
) -> None:
    opened: dict[tuple[str, str], set[str]] = {}
    for name, ws in everybody.items():
        for record, place in made.items():
            try:
                content = b"".join(attachments.open_file(ws, record).pieces())
            except NotFound:
                continue
            assert content.startswith(SECRET)
            opened.setdefault(place, set()).add(name)
    assert opened == READERS


def test_no_key_of_anybody_else_opens_a_part(
    made: dict[bytes, tuple[str, str]], everybody: Staff
) -> None:
    """By keys, not by queries: the key of a file stands in no row that others can open, nor anywhere in their views."""
    keys = {
        record: attachments.read(everybody[who], record)[1].key for record, (who, _) in made.items()
    }
    rows = everybody["nadia"].session.db.read("SELECT id FROM revision")
    for name, ws in everybody.items():
        readable = b"".join(_payload(ws, bytes(row[0])) for row in rows)
        held = {record for record, key in keys.items() if json.dumps(key).encode() in readable}
        assert held == {record for record, place in made.items() if name in READERS[place]}
        view = [str(row) for row in ws.view.rows("SELECT doc FROM record WHERE kind = 'attachment'")]
        assert {record for record, key in keys.items() if any(key in row for row in view)} == held


def _payload(ws: Workspace, revision: bytes) -> bytes:
    try:
        return ws.session.open_revision(revision).body.payload
    except IopError:
        return b""


def test_parts_on_the_disk_say_nothing(small: Program, everybody: Staff) -> None:
    """Neither a word of a file nor its size nor whose it is."""
    assert everybody
    place = small.path / "chunks"
    files = [file for file in place.rglob("*") if file.is_file()]
    assert files
    assert {file.stat().st_size for file in files} <= set(chunks.SIZES)
    assert not any(b"Canary" in file.read_bytes() for file in files)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_who_cannot_open_it_learns_not_even_that_it_is_there(
    small: Program, made: dict[bytes, tuple[str, str]], everybody: Staff
) -> None:
    tom = everybody["tom"]
    for record in made:
        for ask in (attachments.read, attachments.open_file, attachments.copy_of, records.line_of):
            with pytest.raises(NotFound):
                ask(tom, record)
    assert attachments.lines(tom, small.people["ana"]) == []
    assert attachments.findings(tom, deep=True) == []
    assert tom.view.one("SELECT count(*) FROM search WHERE search MATCH 'Liver'") == (0,)
