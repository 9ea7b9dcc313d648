"""What other slices may use of substances."""

from __future__ import annotations

from iop_tui.clinical.toxicology.lapses import Lapse, Timeline, timeline
from iop_tui.clinical.toxicology.naloxone import Naloxone
from iop_tui.clinical.toxicology.service import (
    Event,
    beginning,
    facts,
    followbacks,
    forcing,
    lapses,
    naloxone,
    recovery,
    screens,
)
from iop_tui.clinical.toxicology.testing import DrugScreen, positive, windows_of
from iop_tui.clinical.toxicology.words import OVERDOSE_RISK, SUBSTANCES, dates, punitive

__all__ = [
    "OVERDOSE_RISK",
    "SUBSTANCES",
    "DrugScreen",
    "Event",
    "Lapse",
    "Naloxone",
    "Timeline",
    "beginning",
    "dates",
    "facts",
    "followbacks",
    "forcing",
    "lapses",
    "naloxone",
    "positive",
    "punitive",
    "recovery",
    "screens",
    "timeline",
    "windows_of",
]
