"""Canonical bytes, secrets, clocks, seeded randomness, errors."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.kernel import errors
from iop_tui.kernel.canonical import decode, encode, joined
from iop_tui.kernel.clock import FixedClock, SystemClock, iso, local_date, to_datetime, to_ms
from iop_tui.kernel.errors import IopError, VaultDamaged
from iop_tui.kernel.rng import SeededRng, SystemRng
from iop_tui.kernel.secret import Secret

_PLAIN = st.recursive(
    st.one_of(st.integers(-(2**63), 2**63 - 1), st.binary(), st.text(), st.none()), st.lists, max_leaves=8
)


class Pair(msgspec.Struct, frozen=True, array_like=True):
    """Two values."""

    first: bytes
    second: int


@given(st.binary(), st.integers(0, 2**63 - 1))
def test_canonical_bytes_are_read_back(first: bytes, second: int) -> None:
    value = Pair(first, second)
    assert decode(encode(value), Pair) == value


@given(st.binary(max_size=60))
def test_no_value_has_two_encodings(data: bytes) -> None:
    try:
        value = decode(data, Pair)
    except VaultDamaged:
        return
    assert encode(value) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x92\xc4\x01a\xcc\x01",  # the integer 1 in two bytes
        b"\x92\xc5\x00\x01a\x01",  # one byte with a two-byte length
        b"\x93\xc4\x01a\x01\x02",  # one element too many
        b"\x91\xc4\x01a",
        encode(Pair(b"a", 1)) + b"\x00",
        b"\xdc" * 2000,
    ],
)
def test_other_spellings_of_a_value_are_refused(data: bytes) -> None:
    with pytest.raises(VaultDamaged):
        decode(data, Pair)


@given(st.lists(st.one_of(st.binary(), st.text(), st.integers(0, 2**64 - 1)), max_size=4))
def test_joined_parts_can_be_told_apart(parts: list[Any]) -> None:
    whole, raw = joined(*parts), []
    while whole:
        length = int.from_bytes(whole[:4], "big")
        raw.append(whole[4 : 4 + length])
        whole = whole[4 + length :]
    expected = [p.to_bytes(8, "big") if isinstance(p, int) else p.encode() if isinstance(p, str) else p for p in parts]
    assert raw == expected


@given(_PLAIN)
def test_dictionaries_encode_in_one_order(value: Any) -> None:
    assert encode({"a": value, "b": 1}) == encode({"b": 1, "a": value})


def test_secrets_print_redacted_and_are_not_copied_about() -> None:
    secret = Secret(b"velvet orchard")
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret!r:>20}", f"{[secret]}", f"{(secret,)}"):
        assert "velvet" not in shown
        assert "redacted" in shown
    for forbidden in (
        lambda: pickle.dumps(secret),
        lambda: secret == Secret(b"x"),
        lambda: copy.deepcopy(secret),
        lambda: hash(secret),
    ):
        with pytest.raises(TypeError):
            forbidden()
    assert secret.reveal() == b"velvet orchard"
    secret.wipe()
    assert secret.reveal() == bytes(14)
    assert len(secret) == 14


def test_a_fixed_clock_stands_until_it_is_moved() -> None:
    clock = FixedClock(1000)
    assert (clock.now_ms(), clock.monotonic()) == (1000, 0.0)
    clock.advance(1.5)
    assert (clock.now_ms(), clock.monotonic()) == (2500, 1.5)
    assert SystemClock().now_ms() > 1_700_000_000_000


@given(st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1)))
def test_times_survive_their_milliseconds(moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    assert to_datetime(to_ms(moment)) == moment
    assert iso(to_ms(moment)) == moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_the_calendar_day_is_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten in the evening on the east coast is the next day in UTC."""
    evening = to_ms(datetime(2026, 11, 21, 3, 0, tzinfo=UTC))
    assert local_date(evening) == date(2026, 11, 20)


def test_seeded_randomness_repeats_and_the_systems_does_not() -> None:
    assert [SeededRng(5).token(32) for _ in range(2)] == [SeededRng(5).token(32)] * 2
    stream = SeededRng(5)
    assert stream.token(32) != stream.token(32)
    assert SeededRng(5).token(32) != SeededRng(-5).token(32)
    assert SystemRng().token(32) != SystemRng().token(32)


def _all_errors() -> list[type[IopError]]:
    return [item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, IopError)]


def test_every_error_has_a_code_of_its_own_and_a_known_exit_code() -> None:
    kinds = _all_errors()
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert {kind.exit_code for kind in kinds} <= {1, 2, 3, 4, 5, 6, 7, 8, 9, 130}


def test_errors_carry_a_sentence_and_what_to_do() -> None:
    error = errors.WallRefused("No.")
    assert (error.message, str(error)) == ("No.", "No.")
    assert error.hint == errors.WallRefused.default_hint
    assert errors.WallRefused("No.", "Do this.").hint == "Do this."
