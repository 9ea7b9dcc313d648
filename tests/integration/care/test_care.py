"""Plans, measures and substances in a real vault: where they lie, who reads them, what becomes due."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.checkins import service as checkins
from iop_tui.clinical.checkins.model import CHECK_IN, SCHEDULE, Attempt, Schedule
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.measures import library, series
from iop_tui.clinical.measures import service as measures
from iop_tui.clinical.medications import service as medications
from iop_tui.clinical.medications.reviewing import MEDICATION_REVIEW
from iop_tui.clinical.records import api as records
from iop_tui.clinical.relapse import service as relapse
from iop_tui.clinical.relapse import standing as standings
from iop_tui.clinical.relapse.checks import RELAPSE_DRILL, RELAPSE_PLAN, RELAPSE_REVIEW
from iop_tui.clinical.safety import service as safety
from iop_tui.clinical.safety.plan import SAFETY_PLAN
from iop_tui.clinical.toxicology import service as toxicology
from iop_tui.clinical.toxicology.lapses import LAPSE, Lapse
from iop_tui.clinical.toxicology.naloxone import NALOXONE
from iop_tui.clinical.toxicology.testing import DRUG_SCREEN
from iop_tui.interchange.outfile import AlreadyThere
from iop_tui.interchange.prints.charts import chart_for_person
from iop_tui.kernel.errors import InputRejected, NotFound, NotReady, Refused, Usage
from iop_tui.workspace import Workspace
from tests.support.clinic.care import RELAPSE, SAFETY, SCREEN
from tests.support.clinic.vaults import PHRASE, Program, copied, leave, template

WITHOUT = msgspec.structs.replace
DAY = timedelta(days=1)
Open = Callable[[str], Workspace]


@pytest.fixture
def made(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The small program of tests/support/clinic/vaults.py, a copy for every test."""
    return copied(template(tmp_path_factory), tmp_path_factory.mktemp("care"))


@pytest.fixture
def ws(made: Program) -> Iterator[Workspace]:
    """Nadia's workspace: therapist of Ana and Max."""
    with made.workspace() as opened:
        opened.confirm(bytearray(PHRASE))
        yield opened


@pytest.fixture
def beside(made: Program, ws: Workspace) -> Iterator[Open]:
    """`beside("sol")`: another user's workspace on the same open vault, caught up."""
    with ExitStack() as stack:

        @contextmanager
        def opened(name: str) -> Iterator[Workspace]:
            other = made.beside(ws, name)
            other.confirm(bytearray(PHRASE))
            try:
                yield other
            finally:
                leave(other)

        yield lambda name: stack.enter_context(opened(name))


def today(ws: Workspace) -> date:
    """The workspace's day."""
    return measures.context(ws, b"").today


def keep(ws: Workspace, person: bytes, kind: Any, document: Any) -> bytes:
    """Save by every rule; the record."""
    return charting.save(ws, person, kind, document).record


def sees(ws: Workspace, person: bytes, kind: str) -> int:
    """How many records of a kind this user's view holds."""
    return records.timeline_count(ws, person, kinds=(kind,))


def of_kind(ws: Workspace, record: bytes) -> str:
    """The compartment kind a record lies in."""
    return records.line_of(ws, record).compartment_kind


# -- measures ------------------------------------------------------------------------------------


def phq9(ws: Workspace, person: bytes, values: list[int], on: date) -> measures.Given:
    """An administration on a day."""
    definition = library.instrument(ws, "phq-9")
    answers = {str(at): value for at, value in enumerate(values, 1)}
    return measures.give(ws, person, definition, measures.scored(ws, person, definition, answers, taken=on))


def test_an_administration_is_kept_compared_and_charted(ws: Workspace, made: Program) -> None:
    max_, day = made.people["max"], today(ws)
    phq9(ws, max_, [2] * 9, day - 14 * DAY)
    given = phq9(ws, max_, [1] * 9, day)
    assert (given.measure.score, given.measure.band) == (9, "mild")
    assert any("reliable change, better" in said for said in given.measure.changes)
    (found,) = series.series(ws, max_, ["PHQ-9"])
    assert [(point.value, point.change is not None) for point in found.points] == [(18, False), (9, True)]
    assert found.bands[2] == (10, "moderate")
    assert "PHQ-2" in series.names(ws, max_)


