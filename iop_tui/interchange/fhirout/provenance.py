"""Signatures under a record → Provenance inside its resource, so that it travels wherever the record goes."""

from __future__ import annotations

import base64
from collections.abc import Callable

from iop_tui.interchange.fhirout.build import Json, coding, concept
from iop_tui.interchange.fhirout.records import Record

_TYPES = {
    "author": ("1.2.840.10065.1.12.1.1", "Author's Signature"),
    "cosign": ("1.2.840.10065.1.12.1.2", "Coauthor's Signature"),
}
_SYSTEM = "urn:iso-astm:E1762-95:2013"
_OTHER = ("1.2.840.10065.1.12.1.16", "Validation Signature")
_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def signatures(record: Record, practitioner: Callable[[bytes], Json]) -> list[Json]:
    """One contained Provenance per signature. The signed bytes are this program's stored form: what a reader can
    check without them is who signed what, when; with them, `verify_signed.py` checks the rest.
    """
    found = []
    for number, item in enumerate(record.signatures, 1):
        code, display = _TYPES.get(item.meaning, _OTHER)
        who = practitioner(item.signer)
        found.append({
            "resourceType": "Provenance", "id": f"signature-{number}", "target": [{"reference": "#"}],
            "recorded": item.at, "reason": [concept(f"{item.meaning}, {item.method}; SHA-256 {item.sha256}")],
            "agent": [{"type": concept("", coding(_AGENT, "verifier")), "who": who}],
            "signature": [{"type": [coding(_SYSTEM, code, display)], "when": item.at, "who": who,
                           "data": base64.b64encode(bytes.fromhex(item.value)).decode()}],
        })  # fmt: skip
    return found
