"""Where a list gets its rows: pages, asked for off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, Protocol, TypeVar

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

PAGE = 100
"""Rows per page."""


class Source(Protocol[R_co]):
    """Pages of rows in a stable order."""

    async def count(self) -> int: ...

    async def rows(self, offset: int, limit: int) -> Sequence[R_co]: ...


class ListSource(Generic[R]):
    """Rows that are in memory anyway: menus, due items, short lists."""

    def __init__(self, rows: Sequence[R]) -> None:
        self._rows = rows

    async def count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    async def rows(self, offset: int, limit: int) -> Sequence[R]:
        """A page."""
        return self._rows[offset:offset + limit]


class ThreadSource(Generic[R]):
    """Plain query functions, run on an executor (by default the loop's own threads)."""

    def __init__(
        self, count: Callable[[], int], rows: Callable[[int, int], Sequence[R]], executor: Executor | None = None,
    ) -> None:
        """`rows(offset, limit)`. Give a one-thread executor when the connection must stay on one thread."""
        self._count, self._rows, self._executor = count, rows, executor

    async def count(self) -> int:
        """How many rows there are."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._count)

    async def rows(self, offset: int, limit: int) -> Sequence[R]:
        """A page."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._rows, offset, limit)
