"""Sessions: planned, called off or missed → Appointment; kept → Encounter."""

from __future__ import annotations

from datetime import date, datetime, time

from iop_tui.clinical.sessions.model import CANCELLED, KEPT, NO_SHOW, SCHEDULED, Session
from iop_tui.interchange.fhirout.build import UCUM, Json, coding, concept, instant, reference
from iop_tui.interchange.fhirout.records import Around, Record, main
from iop_tui.kernel.clock import to_ms

_ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_STATUS = {SCHEDULED: "booked", CANCELLED: "cancelled", NO_SHOW: "noshow"}
_IN_PERSON = "in person"


def session(record: Record, around: Around) -> list[Json]:
    """A session: an Encounter once it was kept, until then (or without it) an Appointment."""
    item = record.document
    if not isinstance(item, Session):
        return []
    return [_kept(record, around, item) if item.status == KEPT else _planned(record, around, item)]


def _kept(record: Record, around: Around, item: Session) -> Json:
    place = coding(_ACT, "AMB", "ambulatory") if item.modality == _IN_PERSON else coding(_ACT, "VR", "virtual")
    length = _minutes(item)
    return main("Encounter", record, around) | {
        "status": "entered-in-error" if record.void else "finished",
        "class": place,
        "type": [concept(f"{item.kind} session")],
        "subject": reference(around.patient),
        "participant": [{"individual": around.practitioner(record.author)}],
        "period": {"start": _instant(item.date, item.start), "end": _instant(item.date, item.stop)},
        "length": {"value": length, "unit": "min", "system": UCUM, "code": "min"} if length else {},
    }


def _planned(record: Record, around: Around, item: Session) -> Json:
    start, stop = _instant(item.date, item.start), _instant(item.date, item.stop)
    whole = start is not None and stop is not None
    # A time without both ends is a proposal in FHIR (app-3), unless it was called off.
    status = _STATUS[item.status] if whole or item.status == CANCELLED else "proposed"
    return main("Appointment", record, around) | {
        "status": "entered-in-error" if record.void else status,
        "cancelationReason": concept(item.reason) if item.status in (CANCELLED, NO_SHOW) else {},
        "appointmentType": concept(f"{item.kind} session"),
        "description": item.modality,
        **({"start": start, "end": stop, "minutesDuration": _minutes(item)} if whole else {}),
        "participant": [
            {"actor": reference(around.patient), "status": "declined" if item.status == CANCELLED else "accepted"},
            {"actor": around.practitioner(record.author), "status": "accepted"},
        ],
    }


def _instant(on: date | None, at: time | None) -> str | None:
    """A time on the clinic's clock as a FHIR instant in UTC."""
    return instant(to_ms(datetime.combine(on, at).astimezone())) if on and at else None


def _minutes(item: Session) -> int | None:
    if item.start is None or item.stop is None or item.stop <= item.start:
        return None
    return (item.stop.hour - item.start.hour) * 60 + item.stop.minute - item.start.minute
