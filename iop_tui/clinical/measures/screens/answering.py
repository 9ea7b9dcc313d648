"""Giving a questionnaire: the sheet, the client's own screen, the result, and what it leads to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget

from iop_tui.clinical.measures import entry as entries
from iop_tui.clinical.measures import library
from iop_tui.clinical.measures import service as measures
from iop_tui.clinical.measures.definition import Definition
from iop_tui.clinical.measures.entry import Entry
from iop_tui.clinical.measures.making import answers_of
from iop_tui.clinical.measures.model import MODES, Measure
from iop_tui.clinical.measures.screens.sheet import AnswerSheet
from iop_tui.clinical.people import api as people
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import Severity
from iop_tui.kernel.errors import NotFound, Refused, WrongSecrets
from iop_tui.ui.ask import AskLine
from iop_tui.ui.dialogs import Confirm
from iop_tui.ui.forms.draftpage import JournalPage
from iop_tui.ui.forms.review import AskPassphrase
from iop_tui.ui.frame.bars import Lines, Toned
from iop_tui.ui.text.cellfit import wrap
from iop_tui.workspace import Workspace, unsaved

KIND = "measure"
_FORM, _ANSWERS, _MODE, _STATED = "form", "answers", "mode", "stated"


@dataclass(frozen=True, slots=True)
class Start:
    """A questionnaire to give: to whom, which one, with which answers already, in which journal slot."""

    person: bytes
    name: str
    slot: bytes
    entry: Entry
    mode: str = MODES[1]
    restored_at_ms: int = 0
    record: bytes = b""
    taken: date | None = None
    safety_action: str = ""
    stated: float | None = None
    """The total somebody wrote on a paper form: kept beside the sum, flagged where they differ."""


def begin(ws: Workspace, person: bytes, identifier: str) -> Start:
    """A questionnaire from its first question. Raises `NotFound`."""
    return Start(person, people.header(ws, person).name, ws.rng.token(16), Entry(library.instrument(ws, identifier)))


def restored(ws: Workspace, slot: bytes) -> Start:
    """Answers that were not kept yet. Raises `NotFound` where they were kept or given up, or the form is gone."""
    kept = unsaved.kept(ws).get(slot)
    if kept is None:
        raise NotFound
    start = draft(ws, kept.record) if kept.record else begin(ws, kept.person, str(kept.fields.get(_FORM, "")))
    here = replace(start.entry, answers={})
    answers = kept.fields.get(_ANSWERS)
    for identifier, value in answers.items() if isinstance(answers, dict) else ():
        here = entries.answered(here, str(identifier), int(value))
    mode, stated = str(kept.fields.get(_MODE, MODES[1])), kept.fields.get(_STATED)
    return replace(
        start, slot=slot, entry=entries.to_missing(here), mode=mode, restored_at_ms=kept.at_ms,
        stated=float(stated) if isinstance(stated, int | float) else None,
    )  # fmt: skip


def draft(ws: Workspace, record: bytes) -> Start:
    """An own administration whose answers are to be corrected.

    Raises `Refused` for what was received or holds no answers, `NotFound`.
    """
    opened, _, document = signing.opened_document(ws, record, signing.open_leaf(ws, record))
    if not isinstance(document, Measure) or not document.form or not answers_of(document):
        raise Refused("This measure came without its answers.", "Give the questionnaire anew.")
    start = begin(ws, opened.body.person, document.form)
    here = start.entry
    for identifier, value in answers_of(document).items():
        here = entries.answered(here, identifier, value)
    return replace(
        start, entry=here, mode=document.mode, record=record, taken=document.taken,
        safety_action=document.safety_action, stated=document.stated,
    )  # fmt: skip


class ClientScreen(ModalScreen[Entry]):
    """What the client sees: one question after the other, no name, no way to anything else.

    It ends with the clinician's passphrase; locking works as everywhere.
    """

    DEFAULT_CSS = "ClientScreen { background: $kit-ground; } ClientScreen Lines { margin: 1 2; }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    def __init__(self, entry: Entry, on_answer: Any) -> None:
        super().__init__()
        self._sheet = AnswerSheet(entry, to_client=True)
        self._on_answer = on_answer

    def compose(self) -> ComposeResult:
        """The title of the questionnaire and the sheet."""
        definition = self._sheet.definition
        with Vertical():
            yield Lines([[(definition.title or definition.name, "strong")], [(definition.period, "dim")]])
            yield self._sheet

    def on_mount(self) -> None:
        """Answer at once."""
        self._sheet.focus()

    @on(AnswerSheet.Answered)
    def _answered(self, event: AnswerSheet.Answered) -> None:
        event.stop()
        self._on_answer(event.sheet.entry)
        if isinstance(event, AnswerSheet.Finished):
            self.action_leave()

    def action_leave(self) -> None:
        """Back to the clinician, who says so with their passphrase."""
        self.run_worker(self._leave(), exclusive=True)

    async def _leave(self) -> None:
        failure = ""
        while True:
            ask = AskPassphrase("Clinician: your passphrase ends the client's screen.", failure, done="go on")
            phrase = await self.app.push_screen_wait(ask)
            if phrase is None:
                return
            try:
                await self.app.desk.keep(Workspace.confirm, phrase)  # type: ignore[attr-defined]
            except WrongSecrets as error:
                failure = error.message
            else:
                self.dismiss(self._sheet.entry)
                return
            finally:
                phrase[:] = bytes(len(phrase))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an administration came to, in lines, and whether it leads to the safety plan."""

    measure: Measure
    lines: list[list[Toned]] = field(default_factory=list)
    refused: bool = False


