"""Decoding of raw bytes and the entry buffers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.shell.process import keyboard
from iop_tui.shell.process.keyboard import Decoder, Entry


def keys(data: bytes) -> list[int | str]:
    decoder = Decoder()
    return [key for byte in data if (key := decoder.feed(byte)) is not None]


def typed(data: bytes, limit: int = 64) -> Entry:
    entry = Entry(limit)
    for key in keys(data):
        if isinstance(key, int):
            entry.insert(key)
        elif key == keyboard.BACKSPACE:
            entry.backspace()
    return entry


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"ab", [97, 98]),
        (b"\r\n", [keyboard.ENTER, keyboard.ENTER]),
        (b"\x7f\x08", [keyboard.BACKSPACE] * 2),
        (b"\x11\x03\x04\x15\x12\t", ["quit", "cancel", "end", "clear", "show", "next"]),
        (b"\x1b[A\x1b[B\x1bOA\x1b[Z", ["back", "next", "back", "back"]),
        (b"\x1b[1;5C\x1b[15~\x1b[3~\x1bOP", []),
        (b"\x1b[<0;3;4M\x1b[?2026;2$yx", [120]),
        (b"\x1b]52;c;aGFsbG8=\x07x", [120]),
        (b"\x1b]11;rgb:0/0/0\x1b\\x", [120]),
        (b"\x1bP1$r0m\x1b\\x", [120]),
        (b"\x1b[200~a\r\x03\x11\x1b[Ab\x1b[201~\r", [97, 98, keyboard.ENTER]),
        (b"\x1b\x1b[A", ["back"]),
        (b"\x00\x01\x1c", []),
    ],
)
def test_decoding(data: bytes, expected: list[int | str]) -> None:
    assert keys(data) == expected


def test_a_lone_escape_ends_when_it_expires() -> None:
    decoder = Decoder()
    assert decoder.feed(0x1B) is None
    assert decoder.waiting
    decoder.expire()
    assert decoder.feed(ord("[")) == ord("[")


@given(st.binary(max_size=200))
def test_any_bytes_are_survived_and_never_yield_controls(data: bytes) -> None:
    assert all(key >= 0x20 and key != 0x7F for key in keys(data) if isinstance(key, int))


@given(st.text(alphabet=st.characters(exclude_categories=("Cc", "Cs")), max_size=30))
def test_text_arrives_as_typed(text: str) -> None:
    entry = typed(text.encode(), limit=200)
    assert not entry.broken
    assert len(entry) == len(text)
    assert bytes(entry.take()) == text.encode()
    assert len(entry) == 0


@given(st.binary(max_size=60))
def test_what_is_not_broken_is_utf_8_without_controls(data: bytes) -> None:
    entry = typed(data)
    if not entry.broken:
        text = bytes(entry.view()).decode(errors="strict" if not entry._owed else "ignore")
        assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in text)


@pytest.mark.parametrize("data", [b"\xe9x", b"\xff", b"\xc0\x80", b"\x80", b"x" * 65])
def test_broken_entries_say_so_until_cleared(data: bytes) -> None:
    entry = typed(data)
    assert entry.broken
    entry.clear()
    assert not entry.broken


def test_backspace_removes_whole_characters_and_overwrites() -> None:
    entry = typed("aé🙂".encode() + b"\x7f\x7f")
    assert bytes(entry.view()) == b"a"
    assert set(entry._buffer[1:]) == {0}


def test_taking_overwrites_the_entry() -> None:
    entry = typed(b"secret")
    taken = entry.take()
    assert set(entry._buffer) == {0}
    keyboard.wipe(taken)
    assert taken == bytes(6)


@pytest.mark.parametrize(("text", "upper"), [("HELLO 1", True), ("Hello", False), ("1234", False), ("AB", False)])
def test_capitals(text: str, upper: bool) -> None:
    assert typed(text.encode()).letters_all_upper() is upper
