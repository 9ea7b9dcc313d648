"""Due items from what the vault holds, each with its rule and source; the audit report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial

from iop_tui.access import charts, policy, roles
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import program_compartment
from iop_tui.clinical.people import api as people
from iop_tui.clinical.records.api import INTERNAL_KINDS
from iop_tui.clinical.sessions import api as sessions
from iop_tui.clinical.staff import api as staff
from iop_tui.exchange import auditing
from iop_tui.kernel.canonical import decode
from iop_tui.kernel.clock import iso, local_date
from iop_tui.kernel.errors import IopError, NotFound
from iop_tui.kernel.secret import Secret
from iop_tui.store.audit import Event, open_event, session_key_for_auditor, session_key_for_self
from iop_tui.store.revisions import deposit_keys
from iop_tui.store.rows import AuditHeader, SessionRow
from iop_tui.workspace import Workspace

SIGN_WITHIN = timedelta(days=3)
UNREADABLE = "unreadable"
_NOBODY = bytes(16)
_END_MS = 253_402_300_800_000
"""The year 10000, which no clock shows."""


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
    found = [*_unsigned(ws), *_unassigned(ws), *_owed(ws), *_conflicts(ws), *_twice(ws)]
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
    """Records with two versions, for who may decide between them: a draft's author, else who may write there."""
    today = local_date(ws.clock.now_ms())
    rows = ws.view.rows(
        "SELECT r.person, p.name, r.record, r.status, r.author, r.kind, c.kind FROM record r LEFT JOIN person p"
        " ON p.id = r.person JOIN compartment c ON c.id = r.compartment"
        " WHERE r.leaves > 1 AND r.status IN ('draft', 'kept') AND r.deposit = 0"
    )
    return [
        DueLine(person, name or "", "Choose between two versions", today, "conflict", "program rule", record, "merge")
        for person, name, record, status, author, kind, place in rows
        if _may_merge(ws, status, author, kind, place)
    ] + [
        DueLine(line.person, line.name, "Choose between two versions of a time", today, "conflict", "program rule",
                line.record, "merge")
        for line in sessions.torn(ws)
    ]  # fmt: skip


def _may_merge(ws: Workspace, status: str, author: bytes, kind: str, place: str) -> bool:
    mine, offices = author == ws.user.user, set(ws.user.roles)
    if status == "draft":
        return mine
    if kind == sessions.SESSION.kind:
        return mine
    if kind in INTERNAL_KINDS or ws.registry.get(kind) is None:
        return False
    if kind == people.PERSON.kind:
        return bool(roles.REGISTRARS & offices)
    return mine or (place != Kind.SHARE and policy.best_cell(place, ws.user.roles) is policy.Cell.FULL)


def _twice(ws: Workspace) -> list[DueLine]:
    """Two entries that may be one person, for who may say so. Nothing is merged by itself."""
    today = local_date(ws.clock.now_ms())
    return [
        DueLine(pair.first, pair.name, "Perhaps entered twice: compare", today, "entered-twice", "program rule",
                pair.second, "twice")
        for pair in people.open_pairs(ws)
    ]  # fmt: skip


# -- audit ---------------------------------------------------------------------------------


_APART = frozenset({str(Kind.SAFE), str(Kind.HOLD)})


def audit_report(
    ws: Workspace,
    *,
    start: date | None = None,
    end: date | None = None,
    person: bytes | None = None,
    user: bytes | None = None,
) -> list[EventLine]:
    """Audited actions of a period, oldest first: all of them for who holds the auditors' key, else this user's own.

    An entry that does not open, or whose user did not sign for it, is a line of action `unreadable`. It says nothing
    about anybody that could be believed, so it stands in reports without person and user only. What somebody kept
    alone for one person's safety or in confidence stands in nobody else's report, and the numbers leave no gap: no
    report tells whether there is such an entry (program rule CR-3).
    """
    log = _AuditLog.of(ws)
    found: list[EventLine] = []
    for seq, raw, sealed in ws.session.db.read("SELECT seq, header, sealed FROM audit ORDER BY seq"):
        header = _header(raw)
        if header is None:
            line: EventLine | None = _unreadable(seq, 0, "its header cannot be read")
        else:
            day = local_date(header.at_ms)
            if (start and day < start) or (end and day > end):
                continue
            line = log.line(seq, header, sealed)
        if line is not None and _is_shown(ws, line, person, user):
            found.append(line)
    own = len(found)
    for header, sealed in auditing.others(ws.session):
        if not 0 <= header.at_ms < _END_MS:
            continue
        day = local_date(header.at_ms)
        if (start and day < start) or (end and day > end):
            continue
        line = log.line(header.seq, header, sealed)
        if line is not None and _is_shown(ws, line, person, user):
            found.append(line)
    _log_report(ws)
    ordered = found if len(found) == own else sorted(found, key=lambda item: item.at)
    return [replace(line, seq=number) for number, line in enumerate(ordered, 1)]


