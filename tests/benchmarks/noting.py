"""Budgets of writing a note: opening the editor, linking an objective, keys during the check, saving, signing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from datetime import time as clock_time
from pathlib import Path

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.notes import links, starting
from iop_tui.clinical.notes.mental import MentalStatus
from iop_tui.clinical.notes.model import PROGRESS_NOTE, ProgressNote
from iop_tui.clinical.people import service as people
from iop_tui.clinical.plans import service as plans
from iop_tui.clinical.signing import service as signing
from iop_tui.store.database import lock_owner
from iop_tui.workspace import Workspace
from tests.benchmarks import bare
from tests.benchmarks.budget import Budget, median, p99
from tests.benchmarks.demo import Demo, start, unlock
from tests.benchmarks.engine import bare_database, timed, writes_about
from tests.benchmarks.probe import Paint, Probe
from tests.benchmarks.screens import BARE_LIST, BARE_TEXT, CASELOAD, CHART, EDITOR, TODAY, to_text
from tests.support.clinic.plans import plan

OPENED, LINKED, SIGNED = 5, 12, 30
OFFSETS = (0.76, 0.79, 0.80, 0.802, 0.805, 0.81, 0.815, 0.82, 0.83, 0.85)
"""Seconds after a key at which the next one comes: the check starts 0.8 s after the last key."""
TURNS = 4
DATABASE = "vault.db"
_WORDS = (
    "sleep", "work", "family", "brother", "morning", "evening", "craving", "meeting", "sponsor", "anger", "walk",
    "breathing", "homework", "trust", "money", "appetite", "worry", "school", "music", "travel", "neighbour",
    "phone", "dinner", "garden", "doctor",
)  # fmt: skip


def noting(demo: Demo, folder: Path) -> Iterator[Budget]:
    """The note of a person with a plan, at the terminal and below it."""
    vault = demo.copy(folder / "noting")
    ws = demo.open(vault)
    person, name = _planned_for(ws)
    ws.close()
    yield from _at_the_terminal(demo, vault, name)
    yield from _by_every_rule(demo, vault, person)


def _planned_for(ws: Workspace) -> tuple[bytes, str]:
    """Somebody of the caseload whom this user writes notes about, given a plan of twelve objectives; id and name."""
    person = next(item for item in people.caseload(ws) if writes_about(ws, item.id))
    saved = plans.save(ws, person.id, plan())
    signing.sign(ws, [saved.record])
    return person.id, person.name


# -- at the terminal -----------------------------------------------------------------------


def _at_the_terminal(demo: Demo, vault: Path, name: str) -> Iterator[Budget]:
    floors, opened = list[float](), list[float]()
    with start(vault, demo.clinician) as probe, Probe(BARE_TEXT) as plain:
        unlock(probe, demo.clinician, ahead=1)
        probe.when(TODAY)
        plain.when(bare.READY)
        plain.send("<down>" * 100 + "<end>")
        probe.calm()  # the full check of the vault runs behind the first screen
        for keys, expected in (("gc", CASELOAD), (f"/{name}", "1 person found"), ("<enter>", CHART)):
            probe.send(keys)
            probe.when(expected)
            probe.settle(0.3)
        for turn in range(OPENED):
            with Probe(BARE_LIST) as least:
                floors.append(least.when(bare.READY) - least.started)
            opened.append(_until(probe, "n", EDITOR))
            probe.settle(1.5)  # plan and phrases have come, the first check is over
            if turn < OPENED - 1:
                _leave(probe)
        note = f"{demo.notes:,} notes in the vault"
        floor = median(floors) * 1000
        yield Budget("n → editor painted, first time", opened[0] * 1000, "ms", 0.6, floor, note)
        yield Budget("n → editor painted, again", median(opened[1:]) * 1000, "ms", 0.6, floor, note)
        to_text(probe)
        yield from _linking(probe, plain)
        yield from _during_checks(probe, plain)
        saved = [_saved(probe) for _ in range(OPENED)]
        yield Budget("F2 → saved, on the screen", median(saved) * 1000, "ms", 0.6, floor, note)


def _until(probe: Probe, keys: str, pattern: str) -> float:
    at = probe.send(keys)
    return probe.when(pattern, quiet=0.3) - at


def _leave(probe: Probe) -> None:
    """Back to the chart: Esc leaves a choice at once, and a text by way of the command row."""
    probe.press("<esc>", 0.4)
    if not re.search(CHART, probe.show()):
        probe.send("q")
        probe.when(CHART)
    probe.settle(0.3)


def _linking(probe: Probe, plain: Probe) -> Iterator[Budget]:
    ours, theirs, picked = list[Paint](), list[Paint](), list[Paint]()
    for _ in range(LINKED):
        theirs.append(plain.press("x"))
        probe.press(" ")
        ours.append(probe.press("#"))
        picked.append(probe.press("<enter>"))
    if not re.search(r"#\d", probe.show()):
        raise RuntimeError(f"no objective was linked; the screen shows:\n{probe.show()}")
    base, note = p99([each.last for each in theirs]) * 1000, "of a character in a bare TextArea"
    yield Budget("# → objectives offered", median(each.last for each in ours) * 1000, "ms", 1.2, base, note)
    yield Budget("Enter → objective linked", median(each.last for each in picked) * 1000, "ms", 1.2, base, note)


def _during_checks(probe: Probe, plain: Probe) -> Iterator[Budget]:
    """Keys that come while the thread check runs, in turn with the same pauses in a bare text area."""
    ours, theirs = list[float](), list[float]()
    for _ in range(TURNS):
        theirs += [_after(plain, pause) for pause in OFFSETS]
        ours += [_after(probe, pause) for pause in OFFSETS]
    base = p99(theirs) * 1000
    yield Budget("key → paint during the check, p99", p99(ours) * 1000, "ms", 1.2, base, "of a bare TextArea")
    typical = median(theirs) * 1000
    yield Budget("key → paint during the check, median", median(ours) * 1000, "ms", 1.2, typical, "of a bare TextArea")


def _after(probe: Probe, pause: float) -> float:
    """Seconds from a key to the last byte it caused, `pause` seconds after another key."""
    end = probe.send("y") + pause
    while (left := end - time.perf_counter()) > 0.001:
        probe.pump(left)
    before, at = probe.size(), probe.send("z")
    while probe.size() == before and time.perf_counter() < at + 5:
        probe.pump(0.05)
    probe.settle(0.03)
    return probe.last_output - at


def _saved(probe: Probe) -> float:
    probe.press("w")
    probe.settle(1.2)
    return probe.press("<f2>", 0.2).last


# -- below the screen ----------------------------------------------------------------------


def _by_every_rule(demo: Demo, vault: Path, person: bytes) -> Iterator[Budget]:
    """Saving and signing as the editor does it: with the thread, the rule packs, clones, overlaps and co-signatures."""
    while lock_owner(vault / DATABASE) is not None:  # threads of a killed program outlive its main one
        time.sleep(0.05)
    ws = demo.open(vault, ahead=1)
    bare_one = bare_database(vault / "bare.sqlite")
    open_, check = list[float](), list[float]()
    for _ in range(SIGNED):
        open_.append(timed(lambda: starting.new_note(ws, person)))
        check.append(timed(lambda: charting.thread(ws, person, record=b"", day=date.today())))
    commits, saves, signs = _written(ws, person, lambda: bare_one.execute("INSERT INTO t (b) VALUES (zeroblob(1500))"))
    base = median(commits) * 1000
    yield Budget("a new note begun", median(open_) * 1000, "ms", 25)
    yield Budget("its thread asked for", median(check) * 1000, "ms", 25)
    for name, values in (("saved, every rule", saves), ("signed, every rule", signs)):
        yield Budget(name, median(values) * 1000, "ms", 4.0, base, "of one bare FULL commit")
        yield Budget(f"{name}, p99", p99(values) * 1000, "ms", 25)
    bare_one.close()
    ws.close()


def _written(
    ws: Workspace, person: bytes, commit: Callable[[], object]
) -> tuple[list[float], list[float], list[float]]:
    objective = next(links.link(item) for item in charting.thread(ws, person).objectives if item.is_open)
    commits, saves, signs = list[float](), list[float](), list[float]()
    for number in range(SIGNED):
        document = _note(number, objective)
        commits.append(timed(commit))
        at = time.perf_counter()
        saved = charting.save(ws, person, PROGRESS_NOTE, document)
        saves.append(time.perf_counter() - at)
        signs.append(timed(lambda record=saved.record: charting.sign(ws, [record])))  # type: ignore[misc]
    return commits, saves, signs


def _note(number: int, objective: str) -> ProgressNote:
    """A note that can be signed and is like none before it."""
    words = [_WORDS[(number * 7 + step * (number % 5 + 2)) % len(_WORDS)] for step in range(70)]
    day = date.today() - timedelta(days=number)
    return ProgressNote(
        service_date=day, start=clock_time(2), stop=clock_time(2, 50), modality="in person", location="Clinic",
        presentation=" ".join(words[:40]), mental_status=MentalStatus(summary="all normal"), methods=("CBT",),
        intervention="Reviewed " + " ".join(words[40:50]), response=f"Number {number}: " + " ".join(words[50:60]),
        progress="moderate", risk="denied", partner_violence="not asked today", objectives=(objective,),
        plan=f"Task {number}: " + " ".join(words[60:]),
    )  # fmt: skip
