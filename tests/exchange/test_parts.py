"""Attachments between devices: behind the text, part by part, fetched when they are opened or a person is pinned."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from iop_tui.clinical.attachments import api as attachments
from iop_tui.clinical.attachments.api import Order
from iop_tui.exchange import chunks, packs
from iop_tui.exchange.carrying import Budget
from iop_tui.exchange.chunks import MovedParts, Seen, Wishes
from iop_tui.exchange.remotes.bundle import BundleRemote
from iop_tui.exchange.remotes.directory import DirectoryRemote
from iop_tui.exchange.remotes.port import Capabilities, CarrierGone
from iop_tui.kernel.errors import Cancelled, NotFound
from iop_tui.kernel.rng import SystemRng
from iop_tui.store.chunks import ChunkStore
from iop_tui.vault import chunks as sealed
from iop_tui.workspace import Workspace, exchanging, parts
from tests.exchange.world.pairs import Pair
from tests.support.clinic.devices import Device, line
from tests.support.clinic.vaults import today

SIZE = 700_000


def attach(device: Device, content: bytes, person: str = "ana", who: str = "nadia") -> bytes:
    with device.workspace(who) as ws:
        order = Order(device.program.people[person], "Scan", "letter", today(ws))
        return attachments.attach(ws, order, io.BytesIO(content)).record


def sync(device: Device, place: Path, who: str = "nadia", **more: Any) -> MovedParts:
    with device.workspace(who) as ws:
        return exchanging.sync(ws, line(place), wishes=attachments.wishes(ws, **more)).parts


def whole(ws: Workspace, record: bytes) -> bytes:
    return b"".join(attachments.open_file(ws, record).pieces())


class Network(DirectoryRemote):
    """A folder that behaves like a carrier behind a link: asked is what was asked, and it goes away after `budget`
    bytes of parts.
    """

    def __init__(self, folder: Path, realm: bytes, budget: int = 1 << 60) -> None:
        super().__init__(folder, realm, SystemRng())
        self.asked: list[tuple[str, str]] = []
        self._budget = budget

    def capabilities(self) -> Capabilities:
        return Capabilities(ranges=True, remote=True)

    def get(self, name: str, start: int = 0) -> bytes | None:
        self.asked.append(("get", name))
        data = super().get(name, start)
        self._spend(data or b"")
        return data

    def put(self, name: str, data: bytes) -> None:
        self.asked.append(("put", name))
        self._spend(data)
        super().put(name, data)

    def size(self, name: str) -> int | None:
        self.asked.append(("size", name))
        return super().size(name)

    def names(self, folder: str, suffix: str = "") -> list[str]:
        self.asked.append(("names", folder))
        return super().names(folder, suffix)

    def _spend(self, data: bytes) -> None:
        self._budget -= len(data)
        if self._budget < 0:
            raise CarrierGone("The connection ended.")


@pytest.fixture
def sent(pair: Pair) -> tuple[Device, Device, Path, bytes, bytes]:
    """One device attached a file and brought it to the stick; the other one knows of it."""
    one, two, stick = pair
    content = os.urandom(SIZE)
    record = attach(one, content)
    assert sync(one, stick).sent == 3
    sync(two, stick)
    return one, two, stick, record, content


def test_opened_it_comes(sent: tuple[Device, Device, Path, bytes, bytes]) -> None:
    """Not before: text comes first, files on demand; who has it is told by name."""
    one, two, stick, record, content = sent
    with two.workspace() as ws:
        (shown,) = attachments.lines(ws, one.program.people["ana"])
        assert (shown.parts, shown.missing) == (3, 3)
        with pytest.raises(attachments.PartsMissing, match=r"3 of 3 parts .* attached on Front office"):
            attachments.open_file(ws, record)
        assert attachments.findings(ws, deep=True) == []
        assert attachments.fetch(ws, record, line(stick)).received == 3
        assert whole(ws, record) == content
        assert attachments.kept(ws).wanted == ()


def test_pinned_it_comes_by_itself(sent: tuple[Device, Device, Path, bytes, bytes]) -> None:
    """The pin is this user's on this copy: it travels nowhere, and the vault shows it to nobody else."""
    one, two, stick, record, content = sent
    ana = one.program.people["ana"]
    with two.workspace() as ws:
        assert attachments.pin(ws, ana)
        assert not attachments.pin(ws, ana)
        assert not [key for key, value in ws.session.db.state.items() if ana in value]
        with pytest.raises(NotFound):
            attachments.pin(ws, b"\1" * 16)
    assert sync(two, stick).received == 3
    with two.workspace() as ws:
        assert whole(ws, record) == content
        assert attachments.kept(ws).pinned == (ana,)
        assert attachments.pin(ws, ana, on=False)
    for device in (two, one):
        sync(device, stick)
    with one.workspace() as ws:
        assert attachments.kept(ws).pinned == ()


