"""The documents about substances. Pure."""

from __future__ import annotations

from typing import Any

from iop_tui.clinical.toxicology.followback import FOLLOWBACK
from iop_tui.clinical.toxicology.lapses import LAPSE
from iop_tui.clinical.toxicology.naloxone import NALOXONE
from iop_tui.clinical.toxicology.testing import DRUG_SCREEN
from iop_tui.kernel.declare import DocumentType

TYPES: tuple[DocumentType[Any], ...] = (LAPSE, FOLLOWBACK, DRUG_SCREEN, NALOXONE)
