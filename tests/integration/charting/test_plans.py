"""A person's treatment plans: the plan in force, its objectives for notes, reviews, templates, who reads what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest

from iop_tui.access import charts
from iop_tui.access.policy import Kind
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.notes import links
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.plans import service as plans
from iop_tui.clinical.plans import tree
from iop_tui.clinical.plans.documents import as_template
from iop_tui.clinical.plans.treatment import Disposition, Review
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import service as signing
from iop_tui.kernel.errors import NoKey, NotFound, NotReady, Refused
from iop_tui.workspace import Workspace
from tests.integration.charting.conftest import Open
from tests.support.clinic.plans import plan
from tests.support.clinic.vaults import Program, leave, note, refresh, today

WITHOUT = msgspec.structs.replace


@pytest.fixture
def own(made: Program) -> Iterator[tuple[Program, Workspace, bytes]]:
    """A program of one's own and Max, whom Nadia treats and nobody planned for."""
    with made.workspace() as ws:
        yield made, ws, made.people["max"]


def signed_plan(ws: Workspace, person: bytes, **more: object) -> bytes:
    saved = plans.save(ws, person, plan(**more))  # type: ignore[arg-type]
    charting.sign(ws, [saved.record])
    return saved.record


def test_from_draft_to_review_to_the_end(own: tuple[Program, Workspace, bytes]) -> None:
    made, ws, person = own
    assert plans.active(ws, person) is None
    assert plans.objectives(ws, person) == ()
    draft = plans.save(ws, person, plan()).record
    assert plans.active(ws, person) is None, "a draft is not in force"
    charting.sign(ws, [draft])
    found = plans.active(ws, person)
    assert found is not None
    assert (found.record, len(plans.objectives(ws, person))) == (draft, 12)
    with pytest.raises(Refused, match="plan in force"):
        plans.begin(ws, person)
    assert len(plans.signed_ids(ws, person)) == len(list(tree.walk(found.plan)))

    made.clock.advance(14 * 86_400)
    ws.confirm(made.users["nadia"].typed())
    first = tree.objectives(found.plan)[0][1].id
    decisions = {item.id: Disposition(decision="continue") for _, item in tree.objectives(found.plan)}
    done = Review(on=today(ws), summary="Two weeks in.")
    next_review = today(ws) + timedelta(days=14)
    with pytest.raises(NotReady, match="Objectives without a decision"):
        plans.review(ws, person, {first: decisions[first]}, done, next_review=next_review)
    decisions[first] = Disposition(decision="met", standing="6 of 7 days")
    second = plans.review(ws, person, decisions, done, next_review=next_review)
    assert {item.field for item in second.findings if item.code == "required"} == {
        "participation", "copy_offered", "agreement",
    }  # fmt: skip
    stored = signing.opened_document(ws, second.record)[2]
    asked = WITHOUT(stored, participation="Proud of it.", copy_offered=True, agreement="refuses", refusal="No pen.")
    plans.save(ws, person, asked, record=second.record)  # type: ignore[arg-type]
    charting.sign(ws, [second.record])
    now = plans.active(ws, person)
    assert now is not None
    assert (now.record, now.plan.number) == (second.record, 2)
    earlier = plans.active(ws, person, today(ws) - timedelta(days=1))
    assert earlier is not None
    assert earlier.record == draft, "the day before, the first revision was in force"
    open_now = [line.number for line in plans.objectives(ws, person) if line.is_open]
    assert len(open_now) == 11
    assert [line.number for line in plans.plans(ws, person)] == [2, 1]


def test_a_void_plan_is_not_in_force(own: tuple[Program, Workspace, bytes]) -> None:
    _, ws, person = own
    record = signed_plan(ws, person)
    signing.void(ws, record, reason="wrong person", explanation="Another chart.")
    assert plans.active(ws, person) is None
    assert [line.void for line in plans.plans(ws, person)] == [True]


def test_an_amended_plan_is_in_force_as_amended(own: tuple[Program, Workspace, bytes]) -> None:
    _, ws, person = own
    record = signed_plan(ws, person)
    found = plans.active(ws, person)
    assert found is not None
    identifier = tree.objectives(found.plan)[0][1].id
    corrected = tree.change(found.plan, identifier, target="7 of 7 days")
    saved = signing.amend(ws, record, corrected, reason="correction", explanation="Misheard.")
    charting.sign(ws, [saved.record])
    now = plans.active(ws, person)
    assert now is not None
    assert tree.objectives(now.plan)[0][1].target == "7 of 7 days"


