"""`schema`, `new`, `sign`, `addend`: declared documents in and out, under the same rules as the screens."""

from __future__ import annotations

from typing import Any

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.measures.model import MEASURE
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import ADDENDUM
from iop_tui.clinical.people import service as people
from iop_tui.clinical.people.model import PERSON
from iop_tui.clinical.records import api as records
from iop_tui.clinical.records import service as entries
from iop_tui.clinical.sessions import desk
from iop_tui.clinical.sessions import service as sessions
from iop_tui.clinical.sessions.model import APPOINTMENT, SESSION, Appointment, Session
from iop_tui.kernel.declare import DocumentType, Finding, Registry
from iop_tui.kernel.errors import DocumentInvalid, ReauthNeeded, Refused, Usage
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.charting import coupling, measuring
from iop_tui.shell.commands.output import dump
from iop_tui.slices import TYPES

ARRIVE = ("measure", "medication", "allergy", "condition", "received_goal", "received_plan", "encounter", "procedure",
          "received_note", "received")  # fmt: skip
"""Kinds that come from elsewhere; typed in, they need no signature and get no further version."""
NOT_BY_HAND = ("amendment", "void", "client_signature", "service_line", "cosign_request", "cosign_answer",
               "partner_message", "safety_concern", "report_file", "record_request", "wizard_state", "joint_decision",
               "emergency_access", "emergency_review", "attachment")
"""Kinds that belong to another document or are written by the program."""
PARTNER_SIGNATURE = "partner_signature"
"""Recorded under the document that `--record` names."""

def schema(call: Call) -> Answer:
    """The JSON schema of a kind. Needs no vault."""
    value = Registry(TYPES).need(call.args.kind).json_schema()
    return Answer(value, [dump(value)])


def new(call: Call) -> Answer:
    """A document of a kind, checked like the form."""
    kind = Registry(TYPES).need(call.args.kind)
    if kind.kind == ADDENDUM.kind:
        raise Refused("An addendum belongs to a signed note.", "Use `iop-tui addend ID`.")
    if kind.kind == PERSON.kind:
        return _new_person(call)
    if not call.args.person:
        raise Usage(f"Whose {kind.label.lower()}?", "Add --person ID.")
    person = parse_id(call.args.person)
    if kind.kind in NOT_BY_HAND:
        raise Refused(f"A {kind.label.lower()} is not entered by hand.")
    if kind.kind == PARTNER_SIGNATURE:
        return coupling.partner_signature(call)
    if kind.kind in ARRIVE:
        return _new_entry(call, kind, person)
    return _new_document(call, kind, person)


def _new_entry(call: Call, kind: DocumentType[Any], person: bytes) -> Answer:
    """What usually arrives from elsewhere, entered as it was told; answers to a questionnaire are scored."""
    given = call.document()
    if kind.kind == MEASURE.kind and measuring.is_given(given):
        return measuring.give(call, person, given)
    if call.args.record:
        raise Refused(f"A {kind.label.lower()} gets no further version.", "Write a new one.")
    document = kind.parse(given)
    record, revision, found = entries.add(call.ws, person, kind, document)
    return written(kind.kind, record, revision, person, found)


def _new_document(call: Call, kind: DocumentType[Any], person: bytes) -> Answer:
    """A document by every rule that the screens have; with --record a further version of an unsigned one."""
    document = kind.parse(call.document())
    record = parse_id(call.args.record) if call.args.record else None
    if kind.kind == SESSION.kind and isinstance(document, Session):
        saved = sessions.schedule(call.ws, person, document, record=record)
    elif kind.kind == APPOINTMENT.kind and isinstance(document, Appointment):
        saved = desk.plan(call.ws, person, document, record=record)
    else:
        saved = charting.save(call.ws, person, kind, document, record=record)
    return written(kind.kind, saved.record, saved.revision, person, saved.findings)


def _new_person(call: Call) -> Answer:
    if call.args.person or call.args.record:
        raise Usage("A new person has no id yet.", "Leave --person and --record out.")
    document = PERSON.parse(call.document())
    found = PERSON.findings(document, notes.context(call.ws))
    person, _ = people.register(call.ws, document)
    value = {"id": show_id(person), "kind": PERSON.kind, "findings": [_finding(item) for item in found]}
    return Answer(value, [f"Registered {show_id(person)}.", *_lines(found)])


def addend(call: Call) -> Answer:
    """An addendum to a signed note: `{"text", "reason"}`."""
    given = call.document()
    if not isinstance(given, dict) or not isinstance(given.get("text"), str):
        raise DocumentInvalid("An addendum is an object with `text` and `reason`.", place="$.text")
    unknown = sorted(set(given) - {"text", "reason", "written_on"})
    if unknown:
        raise DocumentInvalid(
            "An addendum has only the fields `text`, `reason` and `written_on`.", place=f"$.{unknown[0]}"
        )
    document = ADDENDUM.parse({"reason": "late information", **given})
    target = parse_id(call.args.id)
    saved = notes.addend(call.ws, target, text=document.text, reason=document.reason, on=document.written_on)
    person = records.line_of(call.ws, saved.record).person
    return written(ADDENDUM.kind, saved.record, saved.revision, person, saved.findings)


def written(kind: str, record: bytes, revision: bytes, person: bytes, found: tuple[Finding, ...]) -> Answer:
    """What was stored, with what the rules say of it."""
    value = {
        "id": show_id(record), "person": show_id(person), "kind": kind, "revision": show_id(revision),
        "findings": [_finding(item) for item in found],
    }  # fmt: skip
    return Answer(value, [f"Saved {show_id(record)}.", *_lines(found)])


def sign(call: Call) -> Answer:
    """Sign in one act, by every rule that the screens have: all or none. Asks for the passphrase where that is due."""
    ids = [parse_id(text) for text in call.args.ids]
    ws = call.ws
    try:
        charting.sign(ws, ids)
    except ReauthNeeded:
        ws.confirm(call.opener.secrets.passphrase())
        charting.sign(ws, ids)
    signed = [show_id(item) for item in dict.fromkeys(ids)]
    return Answer({"signed": signed}, [f"Signed {item}." for item in signed])


def _finding(item: Finding) -> dict[str, Any]:
    return {
        "severity": str(item.severity),
        "code": item.code,
        "field": item.field,
        "message": item.message,
        "source": item.source,
    }


def _lines(found: tuple[Finding, ...]) -> list[str]:
    return [f"{item.severity}: {item.message}" for item in found]
