"""What other slices may ask about a person."""

from __future__ import annotations

from iop_tui.clinical.people.service import Header, header

__all__ = ["Header", "header"]
