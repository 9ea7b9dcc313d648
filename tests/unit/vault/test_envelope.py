"""The record envelope: binding, padding, every flip, bombs."""

from __future__ import annotations

import dataclasses
import math
import os
import threading
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.kernel.canonical import joined
from iop_tui.kernel.errors import InputRejected, NeedsNewer
from iop_tui.kernel.rng import SeededRng, SystemRng
from iop_tui.kernel.secret import Secret
from iop_tui.vault import coding, digest, envelope, shortseal
from iop_tui.vault.coding import Base
from iop_tui.vault.envelope import Binding, Tampered

KEY = bytes(range(32))
BINDING = Binding(b"r" * 16, b"c" * 16, 3, b"kind", b"o" * 16, b"v" * 16)


@given(st.binary(max_size=5000))
def test_round_trip(plaintext: bytes) -> None:
    blob = envelope.seal(KEY, BINDING, plaintext, SystemRng())
    assert envelope.open_(Secret(KEY), BINDING, blob) == plaintext


@given(st.binary(max_size=500), st.text(max_size=20), st.lists(st.binary(max_size=20), max_size=4))
def test_raw_round_trip(plaintext: bytes, context: str, ids: list[bytes]) -> None:
    blob = envelope.seal_raw(KEY, context, tuple(ids), plaintext, SystemRng())
    assert len(blob) == envelope.RAW_OVERHEAD + len(plaintext)
    assert envelope.open_raw(KEY, context, tuple(ids), blob) == plaintext


def test_every_flipped_byte_is_refused() -> None:
    blob = envelope.seal(KEY, BINDING, b"a short note", SystemRng())
    raw = envelope.seal_raw(KEY, "x", (b"1",), b"journal", SystemRng())
    for at in range(len(blob)):
        with pytest.raises((Tampered, NeedsNewer)):
            envelope.open_(KEY, BINDING, _flip(blob, at))
    for at in range(len(raw)):
        with pytest.raises((Tampered, NeedsNewer)):
            envelope.open_raw(KEY, "x", (b"1",), _flip(raw, at))


def test_every_shortened_or_longer_blob_is_refused() -> None:
    blob = envelope.seal(KEY, BINDING, b"a short note", SystemRng())
    for changed in (*(blob[:length] for length in range(len(blob))), blob + b"\0"):
        with pytest.raises(Tampered):
            envelope.open_(KEY, BINDING, changed)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Binding)])
def test_a_blob_opens_only_in_its_place(field: str) -> None:
    blob = envelope.seal(KEY, BINDING, b"a note", SystemRng())
    value = getattr(BINDING, field)
    elsewhere: Any = value + 1 if field == "generation" else b"x" * len(value)
    moved = dataclasses.replace(BINDING, **{field: elsewhere})
    with pytest.raises(Tampered, match="changed or moved"):
        envelope.open_(KEY, moved, blob)


def test_shifting_bytes_between_neighbouring_ids_is_refused() -> None:
    blob = envelope.seal_raw(KEY, "ctx", (b"ab", b"c"), b"x", SystemRng())
    for context, ids in (("ctx", (b"a", b"bc")), ("ct", (b"xab", b"c")), ("ctx", (b"ab", b"c", b""))):
        with pytest.raises(Tampered):
            envelope.open_raw(KEY, context, ids, blob)


def test_another_key_fails_at_the_commitment() -> None:
    blob = envelope.seal(KEY, BINDING, b"a note", SystemRng())
    with pytest.raises(Tampered, match="key of its compartment"):
        envelope.open_(bytes(32), BINDING, blob)


def test_record_and_raw_blobs_are_not_interchangeable() -> None:
    raw = envelope.seal_raw(KEY, "iop/rec/1", (), b"x" * 300, SystemRng())
    with pytest.raises(Tampered):
        envelope.open_(KEY, BINDING, raw[:1] + b"\0" + raw[1:])


def test_unknown_suite_and_dictionary_ask_for_a_newer_program() -> None:
    blob = envelope.seal(KEY, BINDING, b"a note", SystemRng())
    for changed in (b"\x02" + blob[1:], blob[:1] + b"\x03" + blob[2:]):
        with pytest.raises(NeedsNewer):
            envelope.open_(KEY, BINDING, changed)
    with pytest.raises(NeedsNewer):
        envelope.open_raw(KEY, "x", (), b"\x02" + bytes(100))