def test_a_date_before_birth_or_in_the_future_is_refused(ws: Workspace, made: Program) -> None:
    for day in (date(1999, 11, 30), today(ws) + DAY):
        with pytest.raises(NotReady):
            phq9(ws, made.people["max"], [0] * 9, day)


def test_item_nine_leads_to_a_safety_plan_until_one_is_made(ws: Workspace, made: Program) -> None:
    max_, day = made.people["max"], today(ws)
    phq9(ws, max_, [0, 0, 0, 0, 0, 0, 0, 0, 1], day)
    assert safety.needed(ws, max_) == (day, "PHQ-9 item 9 above 0")
    assert "safety-plan" in {line.action for line in charting.due(ws) if line.person == max_}
    begun = charting.begin(ws, max_, SAFETY_PLAN)
    assert begun.occasion == "PHQ-9 item 9 above 0"
    record = keep(ws, max_, SAFETY_PLAN, WITHOUT(SAFETY, made=day, next_review=day + 7 * DAY,
                                                 means=(WITHOUT(SAFETY.means[0], done_on=day),)))  # fmt: skip
    assert safety.needed(ws, max_) is not None
    charting.sign(ws, [record])
    assert safety.needed(ws, max_) is None
    held = safety.current(ws, max_)
    assert held is not None
    assert (held.record, held.status) == (record, "signed")
    with pytest.raises(Refused):
        safety.copy_for_partner(ws, max_)


def test_cssrs_high_is_not_kept_before_the_safety_action(ws: Workspace, made: Program) -> None:
    definition, max_ = library.instrument(ws, "C-SSRS"), made.people["max"]
    answers = {"1": 1, "2": 1, "3": 1, "4": 1, "5": 0, "6": 0}
    with pytest.raises(NotReady, match="safety action"):
        measures.give(ws, max_, definition, measures.scored(ws, max_, definition, answers))
    whole = measures.scored(ws, max_, definition, answers, safety_action="Plan renewed; sister stays tonight.")
    assert measures.give(ws, max_, definition, whole).measure.level == "high"


def test_a_clinic_loads_its_own_file_and_the_form_works_from_it(ws: Workspace) -> None:
    assert not library.instrument(ws, "dast-10").has_texts
    rows = "\n".join(f'{at} = "Own wording {at}"' for at in range(1, 11))
    data = f'extends = "dast-10"\nlicence = "Letter of 2026-02-01"\n[texts_of]\n{rows}\n'
    library.install(ws, data.encode())
    assert library.instrument(ws, "DAST-10").item("2").text == "Own wording 2"
    library.install(ws, data.replace("Own", "New").encode())
    assert [each.id for each in library.loaded(ws)] == ["dast-10"]
    assert library.instrument(ws, "DAST-10").item("2").text == "New wording 2"
    library.retire(ws, "dast-10")
    assert not library.instrument(ws, "dast-10").has_texts


def test_a_broken_file_changes_nothing(ws: Workspace) -> None:
    before = len(library.loaded(ws))
    with pytest.raises(InputRejected, match="scores"):
        library.install(
            ws, b'{"extends": "phq-9", "scores": [{"name": "PHQ-9", "items": ["1"], "low": 0, "high": 27}]}'
        )
    assert len(library.loaded(ws)) == before


def test_hark_lies_where_only_its_author_reads_and_in_no_trend(ws: Workspace, made: Program, beside: Open) -> None:
    ana, definition = made.people["ana"], library.instrument(ws, "hark")
    whole = measures.scored(ws, ana, definition, {"1": 1, "2": 0, "3": 0, "4": 0})
    given = measures.give(ws, ana, definition, whole)
    assert of_kind(ws, given.record) == "SAFE"
    assert "HARK" not in series.names(ws, ana)
    assert measures.last(ws, ana, definition) is not None
    for name in ("sol", "cleo", "uma"):
        assert sees(beside(name), ana, "protected_measure") == 0


def test_a_questionnaire_becomes_due_again(ws: Workspace, made: Program) -> None:
    phq9(ws, made.people["max"], [1] * 9, today(ws))
    lines = [line for line in charting.due(ws) if line.person == made.people["max"] and line.action == "measure"]
    assert [(line.what, line.due) for line in lines] == [("Give the PHQ-9", today(ws) + 7 * DAY)]


