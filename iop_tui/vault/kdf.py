"""Passphrase to key: Argon2id (RFC 9106), with floors that no file, flag or variable can lower.

A vault file states the cost it was made with. The cost is checked against a floor and a ceiling
*before* any derivation: the floor stops a downgrade by whoever can write the file, the ceiling
stops a file that would fill the memory of the machine. The floor comes from the `Kdf` object that
the composition root injects, never from the file.
"""

from __future__ import annotations

import math
import time
from typing import Protocol

from argon2.low_level import Type, core, ffi

from iop_tui.kernel.errors import MediumUnusable, VaultDamaged
from iop_tui.kernel.secret import Secret
from iop_tui.vault.forms import KdfProfile

__all__ = [
    "CEILING", "FLOOR", "KEY_BYTES", "PRODUCTION", "SALT_BYTES", "Kdf", "KdfProfile", "LightKdf", "ProductionKdf",
    "calibrate", "check", "derive",
]

KEY_BYTES = 32
SALT_BYTES = 16
_ARGON2_VERSION = 0x13
_ARGON2_OK = 0
_MEMORY_ALLOCATION_ERROR = -22
_THREAD_FAIL = -33


PRODUCTION = KdfProfile(262_144, 3, 4)
"""What new vaults use: four times the memory of RFC 9106's second recommendation."""

FLOOR = KdfProfile(65_536, 3, 4)
"""RFC 9106, section 4, second recommended option: the least that a real vault may state."""

CEILING = KdfProfile(1_048_576, 10, 16)
"""The most a vault may ask of this machine: 1 GiB, 10 passes, 16 lanes."""

_LIGHT = KdfProfile(8_192, 1, 1)


class Kdf(Protocol):
    """The cost of new slots and the least cost accepted in existing ones; injected, never read from a file."""

    @property
    def profile(self) -> KdfProfile: ...

    @property
    def floor(self) -> KdfProfile: ...


class ProductionKdf:
    """The only one real programs use; `profile` may be raised (see `calibrate`) but never below `FLOOR`."""

    def __init__(self, profile: KdfProfile = PRODUCTION) -> None:
        check(profile, FLOOR)
        self._profile = profile

    @property
    def profile(self) -> KdfProfile:
        """The cost of new slots."""
        return self._profile

    @property
    def floor(self) -> KdfProfile:
        """The least cost accepted in a file."""
        return FLOOR


class LightKdf:
    """8 MiB and one pass, for automated tests only; constructed by name, reachable from no option."""

    @property
    def profile(self) -> KdfProfile:
        """The cost of new slots."""
        return _LIGHT

    @property
    def floor(self) -> KdfProfile:
        """The least cost accepted in a file."""
        return _LIGHT


def check(profile: KdfProfile, floor: KdfProfile = FLOOR) -> None:
    """Raise `VaultDamaged` unless floor ≤ profile ≤ `CEILING` in every part. Costs nothing; call before `derive`."""
    for label, value, low, high in (
        ("memory", profile.memory_kib, floor.memory_kib, CEILING.memory_kib),
        ("passes", profile.passes, floor.passes, CEILING.passes),
        ("lanes", profile.lanes, floor.lanes, CEILING.lanes),
    ):
        if not low <= value <= high:
            raise VaultDamaged(
                f"The key derivation cost in vault.head is outside what this program accepts ({label} {value}, "
                f"accepted {low} to {high}).",
                "Someone may have tampered with the file. Do not type a passphrase; restore vault.head from a backup.",
            )


def derive(passphrase: bytearray, salt: bytes, profile: KdfProfile) -> Secret:
    """Argon2id v1.3 of the normalised passphrase: 32 bytes. The passphrase buffer is read in place, not copied.

    Raises `MediumUnusable` when the memory cannot be had. The caller checks the profile and wipes the passphrase.
    """
    if len(salt) < SALT_BYTES:
        raise VaultDamaged("The salt of a key slot in vault.head is too short.")
    out = bytearray(KEY_BYTES)
    pinned_out, pinned_pass, pinned_salt = ffi.from_buffer(out), ffi.from_buffer(passphrase), ffi.from_buffer(salt)
    context = ffi.new("argon2_context *", {
        "out": pinned_out, "outlen": KEY_BYTES,
        "pwd": pinned_pass, "pwdlen": len(passphrase),
        "salt": pinned_salt, "saltlen": len(salt),
        "t_cost": profile.passes, "m_cost": profile.memory_kib, "lanes": profile.lanes, "threads": profile.lanes,
        "version": _ARGON2_VERSION,
    })
    _raise_for(core(context, Type.ID.value), profile)
    for pin in (pinned_out, pinned_pass, pinned_salt):
        ffi.release(pin)
    secret = Secret(out)
    out[:] = bytes(KEY_BYTES)
    return secret


def _raise_for(status: int, profile: KdfProfile) -> None:
    if status == _ARGON2_OK:
        return
    if status in (_MEMORY_ALLOCATION_ERROR, _THREAD_FAIL):
        raise MediumUnusable(
            f"Unlocking needs {profile.memory_kib // 1024} MiB of free memory, which this computer does not give.",
            "Close other programs and try again.",
        )
    raise VaultDamaged(f"The key derivation settings in vault.head cannot be used (Argon2 status {status}).")


def calibrate(target_seconds: float) -> KdfProfile:
    """A cost that takes at least about `target_seconds` (real time) on this machine; never below `PRODUCTION`.

    Only passes are raised, and only to the ceiling. A slow moment of the machine can never lower the result.
    """
    started = time.perf_counter()
    derive(bytearray(b"calibration only"), bytes(SALT_BYTES), PRODUCTION).wipe()
    per_pass = max((time.perf_counter() - started) / PRODUCTION.passes, 1e-6)
    passes = min(max(PRODUCTION.passes, math.ceil(target_seconds / per_pass)), CEILING.passes)
    return KdfProfile(PRODUCTION.memory_kib, passes, PRODUCTION.lanes)
