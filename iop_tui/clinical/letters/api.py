"""What other slices may use of letters."""

from __future__ import annotations

from iop_tui.clinical.letters.minimum import NOTICE
from iop_tui.clinical.letters.model import COMMUNICATION, LETTER, TEMPLATES, Communication, Letter, addressee
from iop_tui.clinical.letters.templates import Facts, begin

__all__ = [
    "COMMUNICATION", "LETTER", "NOTICE", "TEMPLATES", "Communication", "Facts", "Letter", "addressee", "begin",
]  # fmt: skip
