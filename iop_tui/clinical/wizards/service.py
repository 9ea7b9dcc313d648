"""Beginning a guide, answering its steps, leaving and coming back: every answer is stored where it belongs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from iop_tui.access import primitives
from iop_tui.access.attempts import attempted
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.wizards import catalog, engine
from iop_tui.clinical.wizards.effects import EFFECTS
from iop_tui.clinical.wizards.model import FINISHED, GIVEN_UP, OPEN, WIZARD_STATE, Guide, Step, WizardState
from iop_tui.kernel.errors import NoKey, NotFound, Refused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Sitting:
    """A guide at work: its state, where it is stored, the step it waits at (None: done), what is known."""

    guide: Guide
    subject: bytes
    record: bytes
    state: WizardState
    step: Step | None
    facts: Mapping[str, Any]

    @property
    def words(self) -> str:
        """What the step says."""
        return self.step.words(self.state.given(), self.facts) if self.step is not None else ""

    def count(self) -> tuple[int, int]:
        """(steps done, steps that apply)."""
        applies = engine.path(self.guide, self.state, self.facts)
        return sum(step.id in self.state.done for step in applies), len(applies)


@dataclass(frozen=True, slots=True)
class GuideLine:
    """A guide that was left, as lists show it."""

    record: bytes
    guide: str
    title: str
    subject: bytes
    begun: str
    status: str


def begin(ws: Workspace, identifier: str, subject: bytes) -> Sitting:
    """Begin a guide about a person or a couple, or go on with the own open one. Raises `NotFound`, `NoKey`."""
    which = catalog.guide(identifier)
    for line in guides(ws, subject):
        if line.guide == identifier and line.status == OPEN:
            return resume(ws, line.record)
    catalog.facts(ws, which, subject)
    _place(ws, which, subject)
    state = WizardState(guide=identifier, subject=show_id(subject), begun=signing.today(ws))
    return _sitting(ws, which, subject, b"", state)


def resume(ws: Workspace, record: bytes) -> Sitting:
    """Go on with an own guide where it was left. Raises `NotFound`, `Refused` for somebody else's or a finished one."""
    line = records.line_of(ws, record)
    if line.kind != WIZARD_STATE.kind:
        raise NotFound
    if line.author != ws.user.user:
        raise Refused("This guide is somebody else's.", "Begin one of your own.")
    _, _, document = signing.opened_document(ws, record)
    if not isinstance(document, WizardState):
        raise NotFound
    return _sitting(ws, catalog.guide(document.guide), parse_id(document.subject), record, document)


def guides(ws: Workspace, subject: bytes | None = None) -> list[GuideLine]:
    """This user's guides, those about one person or couple where given, newest first."""
    rows = ws.view.rows(
        "SELECT record, json_extract(doc, '$.guide'), json_extract(doc, '$.subject'), service_date,"
        " json_extract(doc, '$.status') FROM record WHERE kind = ? AND author = ? AND deposit = 0 AND origin IS NULL"
        " AND (?3 = '' OR json_extract(doc, '$.subject') = ?3) ORDER BY changed_ms DESC, id DESC",
        (WIZARD_STATE.kind, ws.user.user, show_id(subject) if subject is not None else ""),
    )
    return [
        GuideLine(row[0], row[1], catalog.GUIDES[row[1]].title, parse_id(row[2]), row[3] or "", row[4])
        for row in rows
        if row[1] in catalog.GUIDES
    ]


def answer(
    ws: Workspace, sitting: Sitting, values: Mapping[str, Any], *, effect: Callable[[WizardState], str] | None = None
) -> Sitting:
    """Answer the step a guide waits at: check, do what the step does, store, go on.

    `effect` stands in for the step's own where the caller writes files. Raises `DocumentInvalid`, `RuleRefused` and
    what the effect raises; then the answers are not stored.
    """
    if sitting.step is None or sitting.state.status != OPEN:
        raise Refused("This guide is finished.")
    step, which = sitting.step, sitting.guide
    with attempted(ws.session, "guide"):
        state = engine.answered(which, sitting.state, sitting.facts, step, values)
        if step.effect:
            done = effect(state) if effect is not None else _effect(ws, which, sitting.subject, step, state)
            state = msgspec.structs.replace(state, outcome=(*state.outcome, done))
    known = catalog.facts(ws, which, sitting.subject)
    state = engine.concluded(which, state, known)
    record = _store(ws, which, sitting.subject, sitting.record, state)
    return _sitting(ws, which, sitting.subject, record, state)


def _effect(ws: Workspace, which: Guide, subject: bytes, step: Step, state: WizardState) -> str:
    found = EFFECTS.get((which.id, step.id))
    if found is None:
        raise Refused("This step writes a copy.", "Say where it goes.")
    return found(ws, subject, state.given())


def back(ws: Workspace, sitting: Sitting) -> Sitting:
    """One step back, as far as nothing was done yet."""
    state = engine.back(sitting.guide, sitting.state, sitting.facts)
    if state == sitting.state:
        raise Refused("What was done cannot be taken back.", "Go on, or leave.")
    record = _store(ws, sitting.guide, sitting.subject, sitting.record, state)
    return _sitting(ws, sitting.guide, sitting.subject, record, state)


def give_up(ws: Workspace, sitting: Sitting) -> None:
    """End a guide that is not gone on with; what it did stays done."""
    if sitting.record and sitting.state.status == OPEN:
        state = msgspec.structs.replace(sitting.state, status=GIVEN_UP)
        _store(ws, sitting.guide, sitting.subject, sitting.record, state)


def _sitting(ws: Workspace, which: Guide, subject: bytes, record: bytes, state: WizardState) -> Sitting:
    known = catalog.facts(ws, which, subject)
    step = None if state.status in (FINISHED, GIVEN_UP) else engine.current(which, state, known)
    return Sitting(which, subject, record, state, step, known)


def _place(ws: Workspace, which: Guide, subject: bytes) -> tuple[str, bytes]:
    found = catalog.places(ws, which, subject)
    if not found:
        raise NoKey("This guide is not yours to use for this person.", "Ask the clinician whose part it is.")
    return found[0]


def _store(ws: Workspace, which: Guide, subject: bytes, record: bytes, state: WizardState) -> bytes:
    """A version of the state, in the compartment of what the guide is about."""
    kind, place = _place(ws, which, subject)
    parents: tuple[bytes, ...] = ()
    if record:
        row = ws.view.one("SELECT leaf, compartment FROM record WHERE record = ?", (record,))
        if row is not None:
            parents, place = (bytes(row[0]),), bytes(row[1])
    work = ws.work()
    identifier, _ = primitives.put(
        ws.session, work, place, WIZARD_STATE, signing.cleaned(WIZARD_STATE, state), person=subject,
        record=record or None, parents=parents, source="guide",
    )  # fmt: skip
    ws.session.note(work, "guide", person=subject, category=kind, subject=identifier)
    ws.commit(work)
    return identifier
