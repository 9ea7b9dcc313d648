"""CR-3, T3: two runs that differ only in what one partner's clinician keeps alone look the same to everybody else.

Random histories are played twice on copies of one vault, with and without private entries (safety, held).
For everyone without the key all of these are equal: rows that screens and lists show, search, calendars, the
audit report, copies that leave, every decrypted row of their view, the size of the view and of every shared row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.compliance import service as compliance
from iop_tui.clinical.couples import chart as columns
from iop_tui.clinical.couples import entries, passing
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.couples.model import HELD_NOTE, LIMITED, HeldNote, SafetyConcern
from iop_tui.clinical.joint import service as joint
from iop_tui.clinical.joint.model import RECOVERY_DAY, RecoveryDay
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.people import service as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.requests import api as requests
from iop_tui.clinical.safety.model import VIOLENCE_SCREEN, ViolenceScreen
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.wizards import service as guides
from iop_tui.kernel.errors import IopError
from iop_tui.kernel.rng import SeededRng
from iop_tui.workspace import Workspace
from tests.integration.couples.conftest import Clinic
from tests.support.couples import agree, copied, hold_session, pair_of
from tests.support.vaults import Program, note, today

STAFF = ("nadia", "tom", "cleo", "sol", "fay", "bill", "abe", "uma")
_TABLES = (
    "card", "wrap", "role", "generation", "quarantine", "keyring", "compartment", "record", "version", "edge",
    "signature", "person", "fact", "searchtext",
)  # fmt: skip


# -- shared history ------------------------------------------------------------------------


def _session(clinic: Clinic, number: int) -> None:
    hold_session(clinic.ws("cleo"), clinic.pair, f"[J] Week {number}.\n[A>] Kept it.\n[B>] Heard it.")


def _day(clinic: Clinic, number: int) -> None:
    cleo = clinic.ws("cleo")
    day = RecoveryDay(day=today(cleo) - timedelta(days=number), kept=("daily statement",))
    entries.save(cleo, clinic.pair.id, RECOVERY_DAY, day)


def _progress(clinic: Clinic, number: int) -> None:
    ws, person = (clinic.ws("nadia"), clinic.pair.a) if number % 2 else (clinic.ws("tom"), clinic.pair.b)
    saved = notes.save(ws, person, note(today(ws) - timedelta(days=number), f"Spoke about week {number}."))
    notes.sign(ws, [saved.record])


def _screened(clinic: Clinic, number: int) -> None:
    ws, person = (clinic.ws("nadia"), clinic.pair.a) if number % 2 else (clinic.ws("tom"), clinic.pair.b)
    passing.tell_screened(ws, person, today(ws))


SHARED: tuple[Callable[[Clinic, int], None], ...] = (_session, _day, _progress, _screened)


# -- private content -----------------------------------------------------------------------


def _screen(ws: Workspace, clinic: Clinic, number: int) -> None:
    screen = ViolenceScreen(asked=today(ws), alone=True, hits=18, findings=f"PRIVATE {number} " + "word " * number * 40,
                            danger_assessment="high", action="advocacy")  # fmt: skip
    signing.save(ws, clinic.pair.a, VIOLENCE_SCREEN, screen)


def _guide(ws: Workspace, clinic: Clinic, number: int) -> None:
    sitting = guides.begin(ws, "violence", clinic.pair.a)
    if sitting.step is not None and sitting.step.id == "alone":
        values = {"asked": today(ws).isoformat(), "alone": True, "code_word": f"PRIVATE {number}"}
        guides.answer(ws, sitting, values)


def _held(ws: Workspace, clinic: Clinic, number: int) -> None:
    held = HeldNote(heard=today(ws), category="a surprise", text=f"PRIVATE {number} " * 20, urged=True)
    record = entries.save(ws, clinic.pair.a, HELD_NOTE, held).record
    if number % 2:
        charting.sign(ws, [record])
        records.read(ws, record)


def _concern(ws: Workspace, clinic: Clinic, number: int) -> None:
    passing.concern(ws, clinic.pair.a, SafetyConcern(noticed=today(ws), alone=True, text=f"PRIVATE {number}"))


PRIVATE: dict[str, tuple[Callable[[Workspace, Clinic, int], None], ...]] = {
    "nadia": (_screen, _guide), "cleo": (_held, _concern),
}  # fmt: skip
KEEPERS = {"nadia": ("nadia",), "cleo": ("cleo", "nadia")}
"""Who may notice: the author, and for a sealed concern the clinician it is sealed to."""


def _in_private(clinic: Clinic, author: str, which: int, number: int) -> None:
    """Something its author keeps alone, with randomness of its own: the others' stream is not touched."""
    ws = clinic.nadia if author == "nadia" else clinic.ws(author)
    shared, ws.session.rng = ws.session.rng, SeededRng(10_000 + number)
    try:
        PRIVATE[author][which % len(PRIVATE[author])](ws, clinic, number)
    finally:
        ws.session.rng = shared


