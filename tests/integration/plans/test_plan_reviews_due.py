"""What forces a review of the plan, what a new plan and a review begin with, what waits behind one key."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from iop_tui import slices
from iop_tui.clinical.charting import planning, triggers
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.episodes.model import INTAKE_ASSESSMENT
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.plans import service as plans
from iop_tui.clinical.plans import starting, tree
from iop_tui.clinical.plans.treatment import Disposition, Review, TreatmentPlan
from iop_tui.clinical.safety.model import RISK_ASSESSMENT
from iop_tui.clinical.sessions.model import Encounter
from iop_tui.clinical.signing import service as signing
from iop_tui.clinical.signing.model import ClientSignature
from iop_tui.kernel.errors import AlreadySigned, NoKey, NotFound, Refused
from iop_tui.workspace import Workspace
from iop_tui.workspace import unsaved as journal
from tests.support.clinic.charting import INTAKE, RISK
from tests.support.clinic.plans import plan
from tests.support.clinic.vaults import Program, copied, keep, leave, note, template, today

WITHOUT = msgspec.structs.replace
PRESENT = {
    "risk": "present", "risk_action": "Safety plan renewed.", "risk_present": ("suicidal ideation",),
    "supervisor_notice": "Uma, by phone, at once.",
}
KINDS = {item.kind: item for item in slices.TYPES}


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[tuple[Program, Workspace, bytes]]:
    """A copy of the small program, and Max, whom Nadia treats and nobody planned for."""
    made = copied(template(tmp_path_factory), tmp_path)
    with made.workspace() as ws:
        yield made, ws, made.people["max"]


def planned(ws: Workspace, person: bytes, days_ago: int) -> bytes:
    """A signed plan of some days ago."""
    day = today(ws) - timedelta(days=days_ago)
    made = WITHOUT(
        plan(1, 1, 2, hours=1.5, hours_reason="Test"), planned=day, effective=day, admitted=day,
        next_review=day + timedelta(days=14),
    )  # fmt: skip
    record = plans.save(ws, person, made).record
    charting.sign(ws, [record])
    return record


def due_review(ws: Workspace, person: bytes) -> tuple[date, str]:
    """Day and rule of the plan's line in the work queue."""
    (line,) = [line for line in charting.due(ws, within=timedelta(days=60))
               if line.person == person and line.action == "review"]  # fmt: skip
    return line.due, line.rule


def test_without_an_event_the_plans_own_date_counts(own: tuple[Program, Workspace, bytes]) -> None:
    _, ws, person = own
    planned(ws, person, 5)
    assert due_review(ws, person) == (today(ws) + timedelta(days=9), "plan-next-review")


def test_a_positive_risk_screen_forces_a_review(own: tuple[Program, Workspace, bytes]) -> None:
    _, ws, person = own
    planned(ws, person, 5)
    raised = WITHOUT(RISK, assessed=today(ws), level="moderate", action="Called.", safety_plan="today")
    charting.save(ws, person, RISK_ASSESSMENT, raised)
    assert due_review(ws, person) == (today(ws), "plan-review-after-risk")


def test_risk_present_in_a_signed_note_forces_a_review(own: tuple[Program, Workspace, bytes]) -> None:
    _, ws, person = own
    planned(ws, person, 5)
    day = today(ws) - timedelta(days=1)
    written = note(day, "Thought of dying.", objectives=("1.1.1",), **PRESENT)
    saved = notes.save(ws, person, written)
    assert due_review(ws, person)[1] == "plan-next-review", "a draft forces nothing"
    notes.sign(ws, [saved.record])
    assert due_review(ws, person) == (day, "plan-review-after-risk")
    signing.void(ws, saved.record, reason="wrong person", explanation="Another chart.")
    assert due_review(ws, person)[1] == "plan-next-review", "a withdrawn note forces nothing"


def test_a_visit_to_an_emergency_department_forces_a_review(own: tuple[Program, Workspace, bytes]) -> None:
    _, ws, person = own
    planned(ws, person, 5)
    keep(ws, person, KINDS["encounter"], Encounter(text="Check-up", setting="ambulatory", started=today(ws)))
    assert due_review(ws, person)[1] == "plan-next-review"
    keep(ws, person, KINDS["encounter"], Encounter(text="Fall", setting="emergency", started=today(ws)))
    assert due_review(ws, person) == (today(ws), "plan-review-after-emergency")


