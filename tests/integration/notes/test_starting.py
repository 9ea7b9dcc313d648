"""What a new note begins with, what a draft goes on with, and what a signature then demands of it."""

from __future__ import annotations

from datetime import date, time, timedelta

import msgspec
import pytest

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes import starting
from iop_tui.clinical.notes.model import PROGRESS_NOTE, ProgressNote
from iop_tui.clinical.notes.screens import layout
from iop_tui.clinical.staff import profiles
from iop_tui.clinical.staff.profiles import Licence, ProgramProfile, StaffProfile
from iop_tui.kernel.errors import NoKey, NotFound, NotReady
from iop_tui.workspace import Workspace
from tests.integration.charting.conftest import Open
from tests.support.clinic.vaults import TELEHEALTH, Program, note, today

WITHOUT = msgspec.structs.replace


def signed(ws: Workspace, person: bytes, made: ProgressNote) -> bytes:
    record = charting.save(ws, person, PROGRESS_NOTE, made).record
    charting.sign(ws, [record])
    return record


def parsed(start: starting.Start) -> ProgressNote:
    return PROGRESS_NOTE.parse(start.values)


def test_how_the_last_session_was_held_is_offered_and_its_words_are_not(made: Program, ws: Workspace) -> None:
    start = starting.new_note(ws, made.people["ana"])
    begun = parsed(start)
    assert start.before is not None
    assert (begun.service_date, begun.start, begun.stop) == (today(ws), time(14, 10), time(15))
    assert (begun.modality, begun.methods, begun.objectives) == ("video", ("CBT",), ("1.2.1",))
    assert begun.telehealth == WITHOUT(TELEHEALTH, present="", private=None)
    assert (begun.presentation, begun.response, begun.plan, begun.risk, begun.progress) == ("", "", "", "", "")
    assert [label for label, _ in start.last][:2] == ["Service date", "Presentation"]


def test_the_telehealth_block_survives_a_session_in_person(made: Program, ws: Workspace) -> None:
    ben = made.people["max"]
    signed(ws, ben, note(today(ws) - timedelta(days=3), "By video", start=time(7), stop=time(7, 50)))
    in_person = note(
        today(ws) - timedelta(days=2), "In the clinic", modality="in person", location="Room 2", telehealth=None,
        start=time(7), stop=time(7, 50), response="Spoke little.", plan="Walk twice.",
    )  # fmt: skip
    signed(ws, ben, in_person)
    begun = parsed(starting.new_note(ws, ben))
    assert (begun.modality, begun.location) == ("in person", "Room 2")
    assert begun.telehealth is not None
    assert (begun.telehealth.callback, begun.telehealth.present) == ("555-0101", "")


@pytest.mark.parametrize(("days", "expected"), [(30, "not asked today"), (31, "")])
def test_cr13_partner_violence_is_asked_again_after_thirty_days(
    made: Program, ws: Workspace, days: int, expected: str
) -> None:
    person = made.people["ana"]
    earlier = note(
        today(ws) - timedelta(days=days), "x", partner_violence="risk reviewed", start=time(5), stop=time(5, 30),
        response=f"Said {days}.", plan=f"Call on day {days}.",
    )  # fmt: skip
    withdrawn = signed(ws, person, earlier)
    try:
        assert parsed(starting.new_note(ws, person)).partner_violence == expected
    finally:
        from iop_tui.clinical.signing import service as signing

        signing.void(ws, withdrawn, reason="wrong person", explanation="Test.")
    assert parsed(starting.new_note(ws, person)).partner_violence == ""


def test_who_has_no_part_in_the_care_begins_nothing(made: Program, beside: Open) -> None:
    for name in ("fay", "cleo", "uma"):
        for begin in (starting.new_note, starting.private):
            with pytest.raises((NoKey, NotFound)):
                begin(beside(name), made.people["ana"])


