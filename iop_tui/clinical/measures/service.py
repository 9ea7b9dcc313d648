"""Giving questionnaires: the last answers, what is kept, when one is due again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from iop_tui.clinical.compliance.api import DueLine
from iop_tui.clinical.measures.definition import Definition
from iop_tui.clinical.measures.library import instruments
from iop_tui.clinical.measures.making import measure
from iop_tui.clinical.measures.model import MEASURE, PROTECTED_MEASURE, Measure
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import DocumentType, Finding, RuleContext, Severity
from iop_tui.kernel.errors import NotReady
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace

FORGOTTEN = timedelta(days=120)
"""A questionnaire nobody gave for so long is not asked for any more."""
TOGETHER = timedelta(days=2)
"""Questionnaires that become due within so many days are given together: one line."""


@dataclass(frozen=True, slots=True)
class Given:
    """A kept administration: its record, what the rules say, what it came to."""

    record: bytes
    measure: Measure
    findings: tuple[Finding, ...]
    changes: Changes


def kind_for(definition: Definition) -> DocumentType[Measure]:
    """The kind of document an administration becomes: protected ones lie where only their author reads."""
    return PROTECTED_MEASURE if definition.protected else MEASURE


def last(ws: Workspace, person: bytes, definition: Definition, before: date | None = None) -> Measure | None:
    """The newest administration of a questionnaire this user can read, before a day where one is given."""
    rows = ws.view.rows(
        "SELECT doc, version FROM record WHERE person = ? AND kind = ? AND json_extract(doc, '$.instrument') = ?"
        " AND (?4 IS NULL OR service_date < ?4) ORDER BY service_date DESC, id DESC LIMIT 1",
        (person, kind_for(definition).kind, definition.name, before.isoformat() if before else None),
    )
    return kind_for(definition).decode(rows[0][0], rows[0][1]) if rows else None


def context(ws: Workspace, person: bytes) -> RuleContext:
    """What the rules of a measure look at: today and the person's birth date."""
    row = ws.view.one("SELECT birth_date FROM person WHERE id = ?", (person,))
    born = date.fromisoformat(row[0]) if row and row[0] else None
    return RuleContext(signing.today(ws), {"birth_date": born} if born else {})


def sex_of(ws: Workspace, person: bytes) -> str:
    """Sex at birth as the directory has it, for cut-offs that depend on it; empty where it is not known."""
    row = ws.view.one(
        "SELECT json_extract(doc, '$.sex_at_birth') FROM record WHERE kind = 'person' AND person = ? LIMIT 1", (person,)
    )
    return str(row[0] or "") if row else ""


def scored(
    ws: Workspace,
    person: bytes,
    definition: Definition,
    answers: Mapping[str, int],
    *,
    taken: date | None = None,
    mode: str = "",
    stated: float | None = None,
    safety_action: str = "",
) -> Measure:
    """What an administration would be kept as, compared with the one before. Raises `InputRejected`."""
    on = taken or signing.today(ws)
    return measure(
        definition, answers, taken=on, mode=mode, by=ws.user.name, sex=sex_of(ws, person), stated=stated,
        last=last(ws, person, definition, on), safety_action=safety_action,
    )  # fmt: skip


def give(
    ws: Workspace,
    person: bytes,
    definition: Definition,
    document: Measure,
    *,
    record: bytes | None = None,
    slot: bytes = b"",
) -> Given:
    """Keep an administration in its author's part of the chart; the journal entry `slot` goes.

    `record` is an own administration whose answers were corrected: another version of it. Raises `NotReady` where a
    rule refuses (a high level without a safety action, dates that cannot be), `NoKey`, `NotFound`.
    """
    kind, here = kind_for(definition), context(ws, person)
    refused = [item for item in kind.findings(document, here) if item.severity is Severity.REFUSE]
    if refused:
        raise NotReady(" ".join(item.message for item in refused), "Complete the entry, then save again.")
    saved = signing.save(
        ws, person, kind, document, record=record, slot=slot,
        judge=lambda declared, value, _person, _record: declared.findings(value, here),
    )  # fmt: skip
    return Given(saved.record, document, saved.findings, saved.changes)


def due_of(ws: Workspace, person: bytes, name: str) -> list[DueLine]:
    """Questionnaires that were given to a person before and are due again. One query."""
    now = signing.today(ws)
    every = {
        definition.scores[0].name: (definition, timedelta(days=definition.cadence_days))
        for definition in instruments(ws).values()
        if definition.cadence_days and definition.scores and not definition.protected
    }
    rows = ws.view.rows(
        f"SELECT key, max(on_date) FROM fact WHERE person = ? AND key IN ({','.join('?' * len(every))}) GROUP BY key",
        (person, *every),
    )
    given = [(date.fromisoformat(day), *every[key]) for key, day in rows]
    waiting = sorted((taken + step, each.name, step) for taken, each, step in given if now - FORGOTTEN <= taken)
    together = [each for each in waiting if each[0] <= waiting[0][0] + TOGETHER]
    lines = [together, *([each] for each in waiting[len(together):])] if waiting else []
    return [_line(person, name, line) for line in lines]


def _line(person: bytes, name: str, waiting: Sequence[tuple[date, str, timedelta]]) -> DueLine:
    """One line of the work queue for questionnaires that are given together."""
    what = f"Give the {', '.join(each for _, each, _ in waiting)}"
    rule = f"every {min(step for _, _, step in waiting).days} days"
    return DueLine(person, name, what, waiting[0][0], rule, "program rule: measures", b"", "measure")
