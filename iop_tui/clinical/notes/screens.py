"""Writing and signing: the note editor, the addendum editor, the review before a signature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen

from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import ADDENDUM, PROGRESS_NOTE, ProgressNote
from iop_tui.clinical.notes.starting import KIND, Start
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import Finding, Severity
from iop_tui.kernel.errors import DocumentInvalid, ReauthNeeded, WrongSecrets
from iop_tui.ui.bars import Lines, Toned
from iop_tui.ui.cellfit import wrap
from iop_tui.ui.editpage import EditPage, when
from iop_tui.ui.fields import SecretInput
from iop_tui.ui.page import Desk
from iop_tui.ui.readview import HEADING, ReadView
from iop_tui.workspace import Workspace

_SAID = {
    Severity.REFUSE: ("! missing", "danger"),
    Severity.WARN: ("? look", "warn"),
    Severity.REMIND: ("- remember", "dim"),
}
_BOX = """
    .box { width: 68; max-width: 100%; height: auto; max-height: 90%; padding: 1 2; background: $kit-ground;
           border: solid $kit-accent; }
"""


def finding_lines(findings: Sequence[Finding], width: int) -> list[list[Toned]]:
    """What the rules say, a mark and a word before each."""
    lines: list[list[Toned]] = []
    for item in findings:
        word, tone = _SAID[item.severity]
        source = f" ({item.source})" if item.source else ""
        for place, text in enumerate(wrap(item.message + source, max(width - 14, 10))):
            lines.append([(f"{word if place == 0 else '':<12}", tone), (text, "text")])
    return lines


class Review(ModalScreen[bool]):
    """What is missing and what deserves a second look; signing only when nothing is missing."""

    DEFAULT_CSS = "Review { align: center middle; }" + _BOX
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q", "cancel", show=False)]

    def __init__(self, title: str, findings: Sequence[Finding]) -> None:
        super().__init__()
        self._title, self._findings = title, findings
        self.ready = not any(item.severity is Severity.REFUSE for item in findings)

    def compose(self) -> ComposeResult:
        """Title, findings, the keys."""
        lines: list[list[Toned]] = [[(self._title, "strong")], []]
        lines += finding_lines(self._findings, 62) or [[("Nothing is missing.", "text")]]
        lines += [
            [],
            [("Signing locks the text: afterwards there are only addenda.", "dim")]
            if self.ready
            else [("It can be signed when nothing is missing.", "dim")],
        ]
        keys: list[Toned] = [("[s]", "accent"), (" sign     ", "text")] if self.ready else []
        with Vertical(classes="box"):
            yield Lines([*lines, [], [*keys, ("[Enter]", "accent"), (" back", "text")]])

    def on_key(self, event: Key) -> None:
        """`s` signs; a key other than the one that opened this."""
        if event.key == "s" and self.ready:
            event.stop()
            self.dismiss(True)

    def action_cancel(self) -> None:
        """Back to the text."""
        self.dismiss(False)


class AskPassphrase(ModalScreen[bytearray | None]):
    """The passphrase again, as bytes that the caller wipes."""

    DEFAULT_CSS = "AskPassphrase { align: center middle; }" + _BOX
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False)]

    def __init__(self, reason: str, failure: str = "") -> None:
        super().__init__()
        self._reason, self._failure = reason, failure

    def compose(self) -> ComposeResult:
        """Reason, field, keys."""
        failed: list[list[Toned]] = [[(self._failure, "danger")]] if self._failure else []
        with Vertical(classes="box"):
            yield Lines([[(self._reason, "strong")], *failed, [], [("Passphrase", "dim")]])
            yield SecretInput()
            yield Lines([[], [("[Enter]", "accent"), (" sign     ", "text"), ("[Esc]", "accent"), (" back", "text")]])

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(SecretInput).focus()

    def on_secret_input_submitted(self, event: SecretInput.Submitted) -> None:
        """Hand the bytes over."""
        event.stop()
        self.dismiss(event.secret_input.take())

    def action_cancel(self) -> None:
        """Without."""
        self.dismiss(None)


async def sign(page: Any, desk: Desk[Workspace], records: Sequence[bytes]) -> bool:
    """Sign; ask for the passphrase where it was not given lately. Whether it was signed. Raises other refusals."""
    failure = ""
    while True:
        try:
            await desk.write(notes.sign, records)
        except ReauthNeeded:
            phrase = await page.app.push_screen_wait(AskPassphrase("Signing needs your passphrase.", failure))
            if phrase is None:
                return False
            failure = await _confirm(desk, phrase)
        else:
            return True


async def _confirm(desk: Desk[Workspace], phrase: bytearray) -> str:
    try:
        await desk.keep(Workspace.confirm, phrase)
    except WrongSecrets as error:
        return error.message
    finally:
        phrase[:] = bytes(len(phrase))
    return ""


class _Writing(EditPage):
    """What the note editor and the addendum editor share: the journal and the way to a signature."""

    places = ("editor", "form")
    commands = (("s", "save"), ("i", "go on"), ("r", "review, sign"), ("d", "discard"), ("q", "leave"))
    kind: ClassVar[str] = ""

    def __init__(self, ws: Workspace, start: Start) -> None:
        self.note = start
        self.record = start.record
        kind = PROGRESS_NOTE if self.kind == PROGRESS_NOTE.kind else ADDENDUM
        super().__init__(kind.fields(), start.values, today=local_date(ws.clock.now_ms()), first=start.first)

    def on_mount(self) -> None:
        """Say whose it is, and what was restored."""
        super().on_mount()
        self.retitle(
            f"{self.heading}: {self.note.name}", "unsaved text restored" if self.note.restored_at_ms else self._stage()
        )
        if self.note.restored_at_ms:
            self.app.notify("Your unsaved text is back. Save it, or discard it from the command row.")

    def _stage(self) -> str:
        return "draft" if self.record else "new"

    async def keep(self, values: dict[str, Any]) -> None:
        """Seal what is typed into the journal of this copy."""
        await self.desk.keep(notes.keep, self.note.slot, self.unsaved(self.desk.subject, values))

    def keep_now(self, subject: Workspace) -> None:
        """The same, without waiting for a turn of the event loop."""
        notes.keep(subject, self.note.slot, self.unsaved(subject, self.form.values()))
        self._kept_all = True

    def unsaved(self, ws: Workspace, values: dict[str, Any]) -> notes.Unsaved:
        """What the journal holds of this page."""
        return notes.Unsaved(self.note.person, self.record, values, ws.clock.now_ms())

    def kept(self) -> None:
        """Say when."""
        self.shell.set_status("draft", f"unsaved text kept {when(self.desk.subject.clock.now_ms)}")
        self.shell.told(None)

    def saved_now(self) -> None:
        """Say when."""
        self.stored()
        self.retitle(context="draft")
        self.shell.set_status("draft", f"draft saved {when(self.desk.subject.clock.now_ms)}")

    async def give_up(self) -> None:
        """Drop the journal's copy."""
        await self.desk.write(notes.give_up, self.note.slot)
        self.shell.set_status("draft", "")

    def action_review(self) -> None:
        """Save, say what is missing, sign."""
        self.start(self._review, group="save")

    async def _review(self) -> None:
        with self.shell.holding():
            if not await self._save():
                return
            findings = await self.findings()
        if not await self.app.push_screen_wait(Review(f"Sign for {self.note.name}?", findings)):
            self._to_first(findings)
            return
        if await sign(self, self.desk, [self.record]):
            self._done = True
            self.shell.set_status("draft", "")
            self.app.notify("Signed.")
            self.go("back")

    def _to_first(self, findings: Sequence[Finding]) -> None:
        missing = [item for item in findings if item.severity is Severity.REFUSE and item.field]
        if missing:
            self.form.show_errors({item.field: item.message for item in reversed(missing)})

    async def findings(self) -> Sequence[Finding]:
        """What the rules say of the saved text."""
        return ()


