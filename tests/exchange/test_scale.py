"""The page on scale says what the calculation says, and the calculation's constants are what was measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.exchange.world import scaling

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
WITHIN = 0.05


def test_the_page_shows_the_table(scale: Callable[[int, int], int]) -> None:
    """A thousand devices are played through at night."""
    shown = PAGE.read_text("utf-8")
    for devices in (1, 10, 100, 1_000)[: scale(4, 3)]:
        assert scaling.line(scaling.year(devices)) in shown
    assert "\n".join(scaling.FRONT) in shown


def test_what_does_not_depend_on_luck() -> None:
    """Ten devices, each number by hand."""
    one = scaling.day(10)
    assert (one.exchanges, one.puts) == (40, 120)
    assert 10 <= one.lists <= 12, "once a day and device, and after a long pause"
    assert one.stored == 40 * scaling.PACK + 100 * scaling.NOTE
    assert scaling.year(10).packs == 10_000


@pytest.mark.parametrize(("packs", "size", "notes"), [(3, 20_235, 10), (10, 186_234, 100)])
def test_packs_are_as_large_as_those_that_were_measured(packs: int, size: int, notes: int) -> None:
    """`test_bytes.py` pins these."""
    assert abs(packs * scaling.PACK + notes * scaling.NOTE - size) <= WITHIN * size


def test_an_exchange_costs_what_was_measured_at_the_socket() -> None:
    """`remotes/test_wire.py` pins this: the board did not change, a pack, a head and the board are put."""
    quiet = scaling.TLS + scaling.SAME + 3 * scaling.PUT + scaling.HEAD + scaling.PACK
    assert abs(quiet - 6_037) <= WITHIN * 6_037  # the board has two entries there, not twenty-four