def test_notes_link_open_objectives_and_not_closed_ones(own: tuple[Program, Workspace, bytes]) -> None:
    _, ws, person = own
    base = plan(1, 1, 2, hours=1.5, hours_reason="Test")
    first, second = (item.id for _, item in tree.objectives(base))
    closed = tree.close(base, first, on=today(ws), outcome="reached")
    charting.sign(ws, [plans.save(ws, person, closed).record])
    states = charting.thread(ws, person).objectives
    assert [item.id for item in links.complete("#", states)] == [second]
    linked = note(today(ws), "Walked home", objectives=(links.link(states[1]),), response="Proud.", plan="Again.")
    good = notes.save(ws, person, linked).record
    bad = notes.save(ws, person, WITHOUT(linked, start=None, objectives=(links.link(states[0]),))).record
    with pytest.raises(NotReady, match=r"Objective 1\.1\.1 is closed"):
        charting.sign(ws, [bad])
    charting.sign(ws, [good])
    assert charting.thread(ws, person).objectives[1].last_cited == today(ws)


def test_overlaps_codes_and_clones_are_refused_with_their_source(own: tuple[Program, Workspace, bytes]) -> None:
    _, ws, person = own
    day = today(ws) - timedelta(days=2)  # the day of a note about Ana, 10:00 to 10:50
    other = {"response": "Quiet.", "plan": "Sleep."}
    clash = notes.save(ws, person, note(day, "Also then", **other)).record
    with pytest.raises(NotReady, match="overlap another session of yours"):
        charting.sign(ws, [clash])
    coded = notes.save(ws, person, note(day - timedelta(days=1), "Coded", service_code="90837", **other)).record
    with pytest.raises(NotReady, match="90837 stands for 53 to 1440 minutes; this session took 50"):
        charting.sign(ws, [coded])
    fits = note(day - timedelta(days=1), "Coded", service_code="90834", **other)
    charting.sign(ws, [notes.save(ws, person, fits, record=coded).record])
    same = notes.save(ws, person, note(today(ws), "Another day", **other)).record
    with pytest.raises(NotReady, match="The response is the last note's"):
        charting.sign(ws, [same])


def test_who_reads_and_writes_a_plan(made: Program, ws: Workspace, beside: Open) -> None:
    ana = made.people["ana"]
    record = signed_plan(ws, ana)
    sol = beside("sol")
    own = plans.save(sol, ana, plan(1, 1, 1, hours=0.75, hours_reason="Counselor's part")).record
    charting.sign(sol, [own])
    theirs, mine = plans.active(sol, ana), plans.active(ws, ana)
    assert theirs is not None
    assert mine is not None
    assert (theirs.record, mine.record) == (own, record), "each part of the care has its own plan"
    for name in ("tom", "cleo", "abe", "fay"):
        other = beside(name)
        assert plans.plans(other, ana) == []
        with pytest.raises(NotFound):
            records.read(other, record)
        with pytest.raises((NoKey, NotFound)):
            plans.save(other, ana, plan(1, 1, 1))


def test_templates_are_the_programs(made: Program, ws: Workspace, beside: Open) -> None:
    template = as_template("Alcohol, first weeks", plan(1, 1, 2))
    record, _ = plans.save_template(ws, template)
    tom = beside("tom")
    assert [(item[0], item[1].name) for item in plans.templates(tom)] == [(record, "Alcohol, first weeks")]
    plans.save_template(tom, WITHOUT(template, retired=True), record=record)
    assert plans.templates(tom) == []
    with pytest.raises(NotReady, match="baseline"):
        plans.save_template(tom, WITHOUT(template, problems=plan(1, 1, 1).problems))
    with pytest.raises(NotReady, match="name"):
        plans.save_template(tom, WITHOUT(template, name=" "))


def test_a_signed_plan_put_there_from_outside_counts_for_nothing(own: tuple[Program, Workspace, bytes]) -> None:
    """Everybody can deposit; the biller deposits a plan and signs it."""
    made, ws, person = own
    bill = made.beside(ws, "bill")
    place = charts.compartment_for(bill.session, person, Kind.IND)
    forged, work = plan(1, 1, 1), bill.work()
    body = bill.session.body(
        work, record=bill.rng.token(16), person=person, kind="treatment_plan", version=1,
        payload=plans.TREATMENT_PLAN.encode(forged),
    )  # fmt: skip
    revision = bill.session.deposit(work, place, body, Kind.IND)
    terms = ("author", "biller", "passphrase")
    doc = signing.signature_over(bill, work, body.record, revision, body.digest(), terms)
    bill.session.deposit(work, place, signing.signature_body(bill, work, person, doc), Kind.IND)
    bill.session.note(work, "write")
    bill.commit(work)
    leave(bill)
    refresh(ws)
    assert plans.active(ws, person) is None
    assert plans.objectives(ws, person) == ()
    assert plans.signed_ids(ws, person) == frozenset()
    assert "no_plan" in {item.code for item in charting.check_chart(ws, person)}
