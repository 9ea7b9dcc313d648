"""The progress note: one set of answers under the headings of any format, the plan's objectives at hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

import msgspec
from textual import on
from textual.widget import Widget

from iop_tui.clinical.notes import carry, formats, links
from iop_tui.clinical.notes.links import ObjectiveState
from iop_tui.clinical.notes.model import PROGRESS_NOTE, ProgressNote
from iop_tui.clinical.notes.screens.form import NoteForm
from iop_tui.clinical.notes.screens.offers import OfferBox
from iop_tui.clinical.notes.screens.panel import Examined
from iop_tui.clinical.notes.screens.watching import Watching
from iop_tui.clinical.notes.screens.writing import Charting
from iop_tui.clinical.notes.similarity import WARN_AT
from iop_tui.clinical.notes.starting import Start
from iop_tui.clinical.notes.thread import Thread, examine
from iop_tui.kernel.declare import FieldInfo, Finding
from iop_tui.ui.forms.draftpage import CommandRow
from iop_tui.ui.forms.form import Form
from iop_tui.ui.frame.statusline import StatusLine
from iop_tui.ui.text.editor import NoteText, Offer
from iop_tui.ui.text.readview import HEADING
from iop_tui.workspace import Workspace

SAID_FROM = 0.05
"""Less than this is what any two notes have in common."""


class NoteEditor(Watching):
    """A progress note."""

    heading = "Note"
    kind = PROGRESS_NOTE
    places: ClassVar[tuple[str, ...]] = ("editor", "form", "notetext", "noteeditor")
    panel_heading = "Thread"
    promise = ""
    commands: ClassVar[Sequence[tuple[str, str]]] = (
        ("s", "save"), ("r", "sign"), ("c", "carry on"), ("w", "spelling"), ("u", "undo"), ("d", "discard"),
        ("q", "leave"),
    )  # fmt: skip

    form: NoteForm

    def __init__(self, ws: Workspace, start: Start, charting: Charting, *, form: str = formats.DEFAULT) -> None:
        self._format = form
        self._thread: Thread | None = None
        super().__init__(ws, start, charting)
        self._first = start.first or self.form.first_open()
        self._last_field = self._first

    def make_form(self, fields: Sequence[FieldInfo], values: Mapping[str, Any], today: date) -> Form:
        """Rows under the headings of a format."""
        del fields
        return NoteForm(values, today=today, form=self._format)

    def content(self) -> Iterable[Widget]:
        """The offers lie over the rest."""
        yield from super().content()
        yield OfferBox()

    def command_row(self) -> Iterable[Widget]:
        """With the commands of a note."""
        for row in super().command_row():
            self.give_keys(row, "noterow")
            yield row

    def stage(self) -> str:
        """The format stands in the title."""
        return f"{self.form.form}, {super().stage()}"

    # -- the thread ------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Plan, last note and the day's sessions, then what helps to write."""
        await self._ask_thread(self._day())
        await super().prepare()

    def _day(self) -> date | None:
        day = self.form.values().get("service_date")
        return date.fromisoformat(day) if isinstance(day, str) else None

    async def _ask_thread(self, day: date | None) -> None:
        thread = await self.desk.read(self.charting.thread, self.note.person, record=self.record, day=day)
        first, self._thread = self._thread is None, thread
        if not first:
            return
        self.form.objectives.offer(thread.objectives)
        if not self.note.stored and not self.note.restored_at_ms:
            self.form.objectives.begin_with(links.still_open(self.form.objectives.value, thread.objectives))
            self.form.answered("objectives")
        for text in self.text_fields().values():
            text.completer = self._complete

    def _complete(self, typed: str) -> Sequence[Offer]:
        known = self._thread.objectives if self._thread is not None else ()
        return [Offer(links.link(item), item.number, f"{item.number} {item.text}")
                for item in links.complete(typed, known)]  # fmt: skip

    def examine(self, ws: Workspace, document: ProgressNote) -> tuple[tuple[Finding, ...], float]:
        """The thread check: what is known was asked for before, the note alone is looked at."""
        thread = self._thread
        if thread is None or self._outdated(thread, document):
            thread = self.charting.thread(ws, self.note.person, record=self.record, day=document.service_date)
            self._thread = thread
        return examine(document, thread)

    def _outdated(self, thread: Thread, document: ProgressNote) -> bool:
        """Sessions of another day, or the draft's own version among them."""
        return thread.record != self.record or (document.service_date or thread.today) != thread.day

    def tell(self, examined: Examined, typing: str = "") -> None:
        """Likeness to the last note stands in the status line."""
        super().tell(examined, typing)
        told = f"{examined.alike:.0%} like the last note" if examined.alike >= SAID_FROM else ""
        self.query_one(StatusLine).set_part("like", told, "bar_warn" if examined.alike >= WARN_AT else "bar")

    def beside(self) -> list[tuple[str, str, str]]:
        """Objectives of the plan, then the note before."""
        known = [item for item in (self._thread.objectives if self._thread else ()) if item.is_open]
        lines: list[tuple[str, str, str]] = [("", "Objectives", HEADING)] if known else []
        lines += [("", f"{item.number}  {item.text}{_touched(item)}", "text") for item in known]
        if self.note.last:
            lines += [("", "The note before", HEADING), *((label, text, "text") for label, text in self.note.last)]
        return lines

    # -- what happens in the form ----------------------------------------------------------------

    def on_form_changed(self, event: Form.Changed) -> None:
        """Rows and folded lines follow an answer; texts change nothing but themselves."""
        if not self.form.is_text(event.name):
            self.form.answered(event.name)

    @on(NoteText.Offering)
    def _offering(self, event: NoteText.Offering) -> None:
        event.stop()
        self.query_one(OfferBox).offer(event.note_text, event.offers, event.chosen)

    @on(NoteText.Taken)
    def _taken(self, event: NoteText.Taken) -> None:
        event.stop()
        self.form.objectives.add(event.offer.key)

    @on(NoteText.PasteRefused)
    def _paste_refused(self, event: NoteText.PasteRefused) -> None:
        event.stop()
        self.app.notify(
            f"This paste has {event.characters:,} characters, more than a note takes; nothing was pasted. "
            "Paste the part that belongs to the session.", severity="warning",
        )  # fmt: skip

    # -- commands --------------------------------------------------------------------------------

    def action_format(self) -> None:
        """The same answers under the next format's headings; remembered."""
        self.form.turn_to(formats.following(self.form.form))
        self.retitle(context=self.stage())
        self.go("set", how=f"note_format={self.form.form}")
        if self.query_one(CommandRow).has_focus:
            self.action_insert()

    def action_carry(self) -> None:
        """The last note's words, into texts that are empty; response and plan must then be changed."""
        last = self.note.before
        if last is None:
            self.app.notify("There is no note of yours before this one.", severity="warning")
            return
        values = self.form.values()
        given = msgspec.to_builtins(last)
        carried = {name: given[name] for name in carry.WORDS if not str(values.get(name) or "").strip()}
        if carried:
            self.form.remember({name: values.get(name) for name in carried})
            self.form.load({**values, **carried})
            self._followed()
            self.app.notify("Carried forward. Response and plan must say what is different today.")
        self.action_insert()

    def action_undo(self) -> None:
        """Take back the last answer or what the last command changed. In a text, Ctrl+Z takes back typing first."""
        taken = self.form.take_back()
        if taken is None:
            self.app.notify("No answer or command to take back; in a text, Ctrl+Z takes back typing.")
        else:
            self._followed()
        if not taken:
            self.action_insert()

    def _followed(self) -> None:
        """The journal and the check follow what was not typed."""
        self.touched()
        self.check_soon()

    def read_back(self) -> Sequence[str]:
        """What was answered by one key and weighs much."""
        return self.form.read_back()


def _touched(item: ObjectiveState) -> str:
    return f" (last {item.last_cited.isoformat()})" if item.last_cited else " (not touched yet)"
