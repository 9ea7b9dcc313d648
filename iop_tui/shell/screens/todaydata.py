"""What Today shows, as plain data: the schedule, the work queue, what was written last. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from iop_tui.access.policy import Kind
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.compliance.api import DueLine
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.notes.starting import UnsavedLine, unsaved
from iop_tui.clinical.people import service as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.sessions import service as sessions
from iop_tui.clinical.sessions.model import CANCELLED, NO_SHOW
from iop_tui.kernel.clock import local_date
from iop_tui.ui.lists.columns import Cell
from iop_tui.workspace import Workspace
from iop_tui.workspace.backupage import warning

RECENT = 30
MERGE = "merge"
"""The journal's kind for decisions between versions."""
RULES = {
    "clinician-at-admission": "a clinician at admission",
    "recovery-kit": "a recovery kit that was tested",
    "keys-owed": "access by role",
    "conflict": "one version is the record",
    "entered-twice": "one person, one chart",
    "plan-review-after-risk": "a raised risk forces a review",
    "plan-next-review": "the review date the plan itself sets",
    "risk-follow-up": "the follow-up the assessment sets",
    "co-signature": "supervised practice needs a second signature",
    "co-signature-returned": "returned by the supervisor",
    "licence": "a licence that is in force",
    "authorization": "what it allows ends with it",
    "couple": "what joint work needs",
    "hand-over": "a colleague was given your part",
    "transfer": "a transfer that was begun",
    "succession": "nobody's notes become unreadable",
    "consultation": "cases are shown by shares",
    "restriction": "the person asked us not to tell",
}
KEYS = {
    "sign": "Enter opens it, F8 signs",
    "write": "Enter or n writes it",
    "assign": "Enter opens the chart, a assigns",
    "unsaved": "Enter goes on writing",
    "kit": "Enter, then t",
    "complete": "Enter, then o",
    "open": "Enter opens it",
    "plan": "Enter writes it",
    "review": "Enter reviews it",
    "risk": "Enter assesses",
    "continuing care": "Enter writes it",
    "discharge": "Enter writes it",
    "certify": "Enter opens the plan",
    "clientsign": "Enter records it",
    "cosign": "Enter reads it, c co-signs",
    "amend": "Enter corrects it",
    "glassreview": "Enter, then v for the verdict",
    "licence": "Enter, then e",
    "update": "ask whoever installs programs here; until then dates of that pack are missing",
    "measure": "Enter, then a gives it",
    "safety-plan": "Enter or g x",
    "drill": "Enter plays it",
    "relapse-review": "Enter reviews it",
    "check-in": "Enter opens it",
    "couple": "Enter opens the couple chart",
    "turnover": "Enter, then Enter on the line",
    "transfergo": "Enter, then r goes on",
    "succession": "Enter opens the succession",
    "reviews": "Enter, then Enter on the request",
    "restrictions": "Enter, then c decides",
    "merge": "Enter shows them side by side",
    "twice": "Enter compares them",
}
"""What clears a line, by its action."""


@dataclass(frozen=True, slots=True)
class Task:
    """One line of the queue."""

    key: str
    due: date
    what: str
    name: str
    why: str
    action: str
    person: bytes = b""
    record: bytes = b""
    slot: bytes = b""


@dataclass(frozen=True, slots=True)
class TodayData:
    """Everything the screen shows, asked for in one go."""

    today: date
    tasks: list[Task]
    recent: list[tuple[records.RecordLine, str]]
    people: int
    behind: bool = False
    schedule: Sequence[sessions.SessionLine] = ()
    at: time = time.min
    late: frozenset[bytes] = frozenset()
    backup: tuple[str, bool] = ("", False)


def gather(ws: Workspace, ledger: charting.Ledger | None = None) -> TodayData:
    """What Today shows at once. No record is opened and no chart is looked into for it."""
    return _gathered(ws, (ledger or charting.Ledger()).own(ws))


