"""The supervisor's queue: a share of the signed bytes, a signature deposited beside them, or a return for changes."""

from __future__ import annotations

import base64
from datetime import date, timedelta

import msgspec
import pytest

from iop_tui.access.policy import Kind
from iop_tui.access.primitives import program_compartment
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.private import PSYCHOTHERAPY_NOTE, PsychotherapyNote
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import cosign, export
from iop_tui.clinical.signing import service as signing
from iop_tui.clinical.signing.model import COSIGN_REQUEST, CosignRequest
from iop_tui.clinical.staff import profiles
from iop_tui.clinical.staff.profiles import Licence, ProgramProfile, StaffProfile
from iop_tui.kernel.errors import NotFound, NotReady, Refused, RoleRefused, VaultDamaged
from iop_tui.kernel.ids import show_id
from iop_tui.workspace import Workspace
from tests.integration.charting.conftest import Open
from tests.support.clinic.vaults import Program, note, refresh, today

WITHOUT = msgspec.structs.replace


@pytest.fixture
def supervised(made: Program, ws: Workspace) -> None:
    """Tom works under Uma's supervision, by the administrator's word."""
    uma = show_id(made.users["uma"].user)
    profiles.set_profile(ws, made.users["tom"].user, StaffProfile(credential="LPC-A", supervisor=uma))


_COUNT = iter(range(1, 100))


def asked(made: Program, tom: Workspace) -> tuple[bytes, bytes]:
    """Tom signs a note about Ben; (note, request): his program asks Uma by itself."""
    number = next(_COUNT)
    own = {"response": f"Answer number {number}", "plan": f"Plan number {number}"}
    saved = notes.save(tom, made.people["ben"], note(today(tom) - timedelta(days=number + 3), f"Talk {number}", **own))
    charting.sign(tom, [saved.record])
    return saved.record, next(item.id for item in cosign.asked(tom) if item.record == saved.record)


@pytest.mark.usefixtures("supervised")
def test_what_a_supervised_author_signs_waits_for_the_supervisor(made: Program, beside: Open) -> None:
    tom = beside("tom")
    record, request = asked(made, tom)
    uma = beside("uma")
    waiting = cosign.queue(uma)
    assert [(item.id, item.author_name, item.label) for item in waiting] == [(request, "Tom", "Progress note")]
    shown = cosign.show(uma, request)
    assert shown.document == signing.opened_document(tom, record)[2]
    with pytest.raises(NotFound):
        records.read(uma, record)
    cosign.cosign(uma, request)
    assert cosign.queue(uma) == []
    refresh(tom)
    found = records.signatures(tom, record)
    assert {(item.name, item.meaning, item.role) for item in found} == {
        ("Tom", "author", "individual therapist"), ("Uma", "cosign", "supervisor"),
    }  # fmt: skip
    assert [item.state for item in cosign.asked(tom) if item.record == record] == ["signed"]
    assert "cosign" in {item["meaning"] for item in export.proof(tom, [record])["documents"][0]["signatures"]}
    with pytest.raises(Refused, match="answered already"):
        cosign.cosign(uma, request)


@pytest.mark.usefixtures("supervised")
def test_a_returned_note_is_amended_and_asked_for_again(made: Program, beside: Open) -> None:
    tom = beside("tom")
    record, request = asked(made, tom)
    uma = beside("uma")
    with pytest.raises(Refused, match="what is to be changed"):
        cosign.give_back(uma, request, "  ")
    cosign.give_back(uma, request, "Name the skill you rehearsed.")
    with pytest.raises(Refused, match="answered already"):
        cosign.give_back(uma, request, "again")
    refresh(tom)
    returned = cosign.asked(tom, "returned")
    assert [(item.record, item.reason) for item in returned] == [(record, "Name the skill you rehearsed.")]
    assert [line.action for line in charting.due(tom) if line.record == record] == ["amend"]
    _, _, document = signing.opened_document(tom, record)
    better = WITHOUT(document, intervention="Rehearsed refusal skills with a script.")
    saved = signing.amend(tom, record, better, reason="returned for changes", explanation="As Uma asked.")
    charting.sign(tom, [saved.record])
    assert not [line for line in charting.due(tom) if line.record == record]
    refresh(uma)
    again = next(item for item in cosign.queue(uma) if item.record == saved.record)
    assert "Rehearsed refusal skills" in str(cosign.show(uma, again.id).document)
    cosign.cosign(uma, again.id)


