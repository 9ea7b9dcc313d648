"""Private notes through their editors' services: begun by the right person, signed, in nobody else's hands."""

from __future__ import annotations

from pathlib import Path

import pytest

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.notes import starting
from iop_tui.clinical.notes.private import COUNSELING_NOTE, PRIVATE_KINDS, PSYCHOTHERAPY_NOTE
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import service as signing
from iop_tui.clinical.staff import profiles
from iop_tui.clinical.staff.profiles import StaffProfile
from iop_tui.kernel.errors import IopError, NotFound, Refused
from iop_tui.kernel.ids import show_id
from iop_tui.store import revisions
from iop_tui.workspace import Workspace
from tests.integration.charting.conftest import Open
from tests.support.clinic.vaults import Program, leave

CANARY = "periwinkle catamaran"


@pytest.fixture
def written(made: Program, ws: Workspace) -> dict[str, bytes]:
    """Signed, one by Nadia and one by Sol, whose work Uma supervises."""
    profiles.set_profile(ws, ws.user.user, StaffProfile(credential="LMSW", supervisor=show_id(made.users["uma"].user)))
    sol = made.beside(ws, "sol")
    found = {}
    for name, who, kind in (("nadia", ws, PSYCHOTHERAPY_NOTE), ("sol", sol, COUNSELING_NOTE)):
        start = starting.private(who, made.people["ana"])
        assert start.kind == kind.kind
        document = kind.parse({**start.values, "session": "Tuesday", "text": f"{CANARY} of {name}"})
        found[name] = charting.save(who, made.people["ana"], kind, document).record
        if name == "sol":
            sol.confirm(bytearray(made.users["sol"].phrase))
        charting.sign(who, [found[name]])
    leave(sol)
    return found


def test_each_author_begins_the_kind_of_their_part(made: Program, ws: Workspace, beside: Open) -> None:
    assert starting.private(ws, made.people["ana"]).kind == "psychotherapy_note"
    assert starting.private(beside("sol"), made.people["ana"]).kind == "counseling_note"
    start = starting.private(ws, made.people["ana"])
    assert start.values["session"].startswith("session of 2026-"), "the session is named, its times are not"


def test_a_signature_locks_it_and_no_supervisor_is_asked(
    made: Program, ws: Workspace, beside: Open, written: dict[str, bytes]
) -> None:
    assert records.line_of(ws, written["nadia"]).status == "signed"
    assert not [item for item in signing_requests(ws) if item.record == written["nadia"]]
    uma = beside("uma")
    with pytest.raises(NotFound):
        records.read(uma, written["nadia"])
    with pytest.raises(Refused):
        signing.save(ws, made.people["ana"], PSYCHOTHERAPY_NOTE, PSYCHOTHERAPY_NOTE.parse(
            {"written_on": "2026-03-12", "session": "x", "text": "changed"}), record=written["nadia"])  # fmt: skip


def signing_requests(ws: Workspace) -> list[object]:
    from iop_tui.clinical.signing import cosign

    return list(cosign.asked(ws))


@pytest.mark.parametrize("name", ["tom", "cleo", "sol", "fay", "bill", "abe", "uma", "nadia"])
def test_every_key_of_everybody_else_is_tried_and_none_opens_it(
    made: Program, ws: Workspace, beside: Open, written: dict[str, bytes], name: str
) -> None:
    """Nadia is the administrator, Uma the supervisor, Abe the auditor."""
    other = ws if name == "nadia" else beside(name)
    for author, record in written.items():
        if author == name:
            continue
        assert not _opens(other, record)
        assert record not in {hit.id for hit in records.search(other, CANARY)}
        assert record not in {line.id for line in records.timeline(other, made.people["ana"], limit=1000)}
        assert not other.view.rows("SELECT 1 FROM record WHERE record = ?", (record,))


def _opens(other: Workspace, record: bytes) -> bool:
    tried = 0
    for (identifier,) in other.session.db.read("SELECT id FROM revision WHERE record = ?", (record,)):
        row = other.session.db.revision(identifier)
        assert row is not None
        for compartment, generation in other.view.rows("SELECT compartment, generation FROM keyring"):
            tried += 1
            try:
                revisions.open_row(row, realm=other.realm, key=other.session.key(compartment, generation))
            except IopError:
                continue
            return True
    assert tried or not other.view.rows("SELECT 1 FROM keyring")
    return False


def test_a_backup_operator_with_the_files_finds_no_word_and_no_kind(made: Program, written: dict[str, bytes]) -> None:
    assert written
    for path in Path(made.path).rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert CANARY.encode() not in data
            assert not any(kind.encode() in data for kind in PRIVATE_KINDS)


def test_neither_the_queue_nor_the_nightly_check_speaks_of_it(
    made: Program, ws: Workspace, written: dict[str, bytes]
) -> None:
    unsigned = PSYCHOTHERAPY_NOTE.parse({"written_on": "2026-02-01", "session": "x", "text": "y"})
    draft = charting.save(ws, made.people["ana"], PSYCHOTHERAPY_NOTE, unsigned).record
    assert draft not in {line.record for line in charting.due(ws)}
    assert not {written["nadia"], draft} & {item.record for item in charting.check_chart(ws, made.people["ana"])}
