"""What an exchange costs at the socket, TLS and all: ten devices, a bucket on an S3 server. Pinned; 5 % more fails.

Every byte both ways is counted between program and server, each exchange over a connection of its own with a full TLS
handshake. The other nine devices have packs there and are quiet; the board is looked at each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from iop_tui.access import program as programs
from iop_tui.exchange import cards, heads, packs
from iop_tui.exchange.cards import ACTIVE, DeviceCard
from iop_tui.exchange.engine import Report
from iop_tui.exchange.keys import DeviceKeys
from iop_tui.exchange.remotes.port import Remote
from iop_tui.kernel.secret import Secret
from iop_tui.store.exchangelog import DEVICE
from iop_tui.store.order import PackEntry
from iop_tui.store.rows import ExchangeRow
from iop_tui.vault.digest import sha256
from iop_tui.workspace import Workspace, exchanging
from iop_tui.workspace.carriers import RemoteLine
from tests.exchange.test_bytes import save, texts
from tests.support.clinic.devices import first
from tests.support.clinic.vaults import program
from tests.support.network.link import Link
from tests.support.network.servers import Served

OTHERS, PACKS = 9, 3
NAME = "The bucket"
RESUMED = 1_100
"""Bytes of a resumed handshake: on a busy machine a request may begin before the last one's connection is free, and
then opens another one. That is chance, and is not counted."""
QUIET = {"GET b": 1, "PUT p": 1, "PUT h": 1, "PUT b": 1}


@dataclass
class Wire:
    """A device with its bucket behind a link that counts."""

    ws: Workspace
    person: bytes
    server: Served
    link: Link
    line: RemoteLine

    def exchange(self) -> tuple[Report, int, Counter[str]]:
        """One exchange: its report, bytes both ways, and what was asked of the server."""
        self.link.cut()
        self.link.reset()
        self.server.log()
        report = exchanging.sync(self.ws, self.line)
        more = self.link.connections - 1
        assert more <= 3
        return report, self.link.total - more * RESUMED, Counter(map(_asked, self.server.log()))


def _asked(request: str) -> str:
    """`PUT p` for a pack, `GET h` for a head, `PUT b` for the board, `LIST h` for a listing of the heads."""
    method, path = request.split(" ", 1)
    if "list-type" in path:
        return f"LIST {path.partition('cwx1%2F')[2][:1]}"
    return f"{method} {path.partition('/cwx1/')[2][:1]}"


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory, s3: Served) -> Iterator[Wire]:
    """Ten devices that have met on a bucket."""
    device = first(program(tmp_path_factory.mktemp("wire"), seed=61))
    with device.workspace() as ws, Link("127.0.0.1", s3.tls_port) as link:
        place = s3.text(s3.fresh(), tls=True, port=link.port)
        others = [_card(ws, number) for number in range(OTHERS)]
        line = exchanging.add_remote(ws, NAME, place, credentials=s3.credentials, ca=s3.ca)
        remote = exchanging.open_line(ws, line)
        for keys, card in others:
            _bring(ws, remote, keys, card)
        found = Wire(ws, device.program.people["ana"], s3, link, line)
        found.exchange()
        found.exchange()
        yield found


def _card(ws: Workspace, number: int) -> tuple[DeviceKeys, bytes]:
    """Another device, certified."""
    keys = DeviceKeys.of(sha256(b"device", bytes([number]))[:16], Secret(sha256(b"seed", bytes([number]))))
    card = DeviceCard(keys.device, f"Device {number}", keys.signer.public, keys.box.public, (0, number), ACTIVE, 1, 0)
    stored = cards.sign(card, programs.root_signer(ws.session))
    work = ws.work()
    ws.session.note(work, "device-admit", subject=keys.device)
    batch = ws.session.sealed(work)
    batch.exchange.append(ExchangeRow(DEVICE, cards.identity(stored), stored))
    ws.session.db.commit(batch)
    return keys, stored


def _bring(ws: Workspace, remote: Remote, keys: DeviceKeys, card: bytes) -> None:
    """Its packs, without rows, and its head."""
    transport, lane, prev = exchanging.ledger(ws).transport.get(1), sha256(keys.device)[:16], bytes(32)
    entries = []
    for n in range(PACKS):
        streams, sections = packs.sections(devices=(card,) if n == 0 else ())
        body = packs.Body(packs.FORMAT, ws.realm, keys.device, lane, n, prev, (), 0, streams, sections)
        data = packs.seal(body, keys.signer, key=transport, number=1, salt=ws.rng.token(32))
        entry = PackEntry(sha256(data), keys.device, lane, n, prev, (), (), False, (), 0, len(data))
        remote.put(packs.name_of(lane, n, entry.hash), data)
        entries.append(entry)
        prev = entry.hash
    head = heads.make(entries, counter=PACKS, known=PACKS, asks=0)
    data = heads.seal(head, ws.realm, keys.signer, key=transport, number=1, salt=ws.rng.token(32))
    remote.put(packs.head_name(lane), data)


def test_nothing_new_lists_no_packs(wire: Wire) -> None:
    """One look at the board, this device's log and head, a word on the board; nothing is listed or fetched."""
    _, size, asked = wire.exchange()
    assert asked == QUIET
    print(f"nothing new: {size} B at the socket")
    assert size <= 6_040 * 1.05


@pytest.mark.parametrize(
    ("count", "pushes", "pinned"), [(10, 3, 36_110), pytest.param(100, 10, 240_500, marks=pytest.mark.nightly)]
)
def test_bytes_at_the_socket(wire: Wire, count: int, pushes: int, pinned: int) -> None:
    total = content = 0
    listed = list(texts(count))
    for push in range(pushes):
        for text in listed[push::pushes]:
            save(wire.ws, wire.person, text)
        report, size, asked = wire.exchange()
        total, content = total + size, content + report.moved.sent_bytes
        assert asked == QUIET
    print(f"{count} notes + {count} edits in {pushes}: {total} B at the socket, {content} B of them packs")
    assert total <= pinned * 1.05
