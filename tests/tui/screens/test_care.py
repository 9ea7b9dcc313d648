"""Measures, drills, follow-back and safety plans by keys alone, over a real vault. Each test walks one afternoon: an
unlock costs more than the keys.
"""

from __future__ import annotations

from pathlib import Path

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.measures import service as measures
from iop_tui.clinical.measures.instruments import shipped
from iop_tui.clinical.measures.screens.answering import Answering, ClientScreen
from iop_tui.clinical.measures.screens.charts import MeasureCharts
from iop_tui.clinical.relapse import service as relapse
from iop_tui.clinical.relapse.checks import RELAPSE_PLAN
from iop_tui.clinical.toxicology import service as toxicology
from iop_tui.shell.charting.documents import DocumentEditor
from iop_tui.ui.page import Go
from iop_tui.workspace import unsaved
from tests.support.clinic.care import RELAPSE
from tests.support.clinic.vaults import PHRASE, Program
from tests.tui.screens.conftest import Desk, Open
from tests.tui.screens.goldens import compare


def kept(desk: Desk, form: str = "phq-9") -> measures.Measure:
    """Max's newest administration of a form."""
    found = measures.last(desk.app.ws, desk.made.people["max"], shipped()[form])
    assert found is not None
    return found


async def to_sheet(desk: Desk, form: str = "phq-9") -> None:
    """The answer sheet of a questionnaire for Max."""
    desk.app.go(Go("answer", (desk.made.people["max"],), form))
    await desk.until(lambda: isinstance(desk.app.screen, Answering), "the sheet")
    await desk.until(lambda: not desk.app.navigator.busy, "the page")


async def test_a_phq9_takes_one_key_per_answer_is_corrected_and_survives_leaving(opened: Open) -> None:
    async with opened("nadia") as desk:
        desk.app.go(Go("measures", (desk.made.people["max"],)))
        await desk.see("No scores yet")
        await desk.open("a", "PHQ-9", "<enter>")
        await desk.see("Little interest or pleasure")
        await desk.press("1102010100")
        await desk.see("Every question was asked.")
        await desk.open("<enter>")
        await desk.see("PHQ-9: 6 of 0 to 27", "mild")
        await desk.open("<enter>")
        await desk.see("PHQ-9 6")
        assert (kept(desk).score, kept(desk).mode, kept(desk).administered_by) == (6, "read to the client", "Nadia")
        await desk.press("<enter>")
        await desk.see("Measure of 2026-03-12")
        await desk.press("e")
        await desk.see("10 of 10 answered", "Little interest")
        await desk.press("3", "<f2>")
        await desk.gone("Little interest")
        assert kept(desk).score == 8

        await to_sheet(desk, "gad-7")
        await desk.open("t")
        await desk.see("Total on the paper form")
        await desk.open("19", "<enter>")
        await desk.see("paper form, total 19")
        await desk.press("1111111", "0")
        await desk.open("<enter>")
        await desk.see("The stated total is not the sum of the items.")
        await desk.open("<enter>")
        await desk.gone("not the sum")
        assert (kept(desk, "gad-7").score, kept(desk, "gad-7").stated, kept(desk, "gad-7").mode) == (7, 19, "on paper")

        await to_sheet(desk, "gad-7")
        await desk.press("123", "<escape>", "q")
        await desk.until(lambda: bool(unsaved.kept(desk.app.ws)), "the journal's entry")
        (slot,) = unsaved.kept(desk.app.ws)
        desk.app.go(Go("unsaved", (slot,)))
        await desk.see("unsaved answers restored", "Trouble relaxing", "3 of 8 answered")


async def test_answers_lead_to_the_safety_plan(opened: Open) -> None:
    async with opened("nadia") as desk:
        await to_sheet(desk, "c-ssrs")
        await desk.see("not in the program (licence)")
        await desk.press("111100")
        await desk.open("<enter>")
        await desk.see("Level  high", "record the safety action")
        await desk.open("<enter>")
        await desk.see("What was done")
        await desk.open("Plan renewed", "<enter>")
        await desk.see("Go to the safety plan now?")
        assert kept(desk, "c-ssrs").safety_action == "Plan renewed"
        await desk.open("<escape>")
        await desk.see("Today")

        await to_sheet(desk)
        await desk.press("0000000020")
        await desk.open("<enter>")
        await desk.see("death or self-harm")
        await desk.open("<enter>")
        await desk.see("Go to the safety plan now?")
        await desk.open("y")
        await desk.see("Safety plan: Max Brandt")
        assert isinstance(desk.app.screen, DocumentEditor)
        assert desk.app.screen.sheet.values["occasion"] in ("C-SSRS moderate or high", "PHQ-9 item 9 above 0")


async def test_the_safety_plan_is_two_keys_from_anywhere(opened: Open) -> None:
    async with opened("nadia") as desk:
        await desk.press("g", "c")
        await desk.see("Max Brandt")
        await desk.open("g", "x")
        await desk.see("Safety plan: Max Brandt")
        await desk.press("<escape>", "q")
        await desk.see("Caseload")
        await desk.press("n")
        await desk.see("Note: Max Brandt")
        desk.app.screen.form.focus_field("presentation")  # type: ignore[attr-defined]
        await desk.settled()
        await desk.press("Typing")
        await desk.press("<escape>")
        await desk.open("x")
        await desk.see("Safety plan: Max Brandt")
        await desk.press("<escape>", "q")
        await desk.see("Note: Max Brandt", "Typing")


