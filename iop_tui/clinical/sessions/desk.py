"""The schedule of the front desk: times of people with their clinicians, in the directory entry of each person.

Who holds the directory entry sees its times: the front desk, the person's own clinicians, and by the policy the medical
director, the biller and the privacy officer. Nobody else's view holds them. The front desk and the clinician concerned
plan and change them. A clinician's own sessions appear here as a block of the same fields, written by their program;
what is held apart (for safety, or told alone to the couples therapist) has no block, so that the schedule never tells
whether it exists (program rule CR-3).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

import msgspec

from iop_tui.access import charts, policy, roles
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import put
from iop_tui.access.settle import my_care
from iop_tui.clinical.sessions.model import (
    APPOINTMENT,
    CANCELLED,
    NO_SHOW,
    ON_SCHEDULE,
    SCHEDULED,
    Appointment,
    Session,
)
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import Finding, RuleContext, Severity
from iop_tui.kernel.errors import NoKey, NotFound, NotReady, RoleRefused, RuleRefused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.views.view import Changes
from iop_tui.store.work import Work
from iop_tui.vault.digest import sha256
from iop_tui.workspace import Workspace

PLANNERS = frozenset({roles.FRONT_DESK, roles.MEDICAL_DIRECTOR})
"""Who plans times with anybody; a clinician plans their own."""
PARTS = (*policy.CARE_ROLES, roles.MEDICAL_DIRECTOR)
_PROJECTION = "projection"
_BLOCK = b"iop/appointment/1"


@dataclass(frozen=True, slots=True)
class AppointmentLine:
    """A time as the schedule lists it. `conflict`: it was changed on two devices, and somebody has to decide."""

    record: bytes
    person: bytes
    name: str
    appointment: Appointment
    conflict: bool = False

    @property
    def takes_place(self) -> bool:
        """Whether it was not called off."""
        return self.appointment.status == SCHEDULED


# -- reading -------------------------------------------------------------------------------

_ROWS = (
    "SELECT r.record, r.person, p.name, r.doc, r.version, r.leaves FROM record r JOIN compartment c ON c.id ="
    " r.compartment AND c.kind = 'DIR' AND c.person = r.person LEFT JOIN person p ON p.id = r.person"
    " WHERE r.kind = 'appointment' AND r.deposit = 0 AND r.status != 'newer'"
)


def appointments(
    ws: Workspace, first: date, last: date, *, clinician: bytes = b"", person: bytes = b""
) -> list[AppointmentLine]:
    """Times of some days in order, as far as this user holds the directory; of one clinician or person only."""
    more, values = "", list[Any]()
    if clinician:
        more += " AND json_extract(r.doc, '$.clinician') = ?"
        values.append(show_id(clinician))
    if person:
        more += " AND r.person = ?"
        values.append(person)
    rows = ws.view.rows(
        f"{_ROWS} AND r.service_date BETWEEN ? AND ?{more}", (first.isoformat(), last.isoformat(), *values)
    )
    return sorted(map(_line, rows), key=_order)


def appointment_of(ws: Workspace, record: bytes) -> AppointmentLine:
    """One time. Raises `NotFound`."""
    row = ws.view.one(f"{_ROWS} AND r.record = ?", (record,))
    if row is None:
        raise NotFound
    return _line(row)


def torn(ws: Workspace) -> list[AppointmentLine]:
    """Every time that was changed on two devices, in order."""
    return sorted(map(_line, ws.view.rows(f"{_ROWS} AND r.leaves > 1")), key=_order)


def _line(row: Sequence[Any]) -> AppointmentLine:
    return AppointmentLine(row[0], row[1], row[2] or "", APPOINTMENT.decode(row[3], row[4]), row[5] > 1)


def _order(line: AppointmentLine) -> tuple[date, time, str, bytes]:
    found = line.appointment
    return found.date or date.min, found.start or time.min, line.name.casefold(), line.record


def clinicians(ws: Workspace, person: bytes) -> list[tuple[bytes, str]]:
    """Whom a person may have times with: the clinicians of their care, as far as this user may know, by name."""
    held = charts.suspended(ws.session)
    found = {
        fact.user: ws.session.card(fact.user).name
        for fact in charts.care_facts(ws.session, person)
        if fact.role in PARTS and fact.id not in held
    }
    return sorted(found.items(), key=lambda item: (item[1].casefold(), item[0]))


def everybody_planned_with(ws: Workspace) -> dict[bytes, str]:
    """The clinicians of everybody this user knows of, by name."""
    held = charts.suspended(ws.session)
    users = {fact.user for fact in charts.care_facts(ws.session) if fact.role in PARTS and fact.id not in held}
    found = {user: ws.session.card(user).name for user in users}
    return dict(sorted(found.items(), key=lambda item: (item[1].casefold(), item[0])))


def in_my_care(ws: Workspace) -> list[tuple[bytes, str, str]]:
    """Id, name and birth date of everybody whose clinician this user is, by name."""
    mine = {fact.person for fact in my_care(ws.session) if fact.role in PARTS}
    rows = ws.view.rows("SELECT id, name, coalesce(birth_date, '') FROM person ORDER BY sort_key, id")
    return [(bytes(row[0]), str(row[1]), str(row[2])) for row in rows if row[0] in mine]


# -- planning ------------------------------------------------------------------------------


def plan(
    ws: Workspace, person: bytes, appointment: Appointment, *, record: bytes | None = None, slot: bytes = b"",
    act: str = "write",
) -> signing.Saved:  # fmt: skip
    """Plan a time, or (with `record`) move it or say what became of it. Its findings name what else lies there.
    Where it was changed on two devices, what is planned now stands for both versions. `act`: how the audit calls it.

    Raises `RoleRefused`, `NoKey` without the directory entry, `RuleRefused` where the clinician is not part of the
    person's care, `NotReady` by the rules, `NotFound`.
    """
    home = charts.compartment_for(ws.session, person, Kind.DIR)
    appointment = _complete(ws, person, signing.cleaned(APPOINTMENT, appointment))
    if not ws.session.holds(home):
        raise NoKey("You hold no key to this person's directory entry.", "Ask the front desk to plan it.")
    if record is not None and appointment_of(ws, record).person != person:
        raise NotFound
    work = ws.work()
    identifier, revision = put(
        ws.session, work, home, APPOINTMENT, appointment, person=person, record=record,
        parents=_leaves(ws, record) if record else (), source="schedule",
    )  # fmt: skip
    if slot:
        work.clear_journal.append(slot)
    ws.session.note(work, act, person=person, category=Kind.DIR, subject=identifier, detail=APPOINTMENT.kind)
    found = (*_findings(ws, appointment), *_clashes(ws, person, appointment, identifier))
    return signing.Saved(identifier, revision, found, ws.commit(work))


def set_outcome(ws: Workspace, record: bytes, status: str) -> Changes:
    """Say that a time was called off, missed, or is on again (`ON_SCHEDULE`). Raises as `plan`."""
    line = appointment_of(ws, record)
    if status not in ON_SCHEDULE:
        raise NotReady("A time is scheduled, cancelled or a no-show.")
    changed = msgspec.structs.replace(line.appointment, status=status)
    return plan(ws, line.person, changed, record=record).changes


def findings(ws: Workspace, person: bytes, appointment: Appointment, record: bytes = b"") -> tuple[Finding, ...]:
    """What the rules say of a time, and what else lies there; nothing is written."""
    return (*_findings(ws, appointment), *_clashes(ws, person, appointment, record))


def _findings(ws: Workspace, appointment: Appointment) -> tuple[Finding, ...]:
    return APPOINTMENT.findings(appointment, RuleContext(signing.today(ws)))


def _complete(ws: Workspace, person: bytes, appointment: Appointment) -> Appointment:
    """With the clinician's name, after every check of who may plan it. Raises as `plan`."""
    if not appointment.clinician:
        raise NotReady("Say with whom.", "Choose a clinician of this person's care.")
    clinician = parse_id(appointment.clinician)
    if not PLANNERS & set(ws.user.roles) and clinician != ws.user.user:
        raise RoleRefused("Times are planned by the front desk and by the clinician they are with.")
    name = dict(clinicians(ws, person)).get(clinician)
    if name is None:
        raise RuleRefused("schedule.not_in_care", "This clinician is not part of the person's care.",
                          "Assign them first: a time lies where only the care team sees it.")  # fmt: skip
    refused = [item for item in _findings(ws, appointment) if item.severity is Severity.REFUSE]
    if refused:
        raise NotReady(refused[0].message, "Complete it, then save again.")
    return msgspec.structs.replace(appointment, clinician_name=name)


