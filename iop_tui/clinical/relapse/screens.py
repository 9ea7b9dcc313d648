"""Drill mode: the plan walked with the client, step by step, one key for what happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from textual import events, on
from textual.strip import Strip
from textual.widget import Widget

from iop_tui.clinical.people import api as people
from iop_tui.clinical.relapse import service as relapse
from iop_tui.clinical.relapse import standing as standings
from iop_tui.clinical.relapse.checks import RELAPSE_DRILL
from iop_tui.clinical.relapse.model import RelapsePlan, StepTry
from iop_tui.clinical.relapse.standing import Drill, StepCount
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.errors import NotFound
from iop_tui.kernel.ids import show_id
from iop_tui.kernel.text import clean_line
from iop_tui.store.views.view import Changes
from iop_tui.ui.ask import AskLine
from iop_tui.ui.dialogs import PickOne
from iop_tui.ui.forms.draftpage import JournalPage
from iop_tui.ui.frame.bars import Lines, Toned
from iop_tui.ui.lists.columns import Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page
from iop_tui.ui.text.cellfit import strip_of, wrap
from iop_tui.ui.theme import tones
from iop_tui.workspace import Workspace, unsaved

KIND = RELAPSE_DRILL.kind
WHOLE = "the whole plan"
_SITUATION, _TRIES, _BEGAN = "situation", "tries", "began_ms"
CONFIDENCE = tuple(str(number) for number in range(11))


@dataclass(frozen=True, slots=True)
class Start:
    """A drill to walk: whose plan, which record, where one stands, when it began."""

    person: bytes
    name: str
    record: bytes
    plan: RelapsePlan
    slot: bytes
    drill: Drill
    began_ms: int
    restored_at_ms: int = 0


def begin(ws: Workspace, person: bytes) -> Start:
    """The drill of the plan in force, or of the draft. Raises `NotFound` without a plan."""
    held = relapse.current(ws, person)
    if held is None or not held.plan.steps:
        raise NotFound("There is no relapse-prevention plan with steps to play. Write one first.")
    return Start(
        person, people.header(ws, person).name, held.record, held.plan, ws.rng.token(16), standings.begin(held.plan),
        ws.clock.now_ms(),
    )  # fmt: skip


def restored(ws: Workspace, slot: bytes) -> Start:
    """A drill that was not kept yet. Raises `NotFound` where it was kept or given up, or the plan is another one."""
    kept = unsaved.kept(ws).get(slot)
    if kept is None:
        raise NotFound
    start = begin(ws, kept.person)
    if start.record != kept.record:
        raise NotFound("The plan was replaced meanwhile. Begin the drill again.")
    return replace(start, slot=slot, drill=_again(start.plan, kept.fields), restored_at_ms=kept.at_ms,
                   began_ms=int(str(kept.fields.get(_BEGAN, start.began_ms))))  # fmt: skip


def _again(plan: RelapsePlan, fields: Mapping[str, object]) -> Drill:
    drill = standings.begin(plan, str(fields.get(_SITUATION, "")))
    for tried in msgspec.convert(fields.get(_TRIES, []), tuple[StepTry, ...]):
        drill = standings.play(drill, used=tried.used, worked=tried.worked, note=tried.note)
    return drill


# -- the plan and how it stands ----------------------------------------------------------------

STEPS: tuple[Column[StepCount], ...] = (
    Column("action", "Coping step", lambda row: row.action, 30, weight=1),
    Column("rehearsed", "Rehearsed", lambda row: _count(row.rehearsed, row.rehearsed_worked), 16),
    Column("used", "In life", lambda row: _count(row.used, row.worked), 16),
)
_TONES = {standings.ACTIVE: "accent", standings.REVIEW_DUE: "warn"}


def _count(used: int, worked: int) -> str:
    return f"{used} x, {worked} worked" if used else ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A plan with the name of whom it belongs to."""

    name: str
    held: relapse.Held


def shown(ws: Workspace, person: bytes) -> Shown | None:
    """The plan in force, or the unsigned one; None without any."""
    held = relapse.current(ws, person)
    return Shown(people.header(ws, person).name, held) if held is not None else None