# -- relapse -------------------------------------------------------------------------------------


def whole_plan(ws: Workspace) -> Any:
    """A plan of two days ago that may be signed."""
    day = today(ws)
    return WITHOUT(RELAPSE, made=day - 2 * DAY, rehearsed=None, rehearsed_minutes=None, rehearsed_with="",
                   last_use=day - 30 * DAY)  # fmt: skip


def active_plan(sol: Workspace, ana: bytes) -> relapse.Held:
    """Ana's plan, signed and played through today with a step that worked."""
    record = keep(sol, ana, RELAPSE_PLAN, whole_plan(sol))
    charting.sign(sol, [record])
    drill = standings.play(standings.begin(held_plan(sol, ana).plan), used=True, worked=True)
    kept = standings.finished(drill, plan="", on=today(sol), minutes=15, with_whom="Sol", confidence=8)
    relapse.keep_drill(sol, ana, record, kept)
    return held_plan(sol, ana)


def held_plan(sol: Workspace, ana: bytes) -> relapse.Held:
    """The plan that counts, of which there is one."""
    held = relapse.current(sol, ana)
    assert held is not None
    return held


def lapse(sol: Workspace, ana: bytes) -> bytes:
    """A day of drinking, today; a step of the plan ended it."""
    known = Lapse(on=today(sol), kind="lapse", substances=("alcohol",), next_steps="Meeting tonight",
                  known_from="client", step_used="Call Ruth", step_worked=True)  # fmt: skip
    return keep(sol, ana, LAPSE, known)


def review(sol: Workspace, ana: bytes) -> bytes:
    """What the lapse says about the plan."""
    begun = charting.begin(sol, ana, RELAPSE_REVIEW)
    return keep(sol, ana, RELAPSE_REVIEW,
                WITHOUT(begun, found="Called too late", decision="stays as it is", confidence=8))  # fmt: skip


def test_a_relapse_plan_from_draft_to_active_and_back(ws: Workspace, made: Program, beside: Open) -> None:
    sol, ana, day = beside("sol"), made.people["ana"], today(ws)
    low = charting.save(sol, ana, RELAPSE_PLAN, WITHOUT(whole_plan(ws), confidence=5))
    with pytest.raises(NotReady, match="below 7"):
        charting.sign(sol, [low.record])
    record = charting.save(sol, ana, RELAPSE_PLAN, whole_plan(ws), record=low.record).record
    charting.sign(sol, [record])
    held = held_plan(sol, ana)
    assert (held.standing.state, held.standing.active) == (standings.NOT_REHEARSED, False)
    assert "drill" in {line.action for line in charting.due(sol) if line.person == ana}

    drill = standings.play(standings.begin(held.plan), used=True, worked=True)
    kept = standings.finished(drill, plan="", on=day, minutes=15, with_whom="Sol", confidence=8)
    relapse.keep_drill(sol, ana, record, kept)
    held = held_plan(sol, ana)
    assert held.standing.state == standings.ACTIVE
    assert held.counts[0].rehearsed_worked == 1

    lapse(sol, ana)
    held = held_plan(sol, ana)
    assert held.standing.state == standings.REVIEW_DUE
    assert (held.counts[1].used, held.counts[1].worked) == (1, 1)
    assert charting.begin(sol, ana, RELAPSE_REVIEW).occasion == "lapse"
    review(sol, ana)
    assert held_plan(sol, ana).standing.state == standings.ACTIVE


def test_a_lapse_adds_to_the_timeline(ws: Workspace, made: Program, beside: Open) -> None:
    sol, ana = beside("sol"), made.people["ana"]
    active_plan(sol, ana)
    lapse(sol, ana)
    found = toxicology.recovery(sol, ana)
    assert found is not None
    assert found.since == today(ws) - 29 * DAY
    assert (found.days_without, found.days_in_all, found.current, found.longest) == (29, 30, 0, 29)


