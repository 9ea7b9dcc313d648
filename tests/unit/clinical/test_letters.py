"""Letters say the minimum and go out by consent; the log of calls knows what a voicemail may say. A test per rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.letters.api import COMMUNICATION, LETTER, NOTICE, TEMPLATES, Communication, Facts, Letter, begin
from iop_tui.clinical.letters.minimum import telling_words
from iop_tui.kernel.declare import DocumentType, RuleContext, Severity

WITHOUT = msgspec.structs.replace
DAY = date(2026, 3, 12)
FACTS = Facts("Ana Quill", "Quarry House", "Nadia", "LCSW", DAY, since=date(2026, 1, 5), attended=14, missed=2)
WHOLE = WITHOUT(
    begin("employer", FACTS), recipient="Personnel office, Mill Street 4", purpose="confirm absences",
    authorization="signed by Ana Quill on 2026-03-01", authorized_until=DAY + timedelta(days=60),
)  # fmt: skip
CALL = Communication(
    on=DAY, at=time(14, 5), channel="call", who="client", safe=True, summary="Moved Thursday to Friday."
)


def codes(
    kind: DocumentType[Any], document: Any, severity: Severity | None = None, **facts: Any
) -> set[tuple[str, str]]:
    found = kind.findings(document, RuleContext(DAY, facts))
    return {(item.code, item.field) for item in found if severity in (None, item.severity)}


def test_a_whole_letter_and_a_whole_entry_say_nothing() -> None:
    assert codes(LETTER, WHOLE) == set()
    assert codes(COMMUNICATION, CALL) == set()


@pytest.mark.parametrize(
    "name", ["template", "recipient", "written_on", "purpose", "authorization", "authorized_until", "contents", "body"]
)
def test_every_element_of_a_letter_is_required(name: str) -> None:
    assert ("required", name) in codes(LETTER, WITHOUT(WHOLE, **{name: getattr(Letter(), name)}), Severity.REFUSE)


@pytest.mark.parametrize("name", ["on", "at", "channel", "who", "summary"])
def test_every_element_of_a_call_is_required(name: str) -> None:
    empty = getattr(Communication(), name)
    assert ("required", name) in codes(COMMUNICATION, WITHOUT(CALL, **{name: empty}), Severity.REFUSE)


def test_42cfr2_31_a_letter_needs_an_authorization_in_force() -> None:
    ended = WITHOUT(WHOLE, authorized_until=DAY - timedelta(days=1))
    assert codes(LETTER, ended, Severity.REFUSE) == {("authorization_ended", "authorized_until")}
    assert codes(LETTER, WITHOUT(WHOLE, authorized_until=DAY)) == set()


@pytest.mark.parametrize("word", ["alcohol", "F10.20", "relapse", "Diagnosis", "couples therapy", "opioids", "rehab"])
def test_45cfr164_502b_employer_and_school_learn_of_attendance_only(word: str) -> None:
    body = f"{WHOLE.body}\n{word}"
    for template, severity in (("employer", "refuse"), ("school", "refuse"), ("court", "warn")):
        found = codes(LETTER, WITHOUT(WHOLE, template=template, body=body), Severity(severity))
        assert ("more_than_needed", "body") in found


def test_45cfr164_502b_progress_is_not_for_employers() -> None:
    telling = WITHOUT(WHOLE, contents=("participation", "progress"))
    assert codes(LETTER, telling, Severity.REFUSE) == {("contents", "contents")}
    assert codes(LETTER, WITHOUT(telling, template="court")) == set()


def test_42cfr2_32_a_part_2_program_sends_the_notice() -> None:
    assert codes(LETTER, WHOLE, part2=True) == {("notice", "body")}
    with_notice = begin("employer", replace(FACTS, part2=True)).body
    assert NOTICE in with_notice
    assert codes(LETTER, WITHOUT(WHOLE, body=with_notice), part2=True) == set()


def test_a_letter_of_the_future_is_refused() -> None:
    assert ("future", "written_on") in codes(LETTER, WITHOUT(WHOLE, written_on=DAY + timedelta(days=1)))


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_is_clean_and_leaves_consent_open(template: str) -> None:
    letter = begin(template, FACTS)
    assert telling_words(letter.body) == ()
    assert (letter.recipient, letter.authorization, letter.purpose) == ("", "", "")
    if template != "other letter":
        assert "Ana Quill" in letter.body
        assert "2026-01-05" in letter.body
        assert letter.contents
    if template == "court":
        assert "Sessions attended: 14. Sessions missed without notice: 2." in letter.body


@given(st.text(), st.text(), st.dates() | st.none(), st.integers(0, 500))
def test_templates_take_any_name(client: str, facility: str, since: date | None, attended: int) -> None:
    facts = Facts(client, facility, "N", "", DAY, since=since, attended=attended)
    for template in TEMPLATES[:-1]:
        assert client in begin(template, facts).body


def test_a_voicemail_says_what_was_left() -> None:
    unsaid = WITHOUT(CALL, channel="voicemail")
    assert codes(COMMUNICATION, unsaid, Severity.REFUSE) == {("voicemail", "voicemail")}
    assert codes(COMMUNICATION, WITHOUT(unsaid, voicemail="left: name and number only")) == set()
    assert codes(COMMUNICATION, WITHOUT(unsaid, voicemail="left: more than that")) == {
        ("voicemail_words", "voicemail")
    }


def test_45cfr164_522b_safe_contact_is_kept_to() -> None:
    for answer in (None, False):
        assert codes(COMMUNICATION, WITHOUT(CALL, safe=answer)) == {("safe_contact", "safe")}
    assert codes(COMMUNICATION, WITHOUT(CALL, safe=None, direction="to us")) == set()


def test_42cfr2_31_others_are_told_nothing_without_an_authorization() -> None:
    for who in ("employer", "family or support", "court or probation"):
        assert codes(COMMUNICATION, WITHOUT(CALL, who=who), Severity.WARN) == {("authorization", "authorization")}
        assert codes(COMMUNICATION, WITHOUT(CALL, who=who, authorization="Ana, 2026-03-01")) == set()
    assert codes(COMMUNICATION, WITHOUT(CALL, who="emergency services")) == set()