class RelapsePage(Page):
    """Whether the plan can be relied on, why, and what each step has come to."""

    heading = "Relapse plan"
    places = ("relapse", "reader", "back", "find", "list")
    DEFAULT_CSS = "RelapsePage #standing { margin: 1 0; }"

    def __init__(self, person: bytes, first: Shown) -> None:
        super().__init__()
        self.person, self._data = person, first

    def content(self) -> Iterable[Widget]:
        """The standing, then the steps."""
        yield Lines(id="standing")
        yield RecordList(STEPS, key=lambda row: row.action, empty="The plan has no steps yet.")

    def on_mount(self) -> None:
        """Show it."""
        super().on_mount()
        self.query_one(RecordList).focus()
        self._show()

    def _show(self) -> None:
        held = self._data.held
        plan, state = held.plan, held.standing
        drills, reviews = len(held.drills), len(held.reviews)
        counted = f"{drills} drill{'s' * (drills != 1)}, {reviews} review{'s' * (reviews != 1)}"
        self.retitle(f"Relapse plan: {self._data.name}", counted)
        last = f", last use {plan.last_use.isoformat()}" if plan.last_use else ""
        substances = ", ".join(plan.substances) or "not said"
        to_call = ", ".join(f"{each.name} {each.phone}".strip() for each in plan.supports) or "nobody yet"
        self.query_one("#standing", Lines).show([
            [("Standing  ", "dim"), (state.state, _TONES.get(state.state, "danger")), (f"   {state.reason}", "text")],
            [("For  ", "dim"), (f"{substances}, {plan.goal or 'no goal yet'}{last}", "text")],
            [("Call  ", "dim"), (to_call, "text")],
            [("Naloxone  ", "dim"), (plan.naloxone or "not in the plan", "text")],
        ])  # fmt: skip
        self.query_one(RecordList).set_rows(held.counts)

    def concerns(self, result: Any) -> bool:
        """Only what changed this person, or access."""
        changes = getattr(result, "changes", result)
        return not isinstance(changes, Changes) or changes.access or self.person in changes.persons

    def reload(self) -> None:
        """Ask again."""
        self.start(self._reload, group="relapse", exclusive=True)

    async def _reload(self) -> None:
        found = await self.desk.read(shown, self.person)
        if found is not None:
            self._data = found
            self._show()

    @property
    def held_record(self) -> bytes:
        """The plan that is shown."""
        return self._data.held.record

    @on(RecordList.Opened)
    def _open(self) -> None:
        self.action_read()

    def action_read(self) -> None:
        """The plan itself."""
        self.go("record", self._data.held.record)

    def action_drill(self) -> None:
        """Walk the plan with the client."""
        self.go("drill", self.person)

    def action_review(self) -> None:
        """Look at the plan: every week, after a lapse or a positive screen."""
        self.go("document", self.person, how="relapse_review")

    def action_revise(self) -> None:
        """The next plan, begun with this one's words."""
        self.go("document", self.person, how="relapse_plan")


# -- the drill ---------------------------------------------------------------------------------


class StepCard(Widget, can_focus=True):
    """The step that is played, and those before with what was said of them."""

    DEFAULT_CSS = "StepCard { height: 1fr; width: 1fr; padding: 1 0; }"

    def __init__(self, drill: Drill) -> None:
        super().__init__()
        self.drill = drill

    def show(self, drill: Drill) -> None:
        """Another state."""
        self.drill = drill
        self.refresh()

    def lines(self, width: int) -> list[list[Toned]]:
        """What is shown."""
        drill, step = self.drill, self.drill.step
        lines: list[list[Toned]] = [
            [("Situation  ", "dim"), (clean_line(drill.situation or WHOLE), "text")],
            [(f"{drill.used} used, {drill.worked} worked, {len(drill.steps)} in all", "dim")], [],
        ]  # fmt: skip
        lines += [[(f"  {clean_line(tried.shown())}", "dim")] for tried in drill.tries]
        if step is None:
            keys: list[Toned] = [("[Enter]", "accent"), (" keep it", "text")]
            return [*lines, [], [("Every step was played.", "strong")], [], keys]
        where = ", ".join(part for part in (step.where, f"{step.minutes} min" if step.minutes else "") if part)
        lines += [[], *([(line, "strong")] for line in wrap(f"{drill.at + 1}  {clean_line(step.action)}", width))]
        lines += [[(f"   {clean_line(where)}", "text")]] if where else []
        said = (("1", "used it, it worked"), ("2", "used it, it did not help"), ("3", "passed over"))
        lines += [[], *([(f"  {key}  ", "accent"), (words, "text")] for key, words in said)]
        return [*lines, [], [("Backspace goes back   Enter ends the drill", "dim")]]

    def render_line(self, y: int) -> Strip:
        """One line, inset."""
        styles, width = tones(self.app.theme), self.size.width
        lines = self.lines(max(min(width - 4, 90), 20))
        parts = lines[y] if y < len(lines) else []
        return strip_of([("  ", styles.text), *((text, styles.of(tone)) for text, tone in parts)], width, styles.text)


