"""Nothing typed into a plan is lost: journal, kill, a huge paste, dates that are none; refusals name the rule."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from iop_tui.clinical.plans import service as plans
from iop_tui.clinical.plans import starting, tree
from iop_tui.clinical.plans.treatment import TreatmentPlan
from iop_tui.ui.forms.form import Form
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.outline import OutlineList
from iop_tui.workspace import unsaved as journal
from tests.support.clinic.vaults import Program
from tests.support.processes.process import Codes, start, unlock
from tests.tui.plans.conftest import Desk, Open, to_plan
from tests.tui.terminal import Terminal

MAX = ("bra", "Max Brandt")
CANARY = "Canarywordzephyr"


def current(desk: Desk) -> TreatmentPlan:
    """What the editor holds."""
    made: TreatmentPlan = desk.app.screen.sitting.plan  # type: ignore[attr-defined]
    return made


async def test_unsaved_work_is_sealed_comes_back_is_saved_and_discarded(opened: Open, made: Program) -> None:
    async with opened("nadia") as desk:
        await to_plan(desk, *MAX, "none yet")
        await desk.open("a")
        await desk.see("Problem 1")
        await desk.paste("Drinks alone")
        await desk.see("unsaved work kept")
        ((slot, kept),) = [item for item in journal.kept(desk.app.ws).items() if item[1].person == made.people["max"]]
        assert kept.fields[journal.KIND] == starting.PLAN
        assert plans.plans(desk.app.ws, made.people["max"]) == [], "nothing is stored before it is saved"
        await desk.press("<escape>", "<escape>", "q")
        await desk.press("gt")
        await desk.see("Due", "Max Brandt")
        tasks = desk.app.screen.query_one("#tasks", RecordList)

        def unsaved() -> list[int]:
            rows = ((place, tasks.row_at(place)) for place in range(tasks.count))
            return [place for place, row in rows if row is not None and row.action == "unsaved"]

        await desk.until(lambda: bool(unsaved()), "the unsaved plan")
        tasks.move_to(unsaved()[0])
        await desk.press("<enter>")
        await desk.see("unsaved work restored", "Drinks alone")
        await desk.press("<f2>")
        await desk.see("draft saved")
        assert slot not in journal.kept(desk.app.ws)
        assert [line.status for line in plans.plans(desk.app.ws, made.people["max"])] == ["draft"]
        await desk.open("<home>", "a")
        await desk.see("Problem 2")
        await desk.paste("Sleeps badly")
        await desk.see("unsaved work kept")
        await desk.open("!")
        desk.app.seal_text()
        assert "Sleeps badly!" in str(journal.kept(desk.app.ws)), "the key before the end is kept, too"
        await desk.open("<escape>", "<escape>", "d")
        await desk.see("Discard what is not saved?")
        await desk.open("y")
        await desk.until(lambda: journal.kept(desk.app.ws) == {}, "an empty journal")


async def test_bad_input_is_refused_in_words_and_what_was_typed_waits_in_the_journal(opened: Open) -> None:
    """A day that is none, a megabyte, too many words, what a terminal could obey."""
    async with opened("nadia") as desk:
        await to_plan(desk, *MAX, "Dates")
        await desk.open("<home>", "<enter>")
        await desk.see("Admitted on")
        desk.app.screen.query_one(Form).focus_field("target_end")
        await desk.pilot.pause()
        await desk.paste("2026-02-30")
        await desk.open("<escape>")
        await desk.see("There is no such day in the calendar.")
        await desk.until(lambda: "=dates" in _waiting(desk), "the journal")
        await desk.open("<escape>")
        await desk.until(lambda: isinstance(desk.app.focused, OutlineList), "the outline")
        assert current(desk).target_end is None

        await desk.open("a")
        await desk.see("Problem 1")
        await desk.paste("Drinks\x1b[31m alone\u202e\x07 [b]often[/b] ")
        await desk.paste("so much text " * 80_000)
        await desk.see("Nothing was pasted: 1,040,000 characters")
        words = "Drinks[31m alone [b]often[/b]"
        assert current(desk).problems[0].text == words
        await desk.paste("so much text " * 200)
        await desk.see("at most 2,000 characters")
        assert current(desk).problems[0].text == words
        await desk.open("<escape>")
        await desk.see("This cannot be read. Correct it")
        assert desk.app.screen.query(Form), "the sheet stays open"
        await desk.until(lambda: len(str(_waiting(desk).values())) > 2_500, "the journal")
        await desk.open("<escape>")
        await desk.until(lambda: isinstance(desk.app.focused, OutlineList), "the outline")
        await desk.see("Drinks[31m alone")


def _waiting(desk: Desk) -> dict[str, object]:
    """Sheets that cannot be read yet, as they wait in the journal, by row."""
    return {str(item.fields["key"]): item.fields["values"] for item in journal.kept(desk.app.ws).values()
            if "key" in item.fields}  # fmt: skip


async def test_who_has_no_part_in_the_care_gets_no_editor(opened: Open) -> None:
    async with opened("fay") as desk:
        await desk.press("gc")
        await desk.see("Caseload", "people")
        await desk.press("/", "bra")
        await desk.see("1 person found")
        await desk.press("<enter>")
        await desk.see("Chart", "Max Brandt")
        await desk.open("t")
        await desk.until(lambda: bool(desk.app.messages), "a refusal")
        assert "Treatment plan:" not in desk.screen()


# -- the real program ----------------------------------------------------------------------


@pytest.fixture
def terminals(made: Program) -> Iterator[list[Terminal]]:
    """Every terminal a test opens is closed after it."""
    found: list[Terminal] = []
    yield found
    for terminal in found:
        terminal.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.nightly)])
def test_a_killed_program_brings_the_plan_back(
    made: Program, terminals: list[Terminal], number: signal.Signals
) -> None:
    nadia = Codes(made.users["nadia"])
    terminals.append(start(made.path))
    terminal = unlock(terminals[0], made.founder, nadia)
    terminal.press("gc").wait_for("Caseload").wait_for(r"\d people")
    terminal.press("/").type("bra").wait_for("1 person found").press("<enter>").wait_for("Safe contact")
    terminal.press("t").wait_for("Treatment plan: Max Brandt").wait_for("none yet")
    terminal.press("a").wait_for("Problem 1").type(f"{CANARY} drinks alone").wait_for("drinks alone")
    if number is signal.SIGKILL:
        terminal.wait_for("unsaved work kept")
        time.sleep(1)  # what may be lost is the last second of typing
        (child,) = terminal.descendants()
        terminal.kill(number, child)
    else:
        terminal.kill(number)
    terminal.wait_exit()
    assert CANARY not in terminal.screen() + terminal.scrollback()
    terminals.append(start(made.path))
    again = unlock(terminals[1], made.founder, nadia)
    again.press("gc").wait_for(r"\d people").press("/").type("bra").wait_for("1 person found")
    again.press("<enter>").wait_for("Safe contact").press("t").wait_for(f"{CANARY} drinks alone")


def test_numbers_of_a_restored_plan_go_on_where_they_were(made: Program) -> None:
    """The id counter is part of what the journal keeps: nothing gets an id that was used before."""
    with made.workspace() as ws:
        person = made.people["max"]
        begun = starting.new(ws, person, TreatmentPlan())
        plan, key = tree.add(begun.plan, tree_problem())
        plan = tree.remove(plan, key)
        starting.keep_plan(ws, begun, b"", plan, None)
        back = starting.restore(ws, begun.slot)
        assert isinstance(back, starting.Start)
        _, fresh = tree.add(back.plan, tree_problem())
        assert fresh != key


def tree_problem() -> tree.Node:
    """A problem without words."""
    from iop_tui.clinical.plans.treatment import Problem

    return Problem()