async def test_the_clients_screen_shows_no_name_and_ends_with_the_passphrase(opened: Open) -> None:
    async with opened("nadia") as desk:
        await to_sheet(desk)
        await desk.open("<f5>")
        await desk.until(lambda: isinstance(desk.app.screen, ClientScreen), "the client's screen")
        assert "Max" not in desk.screen()
        await desk.open("g", "c", "?", "<ctrl+p>")
        assert isinstance(desk.app.screen, ClientScreen)
        await desk.open("111111111", "0")
        await desk.see("Please give the device back")
        await desk.open("<enter>")
        await desk.see("your passphrase ends")
        await desk.open("wrong", "<enter>")
        await desk.see("wrong")
        desk.made.clock.advance(60)
        desk.made.code_clock.advance(60)
        await desk.open(PHRASE.decode(), "<enter>")
        await desk.until(lambda: isinstance(desk.app.screen, Answering), "the clinician's page")
        await desk.see("Every question was asked.")
        await desk.open("<enter>")
        await desk.see("PHQ-9: 9 of 0 to 27")


async def test_the_chart_its_cursor_and_its_print(opened: Open, tmp_path: Path) -> None:
    out = tmp_path / "chart.svg"
    async with opened("nadia", (100, 30)) as desk:
        ana = desk.made.people["ana"]
        desk.app.go(Go("measures", (ana,)))
        await desk.see("PHQ-9", "moderately severe", "2026-03-10: PHQ-9 9, mild", "reliable change, better")
        assert isinstance(desk.app.screen, MeasureCharts)
        await desk.press("<left>")
        await desk.see("PHQ-9 14, moderate")
        await desk.press("<enter>")
        await desk.see("Measure of 2026-02-10")
        await desk.press("q")
        await desk.see("PHQ-9 14, moderate")

        await desk.open("p")
        await desk.see("safe for them to hold")
        await (await desk.open("<right>", "<tab>")).paste(str(out))
        await desk.open("<enter>")
        await desk.until(out.exists, "the file")
        assert out.read_text().startswith("<svg ")
        assert "medication" not in out.read_text()
        await desk.until(lambda: len(disclosures.accounting(desk.app.ws, ana).rows) == 1, "the row of the ledger")


async def test_a_drill_a_follow_back_and_a_lapse(made: Program, opened: Open) -> None:
    ana = made.people["ana"]
    with made.workspace("nadia") as ws:
        charting.save(ws, ana, RELAPSE_PLAN, RELAPSE)
    async with opened("nadia") as desk:
        desk.app.go(Go("relapse", (ana,)))
        await desk.see("Standing", "not signed", "Walk round the block", "Ruth 555-010-1234")
        await desk.open("d")
        await desk.see("Which situation is played?")
        await desk.open("<enter>")
        await desk.see("Walk round the block", "used it, it worked")
        await desk.press("1", "2", "3")
        await desk.see("2 used, 1 worked, 3 in all", "Every step was played.")
        await desk.open("<enter>")
        await desk.see("How sure is the client")
        await (await (await desk.open("8", "<tab>")).paste("Phone was empty")).open("<enter>")
        await desk.see("1 drill, 0 reviews", "1 x, 1 worked", "1 x, 0 worked")
        held = relapse.current(desk.app.ws, ana)
        assert held is not None
        (drill,) = held.drills
        assert (drill.confidence, drill.barriers, drill.with_whom) == (8, "Phone was empty", "Nadia")
        assert [step.used for step in drill.steps] == [True, True, False]

        desk.app.go(Go("recovery", (desk.made.people["max"],)))
        await desk.see("Recovery: Max Brandt", "No lapse is known")
        await desk.press("f")
        await desk.see("Follow-back, alcohol: Max Brandt", "0 of 30 days remembered")
        await desk.press("4", "<enter>", "<space>", "12", "<up>", "f")
        await desk.see("2 days of use", "30 of 30 days remembered")
        await desk.press("<f2>")
        await desk.see("Recovery: Max Brandt")
        ((_, document),) = toxicology.followbacks(desk.app.ws, desk.made.people["max"])
        assert [each.amount for each in document.days[-3:]] == [12, 0, 4]
        await desk.open("+")
        await desk.see("Lapse: Max Brandt")


async def test_the_clinics_own_wording_is_loaded_read_asked_and_removed(opened: Open, tmp_path: Path) -> None:
    """`g` `i`: whose words each has; a broken file is refused in a sentence; the form asks in the new words."""
    broken, good = tmp_path / "broken.toml", tmp_path / "dast.toml"
    broken.write_text('extends = "dast-10"\nlicence = "ours"\n[texts_of]\n11 = "No such question"\n')
    words = "\n".join(f'{number} = "Asked in our words, number {number}?"' for number in range(1, 11))
    good.write_text(f'extends = "dast-10"\nlicence = "Permission, in the binder"\n[texts_of]\n{words}\n')
    async with opened("nadia", (80, 24)) as desk:
        await desk.open("g", "i")
        await desk.see("Questionnaires", "19, 0 of the clinic's own", "scoring only")
        compare("questionnaires", (80, 24), desk.screen())
        await (await (await desk.open("o")).paste(str(broken))).open("<enter>")
        await desk.see("there is no item '11'")
        await (await (await desk.open("o")).paste(str(good))).open("<enter>")
        await desk.see("DAST-10 is in use.", "the clinic's")
        await desk.press("d")
        await desk.see("This one came with the program.")
        desk.app.go(Go("measures", (desk.made.people["ana"],)))
        await desk.see("PHQ-9")
        await desk.open("a", "DAST", "<enter>")
        await desk.see("Asked in our words, number 1?")
