"""Letters and the log of calls and messages; and what other organisations sent, kept exactly as received.

Letters say the minimum that their purpose needs (45 CFR 164.502(b)) and go out by consent only (42 CFR 2.31).
"""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Any, TypeAlias

import msgspec

from iop_tui.clinical.letters.minimum import NOTICE, telling_words
from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity, Widget

_R4 = "HL7 FHIR R4 4.0.1"
_Minutes: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1440)]
EMPLOYER, COURT, SCHOOL, OTHER = "employer", "court", "school", "other letter"
TEMPLATES = (EMPLOYER, COURT, SCHOOL, OTHER)
CONTENTS = ("participation", "dates", "attendance", "progress", "recommendations")
CHANNELS = ("call", "message", "letter", "voicemail", "in person", "video")
OUT, IN = "from us", "to us"
WHO = (
    "client", "family or support", "other provider", "payer", "court or probation", "employer", "school",
    "emergency services", "other",
)  # fmt: skip
VOICEMAIL = ("none left", "left: name and number only", "left: more than that")
_MINIMUM, _CONSENT = "45 CFR 164.502(b)", "42 CFR 2.31; 45 CFR 164.508"


class Letter(Document, frozen=True, kw_only=True):
    """A letter that leaves the program, with what allows it to."""

    template: Annotated[str, F("Letter for", choices=TEMPLATES, required=True)] = ""
    recipient: Annotated[
        str, F("To", help="Name and address, as the authorization names them.", required=True, max_length=400)
    ] = ""
    written_on: Annotated[date | None, F("Date", required=True)] = None
    purpose: Annotated[
        str, F("Purpose", required=True, source=_CONSENT, max_length=300, widget=Widget.LINE)
    ] = ""
    authorization: Annotated[
        str, F("Authorization", help="Who signed it, and when.", required=True, source=_CONSENT, max_length=300,
               widget=Widget.LINE)
    ] = ""  # fmt: skip
    authorized_until: Annotated[date | None, F("Authorized until", required=True, source=_CONSENT)] = None
    consent: Annotated[str, F("Consent", search=False, source=_CONSENT, widget=Widget.HIDDEN)] = ""
    contents: Annotated[
        tuple[str, ...], F("What it tells", choices=CONTENTS, required=True, source=_MINIMUM)
    ] = ()
    body: Annotated[str, F("Text", widget=Widget.TEXT, required=True)] = ""


class Communication(Document, frozen=True, kw_only=True):
    """One call, message or letter: with whom, by which number or address, what was said or left."""

    on: Annotated[date | None, F("Date", required=True)] = None
    at: Annotated[time | None, F("Time", required=True)] = None
    direction: Annotated[str, F("Direction", choices=(OUT, IN), required=True)] = OUT
    channel: Annotated[str, F("How", choices=CHANNELS, required=True)] = ""
    who: Annotated[str, F("With", choices=WHO, required=True)] = ""
    name: Annotated[str, F("Name", max_length=200, widget=Widget.LINE)] = ""
    reached_at: Annotated[str, F("Number or address used", max_length=200, widget=Widget.LINE)] = ""
    safe: Annotated[
        bool | None, F("Safe contact kept to", help="What the chart's first line says.", source="45 CFR 164.522(b)")
    ] = None
    voicemail: Annotated[str, F("Voicemail", choices=VOICEMAIL, help="Needed for a voicemail.")] = ""
    authorization: Annotated[
        str, F("Authorization", help="Needed for anyone but the client; who signed, when.", max_length=300,
               widget=Widget.LINE, source=_CONSENT)
    ] = ""  # fmt: skip
    minutes: Annotated[_Minutes | None, F("Length", unit="min")] = None
    summary: Annotated[str, F("What was said", widget=Widget.TEXT, required=True)] = ""
    follow_up: Annotated[date | None, F("Follow up on")] = None


def _by_consent(letter: Letter, context: RuleContext) -> tuple[Finding, ...]:
    """A letter names a consent of this person that is in force, covers letters, and names its recipient.

    The fact `consents` is what the record holds: printed id → names of the recipients it is open to.
    """
    known = context.facts.get("consents")
    if known is None:
        return ()
    if letter.consent not in known:
        message = "No consent in force covers this letter. Record what the person allows, then begin it again."
        return (Finding(Severity.REFUSE, "no_consent", message, "authorization", _CONSENT),)
    if addressee(letter).casefold() not in {name.casefold() for name in known[letter.consent]}:
        message = f"The consent names another recipient: {', '.join(known[letter.consent])}."
        return (Finding(Severity.REFUSE, "other_recipient", message, "recipient", _CONSENT),)
    return ()


def addressee(letter: Letter) -> str:
    """The name a letter is addressed to: its first line."""
    return letter.recipient.strip().split("\n", 1)[0].strip()


