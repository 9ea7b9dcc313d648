"""Attachments among what leaves: the bytes as a stream for the file that is written, or who has them where they are not
here. Nothing is logged here: who lets something leave writes the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from iop_tui.clinical.attachments import keeping, service
from iop_tui.clinical.attachments.model import Attachment
from iop_tui.clinical.attachments.sniffing import ending
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.ids import show_id
from iop_tui.kernel.streamed import Streamed
from iop_tui.workspace import Workspace

FOLDER = "attachments"


@dataclass(frozen=True, slots=True)
class Copy:
    """One attachment among what leaves: its file's name and content, or why that is missing and how many parts are."""

    name: str
    document: Attachment
    content: Streamed | None
    missing: str = ""
    lacking: int = 0


def copy_of(ws: Workspace, record: bytes) -> Copy | None:
    """The file behind a record; None for a record of another kind. Raises `NotFound`, `VaultDamaged`."""
    _, _, document = signing.opened_document(ws, record)
    if not isinstance(document, Attachment):
        return None
    here = service.store(ws)
    name = f"{FOLDER}/{show_id(record)}.{ending(document.media_type)}"
    lacking = len(keeping.lacking(here, document))
    if lacking:
        where = f"{lacking} parts of it are not on this device. {service.who_has(ws, record)}"
        return Copy(name, document, None, where, lacking)
    return Copy(
        name, document, Streamed(document.size, document.sha256, partial(service.stream, here, document, ws.realm))
    )
