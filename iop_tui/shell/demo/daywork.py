"""What a day in a small demo begins with: a program that has a name, the day's sessions of every therapist, and a joint
session that the front desk planned.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time

from iop_tui.access import charts, roles
from iop_tui.access.settle import my_care
from iop_tui.clinical.sessions import desk
from iop_tui.clinical.sessions import service as sessions
from iop_tui.clinical.sessions.model import Appointment, Session
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.staff import profiles
from iop_tui.clinical.staff.profiles import ProgramProfile
from iop_tui.kernel.ids import show_id
from iop_tui.workspace import Workspace

FACILITY = "Quarry House"
_TIMES = ((time(9), time(9, 50)), (time(11), time(11, 50)), (time(15, 30), time(16, 20)))

_JOINT = (time(13), time(13, 50))


def write(founder: Workspace, others: Iterable[Workspace]) -> None:
    """The program's profile by its founder, then up to three sessions today for each individual therapist."""
    profiles.set_program(founder, ProgramProfile(facility=FACILITY, part2=True))
    for ws in others:
        if roles.FRONT_DESK in ws.user.roles:
            _joint_time(ws)
        if roles.INDIVIDUAL_THERAPIST not in ws.user.roles:
            continue
        ws.session.catch_up()
        clients = sorted(fact.person for fact in my_care(ws.session) if fact.role == roles.INDIVIDUAL_THERAPIST)
        for person, (start, stop) in zip(clients, _TIMES, strict=False):
            planned = Session(date=signing.today(ws), start=start, stop=stop, modality="video")
            sessions.schedule(ws, person, planned)


def _joint_time(ws: Workspace) -> None:
    """The first couple's time with their therapist today: one for each partner."""
    ws.session.catch_up()
    couple = next(iter(sorted(charts.couples(ws.session), key=lambda item: item.id)), None)
    if couple is None:
        return
    start, stop = _JOINT
    for person in (couple.a, couple.b):
        planned = Appointment(clinician=show_id(couple.therapist), date=signing.today(ws), start=start, stop=stop)
        desk.plan(ws, person, planned)
