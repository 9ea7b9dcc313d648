"""The parts of attachments in the complete check: what is missing here, what is damaged, and who has it."""

from __future__ import annotations

from collections.abc import Callable

from iop_tui.clinical.attachments import keeping, manifest, service
from iop_tui.clinical.attachments.model import Attachment
from iop_tui.kernel.errors import Cancelled, IopError, VaultDamaged
from iop_tui.kernel.ids import show_id
from iop_tui.store.check import CheckFinding
from iop_tui.store.chunks import FOLDER, ChunkStore
from iop_tui.workspace import Workspace

Progress = Callable[[int, int], None]


def findings(
    ws: Workspace, *, deep: bool = False, progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[CheckFinding]:  # fmt: skip
    """What does not fit. An attachment that was made here and lacks parts is an alarm; one from elsewhere is fetched
    when it is opened, and is told where somebody asked for it. With `deep` every part is read and compared with its
    name, those nobody here can open included, and each whole file with its digest. Raises `Cancelled`.
    """
    here = service.store(ws)
    found = _unsound(here, progress, cancelled) if deep else []
    for record, document in keeping.documents(ws):
        found += _file(ws, here, record, document, deep)
    return found


def _unsound(here: ChunkStore, progress: Progress | None, cancelled: Callable[[], bool]) -> list[CheckFinding]:
    names, found = here.names(), list[CheckFinding]()
    for number, name in enumerate(names, 1):
        if cancelled():
            raise Cancelled("The check was stopped; it starts again at the next unlock.")
        if here.sound(name) is None:
            what = "A part of an attachment is damaged and was set aside; the next exchange fetches it"
            found.append(CheckFinding(what, f"{FOLDER} {name}", alarm=False))
        if progress is not None:
            progress(number, len(names))
    return found


def _file(ws: Workspace, here: ChunkStore, record: bytes, document: Attachment, deep: bool) -> list[CheckFinding]:
    where = f"{FOLDER} record {show_id(record)}"
    try:
        names = manifest.parts(document)
        manifest.blob(document, ws.realm)
    except VaultDamaged as error:
        return [CheckFinding(error.message.rstrip("."), where)]
    lacking = sum(not here.has(name) for name in names)
    if not lacking:
        return _content(ws, here, document, where) if deep else []
    own, asked = service.attached_here(ws, record), keeping.kept(ws)
    if not own and record not in asked.wanted and _person(ws, record) not in asked.pinned:
        return []
    what = f"{lacking} of {len(names)} parts of an attachment are missing here. {service.who_has(ws, record)}"
    return [CheckFinding(what.rstrip("."), where, alarm=own)]


def _content(ws: Workspace, here: ChunkStore, document: Attachment, where: str) -> list[CheckFinding]:
    try:
        for _ in service.stream(here, document, ws.realm):
            pass
    except IopError as error:
        return [CheckFinding(error.message.rstrip("."), where)]
    return []


def _person(ws: Workspace, record: bytes) -> bytes:
    row = ws.view.one("SELECT person FROM record WHERE record = ?", (record,))
    return bytes(row[0]) if row else b""
