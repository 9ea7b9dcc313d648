"""A member's slot, and a real `vault.head` on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from iop_tui.vault import headfile, signing
from tests.unit.vault.support import Head, Member, make_member


@pytest.fixture(scope="session")
def member() -> Member:
    return make_member()


@pytest.fixture
def head(tmp_path: Path, member: Member) -> Head:
    header = headfile.Header(
        vault_id=member.vault_id, demo=False, created_ms=1_700_000_000_000, slots=(member.slot,),
    )
    path = tmp_path / headfile.NAME
    headfile.create(path, header)
    return Head(path, header, signing.from_seed(member.keys.device_seed.reveal()))
