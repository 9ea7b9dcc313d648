"""What is injected at the composition root, and what a new user takes away."""

from __future__ import annotations

from dataclasses import dataclass, field

from iop_tui.access import breakglass, charts
from iop_tui.kernel.clock import Clock, SystemClock
from iop_tui.kernel.declare import Document, DocumentType, Registry
from iop_tui.kernel.rng import Rng, SystemRng
from iop_tui.vault import kdf, slots

DATABASE, VIEWS = "vault.db", "views"
ISSUER = "iop-tui"
FRESH_SECONDS = 5 * 60


@dataclass(frozen=True, slots=True)
class Environment:
    """What is injected: time, randomness, the cost of the passphrase, the declared documents.

    `code_clock` serves one-time codes and is never moved by `--now`.
    """

    types: tuple[DocumentType[Document], ...]
    clock: Clock = field(default_factory=SystemClock)
    code_clock: Clock = field(default_factory=SystemClock)
    rng: Rng = field(default_factory=SystemRng)
    kdf: kdf.Kdf = field(default_factory=kdf.ProductionKdf)
    use_keyring: bool = False

    def registry(self) -> Registry:
        """All document kinds: those of the slices and those of access."""
        return Registry((*charts.TYPES, breakglass.ON_CALL_ENTRY, *self.types))


@dataclass(frozen=True, slots=True)
class NewUser:
    """What a new user takes away: the code for their phone and the kit for their drawer."""

    user: bytes
    totp_uri: str
    kit: str
    secrets: slots.UserSecrets
    name: str = ""
