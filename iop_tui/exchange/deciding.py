"""What a person decided of late work: packs of a device that was cut off before they were known.

A decision is certified by the root key of the program, like the end of the device, and travels. Accepting is final,
since rows are never removed. So where two people decide differently, the acceptance counts; of two equal
decisions the one with the smaller bytes, so that everybody shows the same reason.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import IopError
from iop_tui.vault import signing

CONTEXT = "iop/late/1"


class Decision(msgspec.Struct, frozen=True, array_like=True):
    """One pack and what becomes of it: taken in with everything before it, or filed as not accepted."""

    realm: bytes
    pack: bytes
    accepted: bool
    reason: str
    by: bytes
    at_ms: int


class _Signed(msgspec.Struct, frozen=True, array_like=True):
    decision: bytes
    signature: bytes


def sign(decision: Decision, root: signing.SigningKey) -> bytes:
    """The stored form of a certified decision."""
    stored = encode(decision)
    return encode(_Signed(stored, root.sign(CONTEXT, stored)))


def decided(
    known: dict[bytes, Decision], stored: Iterable[bytes], realm: bytes, root_public: bytes
) -> dict[bytes, Decision]:
    """The decisions that count, by pack: those known, and those among these that are certified."""
    found = dict(known)
    for data in stored:
        try:
            decision = _read(data, root_public)
        except IopError:
            continue  # not certified by this program: it says nothing
        other = found.get(decision.pack)
        if decision.realm == realm and (other is None or _weight(decision) < _weight(other)):
            found[decision.pack] = decision
    return found


def _weight(decision: Decision) -> tuple[bool, bytes]:
    return not decision.accepted, encode(decision)


def _read(data: bytes, root_public: bytes) -> Decision:
    signed = decode(data, _Signed)
    signing.verify(root_public, CONTEXT, signed.decision, signed.signature)
    return decode(signed.decision, Decision)
