"""One-time codes: RFC 6238 with SHA-1, six digits, 30 seconds, as every authenticator app expects.

The code is a gate for a person at the keyboard, not a key: its seed lies inside what the
passphrase opens, and it does not protect a stolen disk.
"""

from __future__ import annotations

import base64
import hmac
from typing import Final

import pyotp

from iop_tui.kernel.errors import CodeUsed, WrongSecrets
from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret

SEED_BYTES = 20
STEP_SECONDS: Final = 30
DIGITS = 6
WINDOW = 1
"""Steps before and after now that are accepted, for a phone whose clock is slightly off."""


def new_seed(rng: Rng) -> Secret:
    """20 random bytes, the size of the SHA-1 output (RFC 4226, 4 R6)."""
    return Secret(rng.token(SEED_BYTES))


def uri(seed: Secret, user: str, issuer: str) -> str:
    """The `otpauth://` address for an authenticator app or a QR code; it contains the seed."""
    return pyotp.TOTP(_base32(seed)).provisioning_uri(name=user, issuer_name=issuer)


def code_at(seed: Secret, unix_seconds: int) -> str:
    """The six-digit code of the step that contains `unix_seconds`."""
    return _code(seed, unix_seconds // STEP_SECONDS)


def accept(seed: Secret, code: str, now_s: int, last_step: int) -> int:
    """The step that `code` belongs to; store it as the new `last_step` in the transaction of the unlock.

    `now_s`: seconds since 1970 by this machine's clock. Raises `WrongSecrets` for a wrong code,
    `CodeUsed` for a step not after `last_step` (RFC 6238, 5.2) and for a clock that was set back,
    where no code can be accepted.
    """
    now = now_s // STEP_SECONDS
    if now + WINDOW < last_step:
        raise _clock_set_back()
    given = "".join(code.split())
    matching = [
        step for step in range(max(0, now - WINDOW), now + WINDOW + 1)
        if hmac.compare_digest(_code(seed, step).encode(), given.encode())
    ]
    if not matching:
        raise WrongSecrets
    if matching[-1] <= last_step:
        raise CodeUsed("This code was used already.")
    return matching[-1]


def _clock_set_back() -> CodeUsed:
    return CodeUsed(
        "The clock of this computer is behind the time of the last unlock, so no code can be accepted.",
        "Set the date and time of this computer right (best: automatically), then try again. Nothing was changed.",
    )


def _base32(seed: Secret) -> str:
    return base64.b32encode(seed.reveal()).decode("ascii")


def _code(seed: Secret, step: int) -> str:
    # By counter: pyotp's own time functions go through local naive datetimes, which repeat an hour in autumn.
    return pyotp.HOTP(_base32(seed), digits=DIGITS).at(step)