def test_a_drill_without_a_used_step_or_without_a_plan_is_refused(ws: Workspace, made: Program, beside: Open) -> None:
    sol, ana = beside("sol"), made.people["ana"]
    held = active_plan(sol, ana)
    empty = standings.finished(
        standings.begin(held.plan), plan="", on=today(ws), minutes=5, with_whom="Sol", confidence=8
    )
    with pytest.raises(NotReady, match="No step"):
        relapse.keep_drill(sol, ana, held.record, empty)
    with pytest.raises(NotFound):
        relapse.keep_drill(sol, ana, bytes(16), empty)


# -- substances ----------------------------------------------------------------------------------


def test_everything_about_substances_is_partner_blind(ws: Workspace, made: Program, beside: Open) -> None:
    """The counselor's entries lie in SUD; the couples therapist and the partner's therapist hold none of it."""
    sol, ana, day = beside("sol"), made.people["ana"], today(ws)
    record = keep(sol, ana, DRUG_SCREEN, WITHOUT(SCREEN, collected=day - DAY, resulted=day))
    active_plan(sol, ana)
    lapse(sol, ana)
    review(sol, ana)
    kinds = [RELAPSE_PLAN, RELAPSE_DRILL, RELAPSE_REVIEW, LAPSE, DRUG_SCREEN]
    assert [sees(sol, ana, kind.kind) for kind in kinds] == [1] * len(kinds)
    assert of_kind(sol, record) == "SUD"
    for name in ("cleo", "tom", "nadia", "bill", "fay", "abe"):
        other = ws if name == "nadia" else beside(name)
        if name == "nadia":
            other.session.catch_up()
        held = {row[0] for row in other.view.rows("SELECT kind FROM compartment WHERE person = ?", (ana,))}
        for kind in kinds:
            assert "SUD" in held or sees(other, ana, kind.kind) == 0, (name, kind.kind)
    for name in ("cleo", "tom"):
        assert sees(beside(name), ana, DRUG_SCREEN.kind) == 0


def test_a_tampered_specimen_forces_a_review(ws: Workspace, made: Program, beside: Open) -> None:
    sol, ana, day = beside("sol"), made.people["ana"], today(ws)
    keep(sol, ana, DRUG_SCREEN, WITHOUT(SCREEN, collected=day, resulted=day, ph=2.0))
    assert "positive screen" in {event.what for event in toxicology.forcing(sol, ana, None)}
    found = charting.findings(sol, ana, DRUG_SCREEN, WITHOUT(SCREEN, collected=day, resulted=day))
    assert "too_often" not in {item.code for item in found}
    found = charting.findings(sol, ana, DRUG_SCREEN, WITHOUT(SCREEN, collected=day + 2 * DAY, resulted=day + 2 * DAY))
    assert "too_often" in {item.code for item in found}


def test_naloxone_and_the_medication_review_belong_to_the_medications(ws: Workspace, made: Program) -> None:
    ana, day = made.people["ana"], today(ws)
    kit = NALOXONE.struct(given=day, form="nasal spray 4 mg", expires=day + 300 * DAY, kept="Kitchen", trained=("Ida",))
    assert of_kind(ws, keep(ws, ana, NALOXONE, kit)) == "MED"
    review = charting.begin(ws, ana, MEDICATION_REVIEW)
    assert [line.medication for line in review.lines] == ["Naltrexone 50 mg"]
    assert review.allergies == "Penicillin"
    with pytest.raises(NotReady):
        keep(ws, ana, MEDICATION_REVIEW, review)
    line = WITHOUT(review.lines[0], decision="stopped")
    keep(ws, ana, MEDICATION_REVIEW, WITHOUT(review, lines=(line,), sources=("client",)))
    (found,) = medications.medications(ws, ana)
    assert (found.status, found.given_for) == ("stopped", "opioid or alcohol use disorder")
    assert medications.allergies(ws, ana) == ["Penicillin"]


# -- the crisis compartment ----------------------------------------------------------------------


def test_the_safety_plan_reaches_the_treatment_team_and_nobody_else(ws: Workspace, made: Program, beside: Open) -> None:
    ana, day = made.people["ana"], today(ws)
    plan = WITHOUT(SAFETY, made=day, next_review=day + 7 * DAY, means=(WITHOUT(SAFETY.means[0], done_on=day),))
    record = keep(ws, ana, SAFETY_PLAN, plan)
    assert of_kind(ws, record) == "CRISIS"
    charting.sign(ws, [record])
    assert sees(beside("sol"), ana, "safety_plan") == 1
    for name in ("cleo", "tom", "uma", "bill", "fay", "abe"):
        other = beside(name)
        assert sees(other, ana, "safety_plan") == 0
        assert safety.current(other, ana) is None
        with pytest.raises(NotFound):
            records.read(other, record)


