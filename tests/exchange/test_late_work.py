"""Late work of a lost device: looked at by a person, taken in or filed with a reason, the same everywhere."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from iop_tui.exchange import deciding
from iop_tui.exchange.deciding import Decision
from iop_tui.kernel.errors import NotFound, Refused, RoleRefused
from iop_tui.vault import signing
from iop_tui.workspace import exchanging, latework
from tests.exchange.test_settling import write
from tests.exchange.world.pairs import Pair
from tests.support.clinic.devices import line

REASON = "Tom had it in his bag until Friday"


@pytest.fixture
def lost(pair: Pair, tmp_path: Path) -> tuple[Pair, list[bytes]]:
    """The laptop is reported lost, writes twice more, and its stick is found."""
    one, two, stick = pair
    with one.workspace() as ws:
        laptop = next(item for item in exchanging.devices(ws) if item.name == "Laptop")
        exchanging.lost(ws, laptop.device)
        exchanging.sync(ws, line(stick))
    found = tmp_path / "found"
    found.mkdir()
    written = []
    for text in ("First late note.", "Second late note."):
        with two.workspace() as ws:
            written.append(write(ws, one.program.people["ana"], text))
            exchanging.sync(ws, line(found))
    one.sync(found)
    return pair, written


def test_late_work_is_shown_and_accepted_with_what_came_before_it(lost: tuple[Pair, list[bytes]]) -> None:
    (one, _, _), written = lost
    with one.workspace() as ws:
        lines = latework.late_work(ws)
        shown = [entry.kind for item in lines for entry in item.entries]
        assert shown == ["progress_note", "progress_note"]
        assert {item.device_name for item in lines} == {"Laptop"}
        assert all(item.decision is None for item in lines)
        with pytest.raises(Refused, match="reason"):
            latework.decide(ws, lines[-1].pack, accepted=True, reason="ok")
        with pytest.raises(NotFound):
            latework.decide(ws, bytes(32), accepted=True, reason=REASON)
        assert latework.decide(ws, lines[-1].pack, accepted=True, reason=REASON) == len(lines)
        assert all(ws.session.db.revision(item) is not None for item in written)
        assert ws.view.one("SELECT 1 FROM version WHERE id = ?", (written[0],)) is not None
        assert latework.late_work(ws) == []
        assert exchanging.waiting(ws) == []


def test_rejected_work_is_filed_and_kept_and_can_be_accepted_later(lost: tuple[Pair, list[bytes]]) -> None:
    (one, _, stick), written = lost
    with one.workspace() as ws:
        lines = latework.late_work(ws)
        for item in lines:
            assert latework.decide(ws, item.pack, accepted=False, reason=REASON) == 0
        assert [item.decision.accepted for item in latework.late_work(ws) if item.decision] == [False] * len(lines)
        assert [item.why for item in exchanging.waiting(ws)] == []
        assert [item.why for item in exchanging.sync(ws, line(stick)).waiting] == []
        assert ws.session.db.revision(written[0]) is None
        first = next(item for item in lines if item.entries)
        latework.decide(ws, first.pack, accepted=True, reason="The supervisor remembers the session")
        assert ws.session.db.revision(written[0]) is not None
        assert ws.session.db.revision(written[1]) is None


@pytest.mark.nightly
def test_the_decision_reaches_a_third_device_which_then_takes_the_packs_in(
    lost: tuple[Pair, list[bytes]], tmp_path: Path
) -> None:
    from tests.support.clinic.devices import enrolled

    (one, _, stick), written = lost
    with one.workspace() as ws:
        latework.decide(ws, latework.late_work(ws)[-1].pack, accepted=True, reason=REASON)
    one.sync(stick)
    third = enrolled(one, "Third", tmp_path / "third", stick, seed=99)
    third.sync(stick)
    with third.workspace() as ws:
        assert all(ws.session.db.revision(item) is not None for item in written)
        assert exchanging.waiting(ws) == []


def test_nobody_but_an_administrator_decides(lost: tuple[Pair, list[bytes]]) -> None:
    (one, _, _), _ = lost
    with one.workspace("tom") as ws:
        lines = latework.late_work(ws)
        assert sum(item.closed for item in lines) == 2
        with pytest.raises(RoleRefused):
            latework.decide(ws, lines[0].pack, accepted=True, reason=REASON)


def test_a_decision_counts_by_its_certificate_and_an_acceptance_stays() -> None:
    root, other = (signing.from_seed(seed * 32) for seed in (b"r", b"o"))
    realm, pack = b"R" * 16, b"p" * 32
    yes, no = (Decision(realm, pack, accepted, REASON, b"u" * 16, 1) for accepted in (True, False))
    foreign = Decision(b"F" * 16, b"q" * 32, True, REASON, b"u" * 16, 1)
    forged, stored = deciding.sign(yes, other), [deciding.sign(one, root) for one in (no, yes, foreign)]
    assert deciding.decided({}, [forged, b"junk"], realm, root.public) == {}
    for order in itertools.permutations([forged, *stored]):
        assert deciding.decided({}, order, realm, root.public) == {pack: yes}
    assert deciding.decided({pack: yes}, stored[:1], realm, root.public) == {pack: yes}
