"""What a couple agrees before joint work, what is kept for one partner alone, and how joint work ends.

Program rules CR-7 (secrets policy), CR-12 (separation), CR-13 (partner violence); AAMFT Code of Ethics 2.2 and 2.3.
The policy in force is written into every entry of the joint record and of what is held; it never changes there.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, TypeAlias

import msgspec

from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity, Widget

SEPARATE, LIMITED, OPEN = "separate-only", "limited-secrets", "no-secrets"
POLICIES = (SEPARATE, LIMITED, OPEN)
TO_OWN, HELD, SHARED = "none: it goes to the partner's own therapist", "held for that partner", "part of couple work"
CONTACT_RULES = (TO_OWN, HELD, SHARED)
CONTACT_OF = {SEPARATE: TO_OWN, LIMITED: HELD, OPEN: SHARED}
BOTH_SIGN, OWN_PART, SUMMARY = "both sign every release", "each partner's own segments", "a summary if both agree"
RELEASE_RULES = (BOTH_SIGN, OWN_PART, SUMMARY)
CLIENTS = ("the couple, and each partner", "the couple")
TESTIMONY = ("neither asks the therapist to testify", "not agreed")
AFTER = (
    "joint record closes; the therapist sees neither alone",
    "joint record closes; one alone only with the other's written agreement",
)
PARTNERS = ("partner A", "partner B")
PAUSE_CODES = (
    "program sequencing", "individual stabilisation first", "schedule", "medical", "change of provider",
    "other, neutral",
)  # fmt: skip
TRIGGERS = ("partner A", "partner B", "couples therapist", "court paper")
PAPER, IN_PERSON, VERBAL, PACKET = "paper, scanned", "typed in person", "verbal by video", "returned packet"
METHODS = (IN_PERSON, PAPER, VERBAL, PACKET)
SIGNED, REFUSED = "signed", "refused"
_CR7, _CR12, _CR13 = "program rule CR-7", "program rule CR-12", "program rule CR-13"
_AAMFT = "AAMFT Code of Ethics 2.2, 2.3"
_Sessions: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=12)]
_SHA256 = "^([0-9a-f]{64})?$"
_HIDDEN = Widget.HIDDEN


def refuse(code: str, message: str, field: str, source: str) -> Finding:
    """A finding that stands against a signature."""
    return Finding(Severity.REFUSE, code, message, field, source)


def future(day: date | None, context: RuleContext, field: str) -> tuple[Finding, ...]:
    """A date that has not come yet is refused."""
    if day is not None and day > context.today:
        return (refuse("future", "The date lies in the future.", field, ""),)
    return ()


class CouplesAgreement(Document, frozen=True, kw_only=True):
    """What both partners and the couples therapist agree before the first joint session. Another policy is another
    agreement, and counts from then on only.
    """

    agreed: Annotated[date | None, F("Date", required=True)] = None
    client: Annotated[str, F("Who is the client", choices=CLIENTS, required=True, source=_AAMFT)] = ""
    providers: Annotated[
        tuple[str, ...], F("Providers by role", required=True, help="Couples therapist, each partner's own clinicians.")
    ] = ()
    secrets: Annotated[str, F("Secrets policy", choices=POLICIES, required=True, source=_CR7)] = ""
    held_categories: Annotated[
        tuple[str, ...], F("May be held", help="Only with limited-secrets: what may be kept for one partner.")
    ] = ()
    blocking_categories: Annotated[
        tuple[str, ...],
        F("Blocks treatment", help="Only with limited-secrets: what must be disclosed, or couples work pauses."),
    ] = ()
    deadline_sessions: Annotated[
        _Sessions | None, F("Sessions until disclosed or paused", help="Only with limited-secrets. Usual: 3.")
    ] = None
    may_end: Annotated[
        bool | None, F("Therapist may end without a reason", help="Only with limited-secrets.", source=_CR7)
    ] = None
    contact_rule: Annotated[
        str, F("Contact with one partner", choices=CONTACT_RULES, required=True, source=_CR7)
    ] = ""
    release: Annotated[str, F("Release of the joint record", choices=RELEASE_RULES, required=True, source=_AAMFT)] = ""
    testimony: Annotated[str, F("Testimony", choices=TESTIMONY, required=True)] = ""
    not_recorded: Annotated[bool | None, F("Sessions are not recorded", required=True)] = None
    billing: Annotated[str, F("Billing patient", choices=PARTNERS, required=True, source="program rule CR-20")] = ""
    after_separation: Annotated[str, F("After separation", choices=AFTER, required=True, source=_CR12)] = ""
    exceptions: Annotated[
        bool | None, F("Safety, mandated reports excepted", required=True, help="They are under no secrets policy.")
    ] = None
    individual_care: Annotated[bool | None, F("Own care goes on if this ends", required=True)] = None
    crisis: Annotated[str, F("Conflict and crisis plan", widget=Widget.TEXT, required=True)] = ""
    remarks: Annotated[str, F("Remarks", widget=Widget.TEXT)] = ""


def agreement_rules(document: CouplesAgreement, context: RuleContext) -> tuple[Finding, ...]:
    """What each secrets policy needs, and what no agreement may leave out."""
    found = list(future(document.agreed, context, "agreed"))
    wanted = CONTACT_OF.get(document.secrets)
    if wanted is not None and document.contact_rule not in ("", wanted):
        message = f"With {document.secrets}, contact with one partner is: {wanted}."
        found.append(refuse("contact_rule", message, "contact_rule", _CR7))
    if document.secrets == LIMITED:
        found += _limited(document)
    elif document.secrets and (document.held_categories or document.blocking_categories):
        message = f"With {document.secrets} nothing is held: leave the categories empty."
        found.append(refuse("held", message, "held_categories", _CR7))
    must = (("not_recorded", "Joint sessions are not recorded; recording has a consent of its own."),
            ("exceptions", "No secrets policy covers safety and mandated reports."),
            ("individual_care", "Nobody loses their own care because joint work ends."))  # fmt: skip
    found += [refuse(name, text, name, _AAMFT) for name, text in must if getattr(document, name) is False]
    return tuple(found)


def _limited(document: CouplesAgreement) -> list[Finding]:
    needs = (("held_categories", "Name what may be held."),
             ("blocking_categories", "Name what must be disclosed or pauses the work."),
             ("deadline_sessions", "Say after how many sessions."),
             ("may_end", "Say whether the therapist may end without giving the reason."))  # fmt: skip
    return [
        refuse(name, f"With {LIMITED}: {text[0].lower()}{text[1:]}", name, _CR7)
        for name, text in needs
        if getattr(document, name) in ((), None)
    ]


class PartnerSignature(Document, frozen=True, kw_only=True):
    """That one partner signed a document of the couple, or refused to; recorded and signed by the couples therapist.
    A reason for a refusal belongs into that partner's own record, never here.
    """

    record: Annotated[str, F("Document", search=False, widget=_HIDDEN)] = ""
    record_sha256: Annotated[
        str, F("Digest of what was signed", search=False, widget=_HIDDEN, pattern=_SHA256)
    ] = ""
    partner: Annotated[str, F("Partner", choices=PARTNERS, required=True)] = ""
    outcome: Annotated[str, F("Outcome", choices=(SIGNED, REFUSED), required=True)] = SIGNED
    name: Annotated[str, F("Name as signed", required=True, max_length=200, widget=Widget.LINE)] = ""
    method: Annotated[str, F("How", choices=METHODS, required=True)] = ""
    witness: Annotated[
        str, F("Witness", help="Needed when typed in person or given by video.", max_length=200, widget=Widget.LINE)
    ] = ""
    attachment_sha256: Annotated[
        str, F("Digest of the scan or packet", help="Needed for paper and packets.", search=False,
               widget=Widget.LINE, pattern=_SHA256)
    ] = ""  # fmt: skip
    signed_on: Annotated[date | None, F("Signed on", required=True)] = None


def signature_rules(document: PartnerSignature, context: RuleContext) -> tuple[Finding, ...]:
    """What each method needs to be believed."""
    found = list(future(document.signed_on, context, "signed_on"))
    if document.method in (IN_PERSON, VERBAL) and not document.witness.strip():
        found.append(refuse("witness", "Name the witness.", "witness", "program rule"))
    if document.method in (PAPER, PACKET) and document.outcome == SIGNED and not document.attachment_sha256:
        message = "Attach the scan or the packet: its digest is missing."
        found.append(refuse("attachment", message, "attachment_sha256", "program rule"))
    return tuple(found)


class HeldNote(Document, frozen=True, kw_only=True):
    """What one partner told the couples therapist outside joint sessions, where the agreement lets it be held."""

    policy: Annotated[str, F("Policy in force", choices=POLICIES, widget=_HIDDEN, source=_CR7)] = ""
    agreement: Annotated[str, F("Agreement", search=False, widget=_HIDDEN)] = ""
    heard: Annotated[date | None, F("Heard on", required=True)] = None
    category: Annotated[
        str, F("Category", required=True, help="As the agreement names it.", max_length=200, widget=Widget.LINE)
    ] = ""
    text: Annotated[str, F("What was said", widget=Widget.TEXT, required=True)] = ""
    urged: Annotated[bool | None, F("Disclosure was urged", required=True)] = None


def held_rules(document: HeldNote, context: RuleContext) -> tuple[Finding, ...]:
    """CR-7: only limited-secrets holds anything, and only the categories both signed for."""
    found = list(future(document.heard, context, "heard"))
    terms: CouplesAgreement | None = context.facts.get("terms")
    found += stamp_findings(document.policy, document.agreement, context)
    if document.policy and document.policy != LIMITED:
        message = f"Under {document.policy} nothing is held for one partner."
        found.append(refuse("cr7", message, "text", _CR7))
    if terms is not None and document.category:
        held, blocking = _names(terms.held_categories), _names(terms.blocking_categories)
        name = document.category.strip().casefold()
        if name not in held | blocking:
            named = ", ".join((*terms.held_categories, *terms.blocking_categories)) or "none"
            found.append(refuse("category", f"The agreement names: {named}.", "category", _CR7))
        elif name in blocking:
            message = f"This blocks treatment: disclosed within {terms.deadline_sessions} sessions, or the work pauses."
            found.append(Finding(Severity.REMIND, "blocking", message, "category", _CR7))
    return tuple(found)


def _names(categories: tuple[str, ...]) -> set[str]:
    return {item.strip().casefold() for item in categories}


def stamp_findings(policy: str, agreement: str, context: RuleContext) -> tuple[Finding, ...]:
    """The stamp of an entry: the agreement it was written under, for ever. `stamp` among the facts is what it must
    say; without that fact nothing of a couple is signed.
    """
    stamp = context.facts.get("stamp")
    if stamp is None:
        message = "Both partners sign an agreement before the first joint session."
        return (refuse("agreement", message, "policy", _CR7),)
    if (policy, agreement) != tuple(stamp):
        message = "The policy an entry was written under stays what it was."
        return (refuse("stamp", message, "policy", _CR7),)
    return ()


class PartnerMessage(Document, frozen=True, kw_only=True):
    """A contact of one partner with the couples therapist, passed on to that partner's own therapist unread by
    anyone else.
    """

    received: Annotated[date | None, F("Received on", required=True)] = None
    channel: Annotated[
        str, F("By", choices=("message", "call", "e-mail", "in the waiting room", "other"), required=True)
    ] = ""
    text: Annotated[str, F("What was said", widget=Widget.TEXT, required=True)] = ""
    answered: Annotated[str, F("What was answered", max_length=1000)] = ""


class SafetyConcern(Document, frozen=True, kw_only=True):
    """A safety matter somebody noticed who is not the person's own clinician: sealed to that clinician, not readable
    for who wrote it.
    """

    noticed: Annotated[date | None, F("Noticed on", required=True)] = None
    alone: Annotated[bool | None, F("Person was alone", required=True, source=_CR13)] = None
    text: Annotated[str, F("What was noticed", widget=Widget.TEXT, required=True)] = ""
    done: Annotated[str, F("What was done at once", widget=Widget.TEXT)] = ""


class ReportFile(Document, frozen=True, kw_only=True):
    """The file of a mandated report: what was learned from whom, and what was told to which agency. It is no part of
    what the person it is about may see, because it can name who spoke (45 CFR 164.524(a)(2)(v)).
    """

    learned: Annotated[date | None, F("Learned on", required=True)] = None
    text: Annotated[str, F("File", widget=Widget.TEXT, required=True)] = ""


class ScreeningDone(Document, frozen=True, kw_only=True):
    """That a partner was screened alone, and when. Never what was found: every couple has both dates (CR-13)."""

    partner: Annotated[str, F("Partner", choices=PARTNERS, required=True)] = ""
    done: Annotated[date | None, F("Screened alone on", required=True)] = None


class Separation(Document, frozen=True, kw_only=True):
    """Why joint work ended, in the joint record: neutral words only. The record is closed and held from then on."""

    ended: Annotated[date | None, F("Ended on", required=True)] = None
    trigger: Annotated[str, F("Ended by", choices=TRIGGERS, required=True)] = ""
    code: Annotated[str, F("Neutral code", choices=PAUSE_CODES, required=True)] = ""
    legal_hold: Annotated[bool, F("Legal hold", source=_CR12)] = True
    secrets: Annotated[str, F("Policy at the end", choices=POLICIES)] = ""


def _named(partner: str) -> str:
    return f"P{partner[1:]}" if partner else "Partner"


def _screening_rules(document: ScreeningDone, context: RuleContext) -> tuple[Finding, ...]:
    return future(document.done, context, "done")


AGREEMENT: DocumentType[CouplesAgreement] = DocumentType(
    kind="couples_agreement", label="Couples agreement", struct=CouplesAgreement, compartment="JNT",
    title=lambda d: f"Agreement: {d.secrets or 'no policy yet'}", service_date=lambda d: d.agreed,
    rules=agreement_rules, signable=True,
    help="Signed by the couples therapist and both partners before the first joint session.",
)
PARTNER_SIGNATURE: DocumentType[PartnerSignature] = DocumentType(
    kind="partner_signature", label="Partner's signature", struct=PartnerSignature, compartment="JNT",
    title=lambda d: f"{_named(d.partner)} {d.outcome}, {d.method}", service_date=lambda d: d.signed_on,
    rules=signature_rules, signable=True, help="That one partner signed, how, and who saw it.",
)
HELD_NOTE: DocumentType[HeldNote] = DocumentType(
    kind="held_note", label="Held note", struct=HeldNote, compartment="HOLD", title=lambda d: "Held for this person",
    service_date=lambda d: d.heard, rules=held_rules, signable=True,
    help="Only you can read it. It is in no joint export and in no list of anyone else.",
)
PARTNER_MESSAGE: DocumentType[PartnerMessage] = DocumentType(
    kind="partner_message", label="Message passed on", struct=PartnerMessage, compartment="IND",
    title=lambda d: f"Passed on by the couples therapist: {d.channel}", service_date=lambda d: d.received,
    rules=lambda d, context: future(d.received, context, "received"),
    help="From the couples therapist to this person's own therapist; the sender cannot read it again.",
)
SAFETY_CONCERN: DocumentType[SafetyConcern] = DocumentType(
    kind="safety_concern", label="Safety concern", struct=SafetyConcern, compartment="SAFE",
    title=lambda d: "Safety concern", service_date=lambda d: d.noticed,
    rules=lambda d, context: future(d.noticed, context, "noticed"),
    help="Sealed to this person's own clinician; the sender cannot read it again.",
)
REPORT_FILE: DocumentType[ReportFile] = DocumentType(
    kind="report_file", label="File of a report", struct=ReportFile, compartment="SAFE",
    title=lambda d: "File of a report", service_date=lambda d: d.learned,
    rules=lambda d, context: future(d.learned, context, "learned"),
    help="Kept apart: in no copy for the person it is about, and in no export.",
)
SCREENING_DONE: DocumentType[ScreeningDone] = DocumentType(
    kind="screening_done", label="Screened alone", struct=ScreeningDone, compartment="JNT",
    title=lambda d: f"{_named(d.partner)} was screened alone", service_date=lambda d: d.done,
    rules=_screening_rules, help="The date alone; there is no other field.",
)
SEPARATION: DocumentType[Separation] = DocumentType(
    kind="separation", label="Separation", struct=Separation, compartment="JNT",
    title=lambda d: f"Joint work ended: {d.code}", service_date=lambda d: d.ended,
    help="Written by the program when joint work ends.",
)
TYPES: tuple[DocumentType[Any], ...] = (
    AGREEMENT, PARTNER_SIGNATURE, HELD_NOTE, PARTNER_MESSAGE, SAFETY_CONCERN, REPORT_FILE, SCREENING_DONE, SEPARATION,
)  # fmt: skip
