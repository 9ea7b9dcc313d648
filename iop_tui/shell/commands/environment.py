"""What a program that people use injects into the workspace: real clock, real randomness, production key derivation."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from iop_tui.kernel.clock import Clock, SystemClock, to_ms
from iop_tui.kernel.errors import Usage
from iop_tui.slices import TYPES
from iop_tui.vault.glance import glance
from iop_tui.vault.headfile import NAME
from iop_tui.vault.kdf import FLOOR, ProductionKdf
from iop_tui.workspace import Environment


class StandingClock:
    """A wall time that stands still, for screens and reports that must come out the same; durations stay real."""

    def __init__(self, at_ms: int) -> None:
        self._at_ms = at_ms

    def now_ms(self) -> int:
        """The time it was set to."""
        return self._at_ms

    def monotonic(self) -> float:
        """Real seconds."""
        return time.monotonic()


def moment(text: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 time; without an offset it is UTC. Raises `Usage`."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise Usage(f"--now {text!r} is no time.", "Write it as 2026-11-21T09:30:00Z.") from None
    return to_ms(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))


def make(path: Path, now: str = "") -> Environment:
    """The environment for an existing vault. Raises `Usage` for `--now` outside demos, and what `glance` raises."""
    is_demo = glance(path / NAME).demo
    clock: Clock = SystemClock()
    if now:
        if not is_demo:
            raise Usage("--now is for demo vaults only.", "Leave it out; a real record has the real time.")
        clock = StandingClock(moment(now))
    return Environment(types=TYPES, clock=clock, use_keyring=not is_demo)


def for_new(*, demo: bool = False, now: str = "") -> Environment:
    """The environment a vault is made with.

    A demo's passphrases are public, so its slots take the least cost a vault may state; unlocking reads the cost from
    the slot either way.
    """
    if demo:
        clock: Clock = StandingClock(moment(now)) if now else SystemClock()
        return Environment(types=TYPES, clock=clock, kdf=ProductionKdf(FLOOR))
    if now:
        raise Usage("--now is for demo vaults only.", "Leave it out; a real record has the real time.")
    return Environment(types=TYPES, use_keyring=True)
