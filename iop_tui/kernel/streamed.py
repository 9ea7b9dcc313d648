"""Content that is too large to hold: known by size and digest, read piece by piece, as often as somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Streamed:
    """`size` in bytes and `sha256` (hexadecimal) of what `pieces()` gives."""

    size: int
    sha256: str
    pieces: Callable[[], Iterator[bytes]]

    def __len__(self) -> int:
        """The size in bytes, like that of content that is held."""
        return self.size

    def whole(self) -> bytes:
        """All of it in memory: for what is known to be small."""
        return b"".join(self.pieces())


Content: TypeAlias = bytes | Streamed


def pieces_of(content: Content) -> Iterator[bytes]:
    """The pieces of content of either kind."""
    if isinstance(content, Streamed):
        yield from content.pieces()
    else:
        yield content
