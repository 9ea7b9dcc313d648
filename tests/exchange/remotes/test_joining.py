"""A device that joins over a bad link has the patience of an exchange, and loses nothing of what came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from iop_tui.exchange import enrol
from iop_tui.exchange.carrying import Budget
from iop_tui.exchange.mirror import Mirror
from iop_tui.exchange.remotes.directory import ROOT, DirectoryRemote
from iop_tui.exchange.remotes.patient import LinkLost
from iop_tui.exchange.remotes.port import CarrierGone
from iop_tui.kernel.clock import FixedClock
from iop_tui.kernel.errors import IopError, Refused
from iop_tui.kernel.rng import SeededRng
from iop_tui.workspace import Environment, exchanging, joining
from tests.exchange.remotes.contract import pack
from tests.exchange.world.pairs import Pair
from tests.support.clinic.devices import Device, line
from tests.support.network.faulty import MemoryRemote, Store, Wire


class Server(MemoryRemote):
    """Counts what is asked; `down` says when it does not answer."""

    asked: list[str]
    down: Callable[[], bool]

    def get(self, name: str, start: int = 0) -> bytes | None:
        if name.startswith("p/"):
            if self.down():
                raise CarrierGone("The server cannot be reached.")
            self.asked.append(name)
        return super().get(name, start)


@dataclass
class Newcomer:
    """A device that was admitted and has nothing yet, and what lies on the server."""

    pair: Pair
    new: enrol.NewDevice
    grant: enrol.Grant
    store: Store
    env: Environment
    clock: FixedClock
    path: Path

    def server(self, wire: Wire | None = None, down: Callable[[], bool] = lambda: False) -> Server:
        found = Server(self.store, wire)
        found.asked, found.down = [], down
        return found

    def join(self, server: Server, wait: float = 0.0) -> int:
        member, budget = self.pair[0].program.users["nadia"], Budget(pause=self.clock.advance)
        return joining.join(self.path, self.env, self.new, self.grant, server, name=member.name, phrase=member.typed(),
                            budget=budget, wait=wait)  # fmt: skip

    def opens(self) -> bool:
        with Device(self.pair[0].program, "Third", self.path, self.env, self.clock).workspace() as ws:
            return len(exchanging.devices(ws)) == 3

    @property
    def coming(self) -> Path:
        return self.path.parent / ".third.coming"


@pytest.fixture
def newcomer(pair: Pair, tmp_path: Path) -> Newcomer:
    one, _, stick = pair
    clock = FixedClock(one.clock.now_ms())
    env = replace(one.env, rng=SeededRng(77), clock=clock)
    new = enrol.ask("Third", env.rng)
    outside = DirectoryRemote(stick, None, env.rng)
    outside.put(enrol.request_name(new.request.device), new.stored)
    with one.workspace() as ws:
        _, shown = exchanging.admit(ws, stick, new.words)
        exchanging.sync(ws, line(stick))
    grant = enrol.open_grant(new, outside.get(enrol.grant_name(new.request.device)) or b"", shown)
    root = stick / ROOT
    files = {file.relative_to(root).as_posix(): file.read_bytes() for file in root.rglob("*") if file.is_file()}
    return Newcomer(pair, new, grant, Store(files), env, clock, tmp_path / "third")


def test_what_came_before_the_link_was_lost_is_there_at_the_next_try(newcomer: Newcomer) -> None:
    listing = len(newcomer.store.files) * 256
    first = newcomer.server(wire := Wire())
    wire.breaks_after(2 * listing + 30_000)
    with pytest.raises(LinkLost):
        newcomer.join(first)
    assert not newcomer.path.exists()
    here = set(Mirror(newcomer.coming, newcomer.grant.realm, newcomer.env.rng).listing())
    total = {name for name in newcomer.store.files if name.startswith("p/")}
    assert 0 < len(here) < len(total)
    second = newcomer.server()
    assert newcomer.join(second) == len(total)
    assert set(second.asked) == total - here
    assert newcomer.opens()
    assert not newcomer.coming.exists()


def test_what_came_is_kept_where_the_vault_cannot_get_its_place(newcomer: Newcomer) -> None:
    """The folder was empty when it began; later somebody put something there."""
    newcomer.path.mkdir()
    (newcomer.path / "other").write_text("mine")
    with pytest.raises(Refused):
        newcomer.join(newcomer.server())
    (newcomer.path / "other").unlink()
    server = newcomer.server(down=lambda: bool((newcomer.path / "other").write_text("mine")) and False)
    with pytest.raises(IopError):
        newcomer.join(server)
    assert [item.name for item in newcomer.path.iterdir()] == ["other"]
    (newcomer.path / "other").unlink()
    again = newcomer.server()
    newcomer.join(again)
    assert again.asked == []
    assert newcomer.opens()


@pytest.mark.nightly
def test_a_link_that_is_lost_is_waited_for(newcomer: Newcomer) -> None:
    """As long as was said since something came; then it ends in words."""
    back = newcomer.clock.monotonic() + 400
    gone = newcomer.server(down=lambda: newcomer.clock.monotonic() < back)
    with pytest.raises(LinkLost):
        newcomer.join(gone, wait=60)
    assert newcomer.clock.monotonic() < back
    newcomer.join(gone, wait=600)
    assert newcomer.clock.monotonic() >= back
    assert newcomer.opens()


@pytest.mark.nightly
def test_what_came_of_another_program_is_not_used(newcomer: Newcomer) -> None:
    newcomer.coming.mkdir()
    name, data = pack()
    Mirror(newcomer.coming, b"another program!", newcomer.env.rng).put(name, data)
    newcomer.join(newcomer.server())
    assert newcomer.opens()
    assert name not in Mirror(newcomer.path, newcomer.grant.realm, newcomer.env.rng).listing()


def test_a_request_is_left_over_a_link_that_drops(template: Pair) -> None:
    """Before there is a vault there is nothing to remember, and the same patience."""
    left, clock = 2, FixedClock(0)

    class Dropping(MemoryRemote):
        def put(self, name: str, data: bytes) -> None:
            nonlocal left
            left -= 1
            if left >= 0:
                raise CarrierGone("The connection was closed.")
            super().put(name, data)

    remote = joining.reach(Dropping(Store()), replace(template[0].env, clock=clock), Budget(pause=clock.advance))
    remote.put("e/x.req", b"request")
    assert remote.get("e/x.req") == b"request"
