"""The one list that registers the clinical slices."""

from __future__ import annotations

from typing import Any

from iop_tui.clinical.episodes.model import TYPES as EPISODES
from iop_tui.clinical.letters.model import TYPES as LETTERS
from iop_tui.clinical.measures.model import TYPES as MEASURES
from iop_tui.clinical.medications.model import TYPES as MEDICATIONS
from iop_tui.clinical.notes.documents import TYPES as OTHER_NOTES
from iop_tui.clinical.notes.model import TYPES as NOTES
from iop_tui.clinical.people.model import TYPES as PEOPLE
from iop_tui.clinical.plans.documents import TYPES as OWN_PLANS
from iop_tui.clinical.plans.model import TYPES as PLANS
from iop_tui.clinical.safety.model import TYPES as SAFETY
from iop_tui.clinical.sessions.model import TYPES as SESSIONS
from iop_tui.clinical.signing.model import TYPES as SIGNING
from iop_tui.clinical.staff.profiles import TYPES as PROFILES
from iop_tui.kernel.declare import DocumentType

TYPES: tuple[DocumentType[Any], ...] = (
    *PEOPLE, *NOTES, *OTHER_NOTES, *PLANS, *OWN_PLANS, *MEASURES, *MEDICATIONS, *SESSIONS, *LETTERS, *EPISODES,
    *SAFETY, *SIGNING, *PROFILES,
)  # fmt: skip
