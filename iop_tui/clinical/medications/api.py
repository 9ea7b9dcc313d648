"""What other slices may use of medications."""

from __future__ import annotations

from iop_tui.clinical.medications.reviewing import MEDICATION_REVIEW, MedicationLine, use_disorder
from iop_tui.clinical.medications.service import allergies, begin_review, medications

__all__ = ["MEDICATION_REVIEW", "MedicationLine", "allergies", "begin_review", "medications", "use_disorder"]