class DrillPage(JournalPage):
    """The drill: a situation, the steps, how sure the client is now."""

    heading = "Drill"
    journal = unsaved
    holds = "drill"
    places = ("drill",)
    commands = (("s", "keep"), ("i", "go on"), ("d", "discard"), ("q", "leave"))

    def __init__(self, start: Start) -> None:
        super().__init__()
        self.begun, self.person = start, start.person
        self._card = StepCard(start.drill)

    def content(self) -> Iterable[Widget]:
        """The card and the command row."""
        yield self._card
        yield from self.command_row()

    def on_mount(self) -> None:
        """Ask for the situation, then play."""
        super().on_mount()
        self.retitle(f"Drill: {self.begun.name}", "unsaved drill restored" if self.begun.restored_at_ms else "")
        self._card.focus()
        if not self.begun.restored_at_ms and self.begun.plan.triggers:
            self._ask_situation()

    def _ask_situation(self) -> None:
        named = [(trigger.name, trigger.shown()) for trigger in self.begun.plan.triggers if trigger.name.strip()]
        self.app.push_screen(PickOne("Which situation is played?", [("", WHOLE), *named]), self._situated)

    def _situated(self, name: str | None) -> None:
        self._card.show(standings.begin(self.begun.plan, name or ""))

    # -- playing ---------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """What happened with the step, back, or the end."""
        if self.focused is not self._card:
            return
        drill = self._card.drill
        plays: dict[str, dict[str, Any]] = {
            "1": {"used": True, "worked": True}, "2": {"used": True, "worked": False}, "3": {"used": False},
        }  # fmt: skip
        if event.key == "enter":
            event.stop()
            self.action_save()
            return
        if event.key == "backspace":
            moved = standings.back(drill)
        elif event.key in plays and drill.step is not None:
            moved = standings.play(drill, **plays[event.key])
        else:
            return
        event.stop()
        self._card.show(moved)
        self.touched()

    def action_insert(self) -> None:
        """Back to the steps."""
        self._card.focus()

    # -- the journal -----------------------------------------------------------------------------

    def held(self, at_ms: int) -> unsaved.Unsaved:
        """What goes into the journal."""
        drill = self._card.drill
        fields: dict[str, object] = {
            unsaved.KIND: KIND, _SITUATION: drill.situation, _TRIES: msgspec.to_builtins(drill.tries),
            _BEGAN: self.begun.began_ms,
        }  # fmt: skip
        return unsaved.Unsaved(self.begun.person, self.begun.record, fields, at_ms)

    # -- the end ---------------------------------------------------------------------------------

    async def save_draft(self) -> bool:
        """Ask how sure the client is now, then keep the rehearsal."""
        answer = await self.app.push_screen_wait(AskLine(
            "How sure is the client now that the plan will carry them?", "0 not at all, 10 completely. Below 7 the plan"
            " is revised.", "What got in the way", choices=CONFIDENCE, needed=False,
        ))  # fmt: skip
        if answer is None:
            return False
        ws: Workspace = self.desk.subject
        now = ws.clock.now_ms()
        done = standings.finished(
            self._card.drill, plan=show_id(self.begun.record), on=local_date(now),
            minutes=max(1, min(round((now - self.begun.began_ms) / 60_000), 480)), with_whom=ws.user.name,
            confidence=int(answer[0]), barriers=answer[1],
        )  # fmt: skip
        await self.desk.write(relapse.keep_drill, self.begun.person, self.begun.record, done, slot=self.begun.slot)
        self.finished()
        low = done.confidence is not None and done.confidence < 7
        self.app.notify("Kept. Confidence is below 7: revise the plan." if low else "Kept: the plan was rehearsed.")
        self.go("back")
        return True
