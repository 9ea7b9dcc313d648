"""Getting an attachment here: with the next exchange, or now, from one carrier; and the list of what there is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from iop_tui.clinical.attachments import keeping, service
from iop_tui.clinical.attachments.model import ATTACHMENT, Attachment
from iop_tui.clinical.records import api as records
from iop_tui.exchange.carrying import Budget
from iop_tui.exchange.chunks import MovedParts, Wishes
from iop_tui.workspace import Workspace, exchanging
from iop_tui.workspace.exchanging import RemoteLine


@dataclass(frozen=True, slots=True)
class AttachmentLine:
    """One attachment as lists show it. `parts` it has, `missing` of them here; a file is whole where that is 0."""

    record: records.RecordLine
    document: Attachment
    parts: int
    missing: int


def lines(ws: Workspace, subject: bytes) -> list[AttachmentLine]:
    """The attachments of a person or couple that this user can open, newest first."""
    here = service.store(ws)
    found = []
    for line in records.timeline(ws, subject, kinds=(ATTACHMENT.kind,), limit=1_000_000):
        document = keeping.known(ws, line.id)
        if document is not None:
            count = len(keeping.known_parts(document))
            found.append(AttachmentLine(line, document, count, len(keeping.lacking(here, document))))
    return found


def wishes(ws: Workspace, *, everything: bool = False) -> Wishes:
    """What an exchange is asked for in this user's name; `everything` also carries what nobody here can open."""
    here = service.store(ws)
    return Wishes(partial(keeping.wanted, ws, here), partial(keeping.order, ws), everything)


def fetch(ws: Workspace, record: bytes, line: RemoteLine, *, budget: Budget | None = None) -> MovedParts:
    """Fetch the parts of one attachment from a carrier now. What does not come is asked for at the next exchanges.

    Raises `NotFound`, `Refused`, `CarrierGone`, `MediumUnusable`, `DiskFull`, `Cancelled`; what came stays.
    """
    file = asked_for(ws, record)
    moved = exchanging.fetch_parts(ws, line, file, budget=budget) if file else MovedParts()
    tidy_here(ws)
    return moved


def asked_for(ws: Workspace, record: bytes) -> dict[str, int]:
    """The missing parts of an attachment and their sizes in bytes; from now on the exchanges are asked for them. Logged
    as a reading of the record. Raises `NotFound`, `Refused`.
    """
    _, document = service.read(ws, record)
    here = service.store(ws)
    file = keeping.lacking(here, document)
    if file:
        keeping.want(ws, here, record)
    return file


def tidy_here(ws: Workspace) -> None:
    """Forget what was asked for and is whole now."""
    keeping.tidy(ws, service.store(ws))