def outcome(ws: Workspace, start: Start, entry: Entry, safety_action: str) -> Outcome:
    """The scored administration with everything that is to be said about it."""
    made = measures.scored(
        ws, start.person, entry.definition, entry.answers, taken=start.taken, mode=start.mode,
        safety_action=safety_action, stated=start.stated,
    )  # fmt: skip
    found = measures.kind_for(entry.definition).findings(made, measures.context(ws, start.person))
    return Outcome(made, _lines(made, entry.definition, found), any(f.severity is Severity.REFUSE for f in found))


def _lines(made: Measure, definition: Definition, found: Iterable[Any]) -> list[list[Toned]]:
    lines: list[list[Toned]] = []
    total = definition.total
    if total is not None:
        shown = "no score" if made.score is None else f"{made.score:g} of {total.low:g} to {total.high:g}"
        lines.append([(f"{made.instrument}: {shown}", "strong"), (f"   {made.band}", "text"),
                      ("   cut-off reached" if made.positive else "", "warn")])  # fmt: skip
    if made.level:
        lines.append([("Level  ", "dim"), (made.level, "danger" if made.level == "high" else "warn")])
    lines += [[(scale.shown(), "text")] for scale in made.scales]
    lines += [[], *([(f"= {said}", "accent")] for said in made.changes)] if made.changes else []
    lines += [[(f"! {said}", "warn")] for said in made.flags]
    told = [item for item in found if not (made.flags and item.field == "safety_item")]
    lines += [[(f"! {item.message}", "danger" if item.severity is Severity.REFUSE else "warn")] for item in told]
    wrapped: list[list[Toned]] = []
    for line in lines:
        text = "".join(part for part, _ in line)
        wrapped += [line] if len(text) < 76 else [[(part, line[0][1])] for part in wrap(text, 76)]
    return wrapped


