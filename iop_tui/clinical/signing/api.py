"""What other slices may use of signing."""

from __future__ import annotations

from iop_tui.clinical.signing.cosign import Request, asked, queue, request
from iop_tui.clinical.signing.place import Home, home, place_for
from iop_tui.clinical.signing.service import (
    AUTHOR,
    COSIGN,
    PASSPHRASE,
    VOIDED,
    After,
    Judge,
    Saved,
    Signing,
    amendments,
    attach,
    cleaned,
    client_signatures,
    current,
    open_leaf,
    opened_document,
    plain_judge,
    save,
    sign,
    today,
    voided,
)

__all__ = [
    "AUTHOR",
    "COSIGN",
    "PASSPHRASE",
    "VOIDED",
    "After",
    "Home",
    "Judge",
    "Request",
    "Saved",
    "Signing",
    "amendments",
    "asked",
    "attach",
    "cleaned",
    "client_signatures",
    "current",
    "home",
    "open_leaf",
    "opened_document",
    "place_for",
    "plain_judge",
    "queue",
    "request",
    "save",
    "sign",
    "today",
    "voided",
]