class NoteEditor(_Writing):
    """A progress note: the form, and beside it (110 columns and more) the note before and what is missing."""

    heading = "Note"
    kind = PROGRESS_NOTE.kind
    with_side = True

    def on_mount(self) -> None:
        """Fill the side pane."""
        super().on_mount()
        self._show_side()

    def _parsed(self) -> ProgressNote | None:
        try:
            return PROGRESS_NOTE.parse(self.form.values())
        except DocumentInvalid:
            return None

    def _show_side(self) -> None:
        note = self._parsed()
        found = notes.findings(self.desk.subject, note) if note is not None else ()
        head: list[tuple[str, str, str]] = [("", "Before signing", HEADING)]
        for severity, (word, tone) in _SAID.items():
            texts = [item.message for item in found if item.severity is severity]
            head += [("", "\n".join(f"{word}: {text}" for text in texts), tone)] if texts else []
        head += [] if found else [("", "Nothing is missing.", "text")]
        if self.note.last:
            head += [("", "The note before", HEADING), *((label, text, "text") for label, text in self.note.last)]
        self.query_one(".side", ReadView).show((), head)

    def kept(self) -> None:
        """The findings follow, where they can be seen."""
        super().kept()
        if self.has_class("-wide"):
            self._show_side()

    async def save(self, values: dict[str, Any]) -> bool:
        """An unsigned revision."""
        note = PROGRESS_NOTE.parse(values)
        saved = await self.desk.write(
            notes.save, self.note.person, note, record=self.record or None, slot=self.note.slot
        )
        self.record = saved.record
        self.saved_now()
        self._show_side()
        return False

    async def findings(self) -> Sequence[Finding]:
        """What the rules say."""
        note = self._parsed()
        return notes.findings(self.desk.subject, note) if note is not None else ()


class AddendumEditor(_Writing):
    """What is added to a signed note."""

    heading = "Addendum"
    kind = ADDENDUM.kind

    def __init__(self, ws: Workspace, start: Start) -> None:
        super().__init__(ws, start)
        self._target = b"" if start.stored else start.record
        self.record = start.record if start.stored else b""

    def unsaved(self, ws: Workspace, values: dict[str, Any]) -> notes.Unsaved:
        """The journal remembers which note it belongs to."""
        return notes.Unsaved(
            self.note.person, self.record or self._target, {**values, KIND: self.kind}, ws.clock.now_ms()
        )

    async def save(self, values: dict[str, Any]) -> bool:
        """An unsigned addendum."""
        text, reason = str(values.get("text") or ""), str(values.get("reason") or "")
        if self.record:
            await self.desk.write(notes.revise_addendum, self.record, text=text, reason=reason, slot=self.note.slot)
        else:
            saved = await self.desk.write(notes.addend, self._target, text=text, reason=reason, slot=self.note.slot)
            self.record = saved.record
        self.saved_now()
        return False

    async def findings(self) -> Sequence[Finding]:
        """What the rules say."""
        document = ADDENDUM.parse(self.form.values())
        return ADDENDUM.findings(document, notes.context(self.desk.subject))
