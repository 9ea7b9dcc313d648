"""What turnover asks of this user: hand-overs, transfers that were begun, second signatures, parts to end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from iop_tui.access import settle
from iop_tui.clinical.compliance.api import DueLine
from iop_tui.clinical.turnover import leaving, planning
from iop_tui.clinical.turnover.naming import person_name, user_name
from iop_tui.clinical.turnover.service import hand_overs_waiting, joint_hand_overs_waiting
from iop_tui.clinical.turnover.succession import PARTS
from iop_tui.kernel.clock import local_date
from iop_tui.workspace import Workspace

HAND_OVER, TRANSFER, SUCCESSION = "turnover", "transfergo", "succession"
"""The actions of turnover's lines in the work queue: the places that clear them."""


def due_lines(ws: Workspace) -> list[DueLine]:
    """What waits for this user, each with the rule and the place that clears it."""
    return [*_hand_overs(ws), *_transfers(ws), *_approvals(ws), *_ends(ws), *_uncovered(ws)]


def _hand_overs(ws: Workspace) -> Iterable[DueLine]:
    today = local_date(ws.clock.now_ms())
    for person, user, role in hand_overs_waiting(ws):
        yield DueLine(person, person_name(ws, person), f"Hand over to {user_name(ws, user)}, {role}", today,
                      "hand-over", "program rule CR-1", user, HAND_OVER)  # fmt: skip
    for couple, user in joint_hand_overs_waiting(ws):
        yield DueLine(couple, person_name(ws, couple), f"Hand over to {user_name(ws, user)}, couples therapist", today,
                      "hand-over", "program rule CR-1", user, HAND_OVER)  # fmt: skip


def _transfers(ws: Workspace) -> Iterable[DueLine]:
    for item in planning.open_transfers(ws):
        ready = item.count(planning.READY)
        if ready:
            yield DueLine(b"", f"{ready} of {len(item.lines)}",
                          f"Go on: {item.giver_name} to {item.receiver_name}", item.begun_on, "transfer",
                          "program rule CR-1", item.record, TRANSFER)  # fmt: skip


def _approvals(ws: Workspace) -> Iterable[DueLine]:
    for gone, waiting in leaving.to_approve(ws):
        people = len({line.person for line in waiting})
        yield DueLine(b"", gone.name, f"Second signature: {_people(people)}", gone.on, "succession",
                      "45 CFR 164.308(a)(3)(ii)", gone.user, SUCCESSION)  # fmt: skip


def _ends(ws: Workspace) -> Iterable[DueLine]:
    today = local_date(ws.clock.now_ms())
    for user, count in Counter(line.user for line in leaving.to_end(ws)).items():
        yield DueLine(b"", user_name(ws, user), f"End the old part: {_people(count)}", today, "succession",
                      "45 CFR 164.308(a)(3)(ii)(C)", user, SUCCESSION)  # fmt: skip


def _uncovered(ws: Workspace) -> Iterable[DueLine]:
    """Who named a successor once is told of people who came since; nobody else is."""
    mine = ws.view.rows("SELECT DISTINCT person FROM record WHERE kind = 'succession' AND author = ?", (ws.user.user,))
    covered = {row[0] for row in mine}
    care = {fact.person for fact in settle.my_care(ws.session) if fact.role in PARTS}
    if covered & care and care - covered:
        yield DueLine(b"", ws.user.name, f"Name a successor: {_people(len(care - covered))}",
                      local_date(ws.clock.now_ms()), "succession", "45 CFR 164.308(a)(7)(ii)", ws.user.user,
                      SUCCESSION)  # fmt: skip


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"
