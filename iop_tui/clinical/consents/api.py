"""What other slices may use of consents."""

from __future__ import annotations

from iop_tui.clinical.consents import wording
from iop_tui.clinical.consents.consulting import LONGEST as LONGEST_CONSULT
from iop_tui.clinical.consents.consulting import RULE as CONSULT_RULE
from iop_tui.clinical.consents.consulting import check_conflict as check_consult_conflict
from iop_tui.clinical.consents.consulting import consult
from iop_tui.clinical.consents.model import (
    CATEGORIES,
    CONSENT,
    COUNSELING,
    GENERAL,
    HIPAA,
    INTERNAL,
    NOTES,
    ONE_WAY,
    PROCEEDINGS,
    PSYCHOTHERAPY,
    SPECIFIC,
    TPO,
    Consent,
    ConsentSignature,
    Recipient,
    Revocation,
    template,
)
from iop_tui.clinical.consents.queries import (
    ENDED,
    EXPIRED,
    IN_FORCE,
    REVOKED,
    ConsentLine,
    SharedUnder,
    cannot_undo,
    consent,
    consents,
    covering,
    in_force,
    shared_under,
)
from iop_tui.clinical.consents.receiving import Receiver, receiver
from iop_tui.clinical.consents.releasing import (
    APART,
    Ground,
    Released,
    attached_to,
    copy_text,
    directions,
    is_self,
    notice,
    reaches,
    release,
)
from iop_tui.clinical.consents.rules import JOINT_RECORD
from iop_tui.clinical.consents.service import Authorized, Revoked, authorize, check, end, revoke
from iop_tui.clinical.consents.sharing import ShareLine, keep_up
from iop_tui.clinical.consents.topics import TOPICS

__all__ = [
    "APART",
    "CATEGORIES",
    "CONSENT",
    "CONSULT_RULE",
    "COUNSELING",
    "ENDED",
    "EXPIRED",
    "GENERAL",
    "HIPAA",
    "INTERNAL",
    "IN_FORCE",
    "JOINT_RECORD",
    "LONGEST_CONSULT",
    "NOTES",
    "ONE_WAY",
    "PROCEEDINGS",
    "PSYCHOTHERAPY",
    "REVOKED",
    "SPECIFIC",
    "TOPICS",
    "TPO",
    "Authorized",
    "Consent",
    "ConsentLine",
    "ConsentSignature",
    "Ground",
    "Receiver",
    "Recipient",
    "Released",
    "Revocation",
    "Revoked",
    "ShareLine",
    "SharedUnder",
    "attached_to",
    "authorize",
    "cannot_undo",
    "check",
    "check_consult_conflict",
    "consent",
    "consents",
    "consult",
    "copy_text",
    "covering",
    "directions",
    "end",
    "in_force",
    "is_self",
    "keep_up",
    "notice",
    "reaches",
    "receiver",
    "release",
    "revoke",
    "shared_under",
    "template",
    "wording",
]
