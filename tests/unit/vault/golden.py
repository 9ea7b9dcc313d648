"""The values behind `tests/vectors/vault/formats.json`.

`python -m tests.unit.vault.golden` prints them. A released vector is never changed: a new format gets a new name,
and the old one must stay readable.
"""

from __future__ import annotations

import json
import sys

from iop_tui.kernel import canonical
from iop_tui.kernel.rng import SeededRng
from iop_tui.vault import areas, digest, envelope, headfile, hpke, recovery, signing, slots, totp
from tests.unit.vault.support import make_member

KEY = bytes(range(32))
BINDING = envelope.Binding(b"r" * 16, b"c" * 16, 3, envelope.kind_tag(KEY, "note"), b"o" * 16, b"v" * 16)
NOTE = b"Quiet otters juggle seven lamps. " * 20
PAIR = hpke.from_seed(KEY)


def header_of(slot: slots.Slot) -> headfile.Header:
    return headfile.Header(vault_id=slot.vault_id, demo=True, created_ms=1_700_000_000_000, generation=7, slots=(slot,))


def signed_head(vault_id: bytes) -> headfile.SignedHead:
    return headfile.SignedHead(
        vault_id=vault_id, device_id=b"d" * 16, seq=5, audit_seq=9, audit_hash=b"a" * 32, revisions=4, acts=3,
        journal_digest=b"j" * 32, header_digest=b"h" * 32, at_ms=1_700_000_000_001,
    )


def stable() -> dict[str, str]:
    """Values that the same inputs must always give."""
    member = make_member()
    key = signing.from_seed(KEY)
    head = areas.sign_head(signed_head(member.vault_id), 6, key)
    attempts = [headfile.Failures(number, 1000 * number) for number in range(areas.BUCKETS)]
    return {
        "digest.derive": digest.derive(KEY, "iop/test/1", b"one", b"two", size=48).hex(),
        "digest.mac": digest.mac(KEY, "iop/test/1", b"message").hex(),
        "envelope.kind_tag": BINDING.kind_tag.hex(),
        "envelope.seal_raw": envelope.seal_raw(KEY, "iop/test/1", (b"one", b"two"), NOTE, SeededRng(1)).hex(),
        "signing.signature": key.sign("iop/test/1", b"message").hex(),
        "hpke.public": PAIR.public.hex(),
        "recovery.kit": recovery.encode_kit(KEY),
        "totp.uri": totp.uri(totp.new_seed(SeededRng(1)), "mlopez", "Riverside"),
        "slots.name_tag": slots.name_tag(b"v" * 16, "Maria López").hex(),
        "slots.slot_without_wrap": canonical.encode(slots.without_wrap(member.slot)).hex(),
        "areas.header_digest": headfile.header_digest(header_of(slots.without_wrap(member.slot))).hex(),
        "areas.header_copies": digest.sha256(areas.pack_header(header_of(slots.without_wrap(member.slot)))).hex(),
        "areas.signed_head": areas.pack_head(head).rstrip(b"\0").hex(),
        "areas.attempts": digest.sha256(areas.pack_attempts(tuple(attempts))).hex(),
    }


def openable() -> dict[str, str]:
    """Values made with fresh randomness or by a compressor: only opening them is promised."""
    return {
        "envelope.record": envelope.seal(KEY, BINDING, NOTE, SeededRng(1)).hex(),
        "hpke.sealed": hpke.seal(PAIR.public, b"iop/test/1", NOTE).hex(),
        "slots.slot": canonical.encode(make_member().slot).hex(),
    }


if __name__ == "__main__":
    json.dump({"stable": stable(), "openable": openable()}, sys.stdout, indent=1)
    sys.stdout.write("\n")
