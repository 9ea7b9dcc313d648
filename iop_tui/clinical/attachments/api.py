"""What other slices, screens and commands may use of attachments."""

from __future__ import annotations

from iop_tui.clinical.attachments.checking import findings
from iop_tui.clinical.attachments.copies import Copy, copy_of
from iop_tui.clinical.attachments.fetching import AttachmentLine, asked_for, fetch, lines, tidy_here, wishes
from iop_tui.clinical.attachments.keeping import Kept, documents, kept, pin, want
from iop_tui.clinical.attachments.manifest import parts
from iop_tui.clinical.attachments.model import ATTACHMENT, LARGEST, WHAT, Attachment
from iop_tui.clinical.attachments.placing import OWN, PLACES, home, open_places
from iop_tui.clinical.attachments.service import (
    Attached,
    Opened,
    Order,
    PartsMissing,
    Sealed,
    attach,
    check,
    finish,
    give_up,
    open_file,
    read,
    seal,
    seal_file,
    store,
    who_has,
)
from iop_tui.clinical.attachments.sniffing import ending, is_readable
from iop_tui.clinical.attachments.sources import look, opened

__all__ = [
    "ATTACHMENT", "LARGEST", "OWN", "PLACES", "WHAT", "Attached", "Attachment", "AttachmentLine", "Copy", "Kept",
    "Opened", "Order", "PartsMissing", "Sealed", "asked_for", "attach", "check", "copy_of", "documents", "ending",
    "fetch", "findings", "finish", "give_up", "home", "is_readable", "kept", "lines", "look", "open_file",
    "open_places", "opened", "parts", "pin", "read", "seal", "seal_file", "store", "tidy_here", "want", "who_has",
    "wishes",
]  # fmt: skip
