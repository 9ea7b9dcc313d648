"""What other slices may ask about a person."""

from __future__ import annotations

from iop_tui.clinical.people.duplicates import Pair, linked, open_pairs
from iop_tui.clinical.people.model import PERSON, Person
from iop_tui.clinical.people.service import Header, add_person, assign, entry, header

__all__ = ["PERSON", "Header", "Pair", "Person", "add_person", "assign", "entry", "header", "linked", "open_pairs"]
