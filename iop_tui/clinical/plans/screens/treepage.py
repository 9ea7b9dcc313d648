"""What the plan editor and the review share: the outline, below it one sheet at a time, beside it the findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, ClassVar

from textual import on
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widget import Widget

from iop_tui.clinical.plans.outline import Row, Sums
from iop_tui.clinical.plans.screens.doors import Doors
from iop_tui.clinical.plans.sheets import Sheet
from iop_tui.kernel.declare import Finding, Severity
from iop_tui.kernel.errors import DocumentInvalid
from iop_tui.ui.forms.draftpage import CommandRow, DraftPage
from iop_tui.ui.forms.form import Form
from iop_tui.ui.forms.review import SAID
from iop_tui.ui.frame.bars import Bar, Lines, Toned
from iop_tui.ui.frame.helpscreen import field_help
from iop_tui.ui.outline import OutlineList
from iop_tui.ui.text.cellfit import wrap
from iop_tui.ui.text.editor import NoteText
from iop_tui.ui.text.readview import HEADING, ReadView

JUDGE_SECONDS = 0.4
"""From a typed key to the findings: a person pauses, then looks."""
_DETAIL_LINES = 3
_FORM_LEAST, _FORM_MOST = 5, 18
_TEXT_LINES = 3


class TreePage(DraftPage):
    """Base: subclasses say which rows there are, what a row's sheet holds and where its values go."""

    DEFAULT_CSS = """
    TreePage .desk { height: 1fr; }
    TreePage .left { width: 1fr; height: 1fr; }
    TreePage .side { display: none; width: 42; height: 1fr; margin-left: 1; }
    TreePage.-wide .side { display: block; }
    TreePage #details { height: 3; }
    TreePage.-typing #details { display: none; }
    TreePage Form { height: 10; }
    TreePage Form NoteText { max-height: 4; }
    """
    inner_places: ClassVar[tuple[str, ...]] = ("outline",)
    """The outline's keys; the last place is this editor's own."""
    no_findings: ClassVar[str] = "Nothing is missing."
    findings_heading: ClassVar[str] = "Before signing"

    def __init__(self, doors: Doors, today: date) -> None:
        super().__init__()
        self.doors, self.today = doors, today
        self.findings: Sequence[Finding] = ()
        self._form: Form | None = None
        self._sheet_key = ""
        self._wrong: dict[str, str] = {}
        self._taken: dict[str, Any] = {}
        self._warned = False
        self._judging: Timer | None = None
        self._judged = False
        self._shown_fields: tuple[Any, ...] = ()

    # -- for subclasses --------------------------------------------------------------------------

    def rows(self) -> list[Row]:
        """The outline now."""
        return []

    def sums(self) -> Sums:
        """What stands above it."""
        return Sums(0, None, 0, 0)

    def about(self) -> str:
        """The right end of the line above the outline."""
        return ""

    def detail(self, key: str) -> list[tuple[str, str]]:
        """What a line has no room for."""
        del key
        return []

    def sheet(self, key: str) -> Sheet:
        """The form of a row. Raises `Refused`."""
        del key
        return Sheet("", (), {}, "")

    def take(self, key: str, values: dict[str, Any], name: str) -> None:
        """Put a sheet's values where they belong. Raises `DocumentInvalid`, `Refused`."""

    def left_sheet(self, key: str) -> str:
        """A sheet was left; the row to stand on."""
        return key

    async def judge(self) -> Sequence[Finding]:
        """What every rule says now."""
        return ()

    # -- building --------------------------------------------------------------------------------

    def content(self) -> Iterable[Widget]:
        """The sums, the outline with its pane, the findings, the command row."""
        tree = OutlineList(id="tree")
        self.give_keys(tree, self.inner_places[-1])
        side = ReadView(classes="side")
        side.can_focus = False
        yield Bar(id="sums")
        yield Horizontal(
            Vertical(tree, Bar(id="pane"), Lines(id="details"), classes="left"), side, classes="desk"
        )
        yield from self.command_row()

    @property
    def sheet_form(self) -> Form | None:
        """The form of the row that is open; None in the outline."""
        return self._form

    @property
    def listing(self) -> OutlineList:
        """The outline."""
        return self.query_one(OutlineList)

    def on_mount(self) -> None:
        """The outline, then what the rules say of it."""
        super().on_mount()
        self.redraw()
        self.listing.focus()
        self.judge_soon(0.01)

    def on_resize(self) -> None:
        """The pane fits the height."""
        self._fit_form()
        self._show_detail()

    # -- showing ---------------------------------------------------------------------------------

    def redraw(self, key: str = "") -> None:
        """Rows, sums and detail again; only what changed is repainted."""
        self.listing.show(self.rows(), key)
        self._show_sums()
        self._show_detail()

    def _show_sums(self) -> None:
        sums = self.sums()
        left: list[Toned] = [(sums.time(), sums.tone), (f"  {sums.meter()}", "bar_dim")]
        right: list[Toned] = [(f"{self.about()}  ", "bar")] if self.about() else []
        right += [(f"! {sums.missing} missing", "bar_danger")] if sums.missing else []
        right += [(f"  ? {sums.look} to look at", "bar_warn")] if sums.look else []
        self.query_one("#sums", Bar).show(left, right)

    def _show_detail(self) -> None:
        if self._form is not None:
            return
        key = self.listing.key
        title = next((f"{row.label}" for row in self.listing.rows if row.key == key), "")
        self.query_one("#pane", Bar).show([(title, "bar_key")], [("", "bar")])
        self.query_one("#details", Lines).show(self._detail_lines(key))

    def _detail_lines(self, key: str) -> list[list[Toned]]:
        width = max(self.listing.size.width - 3, 20)
        lines: list[list[Toned]] = []
        for severity in (Severity.REFUSE, Severity.WARN):
            found = [item.message for item in self.findings if self.row_of(item) == key and item.severity is severity]
            word, tone = SAID[severity]
            lines += [[(f"{word[0]} {line}", tone)] for line in wrap(" ".join(found), width - 2)] if found else []
        for label, text in self.detail(key):
            lines += [[(line, "text")] for line in wrap(f"{label}: {text}" if label else text, width) if line]
        return [*lines[:_DETAIL_LINES], *([[]] * (_DETAIL_LINES - len(lines)))]

    def row_of(self, finding: Finding) -> str:
        """The row a finding is about."""
        return finding.place

    def _show_findings(self) -> None:
        triples: list[tuple[str, str, str]] = [("", self.findings_heading, HEADING)]
        for severity, (word, _) in SAID.items():
            texts = [item.message + (f" ({item.source})" if item.source else "")
                     for item in self.findings if item.severity is severity]  # fmt: skip
            tone = "dim" if severity is Severity.REMIND else "text"
            triples += [("", "\n".join(f"{word[0]} {text}" for text in texts), tone)] if texts else []
        triples += [] if self.findings else [("", self.no_findings, "text")]
        self.query_one(".side", ReadView).show((), triples)

    # -- findings --------------------------------------------------------------------------------

    def judge_soon(self, seconds: float = JUDGE_SECONDS) -> None:
        """The rules look again, once, when a person pauses."""
        if self._judging is None:
            self._judging = self.set_timer(seconds, self._judge_now)

    def _judge_now(self) -> None:
        self._judging = None
        self.start(self._judge, group="judge", exclusive=True)

    async def _judge(self) -> None:
        found = await self.judge()
        if self._judged and list(found) == list(self.findings):
            return
        self.findings, self._judged = found, True
        self._show_findings()
        self.redraw()

    def action_next_finding(self) -> None:
        """To the next row that something was found about."""
        marked = [row.key for row in self.listing.rows if row.mark]
        if not marked:
            self.app.notify(self.no_findings)
            return
        here = self.listing.key
        order = [row.key for row in self.listing.rows]
        after = [key for key in marked if order.index(key) > (order.index(here) if here in order else -1)]
        self.listing.go_to(after[0] if after else marked[0])

    # -- the sheet -------------------------------------------------------------------------------

    @on(OutlineList.Moved)
    def _moved(self, event: OutlineList.Moved) -> None:
        event.stop()
        self._show_detail()

    @on(OutlineList.Opened)
    def _opened(self, event: OutlineList.Opened) -> None:
        event.stop()
        self.open_sheet(event.key)

    def open_sheet(self, key: str) -> None:
        """The form of a row; what stands in it comes from `sheet`."""
        self.start(self._open, key, group="sheet", exclusive=True)

    async def _open(self, key: str, values: dict[str, Any] | None = None) -> None:
        sheet = self.sheet(key)
        with self.shell.holding():
            await self._drop_form()
            self.listing.go_to(key)
            form = Form(sheet.fields, sheet.values, today=self.today)
            self._form, self._sheet_key, self._wrong, self._warned = form, key, {}, False
            self._shown_fields, self._taken = sheet.fields, form.values()
            self.add_class("-typing")
            self.query_one("#pane", Bar).show([(sheet.title, "bar_accent")], [("Esc to the outline", "bar_dim")])
            self._fit_form()
            await self.query_one(".left", Vertical).mount(form)
            if values is not None:
                form.load(values)
            form.focus_field(sheet.first)
            for row in form.rows:
                if isinstance(row.binding.widget, NoteText):
                    row.binding.widget.move_cursor(row.binding.widget.document.end)

    def _fit_form(self) -> None:
        """As high as the sheet needs, at most a little less than half of the screen; longer ones scroll."""
        if self._form is not None:
            texts = sum(isinstance(row.binding.widget, NoteText) for row in self._form.rows)
            needed = len(self._form.rows) + (_TEXT_LINES - 1) * texts + 1
            most = max(_FORM_LEAST, min(self.size.height * 9 // 20, _FORM_MOST))
            self._form.styles.height = max(_FORM_LEAST, min(needed, most))

    def on_form_changed(self, event: Form.Changed) -> None:
        """Somebody typed: the plan, the outline and the journal follow."""
        event.stop()
        self._warned = False
        self._take(event.name)
        self.touched()
        self.judge_soon()

    def on_form_snapshot(self, event: Form.Snapshot) -> None:
        """A field was left: the journal comes soon anyway."""
        event.stop()

    def on_note_text_paste_refused(self, event: NoteText.PasteRefused) -> None:
        """Say that nothing was pasted, and how much fits."""
        event.stop()
        self.app.notify(
            f"Nothing was pasted: {event.characters:,} characters are more than a plan's field takes.",
            severity="warning",
        )

    def _take(self, name: str) -> None:
        form = self._form
        if form is None:
            return
        if self.pull(name):
            form.show_errors(self._wrong, focus=False)
        self._show_wrong()
        self.redraw()

    def pull(self, name: str = "") -> bool:
        """What stands in the sheet into the plan, without showing anything. Whether something in it cannot be."""
        if self._form is None:
            return False
        values, errors = self._form.collect()
        self._taken = values
        try:
            self.take(self._sheet_key, values, name)
            self._wrong = errors
        except DocumentInvalid as error:
            self._wrong = errors | {error.place: error.message}
            return True
        return False

    def unkept(self) -> bool:
        """Whether something typed is not in the journal yet, be it that the page has not heard of it."""
        if self._form is not None and not self._done and self._form.values() != self._taken:
            return True
        return super().unkept()

    def _show_wrong(self) -> None:
        """What cannot be read stands above the sheet, too: the field may be scrolled away."""
        wrong = next(iter(self._wrong.values()), "")
        right: Toned = (f"! {wrong}", "bar_danger") if wrong else ("Esc to the outline", "bar_dim")
        self.query_one("#pane", Bar).show(None, [right])

    def typing(self) -> tuple[str, dict[str, Any]] | None:
        """The row and values of a sheet that cannot be read yet; None where the plan holds everything."""
        return (self._sheet_key, self._form.values()) if self._form is not None and self._wrong else None

    async def close_sheet(self) -> bool:
        """Back to the outline. What cannot be read is shown once and given up by asking again. Whether it is closed."""
        form = self._form
        if form is None:
            return True
        if self._wrong and not self._warned:
            self._warned = True
            form.show_errors(self._wrong)
            self.app.notify("This cannot be read. Correct it; Esc again keeps what stood there.", severity="warning")
            return False
        key = self._sheet_key
        await self._drop_form()
        self._wrong = {}
        key = self.left_sheet(key)
        self.redraw(key)
        self.listing.focus()
        return True

    async def _drop_form(self) -> None:
        form, self._form = self._form, None
        if form is not None:
            self.remove_class("-typing")
            await form.remove()

    # -- commands --------------------------------------------------------------------------------

    def action_command(self) -> None:
        """From a sheet to the outline, from there to the command row."""
        if self._form is not None:
            self.start(self.close_sheet, group="sheet")
        else:
            super().action_command()

    def action_insert(self) -> None:
        """Back to the outline."""
        self.query_one(CommandRow).remove_class("-open")
        self.listing.focus()

    def help_sections(self) -> Iterable[tuple[str, Iterable[tuple[str, str]]]]:
        """The fields of the sheet that is open, and the marks."""
        marks = (("!", "The plan cannot be signed before this is done."), ("?", "Worth a second look."))
        fields = ((("Fields", field_help(self._shown_fields)),) if self._form is not None else ())
        return (*fields, ("Marks before a line", marks))