def test_no_two_seals_share_anything_but_their_size() -> None:
    blobs = [envelope.seal(KEY, BINDING, b"same", SystemRng()) for _ in range(50)]
    assert len({blob[2:34] for blob in blobs}) == 50
    assert len({blob[66:] for blob in blobs}) == 50
    assert {len(blob) for blob in blobs} == {envelope.RECORD_OVERHEAD + 256}


@pytest.mark.parametrize(("size", "padded"), [
    (0, 256), (1, 256), (256, 256), (257, 272), (1000, 1024), (4096, 4096), (4097, 4352), (65_536, 65_536),
    (65_537, 67_584), (100_000, 100_352),
])
def test_padding_steps(size: int, padded: int) -> None:
    assert envelope.padded_size(size) == padded


@given(st.integers(1, 2**40))
def test_padding_grows_little_and_tells_little(size: int) -> None:
    padded = envelope.padded_size(size)
    assert size <= padded
    assert padded == envelope.padded_size(padded)
    if size > 256:
        assert padded <= size * 1.12
        significant = (padded & -padded).bit_length() - 1
        assert padded.bit_length() - significant <= math.floor(math.log2(math.log2(size))) + 2


def test_kind_tags_differ_by_kind_and_by_compartment() -> None:
    tags = {envelope.kind_tag(key, kind) for key in (KEY, bytes(32)) for kind in ("note", "plan", "measure")}
    assert len(tags) == 6
    assert {len(tag) for tag in tags} == {4}


def test_too_large_is_refused_before_it_costs_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "MAX_PLAINTEXT", 1000)
    with pytest.raises(InputRejected):
        envelope.seal(KEY, BINDING, bytes(1001), SystemRng())


@pytest.mark.parametrize("body", [
    pytest.param(lambda: zstandard.compress(bytes(65 * 1024 * 1024)), id="bomb that states its size"),
    pytest.param(lambda: _frame_without_size(bytes(1024 * 1024)), id="size not stated"),
    pytest.param(lambda: b"not a frame", id="no frame"),
    pytest.param(lambda: zstandard.compress(b"x") + b"trailing", id="data behind the frame"),
    pytest.param(lambda: b"", id="nothing"),
])
def test_hostile_content_under_the_right_key_is_refused(body: Callable[[], bytes]) -> None:
    frame = body()
    with pytest.raises(Tampered):
        envelope.open_(KEY, BINDING, _forge(len(frame).to_bytes(4, "big") + frame))


@pytest.mark.parametrize("body", [b"", b"\0\0", b"\0\0\0\xff" + b"short", zstandard.compress(b"x")])
def test_wrong_lengths_and_padding_are_refused(body: bytes) -> None:
    with pytest.raises(Tampered):
        envelope.open_(KEY, BINDING, _forge(body))
    frame = zstandard.compress(b"x")
    with pytest.raises(Tampered, match="padded"):
        envelope.open_(KEY, BINDING, _forge(len(frame).to_bytes(4, "big") + frame + b"\0\0\x01"))


def test_a_key_of_the_wrong_length_is_a_programming_error() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        envelope.seal(b"short", BINDING, b"", SystemRng())


def test_threads_do_not_disturb_each_other() -> None:
    texts = [os.urandom(200) * 20 for _ in range(4)]
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(50):
            blob = envelope.seal(KEY, BINDING, texts[number], SystemRng())
            if envelope.open_(KEY, BINDING, blob) != texts[number]:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def _forge(body: bytes) -> bytes:
    """A blob with arbitrary content under the right key: the format written a second time, independently."""
    salt = SeededRng(9).token(32)
    stream = digest.hkdf(KEY, salt, joined("iop/rec/1"), 76)
    aad = joined(
        "iop/rec/1", b"\x01\x00", BINDING.realm, BINDING.compartment, BINDING.generation, BINDING.kind_tag,
        BINDING.record, BINDING.revision,
    )
    return b"\x01\x00" + salt + stream[44:] + AESGCM(stream[:32]).encrypt(stream[32:44], body, aad)


def test_the_independent_writer_is_understood() -> None:
    frame = zstandard.compress(b"a note")
    assert envelope.open_(KEY, BINDING, _forge(len(frame).to_bytes(4, "big") + frame)) == b"a note"


def _frame_without_size(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=False).compress(data)