# -- what anybody can see ------------------------------------------------------------------


def _shown(ws: Workspace, clinic: Clinic) -> list[Any]:
    """Rows of screens and lists, searches, reports and copies, as this user gets them."""
    subjects = (clinic.pair.a, clinic.pair.b, clinic.pair.id, clinic.made.people["max"])
    found: list[Any] = [people.caseload(ws), couples.couples(ws), _try(columns.columns, ws, clinic.pair.id)]
    for subject in subjects:
        found += [records.timeline(ws, subject), records.timeline_count(ws, subject)]
        found += [_try(people.header, ws, subject), guides.guides(ws, subject)]
    found += [records.search(ws, word) for word in ("PRIVATE", "week", "safety", "screen", "held")]
    found += [_try(joint.owed, ws, clinic.pair.id), _try(_copy, ws, clinic)]
    found.append([dataclasses.replace(line, seq=0) for line in compliance.audit_report(ws)])
    found.append(len(compliance.audit_report(ws)))
    return found


def _try(call: Callable[..., Any], *args: Any) -> Any:
    try:
        return call(*args)
    except IopError as error:
        return (type(error).__name__, error.message)


def _copy(ws: Workspace, clinic: Clinic) -> list[tuple[str, bytes]]:
    """What Ben would get from this user: a copy that leaves the machine."""
    asked = requests.RecordRequest(requester="the person", asked_on=today(ws), verified="in person", channel="post",
                                   safety_talk=True)  # fmt: skip
    return requests.prepare(ws, clinic.pair.b, asked).files


def _dump(ws: Workspace) -> dict[str, list[Any]]:
    """Every decrypted row of a view."""
    return {table: sorted(map(repr, ws.view.rows(f"SELECT * FROM {table}"))) for table in _TABLES}


def _sizes(ws: Workspace) -> dict[bytes, int]:
    """Sealed bytes of every row this user can open."""
    own = {row[0] for row in ws.view.rows("SELECT DISTINCT compartment FROM keyring")}
    rows = ws.session.db.read("SELECT id, compartment, length(sealed) FROM revision")
    return {bytes(row[0]): row[2] for row in rows if row[1] in own}


WHAT = ("rows", "view", "sizes", "pages")


def _play(
    base: Program, to: Path, history: list[tuple[int, int]], author: str, private: list[tuple[int, int, int]],
    *, kept: bool,
) -> dict[str, Any]:  # fmt: skip
    """Play a history, with private entries between its steps where they are `kept`; what everybody sees afterwards."""
    made = copied(base, to)
    root = made.unlock("nadia")
    root.session.rng = SeededRng(99)
    clinic = Clinic(made, root, pair_of(made, root), own_streams=True)
    try:
        for name in STAFF:  # first keys are made before anything differs
            clinic.ws(name)
        agree(clinic.ws("cleo"), clinic.pair, LIMITED)
        for place, (which, number) in enumerate(history):
            for at, kind, size in private:
                if at % len(history) != place:
                    continue
                clinic.ws(author)  # whatever they do, their program runs
                if kept:
                    _in_private(clinic, author, kind, size)
            SHARED[which](clinic, number)
        seen = {}
        for name in STAFF:
            ws = clinic.ws(name)
            seen[name] = (_shown(ws, clinic), _dump(ws), _sizes(ws), ws.view.rows("PRAGMA page_count"))
        return seen
    finally:
        clinic.close()


STEPS = st.lists(st.tuples(st.integers(0, len(SHARED) - 1), st.integers(1, 9)), min_size=1, max_size=4)
KEPT = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=3)


def test_cr3_nobody_can_tell_whether_something_is_kept_alone(
    scale: Any, base: Program, tmp_path_factory: pytest.TempPathFactory
) -> None:
    count = [0]

    @settings(
        max_examples=scale(10_000, 2), deadline=None, derandomize=True, database=None,
        phases=(Phase.explicit, Phase.generate), suppress_health_check=[HealthCheck.too_slow],
    )  # fmt: skip
    @given(history=STEPS, author=st.sampled_from(sorted(PRIVATE)), private=KEPT)
    def histories(history: list[tuple[int, int]], author: str, private: list[tuple[int, int, int]]) -> None:
        count[0] += 1
        place = tmp_path_factory.mktemp("pair")
        without = _play(base, place / "without", history, author, private, kept=False)
        with_it = _play(base, place / "with", history, author, private, kept=True)
        assert with_it[author] != without[author]  # the author does see it
        for name in STAFF:
            if name not in KEEPERS[author]:
                for number, mine in enumerate(without[name]):
                    assert mine == with_it[name][number], (name, WHAT[number])

    histories()
    assert count[0]
