"""Answers are keys by themselves, words are runs of keys: what tells one from the other, and what takes answers back.

A word typed while a choice has the focus must never become an answer: a false "denied" in a record is worse than a
key that has to be pressed again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Any

RUN_SECONDS = 1.0
"""Printable keys closer together than this belong together."""
ANSWER_SECONDS = 5.0
"""An answer this old is no longer taken back by a key that fits no answer."""
ON_SECONDS = 0.5
"""What follows an answer this closely into the next field, and is no answer there, belongs to it: `2 beers`."""
STEPS_KEPT = 200
_NEVER = float("-inf")


def continues(typed: str) -> bool:
    """Whether a first key in a text goes on with what was begun elsewhere: no text begins with a blank or a comma."""
    return len(typed) == 1 and (typed.isspace() or typed.isdigit() or typed in ".,:/%")


class KeyRun:
    """The printable keys that reached one field since the last command key. Times are seconds of the events."""

    def __init__(self) -> None:
        self._at = self._answered_at = self._led_at = _NEVER
        self._word = ""
        self._deaf = False

    def end(self) -> None:
        """A command key, or another field: what comes next is a new run."""
        self._at = self._answered_at = self._led_at = _NEVER
        self._word, self._deaf = "", False

    def led_here(self, at: float) -> None:
        """The answer to another field moved the focus here."""
        self._led_at = at

    def follows(self, at: float) -> bool:
        """Whether a key comes closely behind the answer that led here."""
        return at - self._led_at < ON_SECONDS

    def refuse(self, at: float) -> None:
        """What is typed is words: nothing of it counts until a pause or a command key."""
        self._at, self._deaf = at, True

    def swallows(self, at: float) -> bool:
        """Whether a key still belongs to words that were refused."""
        if self._deaf and at - self._at < RUN_SECONDS:
            self._at = at
            return True
        self._deaf = False
        return False

    def word(self, character: str, at: float) -> str:
        """What was typed without a pause, with this key. A key held down is one key."""
        goes_on = at - self._at < RUN_SECONDS and self._word != character
        self._word, self._at = self._word + character if goes_on else character, at
        return self._word

    def answers(self, at: float) -> bool:
        """Note that a key answers; whether it is the first answer of the run."""
        first = at - self._answered_at > ANSWER_SECONDS
        self._answered_at = at
        return first

    def answered(self, at: float) -> bool:
        """Whether a key of this run answered."""
        return at - self._answered_at <= ANSWER_SECONDS


@dataclass(frozen=True, slots=True)
class Step:
    """One answer: the field, what stood there before, when it was given, whether the focus went on by itself."""

    name: str
    before: Any
    at: float
    led_on: bool = False


class Steps:
    """The answers given in a form, the newest last."""

    def __init__(self) -> None:
        self._steps: deque[Step] = deque(maxlen=STEPS_KEPT)
        self._running = False

    def __len__(self) -> int:
        return len(self._steps)

    def gave(self, name: str, before: Any, now: Any, at: float) -> None:
        """An answer was given. Going back to what stood there before the last step is no step but its end."""
        last = self._steps[-1] if self._steps else None
        if last is not None and (last.name, last.before) == (name, now):
            self._steps.pop()
        else:
            self._steps.append(Step(name, before, at))

    def led_on(self, name: str, at: float) -> Step:
        """The answer just given moved the focus on: what is typed next may be the rest of a word."""
        step = Step(name, None, at, led_on=True)  # the same answer once more: nothing to take back
        if self._steps and self._steps[-1].name == name:
            step = replace(self._steps.pop(), at=at, led_on=True)
            self._steps.append(step)
            self._running = True
        return step

    @property
    def running(self) -> bool:
        """Whether the last answer moved the focus on, and nothing was typed since."""
        return self._running

    def end_run(self) -> None:
        """What is typed now stands for itself."""
        self._running = False

    def run(self, at: float, *, into_text: bool = False) -> list[Step]:
        """Take out the answers that run into what was typed at a moment, the newest first."""
        found: list[Step] = []
        within = ON_SECONDS if into_text else RUN_SECONDS
        while self._running and self._steps and self._steps[-1].led_on and at - self._steps[-1].at < within:
            found.append(self._steps.pop())
            at, within = found[-1].at, RUN_SECONDS
        self._running = False
        return found

    def back(self) -> Step | None:
        """Take the last answer out; None where there is none."""
        self._running = False
        return self._steps.pop() if self._steps else None
