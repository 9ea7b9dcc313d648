"""What other slices may use of measures."""

from __future__ import annotations

from iop_tui.clinical.measures.definition import Definition
from iop_tui.clinical.measures.library import instrument, instruments
from iop_tui.clinical.measures.model import MEASURE, Measure
from iop_tui.clinical.measures.series import Event, Point, Series, events, names, series
from iop_tui.clinical.measures.service import due_of, last

__all__ = [
    "MEASURE",
    "Definition",
    "Event",
    "Measure",
    "Point",
    "Series",
    "due_of",
    "events",
    "instrument",
    "instruments",
    "last",
    "names",
    "series",
]
