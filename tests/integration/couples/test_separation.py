"""CR-12: what the end of joint work closes, ends, tells and keeps; and who may see one of them alone afterwards."""

from __future__ import annotations

import msgspec
import pytest

from iop_tui.access import roles
from iop_tui.access.settle import settle
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.compliance import service as compliance
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.couples import entries, separation, terms
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.couples.model import AGREEMENT, LIMITED
from iop_tui.clinical.joint import service as joint
from iop_tui.clinical.joint.model import JOINT_CLOSING, JOINT_NOTE, JOINT_PLAN, JointClosing
from iop_tui.clinical.people import service as people
from iop_tui.clinical.records import api as records
from iop_tui.kernel.errors import NotFound, Refused, RoleRefused, RuleRefused, WallRefused
from tests.integration.couples.conftest import Clinic
from tests.support.clinic.couples import agree, agreement, hold_session, joint_note, joint_plan, joint_release
from tests.support.clinic.vaults import today

NAMES = ("Ana Quill", "Benjamin Odell")


def _closing(clinic: Clinic, **more: object) -> JointClosing:
    values = {"written_on": today(clinic.nadia), "code": "schedule", "sessions": 1, "summary": "Trust talks.",
              "goals": ("1.1 met",), "onward": "Each goes on with their own therapist.", **more}  # fmt: skip
    return JointClosing(**values)  # type: ignore[arg-type]


def test_cr12_dissolving_closes_the_record_and_ends_its_authorizations(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair)
    old = hold_session(cleo, pair)
    consent = joint_release(cleo, pair, "Their lawyer", NAMES)
    done = separation.dissolve(cleo, pair.id, trigger="partner B", code="schedule")
    assert done.authorizations_ended == 1
    assert consents.consent(cleo, consent).state == "ended"
    day = today(cleo)
    for kind, document in ((JOINT_NOTE, joint_note(day)), (JOINT_PLAN, joint_plan(day)), (AGREEMENT, agreement(day))):
        with pytest.raises(RuleRefused) as refused:
            entries.save(cleo, pair.id, kind, document)
        assert refused.value.rule == "couple.ended"
    assert records.read(cleo, old).document is not None  # the therapist keeps reading
    assert joint.owed(cleo, pair.id)[0].what == "Closing note"
    saved = charting.save(cleo, pair.id, JOINT_CLOSING, _closing(clinic))
    charting.sign(cleo, [saved.record])
    with pytest.raises(RuleRefused) as closed:
        charting.save(cleo, pair.id, JOINT_CLOSING, _closing(clinic))
    assert closed.value.rule == "couple.closed"
    with pytest.raises(RuleRefused):
        separation.dissolve(cleo, pair.id, trigger="partner B")
    for name in ("nadia", "tom"):
        (line,) = couples.couples(clinic.ws(name))
        assert line.ended == day.isoformat()
        assert not records.search(clinic.ws(name), "schedule")  # the code stays in the joint record


def test_cr12_the_front_desk_ends_it_and_the_therapists_program_carries_it_out(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair, LIMITED)
    hold_session(cleo, pair)
    consent = joint_release(cleo, pair, "Their lawyer", NAMES)
    fay = clinic.ws("fay")
    separation.dissolve(fay, pair.id, trigger="court paper", code="other, neutral")
    cleo = clinic.ws("cleo")
    with pytest.raises(RuleRefused):
        entries.save(cleo, pair.id, JOINT_NOTE, joint_note(today(cleo)))
    separation.carry_out(cleo)
    assert consents.consent(cleo, consent).state == "ended"
    (entry,) = joint.entries(cleo, pair.id, ("separation",))
    assert (entry.document.secrets, entry.document.legal_hold) == (LIMITED, True)  # the label is frozen
    assert not separation.carry_out(cleo).records  # once


def test_cr12_nobody_else_ends_it(clinic: Clinic) -> None:
    pair = clinic.pair
    for name in ("tom", "sol", "bill", "abe"):
        with pytest.raises((RoleRefused, NotFound)):
            separation.dissolve(clinic.ws(name), pair.id, trigger="partner A")
    cleo = clinic.ws("cleo")
    for bad in ({"trigger": "a neighbor"}, {"trigger": "partner A", "code": "violence"}):
        with pytest.raises(RuleRefused):
            separation.dissolve(cleo, pair.id, **bad)
    assert terms.couple(cleo, pair.id).ended is None
    refused = [line for line in compliance.audit_report(clinic.ws("abe")) if line.action == "refused"]
    assert len(refused) >= 4  # every attempt is audited


