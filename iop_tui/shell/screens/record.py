"""Reading one record: logged before it is shown, verified, with signatures, addenda and who else could read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from textual.widget import Widget

from iop_tui.access.explain import Reader, explain
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.screens import Review, sign
from iop_tui.clinical.people import service as people
from iop_tui.clinical.records import api as records
from iop_tui.kernel.declare import Finding
from iop_tui.kernel.errors import NotFound
from iop_tui.kernel.text import clean
from iop_tui.store.view import Changes
from iop_tui.ui.helpscreen import field_help
from iop_tui.ui.page import Page
from iop_tui.ui.readview import HEADING, ReadView
from iop_tui.workspace import Workspace

RECEIVED_LIMIT = 200_000
"""Characters of a received record shown at most; all of it comes with `iop-tui show --received`."""
_WORDS = {
    "draft": ("unsigned draft", "warn"),
    "signed": ("signed", "text"),
    "newer": ("written by a newer program", "warn"),
}
Triple = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Opened:
    """A record and what is shown with it."""

    view: records.RecordView
    name: str
    addenda: tuple[records.RecordView, ...]
    own: bool


def open_record(ws: Workspace, record: bytes) -> Opened:
    """Read a record and its addenda; each is logged. Raises `NotFound`, `VaultDamaged`."""
    view = records.read(ws, record)
    addenda = (
        tuple(records.read(ws, line.id) for line in notes.addenda(ws, record))
        if view.line.kind == "progress_note"
        else ()
    )
    try:
        name = people.header(ws, view.line.person).name
    except NotFound:
        name = ""
    return Opened(view, name, addenda, view.line.author == ws.user.user)


def lines(opened: Opened) -> list[Triple]:
    """The page: state, signatures, fields, addenda."""
    view = opened.view
    word, tone = _WORDS.get(view.line.status, ("", "text"))
    found: list[Triple] = [("", view.line.label, HEADING)]
    found += [("State", word, tone)] if word else []
    if view.line.conflict:
        found.append(("State", "! two versions; the newer one is shown", "danger"))
    found.append(("Written by", f"{view.line.author_name}{_when(view.line)}", "text"))
    found += [("Signed", _signature(item), "text") for item in view.signatures]
    if opened.addenda:
        found.append(("Addenda", f"{len(opened.addenda)}, at the end", "accent"))
    if view.source:
        found.append(("Source", view.source, "dim"))
    found += [("", "Content", HEADING), *_body(view)]
    for item in opened.addenda:
        state = "" if item.line.status == "signed" else " (unsigned)"
        found.append(("", f"Addendum of {item.line.service_date} by {item.line.author_name}{state}", HEADING))
        found += [*_body(item), *(("Signed", _signature(each), "text") for each in item.signatures)]
    return found


def _when(line: records.RecordLine) -> str:
    return f", {line.service_date}" if line.service_date else ""


def _signature(item: records.SignatureView) -> str:
    return f"{item.name}, {item.role}, as {item.meaning}, by {item.method}, {item.at.replace('T', ' ').rstrip('Z')} UTC"


def _body(view: records.RecordView) -> list[Triple]:
    if view.document is None or view.type is None:
        return [("", "This program cannot show this kind of record yet.", "dim")]
    return [(info.label, text, "text") for info, text in view.type.shown(view.document) if text]


def reader_lines(readers: list[Reader]) -> list[Triple]:
    """Who could read it, with the rule."""
    found: list[Triple] = [("", "Who could read this, from the keys that are given out", HEADING)]
    for item in readers:
        until = f" until {item.until}" if item.until else ""
        found.append(
            (
                item.name,
                f"{', '.join(item.roles)}; {item.via} by {item.act}, {item.rule}, since {item.since[:10]}{until}",
                "text",
            )
        )
    return found


class RecordPage(Page):
    """One record to read."""

    heading = "Record"
    places = ("record", "back", "find")

    def __init__(self, opened: Opened) -> None:
        super().__init__()
        self.opened = opened
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
        self.query_one(ReadView).show((), lines(self.opened))

    # -- what can be done ------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim what does not fit this record; pressing it says why."""
        del parameters
        line, own = self.opened.view.line, self.opened.own
        draft = line.status == "draft" and own
        fits = {
            "edit_record": draft,
            "sign_record": draft,
            "add_addendum": line.status == "signed" and line.kind == "progress_note",
            "show_received": bool(self.opened.view.received),
        }.get(action, True)
        return bool(fits)

    def action_edit_record(self) -> None:
        """Go on writing."""
        self.go("draft", self.record, how="instead")

    def action_add_addendum(self) -> None:
        """Add to a signed note."""
        self.go("addendum", self.record)

    def action_sign_record(self) -> None:
        """Review and sign."""
        self.start(self._sign, group="save")

    async def _sign(self) -> None:
        if await self.app.push_screen_wait(Review(f"Sign for {self.opened.name}?", self._findings())) and await sign(
            self, self.desk, [self.record]
        ):
            self.app.notify("Signed.")

    def _findings(self) -> tuple[Finding, ...]:
        view = self.opened.view
        if view.type is None or view.document is None:
            return ()
        return view.type.findings(view.document, notes.context(self.desk.subject))

    def action_who_reads(self) -> None:
        """Who could read this, or back to the record."""
        self._switch("who", self._show_readers)

    def action_show_received(self) -> None:
        """As received, or back to the record."""
        self._switch("received", self._show_received)

    def _switch(self, mode: str, show: Any) -> None:
        self._mode = "" if self._mode == mode else mode
        if self._mode:
            self.start(show, group="show", exclusive=True)
        else:
            self._show()

    async def _show_readers(self) -> None:
        readers = await self.desk.read(_explain, self.record)
        self.query_one(ReadView).show((), reader_lines(readers))

    async def _show_received(self) -> None:
        text = clean(self.opened.view.received[:RECEIVED_LIMIT].decode(errors="replace"))
        self.query_one(ReadView).show((), [("", "As received", HEADING), ("", text, "text")])

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
        self.opened = await self.desk.keep(open_record, self.record)
        self._show()
        self.refresh_bindings()

    def help_sections(self) -> Iterable[tuple[str, Iterable[tuple[str, str]]]]:
        """The fields of the document."""
        kind = self.opened.view.type
        return ((kind.label, field_help(kind.fields())),) if kind is not None else ()


def _explain(ws: Workspace, record: bytes) -> list[Reader]:
    return explain(ws.session, record)