def test_another_level_of_care_forces_a_review(own: tuple[Program, Workspace, bytes]) -> None:
    _, ws, person = own
    planned(ws, person, 5)
    other = WITHOUT(INTAKE, admitted=today(ws), assessed=today(ws), level="2.5")
    record = charting.save(ws, person, INTAKE_ASSESSMENT, other).record
    charting.sign(ws, [record])
    assert due_review(ws, person) == (today(ws), "plan-review-after-level-change")
    assert planning.begin_review(ws, person, in_force(ws, person)).reason == "level of care changed"


def test_a_relapse_forces_a_review(own: tuple[Program, Workspace, bytes]) -> None:
    _, ws, person = own
    planned(ws, person, 5)
    struct = KINDS["lapse"].struct
    day = next(info.name for info in KINDS["lapse"].fields() if "date" in str(info.type) and "datetime." in
               str(info.type))  # fmt: skip
    keep(ws, person, KINDS["lapse"], struct(**{day: today(ws)}))
    assert due_review(ws, person) == (today(ws), "plan-review-after-relapse")


def test_a_client_signature_is_due_until_it_is_recorded_or_refused(own: tuple[Program, Workspace, bytes]) -> None:
    _, ws, person = own
    record = planned(ws, person, 1)

    def waiting() -> list[bytes]:
        return [line.record for line in charting.due(ws) if (line.person, line.action) == (person, "clientsign")]

    assert waiting() == [record]
    given = ClientSignature(signer="client", name="Max Brandt", method="typed in person", witness="Nadia",
                            signed_on=today(ws))  # fmt: skip
    signing.record_client_signature(ws, record, given)
    assert waiting() == []


def test_a_documented_refusal_stands_for_the_clients_signature(own: tuple[Program, Workspace, bytes]) -> None:
    _, ws, person = own
    made = plan(1, 1, 1, hours=0.75, hours_reason="Test", agreement="refuses", refusal="Wants to read it first.")
    charting.sign(ws, [plans.save(ws, person, made).record])
    assert not [line for line in charting.due(ws) if (line.person, line.action) == (person, "clientsign")]


def in_force(ws: Workspace, person: bytes) -> TreatmentPlan:
    """The plan in force."""
    found = plans.active(ws, person)
    assert found is not None
    return found.plan


def test_a_review_dated_after_the_event_has_seen_it(own: tuple[Program, Workspace, bytes]) -> None:
    made, ws, person = own
    planned(ws, person, 5)
    keep(ws, person, KINDS["encounter"], Encounter(text="Fall", setting="emergency", started=today(ws)))
    before = in_force(ws, person)
    begun = planning.begin_review(ws, person, before)
    assert (begun.on, begun.reason) == (today(ws), "emergency department visit")
    assert planning.next_review(ws, person, before, today(ws)) > today(ws)
    assert triggers.forced(ws, person, today(ws), before.level) is None
    assert triggers.forced(ws, person, today(ws) - timedelta(days=1), before.level) is not None
    del made


def test_a_new_plan_begins_with_what_the_chart_knows(own: tuple[Program, Workspace, bytes]) -> None:
    _, ws, person = own
    day = today(ws) - timedelta(days=2)
    record = charting.save(ws, person, INTAKE_ASSESSMENT, WITHOUT(INTAKE, admitted=day, assessed=day)).record
    charting.sign(ws, [record])
    begun = planning.begin_plan(ws, person)
    assert (begun.admitted, begun.planned, begun.effective) == (day, today(ws), today(ws))
    assert (begun.level, begun.edition) == ("2.1", "ASAM 4th edition")
    assert begun.next_review is not None
    assert begun.next_review > today(ws)
    assert begun.strengths == (), "no words of another document"


def test_unfinished_work_comes_first(own: tuple[Program, Workspace, bytes]) -> None:
    made, ws, person = own
    assert starting.found(ws, person) == (starting.NEW, b"")
    begun = starting.new(ws, person, planning.begin_plan(ws, person))
    starting.keep_plan(ws, begun, b"", begun.plan, ("=dates", {"target_end": "soon"}))
    assert starting.found(ws, person) == (starting.UNSAVED, begun.slot)
    back = starting.restore(ws, begun.slot)
    assert isinstance(back, starting.Start)
    assert (back.plan, back.typing) == (begun.plan, ("=dates", {"target_end": "soon"}))
    starting.give_up(ws, begun.slot)
    with pytest.raises(NotFound):
        starting.restore(ws, begun.slot)
    record = plans.save(ws, person, plan(1, 1, 2, hours=1.5, hours_reason="Test")).record
    assert starting.found(ws, person) == (starting.DRAFT, record)
    assert starting.draft(ws, record).record == record
    charting.sign(ws, [record])
    assert starting.found(ws, person) == (starting.READ, record)
    with pytest.raises(AlreadySigned):
        starting.draft(ws, record)
    assert len(starting.review(ws, person, Review(), None).plan.problems) == 1
    del made