def test_cr12_a_closing_note_needs_the_end(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair)
    with pytest.raises(RuleRefused) as refused:
        entries.save(cleo, pair.id, JOINT_CLOSING, _closing(clinic))
    assert refused.value.rule == "couple.not_ended"


def test_cr12_the_wall_outlives_the_work_until_the_other_agrees_in_writing(clinic: Clinic) -> None:
    cleo, pair = clinic.ws("cleo"), clinic.pair
    agree(cleo, pair)
    separation.dissolve(cleo, pair.id, trigger="partner A")
    nadia = clinic.ws("nadia")  # founder: medical director and privacy officer
    tom = clinic.made.users["tom"].user
    with pytest.raises(WallRefused):
        people.assign(nadia, pair.a, tom, roles.INDIVIDUAL_THERAPIST)
    with pytest.raises(RoleRefused):
        separation.clear_conflict(clinic.ws("fay"), pair.id, tom, pair.a, agreed_on=today(nadia), method="paper")
    with pytest.raises(Refused):
        separation.clear_conflict(nadia, pair.id, tom, pair.a, agreed_on=today(nadia), method=" ")
    separation.clear_conflict(nadia, pair.id, tom, pair.a, agreed_on=today(nadia), method="paper, signed by Ben")
    people.assign(nadia, pair.a, tom, roles.INDIVIDUAL_THERAPIST)
    settle(nadia.session)
    with pytest.raises(WallRefused):  # the agreement names one clinician and one partner
        people.assign(nadia, pair.b, clinic.made.users["sol"].user, roles.COUNSELOR)


def test_bad_input_of_links_is_refused_with_its_rule_and_audited(clinic: Clinic) -> None:
    nadia, pair, made = clinic.ws("nadia"), clinic.pair, clinic.made
    cleo = made.users["cleo"].user
    before = len(couples.couples(nadia))
    attempts = (
        (pair.a, pair.a, cleo),  # the same person twice
        (pair.a, made.people["max"], cleo),  # a third partner
        (made.people["max"], made.people["hana"], made.users["tom"].user),  # not a couples therapist
        (made.people["max"], made.people["hana"], nadia.user.user),
    )
    for attempt in attempts:
        with pytest.raises(Refused):
            couples.link(nadia, *attempt)
    people.assign(nadia, made.people["hana"], nadia.user.user, roles.INDIVIDUAL_THERAPIST)
    with pytest.raises(WallRefused):  # T13: two people who share a therapist
        couples.link(nadia, made.people["max"], made.people["hana"], cleo)
    with pytest.raises(WallRefused):  # a therapist on both sides
        people.assign(nadia, pair.b, nadia.user.user, roles.INDIVIDUAL_THERAPIST)
    assert len(couples.couples(nadia)) == before
    refused = [line for line in compliance.audit_report(nadia) if line.action == "refused"]
    assert len(refused) >= 5
    assert {line.detail.partition(":")[0] for line in refused} >= {"link-couple"}


def test_dissolved_couples_can_be_followed_by_another(clinic: Clinic) -> None:
    cleo, pair, made = clinic.ws("cleo"), clinic.pair, clinic.made
    first = agree(cleo, pair)
    separation.dissolve(cleo, pair.id, trigger="partner A")
    nadia = clinic.ws("nadia")
    people.assign(nadia, made.people["hana"], made.users["tom"].user, roles.INDIVIDUAL_THERAPIST)
    identifier, _ = couples.link(nadia, pair.a, made.people["hana"], made.users["cleo"].user)
    cleo = clinic.ws("cleo")
    fresh = terms.couple(cleo, identifier)
    assert terms.in_force(cleo, fresh) is None  # the next couple starts clean
    assert terms.couple_of(cleo, pair.a) == fresh
    assert terms.in_force(cleo, terms.couple(cleo, pair.id)).record == first  # type: ignore[union-attr]
    assert msgspec.to_builtins(agreement(today(cleo)))
