"""Cheap slots and a `vault.head` for the vault's tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from iop_tui.kernel.rng import SeededRng
from iop_tui.kernel.secret import Secret
from iop_tui.vault import headfile, recovery, signing, slots
from iop_tui.vault.kdf import LightKdf

PASSPHRASE = b"quiet otters juggle seven lamps"


@dataclass(frozen=True)
class Member:
    """A user's slot with everything that went into it."""

    vault_id: bytes
    secrets: slots.UserSecrets
    keys: slots.VaultKeys
    kit: Secret
    slot: slots.Slot

    @staticmethod
    def passphrase() -> bytearray:
        return bytearray(PASSPHRASE)


def make_member(seed: int = 1, name: str = "Ann Example", device_secret: Secret | None = None) -> Member:
    rng = SeededRng(seed)
    vault_id = SeededRng(0).token(16)
    secrets, kit = slots.new_secrets(rng), recovery.new_kit_key(rng)
    keys = slots.VaultKeys(Secret(rng.token(32)), Secret(rng.token(32)))
    slot = slots.make_slot(
        vault_id=vault_id, user_id=rng.token(16), device_id=rng.token(16), name=name, secrets=secrets,
        passphrase=bytearray(PASSPHRASE), kdf=LightKdf(), rng=rng, device_secret=device_secret, kit_key=kit, keys=keys,
    )
    return Member(vault_id, secrets, keys, kit, slot)


@dataclass(frozen=True)
class Head:
    """A `vault.head` with one user, and the means to write signed heads into it."""

    path: Path
    header: headfile.Header
    device: signing.SigningKey

    def signed(self, seq: int) -> headfile.SignedHead:
        return headfile.SignedHead(
            vault_id=self.header.vault_id, device_id=self.header.slots[0].device_id, seq=seq, audit_seq=seq,
            audit_hash=bytes([seq % 256]) * 32, revisions=2 * seq, acts=seq, journal_digest=b"",
            header_digest=headfile.header_digest(self.header), at_ms=1_700_000_000_000 + seq,
        )
