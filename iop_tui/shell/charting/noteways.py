"""Ways to the editors of notes, with what they ask of charting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iop_tui.ui.page import Page

if TYPE_CHECKING:
    from iop_tui.clinical.notes.starting import Start
    from iop_tui.shell.app import IopApp


def editor(app: IopApp, start: Start) -> Page:
    """The page a note of this kind is written on."""
    from iop_tui.clinical.charting import service
    from iop_tui.clinical.notes.formats import DEFAULT, FORMATS
    from iop_tui.clinical.notes.screens import EDITORS, Charting, NoteEditor

    charting = Charting(service.thread, service.save, service.sign, service.findings)
    made = EDITORS[start.kind]
    if made is NoteEditor:
        chosen = app.config.note_format
        return NoteEditor(app.ws, start, charting, form=chosen if chosen in FORMATS else DEFAULT)
    return made(app.ws, start, charting)


async def private(app: IopApp, person: bytes) -> Page:
    """A private note about a person: unsaved text first, else a new one."""
    from iop_tui.clinical.notes import starting
    from iop_tui.clinical.notes.private import PRIVATE_KINDS

    kept = await app.desk.read(starting.unsaved)
    waiting = [line for line in kept if line.person == person and line.kind in PRIVATE_KINDS]
    if waiting:
        return editor(app, await app.desk.keep(starting.restore, waiting[0].slot))
    return editor(app, await app.desk.keep(starting.private, person))
