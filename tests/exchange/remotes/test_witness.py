"""What carriers showed before and what others say of them, and the sentences that come of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from iop_tui.exchange import heads, packs, witness
from iop_tui.exchange.heads import Head
from iop_tui.exchange.mirror import Mirror
from iop_tui.exchange.remotes.patient import Struggle
from iop_tui.exchange.witness import Faces, Less
from iop_tui.kernel.rng import SeededRng
from iop_tui.shell.exchange import words
from iop_tui.store.order import PackEntry
from tests.support.network.faulty import MemoryRemote, Store

PLACE, STICK = "https://files.example/clinic", "/media/stick"
LANE, OTHER = b"l" * 16, b"o" * 16


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror(tmp_path, b"r" * 16, SeededRng(1))


def head(n: int, lane: bytes = LANE, visits: bytes = b"") -> Head:
    entry = PackEntry(b"h" * 32, b"d" * 16, lane, n, b"p" * 32, (), (), False, (), 1_000 + n, 600)
    return heads.make([entry], counter=n, known=1, asks=0, visits=visits)


def test_a_step_back_is_told_once_and_a_head_that_cannot_be_read_says_nothing(mirror: Mirror) -> None:
    witness.learn(mirror, PLACE, {LANE: head(7), OTHER: head(3, OTHER)})
    assert witness.compare(mirror, PLACE, {LANE: None, OTHER: head(3, OTHER)}) == Faces()
    found = witness.compare(mirror, PLACE, {LANE: head(5)})
    assert [(less.shown, less.given) for less in found.back] == [(5, 7), (-1, 3)]
    assert found.back_to_ms == 1_005
    witness.learn(mirror, PLACE, {LANE: head(5)})
    assert witness.compare(mirror, PLACE, {LANE: head(5)}) == Faces()
    assert witness.compare(mirror, STICK, {}) == Faces()


def test_what_a_device_says_it_brought_is_expected_until_it_is_there(mirror: Mirror) -> None:
    said = witness.visits(mirror, PLACE, LANE, 4)
    witness.learn(mirror, STICK, {LANE: head(6, visits=said)})
    for shown in ({}, {LANE: head(3)}):
        assert [less.given for less in witness.compare(mirror, PLACE, shown).two] == [4]
    assert witness.compare(mirror, PLACE, {LANE: head(4)}) == Faces()
    assert witness.compare(mirror, "https://files.example/other", {}) == Faces()
    assert witness.compare(mirror, STICK, {LANE: head(6)}) == Faces()


def test_a_head_names_at_most_six_carriers_and_none_that_is_here(mirror: Mirror) -> None:
    for number in range(9):
        witness.note_visit(mirror, f"https://{number}.example/clinic", head(number), whole=True)
    witness.note_visit(mirror, "https://part.example/clinic", head(99), whole=False)
    found = witness.read_visits(witness.visits(mirror, STICK, LANE, 9))
    assert sorted(found.values()) == [3, 4, 5, 6, 7, 8]
    assert witness.identity(STICK) == b""
    assert witness.read_visits(b"cut") == {}


def test_one_carrier_has_one_identity_however_it_is_written() -> None:
    assert witness.identity(PLACE) == witness.identity(PLACE + "/")
    assert witness.identity("s3://clinic/x") == witness.identity("s3://clinic/x?endpoint=https://s3.us-east-1.amazonaws.com")
    assert witness.identity("s3://clinic/x") != witness.identity("s3://clinic/y")
    assert witness.identity("ftp://nowhere") == b""


def test_what_is_said_of_a_carrier_and_of_a_link() -> None:
    less = Less("Tom's laptop", b"d" * 16, LANE, 3, 7, 1_800_000_000_000)
    told = words.contradictions(Faces([less], []), 1_800_000_000_000 + 60_000)
    assert told[0].startswith("The carrier went back to an older state of ")
    assert "it shows less of Tom's laptop than before" in told[0]
    [other] = words.contradictions(Faces([], [less]), 0)
    assert "does not show this device what Tom's laptop brought there" in other
    assert "Exchange over a stick or folder" in other
    assert words.contradictions(Faces(), 0) == []
    assert words.struggling(Struggle()) == ""
    assert words.struggling(Struggle(4, 38_000, 120_000)) == "The link dropped 4 times, going on at 38 kB of 120 kB"
    assert words.struggling(Struggle(1)) == "The link dropped once, going on"


def test_a_contradiction_is_told_only_after_the_head_was_asked_again(mirror: Mirror) -> None:
    """A survey may remember a head that is older than what the carrier shows: nobody told that it is new."""

    class Reading:
        def head(self, lane: bytes, data: bytes) -> Head:
            return head(int(data), lane)

    store = Store({packs.head_name(LANE): b"8"})
    witness.learn(mirror, PLACE, {LANE: head(8), OTHER: head(3, OTHER)})
    found = witness.confirmed(Reading(), MemoryRemote(store), mirror, PLACE, {LANE: head(7)})  # type: ignore[arg-type]
    assert [(less.lane, less.given) for less in witness.compare(mirror, PLACE, found).back] == [(OTHER, 3)]
