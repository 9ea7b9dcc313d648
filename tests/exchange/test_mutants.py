"""Each rule has a mutant that dies: with the rule taken out, a test that names it fails."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iop_tui.access import primitives, settle
from iop_tui.exchange import cards, sealing, taking
from iop_tui.kernel.errors import IopError
from iop_tui.store import membership
from tests.exchange import test_settling as settling
from tests.exchange.test_settling import Pair, template  # noqa: F401
from tests.support.devices import Device

Patch = tuple[object, str, object]


def _plain_number(session: Any, compartment: bytes) -> int:
    row = session.view.one("SELECT coalesce(max(number), 0) FROM generation WHERE compartment = ?", (compartment,))
    return int(row[0]) + 1


def _no_anchors(rows: object, root: bytes) -> bool:
    return False


MUTANTS: dict[str, tuple[list[Patch], Callable[..., None]]] = {
    "numbers without a random half": (
        [(primitives, "next_number", _plain_number), (settle, "next_number", _plain_number)],
        settling.test_two_devices_make_the_next_key_and_nothing_becomes_unreadable,
    ),
    "the second founding is thrown away": (
        [(membership._Applying, "_rival", lambda *_: False)],
        settling.test_colleagues_both_make_the_first_key_and_both_read_both,
    ),
    "a removal does not come first": (
        [(sealing, "removes", _no_anchors), (taking, "removes", _no_anchors)],
        settling.test_what_a_removed_user_did_elsewhere_at_that_time_does_not_count,
    ),
    "membership is not taken in anew": (
        [(taking, "_reordered", lambda *_: False)],
        settling.test_what_a_removed_user_did_elsewhere_at_that_time_does_not_count,
    ),
    "a restored device goes on in its lane": (
        [(taking, "restored", lambda *_: False)],
        settling.test_restored_and_pushed_before_anything_was_fetched,
    ),
    "forks are not told": (
        [(taking, "forks", lambda *_: {})],
        settling.test_restored_and_pushed_before_anything_was_fetched,
    ),
    "a lost device is not cut off": (
        [(cards, "late", lambda *_: set())],
        settling.test_a_lost_device_is_cut_off_and_its_late_work_is_kept,
    ),
    "the lost device gets the next key too": (
        [(sealing, "_key_number", lambda *_: 1)],
        settling.test_a_lost_device_is_cut_off_and_its_late_work_is_kept,
    ),
}


@pytest.fixture
def pair(template: Pair, tmp_path: Path) -> Pair:  # noqa: F811
    one, two, stick = template
    for source, name in ((one.path, "one"), (two.path, "two"), (stick, "stick")):
        shutil.copytree(source, tmp_path / name)
    devices = [Device(d.program, d.name, tmp_path / n, d.env, d.clock) for d, n in ((one, "one"), (two, "two"))]
    return devices[0], devices[1], tmp_path / "stick"


@pytest.mark.nightly
@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_die(name: str, pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patches, test = MUTANTS[name]
    for target, attribute, value in patches:
        monkeypatch.setattr(target, attribute, value)
    arguments = (pair, tmp_path) if "tmp_path" in test.__annotations__ else (pair,)
    with pytest.raises((AssertionError, IopError)):
        test(*arguments)
