"""Words of audit events by their numbers: what most events say in words costs a byte or two.

Never changed and never reordered, only added to at the end: stored events name words by their place here. A word that
is not here is written as it is.
"""

from __future__ import annotations

WORDS: tuple[str, ...] = (
    "write", "read", "deposit", "print", "export", "exchange-seal", "exchange-take", "DIR", "IND", "SUD", "PSY", "MED",
    "CRISIS", "PAY", "GRP", "SAFE", "JNT", "HOLD", "DESK", "REG", "PROG", "ORG", "AUD", "OPS", "INTAKE", "ONCALL",
    "SHARE", "progress_note", "session", "service_line", "measure", "treatment_plan", "encounter", "addendum",
    "condition", "accounting", "add-user", "admit-person", "announce-leaver", "answer-consultation",
    "approve-succession", "arrival-refused", "ask-consultation", "assign", "audit-report", "backup",
    "backup-recipients", "backup-verified", "begin-transfer", "break-glass", "change-passphrase", "clear-conflict",
    "complete-user", "crash", "device-admit", "dissolve", "end-care", "exchange-begin", "exchange-fork", "found-copy",
    "found-program", "guide", "identity-decision", "import", "joint-decision", "kit-tested", "late-accepted", "letter",
    "link-couple", "match-slots", "merge-versions", "name-successor", "new-kit", "offer-slots", "packet",
    "partner-signature", "paste", "projection-waiting", "query", "rebuild-view", "recovery-confirmed", "recovery-join",
    "recovery-shares", "refused", "register", "remote-key", "remove-user", "restore-drill", "restrict", "resume-user",
    "return", "review-emergency", "revoke", "rotate", "set-roles", "settle", "share", "stop-transfer", "succeed",
    "suspend-user", "take-slots", "transfer", "withdraw-leaver", "allergy", "amendment", "appointment", "attachment",
    "calendar_line", "caseload_transfer", "check_in", "checkin_schedule", "client_signature", "communication",
    "consent", "consult_answer", "consult_request", "continuing_care_plan", "cosign_answer", "cosign_request",
    "counseling_note", "couple_measure", "couple_proposal", "couples_agreement", "discharge_summary", "disclosure",
    "drug_screen", "emergency_access", "emergency_review", "held_note", "identity_decision", "import_mapping",
    "instrument_file", "intake_assessment", "joint_closing", "joint_decision", "joint_note", "joint_plan", "lapse",
    "leaver", "medication", "medication_review", "naloxone", "partner_message", "partner_signature", "payer_consent",
    "person", "phrase", "plan_template", "private_receipt", "procedure", "program_profile", "protected_measure",
    "psychotherapy_note", "received", "received_goal", "received_note", "received_plan", "record_request",
    "recovery_day", "relapse_drill", "relapse_plan", "relapse_review", "report_file", "restriction",
    "restriction_decision", "revocation", "risk_assessment", "safety_concern", "safety_plan", "screening_done",
    "separation", "staff_profile", "succession", "succession_approval", "supervision_exception", "timeline_followback",
    "violence_screen", "void", "wizard_state",
)  # fmt: skip
_NUMBERS = {word: number for number, word in enumerate(WORDS)}


def number(word: str) -> int | str:
    """The number of a word, or the word itself where it has none."""
    return _NUMBERS.get(word, word)


def word(written: int | str) -> str:
    """The word behind what was written. Raises `IndexError` for a number of a later version."""
    if isinstance(written, str):
        return written
    if written < 0:
        raise IndexError(written)
    return WORDS[written]
