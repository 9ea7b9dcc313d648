"""Documents without a FHIR resource of their own → DocumentReference, its text as Markdown, its fields carried along.

Document types by LOINC where one is verified; everything else says its kind in words.
"""

from __future__ import annotations

from iop_tui.clinical.attachments.model import Attachment
from iop_tui.clinical.notes.model import ProgressNote, minutes
from iop_tui.interchange.fhirout.build import LOINC, Json, attachment, coding, concept, day, instant, reference
from iop_tui.interchange.fhirout.records import Around, Record, fhir_id, main, part
from iop_tui.interchange.prints.markdown import body_text
from iop_tui.kernel.errors import NotFound
from iop_tui.kernel.ids import parse_id

_TYPES = {
    "progress_note": ("34904-3", "Mental health Progress note"),
    "discharge_summary": ("78263-1", "Mental health Discharge summary"),
    "treatment_plan": ("18776-5", "Plan of care note"),
}
_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
_ENCOUNTER_CLASS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_DOC_STATUS = {"signed": "final", "draft": "preliminary"}
_BESIDE = {"addendum": ("note", "appends"), "amendment": ("record", "replaces"), "void": ("record", "appends"),
           "client_signature": ("record", "signs")}  # fmt: skip


def document_reference(record: Record, around: Around) -> list[Json]:
    """Any declared document as a DocumentReference."""
    resource = main("DocumentReference", record, around)
    code = _TYPES.get(record.type.kind)
    on = record.type.service_date(record.document)
    resource |= {
        "status": "entered-in-error" if record.void else "current",
        "docStatus": "entered-in-error" if record.void else _DOC_STATUS.get(record.status),
        "type": concept(record.type.label, *([coding(LOINC, *code)] if code else [])),
        "category": [concept("Clinical note", coding(_CATEGORY, "clinical-note", "Clinical Note"))],
        "subject": reference(around.patient),
        "date": instant(record.changed_ms),
        "author": [around.practitioner(record.author)],
        "description": record.type.title(record.document),
        "content": [{"attachment": _text(record)}],
        "context": {"period": {"start": day(on)}} if on else {},
        "relatesTo": _relations(record),
    }
    return [resource]


def attached(record: Record, around: Around) -> list[Json]:
    """A file in the chart: what it is, its kind and size. Who writes the file beside it adds where it lies."""
    (note,) = document_reference(record, around)
    document = record.document
    if isinstance(document, Attachment):
        file = {"contentType": document.media_type, "size": document.size, "title": document.title,
                "creation": day(document.on)}  # fmt: skip
        note["content"] = [{"attachment": file}, {"attachment": _text(record)}]
    return [note]


def _text(record: Record) -> Json:
    text = body_text(record.type, record.document)
    return attachment("text/markdown; charset=utf-8", text.encode(), record.type.label)


def _relations(record: Record) -> list[Json]:
    name, code = _BESIDE.get(record.type.kind, ("", ""))
    target = _target(str(getattr(record.document, name, ""))) if name else b""
    return [{"code": code, "target": reference(f"DocumentReference/{fhir_id(target)}")}] if target else []


def _target(text: str) -> bytes:
    """The record a document is beside: printed ids and hexadecimal ones both occur."""
    try:
        return bytes.fromhex(text) if len(text) == 32 else parse_id(text)
    except (ValueError, NotFound):
        return b""


def progress_note(record: Record, around: Around) -> list[Json]:
    """A note, and the session it is about as an Encounter."""
    (note,) = document_reference(record, around)
    if not isinstance(record.document, ProgressNote) or record.document.service_date is None:
        return [note]
    visit = part("Encounter", "session", record, around, f"DocumentReference/{note['id']}")
    virtual = record.document.modality in ("video", "audio only")
    length = minutes(record.document)
    visit |= {
        "status": "finished",
        "class": coding(_ENCOUNTER_CLASS, "VR" if virtual else "AMB", "virtual" if virtual else "ambulatory"),
        "type": [concept(f"{record.document.session_type} session".strip())],
        "subject": reference(around.patient),
        "participant": [{"individual": around.practitioner(record.author)}],
        "period": {"start": day(record.document.service_date), "end": day(record.document.service_date)},
        "length": {"value": length, "unit": "min", "system": "http://unitsofmeasure.org", "code": "min"}
        if length else {},
    }
    note["context"] = {**note["context"], "encounter": [reference(f"Encounter/{visit['id']}")]}
    return [note, visit]


def risk_assessment(record: Record, around: Around) -> list[Json]:
    """The assessment, and a Flag while its level is raised."""
    (note,) = document_reference(record, around)
    level = str(getattr(record.document, "level", ""))
    if level not in ("moderate", "high", "imminent"):
        return [note]
    flag = part("Flag", "flag", record, around, f"DocumentReference/{note['id']}")
    flag |= {
        "status": "active" if not record.void else "entered-in-error",
        "category": [concept("Safety", coding("http://terminology.hl7.org/CodeSystem/flag-category", "safety"))],
        "code": concept(f"Risk {level}"),
        "subject": reference(around.patient),
        "period": {"start": day(record.type.service_date(record.document))},
    }
    return [note, flag]