def _is_shown(ws: Workspace, line: EventLine, person: bytes | None, user: bytes | None) -> bool:
    """Whether a line stands in this user's report: what was kept apart is its actor's alone."""
    apart = line.category in _APART and line.user != ws.user.user
    return not apart and (person is None or line.person == person) and (user is None or line.user == user)


def _header(raw: bytes) -> AuditHeader | None:
    try:
        header = decode(raw, AuditHeader)
    except IopError:
        return None
    return header if 0 <= header.at_ms < _END_MS else None


def _unreadable(seq: int, at_ms: int, why: str) -> EventLine:
    return EventLine(seq, iso(at_ms), _NOBODY, "", _NOBODY, UNREADABLE, b"", "", b"", why)


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


@dataclass(frozen=True, slots=True)
class _AuditLog:
    """The sessions of the log: whose they are, with the key, or with the reason why they are not believed."""

    ws: Workspace
    names: dict[bytes, str]
    auditors: list[Secret]
    sessions: dict[bytes, tuple[bytes, Secret | None]]

    @classmethod
    def of(cls, ws: Workspace) -> _AuditLog:
        place = program_compartment(ws.session, Kind.AUD)
        auditors = [
            deposit_keys(ws.session.key(place, row[0])).secret
            for row in ws.view.rows("SELECT generation FROM keyring WHERE compartment = ?", (place,))
        ]
        log = cls(ws, {line.id: line.name for line in staff.users(ws)}, auditors, {})
        for row in ws.session.db.read("SELECT id, user, for_auditors, for_self FROM audit_session"):
            session = SessionRow(*row)
            if auditors or session.user == ws.user.user:
                log.sessions[session.id] = (session.user, log._key(session))
        return log

    def _key(self, session: SessionRow) -> Secret | None:
        """The key of a session that its user signed for; None for any other."""
        ws = self.ws
        try:
            public = ws.session.card(session.user).sig_public
        except NotFound:
            return None
        if session.user == ws.user.user:
            attempts = [partial(session_key_for_self, session, ws.realm, ws.user.self_key, public)]
        else:
            attempts = [partial(session_key_for_auditor, session, ws.realm, secret, public) for secret in self.auditors]
        for attempt in attempts:
            try:
                return attempt()
            except IopError:
                continue  # sealed to another generation of the auditors' key, or not by its user
        return None

    def line(self, seq: int, header: AuditHeader, sealed: bytes) -> EventLine | None:
        """An entry of the log as the report shows it; None for one that is not this user's to read."""
        known = self.sessions.get(header.session)
        if known is None:
            return _unreadable(seq, header.at_ms, "its session is missing") if self.auditors else None
        user, key = known
        name = self.names.get(user, "an unknown user")
        if key is None:
            return _unreadable(seq, header.at_ms, f"in the name of {name}, who did not sign for it")
        try:
            event = open_event(sealed, self.ws.realm, header, user, key)
        except IopError:
            return _unreadable(seq, header.at_ms, f"by {name}, and does not open")
        if event.user != user:
            return _unreadable(seq, header.at_ms, f"by {name}, in the name of somebody else")
        if event.at_ms != header.at_ms:
            return _unreadable(seq, header.at_ms, f"by {name}, and states two times")
        return _event_line(seq, event, self.names)


def _log_report(ws: Workspace) -> None:
    work = ws.work()
    ws.session.note(work, "audit-report")
    ws.commit(work)
