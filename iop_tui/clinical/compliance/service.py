"""Due items from what the vault holds, each with its rule and source; the audit report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from iop_tui.access import charts, roles
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import program_compartment
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.canonical import decode
from iop_tui.kernel.clock import iso, local_date
from iop_tui.kernel.errors import VaultDamaged
from iop_tui.kernel.secret import Secret
from iop_tui.store.audit import Event, open_event, session_key_for_auditor, session_key_for_self
from iop_tui.store.revisions import deposit_keys
from iop_tui.store.rows import AuditHeader, SessionRow
from iop_tui.workspace import Workspace

SIGN_WITHIN = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class DueLine:
    """Something to do: what, until when, by which rule, and the record that clears it."""

    person: bytes
    name: str
    what: str
    due: date
    rule: str
    source: str
    record: bytes = b""
    action: str = ""


@dataclass(frozen=True, slots=True)
class EventLine:
    """One audited action (ASTM E2147-18: time, patient, device, user, action, category of data)."""

    seq: int
    at: str
    user: bytes
    user_name: str
    device: bytes
    action: str
    person: bytes
    category: str
    subject: bytes
    detail: str


def due(ws: Workspace) -> list[DueLine]:
    """Everything this user can clear, most urgent first."""
    found = [*_unsigned(ws), *_unassigned(ws), *_owed(ws), *_conflicts(ws)]
    if staff.kit_untested(ws):
        today = local_date(ws.clock.now_ms())
        found.append(
            DueLine(b"", "", "Test your recovery kit", today, "recovery-kit", "45 CFR 164.308(a)(7)", action="kit")
        )
    return sorted(found, key=lambda line: (line.due, line.what, line.name, line.record))


def _unsigned(ws: Workspace) -> list[DueLine]:
    rows = ws.view.rows(
        "SELECT r.person, p.name, r.service_date, r.created_ms, r.record, r.kind FROM record r LEFT JOIN person"
        " p ON p.id = r.person"
        " WHERE r.status = 'draft' AND r.author = ?",
        (ws.user.user,),
    )
    lines = []
    for person, name, service_date, created, record, kind in rows:
        day = date.fromisoformat(service_date) if service_date else local_date(created)
        label = ws.registry.need(kind).label.lower()
        lines.append(
            DueLine(
                person,
                name or "",
                f"Sign the {label}",
                _business(day, SIGN_WITHIN.days),
                "sign-within-3-business-days",
                "Medi-Cal documentation figure (unreviewed)",
                record,
                "sign",
            )
        )
    return lines


def _business(day: date, count: int) -> date:
    while count > 0:
        day += timedelta(days=1)
        if day.weekday() < 5:
            count -= 1
    return day


def _unassigned(ws: Workspace) -> list[DueLine]:
    if not {roles.FRONT_DESK, roles.MEDICAL_DIRECTOR} & set(ws.user.roles):
        return []
    treated = {fact.person for fact in charts.care_facts(ws.session)}
    rows = ws.view.rows(
        "SELECT p.id, p.name, r.created_ms FROM person p JOIN record r ON r.record = p.record WHERE p.deceased = 0"
    )
    return [
        DueLine(
            person,
            name,
            "Assign a clinician",
            local_date(created),
            "clinician-at-admission",
            "program rule",
            action="assign",
        )
        for person, name, created in rows
        if person not in treated
    ]


def _owed(ws: Workspace) -> list[DueLine]:
    today = local_date(ws.clock.now_ms())
    return [
        DueLine(
            b"",
            line.name,
            f"Give {line.name} the program's keys for their roles",
            today,
            "keys-owed",
            "45 CFR 164.308(a)(4)",
            line.id,
            "complete",
        )
        for line, _ in staff.owed(ws)
    ]


def _conflicts(ws: Workspace) -> list[DueLine]:
    today = local_date(ws.clock.now_ms())
    rows = ws.view.rows(
        "SELECT r.person, p.name, r.record FROM record r LEFT JOIN person p ON p.id = r.person WHERE r.leaves >"
        " 1 AND r.status = 'draft'"
    )
    return [
        DueLine(person, name or "", "Choose between two versions", today, "conflict", "program rule", record, "open")
        for person, name, record in rows
    ]


# -- audit ---------------------------------------------------------------------------------


def audit_report(
    ws: Workspace,
    *,
    start: date | None = None,
    end: date | None = None,
    person: bytes | None = None,
    user: bytes | None = None,
) -> list[EventLine]:
    """Audited actions of a period, oldest first: all of them for who holds the auditors' key, else this user's own."""
    keys = _session_keys(ws)
    names = {line.id: line.name for line in staff.users(ws)}
    found = []
    for seq, raw, sealed in ws.session.db.read("SELECT seq, header, sealed FROM audit ORDER BY seq"):
        header = decode(raw, AuditHeader)
        key = keys.get(header.session)
        day = local_date(header.at_ms)
        if key is None or (start and day < start) or (end and day > end):
            continue
        event = open_event(sealed, ws.realm, header.session, key)
        if (person is None or event.person == person) and (user is None or event.user == user):
            found.append(_event_line(seq, event, names))
    _log_report(ws)
    return found


def _event_line(seq: int, event: Event, names: dict[bytes, str]) -> EventLine:
    return EventLine(
        seq,
        iso(event.at_ms),
        event.user,
        names.get(event.user, ""),
        event.device,
        event.action,
        event.person,
        event.category,
        event.subject,
        event.detail,
    )


def _session_keys(ws: Workspace) -> dict[bytes, Secret]:
    auditors = program_compartment(ws.session, Kind.AUD)
    secrets = [
        deposit_keys(ws.session.key(auditors, row[0])).secret
        for row in ws.view.rows("SELECT generation FROM keyring WHERE compartment = ?", (auditors,))
    ]
    keys: dict[bytes, Secret] = {}
    for row in ws.session.db.read("SELECT id, user, for_auditors, for_self FROM audit_session"):
        session = SessionRow(*row)
        if session.user == ws.user.user:
            keys[session.id] = session_key_for_self(session, ws.realm, ws.user.self_key)
        elif secrets:
            keys[session.id] = _for_auditor(session, ws.realm, secrets)
    return keys


def _for_auditor(session: SessionRow, realm: bytes, secrets: list[Secret]) -> Secret:
    """The session's key by whichever generation of the auditors' key it was sealed to."""
    for secret in secrets[:-1]:
        try:
            return session_key_for_auditor(session, realm, secret)
        except VaultDamaged:
            continue  # sealed to another generation
    return session_key_for_auditor(session, realm, secrets[-1])


def _log_report(ws: Workspace) -> None:
    work = ws.work()
    ws.session.note(work, "audit-report")
    ws.commit(work)
