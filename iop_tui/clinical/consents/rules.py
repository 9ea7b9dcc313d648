"""What a consent needs before it may be signed: each element and each prohibition is a rule of its own, with a code.

Pure: everything that depends on the vault (who must sign, what the policy gives a colleague) comes in as `Facts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from iop_tui.access.policy import AUTHOR_KINDS, Kind
from iop_tui.clinical.consents import wording
from iop_tui.clinical.consents.model import (
    COUNSELING,
    GENERAL,
    HIPAA,
    INTERNAL,
    NEVER,
    NOTES,
    ONE_WAY,
    PROCEEDINGS,
    PSYCHOTHERAPY,
    SPECIFIC,
    TPO,
    Consent,
    ConsentSignature,
)
from iop_tui.clinical.signing.api import PACKET, PAPER, TYPED, VERBAL
from iop_tui.kernel.declare import Finding, Severity, is_empty

_WORD = re.compile(r"\w+")
LONGEST = 90
"""Days an internal authorization lasts at most (program rule CR-8)."""
JOINT_RECORD = "the joint record"
"""The recipient of an authorization that lets one partner's own words go into the couple's joint record."""


@dataclass(frozen=True)
class Facts:
    """What the rules must know besides the form. Ids are printed ids."""

    today: date
    author: str = ""
    signers: frozenset[str] = frozenset()
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    partner_names: tuple[str, ...] = ()
    allowed: frozenset[str] = frozenset()
    readers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Element:
    """One required element: the field, what to say when it is missing, where it is required."""

    field: str
    message: str
    source: str
    variants: tuple[str, ...]


_ALL = (TPO, SPECIFIC, HIPAA, NOTES, INTERNAL)
REQUIRED: tuple[Element, ...] = (
    Element("person_name", "Name the person.", "42 CFR 2.31(a)(1)", _ALL),
    Element("discloser", "Say who may disclose.", "42 CFR 2.31(a)(2); 45 CFR 164.508(c)(1)(ii)", _ALL),
    Element("recipients", "Say who receives it.", "42 CFR 2.31(a)(4); 45 CFR 164.508(c)(1)(iii)", _ALL),
    Element("description", "Describe specifically what is disclosed.",
            "42 CFR 2.31(a)(3); 45 CFR 164.508(c)(1)(i)", _ALL),
    Element("purpose", "Say for what purpose.", "42 CFR 2.31(a)(5); 45 CFR 164.508(c)(1)(iv)", _ALL),
    Element("revocation", "State the right to revoke, how, and what it cannot undo.",
            "42 CFR 2.31(a)(6); 45 CFR 164.508(c)(2)(i)", _ALL),
    Element("redisclosure", "State what redisclosure means.", "45 CFR 164.508(c)(2)(iii); 42 CFR 2.32", _ALL),
    Element("refusal", "State what follows from not signing.", "45 CFR 164.508(c)(2)(ii); 42 CFR 2.31(a)(10)",
            (TPO, HIPAA, NOTES, INTERNAL)),
    Element("categories", "Say which kinds of information it is about.", "42 CFR 2.31(a)(3)", _ALL),
    Element("copy_given", "Give the person a copy.", "45 CFR 164.508(c)(4); 42 CFR 2.31", _ALL),
    Element("signatures", "The person's signature is missing.", "42 CFR 2.31(a)(8); 45 CFR 164.508(c)(1)(vi)", _ALL),
    Element("source", "Say from which part of the record.", "program rule CR-8", (INTERNAL,)),
    Element("direction", "Say in which direction.", "program rule CR-8", (INTERNAL,)),
    Element("silence", "State that the partner is not told of it.", "program rule CR-8", (INTERNAL,)),
)  # fmt: skip


def findings(consent: Consent, facts: Facts) -> tuple[Finding, ...]:
    """Everything that speaks against signing, missing elements first. Empty: it may be executed."""
    if not consent.variant:
        return (_refuse("variant", "Choose the form.", "variant"),)
    return tuple(
        found
        for check in (_elements, _expiry, _recipients, _scope, _combination, _policy, _signatures, _partner)
        for found in check(consent, facts)
    )


def incoming(consent: Consent) -> bool:
    """Whether it is about private notes that somebody outside sends to a clinician of this program."""
    return consent.variant == NOTES and not consent.source and bool(consent.recipients) and all(
        recipient.user for recipient in consent.recipients
    )


def _refuse(rule: str, message: str, place: str = "", source: str = "") -> Finding:
    return Finding(Severity.REFUSE, f"consent.{rule}", message, place, source)


def _elements(consent: Consent, _facts: Facts) -> Iterator[Finding]:
    for element in REQUIRED:
        value = getattr(consent, element.field)
        missing = is_empty(value) or value is False or (isinstance(value, str) and not value.strip())
        if consent.variant in element.variants and missing:
            yield _refuse(element.field, element.message, element.field, element.source)


def _expiry(consent: Consent, facts: Facts) -> Iterator[Finding]:
    source = "42 CFR 2.31(a)(7); 45 CFR 164.508(c)(1)(v)"
    event = consent.expires_event.strip()
    if consent.variant == INTERNAL:
        if consent.expires_on is None:
            yield _refuse("expiry", "An internal authorization ends on a date.", "expires_on", "program rule CR-8")
        elif consent.expires_on > facts.today + timedelta(days=LONGEST):
            message = f"An internal authorization ends within {LONGEST} days."
            yield _refuse("ninety_days", message, "expires_on", "program rule CR-8")
    elif consent.expires_on is None and not event:
        yield _refuse("expiry", "Say when, or with which event, it ends.", "expires_on", source)
    elif consent.expires_on is None and event.casefold() == NEVER and consent.variant != TPO:
        yield _refuse("expiry", "Only the form for treatment, payment and operations may have no end.",
                      "expires_event", source)  # fmt: skip
    elif consent.expires_on is None and any(recipient.user for recipient in consent.recipients):
        yield _refuse("expiry", "What a colleague receives ends on a date.", "expires_on", "program rule CR-8")
    if consent.expires_on is not None and consent.expires_on < facts.today:
        yield _refuse("expired", "Its end lies in the past.", "expires_on", source)


def _recipients(consent: Consent, facts: Facts) -> Iterator[Finding]:
    source = "42 CFR 2.31(a)(4); 45 CFR 164.508(c)(1)(iii)"
    keys = [recipient.user or recipient.name.casefold() for recipient in consent.recipients]
    if len(set(keys)) != len(keys):
        yield _refuse("recipients_twice", "A recipient is named twice.", "recipients", source)
    for recipient in consent.recipients:
        if not recipient.name.strip():
            yield _refuse("recipients", "Name each recipient.", "recipients", source)
        if recipient.name == wording.TPO_RECIPIENT and consent.variant != TPO:
            message = "Only the form for treatment, payment and operations may name this class; name the recipient."
            yield _refuse("recipients_named", message, "recipients", source)
        if recipient.intermediary and not recipient.participants:
            yield _refuse("intermediary", "Name the participants behind the intermediary.", "recipients",
                          "42 CFR 2.31(a)(4)(ii)(B)")  # fmt: skip
        if recipient.user and recipient.user == facts.author and not incoming(consent):
            message = "You cannot record an authorization for yourself: the colleague who holds the record does."
            yield _refuse("self_grant", message, "recipients", "program rule CR-8")
        if recipient.user and consent.variant not in (INTERNAL, NOTES):
            yield _refuse("internal_form", "A colleague receives by the internal form.", "recipients",
                          "program rule CR-8")  # fmt: skip
        if not recipient.user and consent.variant == INTERNAL and recipient.name != JOINT_RECORD:
            yield _refuse("recipient_user", f"Name a colleague of this program, or {JOINT_RECORD}.", "recipients",
                          "program rule CR-8")  # fmt: skip


def _scope(consent: Consent, _facts: Facts) -> Iterator[Finding]:
    inside = any(recipient.user for recipient in consent.recipients)
    alone = consent.source in AUTHOR_KINDS
    rule8 = "program rule CR-8"
    if consent.variant == INTERNAL and not (consent.topics or consent.records):
        yield _refuse("topics", "Name the topics, or the records one by one.", "topics", rule8)
    if alone and (inside or consent.topics) and (consent.topics or not consent.records):
        message = "What its author keeps alone is released record by record: name the records, not topics."
        yield _refuse("one_by_one", message, "records", "45 CFR 164.508(a)(2); program rule CR-8")
    if consent.variant == INTERNAL and not alone and (consent.covers_from is None or consent.covers_to is None):
        yield _refuse("range", "Say from and to which date the information is.", "covers_from", rule8)
    if consent.variant == NOTES and not consent.source and not incoming(consent):
        message = "Say which part of the record, or name yourself as the one who receives from outside."
        yield _refuse("source", message, "source", "45 CFR 164.508(a)(2)")
    if consent.covers_from and consent.covers_to and consent.covers_from > consent.covers_to:
        yield _refuse("range", "The period ends before it begins.", "covers_to", rule8)
    if consent.variant == INTERNAL and consent.direction not in ("", ONE_WAY):
        message = "One authorization for each direction: the other one is recorded where that record lies."
        yield _refuse("one_direction", message, "direction", rule8)


def _combination(consent: Consent, _facts: Facts) -> Iterator[Finding]:
    kinds = consent.categories
    for one, name, source in (
        (PSYCHOTHERAPY, "psychotherapy", "45 CFR 164.508(b)(3)(ii)"),
        (COUNSELING, "counseling", "42 CFR 2.31(b)"),
        (PROCEEDINGS, "proceedings", "42 CFR 2.31(d)"),
    ):
        if one in kinds and len(set(kinds)) > 1:
            message = f"A consent for {one} is never combined with another."
            yield _refuse(f"combined_{name}", message, "categories", source)
    if PROCEEDINGS in kinds and consent.variant in (TPO, INTERNAL):
        message = "A consent for legal proceedings has a form of its own."
        yield _refuse("combined_proceedings", message, "categories", "42 CFR 2.31(d)")
    notes = {PSYCHOTHERAPY, COUNSELING} & set(kinds)
    about_notes = notes or consent.source == Kind.PSY
    if consent.variant == NOTES and (not notes or GENERAL in kinds or consent.source not in ("", Kind.PSY)):
        message = "This form is for psychotherapy or counseling notes and for nothing else."
        yield _refuse("notes_only", message, "categories", "45 CFR 164.508(b)(3)(ii); 42 CFR 2.31(b)")
    if consent.variant != NOTES and about_notes:
        message = "Psychotherapy and counseling notes need their own form."
        yield _refuse("notes_form", message, "variant", "45 CFR 164.508(a)(2); 42 CFR 2.31(b)")
    if consent.conditioned and consent.variant != TPO:
        yield _refuse("conditioned", "Treatment may not depend on signing this.", "conditioned",
                      "45 CFR 164.508(b)(4)")  # fmt: skip


def _policy(consent: Consent, facts: Facts) -> Iterator[Finding]:
    for recipient in consent.recipients:
        if not recipient.user or recipient.user == facts.author:
            continue
        if recipient.user in facts.readers:
            message = f"{recipient.name} reads this part of the record already."
            yield _refuse("reads_already", message, "recipients", "program rule CR-8")
        elif recipient.user not in facts.allowed:
            message = f"The program's policy gives {recipient.name} nothing of this part, even with an authorization."
            yield _refuse("not_foreseen", message, "recipients", "program rules CR-1, CR-8")


def _signatures(consent: Consent, facts: Facts) -> Iterator[Finding]:
    given = [signature.person for signature in consent.signatures]
    if given and set(given) - facts.signers:
        message = "A signature is in the name of somebody else."
        yield _refuse("signed_by_other", message, "signatures", "42 CFR 2.31(a)(8); 45 CFR 164.508(c)(1)(vi)")
    elif given and facts.signers - set(given):
        message = "Both partners sign where the joint record is concerned." if len(facts.signers) > 1 else (
            "The person's own signature is missing.")  # fmt: skip
        yield _refuse("signers", message, "signatures", "program rule CR-8; 45 CFR 164.508(c)(1)(vi)")
    if len(set(given)) != len(given):
        yield _refuse("signed_twice", "Somebody signed twice.", "signatures")
    for signature in consent.signatures:
        yield from _signature(signature, facts)


def _signature(signature: ConsentSignature, facts: Facts) -> Iterator[Finding]:
    place, authority = "signatures", "45 CFR 164.502(g)"
    if not (signature.name.strip() and signature.signer and signature.method):
        yield _refuse("signature", "Say who signed and how.", place)
    if signature.signed_on is None:
        yield _refuse("signature_date", "Date the signature.", place, "42 CFR 2.31(a)(9)")
    elif signature.signed_on > facts.today:
        yield _refuse("signature_date", "The signature lies in the future.", place)
    known = facts.names.get(signature.person, ())
    if signature.signer == "client" and known and _plain(signature.name) not in known:
        yield _refuse("name", "The signature is not in the person's name.", place, "42 CFR 2.31(a)(1)")
    if signature.signer not in ("", "client") and not signature.authority.strip():
        yield _refuse("authority", "Say by what authority this person signs.", place, authority)
    if signature.method in (TYPED, VERBAL) and not signature.witness.strip():
        yield _refuse("witness", "Name the member of staff who saw it.", place, "program rule")
    if signature.method in (TYPED, VERBAL) and known and _plain(signature.witness) in known:
        yield _refuse("witness", "The person is not their own witness.", place, "program rule")
    if signature.method in (PAPER, PACKET) and not signature.attachment_sha256:
        yield _refuse("attachment", "Attach the scan or the packet.", place, "program rule")


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _partner(consent: Consent, facts: Facts) -> Iterator[Finding]:
    """One partner's consent, and with it every accounting, never says that there is another."""
    words = set(_WORD.findall(f"{consent.description} {consent.purpose}".casefold()))
    if words & {name.strip().casefold() for name in facts.partner_names}:
        message = "It names the partner. A person's own consent is worded without them."
        yield _refuse("names_partner", message, "description", "program rules CR-3, CR-8")