def test_a_draft_goes_on_with_what_was_typed_after_it_was_saved(made: Program, ws: Workspace) -> None:
    draft = WITHOUT(note(today(ws), "Saved words", start=time(6), stop=time(6, 50)), response="")
    record = charting.save(ws, made.people["ana"], PROGRESS_NOTE, draft).record
    slot = ws.rng.token(16)
    typed = {**msgspec.to_builtins(draft), "response": "Typed later", "telehealth": {"present": "her sister"}}
    typed["telehealth"] = {**msgspec.to_builtins(TELEHEALTH), "present": "her sister"}
    notes.keep(ws, slot, notes.Unsaved(made.people["ana"], record, typed, ws.clock.now_ms()))
    for start in (starting.draft(ws, record), starting.restore(ws, slot)):
        again = PROGRESS_NOTE.parse(layout.nested(layout.flat(start.values)))
        assert (again.response, again.telehealth) == ("Typed later", WITHOUT(TELEHEALTH, present="her sister"))
        assert (start.slot, start.record, start.stored, start.restored_at_ms > 0) == (slot, record, True, True)
    (line,) = [line for line in starting.unsaved(ws) if line.slot == slot]
    assert line.name == "Ana Quill"
    notes.give_up(ws, slot)
    with pytest.raises(NotFound):
        starting.restore(ws, slot)


def test_phrases_and_names_help_to_write(made: Program, ws: Workspace) -> None:
    found = starting.aids(ws, made.people["ana"])
    assert found.names[0] == "Ana Quill"
    assert {"Nadia", "Sol"} <= set(found.names)


# -- what a signature demands ------------------------------------------------------------------


def refused(ws: Workspace, person: bytes, made: ProgressNote) -> str:
    """Why a note is not signed; it stays a draft."""
    saved = charting.save(ws, person, PROGRESS_NOTE, made)
    with pytest.raises(NotReady) as failure:
        charting.sign(ws, [saved.record])
    assert {line.id for line in notes.drafts(ws)} >= {saved.record}, "the draft stays"
    return failure.value.message


@pytest.fixture
def licensed(made: Program, ws: Workspace) -> Workspace:
    """Nadia is licensed in Kansas, was in Missouri."""
    licences = (Licence(state="KS"), Licence(state="MO", until=today(ws) - timedelta(days=1)))
    profiles.set_profile(ws, ws.user.user, StaffProfile(credential="LCSW", licences=licences))
    profiles.set_program(ws, ProgramProfile(facility="Test", rule_packs=()))
    return ws


def fresh(day: date, hour: int, **more: object) -> ProgressNote:
    values: dict[str, object] = {
        "start": time(hour), "stop": time(hour, 50), "response": f"Answer {hour}.", "plan": f"Step {hour}.", **more,
    }  # fmt: skip
    return note(day, f"Session {hour}", **values)


def test_an_expired_licence_state_refuses_the_signature(made: Program, licensed: Workspace) -> None:
    day = today(licensed)
    valid_then = fresh(day - timedelta(days=9), 9, telehealth=WITHOUT(TELEHEALTH, state="MO"))
    signed(licensed, made.people["max"], valid_then)
    for state, words in (("MO", "expired"), ("TX", "no licence for TX")):
        block = WITHOUT(TELEHEALTH, state=state)
        assert words in refused(licensed, made.people["max"], fresh(day, 20, telehealth=block))


def test_a_code_that_does_not_match_the_time_refuses_the_signature(made: Program, licensed: Workspace) -> None:
    short = fresh(today(licensed) - timedelta(days=9), 13, service_code="90834", stop=time(13, 20))
    assert "90834 stands for" in refused(licensed, made.people["max"], short)


def test_overlap_future_and_order_refuse_the_signature(made: Program, licensed: Workspace) -> None:
    day, person = today(licensed), made.people["max"]
    signed(licensed, person, fresh(day - timedelta(days=20), 9))
    late = fresh(day - timedelta(days=20), 9, start=time(9, 40), stop=time(10, 10), response="a", plan="b")
    assert "overlap" in refused(licensed, person, late)
    assert "future" in refused(licensed, person, fresh(day + timedelta(days=1), 11))
    assert "before it starts" in refused(licensed, person, fresh(day, 11, stop=time(10)))


@pytest.mark.parametrize("form", ["SOAP", "DAP", "BIRP", "GIRP"])
def test_a_signed_note_reads_in_every_format(made: Program, ws: Workspace, form: str) -> None:
    from iop_tui.shell.screens.recordparts import lines, open_record

    shown = lines(open_record(ws, made.notes["ana0"]), form)
    headings = [text for _, text, tone in shown if tone == "heading"]
    assert "".join(text[0] for text in headings if text[1:3] == "  ") == form
    labels = [label for label, _, tone in shown if tone == "text"]
    for label in ("Service date", "Telehealth", "Presentation", "Mental status", "Methods", "Response", "Plan"):
        assert labels.count(label) == 1
