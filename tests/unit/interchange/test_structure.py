"""Looks at brackets and colons agree with a real parser, on anything."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.interchange.limits import DEFAULT, Limits
from iop_tui.interchange.structure import Malformed, check_depth, count_keys, count_members, members, parse

_json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('"\\{}[]:,ab\n\u00e9', max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('"\\{}[]:a', max_size=4), inner, max_size=4),
    max_leaves=25,
)


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


@given(_json)
def test_counts_and_depth_are_those_of_the_parsed_value(value: object) -> None:
    text = json.dumps(value).encode()
    assert count_members(text) == count_keys(json.loads(text))
    depth = _depth(value)
    check_depth(text, Limits(depth=depth))
    if depth:
        with pytest.raises(Malformed):
            check_depth(text, Limits(depth=depth - 1))


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":[{"x":1},{"y":1,"y":"\\""}]}',
    ],
)
def test_repeated_names_show(text: bytes) -> None:
    assert count_members(text) != count_keys(msgspec.json.decode(text))


def test_members_keep_the_bytes_of_their_values() -> None:
    found = members(b'{ "a" : { "b":1.50 }, "c": "\\u00e9" }')
    assert {name: bytes(value) for name, value in found.items()} == {"a": b'{ "b":1.50 }', "c": b'"\\u00e9"'}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"a":1,"a":2}', "twice"),
        (b'{"a":"x', "too early"),
        (b'{"a":1}{', "more text"),
        (b'{"a":\x00}', "not valid JSON"),
        (b'{"a":NaN}', "not valid JSON"),
        (b"[1]", "not the kind"),
        (b'{"\xff":1}', "UTF-8"),
    ],
)
def test_what_is_no_object_is_refused_in_words(text: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        members(text)


def test_the_parser_s_own_depth_limit_is_a_refusal_too() -> None:
    with pytest.raises(Malformed, match="too deeply"):
        parse(b"[" * 100_000 + b"]" * 100_000, list)


def test_a_flood_of_brackets_is_refused() -> None:
    with pytest.raises(Malformed, match="far more brackets"):
        check_depth(b"[]" * 100, Limits(brackets=100))
    check_depth(b"[]" * 100, DEFAULT)
