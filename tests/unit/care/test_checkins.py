"""Check-ins after discharge: cadence, tries, what was heard, closing, referral."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from iop_tui.clinical.checkins.model import CHECK_IN, SCHEDULE, Attempt, CheckIn, Schedule, owed
from iop_tui.kernel.declare import RuleContext, Severity
from tests.support.clinic.care import BORN, TODAY

WITHOUT = msgspec.structs.replace
CONTEXT = RuleContext(TODAY, {"birth_date": BORN})
DAY = timedelta(days=1)
LEFT = TODAY - 40 * DAY
PLAN = Schedule(discharged=LEFT, cadence=("1 week", "1 month", "3 months"), agreed=True, contact="Text, evenings")
NO_ANSWER = Attempt(on=TODAY, how="phone", outcome="no answer")
SPOKE = Attempt(on=TODAY, how="phone", outcome="reached")
HEARD = CheckIn(due=TODAY, attempts=(NO_ANSWER, SPOKE), use="no use", closed="reached")


def codes(document: CheckIn, severity: Severity = Severity.REFUSE) -> set[str]:
    """What the rules say of a check-in."""
    return {item.code for item in CHECK_IN.findings(document, CONTEXT) if item.severity is severity}


def test_a_check_in_that_reached_somebody_may_be_kept() -> None:
    assert codes(HEARD) == set()


def test_the_schedule_counts_from_the_discharge() -> None:
    assert [each.due - LEFT for each in owed(PLAN, ())] == [7 * DAY, 30 * DAY, 91 * DAY]
    done = WITHOUT(HEARD, due=LEFT + 7 * DAY)
    tried = CheckIn(due=LEFT + 30 * DAY, attempts=(NO_ANSWER,))
    left = owed(PLAN, [(b"1", done), (b"2", tried)])
    assert [(each.due - LEFT, each.tries, each.record) for each in left] == [(30 * DAY, 1, b"2"), (91 * DAY, 0, b"")]


def test_who_did_not_agree_or_ended_it_is_not_called() -> None:
    assert owed(WITHOUT(PLAN, agreed=False), ()) == []
    assert [each.due - LEFT for each in owed(WITHOUT(PLAN, ended=LEFT + 31 * DAY), ())] == [7 * DAY, 30 * DAY]
    refused = {item.code for item in SCHEDULE.findings(WITHOUT(PLAN, agreed=False), CONTEXT)}
    assert "agreed" in refused


def test_at_least_one_check_in_and_a_safe_contact() -> None:
    for name in ("cadence", "contact", "discharged", "agreed"):
        found = SCHEDULE.findings(WITHOUT(PLAN, **{name: getattr(Schedule(), name)}), CONTEXT)
        assert ("required", name) in {(item.code, item.field) for item in found}


def test_three_tries_then_close() -> None:
    tries = (NO_ANSWER,) * 3
    assert "close" in codes(CheckIn(due=TODAY, attempts=tries))
    assert codes(CheckIn(due=TODAY, attempts=tries, closed="three tries")) == set()
    assert "too_early" in codes(CheckIn(due=TODAY, attempts=tries[:2], closed="three tries"))
    assert codes(CheckIn(due=TODAY, attempts=tries[:2])) == set()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"use": ""}, "use"), ({"closed": ""}, "close"), ({"use": "return to use"}, "referral"),
        ({"referral": "peer support"}, "referred_on"), ({"attempts": (NO_ANSWER,)}, "not_reached"),
        ({"attempts": (NO_ANSWER,), "use": "", "closed": "reached"}, "closed"),
        ({"attempts": (Attempt(on=TODAY),)}, "attempt"), ({"said": "He is an addict"}, "punitive"),
        ({"attempts": (WITHOUT(SPOKE, on=TODAY + DAY),)}, "future"),
        ({"attempts": (WITHOUT(SPOKE, on=BORN - DAY),)}, "before_birth"),
    ],
)  # fmt: skip
def test_what_a_check_in_must_say(change: dict[str, Any], code: str) -> None:
    assert code in codes(WITHOUT(HEARD, **change))


def test_a_return_to_use_with_a_referral_may_be_kept_and_asks_for_the_step() -> None:
    document = WITHOUT(HEARD, use="return to use", referral="back to the program", referred_on=TODAY)
    assert codes(document) == set()
    assert "step" in codes(document, Severity.REMIND)


def test_who_asks_not_to_be_called_is_not_called_again() -> None:
    asked = WITHOUT(NO_ANSWER, outcome="asked not to be called")
    assert "close" in codes(CheckIn(due=TODAY, attempts=(asked,)))
    assert codes(CheckIn(due=TODAY, attempts=(asked,), closed="client ended it")) == set()
