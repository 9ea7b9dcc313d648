"""The treatment plan editor: problem → goal → objective → intervention by keys, one sheet at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from textual import on

from iop_tui.clinical.plans import outline, sheets, starting, tree
from iop_tui.clinical.plans import service as plans
from iop_tui.clinical.plans.documents import TREATMENT_PLAN, as_template
from iop_tui.clinical.plans.editing import Sitting
from iop_tui.clinical.plans.outline import Row, Sums
from iop_tui.clinical.plans.screens.doors import Doors
from iop_tui.clinical.plans.screens.treepage import TreePage
from iop_tui.clinical.plans.sheets import Sheet
from iop_tui.clinical.plans.starting import Start
from iop_tui.clinical.signing.api import AMEND_REASONS, Saved, amend
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import Finding, Severity
from iop_tui.kernel.errors import Refused
from iop_tui.ui.ask import AskLine
from iop_tui.ui.dialogs import Confirm, PickOne
from iop_tui.ui.forms.draftpage import when
from iop_tui.ui.forms.fields import LineInput
from iop_tui.ui.outline import OutlineList
from iop_tui.ui.text.editor import NoteText
from iop_tui.workspace import Workspace

_SAVE_TEMPLATE = "save"


class PlanEditor(TreePage):
    """An unsigned plan: its head and its tree."""

    heading = "Treatment plan"
    places = ("plan", "form")
    inner_places = ("outline", "plantree")
    named = "treatment plan"
    commands = (("s", "save"), ("i", "go on"), ("r", "check, sign"), ("d", "discard"), ("q", "leave"))

    def __init__(self, ws: Workspace, start: Start, doors: Doors) -> None:
        super().__init__(doors, local_date(ws.clock.now_ms()))
        self.begun, self.record = start, start.record
        self.sitting = Sitting(start.plan, start.signed, start.ended, ws.user.name)
        self._folded: set[str] = set()

    def on_mount(self) -> None:
        """Say whose it is, and what was restored."""
        super().on_mount()
        restored = bool(self.begun.restored_at_ms)
        self.retitle(f"{self.heading}: {self.begun.name}", "unsaved work restored" if restored else self._stage())
        if restored:
            self.app.notify("Your unsaved work is back. Save it, or discard it from the command row.")
        if self.begun.typing is not None:
            self.start(self._open, *self.begun.typing, group="sheet")

    def _stage(self) -> str:
        revision = f"revision {self.sitting.plan.number}"
        return f"{revision}, draft" if self.record else f"{revision}, new"

    # -- what the page shows ---------------------------------------------------------------------

    def rows(self) -> list[Row]:
        """Head and tree."""
        return outline.rows(self.sitting.plan, outline.marks(self.findings), self._folded)

    def sums(self) -> Sums:
        """Planned against prescribed time."""
        return outline.sums(self.sitting.plan, self.findings)

    def detail(self, key: str) -> list[tuple[str, str]]:
        """The whole words of a row."""
        return outline.details(self.sitting.plan, key)

    def row_of(self, finding: Finding) -> str:
        """Head or tree."""
        return outline.row_of(finding)

    def sheet(self, key: str) -> Sheet:
        """The form of a row."""
        if key == sheets.PROBLEMS:
            raise Refused("Problems are added here: press a.")
        return sheets.sheet(self.sitting.plan, key, self.sitting.ended)

    def take(self, key: str, values: dict[str, Any], name: str) -> None:
        """Into the plan."""
        self.sitting.fill(key, values, name)

    def left_sheet(self, key: str) -> str:
        """What was added without a word goes again, what was closed without an outcome is open again."""
        if self.sitting.lacks_outcome(key):
            self.app.notify("It is open again: closing needs an outcome in words.", severity="warning")
        return self.sitting.left(key)

    async def judge(self) -> Sequence[Finding]:
        """Every rule."""
        return await self.desk.read(self.doors.findings, self.begun.person, TREATMENT_PLAN, self.sitting.plan)

    # -- the tree --------------------------------------------------------------------------------

    def _act(self, act: Callable[[], str]) -> str:
        """Do something to the plan; refusals are said in words. The row to stand on, empty where it was refused."""
        try:
            key = act()
        except Refused as error:
            self.refused(error)
            return ""
        self._changed(key)
        return key

    def _changed(self, key: str) -> None:
        self._unfold(key)
        self.redraw(key)
        self.touched()
        self.judge_soon(0.01)

    def _unfold(self, key: str) -> None:
        if not key.startswith("=") and key in tree.numbers(self.sitting.plan):
            self._folded -= set(tree.find(self.sitting.plan, key).path)

    def action_add_below(self) -> None:
        """A part of what the cursor stands on, to write at once."""
        self._add(self.sitting.add_below)

    def action_add_beside(self) -> None:
        """Another of the same kind."""
        self._add(self.sitting.add_beside if not self.listing.key.startswith("=") else self.sitting.add_below)

    def _add(self, act: Callable[[str], str]) -> None:
        key = self._act(lambda: act(self.listing.key))
        if key:
            self.open_sheet(key)

    def action_move_part(self, by: int) -> None:
        """Up or down among its siblings."""
        self._act(lambda: self.sitting.move(self.listing.key, by))

    def action_move_under(self) -> None:
        """Under another parent, chosen from a list."""
        self.start(self._move_under, self.listing.key, group="ask")

    async def _move_under(self, key: str) -> None:
        places = self.sitting.places(key)
        if not places:
            self.app.notify("There is no other open place for this.")
            return
        chosen = await self.app.push_screen_wait(PickOne("Move under", places))
        if chosen is not None:
            self._act(lambda: self.sitting.move_under(key, chosen))

    def action_split_part(self) -> None:
        """One objective made two; the second is written at once."""
        self._add(self.sitting.split)

    def action_close_part(self) -> None:
        """End it: the outcome is written at once. Open again what was closed by mistake. On End: the whole plan."""
        key = self.listing.key
        if key == "=end":
            self._act(self._close_plan)
        elif getattr(self._node(key), "closed_on", None) is not None:
            self._act(lambda: self.sitting.reopen(key))
        else:
            self._add(lambda chosen: self.sitting.close(chosen, self.today))

    def _node(self, key: str) -> tree.Node | None:
        return None if key.startswith("=") else tree.find(self.sitting.plan, key).node

    def _close_plan(self) -> str:
        self.sitting.close_plan(self.today)
        return "=end"

    def action_remove_part(self) -> None:
        """Take out what was never signed, after a question where it holds words."""
        key = self.listing.key
        if key.startswith("=") or self.sitting.is_blank(key):
            self._act(lambda: self.sitting.remove(key))
            return
        placed = tree.find(self.sitting.plan, key)
        name = f"{tree.NAMES[type(placed.node)]} {placed.number}"

        def removed(yes: bool | None) -> None:
            if yes:
                self._act(lambda: self.sitting.remove(key))

        consequence = "Everything below it goes, too. u brings it back until you leave."
        self.app.push_screen(Confirm(f"Remove {name}?", consequence), removed)

    @on(OutlineList.FoldAsked)
    def _fold(self, event: OutlineList.FoldAsked) -> None:
        event.stop()
        self._folded ^= {event.key}
        self.redraw(event.key)

    # -- undo ------------------------------------------------------------------------------------

    def action_undo_step(self) -> None:
        """Take the last step back."""
        self._stepped(self.sitting.undo(self.listing.key), "Taken back")

    def action_redo_step(self) -> None:
        """Do again what was taken back."""
        self._stepped(self.sitting.redo(self.listing.key), "Done again")

    def _stepped(self, step: Any, word: str) -> None:
        if step is None:
            self.app.notify("There is nothing to take back." if word == "Taken back" else "There is nothing to redo.")
            return
        self._changed(step.cursor)
        self.app.notify(f"{word}: {step.what}.")

    # -- the library -----------------------------------------------------------------------------

    def action_library(self) -> None:
        """In a text: a phrase of the program. In the outline: its templates."""
        field = self.focused
        self.start(self._phrase if isinstance(field, NoteText | LineInput) else self._template, field, group="ask")

    async def _phrase(self, field: NoteText | LineInput) -> None:
        offered = await self.desk.read(self.doors.phrases)
        if not offered:
            self.app.notify("The program keeps no phrases yet.")
            return
        options = [(text, f"{shortcut}  {text.splitlines()[0] if text else ''}") for shortcut, text in offered]
        chosen = await self.app.push_screen_wait(PickOne("Insert a phrase", options))
        if chosen is None:
            return
        words = chosen.replace("|", "")
        if isinstance(field, NoteText):
            field.insert_phrase(words)
        else:
            field.insert_text_at_cursor(words)

    async def _template(self, _: Any) -> None:
        known = {record.hex(): template for record, template in await self.desk.read(plans.templates)}
        options = [(key, f"Apply: {item.name} ({_size(len(item.problems))})") for key, item in known.items()]
        if self.sitting.plan.problems:
            options.append((_SAVE_TEMPLATE, "Save this plan's tree as a template ..."))
        if not options:
            self.app.notify("There are no templates yet. Write a plan, then save its tree as one: F3.")
            return
        chosen = await self.app.push_screen_wait(PickOne("Templates of the program", options))
        if chosen == _SAVE_TEMPLATE:
            await self._save_template()
        elif chosen is not None:
            self._act(lambda: self.sitting.apply(known[chosen]))

    async def _save_template(self) -> None:
        asked = await self.app.push_screen_wait(
            AskLine(
                "Save the tree as a template",
                "Everybody in the program reads templates. Left out: the client's words of goals, baselines, dates,"
                " outcomes, who is responsible. Problems and objectives stay as worded: nobody's own words in them.",
                "Name", done="save",
            )
        )  # fmt: skip
        if asked is not None:
            await self.desk.write(plans.save_template, as_template(asked[1], self.sitting.plan))
            self.app.notify(f"Template {asked[1]} saved for everybody.")

    # -- the journal, saving, signing ------------------------------------------------------------

    async def keep_draft(self) -> None:
        """Seal the plan as it is into the journal of this copy."""
        await self.desk.keep(starting.keep_plan, self.begun, self.record, self.sitting.plan, self.typing())

    def keep_now(self, subject: Workspace) -> None:
        """The same, without waiting for a turn of the event loop."""
        self.pull()
        starting.keep_plan(subject, self.begun, self.record, self.sitting.plan, self.typing())
        self._kept_all = True

    def kept(self) -> None:
        """Say when."""
        self.shell.set_status("draft", f"unsaved work kept {when(self.desk.subject.clock.now_ms)}")
        self.shell.told(None)

    async def save_draft(self) -> bool:
        """An unsigned revision of the record. What a sheet holds that cannot be read is asked for first."""
        if not await self.close_sheet() or not await self.explained():
            return False
        with self.shell.holding():
            self.record = (await self.stored_version()).record
        self.stored()
        self.retitle(context=self._stage())
        self.shell.set_status("draft", f"draft saved {when(self.desk.subject.clock.now_ms)}")
        return True

    async def explained(self) -> bool:
        """Whether everything is known that a version needs besides the plan."""
        return True

    async def stored_version(self) -> Saved:
        """Store what the editor holds."""
        return await self.desk.write(
            self.doors.save, self.begun.person, TREATMENT_PLAN, self.sitting.plan,
            record=self.record or None, slot=self.begun.slot,
        )  # fmt: skip

    def action_review(self) -> None:
        """Save, say what is missing, sign."""
        self.start(self._check_and_sign, group="save")

    async def _check_and_sign(self) -> None:
        if not await self.save_draft():
            return
        if await self.doors.sign(self, [(self.record, self.named)]):
            self._done = True
            self.shell.set_status("draft", "")
            self.signed()
            return
        await self._judge()
        first = next((item for item in self.findings if item.severity is Severity.REFUSE), None)
        if first is not None:
            self.listing.go_to(outline.row_of(first))
        self.listing.focus()

    def signed(self) -> None:
        """The signed plan to read, in the editor's place."""
        self.go("record", self.record, how="instead")

    async def give_up(self) -> None:
        """Drop the journal's copy."""
        await self.desk.write(starting.give_up, self.begun.slot)
        self.shell.set_status("draft", "")


