"""A treatment plan by keys alone: 3 problems × 2 goals × 2 objectives, signed, reviewed, signed by the client."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from iop_tui.clinical.plans import service as plans
from iop_tui.clinical.plans import tree
from iop_tui.clinical.plans.documents import PLAN_TEMPLATE
from iop_tui.clinical.plans.treatment import TreatmentPlan
from iop_tui.clinical.signing import service as signing
from iop_tui.ui.outline import OutlineList
from tests.support.clinic.plans import plan
from tests.support.clinic.vaults import Program
from tests.tui.plans.conftest import Desk, Open, to_plan

MAX = ("bra", "Max Brandt")
DOWN_FIELD = "<f4>"


async def sheet(desk: Desk, *texts: str) -> None:
    """Fill the open sheet field by field, then back to the outline. A text of one character is a key (a choice)."""
    for place, text in enumerate(texts):
        if place:
            await desk.open(DOWN_FIELD)
        if len(text) == 1 or text.startswith("<"):
            await desk.open(text)
        elif text:
            await desk.paste(text)
    await desk.open("<escape>")
    await desk.until(lambda: isinstance(desk.app.focused, OutlineList), "the outline")


async def add(desk: Desk, key: str, title: str, *texts: str) -> None:
    """Add a part with a key and write it."""
    await desk.open(key)
    await desk.see(title)
    await sheet(desk, *texts)


async def objective(desk: Desk, key: str, number: str) -> None:
    """An objective with an intervention below it."""
    await add(desk, key, f"Objective {number}", f"Uses a skill before craving {number}", "1 of 7 days",
              "craving diary", "6 of 7 days", "+60", "a")  # fmt: skip
    await add(desk, "a", f"Intervention {number}.1", "Urge surfing", "C", "i", "45", "1", "", "8")
    await desk.open("<left>")


def current(desk: Desk) -> TreatmentPlan:
    """What the editor holds."""
    made: TreatmentPlan = desk.app.screen.sitting.plan  # type: ignore[attr-defined]
    return made


def stands_on(desk: Desk) -> str:
    """The key of the line under the cursor."""
    return desk.app.screen.query_one(OutlineList).key


async def test_three_problems_two_goals_two_objectives_by_keys_alone(
    opened: Open, scale: Callable[[int, int], int]
) -> None:
    """All of it under nightly; by default one problem, one goal."""
    problems, goals = scale(3, 1), scale(2, 1)
    async with opened("nadia") as desk:
        await to_plan(desk, *MAX, "none yet: a adds the first")
        for problem in range(1, problems + 1):
            await add(desk, "a" if problem == 1 else "n", f"Problem {problem}", f"Problem words {problem}")
            mine = stands_on(desk)
            for goal in range(1, goals + 1):
                await add(desk, "a", f"Goal {problem}.{goal}", f"I want goal {problem}.{goal}")
                for item in (1, 2):
                    await objective(desk, "a" if item == 1 else "n", f"{problem}.{goal}.{item}")
                await desk.open("<left>", "<left>")
                await desk.until(lambda mine=mine: stands_on(desk) == mine, "the problem")
        await desk.see(f"Planned {45 * problems * goals * 2}")
        made = current(desk)
        assert [number for number, _ in tree.objectives(made)] == [
            f"{p}.{g}.{o}" for p in range(1, problems + 1) for g in range(1, goals + 1) for o in (1, 2)
        ]
        first = tree.objectives(made)[0][1]
        assert (first.baseline, first.measure, first.target, first.status) == (
            "1 of 7 days", "craving diary", "6 of 7 days", "active",
        )  # fmt: skip
        assert first.target_date is not None
        (done,) = first.interventions
        assert (done.modality, done.type, done.minutes, done.times, done.per, done.weeks, done.responsible) == (
            "CBT", "individual", 45, 1, "week", 8, "Nadia",
        )  # fmt: skip
        await desk.press("<f2>")
        await desk.see("draft saved")
        saved = plans.plans(desk.app.ws, desk.made.people["max"])
        assert [(line.status, line.open_objectives) for line in saved] == [("draft", problems * goals * 2)]


def with_draft(made: Program, **more: object) -> bytes:
    """An unsigned plan about Max that nothing speaks against."""
    with made.workspace() as ws:
        ready = plan(1, 2, 2, hours=3.0, hours_reason="Test", **more)  # type: ignore[arg-type]
        return plans.save(ws, made.people["max"], ready).record


@pytest.mark.nightly
async def test_the_tree_is_moved_split_closed_removed_and_undone_by_keys(opened: Open, made: Program) -> None:
    with_draft(made)
    async with opened("nadia") as desk:
        await to_plan(desk, *MAX, "revision 1, draft")
        await desk.open("<f9>")
        await desk.see("Type a command")
        await desk.open(*"add below", "<enter>")
        await desk.see("Problem 2", "Esc to the outline")
        await desk.open("<f1>")
        await desk.see("Move under", "Split", "End it with an outcome")
        await desk.open("<escape>", "<escape>")
        await desk.until(lambda: isinstance(desk.app.focused, OutlineList), "the outline")
        start = current(desk)
        first, second = (item.id for _, item in tree.objectives(start)[:2])
        desk.app.screen.query_one(OutlineList).go_to(first)
        await desk.open("J")
        assert tree.numbers(current(desk))[first] == "1.1.2"
        await desk.open("m")
        await desk.see("Move under")
        await desk.open("<enter>")
        await desk.until(lambda: tree.numbers(current(desk))[first] == "1.2.3", "the other goal")
        await desk.open("s")
        await desk.see("Objective 1.2.4")
        await sheet(desk, " at once")
        assert tree.objectives(current(desk))[-1][1].text == "Step 0 at once"
        await desk.open("d")
        await desk.see("Remove objective 1.2.4")
        await desk.open("y")
        await desk.until(lambda: "1.2.4" not in tree.numbers(current(desk)).values(), "the end of it")
        desk.app.screen.query_one(OutlineList).go_to(second)
        await desk.open("c")
        await desk.see("Objective 1.1.1 closed: its outcome")
        await sheet(desk)
        await desk.see("It is open again: closing needs an outcome in words.")
        await desk.open("c")
        await desk.see("Objective 1.1.1 closed: its outcome")
        await sheet(desk, "Six of seven days")
        await desk.see("met 2026-03-12")
        await desk.open("c")
        await desk.until(lambda: tree.find(current(desk), second).node.closed_on is None, "open again")  # type: ignore[union-attr]
        for _ in range(7):
            await desk.open("u")
        assert current(desk) == start
        await desk.open("U")
        assert tree.numbers(current(desk))[first] == "1.1.2"


async def test_signing_names_what_is_missing_goes_there_and_signs_when_nothing_is(opened: Open, made: Program) -> None:
    with_draft(made, strengths=())
    async with opened("nadia") as desk:
        await to_plan(desk, *MAX, "revision 1, draft", "! 1 missing")
        await desk.open("<f8>")
        await desk.see("Strengths is missing", "when nothing is missing")
        await desk.open("<enter>")
        await desk.until(lambda: stands_on(desk) == "=person", "the row")
        await desk.open("<enter>")
        await desk.see("Strengths *")
        await sheet(desk, "asks for help")
        await desk.open("<f8>")
        await desk.see("[s] sign")
        await desk.open("s")
        await desk.see("signed", "1.1.1  Step 0 (active)")
        (line,) = plans.plans(desk.app.ws, made.people["max"])
        assert line.status == "signed"
        assert plans.active(desk.app.ws, made.people["max"]) is not None


def signed_plan(made: Program) -> bytes:
    """A signed plan about Max."""
    from iop_tui.clinical.charting import service as charting

    with made.workspace() as ws:
        ready = plan(1, 1, 3, hours=2.25, hours_reason="Test")
        record = plans.save(ws, made.people["max"], ready).record
        charting.sign(ws, [record])
        return record


async def test_a_review_decides_on_every_objective_and_carries_the_plan_forward(opened: Open, made: Program) -> None:
    signed_plan(made)
    async with opened("nadia") as desk:
        await to_plan(desk, *MAX, "signed")
        await desk.press("n")
        await desk.see("Review: Max Brandt", "0 of 3 decided", "-> ?")
        await desk.open("<f8>")
        await desk.see("The review needs a summary.")
        await desk.open("<enter>")
        await desk.see("Summary *")
        await sheet(desk, "Two good weeks.")
        await desk.open("f")
        await desk.open("1")
        await desk.see("-> continue", "unsaved work kept", "1 of 3 decided")
        await desk.open("<escape>")
        await desk.see("carry forward")
        await desk.press("q")
        await desk.see("Chart")
        await desk.press("t")
        await desk.see("unsaved work restored", "1 of 3 decided")
        await desk.open("f")
        await desk.open("2")
        await desk.see("Measured now")
        await sheet(desk, "6 of 7 days")
        await desk.see("-> met")
        await desk.open("<f8>")
        await desk.see("Objective 1.1.3 has no decision.")
        await desk.open("3")
        await desk.see("Measured now")
        await sheet(desk, "4 of 7 days")
        await desk.open("<f8>")
        await desk.see("Treatment plan: Max Brandt", "revision 2, draft")
        carried = current(desk)
        assert [(item.status, item.is_open) for _, item in tree.objectives(carried)] == [
            ("active", True), ("met", False), ("partly", True),
        ]  # fmt: skip
        assert carried.review is not None
        assert [item.decision for item in carried.review.dispositions] == ["continue", "met", "partly"]
        assert (carried.participation, carried.copy_offered, carried.agreement) == ("", None, "")
        await desk.open("<f8>")
        await desk.see("How the client took part is missing")


METHODS = (("", "typed in person"), ("p", "paper, scanned"), ("v", "verbal by video"), ("r", "returned packet"))


async def test_the_client_signs_by_each_method(
    opened: Open, made: Program, scale: Callable[[int, int], int]
) -> None:
    """All four under nightly; by default one with a witness and one with a scan."""
    record = signed_plan(made)
    scan = made.path.parent / "scan.pdf"
    scan.write_bytes(b"%PDF a scanned page")
    async with opened("nadia") as desk:
        await to_plan(desk, *MAX, "signed")
        for count, (key, method) in enumerate(METHODS[: scale(4, 2)], 1):
            await desk.press("p")
            await desk.see("Client's signature: Max Brandt", "under the treatment plan")
            await desk.open(DOWN_FIELD, DOWN_FIELD, DOWN_FIELD, *([key] if key else []))
            await desk.see(method)
            if key == "p":
                await desk.open("<f2>")
                await desk.see("digest is missing")
                await desk.open(DOWN_FIELD, DOWN_FIELD)
                await desk.paste("/nowhere/scan.pdf")
                await desk.open("<f2>")
                await desk.see("! There is no such file.")
                await desk.open("<ctrl+u>")
                await desk.paste(str(scan))
            elif key == "r":
                await desk.open(DOWN_FIELD, DOWN_FIELD)
                await desk.paste(str(scan))
            await desk.press("<f2>")
            await desk.see("Treatment plan of 2026-03-12", "Client signed")
            found = signing.client_signatures(desk.app.ws, record)
            assert [item.method for item in found] == [name for _, name in METHODS[:count]]
            assert bool(found[-1].attachment_sha256) is (key in ("p", "r"))


async def test_templates_are_saved_without_the_clients_words_and_applied(opened: Open, made: Program) -> None:
    with_draft(made)
    async with opened("nadia") as desk:
        await to_plan(desk, *MAX, "revision 1, draft")
        await desk.open("<f3>")
        await desk.see("Templates of the program")
        await desk.open("<enter>")
        await desk.see("Save the tree as a template", "Left out")
        await desk.paste("First weeks")
        await desk.open("<enter>")
        await desk.see("Template First weeks saved")
        ((_, template),) = plans.templates(desk.app.ws)
        assert "I want goal" not in PLAN_TEMPLATE.encode(template).decode()
        await desk.open("<f3>")
        await desk.see("Apply: First weeks")
        await desk.open("<enter>")
        await desk.until(lambda: len(current(desk).problems) == 2, "the template's problem")
        await desk.open("u")
        assert len(current(desk).problems) == 1


async def test_a_goal_over_open_objectives_and_the_plan_are_not_closed(opened: Open, made: Program) -> None:
    with_draft(made)
    async with opened("nadia") as desk:
        await to_plan(desk, *MAX, "revision 1, draft")
        outline = desk.app.screen.query_one(OutlineList)
        outline.go_to(current(desk).problems[0].goals[0].id)
        await desk.open("c")
        await desk.see("This goal has open objectives. Close each with an outcome first.")
        outline.go_to("=end")
        await desk.open("c")
        await desk.see("Objectives are still open: 1.1.1, 1.1.2, 1.2.1, 1.2.2.")
        assert current(desk).closed_on is None


async def test_an_objective_is_edited_in_place_with_a_phrase_and_the_sums_follow(opened: Open, made: Program) -> None:
    from iop_tui.clinical.notes import phrasebook
    from iop_tui.clinical.notes.phrases import Phrase

    with_draft(made)
    with made.workspace() as ws:
        phrasebook.save(ws, Phrase(shortcut="urge", text="Uses urge surfing before acting"))
    async with opened("nadia") as desk:
        await to_plan(desk, *MAX, "revision 1, draft")
        outline = desk.app.screen.query_one(OutlineList)
        outline.go_to(tree.objectives(current(desk))[0][1].id)
        await desk.open("<enter>")
        await desk.see("Objective 1.1.1")
        await desk.open("<f3>")
        await desk.see("Insert a phrase")
        await desk.open("<enter>")
        await desk.until(lambda: "urge surfing before" in tree.objectives(current(desk))[0][1].text, "the phrase")
        await desk.open("<escape>", "<down>", "<enter>")
        await desk.see("Intervention 1.1.1.1", "Planned 180 of 180")
        await desk.open(*[DOWN_FIELD] * 3, "<end>", *["<backspace>"] * 2, "9", "0")
        await desk.see("Planned 225 of 180", "1 x 90 min a week")
        assert tree.objectives(current(desk))[0][1].interventions[0].minutes == 90


@pytest.mark.nightly
async def test_a_signed_plan_is_corrected_in_its_own_editor(opened: Open, made: Program) -> None:
    record = signed_plan(made)
    async with opened("nadia") as desk:
        await to_plan(desk, *MAX, "signed")
        await desk.press("c")
        await desk.see("Correction: Max Brandt", "of revision 1, new")
        key = tree.objectives(current(desk))[0][1].id
        desk.app.screen.query_one(OutlineList).go_to(key)
        await desk.open("d")
        await desk.see("Remove objective 1.1.1")
        await desk.open("y")
        await desk.see("was part of a signed plan")
        await desk.open("<enter>")
        await desk.see("Objective 1.1.1")
        await desk.open(*[DOWN_FIELD] * 3, "<end>", " ", "!")
        await desk.open("<f8>")
        await desk.see("Why is the plan corrected?")
        await desk.open("<right>", "<tab>")
        await desk.paste("Misheard the number")
        await desk.open("<enter>")
        await desk.see("[s] sign")
        await desk.open("s")
        await desk.see("Treatment plan of 2026-03-12", "Amended")
        now = plans.active(desk.app.ws, made.people["max"])
        assert now is not None
        assert (now.record, tree.objectives(now.plan)[0][1].target) == (record, "6 of 7 days !")
