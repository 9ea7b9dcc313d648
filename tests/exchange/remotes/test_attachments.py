"""An attachment over a link that drops ten times: text first, then part by part, no part twice; memory stays small."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from iop_tui.clinical.attachments import api as attachments
from iop_tui.clinical.attachments.api import Order
from iop_tui.exchange.carrying import Budget
from iop_tui.exchange.remotes.patient import LinkLost
from iop_tui.vault import chunks
from iop_tui.vault.digest import Hasher
from iop_tui.workspace import Workspace, exchanging
from tests.conftest import Scale
from tests.exchange.remotes.test_bad_links import NAME, Line, over
from tests.exchange.world.pairs import Pair
from tests.support.clinic.vaults import today
from tests.support.network.servers import Served

CUTS, MIB = 10, 1024 * 1024
LARGEST_PROCESS = 150
"""MiB of memory that a whole process may ever have had (issue 7)."""


@pytest.fixture(params=[pytest.param("s3", marks=pytest.mark.nightly), "dav"])
def server(request: pytest.FixtureRequest) -> Served:
    found: Served = request.getfixturevalue(request.param)
    return found


def _file(size: int) -> Iterator[bytes]:
    for at in range(0, size, MIB):
        yield os.urandom(min(MIB, size - at))


def _attach(ws: Workspace, person: bytes, path: Path) -> bytes:
    order = Order(person, "Scan", "letter", today(ws))
    sealed = attachments.seal_file(ws, order, attachments.check(ws, order), path)
    return attachments.finish(ws, sealed).record


def _until_whole(net: Line, at: int) -> int:
    """Exchange until nothing is left; how many times."""
    ws = net.workspaces[at]
    for count in range(1, 40):
        try:
            budget = Budget(pause=net.clock.advance)
            exchanging.sync(ws, exchanging.find_remote(ws, NAME), budget=budget, wishes=attachments.wishes(ws))
        except LinkLost:
            continue
        return count
    raise AssertionError("never went through")


def test_ten_interruptions_cost_no_part_twice(pair: Pair, server: Served, scale: Scale, tmp_path: Path) -> None:
    """50 MB at night, 900 kB by day, with the same code: up, then down, over a link that drops about twenty times."""
    size = scale(50 * MIB, 900_000)
    path = tmp_path / "scan.pdf"
    with path.open("wb") as file:
        file.writelines(_file(size))
    with over(pair, server, seed=5) as net:
        one, two = net.workspaces
        ana = net.devices[0].program.people["ana"]
        for at in (0, 1):
            net.sync(at)
        record = _attach(one, ana, path)
        (line,) = attachments.lines(one, ana)
        assert line.document.part_size == chunks.NARROW
        whole = line.parts * chunks.NARROW
        _over_a_bad_link(net, 0, size)
        assert whole <= net.link.up <= 2 * whole
        net.link.mean = None
        net.sync(1)
        assert attachments.lines(two, ana)[0].missing == line.parts
        attachments.pin(two, ana)
        _over_a_bad_link(net, 1, size)
        assert whole <= net.link.down <= 1.5 * whole
        assert hash_of(attachments.open_file(two, record).pieces()) == hash_of(_read(path))


def _over_a_bad_link(net: Line, at: int, size: int) -> None:
    net.link.mean = size / 20
    net.link.cut()
    net.link.reset()
    _until_whole(net, at)
    assert net.link.drops >= CUTS


def hash_of(pieces: Iterator[bytes]) -> bytes:
    hasher = Hasher()
    for piece in pieces:
        hasher.update(piece)
    return hasher.digest()


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(MIB):
            yield piece


_SCRIPT = """
import os, sys
from pathlib import Path
from tests.support.clinic.vaults import program, today
from tests.support.clinic.devices import enrolled, first, line
from tests.exchange.remotes.test_attachments import _attach, _file
from iop_tui.clinical.attachments import api as attachments
from iop_tui.workspace import exchanging

def most():
    words = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()
    return int(words[1]) // 1024

folder, size = Path(sys.argv[1]), int(sys.argv[2])
made = program(folder)
one = first(made)
two = enrolled(one, "Laptop", folder / "laptop", folder / "stick", seed=5)
with (folder / "scan").open("wb") as file:
    file.writelines(_file(size))
with one.workspace() as ws:
    record = _attach(ws, made.people["ana"], folder / "scan")
    print("attached", most())
    exchanging.sync(ws, line(folder / "stick"), wishes=attachments.wishes(ws))
    print("sent", most())
with two.workspace() as ws:
    exchanging.sync(ws, line(folder / "stick"))
    assert attachments.fetch(ws, record, line(folder / "stick")).absent == 0
    print("received", most())
    assert sum(len(piece) for piece in attachments.open_file(ws, record).pieces()) == size
    print("shown", most())
"""


@pytest.mark.nightly
def test_memory_stays_small(tmp_path: Path) -> None:
    """Attached, sent, received, shown: 50 MB never make a process larger than 150 MiB."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(tmp_path), str(50 * MIB)], capture_output=True, text=True, check=True,
        cwd=Path(__file__).resolve().parents[3],
    )  # fmt: skip
    figures = dict(line.split() for line in done.stdout.splitlines())
    assert list(figures) == ["attached", "sent", "received", "shown"]
    assert max(map(int, figures.values())) < LARGEST_PROCESS, figures