def gather_all(ws: Workspace, ledger: charting.Ledger, cancelled: Callable[[], bool]) -> TodayData:
    """The same, after looking into the charts that changed; once `cancelled`, with what is known by then."""
    return _gathered(ws, ledger.lines(ws, cancelled=cancelled))


def _gathered(ws: Workspace, due: list[DueLine]) -> TodayData:
    today = local_date(ws.clock.now_ms())
    tasks = [_waiting(ws, line, today) for line in unsaved(ws)] + [_due(line) for line in due]
    written = records.lines(ws, tuple(_listed(ws)), author=ws.user.user, limit=RECENT)
    recent = [line for line in written if line.compartment_kind != Kind.SHARE]
    names = _names(ws, {line.person for line in recent})
    return TodayData(
        today,
        tasks,
        [(line, names.get(line.person, "")) for line in recent],
        people.caseload_count(ws),
        bool(ws.behind()),
        sessions.sessions(ws, today, today),
        datetime.fromtimestamp(ws.clock.now_ms() / 1000).time(),
        charting.late_marks(ws, recent),
        warning(ws),
    )


def _names(ws: Workspace, wanted: set[bytes]) -> dict[bytes, str]:
    marks = ",".join("?" * len(wanted))
    known = dict(ws.view.rows(f"SELECT id, name FROM person WHERE id IN ({marks})", tuple(wanted)))
    return known if wanted <= set(known) else {**couples.names(ws), **known}


def _listed(ws: Workspace) -> list[str]:
    """What counts as written: notes and everything else that is signed."""
    return [kind.kind for kind in ws.registry if kind.signable]


def _waiting(ws: Workspace, line: UnsavedLine, today: date) -> Task:
    at = datetime.fromtimestamp(line.at_ms / 1000)
    kind = ws.registry.get(line.kind)
    word = "note" if line.kind == "progress_note" else kind.label.lower() if kind else "text"
    what = f"Unsaved {word}, {line.words} words" if line.kind != MERGE else "Go on deciding between two versions"
    return Task(
        line.slot.hex(),
        today,
        what,
        line.name,
        f"typed {at:%Y-%m-%d %H:%M}, not saved",
        "unsaved",
        line.person,
        line.record,
        line.slot,
    )


def _due(line: DueLine) -> Task:
    known = RULES.get(line.rule)
    why = f"{known}; {line.source}" if known else line.source
    key = f"{line.what}|{line.person.hex()}|{line.record.hex()}"
    return Task(key, line.due, line.what, line.name, why, line.action, line.person, line.record)


def when(task: Task, today: date) -> Cell:
    """How far away a line's date is."""
    days = (task.due - today).days
    if task.action == "unsaved":
        return Cell("! now", "warn")
    if days < 0:
        return Cell(f"! {-days} d late", "danger")
    if days == 0:
        return Cell("today", "warn")
    return Cell(task.due.isoformat(), "text")


def state(line: sessions.SessionLine, at: time) -> Cell:
    """What is to be done about a session of today."""
    if line.session.status in (CANCELLED, NO_SHOW):
        return Cell(line.session.status, "dim")
    if line.note:
        return Cell("note signed", "dim") if line.note_status == "signed" else Cell("note unsigned", "warn")
    if line.session.stop is not None and line.session.stop <= at:
        return Cell("! no note", "danger")
    return Cell("now", "accent") if line.session.start is not None and line.session.start <= at else Cell("", "dim")


def status_cell(line: records.RecordLine, *, is_late: bool = False) -> Cell:
    """The state of a record, as lists show it."""
    if line.mark == records.VOID:
        return Cell("! void", "danger")
    if line.conflict:
        return Cell("! two", "danger")
    if line.compartment_kind == Kind.SHARE:
        return Cell("shared", "dim")
    if line.status == "draft":
        return Cell("draft", "warn")
    word = records.AMENDED if line.mark else "" if line.status == "kept" else line.status
    return Cell(f"{word}, late" if is_late else word, "warn" if is_late else "dim")
