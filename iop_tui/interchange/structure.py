"""Cheap linear looks at JSON text before and beside the real parser.

The parser is recursive and forgiving: it takes any depth up to the interpreter's limit and the last of two
equal keys. Both are decided here, on the brackets and colons alone, without building a value.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TypeVar

import msgspec

from iop_tui.interchange.limits import Limits

_NOT_STRUCTURE = bytes(value for value in range(256) if value not in b'"{}[]:')
_NOT_BRACKET = b":"
_STEP = [0] * 256
for _opening in b"{[":
    _STEP[_opening] = 1
for _closing in b"}]":
    _STEP[_closing] = -1
_PIECE = 1 << 16

T = TypeVar("T")


class Malformed(Exception):
    """The text is no acceptable JSON; the message says why in plain words, without quoting it.

    `syntax` tells text that is no JSON at all from JSON that breaks a rule (repeated names, wrong shape).
    """

    def __init__(self, message: str, *, syntax: bool = False) -> None:
        super().__init__(message)
        self.syntax = syntax


def skeleton(text: bytes) -> bytes:
    """The brackets and colons of a JSON text that lie outside strings.

    Two escapes can hide a quote, so they go first. After that quotes alternate, and a pair of neighbours
    can be dropped without changing what is inside and what is outside. The rest goes piece by piece, so
    that a hostile text of nothing but quotes costs no memory.
    """
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    text = text.translate(None, _NOT_STRUCTURE).replace(b'""', b"")
    outside, parts = True, []
    for start in range(0, len(text), _PIECE):
        pieces = text[start : start + _PIECE].split(b'"')
        parts.append(b"".join(pieces[0 if outside else 1 :: 2]))
        outside ^= len(pieces) % 2 == 0
    return b"".join(parts)


def check_depth(text: bytes, limits: Limits) -> None:
    """Raise `Malformed` when objects and arrays nest deeper than allowed, or are unreasonably many."""
    brackets = skeleton(text).translate(None, _NOT_BRACKET)
    if len(brackets) > limits.brackets:
        raise Malformed("It holds far more brackets than a clinical record can.")
    depth = 0
    for start in range(0, len(brackets), _PIECE):
        levels = list(accumulate((_STEP[value] for value in brackets[start : start + _PIECE]), initial=depth))
        if max(levels) > limits.depth:
            raise Malformed(f"It nests deeper than {limits.depth} levels.")
        depth = levels[-1]


def count_members(text: bytes) -> int:
    """How many object members a valid JSON text writes down, repeated names included."""
    return skeleton(text).count(b":")


def count_keys(value: object) -> int:
    """How many object members a decoded value has. Fewer than written means that names were repeated."""
    total = 0
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            total += len(node)
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return total


def members(raw: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The members of one JSON object, their values as the exact bytes. Repeated names are `Malformed`."""
    found = parse(raw, dict[str, msgspec.Raw])
    inner = sum(count_members(bytes(value)) for value in found.values())
    if count_members(bytes(raw)) != len(found) + inner:
        raise Malformed("A name occurs twice in the same object.")
    return found


def parse(raw: bytes | msgspec.Raw, kind: type[T]) -> T:
    """The decoded value. Raises `Malformed` for anything that is not JSON of that shape."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError:
        raise Malformed("It is not the kind of JSON value that belongs there.") from None
    except UnicodeDecodeError:
        raise Malformed("It is not valid UTF-8 text.", syntax=True) from None
    except msgspec.DecodeError as error:
        raise Malformed(_plain(str(error)), syntax=True) from None
    except RecursionError:
        raise Malformed("It nests too deeply.") from None


def _plain(message: str) -> str:
    if "truncated" in message:
        return "The JSON text ends too early: the file is cut off."
    if "trailing" in message:
        return "There is more text behind the end of the JSON value."
    if "utf-8" in message.lower():
        return "It is not valid UTF-8 text."
    found = re.search(r"byte (\d+)", message)
    return f"It is not valid JSON (at byte {found.group(1)})." if found else "It is not valid JSON."
