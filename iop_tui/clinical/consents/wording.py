"""Statements that consents carry and that travel with what leaves: one place, so that no form says it otherwise."""

from __future__ import annotations

NOTICE_2_32 = (
    "42 CFR part 2 prohibits unauthorized use or disclosure of these records. They are disclosed to you with the"
    " written consent attached. You may use and disclose them only as that consent or 42 CFR part 2 allows; not in any"
    " civil, criminal, administrative or legislative proceeding against the person without their own written consent"
    " or a court order under 42 CFR part 2."
)
"""The statement that accompanies each disclosure made with written consent (42 CFR 2.32)."""
REVOCATION = (
    "You may end this at any time, in writing, by telling your clinician or the front desk. It ends at once for what"
    " comes afterwards; what was already disclosed in reliance on it stays disclosed."
)
REDISCLOSURE = (
    "What is disclosed may be disclosed again by its recipient and may then no longer be protected by federal law;"
    " records of substance use treatment stay protected by 42 CFR part 2."
)
REFUSAL = "Your treatment, payment and eligibility do not depend on whether you sign. Without it nothing is disclosed."
SILENCE = "Nobody tells your partner that this authorization exists, was used or was ended."
TPO_RECIPIENT = "my treating providers, health plans, third-party payers, and people helping to operate this program"
TPO_PURPOSE = "treatment, payment, and health care operations"
CANNOT_UNDO = (
    "Ending this closes the recipient's key now on this computer, and elsewhere at the next exchange.",
    "What the recipient already read, remembered, wrote down or photographed stays with them.",
    "A laptop that does not exchange keeps what it had until it does.",
    "What was disclosed while it was in force was lawful then; the list below says what that was.",
)
"""What no cryptography can undo (program rule CR-22); shown with every authorization and every revocation."""
RESTRICTED = {
    "health plan, paid in full": "The person paid for this in full and asked that their health plan does not get it.",
    "a named recipient": "The program agreed with the person not to give this to this recipient.",
}
"""Why a restriction stops a release, by what it stands on (45 CFR 164.522(a)(1)(vi) and (iii))."""
RESTRICTED_EMERGENCY = (
    "The person asked this program not to give you this. It is disclosed for emergency treatment alone: please do not"
    " use or disclose it further (45 CFR 164.522(a)(1)(iv))."
)
WATERMARK = "Shared under an authorization. Read only: it must not be copied into another record."
