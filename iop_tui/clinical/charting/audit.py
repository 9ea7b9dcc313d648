"""The nightly check of a chart: what an auditor would find, each with its rule and the record that cures it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from iop_tui.access import roles, settle
from iop_tui.clinical.charting.clocks import Chart, chart, items, note_due
from iop_tui.clinical.charting.judge import Setting, objectives, plan_facts, setting, states
from iop_tui.clinical.episodes.api import INTAKE_ASSESSMENT
from iop_tui.clinical.notes import api as notes
from iop_tui.clinical.plans import api as plans
from iop_tui.clinical.safety.api import RAISED, RISK_ASSESSMENT, RiskAssessment
from iop_tui.clinical.sessions import api as sessions
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import RuleContext, Severity
from iop_tui.kernel.errors import Cancelled, NotFound
from iop_tui.workspace import Workspace

LOOKED_BACK = timedelta(days=90)
"""Notes older than this were looked at by earlier checks."""
NEAR = 0.9
_RULE = "program rule"


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One thing an auditor would write down. `code` is stable, `record` the document it is about."""

    person: bytes
    name: str
    code: str
    message: str
    source: str
    record: bytes = b""
    severity: Severity = Severity.WARN


@dataclass(frozen=True, slots=True)
class _Note:
    record: bytes
    author: bytes
    status: str
    document: notes.ProgressNote
    signed_ms: int


def check_chart(ws: Workspace, person: bytes) -> list[AuditFinding]:
    """Everything an auditor would find in one chart. Raises `NotFound`."""
    return _check(ws, setting(ws), person)