@pytest.mark.usefixtures("supervised")
def test_whom_one_may_ask(made: Program, beside: Open) -> None:
    tom = beside("tom")
    record, _ = asked(made, tom)
    with pytest.raises(Refused, match="waits for its co-signature"):
        cosign.request(tom, record, made.users["uma"].user)
    for other in ("bill", "tom", "abe"):
        with pytest.raises(Refused):
            cosign.request(tom, made.notes["ben0"], made.users[other].user)
    draft = notes.save(tom, made.people["ben"], note(today(tom), "Draft")).record
    with pytest.raises(Refused, match="Only a signed document"):
        cosign.request(tom, draft, made.users["uma"].user)
    with pytest.raises(Refused):
        cosign.request(beside("cleo"), record, made.users["uma"].user)
    day = today(tom)
    own = PsychotherapyNote(written_on=day, session="today", text="Own words")
    private = signing.save(tom, made.people["ben"], PSYCHOTHERAPY_NOTE, own).record
    with pytest.raises(Refused):
        cosign.request(tom, private, made.users["uma"].user)


@pytest.mark.usefixtures("supervised")
def test_nobody_but_the_named_supervisor_sees_a_request(made: Program, beside: Open) -> None:
    tom = beside("tom")
    _, request = asked(made, tom)
    for name in ("cleo", "sol", "abe", "bill", "fay"):
        other = beside(name)
        assert cosign.queue(other, "") == []
        with pytest.raises(NotFound):
            cosign.show(other, request)


@pytest.mark.usefixtures("supervised")
def test_bytes_that_are_not_the_signed_ones_are_an_alarm(made: Program, ws: Workspace, beside: Open) -> None:
    tom = beside("tom")
    record, request = asked(made, tom)
    opened, _, value = signing.opened_document(tom, request)
    assert isinstance(value, CosignRequest)
    stored = base64.b64decode(value.stored)
    forged = WITHOUT(value, stored=base64.b64encode(stored.replace(b"Talk", b"Walk")).decode())
    work = tom.work()
    tom.session.write(work, opened.compartment, tom.session.body(
        work, record=request, person=opened.body.person, kind=COSIGN_REQUEST.kind, version=1,
        payload=COSIGN_REQUEST.encode(forged), parents=(opened.id,), origin=opened.body.origin,
    ))  # fmt: skip
    tom.session.note(work, "write")
    tom.commit(work)
    uma = beside("uma")
    with pytest.raises(VaultDamaged, match="not what its author signed"):
        cosign.cosign(uma, request)
    refresh(tom)
    assert {item.meaning for item in records.signatures(tom, record)} == {"author"}


@pytest.mark.usefixtures("supervised")
def test_requests_stand_in_no_timeline_and_in_no_search(made: Program, beside: Open) -> None:
    tom = beside("tom")
    asked(made, tom)
    uma = beside("uma")
    for other in (tom, uma):
        kinds = {line.kind for line in records.timeline(other, made.people["ben"])}
        assert not {"cosign_request", "cosign_answer"} & kinds
        assert not [hit for hit in records.search(other, "request") if hit.kind.startswith("cosign")]


# -- profiles ------------------------------------------------------------------------------


def test_profiles_count_from_an_administrator_only(made: Program, ws: Workspace, beside: Open) -> None:
    tom = beside("tom")
    user = made.users["tom"].user
    with pytest.raises(RoleRefused):
        profiles.set_profile(tom, user, StaffProfile(credential="LPC"))
    forged = StaffProfile(user=show_id(user), credential="MD", licences=(Licence(state="KS"),))
    work = tom.work()
    place = program_compartment(tom.session, Kind.PROG)
    body = tom.session.body(
        work, record=tom.rng.token(16), person=bytes(16), kind="staff_profile", version=1,
        payload=profiles.STAFF_PROFILE.encode(forged),
    )  # fmt: skip
    tom.session.write(work, place, body)
    tom.session.note(work, "write")
    tom.commit(work)
    refresh(ws)
    for other in (ws, tom):
        assert profiles.staff_profile(other, user) is None


def test_licences_and_rule_packs(made: Program, ws: Workspace) -> None:
    sol = made.users["sol"].user
    value = StaffProfile(credential="LAC", npi="1234567893", licences=(Licence(state="ks", until=date(2026, 4, 1)),))
    profiles.set_profile(ws, sol, value)
    profiles.set_profile(ws, sol, WITHOUT(value, credential="LCAC"))
    assert profiles.licences(ws, sol) == {"KS": date(2026, 4, 1)}
    assert profiles.supervisor_of(ws, sol) is None
    with pytest.raises(NotReady, match="NPI"):
        profiles.set_profile(ws, sol, WITHOUT(value, npi="1234567890"))
    with pytest.raises(NotFound):
        profiles.set_profile(ws, bytes(16), value)
    profiles.set_program(ws, ProgramProfile(facility="Quarry House", rule_packs=("us-ks",), part2=True))
    assert profiles.program_profile(ws).rule_packs == ("us-ks",)