@pytest.mark.nightly
def test_asked_for_it_comes_with_the_next_exchange(pair: Pair, tmp_path: Path) -> None:
    """A carrier without it: the wish is kept, told in the check, and fulfilled by the carrier that has it."""
    one, two, stick = pair
    record = attach(one, b"Dear colleague.")
    with one.workspace() as ws:  # text only: as if the stick was pulled before the parts
        exchanging.sync(ws, line(stick), wishes=Wishes(), budget=Budget())
        for name in attachments.store(ws).names():
            (stick / "cwx1" / chunks.remote_name(name)).unlink()
    sync(two, stick)
    with two.workspace() as ws:
        moved = attachments.fetch(ws, record, line(stick))
        assert (moved.received, moved.absent) == (0, 1)
        assert attachments.kept(ws).wanted == (record,)
        (told,) = attachments.findings(ws)
        assert not told.alarm
        assert "attached on Front office" in told.what
    assert sync(one, stick).sent == 1
    assert sync(two, stick).received == 1
    with two.workspace() as ws:
        assert whole(ws, record) == b"Dear colleague."


def test_a_copy_without_keys_carries_parts(sent: tuple[Device, Device, Path, bytes, bytes], tmp_path: Path) -> None:
    """From stick to stick, by a copy whose user cannot open them, and by one without any user."""
    one, two, stick, record, content = sent
    other, third = tmp_path / "other", tmp_path / "third"
    other.mkdir()
    third.mkdir()
    assert sync(two, stick, "tom", everything=True).received == 3
    with two.workspace("tom") as ws:
        with pytest.raises(NotFound):
            attachments.open_file(ws, record)
        realm = ws.realm
    assert sync(two, other, "tom").sent == 3
    store = ChunkStore(tmp_path / "nobody", SystemRng())
    moved = MovedParts()
    for place in (other, third):
        moved = MovedParts()
        remote = DirectoryRemote(place, realm, SystemRng())
        chunks.exchange(store, remote, str(place), Wishes(everything=True), Budget(), moved)
    assert moved.sent == 3
    shutil.rmtree(one.path / "chunks")
    with one.workspace() as ws:
        assert [item.alarm for item in attachments.findings(ws)] == [True]
        assert attachments.fetch(ws, record, line(third)).received == 3
        assert whole(ws, record) == content


@contextmanager
def stores(tmp_path: Path, count: int, size: int = sealed.NARROW) -> Iterator[tuple[ChunkStore, list[str]]]:
    """A store with parts of nobody."""
    store = ChunkStore(tmp_path / "here", SystemRng())
    names = []
    for _ in range(count):
        data = os.urandom(size)
        names.append(sealed.name_of(data))
        store.put(names[-1], data)
    yield store, names


def test_over_a_link_that_drops_it_goes_on_part_by_part(tmp_path: Path) -> None:
    """No part is sent or fetched twice, however often the link ends."""
    folder, realm = tmp_path / "remote", bytes(16)
    folder.mkdir()
    with stores(tmp_path, 12) as (store, names):
        sent = MovedParts()
        for _ in range(30):
            try:
                remote = Network(folder, realm, 100_000)
                chunks.exchange(store, remote, "net", Wishes(order=lambda: [names]), Budget(), sent)
                break
            except CarrierGone:
                continue
        assert (sent.sent, sent.sent_bytes) == (12, 12 * 65_536)
        there, fetched = ChunkStore(tmp_path / "there", SystemRng()), MovedParts()
        wishes = Wishes(wanted=lambda: [{name: 65_536 for name in names if not there.has(name)}])
        for _ in range(30):
            try:
                chunks.exchange(there, Network(folder, realm, 100_000), "net", wishes, Budget(), fetched)
                break
            except CarrierGone:
                continue
        assert (fetched.received, fetched.received_bytes) == (12, 12 * 65_536)
        assert there.names() == store.names()


