"""What the editors of notes share: the journal, and the way to a signature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.screens.panel import condensed
from iop_tui.clinical.notes.starting import KIND, Start
from iop_tui.clinical.notes.thread import Thread
from iop_tui.clinical.signing.api import Saved
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import DocumentType, Finding, Severity
from iop_tui.store.views.view import Changes
from iop_tui.ui.forms.editpage import JournalForm, when
from iop_tui.ui.forms.review import Review, freshly
from iop_tui.ui.page import Desk
from iop_tui.workspace import Workspace, unsaved


@dataclass(frozen=True, slots=True)
class Charting:
    """What the editors ask of charting, which knows plan, rule packs and licences. Given by whoever opens them:
    slices below do not reach up.
    """

    thread: Callable[..., Thread]
    save: Callable[..., Saved]
    sign: Callable[..., Changes]
    findings: Callable[..., tuple[Finding, ...]]


async def sign(
    page: Any, desk: Desk[Workspace], records: Sequence[bytes], act: Callable[..., Changes] = notes.sign
) -> bool:
    """Sign; ask for the passphrase where it was not given lately. Whether it was signed. Raises other refusals."""
    return await freshly(
        page, lambda: desk.write(act, records), lambda phrase: desk.keep(Workspace.confirm, phrase),
        why="Signing needs your passphrase.",
    )  # fmt: skip


class Writing(JournalForm):
    """Base of the editors of notes."""

    places: ClassVar[tuple[str, ...]] = ("editor", "form")
    commands: ClassVar[Sequence[tuple[str, str]]] = (
        ("s", "save"), ("i", "go on"), ("r", "review, sign"), ("d", "discard"), ("q", "leave"),
    )  # fmt: skip
    kind: ClassVar[DocumentType[Any]]
    journal = unsaved

    def __init__(self, ws: Workspace, start: Start, charting: Charting) -> None:
        self.note, self.charting = start, charting
        self.record = start.record
        super().__init__(self.kind.fields(), start.values, today=local_date(ws.clock.now_ms()), first=start.first)

    def on_mount(self) -> None:
        """Say whose it is, and what was restored."""
        super().on_mount()
        self.retitle(f"{self.heading}: {self.note.name}", self.stage())
        if self.note.restored_at_ms:
            self.app.notify("Your unsaved text is back. Save it, or discard it from the command row.")

    def stage(self) -> str:
        """The right side of the title."""
        return "unsaved text restored" if self.note.restored_at_ms else "draft" if self.record else "new"

    # -- the journal -----------------------------------------------------------------------------

    def slot(self) -> bytes:
        """The note's."""
        return self.note.slot

    def held(self, values: dict[str, Any], at_ms: int) -> unsaved.Unsaved:
        """The fields, and what they belong to."""
        return unsaved.Unsaved(self.note.person, self.journaled(), {**values, KIND: self.kind.kind}, at_ms)

    def journaled(self) -> bytes:
        """The record that unsaved text belongs to."""
        return self.record

    def saved_now(self) -> None:
        """Say when."""
        self.stored()
        self.note = replace(self.note, restored_at_ms=0)
        self.retitle(context=self.stage())
        self.shell.set_status("draft", f"draft saved {when(self.desk.subject.clock.now_ms)}")

    # -- saving and signing ----------------------------------------------------------------------

    async def save(self, values: dict[str, Any]) -> bool:
        """An unsigned revision."""
        document = self.kind.parse(values)
        saved = await self.desk.write(
            self.charting.save, self.note.person, self.kind, document, record=self.record or None, slot=self.note.slot
        )
        self.record = saved.record
        self.saved_now()
        return False

    def action_review(self) -> None:
        """Save, say what is missing, sign."""
        self.start(self._review, group="save")

    async def _review(self) -> None:
        with self.shell.holding():
            if not await self.save_draft():
                return
            findings = await self.findings()
        review = Review(f"Sign for {self.note.name}?", condensed(findings), said=self.read_back())
        if not await self.app.push_screen_wait(review):
            self._to_first(findings)
            return
        if await sign(self, self.desk, [self.record], self.charting.sign):
            self._done = True
            self.shell.set_status("draft", "")
            self.app.notify("Signed.")
            self.go("back")

    def read_back(self) -> Sequence[str]:
        """Hook: answers that the dialog before the signature says in words."""
        return ()

    def _to_first(self, findings: Sequence[Finding]) -> None:
        missing = [item for item in findings if item.severity is Severity.REFUSE and item.field]
        if missing:
            self.form.show_errors({item.field: item.message for item in reversed(missing)})

    async def findings(self) -> Sequence[Finding]:
        """What every rule says of the text as it stands."""
        document = self.kind.parse(self.form.values())
        return await self.desk.read(self.charting.findings, self.note.person, self.kind, document, self.record)