class Answering(JournalPage):
    """A questionnaire given to a client, by the clinician or on the client's own screen."""

    heading = "Measure"
    journal = unsaved
    holds = "answers"
    places = ("answering",)
    commands = (("s", "score, keep"), ("i", "go on"), ("d", "discard"), ("q", "leave"))
    DEFAULT_CSS = "Answering #result { display: none; margin: 1 1; } Answering.-scored #result { display: block; }"\
        " Answering.-scored AnswerSheet { display: none; }"

    def __init__(self, start: Start) -> None:
        super().__init__()
        self.begun, self.person = start, start.person
        self._sheet = AnswerSheet(start.entry)
        self._action = start.safety_action
        self._mode = start.mode

    def content(self) -> Iterable[Widget]:
        """The sheet, the result, the command row."""
        yield self._sheet
        result = Lines(id="result")
        result.can_focus = True
        yield result
        yield from self.command_row()

    def on_mount(self) -> None:
        """Answer at once."""
        super().on_mount()
        definition = self._sheet.definition
        stage = "unsaved answers restored" if self.begun.restored_at_ms else definition.period
        self.retitle(f"{definition.name}: {self.begun.name}", stage)
        self._sheet.focus()

    # -- the journal -----------------------------------------------------------------------------

    def held(self, at_ms: int) -> unsaved.Unsaved:
        """What goes into the journal."""
        fields: dict[str, object] = {
            unsaved.KIND: KIND, _FORM: self._sheet.definition.id, _ANSWERS: dict(self._sheet.entry.answers),
            _MODE: self._mode, _STATED: self.begun.stated,
        }  # fmt: skip
        return unsaved.Unsaved(self.begun.person, self.begun.record, fields, at_ms)

    # -- answering -------------------------------------------------------------------------------

    @on(AnswerSheet.Answered)
    def _answered(self, event: AnswerSheet.Answered) -> None:
        event.stop()
        if isinstance(event, AnswerSheet.Finished):
            self.start(self._score, group="save")
        else:
            self.touched()

    def action_hand_over(self) -> None:
        """The client answers on this screen."""
        self.start(self._hand_over, group="client")

    async def _hand_over(self) -> None:
        self._mode = MODES[0]
        entry = await self.app.push_screen_wait(ClientScreen(self._sheet.entry, self._take))
        if entry is not None:
            self._take(entry)
            self._sheet.focus()

    def action_stated(self) -> None:
        """The total that stands on the paper form."""
        self.start(self._ask_stated, group="client")

    async def _ask_stated(self) -> None:
        answer = await self.app.push_screen_wait(AskLine(
            "Total on the paper form", "It is kept beside the sum of the items; a difference is flagged.", "Total",
        ))  # fmt: skip
        if answer is None:
            return
        try:
            stated = float(answer[1].replace(",", "."))
        except ValueError:
            self.app.notify("Write the total as a number, for example 14.", severity="error")
            return
        self._mode, self.begun = MODES[3], replace(self.begun, stated=stated)
        self.retitle(context=f"paper form, total {stated:g}")
        self.touched()

    def _take(self, entry: Entry) -> None:
        self._sheet.show(entry)
        self.touched()

    def action_insert(self) -> None:
        """Back to the questions."""
        self.remove_class("-scored")
        self._sheet.focus()

    # -- the result ------------------------------------------------------------------------------

    async def _score(self) -> None:
        """Show what it comes to; nothing is kept yet."""
        found = await self.desk.read(outcome, replace(self.begun, mode=self._mode), self._sheet.entry, self._action)
        keys: list[Toned] = [("[Enter]", "accent"), (" keep it     ", "text"), ("[Backspace]", "accent"),
                             (" back to the questions", "text")]  # fmt: skip
        if found.refused:
            keys = [("[Enter]", "accent"), (" record the safety action     ", "text"), ("[Backspace]", "accent"),
                    (" back", "text")]  # fmt: skip
        result = self.query_one("#result", Lines)
        result.show([*found.lines, [], keys])
        self.add_class("-scored")
        result.focus()

    def action_result_enter(self) -> None:
        """Keep it, or ask for what is missing first."""
        self.action_save()

    def action_result_back(self) -> None:
        """The questions again."""
        self.action_insert()

    async def save_draft(self) -> bool:
        """Keep the administration; a high level asks for the safety action first."""
        start = replace(self.begun, mode=self._mode)
        found = await self.desk.read(outcome, start, self._sheet.entry, self._action)
        if found.measure.level == "high" and not self._action:
            answer = await self.app.push_screen_wait(AskLine(
                "Safety action", "A high level is complete only with what was done about it.", "What was done",
            ))  # fmt: skip
            if answer is None:
                return False
            self._action = answer[1]
            found = await self.desk.read(outcome, start, self._sheet.entry, self._action)
        await self.desk.write(
            measures.give, start.person, self._sheet.definition, found.measure, record=start.record or None,
            slot=start.slot,
        )  # fmt: skip
        self.finished()
        self.app.notify("Kept.")
        await self._then(found.measure)
        return True

    async def _then(self, made: Measure) -> None:
        leads = made.safety_item or made.level in ("moderate", "high")
        question = Confirm(
            "Go to the safety plan now?", "The answers call for one. What is open stays open.", label="safety plan"
        )
        if leads and await self.app.push_screen_wait(question):
            self.go("safetyplan", self.begun.person, how="instead")
        else:
            self.go("back")
