"""Editors that look at the text while it is typed: the check runs behind the keys, on a thread, a moment later."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from textual.containers import Horizontal
from textual.timer import Timer
from textual.widget import Widget

from iop_tui.clinical.notes import phrasebook, phrases, starting
from iop_tui.clinical.notes.dictionary import dictionary
from iop_tui.clinical.notes.phrases import Phrase
from iop_tui.clinical.notes.screens.panel import Examined, ThreadPanel, condensed
from iop_tui.clinical.notes.screens.writing import Charting, Writing
from iop_tui.clinical.notes.spelling import Checker
from iop_tui.kernel.declare import Finding, Severity
from iop_tui.kernel.errors import DocumentInvalid
from iop_tui.ui.ask import AskLine
from iop_tui.ui.dialogs import PickOne
from iop_tui.ui.forms.form import Form
from iop_tui.ui.forms.review import SAID
from iop_tui.ui.text.editor import Change, NoteText
from iop_tui.ui.text.readview import HEADING, ReadView
from iop_tui.workspace import Workspace

CHECK_SECONDS = 0.8
"""From the last key to the check: short enough to be of use, long enough that nobody waits for it."""
MOST_SECONDS = 4.0
"""Who types without a pause gets a check this often: a check reads the whole note."""
_REST = 0.0002
NEW = "+"
KEEP = "-"
"""The answer that leaves a word as it is: no dictionary has it."""


class Watching(Writing):
    """Thread check, phrases and spelling for an editor with text fields."""

    commands: ClassVar[Sequence[tuple[str, str]]] = (
        ("s", "save"), ("r", "sign"), ("w", "spelling"), ("i", "go on"), ("d", "discard"), ("q", "leave"),
    )  # fmt: skip
    DEFAULT_CSS = """
    Watching.-narrow ThreadPanel { height: 1; }
    Watching.-wide ThreadPanel { display: none; }
    """
    with_side = True
    places: ClassVar[tuple[str, ...]] = ("editor", "form", "notetext")
    panel_heading: ClassVar[str] = "Check"

    def __init__(self, ws: Workspace, start: starting.Start, charting: Charting) -> None:
        super().__init__(ws, start, charting)
        self._waiting: Timer | None = None
        self._typed_at = self._owed_at = 0.0
        self._phrases: list[Phrase] = []
        self._checkers: dict[str, Checker] = {}
        self._names: tuple[str, ...] = ()
        self.examined = Examined()

    def content(self) -> Iterable[Widget]:
        """The form, beside or below it what the check says, then the command row."""
        side = ReadView(classes="side")
        side.can_focus = False
        yield Horizontal(self.form, side, classes="desk")
        yield ThreadPanel(self.panel_heading)
        yield from self.command_row()

    def on_mount(self) -> None:
        """What helps to write comes a moment after the page."""
        super().on_mount()
        self.start(self._prepare, group="prepare")

    def command_row(self) -> Iterable[Widget]:
        """With spelling."""
        for row in super().command_row():
            self.give_keys(row, "textrow")
            yield row

    def text_fields(self) -> dict[str, NoteText]:
        """The text fields by name."""
        rows = [(row.info.name, row.binding.widget) for row in self.form.rows]
        return {name: widget for name, widget in rows if isinstance(widget, NoteText)}

    async def _prepare(self) -> None:
        await self.prepare()
        await self._check()

    async def prepare(self) -> None:
        """Ask for what helps to write."""
        await self.learn_phrases()

    async def learn_phrases(self) -> None:
        """The program's phrases as they are now."""
        aids = await self.desk.read(starting.aids, self.note.person)
        self._phrases, self._names = aids.phrases, aids.names
        for name, text in self.text_fields().items():
            shortcuts = phrases.table(self._phrases, name)
            text.expander = partial(_expand, shortcuts) if shortcuts else None

    # -- the check -------------------------------------------------------------------------------

    def on_form_changed(self, event: Form.Changed) -> None:
        """Somebody typed: the check follows, not now. (The base's handler, for the journal, is called beside this.)"""
        del event
        self.check_soon()

    def check_soon(self) -> None:
        """Look at the text when nobody typed for a moment, at the latest after `MOST_SECONDS`."""
        self._typed_at = time.monotonic()
        if self._waiting is None:
            self._owed_at = self._typed_at + MOST_SECONDS
            self._waiting = self.set_timer(CHECK_SECONDS, self._check_now)

    def _check_now(self) -> None:
        now = time.monotonic()
        pause = min(self._typed_at + CHECK_SECONDS, self._owed_at) - now
        if pause > 0:
            self._waiting = self.set_timer(pause, self._check_now)
            return
        self._waiting = None
        self.start(self._check, group="check", exclusive=True)

    async def _check(self) -> None:
        values = self.form.values()
        texts = {name: text.text for name, text in self.text_fields().items()}
        focused = self.focused
        typing = next((name for name, text in self.text_fields().items() if text is focused), "")
        self.examined = await self.desk.read(self._examine, values, texts)
        self.tell(self.examined, typing)

    def _examine(self, ws: Workspace, values: Mapping[str, Any], texts: Mapping[str, str]) -> Examined:
        """On a thread: nothing of the page is touched but the checkers."""
        try:
            document = self.kind.parse(values)
        except DocumentInvalid as error:
            field = error.place.removeprefix("$.").split(".")[0].split("[")[0]
            return Examined((Finding(Severity.REFUSE, "invalid", error.message, field),))
        found, alike = self.examine(ws, document)
        return Examined(found, alike, tuple((name, self._unknown(name, text)) for name, text in texts.items() if text))

    def examine(self, ws: Workspace, document: Any) -> tuple[tuple[Finding, ...], float]:
        """What speaks against the text, and how alike the last one is. Runs on a thread."""
        return self.charting.findings(ws, self.note.person, self.kind, document, self.record), 0.0

    def _unknown(self, name: str, text: str) -> tuple[str, ...]:
        if name not in self._checkers:
            self._checkers[name] = Checker(dictionary(), self._names)
        return tuple(self._checkers[name].words(text, lambda: time.sleep(_REST)))

    def tell(self, examined: Examined, typing: str = "") -> None:
        """Show it: below the text, beside it, and in the text."""
        self.query_one(ThreadPanel).tell(examined)
        if self.has_class("-wide"):
            self.show_side(examined)
        unknown = dict(examined.unknown)
        for name, text in self.text_fields().items():
            words = unknown.get(name, ())
            text.mark_words([word for word in words if name != typing or not text.text.endswith(word)])

    def show_side(self, examined: Examined) -> None:
        """All findings, then what else helps."""
        self.query_one(".side", ReadView).show((), [*self._found(examined), *self.beside()])

    def _found(self, examined: Examined) -> list[tuple[str, str, str]]:
        head: list[tuple[str, str, str]] = [("", "Before signing", HEADING)]
        for severity, (word, tone) in SAID.items():
            texts = [item.message for item in condensed(examined.findings) if item.severity is severity]
            head += [("", "\n".join(f"{word}: {text}" for text in texts), tone)] if texts else []
        head += [] if examined.findings else [("", "Nothing is missing.", "text")]
        words = examined.words()
        return [*head, ("", f"spelling: {', '.join(words[:12])}", "warn")] if words else head

    def beside(self) -> list[tuple[str, str, str]]:
        """More lines for the side pane."""
        return []

    # -- phrases and spelling --------------------------------------------------------------------

    def action_phrase(self) -> None:
        """Choose a phrase for the field one is in."""
        self.start(self._phrase, group="phrase")

    async def _phrase(self) -> None:
        field = self.focused
        if not isinstance(field, NoteText):
            self.app.notify("Go to a text first: phrases are for texts.", severity="warning")
            return
        name = next((name for name, text in self.text_fields().items() if text is field), "any")
        table = phrases.table(self._phrases, name)
        options = [(key, f"{key}  {text.splitlines()[0][:60]}") for key, text in sorted(table.items())]
        if field.selected_text.strip():
            options.insert(0, (NEW, "Save the selected text as a new phrase"))
        if not options:
            self.app.notify("There are no phrases yet: select text, then F3 saves it as one.", severity="warning")
            return
        chosen = await self.app.push_screen_wait(PickOne("Phrases; typed, a shortcut and a blank do the same", options))
        if chosen == NEW:
            await self._save_phrase(field.selected_text.strip())
        elif chosen is not None and (written := _expand(table, chosen)) is not None:
            field.focus()
            field.insert_change(written.text, written.cursor)

    async def _save_phrase(self, text: str) -> None:
        warning = f"{text[:200]}\nEverybody in the program reads it: no client's words."
        answer = await self.app.push_screen_wait(AskLine("New phrase", warning, "Shortcut"))
        if answer is not None:
            await self.desk.write(phrasebook.save, Phrase(shortcut=answer[1].strip(), text=text))
            await self.learn_phrases()
            self.app.notify(f"Saved: type {answer[1].strip()} and a blank.")

    def action_spelling(self) -> None:
        """Go through the words no dictionary knows."""
        self.start(self._spelling, group="spelling")

    async def _spelling(self) -> None:
        for name, words in self.examined.unknown:
            for word in words:
                options = [(item, item) for item in await self.desk.read(_suggestions, word)]
                question = f"“{word}” is in no dictionary here"
                chosen = await self.app.push_screen_wait(PickOne(question, [*options, (KEEP, "leave it as it is")]))
                if chosen is None:
                    return
                if chosen != KEEP:
                    self.text_fields()[name].replace_word(word, chosen)
        self.app.notify("Spelling: looked at all of it.")


def _expand(shortcuts: phrases.Table, line: str) -> Change | None:
    found = phrases.expand(line, len(line), shortcuts)
    return Change(found.start, found.stop, found.text, found.cursor - found.start) if found is not None else None


def _suggestions(ws: Workspace, word: str) -> tuple[str, ...]:
    del ws
    return dictionary().suggest(word)