def _flip(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 0x80
    return bytes(changed)


# -- codings -------------------------------------------------------------------------------

TEXT = b"Rehearsed the refusal twice, and planned the walk home past the old corner with somebody. " * 12
OTHER = envelope.Binding(b"r" * 16, b"c" * 16, 3, BINDING.kind_tag, b"o" * 16, b"w" * 16)


def test_an_edit_is_stored_against_its_base_and_opens_with_it_alone() -> None:
    base = Base(b"v" * 16, os.urandom(700) + TEXT)
    content = base.prefix.as_bytes()[:-16]
    edited = content + b" Call on Friday."
    alone, against = (envelope.seal(KEY, OTHER, edited, SystemRng(), one) for one in (None, base))
    assert len(against) < len(alone) / 3
    assert (envelope.base_of(alone), envelope.base_of(against)) == (b"", b"v" * 16)
    assert envelope.open_(KEY, OTHER, against, lambda name: {b"v" * 16: content}[name]) == edited
    with pytest.raises(Tampered, match="lacks the one"):
        envelope.open_(KEY, OTHER, against)
    with pytest.raises(Tampered):
        envelope.open_(KEY, OTHER, against, lambda _: b"another text")
    moved = against[:2] + b"x" * 16 + against[18:]
    with pytest.raises(Tampered, match="changed or moved"):
        envelope.open_(KEY, OTHER, moved, lambda _: content)


def test_an_unlike_version_stands_alone() -> None:
    blob = envelope.seal(KEY, OTHER, os.urandom(600), SystemRng(), Base(b"v" * 16, TEXT))
    assert envelope.base_of(blob) == b""


def test_the_dictionary_makes_a_short_text_shorter_and_is_the_released_one() -> None:
    """A released dictionary never changes: whatever was sealed with it needs these bytes."""
    data = (files("iop_tui.data") / "dictionary" / "revisions-1.zdict").read_bytes()
    assert digest.sha256(data).hex() == "d8990bdaf102fd59f32851da7d7dbf911a33a46174d65ef6ebe042aa7ce28752"
    text = b"Talked about sleep, which broke off around four most nights, and about cravings on the way home."
    assert len(coding.compress(text)[1]) < len(zstandard.compress(text, 19)) * 0.7


@pytest.mark.parametrize("used", [coding.SHIPPED, coding.AGAINST])
@pytest.mark.parametrize("frame", [b"", b"not a frame", zstandard.compress(b"x"), b"\xff" * 40])
def test_hostile_frames_of_every_coding_are_refused(used: int, frame: bytes) -> None:
    with pytest.raises(coding.NotCompressed):
        coding.decompress(used, frame, 1000, Base(b"v" * 16, TEXT))


def test_a_frame_that_states_too_much_is_refused_before_it_is_opened() -> None:
    _, frame = coding.compress(bytes(5000))
    with pytest.raises(coding.NotCompressed, match="states a size"):
        coding.decompress(coding.SHIPPED, frame, 4999)
    assert coding.decompress(coding.SHIPPED, frame, 5000) == bytes(5000)


# -- short seals ---------------------------------------------------------------------------


def test_a_short_seal_opens_with_its_key_and_place_only() -> None:
    key, ids = Secret(KEY), (b"realm", b"session")
    sealed = shortseal.seal(key, "iop/test/1", ids, b"an event")
    assert len(sealed) == len(b"an event") + shortseal.OVERHEAD
    assert shortseal.open_(key, "iop/test/1", ids, sealed) == b"an event"
    for other, context, place in (
        (Secret(bytes(32)), "iop/test/1", ids), (key, "iop/test/2", ids), (key, "iop/test/1", (b"realms", b"ession")),
    ):  # fmt: skip
        with pytest.raises(Tampered):
            shortseal.open_(other, context, place, sealed)
    for at in range(len(sealed)):
        with pytest.raises(Tampered):
            shortseal.open_(key, "iop/test/1", ids, _flip(sealed, at))
    with pytest.raises(Tampered):
        shortseal.open_(key, "iop/test/1", ids, sealed[:20])


def test_other_content_never_repeats_key_and_nonce() -> None:
    """A program that was put back to an older state seals something else under the same key: the siv differs."""
    seals = {shortseal.seal(Secret(KEY), "iop/test/1", (), bytes([number]))[1:17] for number in range(256)}
    assert len(seals) == 256


def test_short_seals_of_the_first_form_are_read() -> None:
    sealed = bytes.fromhex("020026f418c21d8a74f74e4771affbde9829d56cbbe04c097e249bacec87db0519ce2331d563dc78dc")
    ids = (b"realm", b"session")
    assert shortseal.is_short(sealed)
    assert shortseal.open_(Secret(KEY), "iop/test/1", ids, sealed) == b"an event"
    for at in range(len(sealed)):
        with pytest.raises(Tampered):
            shortseal.open_(Secret(KEY), "iop/test/1", ids, _flip(sealed, at))