def check_all(
    ws: Workspace,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[AuditFinding]:
    """The check of every chart this user writes in: run at night, or when somebody asks. Raises `Cancelled`."""
    here = setting(ws)
    charting = (roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR)
    people = sorted({fact.person for fact in settle.my_care(ws.session) if fact.role in charting})
    found: list[AuditFinding] = []
    for number, person in enumerate(people, 1):
        if cancelled():
            raise Cancelled("The check was stopped.")
        try:
            found += _check(ws, here, person)
        except NotFound:
            continue  # the person left this user's care while the check ran
        if progress is not None:
            progress(number, len(people))
    return found


def _check(ws: Workspace, here: Setting, person: bytes) -> list[AuditFinding]:
    of = chart(ws, person)
    withdrawn = signing.voided(ws, person)
    written = [item for item in _notes(ws, here, person) if item.record not in withdrawn]
    parts: tuple[Iterable[AuditFinding], ...] = (
        _documents(of), _overdue(ws, here, of), _plan(ws, here, of), _unsigned(here, of, written), _unwritten(ws, of),
        _late(here, of, written), _content(ws, of, written), _times(of, written), _clones(of, written),
        _untouched(ws, here, of), _hours(here, of, written), _second_signatures(ws, of),
    )  # fmt: skip
    return [finding for part in parts for finding in part]


def _finding(of: Chart, code: str, message: str, source: str = _RULE, record: bytes = b"") -> AuditFinding:
    return AuditFinding(of.person, of.name, code, message, source, record)


def _notes(ws: Workspace, here: Setting, person: bytes) -> list[_Note]:
    rows = ws.view.rows(
        "SELECT r.record, r.author, r.status, r.doc, r.version, coalesce((SELECT min(s.at_ms) FROM signature s"
        " WHERE s.record = r.record AND s.compartment = r.compartment AND s.meaning = 'author'), 0) FROM record r"
        " WHERE r.kind = ? AND r.person = ? AND r.origin IS NULL AND r.service_date >= ? ORDER BY r.service_date, r.id",
        (notes.PROGRESS_NOTE.kind, person, (here.today - LOOKED_BACK).isoformat()),
    )
    return [_Note(row[0], row[1], row[2], notes.PROGRESS_NOTE.decode(row[3], row[4]), row[5]) for row in rows]


# -- documents and dates -------------------------------------------------------------------


def _documents(of: Chart) -> Iterator[AuditFinding]:
    intake = of.newest.get(INTAKE_ASSESSMENT.kind)
    if intake is None or intake.status != "signed":
        yield _finding(of, "intake", "There is no signed intake assessment.", "42 CFR 410.44",
                       intake.record if intake else b"")  # fmt: skip
    if of.plan is None:
        yield _finding(of, "no_plan", "There is no signed treatment plan in force.", "42 CFR 424.24(d)")
    risk = of.newest.get(RISK_ASSESSMENT.kind)
    if risk is None or risk.status != "signed":
        yield _finding(of, "no_risk", "There is no signed risk assessment.", _RULE, risk.record if risk else b"")


def _overdue(ws: Workspace, here: Setting, of: Chart) -> Iterator[AuditFinding]:
    for line in items(ws, here, of):
        if line.due < here.today:
            message = f"{line.what}: was due on {line.due.isoformat()} ({line.rule})."
            yield _finding(of, "overdue", message, line.source, line.record)


def _plan(ws: Workspace, here: Setting, of: Chart) -> Iterator[AuditFinding]:
    if of.plan is None:
        return
    plan, record = of.plan.plan, of.plan.record
    kind = ws.registry.need("treatment_plan")
    for item in kind.findings(plan, RuleContext(here.today, plan_facts(ws, here, plan, of.person))):
        if item.severity is not Severity.REMIND:
            yield _finding(of, f"plan_{item.code}", item.message, item.source or _RULE, record)
    if plan.agreement == "signs" and not signing.client_signatures(ws, record):
        message = "The client has not signed the plan, and there is no documented refusal."
        yield _finding(of, "client_signature", message, "26 TAC 564.804(e)", record)


def _unsigned(here: Setting, of: Chart, written: list[_Note]) -> Iterator[AuditFinding]:
    for note in written:
        day = note.document.service_date
        if note.status != "draft" or day is None:
            continue
        due = note_due(here, day, is_crisis=note.document.session_type == "crisis")
        if due is not None and due.on < here.today:
            message = f"The note of {day.isoformat()} is not signed; it was due on {due.on.isoformat()}."
            yield _finding(of, "unsigned", message, due.source, note.record)


def _unwritten(ws: Workspace, of: Chart) -> Iterator[AuditFinding]:
    """Sessions that were not called off and have no note."""
    for line in sessions.without_note(ws, since=LOOKED_BACK):
        if line.person == of.person and line.session.date is not None:
            message = f"There is no note about the session of {line.session.date.isoformat()}."
            yield _finding(of, "no_note", message, "42 CFR 410.44", line.record)


def _late(here: Setting, of: Chart, written: list[_Note]) -> Iterator[AuditFinding]:
    for note in written:
        day = note.document.service_date
        if not note.signed_ms or day is None:
            continue
        limit = late_after(here, note.document)
        if limit is not None and local_date(note.signed_ms) > limit[0]:
            signed = local_date(note.signed_ms).isoformat()
            message = f"Late entry: the note of {day.isoformat()} was signed on {signed}."
            yield _finding(of, "late_entry", message, limit[1], note.record)


def late_after(here: Setting, note: notes.ProgressNote) -> tuple[date, str] | None:
    """The last day on which a note's signature is no late entry, and by which rule; None without a service date."""
    if note.service_date is None:
        return None
    due = note_due(here, note.service_date, is_crisis=note.session_type == "crisis", late=True)
    return (due.on, due.source) if due else None


# -- what the notes say --------------------------------------------------------------------


def _content(ws: Workspace, of: Chart, written: list[_Note]) -> Iterator[AuditFinding]:
    by_day: dict[date, tuple[notes.ObjectiveState, ...]] = {}
    revisions = plans.history(ws, of.person)
    for note in written:
        day = note.document.service_date
        if day is None:
            continue
        explained = note.document.off_plan_reason or note.document.session_type in ("crisis", "off plan")
        if not note.document.objectives and not explained:
            message = f"The note of {day.isoformat()} is linked to no objective."
            yield _finding(of, "no_objective", message, _RULE, note.record)
        if day not in by_day:
            by_day[day] = states(plans.in_force_on(revisions, day), {})
        for link in note.document.objectives:
            state = notes.resolve(link, by_day[day])
            if by_day[day] and (state is None or not state.is_open):
                how = "is not in the plan of" if state is None else "was closed on"
                message = f"Objective {notes.number_of(link)}, cited on {day.isoformat()}, {how} that day."
                yield _finding(of, "stray_objective", message, _RULE, note.record)


def _times(of: Chart, written: list[_Note]) -> Iterator[AuditFinding]:
    seen: list[tuple[_Note, tuple[date, int, int]]] = []
    for note in written:
        document = note.document
        if document.service_date is None or document.start is None or document.stop is None:
            continue
        begin = document.start.hour * 60 + document.start.minute
        end = document.stop.hour * 60 + document.stop.minute
        here = (document.service_date, begin, end)
        if any(day == here[0] and begin < other_end and other < end for _, (day, other, other_end) in seen):
            message = f"Two sessions of {document.service_date.isoformat()} overlap."
            yield _finding(of, "overlap", message, "42 CFR 410.44", note.record)
        seen.append((note, here))


def _clones(of: Chart, written: list[_Note]) -> Iterator[AuditFinding]:
    last: dict[bytes, _Note] = {}
    for note in written:
        before = last.get(note.author)
        if before is not None:
            alike = notes.similarity(notes.text_of(before.document), notes.text_of(note.document))
            if alike >= notes.WARN_AT:
                message = f"{alike:.0%} of the note of {note.document.service_date} is the note before it."
                yield _finding(of, "cloned", message, "program rule: no cloned notes", note.record)
        last[note.author] = note


# -- the whole -----------------------------------------------------------------------------


def _untouched(ws: Workspace, here: Setting, of: Chart) -> Iterator[AuditFinding]:
    limit = here.today - timedelta(days=here.untouched_days)
    for item in objectives(ws, of.person):
        last = item.last_cited or item.since
        if item.is_open and last is not None and last < limit:
            message = f"No note has touched objective {item.number} since {last.isoformat()}."
            yield _finding(of, "untouched", message, _RULE, of.plan.record if of.plan else b"")


def _hours(here: Setting, of: Chart, written: list[_Note]) -> Iterator[AuditFinding]:
    """The last whole week against the prescribed hours."""
    if of.plan is None or not of.hours or of.plan.plan.transition:
        return
    monday = here.today - timedelta(days=here.today.weekday() + 7)
    if (of.plan.plan.effective or here.today) > monday:
        return
    minutes = sum(
        _minutes(note.document) for note in written
        if note.document.service_date and monday <= note.document.service_date < monday + timedelta(days=7)
    )  # fmt: skip
    if minutes < of.hours * 60 * NEAR:
        message = f"Week of {monday.isoformat()}: {minutes / 60:.1f} of {of.hours:g} prescribed hours."
        yield _finding(of, "hours", message, "42 CFR 410.44", of.plan.record)


def _minutes(note: notes.ProgressNote) -> int:
    if note.start is None or note.stop is None:
        return 0
    return max(0, (note.stop.hour - note.start.hour) * 60 + note.stop.minute - note.start.minute)


def _second_signatures(ws: Workspace, of: Chart) -> Iterator[AuditFinding]:
    """Documents that a supervisor must sign, too, and has not."""
    rows = ws.view.rows(
        "SELECT r.record, r.kind, r.author, r.doc, r.version FROM record r WHERE r.person = ? AND r.status = 'signed'"
        " AND r.origin IS NULL AND r.service_date >= ? AND NOT EXISTS (SELECT 1 FROM signature s"
        " JOIN role o ON o.user = s.signer AND o.role = 'supervisor' WHERE s.record = r.record"
        " AND s.compartment = r.compartment AND s.meaning = 'cosign' AND s.signer != r.author)",
        (of.person, (signing.today(ws) - LOOKED_BACK).isoformat()),
    )
    supervised: dict[bytes, bool] = {}
    for record, kind, author, doc, version in rows:
        if author not in supervised:
            supervised[author] = staff.supervisor_of(ws, author) is not None
        risky = kind == RISK_ASSESSMENT.kind and _is_raised(RISK_ASSESSMENT.decode(doc, version))
        if (supervised[author] or risky) and kind not in ("client_signature", "void", *notes.PRIVATE_KINDS):
            label = ws.registry.need(kind).label.lower()
            message = f"A supervisor has not signed the {label}."
            yield _finding(of, "cosignature", message, "state rule on supervised practice", record)


def _is_raised(document: RiskAssessment) -> bool:
    return document.level in RAISED
