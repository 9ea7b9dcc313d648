"""The one list that registers the clinical slices."""

from __future__ import annotations

from typing import Any

from iop_tui.clinical.attachments.model import TYPES as ATTACHMENTS
from iop_tui.clinical.checkins.model import TYPES as CHECK_INS
from iop_tui.clinical.consents.model import TYPES as CONSENTS
from iop_tui.clinical.consulting.model import TYPES as CONSULTING
from iop_tui.clinical.couples.model import TYPES as COUPLES
from iop_tui.clinical.disclosures.model import TYPES as DISCLOSURES
from iop_tui.clinical.emergency.model import TYPES as EMERGENCY
from iop_tui.clinical.episodes.model import TYPES as EPISODES
from iop_tui.clinical.imports.documents import TYPES as IMPORTS
from iop_tui.clinical.joint.model import TYPES as JOINT
from iop_tui.clinical.letters.model import TYPES as LETTERS
from iop_tui.clinical.measures.model import TYPES as MEASURES
from iop_tui.clinical.medications.model import TYPES as MEDICATIONS
from iop_tui.clinical.medications.reviewing import TYPES as MEDICATION_REVIEWS
from iop_tui.clinical.notes.documents import TYPES as OTHER_NOTES
from iop_tui.clinical.notes.model import TYPES as NOTES
from iop_tui.clinical.people.model import TYPES as PEOPLE
from iop_tui.clinical.plans.documents import TYPES as OWN_PLANS
from iop_tui.clinical.plans.model import TYPES as PLANS
from iop_tui.clinical.relapse.checks import TYPES as RELAPSE
from iop_tui.clinical.requests.model import TYPES as REQUESTS
from iop_tui.clinical.restrictions.model import TYPES as RESTRICTIONS
from iop_tui.clinical.safety.model import TYPES as SAFETY
from iop_tui.clinical.sessions.model import TYPES as SESSIONS
from iop_tui.clinical.signing.model import TYPES as SIGNING
from iop_tui.clinical.staff.profiles import TYPES as PROFILES
from iop_tui.clinical.staff.supervision import TYPES as SUPERVISION
from iop_tui.clinical.toxicology.model import TYPES as TOXICOLOGY
from iop_tui.clinical.turnover.model import TYPES as TURNOVER
from iop_tui.clinical.wizards.model import TYPES as WIZARDS
from iop_tui.kernel.declare import DocumentType

TYPES: tuple[DocumentType[Any], ...] = (
    *PEOPLE, *NOTES, *OTHER_NOTES, *PLANS, *OWN_PLANS, *MEASURES, *MEDICATIONS, *SESSIONS, *LETTERS, *EPISODES,
    *SAFETY, *SIGNING, *PROFILES, *COUPLES, *JOINT, *REQUESTS, *WIZARDS, *CONSENTS,
    *DISCLOSURES, *IMPORTS, *SUPERVISION, *TURNOVER, *CONSULTING, *RESTRICTIONS,
    *MEDICATION_REVIEWS, *RELAPSE, *TOXICOLOGY, *CHECK_INS, *EMERGENCY, *ATTACHMENTS,
)  # fmt: skip