class PlanCorrection(PlanEditor):
    """The correction of a signed plan: the plan as it should have been, with the reason. The signed text stays."""

    heading = "Correction"
    named = "correction of the treatment plan"

    def _stage(self) -> str:
        return f"of revision {self.sitting.plan.number}, {'draft' if self.record else 'new'}"

    def signed(self) -> None:
        """Back to the plan, which shows its correction."""
        self.go("back")

    async def explained(self) -> bool:
        """A correction says why; asked once."""
        if not (self.begun.reason and self.begun.explanation):
            answer = await self.app.push_screen_wait(
                AskLine("Why is the plan corrected?", "The signed text stays; the correction stands beside it.",
                        "Explanation", value=self.begun.explanation, choices=AMEND_REASONS, done="go on")
            )  # fmt: skip
            if answer is None:
                return False
            self.begun = replace(self.begun, reason=answer[0], explanation=answer[1])
        return True

    async def stored_version(self) -> Saved:
        """A version of the correction."""
        return await self.desk.write(
            amend, self.begun.corrects, self.sitting.plan, reason=self.begun.reason,
            explanation=self.begun.explanation, amendment=self.record or None, slot=self.begun.slot,
        )  # fmt: skip


def _size(count: int) -> str:
    return f"{count} problem{'s' * (count != 1)}"
