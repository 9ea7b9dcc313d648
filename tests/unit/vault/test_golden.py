"""Every byte format against vectors that never change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iop_tui.kernel import canonical
from iop_tui.vault import areas, envelope, hpke, signing, slots
from iop_tui.vault.kdf import LightKdf
from tests.unit.vault import golden
from tests.unit.vault.support import Member

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "vault" / "formats.json").read_text())
OPENABLE = {name: bytes.fromhex(value) for name, value in VECTORS["openable"].items()}


def test_no_format_is_without_a_vector() -> None:
    assert set(golden.stable()) == set(VECTORS["stable"])
    assert set(golden.openable()) == set(OPENABLE)


@pytest.mark.parametrize("name", sorted(VECTORS["stable"]))
def test_stable(name: str) -> None:
    assert golden.stable()[name] == VECTORS["stable"][name]


def test_a_stored_record_opens() -> None:
    assert envelope.open_(golden.KEY, golden.BINDING, OPENABLE["envelope.record"]) == golden.NOTE


def test_a_stored_seal_opens() -> None:
    assert hpke.open_(golden.PAIR.secret, b"iop/test/1", OPENABLE["hpke.sealed"]) == golden.NOTE


def test_a_stored_slot_opens_by_passphrase_and_by_kit(member: Member) -> None:
    slot = canonical.decode(OPENABLE["slots.slot"], slots.Slot)
    opened = slots.open_slot(slot, member.passphrase(), None, LightKdf(), member.vault_id)
    by_kit = slots.open_with_kit(slot, member.kit)
    assert opened.sig_seed.reveal() == by_kit.sig_seed.reveal() == member.secrets.sig_seed.reveal()
    assert slots.unwrap(slot, opened, member.vault_id).vault_key.reveal() == member.keys.vault_key.reveal()


def test_a_stored_head_verifies() -> None:
    area = bytes.fromhex(VECTORS["stable"]["areas.signed_head"])
    heads, problems = areas.parse_heads(area.ljust(4096, b"\0"), bytes(4096), slots_vault())
    assert not [problem for problem in problems if "erased" not in problem]
    areas.verify_head(heads[0], signing.from_seed(golden.KEY).public)


def slots_vault() -> bytes:
    return canonical.decode(OPENABLE["slots.slot"], slots.Slot).vault_id
