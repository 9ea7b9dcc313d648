"""Consents and their revocation as declared documents: one form, five variants.

42 CFR 2.31 (consent), 2.32 (notice), 2.33 (uses); 45 CFR 164.508 (authorization); the internal authorization is this
program's own (rule CR-8): the only way in which anything moves between clinicians.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, TypeAlias

import msgspec

from iop_tui.access.policy import Kind
from iop_tui.clinical.consents import wording
from iop_tui.clinical.consents.topics import TOPICS
from iop_tui.clinical.signing.api import METHODS, SIGNERS
from iop_tui.kernel.declare import Document, DocumentType, F, Widget

TPO = "Part 2 treatment, payment, operations"
SPECIFIC = "Part 2 specific"
HIPAA = "HIPAA authorization"
NOTES = "psychotherapy or counseling notes"
INTERNAL = "internal"
VARIANTS = (TPO, SPECIFIC, HIPAA, NOTES, INTERNAL)
SOURCES = (
    Kind.IND, Kind.SUD, Kind.MED, Kind.CRISIS, Kind.GRP, Kind.PAY, Kind.JNT, Kind.PSY, Kind.SAFE, Kind.HOLD,
)  # fmt: skip
ONE_WAY = "one way, from this record to the recipient"
DIRECTIONS = (ONE_WAY, "both ways")
GENERAL, PSYCHOTHERAPY, COUNSELING, PROCEEDINGS = (
    "general record", "psychotherapy notes", "substance use counseling notes", "legal proceedings",
)  # fmt: skip
CATEGORIES = (GENERAL, PSYCHOTHERAPY, COUNSELING, PROCEEDINGS)
NEVER = "none"
END_OF_TREATMENT = "end of treatment"
_Sha256: TypeAlias = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")]
_NAME = 200


class Recipient(Document, frozen=True, kw_only=True):
    """Who may receive: a named colleague (`user`), a named person or organisation, or a class of them."""

    name: Annotated[str, F("Name or class", max_length=_NAME)] = ""
    address: Annotated[str, F("Address", search=False, max_length=300)] = ""
    user: Annotated[str, F("Colleague", search=False, widget=Widget.HIDDEN)] = ""
    intermediary: Annotated[bool, F("Intermediary", source="42 CFR 2.31(a)(4)(ii)(B)")] = False
    participants: Annotated[
        tuple[str, ...], F("Participants", help="Needed for an intermediary: who gets it through them.")
    ] = ()

    def shown(self) -> str:
        """`Dr Lee, 1 Main St`; an intermediary with its participants."""
        through = f" (to {', '.join(self.participants)})" if self.participants else ""
        return f"{self.name}{', ' + self.address if self.address else ''}{through}"


class ConsentSignature(Document, frozen=True, kw_only=True):
    """One signature under a consent: whose, by whom, how and who saw it."""

    person: Annotated[str, F("Of", search=False, widget=Widget.HIDDEN)] = ""
    signer: Annotated[str, F("Signed by", choices=SIGNERS)] = ""
    name: Annotated[str, F("Name as signed", search=False, max_length=_NAME)] = ""
    authority: Annotated[str, F("Authority", search=False, max_length=300, source="45 CFR 164.502(g)")] = ""
    method: Annotated[str, F("How", choices=METHODS)] = ""
    witness: Annotated[str, F("Witness", search=False, max_length=_NAME)] = ""
    attachment_sha256: Annotated[_Sha256, F("Digest of the scan or packet", search=False, widget=Widget.HIDDEN)] = ""
    signed_on: Annotated[date | None, F("Signed on")] = None

    def shown(self) -> str:
        """`Ana Quill, client, typed in person, 2026-03-12, witness Nadia`."""
        parts = (
            self.name, self.signer, self.authority, self.method, self.signed_on.isoformat() if self.signed_on else "",
            f"witness {self.witness}" if self.witness else "",
        )  # fmt: skip
        return ", ".join(part for part in parts if part)


class Consent(Document, frozen=True, kw_only=True):
    """What a client authorizes. Which elements it needs depends on its variant (`rules.REQUIRED`)."""

    variant: Annotated[str, F("Form", choices=VARIANTS, required=True)] = ""
    person: Annotated[str, F("Person", search=False, widget=Widget.HIDDEN)] = ""
    person_name: Annotated[str, F("Name of the person", max_length=_NAME, source="42 CFR 2.31(a)(1)")] = ""
    discloser: Annotated[
        str, F("Who may disclose", max_length=_NAME, source="42 CFR 2.31(a)(2); 45 CFR 164.508(c)(1)(ii)")
    ] = ""
    source: Annotated[str, F("From which part of the record", choices=tuple(str(kind) for kind in SOURCES))] = ""
    recipients: Annotated[
        tuple[Recipient, ...], F("To whom", source="42 CFR 2.31(a)(4); 45 CFR 164.508(c)(1)(iii)")
    ] = ()
    description: Annotated[
        str, F("What, specifically", widget=Widget.TEXT, source="42 CFR 2.31(a)(3); 45 CFR 164.508(c)(1)(i)")
    ] = ""
    topics: Annotated[tuple[str, ...], F("Topics", choices=tuple(TOPICS))] = ()
    records: Annotated[tuple[str, ...], F("Records", search=False, help="One by one, for what its author keeps.")] = ()
    covers_from: Annotated[date | None, F("Information from")] = None
    covers_to: Annotated[date | None, F("Information to")] = None
    direction: Annotated[str, F("Direction", choices=DIRECTIONS, source="program rule CR-8")] = ""
    purpose: Annotated[
        str, F("Purpose", widget=Widget.TEXT, source="42 CFR 2.31(a)(5); 45 CFR 164.508(c)(1)(iv)")
    ] = ""
    categories: Annotated[tuple[str, ...], F("Kinds of information", choices=CATEGORIES)] = ()
    conditioned: Annotated[
        bool, F("Treatment depends on signing", help="Must stay no.", source="45 CFR 164.508(b)(4)")
    ] = False
    expires_on: Annotated[
        date | None, F("Ends on", source="42 CFR 2.31(a)(7); 45 CFR 164.508(c)(1)(v)")
    ] = None
    expires_event: Annotated[str, F("Or ends with", max_length=200)] = ""
    revocation: Annotated[
        str, F("Right to revoke", search=False, widget=Widget.TEXT, source="42 CFR 2.31(a)(6); 45 CFR 164.508(c)(2)(i)")
    ] = ""
    redisclosure: Annotated[
        str, F("Redisclosure", search=False, widget=Widget.TEXT, source="45 CFR 164.508(c)(2)(iii); 42 CFR 2.32")
    ] = ""
    refusal: Annotated[
        str, F("If not signed", search=False, widget=Widget.TEXT, source="45 CFR 164.508(c)(2)(ii); 42 CFR 2.31(a)(10)")
    ] = ""
    silence: Annotated[
        str, F("The partner is not told", search=False, widget=Widget.TEXT, source="program rule CR-8")
    ] = ""
    copy_given: Annotated[bool, F("Copy given to the person", source="45 CFR 164.508(c)(4)")] = False
    signatures: Annotated[
        tuple[ConsentSignature, ...], F("Signatures", source="42 CFR 2.31(a)(8)-(9); 45 CFR 164.508(c)(1)(vi)")
    ] = ()


class Revocation(Document, frozen=True, kw_only=True):
    """The end of a consent before its date: for everyone, or for some recipients. Prospective and at once."""

    consent: Annotated[str, F("Consent", search=False, widget=Widget.HIDDEN)] = ""
    recipients: Annotated[tuple[str, ...], F("For", help="Empty for every recipient.")] = ()
    received_on: Annotated[date | None, F("Received on", required=True)] = None
    received_by: Annotated[str, F("Received by", max_length=_NAME)] = ""
    method: Annotated[str, F("How", max_length=_NAME, required=True)] = ""
    by_client: Annotated[bool, F("Revoked by the client")] = True
    note: Annotated[str, F("Note", widget=Widget.TEXT)] = ""
    disclosed: Annotated[
        tuple[str, ...], F("Already disclosed", search=False, source="42 CFR 2.31(a)(6); 45 CFR 164.508(b)(5)")
    ] = ()


class PrivateReceipt(Document, frozen=True, kw_only=True):
    """Which clinician receives a person's private notes from outside, and until when: what an import must know."""

    consent: Annotated[str, F("Consent", search=False, widget=Widget.HIDDEN)]
    user: Annotated[str, F("Clinician", search=False)]
    role: Annotated[str, F("Part", search=False)]
    until: Annotated[date, F("Until")]


