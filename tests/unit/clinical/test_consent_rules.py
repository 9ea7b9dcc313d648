"""Every element and every prohibition of a consent, each by its own rule (42 CFR 2.31, 45 CFR 164.508, CR-8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from iop_tui.clinical.consents import model, wording
from iop_tui.clinical.consents.model import (
    COUNSELING,
    GENERAL,
    HIPAA,
    INTERNAL,
    NOTES,
    PROCEEDINGS,
    PSYCHOTHERAPY,
    SPECIFIC,
    TPO,
    VARIANTS,
    Consent,
    ConsentSignature,
    Recipient,
    template,
)
from iop_tui.clinical.consents.rules import JOINT_RECORD, REQUIRED, Facts, findings

TODAY = date(2026, 3, 12)
ANA, BEN, CLEO, NADIA = "ana", "ben", "cleo", "nadia"
FACTS = Facts(
    TODAY, NADIA, frozenset({ANA}), {ANA: ("ana quill",)}, ("ben", "odell"), frozenset({CLEO}), frozenset()
)
SIGNED = ConsentSignature(
    person=ANA, signer="client", name="Ana Quill", method="typed in person", witness="Nadia", signed_on=TODAY
)


def whole(variant: str, **more: Any) -> Consent:
    """A consent of a form that nothing speaks against."""
    values: dict[str, Any] = {
        "person": ANA, "person_name": "Ana Quill", "discloser": "Nadia, individual therapist",
        "recipients": (Recipient(name="Dr Lee"),), "description": "Notes about sleep and substance use",
        "purpose": "Coordination of care", "expires_on": TODAY + timedelta(days=60), "copy_given": True,
        "signatures": (SIGNED,),
    }  # fmt: skip
    if variant == TPO:
        del values["recipients"]
        del values["purpose"]
        del values["expires_on"]
    if variant == INTERNAL:
        values |= {
            "source": "IND", "recipients": (Recipient(name="Cleo", user=CLEO),), "topics": ("progress notes",),
            "covers_from": TODAY - timedelta(days=30), "covers_to": TODAY,
        }  # fmt: skip
    if variant == NOTES:
        values |= {"source": "PSY", "records": ("one",)}
    return template(variant, **{**values, **more})


def codes(consent: Consent, facts: Facts = FACTS) -> list[str]:
    return [item.code.removeprefix("consent.") for item in findings(consent, facts)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_whole_consent_of_each_form_stands(variant: str) -> None:
    assert codes(whole(variant)) == []


@pytest.mark.parametrize(
    ("variant", "element"), [(variant, element.field) for element in REQUIRED for variant in element.variants]
)
def test_each_required_element_is_enforced(variant: str, element: str) -> None:
    empty = model.Consent.__struct_defaults__[model.Consent.__struct_fields__.index(element)]
    lacking = msgspec.structs.replace(whole(variant), **{element: empty})
    assert element in codes(lacking)
    source = next(item.source for item in findings(lacking, FACTS) if item.code == f"consent.{element}")
    assert "CFR" in source or "rule" in source


@pytest.mark.parametrize("text", [" ", "\n\t "])
def test_blank_text_is_no_element(text: str) -> None:
    assert "purpose" in codes(whole(HIPAA, purpose=text))


@pytest.mark.parametrize(
    ("variant", "more", "rule"),
    [
        (HIPAA, {"expires_on": None}, "expiry"),
        (SPECIFIC, {"expires_on": None, "expires_event": "none"}, "expiry"),
        (INTERNAL, {"expires_on": None, "expires_event": "end of treatment"}, "expiry"),
        (HIPAA, {"expires_on": TODAY - timedelta(days=1)}, "expired"),
        (INTERNAL, {"expires_on": TODAY - timedelta(days=1)}, "expired"),
        (INTERNAL, {"expires_on": TODAY + timedelta(days=91)}, "ninety_days"),
        (HIPAA, {"recipients": (Recipient(name=wording.TPO_RECIPIENT),)}, "recipients_named"),
        (HIPAA, {"recipients": (Recipient(name="Dr Lee"), Recipient(name="dr lee"))}, "recipients_twice"),
        (HIPAA, {"recipients": (Recipient(address="1 Main St"),)}, "recipients"),
        (SPECIFIC, {"recipients": (Recipient(name="Exchange", intermediary=True),)}, "intermediary"),
        (INTERNAL, {"recipients": (Recipient(name="Nadia", user=NADIA),)}, "self_grant"),
        (SPECIFIC, {"recipients": (Recipient(name="Cleo", user=CLEO),)}, "internal_form"),
        (INTERNAL, {"recipients": (Recipient(name="Dr Lee"),)}, "recipient_user"),
        (NOTES, {"source": ""}, "source"),
        (NOTES, {"recipients": (Recipient(name="Cleo", user=CLEO),), "expires_on": None, "expires_event": "discharge"},
         "expiry"),
        (INTERNAL, {"topics": ()}, "topics"),
        (INTERNAL, {"source": "SAFE"}, "one_by_one"),
        (INTERNAL, {"source": "HOLD", "topics": ()}, "topics"),
        (NOTES, {"topics": ("progress notes",)}, "one_by_one"),
        (NOTES, {"records": (), "recipients": (Recipient(name="Cleo", user=CLEO),)}, "one_by_one"),
        (INTERNAL, {"covers_from": None}, "range"),
        (INTERNAL, {"covers_from": TODAY, "covers_to": TODAY - timedelta(days=1)}, "range"),
        (INTERNAL, {"direction": "both ways"}, "one_direction"),
        (HIPAA, {"categories": (GENERAL, PROCEEDINGS)}, "combined_proceedings"),
        (TPO, {"categories": (PROCEEDINGS,)}, "combined_proceedings"),
        (NOTES, {"categories": (PSYCHOTHERAPY, GENERAL)}, "combined_psychotherapy"),
        (NOTES, {"categories": (PSYCHOTHERAPY, COUNSELING)}, "combined_counseling"),
        (NOTES, {"categories": (GENERAL,)}, "notes_only"),
        (NOTES, {"source": "IND"}, "notes_only"),
        (HIPAA, {"categories": (PSYCHOTHERAPY,)}, "notes_form"),
        (INTERNAL, {"source": "PSY", "topics": (), "records": ("one",)}, "notes_form"),
        (HIPAA, {"conditioned": True}, "conditioned"),
        (NOTES, {"conditioned": True}, "conditioned"),
        (HIPAA, {"description": "What was said about Ben"}, "names_partner"),
        (INTERNAL, {"purpose": "So that ODELL's therapist knows"}, "names_partner"),
    ],
)
def test_each_prohibition_is_enforced(variant: str, more: dict[str, Any], rule: str) -> None:
    assert rule in codes(whole(variant, **more))


def test_ninety_days_are_the_longest_and_the_last_day_counts() -> None:
    assert codes(whole(INTERNAL, expires_on=TODAY + timedelta(days=90))) == []
    assert codes(whole(INTERNAL, expires_on=TODAY)) == []


def test_a_clinician_is_named_as_the_one_who_receives_private_notes_from_outside() -> None:
    outside = {"source": "", "records": (), "discloser": "Dr Lee"}
    assert codes(whole(NOTES, recipients=(Recipient(name="Nadia", user=NADIA),), **outside)) == []


def test_treatment_may_depend_on_the_form_for_payment_only() -> None:
    assert codes(whole(TPO, conditioned=True)) == []


def test_the_form_for_treatment_and_payment_may_have_no_end() -> None:
    assert codes(whole(TPO, expires_event="none")) == []


def test_the_joint_record_is_the_one_recipient_without_a_user() -> None:
    assert codes(whole(INTERNAL, recipients=(Recipient(name=JOINT_RECORD),))) == []


def test_cr8_a_colleague_the_policy_gives_nothing_is_refused_even_with_an_authorization() -> None:
    assert codes(whole(INTERNAL), replace(FACTS, allowed=frozenset())) == ["not_foreseen"]
    assert codes(whole(INTERNAL), replace(FACTS, readers=frozenset({CLEO}))) == ["reads_already"]


# -- signatures ----------------------------------------------------------------------------

Change = Callable[[ConsentSignature], ConsentSignature]


def changed(**values: Any) -> Change:
    return lambda signature: msgspec.structs.replace(signature, **values)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (changed(person=BEN), "signed_by_other"),
        (changed(name="Ben Odell"), "name"),
        (changed(name=""), "signature"),
        (changed(signer=""), "signature"),
        (changed(method=""), "signature"),
        (changed(signed_on=None), "signature_date"),
        (changed(signed_on=TODAY + timedelta(days=1)), "signature_date"),
        (changed(signer="guardian", name="Una Quill"), "authority"),
        (changed(witness=""), "witness"),
        (changed(witness="Ana  QUILL"), "witness"),
        (changed(method="verbal by video", witness=""), "witness"),
        (changed(method="paper, scanned"), "attachment"),
        (changed(method="returned packet"), "attachment"),
    ],
)
def test_each_flaw_of_a_signature_is_named(change: Change, rule: str) -> None:
    assert rule in codes(whole(HIPAA, signatures=(change(SIGNED),)))


@pytest.mark.parametrize(
    "signature",
    [
        changed(name="ana   quill"),
        changed(signer="guardian", name="Una Quill", authority="court order 12-7"),
        changed(method="paper, scanned", witness="", attachment_sha256="0" * 64),
        changed(method="verbal by video"),
    ],
)
def test_the_four_ways_to_sign(signature: Change) -> None:
    assert codes(whole(HIPAA, signatures=(signature(SIGNED),))) == []


def test_both_partners_sign_where_the_joint_record_is_concerned() -> None:
    facts = replace(FACTS, signers=frozenset({ANA, BEN}), names={}, partner_names=())
    joint = whole(INTERNAL, source="JNT")
    other = msgspec.structs.replace(SIGNED, person=BEN, name="Ben Odell")
    assert codes(joint, facts) == ["signers"]
    assert codes(msgspec.structs.replace(joint, signatures=(SIGNED, other)), facts) == []
    assert codes(msgspec.structs.replace(joint, signatures=(SIGNED, SIGNED, other)), facts) == ["signed_twice"]


def test_one_partners_own_data_needs_that_partner_alone() -> None:
    other = msgspec.structs.replace(SIGNED, person=BEN, name="Ben Odell")
    assert codes(whole(INTERNAL, signatures=(SIGNED, other))) == ["signed_by_other"]