# -- check-ins -----------------------------------------------------------------------------------


def test_check_ins_from_schedule_to_closed(ws: Workspace, made: Program, beside: Open) -> None:
    sol, ana, day = beside("sol"), made.people["ana"], today(ws)
    active_plan(sol, ana)
    lapse(sol, ana)
    begun = charting.begin(sol, ana, SCHEDULE)
    assert begun.cadence == ("1 week", "1 month", "3 months")
    assert begun.contact.startswith("Text only")
    left = Schedule(discharged=day - 8 * DAY, cadence=begun.cadence, agreed=True, contact=begun.contact)
    keep(sol, ana, SCHEDULE, left)
    (line,) = checkins.due_lines(sol)
    assert (line.due, line.action) == (day - DAY, "check-in")
    assert line.rule.endswith("hard times: Friday 17:00-22:00")
    check = charting.begin(sol, ana, CHECK_IN)
    tried = WITHOUT(check, attempts=(Attempt(on=day, how="phone", outcome="no answer"),))
    record = keep(sol, ana, CHECK_IN, tried)
    (line,) = checkins.due_lines(sol)
    assert line.what.endswith("(tried 1 times)")
    found, again = checkins.begin_check_in(sol, ana)
    assert (found, len(again.attempts)) == (record, 1)
    reached = WITHOUT(again, attempts=(*again.attempts, Attempt(on=day, how="phone", outcome="reached")), use="no use",
                      step_used="Call Ruth", step_worked=True, closed="reached")  # fmt: skip
    charting.save(sol, ana, CHECK_IN, reached, record=record)
    assert checkins.due_lines(sol) == []
    assert held_plan(sol, ana).counts[1].used == 2


def test_no_check_in_without_a_schedule(ws: Workspace, made: Program) -> None:
    with pytest.raises(NotFound):
        checkins.begin_check_in(ws, made.people["max"])


# -- on paper ------------------------------------------------------------------------------------


def test_svg_is_a_document_of_its_own(ws: Workspace, made: Program, tmp_path: Path) -> None:
    out = tmp_path / "chart.svg"
    printed = chart_for_person(ws, made.people["ana"], ["PHQ-9"], "svg", out)
    assert printed.points == 3
    root = ElementTree.fromstring(out.read_text())
    tags = {each.tag.rpartition("}")[2] for each in root.iter()}
    assert tags == {"svg", "title", "rect", "line", "circle", "text"}
    texts = [each.text for each in root.iter() if each.tag.endswith("text")]
    assert {"PHQ-9: 9", "moderate", "2026-01-13", "2026-03-10", "27"} <= set(texts)
    assert "href" not in out.read_text()


def test_pdf_has_one_page_with_the_words(ws: Workspace, made: Program, tmp_path: Path) -> None:
    out = tmp_path / "chart.pdf"
    chart_for_person(ws, made.people["ana"], ["PHQ-9"], "pdf", out)
    text = subprocess.run(["pdftotext", "-layout", str(out), "-"], capture_output=True, text=True, check=True).stdout
    assert "Ana Quill" in text
    assert "moderately severe" in text
    assert text.count("\f") == 1


def test_each_print_is_a_row_of_the_ledger_and_refusals_write_nothing(
    ws: Workspace, made: Program, tmp_path: Path
) -> None:
    ana, before = made.people["ana"], len(disclosures.accounting(ws, made.people["ana"]).rows)
    there = tmp_path / "there.svg"
    there.write_text("mine")
    for names, form, out, error in (
        (["PHQ-9"], "png", tmp_path / "a.png", Usage),
        (["GAD-7"], "svg", tmp_path / "b.svg", Refused),
        (["PHQ-9"], "svg", there, AlreadyThere),
    ):
        with pytest.raises(error):
            chart_for_person(ws, ana, names, form, out)
    assert there.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["there.svg"]
    assert len(disclosures.accounting(ws, ana).rows) == before
