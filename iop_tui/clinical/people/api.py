"""What other slices may ask about a person."""

from __future__ import annotations

from iop_tui.clinical.people.model import PERSON, Person
from iop_tui.clinical.people.service import Header, add_person, entry, header

__all__ = ["PERSON", "Header", "Person", "add_person", "entry", "header"]