def test_a_review_waits_in_the_journal_with_its_decisions(own: tuple[Program, Workspace, bytes]) -> None:
    _, ws, person = own
    planned(ws, person, 3)
    begun = starting.review(ws, person, Review(on=today(ws)), today(ws) + timedelta(days=14))
    key = plans.objectives(ws, person)[0].id
    decided = {key: Disposition(decision="met", standing="6 of 7 days")}
    starting.keep_review(ws, begun, WITHOUT(begun.review, summary="Good."), begun.next_review, decided)
    back = starting.restore(ws, begun.slot)
    assert isinstance(back, starting.ReviewStart)
    assert (back.decisions, back.review.summary, back.next_review) == (decided, "Good.", begun.next_review)
    assert journal.kept(ws)[begun.slot].fields[journal.KIND] == starting.REVIEW


def test_a_second_revision_is_not_begun_while_one_waits(own: tuple[Program, Workspace, bytes]) -> None:
    _, ws, person = own
    planned(ws, person, 3)
    decided = {line.id: Disposition(decision="continue") for line in plans.objectives(ws, person)}
    saved = plans.review(ws, person, decided, Review(on=today(ws), summary="x"),
                         next_review=today(ws) + timedelta(days=14))  # fmt: skip
    with pytest.raises(Refused, match="written already"):
        starting.review(ws, person, Review(), None)
    assert starting.found(ws, person) == (starting.DRAFT, saved.record)


def test_nobody_plans_without_a_part_in_the_care(own: tuple[Program, Workspace, bytes]) -> None:
    made, ws, person = own
    for name in ("tom", "fay", "abe"):
        other = made.beside(ws, name)
        with pytest.raises((NoKey, NotFound)):
            starting.new(other, person, TreatmentPlan())
        leave(other)


def test_another_authors_draft_is_not_edited(own: tuple[Program, Workspace, bytes]) -> None:
    made, ws, _ = own
    ana = made.people["ana"]
    record = plans.save(ws, ana, plan(1, 1, 1)).record
    sol = made.beside(ws, "sol")
    with pytest.raises((Refused, NotFound)):
        starting.draft(sol, record)
    leave(sol)


def test_a_correction_waits_in_the_journal_and_as_a_draft(own: tuple[Program, Workspace, bytes]) -> None:
    _, ws, person = own
    record = planned(ws, person, 1)
    begun = starting.correction(ws, record)
    assert (begun.corrects, begun.record) == (record, b"")
    key = tree.objectives(begun.plan)[0][1].id
    corrected = tree.change(begun.plan, key, target="7 of 7 days")
    starting.keep_plan(ws, dataclasses.replace(begun, reason="correction"), b"", corrected, None)
    assert starting.found(ws, person) == (starting.UNSAVED, begun.slot)
    back = starting.restore(ws, begun.slot)
    assert isinstance(back, starting.Start)
    assert (back.plan, back.corrects, back.reason) == (corrected, record, "correction")
    assert starting.correction(ws, record).plan == corrected, "unsaved work comes first"
    saved = signing.amend(ws, record, corrected, reason="correction", explanation="Misheard.", slot=begun.slot)
    again = starting.correction(ws, record)
    assert (again.record, again.plan, again.explanation) == (saved.record, corrected, "Misheard.")
    charting.sign(ws, [saved.record])
    assert tree.objectives(in_force(ws, person))[0][1].target == "7 of 7 days"
    with pytest.raises(AlreadySigned):
        starting.correction(ws, saved.record)


def test_only_the_author_corrects_and_only_what_is_signed(own: tuple[Program, Workspace, bytes]) -> None:
    made, ws, person = own
    record = plans.save(ws, person, plan(1, 1, 1)).record
    with pytest.raises(Refused, match="signed plan"):
        starting.correction(ws, record)
    signed = planned(ws, made.people["ana"], 1)
    sol = made.beside(ws, "sol")
    with pytest.raises((Refused, NotFound)):
        starting.correction(sol, signed)
    leave(sol)


def test_an_objective_closed_by_mistake_is_opened_in_a_correction_and_nowhere_else(
    own: tuple[Program, Workspace, bytes],
) -> None:
    _, ws, person = own
    base = plan(1, 1, 2, hours=1.5, hours_reason="Test")
    key = tree.objectives(base)[0][1].id
    record = plans.save(ws, person, tree.close(base, key, on=today(ws), outcome="reached")).record
    charting.sign(ws, [record])
    assert key not in starting.correction(ws, record).ended
    assert key in plans.ended_ids(ws, person)