def letter_rules(letter: Letter, context: RuleContext) -> tuple[Finding, ...]:
    """By consent, in time, and no more than the purpose needs."""
    found = [*_by_consent(letter, context)]
    if letter.written_on and letter.written_on > context.today:
        found.append(Finding(Severity.REFUSE, "future", "The letter lies in the future.", "written_on"))
    if letter.authorized_until and letter.authorized_until < (letter.written_on or context.today):
        message = f"The authorization ended on {letter.authorized_until.isoformat()}."
        found.append(Finding(Severity.REFUSE, "authorization_ended", message, "authorized_until", _CONSENT))
    told = telling_words(letter.body)
    if told:
        refused = letter.template in (EMPLOYER, SCHOOL)
        message = f"A letter for this purpose does not say: {', '.join(told)}."
        severity = Severity.REFUSE if refused else Severity.WARN
        found.append(Finding(severity, "more_than_needed", message, "body", _MINIMUM))
    if letter.template in (EMPLOYER, SCHOOL) and {"progress", "recommendations"} & set(letter.contents):
        message = "For employer and school: participation, dates and attendance only."
        found.append(Finding(Severity.REFUSE, "contents", message, "contents", _MINIMUM))
    if context.facts.get("part2") and letter.body and NOTICE not in letter.body:
        message = f"The notice on redisclosure is missing: {NOTICE}"
        found.append(Finding(Severity.REFUSE, "notice", message, "body", "42 CFR 2.32"))
    return tuple(found)


def communication_rules(entry: Communication, context: RuleContext) -> tuple[Finding, ...]:
    """What a voicemail may say, safe contact, and authorization for anybody but the client."""
    found = []
    if entry.on and entry.on > context.today:
        found.append(Finding(Severity.REFUSE, "future", "The entry lies in the future.", "on"))
    if entry.channel == "voicemail" and not entry.voicemail:
        found.append(Finding(Severity.REFUSE, "voicemail", "Say what was left on the voicemail.", "voicemail"))
    if entry.voicemail == "left: more than that":
        message = "A voicemail gives name and number only; tell your privacy officer what was left."
        found.append(Finding(Severity.WARN, "voicemail_words", message, "voicemail", _MINIMUM))
    if entry.who == "client" and entry.direction == OUT and not entry.safe:
        message = "Say whether the safe contact on the chart was kept to."
        found.append(Finding(Severity.WARN, "safe_contact", message, "safe", "45 CFR 164.522(b)"))
    if entry.who not in ("", "client", "emergency services") and not entry.authorization.strip():
        message = "Nobody but the client is told anything without an authorization."
        found.append(Finding(Severity.WARN, "authorization", message, "authorization", _CONSENT))
    return tuple(found)


class ReceivedNote(Document, frozen=True, kw_only=True):
    """A note or letter from elsewhere (FHIR DocumentReference, DiagnosticReport with a text)."""

    title: Annotated[str, F("Note", required=True, source=_R4)] = ""
    date: Annotated[date | None, F("Date")] = None
    status: Annotated[str, F("Status", help="current, superseded, final, …", source=_R4)] = ""
    authors: Annotated[tuple[str, ...], F("Written by")] = ()
    organisation: Annotated[str, F("From")] = ""
    text: Annotated[str, F("Text", widget=Widget.TEXT)] = ""
    attachments: Annotated[tuple[str, ...], F("Attachments", help="What could not be shown as text")] = ()


class Received(Document, frozen=True, kw_only=True):
    """A record that is kept as received and not interpreted."""

    resource_type: Annotated[str, F("Type", required=True, source=_R4)] = ""
    text: Annotated[str, F("What", help="The record's own name, as far as it has one")] = ""
    value: Annotated[str, F("Value")] = ""
    date: Annotated[date | None, F("Date")] = None
    status: Annotated[str, F("Status")] = ""


LETTER: DocumentType[Letter] = DocumentType(
    kind="letter", label="Letter", struct=Letter, compartment="IND",
    title=lambda letter: f"Letter for {letter.template}: {letter.recipient.splitlines()[0][:60]}"
    if letter.recipient else f"Letter for {letter.template}".removesuffix(" for "),
    service_date=lambda letter: letter.written_on, rules=letter_rules, signable=True,
    help="For employer, court or school from a template with the minimum content, or any other letter.",
)  # fmt: skip
COMMUNICATION: DocumentType[Communication] = DocumentType(
    kind="communication", label="Call or message", struct=Communication, compartment="IND",
    title=lambda entry: f"{entry.channel or 'contact'} {entry.direction}, {entry.who}: "
    f"{entry.summary.splitlines()[0][:60] if entry.summary else ''}",
    service_date=lambda entry: entry.on, rules=communication_rules,
    help="The log of calls, messages and letters, voicemail left or not.",
)  # fmt: skip
TYPES: tuple[DocumentType[Any], ...] = (
    LETTER,
    COMMUNICATION,
    DocumentType(
        kind="received_note", label="Note received", struct=ReceivedNote, compartment="IND",
        title=lambda document: document.title, service_date=lambda document: document.date,
        help="A note or letter from another organisation.",
    ),
    DocumentType(
        kind="received", label="Record received", struct=Received, compartment="IND",
        title=lambda document: document.text or document.resource_type,
        service_date=lambda document: document.date,
        help="A record kept exactly as it was received.",
    ),
)
