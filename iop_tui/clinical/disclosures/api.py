"""What other slices may use of the ledger."""

from __future__ import annotations

from iop_tui.clinical.disclosures.model import (
    BASES,
    CONSENT,
    DISCLOSURE,
    EMERGENCY,
    METHODS,
    OPERATIONS,
    ORDER,
    REPORT,
    REQUEST,
    Disclosure,
)
from iop_tui.clinical.disclosures.service import CLOSING, Accounting, Place, Row, accounting, record, rows

__all__ = [
    "BASES",
    "CLOSING",
    "CONSENT",
    "DISCLOSURE",
    "EMERGENCY",
    "METHODS",
    "OPERATIONS",
    "ORDER",
    "REPORT",
    "REQUEST",
    "Accounting",
    "Disclosure",
    "Place",
    "Row",
    "accounting",
    "record",
    "rows",
]