class PayerConsent(Document, frozen=True, kw_only=True):
    """Whether claims may show what was treated: projected into the payment part of the record."""

    state: Annotated[str, F("Consent for payment", choices=("in force", "revoked", "ended"))]
    on: Annotated[date, F("Since")]
    until: Annotated[date | None, F("Until")] = None


def template(variant: str, **values: Any) -> Consent:
    """A consent with the standard statements of its variant filled in; everything else stays to be answered."""
    standard: dict[str, Any] = {
        "variant": variant, "revocation": wording.REVOCATION, "redisclosure": wording.REDISCLOSURE,
        "refusal": wording.REFUSAL, "categories": (GENERAL,),
    }  # fmt: skip
    if variant == TPO:
        standard |= {
            "recipients": (Recipient(name=wording.TPO_RECIPIENT),), "purpose": wording.TPO_PURPOSE,
            "expires_event": END_OF_TREATMENT,
        }  # fmt: skip
    if variant == NOTES:
        standard["categories"] = (PSYCHOTHERAPY,)
    if variant == INTERNAL:
        standard |= {"direction": ONE_WAY, "silence": wording.SILENCE}
    return Consent(**{**standard, **values})


def _title(consent: Consent) -> str:
    to = ", ".join(recipient.name for recipient in consent.recipients)
    return f"{consent.variant}: {', '.join(consent.topics) or consent.description[:60]} to {to}"