def test_nothing_is_asked_of_what_was_seen(tmp_path: Path) -> None:
    """Over a network a quiet exchange costs one look for notes, no list and no question for any part."""
    folder, realm = tmp_path / "remote", bytes(16)
    folder.mkdir()
    with stores(tmp_path, 3) as (store, names):
        first = Network(folder, realm)
        chunks.exchange(store, first, "net", Wishes(), Budget(), MovedParts())
        assert sorted(first.asked) == sorted(
            (what, chunks.remote_name(name)) for name in names for what in ("size", "put")
        )
        again = Network(folder, realm)
        chunks.exchange(store, again, "net", Wishes(), Budget(), MovedParts())
        assert again.asked == []


def test_a_lost_answer_costs_a_question_not_a_part(tmp_path: Path) -> None:
    folder, realm = tmp_path / "remote", bytes(16)
    folder.mkdir()
    with stores(tmp_path, 3) as (store, _):
        chunks.exchange(store, Network(folder, realm), "net", Wishes(), Budget(), MovedParts())
        Seen(store, "net").forget()
        moved = MovedParts()
        chunks.exchange(store, Network(folder, realm), "net", Wishes(), Budget(), moved)
        assert (moved.sent, len(Seen(store, "net").names)) == (0, 3)


def test_what_a_carrier_lost_or_damaged_is_brought_again(tmp_path: Path) -> None:
    """A note by who asked in vain; whoever has it looks again at all it believed to be there."""
    folder, realm = tmp_path / "remote", bytes(16)
    folder.mkdir()
    with stores(tmp_path, 4) as (store, names):
        chunks.exchange(store, Network(folder, realm), "net", Wishes(), Budget(), MovedParts())
        (folder / "cwx1" / chunks.remote_name(names[0])).unlink()
        (folder / "cwx1" / chunks.remote_name(names[1])).unlink()
        (folder / "cwx1" / chunks.remote_name(names[2])).write_bytes(os.urandom(65_536))
        there = ChunkStore(tmp_path / "there", SystemRng())
        order = (names[3], names[2], names[0], names[1])
        wishes = Wishes(wanted=lambda: [{name: 65_536 for name in order if not there.has(name)}])
        moved = MovedParts()
        chunks.exchange(there, Network(folder, realm), "net", wishes, Budget(), moved)
        assert (moved.received, moved.damaged, moved.absent) == (1, [names[2]], 1)
        brought = MovedParts()
        remote = Network(folder, realm)
        chunks.exchange(store, remote, "net", Wishes(), Budget(), brought)
        assert brought.sent == 3
        assert remote.wants() == set()
        chunks.exchange(there, Network(folder, realm), "net", wishes, Budget(), moved)
        assert there.names() == store.names()


def test_a_limit_and_a_stop_leave_the_rest_for_next_time(tmp_path: Path) -> None:
    folder, realm = tmp_path / "stick", bytes(16)
    folder.mkdir()
    with stores(tmp_path, 3) as (store, names):
        moved = MovedParts()
        remote = DirectoryRemote(folder, realm, SystemRng())
        chunks.exchange(store, remote, "stick", Wishes(), Budget(limit=150_000), moved)
        assert (moved.sent, moved.left, moved.left_bytes) == (2, 1, 65_536)
        assert chunks.estimate(store, remote, "stick", Wishes()).send == (65_536,)
        with pytest.raises(Cancelled):
            chunks.exchange(store, remote, "stick", Wishes(), Budget(cancelled=lambda: True), moved)
        chunks.exchange(store, remote, "stick", Wishes(), Budget(), moved)
        assert moved.sent == 3
        assert len(chunks.listed(remote)) == len(names)


@pytest.mark.nightly
def test_a_file_for_mail_holds_small_attachments_whole(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest that fit into the limit; more where all were asked for."""
    one, two, stick = pair
    monkeypatch.setattr(parts, "FILE_PARTS", 300_000)
    older, large, newest = attach(one, b"older"), attach(one, os.urandom(SIZE)), attach(one, b"newest")
    one.sync(stick)
    two.sync(stick)
    mail = tmp_path / "mail.cwx"
    assert sync(one, mail).sent == 2
    with two.workspace() as ws:
        held = BundleRemote(mail, ws.realm, ws.rng)
        assert all(packs.parse_name(name) is not None for name in held.listing())
        assert attachments.fetch(ws, newest, line(mail)).received == 1
        assert whole(ws, newest) == b"newest"
        assert attachments.fetch(ws, large, line(mail)).received == 0
    assert sync(one, mail, everything=True).sent == 3
    with two.workspace() as ws:
        assert attachments.fetch(ws, large, line(mail)).received == 3
        assert attachments.fetch(ws, older, line(mail)).received == 1