def _leaves(ws: Workspace, record: bytes) -> tuple[bytes, ...]:
    """Every newest version: a change that follows a conflict settles it."""
    return tuple(bytes(row[0]) for row in ws.view.rows(
        "SELECT id FROM version WHERE record = ? AND leaf = 1 ORDER BY id", (record,)
    ))  # fmt: skip


def _clashes(ws: Workspace, person: bytes, appointment: Appointment, record: bytes) -> Iterable[Finding]:
    """Other times of the clinician or the person that overlap; a joint session is no clash."""
    day = appointment.date
    if day is None or appointment.start is None or appointment.stop is None or appointment.status != SCHEDULED:
        return
    clinician = parse_id(appointment.clinician)
    for line in appointments(ws, day, day):
        other = line.appointment
        of_clinician = other.clinician == appointment.clinician
        if line.record == record or not line.takes_place or not (of_clinician or line.person == person):
            continue
        if other.start is None or other.stop is None or not _overlap(appointment, other):
            continue
        if of_clinician and line.person != person and _joint(ws, clinician, (person, line.person)):
            continue
        whose = appointment.clinician_name or "The clinician" if of_clinician else "This person"
        message = f"{whose} has another time from {other.start:%H:%M} to {other.stop:%H:%M}."
        yield Finding(Severity.WARN, "clash", message, "start")


