"""Parts of attachments: their bytes never change, they open in their place only, and their sizes say little."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.kernel.rng import SeededRng
from iop_tui.kernel.secret import Secret
from iop_tui.vault import chunks
from iop_tui.vault.chunks import Blob
from iop_tui.vault.envelope import Tampered

BLOB = Blob(b"r" * 16, b"f" * 16, Secret(bytes(range(32))), chunks.SMALL)
GOLDEN = "ndqerikfsbfovtmnahx3zgebt47jd6yf6i2dnylkwc5au5wvkpua"
"""The name of part 3 of a file of this key: a released format opens for ever."""


def test_a_part_has_the_same_bytes_for_ever() -> None:
    part = BLOB.seal(3, b"Quiet otters", SeededRng(7))
    assert chunks.name_of(part) == GOLDEN
    assert len(part) == chunks.SMALL
    assert BLOB.open_(3, part).rstrip(b"\0") == b"Quiet otters"


@given(st.integers(0, chunks.SMALL - 1), st.integers(1, 255))
def test_no_changed_bit_opens(at: int, change: int) -> None:
    part = bytearray(BLOB.seal(0, b"x", SeededRng(1)))
    if at == 0:
        return  # the suite: another value asks for a newer program
    part[at] ^= change
    with pytest.raises(Tampered):
        BLOB.open_(0, bytes(part))
    assert not chunks.fits(chunks.name_of(BLOB.seal(0, b"x", SeededRng(1))), bytes(part))


@pytest.mark.parametrize("other", [
    Blob(b"s" * 16, b"f" * 16, BLOB.key, BLOB.size), Blob(b"r" * 16, b"g" * 16, BLOB.key, BLOB.size),
    Blob(b"r" * 16, b"f" * 16, Secret(bytes(32)), BLOB.size),
])  # fmt: skip
def test_a_part_opens_in_its_place_only(other: Blob) -> None:
    """Another program, another file, another key, another number."""
    part = BLOB.seal(0, b"x", SeededRng(1))
    with pytest.raises(Tampered):
        other.open_(0, part)
    with pytest.raises(Tampered):
        BLOB.open_(1, part)


@given(st.binary(min_size=32, max_size=32))
def test_names_and_hashes_stand_for_each_other(digest: bytes) -> None:
    name = chunks.show_name(digest)
    assert chunks.is_name(name)
    assert chunks.digest_of(name) == digest
    assert not chunks.is_name(name[:-1] + "b")
    assert not chunks.is_name(name + "a")
