"""The work queue: everything one user can clear, most urgent first: risk × deadline × hours.

Looking into a chart takes about a millisecond. What a chart owes is remembered until something about its person
changes, so that Today asks again only for who changed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from iop_tui.clinical.charting import clocks
from iop_tui.clinical.charting.judge import Setting, setting
from iop_tui.clinical.charting.urgency import urgency
from iop_tui.clinical.compliance.api import DueLine
from iop_tui.clinical.joint import api as joint
from iop_tui.kernel.errors import NotFound
from iop_tui.workspace import Workspace

WITHIN = timedelta(days=7)
_AT_ONCE, _PAUSE = 8, 0.002
"""After so many charts the thread pauses (seconds), so that keys are not kept waiting."""


@dataclass(frozen=True, slots=True)
class _Owed:
    """What one chart owes, and what its person's risk and hours make of it."""

    lines: tuple[DueLine, ...]
    risk: str
    hours: float


class Ledger:
    """What charts owe, remembered per person. `forget` may come from another thread while a look goes on: what was
    seen before it is not kept.
    """

    def __init__(self) -> None:
        self._owed: dict[bytes, _Owed] = {}
        self._setting: Setting | None = None
        self._looking = threading.Lock()
        self._stale: set[bytes] = set()
        self._all_stale = False

    def forget(self, people: Iterable[bytes] | None = None) -> None:
        """Something changed: about these people, or (None) about access or the program's rules."""
        if people is None:
            self._all_stale, self._owed = True, {}
            return
        gone = set(people)
        self._stale |= gone
        self._owed = {person: owed for person, owed in self._owed.items() if person not in gone}

    def own(self, ws: Workspace, *, within: timedelta = WITHIN) -> list[DueLine]:
        """What is known without looking into another chart: a few queries, whatever the caseload."""
        here = self._here(ws)
        remembered = [line for owed in self._owed.values() for line in owed.lines]
        return self._sorted([*clocks.own_lines(ws, here), *joint.due_lines(ws), *remembered], here.today, within)

    def lines(
        self, ws: Workspace, *, within: timedelta = WITHIN, cancelled: Callable[[], bool] = lambda: False
    ) -> list[DueLine]:
        """Everything, after looking into the charts that are not remembered."""
        with self._looking:
            self._stale, self._all_stale = set(), False
            here = self._here(ws)
            care = clocks.in_care(ws)
            known = {person: owed for person in care if (owed := self._owed.get(person))}
            missing = [person for person in care if person not in known]
            known |= self._look(ws, here, missing, cancelled) if missing else {}
            self._owed = known
            shown = self.own(ws, within=within)
            if self._stale or self._all_stale:
                self.forget(None if self._all_stale else self._stale)
            return shown

    def _here(self, ws: Workspace) -> Setting:
        """The rules in force; another day or other rules make what is remembered worthless."""
        here = setting(ws)
        if here != self._setting:
            self._owed, self._setting = {}, here
        return here

    @staticmethod
    def _look(
        ws: Workspace, here: Setting, people: Sequence[bytes], cancelled: Callable[[], bool]
    ) -> dict[bytes, _Owed]:
        facts = clocks.known(ws, people[0] if len(people) == 1 else None)
        found: dict[bytes, _Owed] = {}
        for number, person in enumerate(people, 1):
            if cancelled():
                break
            try:
                chart = clocks.chart(ws, person, facts)
            except NotFound:
                continue  # the person left this user's care meanwhile
            found[person] = _Owed(tuple(clocks.items(ws, here, chart)), chart.risk, chart.hours)
            if number % _AT_ONCE == 0:
                time.sleep(_PAUSE)
        return found

    def _sorted(self, found: list[DueLine], today: date, within: timedelta) -> list[DueLine]:
        limit = today + within

        def rank(line: DueLine) -> tuple[float, date, str, str, bytes]:
            owed = self._owed.get(line.person)
            risk, hours = (owed.risk, owed.hours) if owed else ("", 0.0)
            return (-urgency(line.due, today, risk, hours), line.due, line.what, line.name, line.record)

        return sorted((line for line in found if line.due <= limit), key=rank)


def due(ws: Workspace, *, within: timedelta = WITHIN) -> list[DueLine]:
    """Everything this user can clear that is due by then, most urgent first."""
    return Ledger().lines(ws, within=within)


def next_due(ws: Workspace, person: bytes) -> DueLine | None:
    """The first thing that is due in one chart, whether or not the day has come; None for nothing."""
    here = setting(ws)
    lines = [line for line in clocks.own_lines(ws, here) if line.person == person]
    if person in clocks.in_care(ws):
        lines += clocks.items(ws, here, clocks.chart(ws, person))
    return min(lines, key=lambda line: (line.due, line.what), default=None)
