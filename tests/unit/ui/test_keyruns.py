"""What makes keys an answer and what makes them a word; what is taken back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iop_tui.ui.forms.answers import keys_for
from iop_tui.ui.forms.keyruns import ANSWER_SECONDS, ON_SECONDS, RUN_SECONDS, KeyRun, Step, Steps, continues

LETTERS = st.text("abcdefghijklmnopqrstuvwxyz ", min_size=2, max_size=30)


def test_every_answer_has_a_digit_in_order_and_letters_have_none() -> None:
    assert keys_for(("denied", "present")) == ("1", "2")
    assert keys_for(tuple("abcdefghijk"))[8:] == ("9", "", "")
    assert not any(key.isalpha() for key in keys_for(("yes", "no", "denied")))


def test_what_is_typed_without_a_pause_is_a_word_and_a_key_held_down_is_one_key() -> None:
    run = KeyRun()
    assert [run.word("d", 10.0 + step / 20) for step in range(3)] == ["d", "d", "d"]
    assert run.word("n", 10.1 + RUN_SECONDS) == "n"
    assert run.word("o", 10.2 + RUN_SECONDS) == "no"
    assert run.word("o", 10.3 + RUN_SECONDS) == "noo"


def test_what_was_refused_stays_refused_until_a_pause_or_a_command_key() -> None:
    run = KeyRun()
    run.refuse(10.0)
    assert [run.swallows(10.0 + 0.9 * step) for step in (1, 2, 3)] == [True, True, True]
    assert not run.swallows(12.7 + RUN_SECONDS)
    run.refuse(20.0)
    run.end()
    assert not run.swallows(20.1)


def test_an_answer_is_taken_back_by_a_key_that_fits_none_for_some_seconds() -> None:
    run = KeyRun()
    assert not run.answered(10.0)
    assert run.answers(10.0), "the first of its run"
    assert not run.answers(11.0)
    assert run.answered(11.0 + ANSWER_SECONDS)
    assert not run.answered(11.1 + ANSWER_SECONDS)


@given(LETTERS, st.floats(0.01, RUN_SECONDS * 0.9))
def test_of_a_word_typed_without_a_pause_nothing_counts(word: str, gap: float) -> None:
    """As fields do it: what is no answer's own word takes back what its first key did, and the rest is not heard."""
    run, taken = KeyRun(), ""
    for place, letter in enumerate(word):
        at = 100.0 + place * gap
        if run.swallows(at):
            continue
        if len(run.word(letter, at)) > 1:
            run.end()
            run.refuse(at)
            taken = ""
        else:
            taken = letter
    assert not taken or set(word) == {taken}, "only a key held down answers"


def test_steps_go_back_one_by_one_and_a_change_back_is_no_step() -> None:
    steps = Steps()
    steps.gave("risk", "", "denied", 1.0)
    steps.gave("violence", "", "not asked", 2.0)
    assert steps.back() == Step("violence", "", 2.0)
    steps.gave("risk", "denied", "", 3.0)
    assert len(steps) == 0
    assert steps.back() is None


def test_a_run_takes_out_what_followed_without_a_pause_and_nothing_before_it() -> None:
    steps = Steps()
    for name, at in (("progress", 1.0), ("risk", 5.0), ("violence", 5.3)):
        steps.gave(name, "", "x", at)
        steps.led_on(name, at)
    assert [step.name for step in steps.run(5.3 + ON_SECONDS - 0.1, into_text=True)] == ["violence", "risk"]
    assert len(steps) == 1
    assert steps.run(5.4) == [], "it ended"


def test_what_follows_an_answer_closely_belongs_to_it() -> None:
    run = KeyRun()
    assert not run.follows(10.0)
    run.led_here(10.0)
    assert run.follows(10.0 + ON_SECONDS / 2)
    assert not run.follows(10.0 + ON_SECONDS)


def test_a_text_may_begin_with_a_letter_a_link_or_a_paste() -> None:
    assert [typed for typed in ("W", "#", "-", "ä", "12 steps", "") if continues(typed)] == []
    assert all(map(continues, (" ", "2", ",", "/")))


def test_what_stepped_without_leading_on_is_in_no_run() -> None:
    steps = Steps()
    steps.gave("risk", "", "denied", 1.0)
    assert not steps.running
    assert steps.run(1.1) == []
