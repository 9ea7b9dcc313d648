"""Attaching a file: one form, judged before a byte is read. What is typed here is kept nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from iop_tui.access.policy import Kind
from iop_tui.clinical.attachments import api as attachments
from iop_tui.clinical.attachments.api import Attachment, Order
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import Document, F, FieldInfo, Widget, fields_of
from iop_tui.kernel.errors import InputRejected
from iop_tui.kernel.paths import typed
from iop_tui.ui.forms.editpage import EditPage
from iop_tui.workspace import Workspace

PARTS = {
    attachments.OWN: "Your own charting", Kind.DIR: "Directory entry: care team and front desk",
    Kind.MED: "Medical part", Kind.CRISIS: "Crisis part", Kind.PAY: "Billing", Kind.PSY: "Private: you alone",
    Kind.SAFE: "Kept apart for safety: you alone", Kind.JNT: "Joint record of the couple",
    Kind.HOLD: "Held for this person: you alone",
}  # fmt: skip
"""What a part of the record is called where a file is put into it."""
NEEDED = {
    "file": "Give the path of the file.", "title": "Give it a title.", "what": "Choose what it is.",
    "on": "Give the day that stands on it.",
}  # fmt: skip


class Asked(Document, frozen=True, kw_only=True):
    """What the form asks beside what is kept with the file."""

    file: Annotated[
        str, F("File", required=True, widget=Widget.LINE, max_length=4000,
               help="Its path. It is read and sealed; the file itself stays where it is. At most 200 MB."),
    ] = ""  # fmt: skip
    part: Annotated[
        str, F("Part of the record", required=True, help="Who reads that part of the record reads the file.")
    ] = ""


@dataclass(frozen=True, slots=True)
class Start:
    """Whose record, and into which parts of it this user may put a file."""

    subject: bytes
    name: str
    places: tuple[str, ...]


def begin(ws: Workspace, subject: bytes, name: str) -> Start:
    """The form for a person or a couple. Raises what speaks against it where no part is open (audited), `NotFound`."""
    places = attachments.open_places(ws, subject)
    if not places:
        attachments.check(ws, Order(subject, "-", attachments.WHAT[-1], signing.today(ws), place=_usual(ws, subject)))
    return Start(subject, name, places)


def _usual(ws: Workspace, subject: bytes) -> str:
    """The part that this user would have been meant to write: for the words of the refusal."""
    if subject in couples.names(ws):
        return Kind.JNT
    pair = couples.couple_of(ws, subject)
    return Kind.HOLD if pair is not None and pair.therapist == ws.user.user else attachments.OWN


def form_fields(places: tuple[str, ...]) -> tuple[FieldInfo, ...]:
    """File, title, what it is, date, from, and the part of the record where there is a choice."""
    file, part = fields_of(Asked)
    own = {info.name: info for info in fields_of(Attachment)}
    asked = (file, own["title"], own["what"], own["on"], own["sender"])
    return (*asked, replace(part, choices=tuple(PARTS[place] for place in places))) if len(places) > 1 else asked


Take = Callable[[Path, Order, signing.Home], None]


class AttachForm(EditPage):
    """The file, and what it is. `take` is called once with what is to be read; then the form is gone."""

    heading = "Attach a file"
    places = ("attachform", "form")
    commands = (("s", "attach"), ("i", "go on"), ("q", "leave"))
    promise = "nothing is kept before it is attached"

    def __init__(self, ws: Workspace, begun: Start, take: Take) -> None:
        self.begun, self._take = begun, take
        today = signing.today(ws)
        values = {"file": "", "title": "", "what": "", "on": today.isoformat(), "sender": "",
                  "part": PARTS[begun.places[0]]}  # fmt: skip
        super().__init__(form_fields(begun.places), values, today=today, first="file")

    def on_mount(self) -> None:
        """Say to whose record."""
        super().on_mount()
        self.retitle(f"{self.heading}: {self.begun.name}", "" if len(self.begun.places) > 1 else self.part)

    @property
    def place(self) -> str:
        """The part of the record that is chosen."""
        chosen = self.form.values().get("part")
        return next((place for place in self.begun.places if PARTS[place] == chosen), self.begun.places[0])

    @property
    def part(self) -> str:
        """The same in words."""
        return PARTS[self.place]

    async def save(self, values: dict[str, Any]) -> bool:
        """Hand it over, or say beside the field what is wrong with it. Raises what the rules refuse."""
        wrong = {name: says for name, says in NEEDED.items() if not str(values.get(name) or "").strip()}
        path = typed(str(values["file"])) if "file" not in wrong else None
        if path is not None:
            wrong |= await asyncio.to_thread(_wrong_with, path)
        day = date.fromisoformat(str(values["on"])) if "on" not in wrong else None
        if day is not None and day > signing.today(self.desk.subject):
            wrong["on"] = "The date lies in the future."
        if wrong or path is None or day is None:
            self.form.show_errors(wrong)
            return False
        order = Order(self.begun.subject, values["title"].strip(), values["what"], day,
                      str(values["sender"] or "").strip(), self.place)  # fmt: skip
        self._take(path, order, await self.desk.keep(attachments.check, order))
        return True


def _wrong_with(path: Path) -> dict[str, str]:
    try:
        attachments.look(path)
    except InputRejected as error:
        return {"file": f"{error.message} {error.hint}"}
    return {}
