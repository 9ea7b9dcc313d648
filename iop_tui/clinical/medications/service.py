"""A person's medications as they are now, and the review that keeps them right. Headless."""

from __future__ import annotations

from typing import TypeVar

from iop_tui.clinical.medications.model import ALLERGY, MEDICATION
from iop_tui.clinical.medications.reviewing import (
    MEDICATION_REVIEW,
    MedicationLine,
    MedicationReview,
    begun,
    current,
)
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import Document, DocumentType
from iop_tui.workspace import Workspace

D = TypeVar("D", bound=Document)


def _all(ws: Workspace, person: bytes, kind: DocumentType[D]) -> list[D]:
    rows = ws.view.rows(
        "SELECT doc, version FROM record WHERE person = ? AND kind = ? AND status <> 'newer' ORDER BY service_date, id",
        (person, kind.kind),
    )
    return [kind.decode(doc, version) for doc, version in dict.fromkeys((doc, version) for doc, version in rows)]


def medications(ws: Workspace, person: bytes) -> list[MedicationLine]:
    """Every medication this user can read, as the last review left it: active ones first."""
    return current(_all(ws, person, MEDICATION), _all(ws, person, MEDICATION_REVIEW))


def allergies(ws: Workspace, person: bytes) -> list[str]:
    """Known allergies that are neither resolved nor refuted."""
    return [
        each.text for each in _all(ws, person, ALLERGY)
        if each.clinical_status != "resolved" and each.verification != "refuted"
    ]


def begin_review(ws: Workspace, person: bytes) -> MedicationReview:
    """A review of today with everything that is known to be taken and the known allergies."""
    return begun(medications(ws, person), signing.today(ws), allergies(ws, person))