CONSENT: DocumentType[Consent] = DocumentType(
    kind="consent",
    label="Consent",
    struct=Consent,
    compartment="SHARE",
    title=_title,
    service_date=lambda consent: max((s.signed_on for s in consent.signatures if s.signed_on), default=None),
    help="What the client authorizes, for whom and until when. Signing it is what shares; ending it ends the share.",
)
REVOCATION: DocumentType[Revocation] = DocumentType(
    kind="revocation",
    label="Revocation",
    struct=Revocation,
    compartment="SHARE",
    title=lambda document: "Revocation" if document.by_client else "Consent ended by the program",
    service_date=lambda document: document.received_on,
    help="Ends a consent for what comes afterwards.",
)
PRIVATE_RECEIPT: DocumentType[PrivateReceipt] = DocumentType(
    kind="private_receipt",
    label="Receiver of private notes",
    struct=PrivateReceipt,
    compartment="DIR",
    title=lambda document: "Private notes from outside",
    service_date=lambda document: document.until,
)
PAYER_CONSENT: DocumentType[PayerConsent] = DocumentType(
    kind="payer_consent",
    label="Consent for payment",
    struct=PayerConsent,
    compartment="PAY",
    title=lambda document: f"Consent for payment {document.state}",
    service_date=lambda document: document.on,
    help="After its end no further claim may show substance use treatment (42 CFR 2.31, 2.33).",
)
TYPES: tuple[DocumentType[Any], ...] = (CONSENT, REVOCATION, PRIVATE_RECEIPT, PAYER_CONSENT)
