"""Packs are closed at the size that the links of a copy's carriers need, and how large they will be is known before."""

from __future__ import annotations

import random
from pathlib import Path

from iop_tui.clinical.notes import service as notes
from iop_tui.exchange import sealing
from iop_tui.exchange.mirror import Mirror
from iop_tui.exchange.remotes.link import FAST, SLOW, USUAL, LinkMemory
from iop_tui.kernel.rng import SeededRng
from iop_tui.workspace import exchanging, links
from tests.exchange.world.pairs import Pair
from tests.support.clinic.devices import line
from tests.support.clinic.vaults import note, today

GOOD, BAD = "https://good.example/clinic", "https://bad.example/clinic"


def test_packs_are_as_large_as_planned_and_no_larger_than_asked_for(pair: Pair) -> None:
    one, _, stick = pair
    chance = random.Random(4)
    with one.workspace() as ws:
        for size in (3_000, 2_000, 5_000, 4_000, 30_000, 1_000, 3_000, 6_000):
            notes.save(ws, one.program.people["ana"], note(today(ws), chance.randbytes(size // 2).hex()))
        found = exchanging.ledger(ws)
        found.target = SLOW
        planned = sealing.planned(found)
        made = [entry.size for entry in sealing.seal_pending(found)]
        assert made == planned
        assert len(made) > 2
        whole = [size for size in made if size > SLOW * 1.2]
        assert len(whole) <= 1, "only a write that is larger by itself makes a larger pack"
        assert exchanging.sync(ws, line(stick)).moved.damaged == []


def test_the_worst_link_of_all_carriers_decides(tmp_path: Path) -> None:
    mirror = Mirror(tmp_path, b"r" * 16, SeededRng(1))
    assert links.pack_size(mirror, []) == USUAL
    assert links.pack_size(mirror, ["/media/stick"]) == FAST
    assert links.pack_size(mirror, ["/media/stick", GOOD]) == USUAL, "nobody knows this link"
    mirror.keep_hint(GOOD, links.LINK, LinkMemory([(FAST, 1_000, 0)] * 20).store())
    assert links.pack_size(mirror, ["/media/stick", GOOD]) == FAST
    mirror.keep_hint(BAD, links.LINK, LinkMemory([(USUAL, 20_000, 1)] * 20).store())
    assert links.pack_size(mirror, ["/media/stick", GOOD, BAD]) == SLOW
    assert links.patience(mirror, BAD).silence > links.patience(mirror, GOOD).silence
