"""Reading one record: logged before it is shown, verified, with signatures, corrections, addenda and its readers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from textual.widget import Widget

from iop_tui.access.policy import Kind
from iop_tui.clinical.notes import formats
from iop_tui.clinical.signing import service as signatures
from iop_tui.clinical.signing.model import VOID_REASONS
from iop_tui.kernel.errors import NotFound
from iop_tui.kernel.text import clean
from iop_tui.shell.charting.copies import give_copy
from iop_tui.shell.charting.signing import review_and_sign, with_passphrase
from iop_tui.shell.screens.recordparts import Opened, lines, open_record
from iop_tui.store.views.view import Changes
from iop_tui.ui.ask import AskLine
from iop_tui.ui.frame.helpscreen import field_help
from iop_tui.ui.page import Page
from iop_tui.ui.text.readview import HEADING, ReadView

__all__ = ["Opened", "RecordPage", "lines", "open_record"]
RECEIVED_LIMIT = 200_000
"""Characters of a received record shown at most; all of it comes with `iop-tui show --received`."""
NOT_CORRECTED = ("addendum", "amendment", "void", "client_signature")
"""What stands beside a document is not corrected: the document is."""


class RecordPage(Page):
    """One record to read."""

    heading = "Record"
    places: ClassVar[tuple[str, ...]] = ("record", "reader", "back", "find")

    def __init__(self, opened: Opened, form: str = formats.DEFAULT) -> None:
        super().__init__()
        self.opened = opened
        self._form = form if form in formats.FORMATS else formats.DEFAULT
        self._mode = ""

    @property
    def record(self) -> bytes:
        """The record's id."""
        return self.opened.view.line.id

    def content(self) -> Iterable[Widget]:
        """The page."""
        yield ReadView()

    def on_mount(self) -> None:
        """Show it."""
        super().on_mount()
        self._show()
        self.query_one(ReadView).focus()

    def _show(self) -> None:
        view = self.opened.view
        day = f" of {view.line.service_date}" if view.line.service_date else ""
        self.retitle(f"{view.line.label}{day}", self.opened.name)
        self.query_one(ReadView).show((), lines(self.opened, self._form))

    # -- what can be done ------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim what does not fit this record; pressing it says why."""
        del parameters
        line, own, void = self.opened.view.line, self.opened.own, bool(self.opened.beside.void)
        draft = line.status == "draft" and own and not void
        signed = line.status == "signed" and not void
        main = line.kind not in NOT_CORRECTED
        kind = self.opened.view.type
        fits = {
            "edit_record": draft or (own and line.status == "kept" and kind is not None and not kind.signable),
            "sign_record": draft,
            "add_addendum": signed and line.kind == "progress_note",
            "correct": signed and own and main,
            "format": line.kind == "progress_note",
            "withdraw": own and not void and kind is not None and kind.signable and line.kind != "void",
            "client_signs": signed and main and line.compartment_kind != Kind.JNT,
            "show_received": bool(self.opened.view.received),
            "give_copy": not draft,
            "decide": line.conflict and not signed,
            "send_letter": signed and line.kind == "letter",
        }.get(action, True)
        return bool(fits)

    def action_copy_text(self) -> None:
        """The record's text into the program's own clipboard; it keeps its label."""
        view = self.opened.view
        if view.document is None or view.type is None:
            self.app.notify("There is nothing to copy.", severity="warning")
            return
        shown = [text for info, text in view.type.shown(view.document) if info.search and not info.choices and text]
        self.app.copy_to_clipboard("\n".join(shown))
        self.app.notify("Copied inside the program, with its label. Nothing goes to the system's clipboard.")

    def action_edit_record(self) -> None:
        """Go on writing."""
        self.go("draft", self.record, how="instead")

    def action_add_addendum(self) -> None:
        """Add to a signed note."""
        self.go("addendum", self.record)

    def action_sign_record(self) -> None:
        """Review and sign."""
        line = self.opened.view.line
        named = [(self.record, f"{line.label.lower()} of {self.opened.name}")]
        self.start(review_and_sign, self, named, group="save")

    def action_versions(self) -> None:
        """What was changed when, side by side."""
        self.go("versions", self.record)

    def action_correct(self) -> None:
        """A correction beside the signed text."""
        self.go("amend", self.record)

    def action_client_signs(self) -> None:
        """Record the client's signature."""
        self.go("clientsign", self.record)

    def action_decide(self) -> None:
        """Two versions side by side."""
        self.go("merge", self.record)

    def action_give_copy(self) -> None:
        """A copy on paper or as a file for the person it is about."""
        self.start(give_copy, self, self.record, self.opened.view.document, group="save")

    def action_withdraw(self) -> None:
        """Withdraw the document with a reason; it stays readable, marked as void."""
        self.start(self._withdraw, group="save")

    async def _withdraw(self) -> None:
        label = self.opened.view.line.label.lower()
        consequence = "It stays in the record for ever, marked as void with your reason, and counts for nothing."
        answer = await self.app.push_screen_wait(
            AskLine(f"Withdraw this {label}?", consequence, "Explanation", choices=VOID_REASONS, done="withdraw")
        )
        if answer is None:
            return
        reason, explanation = answer

        async def act() -> None:
            await self.desk.write(signatures.void, self.record, reason=reason, explanation=explanation)

        if await with_passphrase(self, act, "Withdrawing is signed: your passphrase."):
            self.app.notify("Withdrawn. It stays readable, marked as void.")

    def action_send_letter(self) -> None:
        """A signed letter into a file, on the consent it names."""
        from iop_tui.shell.charting.copies import send_letter

        self.start(send_letter, self, self.record, group="save")

    def action_show_received(self) -> None:
        """As received, or back to the record."""
        self._switch("received", self._show_received)

    def _switch(self, mode: str, show: Any) -> None:
        self._mode = "" if self._mode == mode else mode
        if self._mode:
            self.start(show, group="show", exclusive=True)
        else:
            self._show()

    async def _show_received(self) -> None:
        text = clean(self.opened.view.received[:RECEIVED_LIMIT].decode(errors="replace"))
        self.query_one(ReadView).show((), [("", "As received", HEADING), ("", text, "text")])

    def action_format(self) -> None:
        """A progress note under the next format's headings; remembered."""
        self._form = formats.following(self._form)
        self._show()
        self.go("set", how=f"note_format={self._form}")

    def action_back(self) -> None:
        """From a side view to the record, from there out."""
        if self._mode:
            self._mode = ""
            self._show()
        else:
            super().action_back()

    # -- news ------------------------------------------------------------------------------------

    def concerns(self, result: Any) -> bool:
        """Only what changed this record or its person's others."""
        changes = getattr(result, "changes", result)
        return isinstance(changes, Changes) and (
            self.record in changes.records or self.opened.view.line.person in changes.persons
        )

    def reload(self) -> None:
        """Read it again."""
        self.start(self._again, group="show", exclusive=True)

    async def _again(self) -> None:
        try:
            self.opened = await self.desk.keep(open_record, self.record)
        except NotFound:
            self._close_ended()
            return
        self._show()
        self.refresh_bindings()

    def _close_ended(self) -> None:
        """What was shared ended while it was on screen: its words go at once, then the page."""
        self.query_one(ReadView).show((), [("", "The share ended: this is no longer yours to read.", HEADING)])
        if self.is_current:
            self.app.notify("The share ended: this record is no longer yours to read.", severity="warning")
            super().action_back()

    def help_sections(self) -> Iterable[tuple[str, Iterable[tuple[str, str]]]]:
        """The fields of the document."""
        kind = self.opened.view.type
        return ((kind.label, field_help(kind.fields())),) if kind is not None else ()
