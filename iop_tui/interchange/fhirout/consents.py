"""A consent or authorization → Consent. What it allows stays readable as a document, too."""

from __future__ import annotations

from typing import Any

from iop_tui.interchange.fhirout.build import LOINC, Json, attachment, coding, concept, day, reference
from iop_tui.interchange.fhirout.records import Around, Record, main
from iop_tui.interchange.prints.markdown import body_text

_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_ROLE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_POLICY = {"Part 2": "urn:cfr:42:2.31", "HIPAA": "urn:cfr:45:164.508", "psychotherapy": "urn:cfr:45:164.508"}


def consent(record: Record, around: Around) -> list[Json]:
    """The consent with its recipients, purpose and end."""
    given: Any = record.document
    variant = str(getattr(given, "variant", ""))
    policy = next((uri for start, uri in _POLICY.items() if variant.startswith(start)), "urn:iop-tui:program-rule")
    actors = [
        {"role": concept("recipient", coding(_ROLE, "IRCP", "information recipient")),
         "reference": {"display": str(getattr(each, "name", ""))}}
        for each in getattr(given, "recipients", ())
    ]  # fmt: skip
    text = body_text(record.type, record.document).encode()
    resource = main("Consent", record, around) | {
        "status": "entered-in-error" if record.void else "active" if record.status == "signed" else "proposed",
        "scope": concept("", coding(_SCOPE, "patient-privacy", "Privacy Consent")),
        "category": [concept(variant, coding(LOINC, "59284-0", "Consent Document"))],
        "patient": reference(around.patient),
        "dateTime": day(record.type.service_date(record.document)),
        "policy": [{"uri": policy}],
        "sourceAttachment": attachment("text/markdown; charset=utf-8", text, record.type.label),
        "provision": {
            "type": "permit",
            "period": {
                "start": day(getattr(given, "covers_from", None)), "end": day(getattr(given, "expires_on", None)),
            },
            "actor": actors,
            "purpose": [coding(_REASON, "TREAT")] if "treatment" in str(getattr(given, "purpose", "")) else [],
        },
    }  # fmt: skip
    return [resource]
