"""What other slices may use of notes."""

from __future__ import annotations

from iop_tui.clinical.notes.company import GROUP, NOBODY
from iop_tui.clinical.notes.links import ObjectiveState, number_of, resolve
from iop_tui.clinical.notes.model import PROGRESS_NOTE, SERVICE_LINE, ProgressNote, ServiceLine
from iop_tui.clinical.notes.overlaps import overlaps
from iop_tui.clinical.notes.private import PRIVATE_KINDS
from iop_tui.clinical.notes.queries import (
    citations,
    group_members,
    last_signed,
    service_days,
    services_given,
    sessions_of,
)
from iop_tui.clinical.notes.service import after_signing
from iop_tui.clinical.notes.similarity import WARN_AT, similarity
from iop_tui.clinical.notes.thread import Thread, check, prepare, text_of

__all__ = [
    "GROUP",
    "NOBODY",
    "PRIVATE_KINDS",
    "PROGRESS_NOTE",
    "SERVICE_LINE",
    "WARN_AT",
    "ObjectiveState",
    "ProgressNote",
    "ServiceLine",
    "Thread",
    "after_signing",
    "check",
    "citations",
    "group_members",
    "last_signed",
    "number_of",
    "overlaps",
    "prepare",
    "resolve",
    "service_days",
    "services_given",
    "sessions_of",
    "similarity",
    "text_of",
]
