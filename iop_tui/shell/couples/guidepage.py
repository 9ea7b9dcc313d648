"""One step of a guide: what it says, what it asks, and the way on, back or out. Nothing is lost by leaving."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.widget import Widget

from iop_tui.clinical.requests import api as requests
from iop_tui.clinical.wizards import engine, service
from iop_tui.clinical.wizards.effects import request_of
from iop_tui.clinical.wizards.model import WIZARD_STATE, WizardState
from iop_tui.clinical.wizards.service import Sitting
from iop_tui.interchange.outfile import staged_folder
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import FieldInfo
from iop_tui.kernel.declare import Widget as Entry
from iop_tui.kernel.errors import NotFound
from iop_tui.kernel.paths import typed
from iop_tui.ui.forms.editpage import CommandRow, JournalForm
from iop_tui.ui.frame.bars import Lines, Toned
from iop_tui.ui.text.cellfit import wrap
from iop_tui.workspace import Workspace, unsaved

GUIDE = "$guide"
_READ = FieldInfo("read", "Read", "Press s to go on.", bool | None, False, (), "", "", Entry.AUTO, False, 0)


def sitting_of(ws: Workspace, guide: str, subject: bytes) -> tuple[Sitting, dict[str, Any]]:
    """A guide about somebody, with what was typed and not answered."""
    return _with_typed(ws, service.begin(ws, guide, subject))


def resumed(ws: Workspace, record: bytes) -> tuple[Sitting, dict[str, Any]]:
    """A guide that was left, with what was typed and not answered."""
    return _with_typed(ws, service.resume(ws, record))


def restored(ws: Workspace, slot: bytes) -> tuple[Sitting, dict[str, Any]]:
    """A guide whose answers were typed and not stored. Raises `NotFound`."""
    kept = unsaved.kept(ws).get(slot)
    if kept is None:
        raise NotFound
    found = service.resume(ws, kept.record) if kept.record else service.begin(
        ws, str(kept.fields.get(GUIDE, "")), kept.person
    )
    return found, _typed(kept)


def _with_typed(ws: Workspace, sitting: Sitting) -> tuple[Sitting, dict[str, Any]]:
    for item in unsaved.kept(ws).values():
        if item.fields.get(GUIDE) == sitting.guide.id and item.person == sitting.subject:
            return sitting, _typed(item)
    return sitting, {}


def _typed(kept: unsaved.Unsaved) -> dict[str, Any]:
    return {name: value for name, value in kept.fields.items() if not name.startswith("$")}


def answer(ws: Workspace, sitting: Sitting, values: dict[str, Any], slot: bytes) -> Sitting:
    """Answer a step; the last step of a record request writes its copy. Drops the journal's copy."""
    writes = sitting.guide.id == "request" and sitting.step is not None and sitting.step.id == "copy"

    def copy(state: WizardState) -> str:
        given = state.given()
        prepared = requests.prepare(ws, sitting.subject, request_of(given))
        with staged_folder(typed(given["folder"]), prepared.files) as publish:
            requests.finish(ws, prepared)
            publish()
        return f"{len(prepared.items)} objects written. Not encrypted: keep it where only the person can read it."

    found = service.answer(ws, sitting, values, effect=copy if writes else None)
    unsaved.give_up(ws, slot)
    return found


class GuidePage(JournalForm):
    """A step."""

    heading = "Guide"
    places = ("entry", "form")
    commands = (("s", "answer, go on"), ("i", "go on writing"), ("b", "step back"), ("q", "leave"))
    promise = "leave at any time and come back"
    journal = unsaved
    DEFAULT_CSS = "GuidePage #words { height: auto; margin: 1 1; }"

    def __init__(self, ws: Workspace, sitting: Sitting, typed: dict[str, Any], slot: bytes) -> None:
        self.sitting, self._slot = sitting, slot
        step = sitting.step
        given = sitting.state.given()
        asks = step.asks if step is not None else ()
        fields = [ask.info(given, sitting.facts, place) for place, ask in enumerate(asks)] or [_READ]
        values = {**(engine.values(step, sitting.state) if step is not None else {}), **typed}
        today = local_date(ws.clock.now_ms())
        empty = {info.name: () if info.type == tuple[str, ...] else "" if info.type is str else None for info in fields}
        dates = {ask.name: today.isoformat() for ask in asks if ask.kind == "date" and ask.required}
        super().__init__(fields, {**empty, **dates, **values}, today=today, first=fields[0].name)

    def content(self) -> Iterable[Widget]:
        """What the step says, then what it asks."""
        yield Lines(id="words")
        yield from super().content()

    def on_mount(self) -> None:
        """Say where one is."""
        super().on_mount()
        self.give_keys(self.query_one(CommandRow), "guiderow")
        done, total = self.sitting.count()
        self.retitle(self.sitting.guide.title, f"step {min(done + 1, total)} of {total}")
        self._say()

    def on_resize(self) -> None:
        """The words fit the width."""
        self._say()

    def _say(self) -> None:
        width = max(30, min((self.size.width or 80) - 4, 100))
        step = self.sitting.step
        lines: list[list[Toned]] = [[(step.title if step is not None else "Done", "strong")]]
        lines += [[(line, "text")] for line in wrap(self.sitting.words, width)]
        lines += [[(f"Done: {text}", "dim")] for text in self.sitting.state.outcome[-2:]]
        self.query_one("#words", Lines).show([*lines, [(self.sitting.guide.source, "dim")]])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is nothing to review."""
        return action != "review" and super().check_action(action, parameters)

    # -- the journal -----------------------------------------------------------------------------

    def held(self, values: dict[str, Any], at_ms: int) -> unsaved.Unsaved:
        """The fields, and what they belong to."""
        fields = {**values, GUIDE: self.sitting.guide.id, unsaved.KIND: WIZARD_STATE.kind}
        return unsaved.Unsaved(self.sitting.subject, self.sitting.record, fields, at_ms)

    # -- the way on ------------------------------------------------------------------------------

    async def save(self, values: dict[str, Any]) -> bool:
        """Answer, then the next step; at the end back to where one came from."""
        found = await self.desk.write(answer, self.sitting, values, self._slot)
        self.stored()
        self._done = True
        if found.step is None:
            self.app.notify(" ".join(found.state.outcome) or "Done.")
            return True
        self.go("guidego", found.record, how="instead")
        return False

    def action_step_back(self) -> None:
        """The step before."""
        self.start(self._step_back, group="save")

    async def _step_back(self) -> None:
        found = await self.desk.write(service.back, self.sitting)
        self._done = True
        self.go("guidego", found.record, how="instead")