def _overlap(one: Appointment, other: Appointment) -> bool:
    if None in (one.start, one.stop, other.start, other.stop):
        return False
    return bool(one.start < other.stop and other.start < one.stop)  # type: ignore[operator]


def _joint(ws: Workspace, clinician: bytes, pair: tuple[bytes, bytes]) -> bool:
    """Whether two people are a couple in this clinician's work, as far as the directory says."""
    return any(
        couple.therapist == clinician and set(pair) == {couple.a, couple.b} for couple in charts.couples(ws.session)
    )


# -- a clinician's own sessions ------------------------------------------------------------


def block_of(session: bytes) -> bytes:
    """The record of a session's block on the schedule: who knows the session finds it, and nobody finds back."""
    return sha256(_BLOCK, session)[:16]


def project(ws: Workspace, work: Work, person: bytes, record: bytes, session: Session) -> None:
    """Write the block of one's own session (*projection*): when, where, whether it was called off.

    Nothing where this user does not hold the person's directory entry yet: the next change of the session writes it.
    """
    home = charts.compartment_for(ws.session, person, Kind.DIR)
    if not ws.session.holds(home):
        return
    block = block_of(record)
    leaves = _leaves(ws, block)
    room = appointment_of(ws, block).appointment.room if leaves else ""
    value = Appointment(
        clinician=show_id(ws.user.user), clinician_name=ws.user.name, date=session.date, start=session.start,
        stop=session.stop, place=session.modality, room=room if session.modality == "in person" else "",
        status=session.status if session.status in (CANCELLED, NO_SHOW) else SCHEDULED,
    )  # fmt: skip
    put(
        ws.session, work, home, APPOINTMENT, value, person=person, record=block, parents=leaves, source=_PROJECTION
    )
