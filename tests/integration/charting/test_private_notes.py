"""Psychotherapy and SUD counseling notes: the author's alone. Everybody's keys are tried, and a copied file."""

from __future__ import annotations

from pathlib import Path

import pytest

from iop_tui.clinical.notes.private import (
    COUNSELING_NOTE,
    EXCLUDED,
    PSYCHOTHERAPY_NOTE,
    CounselingNote,
    PsychotherapyNote,
    excluded,
)
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import export
from iop_tui.clinical.signing import service as signing
from iop_tui.kernel.declare import RuleContext, Severity
from iop_tui.kernel.errors import IopError, NoKey, NotFound, Refused
from iop_tui.store import revisions
from iop_tui.workspace import Workspace
from tests.integration.charting.conftest import Open
from tests.support.clinic.vaults import Program, leave, today

CANARY = "heliotrope marmalade"


@pytest.fixture
def written(made: Program, ws: Workspace) -> dict[str, bytes]:
    """One note of each kind about Ana: Nadia's and Sol's."""
    sol = made.beside(ws, "sol")
    day, ana = today(ws), made.people["ana"]
    nadia = PsychotherapyNote(written_on=day, session="Tuesday", text=f"{CANARY} of Nadia")
    counselor = CounselingNote(written_on=day, session="Tuesday", text=f"{CANARY} of Sol")
    found = {
        "nadia": signing.save(ws, ana, PSYCHOTHERAPY_NOTE, nadia).record,
        "sol": signing.save(sol, ana, COUNSELING_NOTE, counselor).record,
    }
    leave(sol)
    return found


EVERYBODY = ("tom", "cleo", "sol", "fay", "bill", "abe", "uma")


@pytest.mark.parametrize("name", EVERYBODY)
def test_no_colleague_opens_them_by_any_key_they_hold(
    made: Program, ws: Workspace, beside: Open, written: dict[str, bytes], name: str
) -> None:
    other = beside(name)
    for author, record in written.items():
        if author == name:
            assert CANARY in str(records.read(other, record).document)
            continue
        with pytest.raises(NotFound):
            records.read(other, record)
        assert _opened_with_every_key(other, record) == 0
    hits = records.search(other, CANARY)
    assert len(hits) == (1 if name in written else 0)
    kinds = [line.kind for line in records.timeline(other, made.people["ana"], limit=1000)] if not hits else []
    assert not {"psychotherapy_note", "counseling_note"} & set(kinds)


def _opened_with_every_key(other: Workspace, record: bytes) -> int:
    """How many of a user's keys open any version of a record, its stored generation aside."""
    opened = 0
    rows = other.session.db.read("SELECT id FROM revision WHERE record = ?", (record,))
    assert rows, "the sealed row is there for everybody"
    keys = other.view.rows("SELECT compartment, generation FROM keyring")
    for (identifier,) in rows:
        row = other.session.db.revision(identifier)
        assert row is not None
        for compartment, generation in keys:
            key = other.session.key(compartment, generation)
            try:
                revisions.open_row(row, realm=other.realm, key=key)
            except IopError:
                continue
            opened += 1
    return opened


def test_the_administrator_and_founder_reads_her_own_and_not_the_counselors(
    ws: Workspace, written: dict[str, bytes]
) -> None:
    """Nadia is administrator and medical director as well: no role opens what Sol keeps alone."""
    assert "administrator" in ws.user.roles
    assert CANARY in str(records.read(ws, written["nadia"]).document)
    with pytest.raises(NotFound):
        records.read(ws, written["sol"])
    assert _opened_with_every_key(ws, written["sol"]) == 0


def test_a_copied_vault_shows_no_word_of_them(made: Program, ws: Workspace, written: dict[str, bytes]) -> None:
    for path in Path(made.path).rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert CANARY.encode() not in data
            assert b"psychotherapy_note" not in data


def test_they_leave_in_no_form(ws: Workspace, written: dict[str, bytes]) -> None:
    with pytest.raises(Refused, match="no form"):
        export.proof(ws, [written["nadia"]])


def test_who_may_write_which(made: Program, ws: Workspace, beside: Open) -> None:
    day, ana = today(ws), made.people["ana"]
    theirs = CounselingNote(written_on=day, session="x", text="y")
    with pytest.raises(NoKey, match="drug-and-alcohol counselor"):
        signing.save(ws, ana, COUNSELING_NOTE, theirs)
    own = PsychotherapyNote(written_on=day, session="x", text="y")
    for name in ("sol", "cleo", "uma", "tom"):
        with pytest.raises(Refused):
            signing.save(beside(name), ana, PSYCHOTHERAPY_NOTE, own)


# -- what the regulations keep out of them ---------------------------------------------------

WORDS = {
    "medication": "Started naltrexone 50 mg", "times": "We stopped at 10:50", "frequency": "sees me twice a week",
    "tests": "PHQ was 14", "diagnosis": "meets F10.20", "function": "functional status is poor",
    "plan": "changes the treatment plan", "symptoms": "symptoms of withdrawal", "prognosis": "prognosis is fair",
    "progress": "has progressed well",
}  # fmt: skip


def test_every_exclusion_of_the_definition_has_words() -> None:
    assert WORDS.keys() == {code for code, _, _ in EXCLUDED}


@pytest.mark.parametrize("code", WORDS)
def test_excluded_matter_warns_and_never_refuses(made: Program, ws: Workspace, code: str) -> None:
    for kind, note in (
        (PSYCHOTHERAPY_NOTE, PsychotherapyNote(written_on=today(ws), session="x", text=WORDS[code])),
        (COUNSELING_NOTE, CounselingNote(written_on=today(ws), session="x", text=WORDS[code])),
    ):
        found = kind.findings(note, RuleContext(today(ws)))  # type: ignore[arg-type]
        assert code in {item.code for item in found}
        assert {item.severity for item in found} == {Severity.WARN}
        assert {item.source for item in found} <= {"45 CFR 164.501", "42 CFR 2.11"}


def test_a_conversation_without_excluded_matter_says_nothing() -> None:
    text = "Her father again. The silence after I asked was longer than any before; I felt shut out, as he must have."
    assert excluded(text, "x") == ()
