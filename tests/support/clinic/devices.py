"""Several devices of one test program, with carriers between them: `enrolled(program, tmp_path, …)`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from iop_tui import workspace
from iop_tui.access.settle import settle
from iop_tui.exchange import enrol
from iop_tui.exchange.engine import Report
from iop_tui.exchange.remotes.directory import DirectoryRemote
from iop_tui.kernel.clock import FixedClock
from iop_tui.kernel.rng import SeededRng
from iop_tui.vault import totp
from iop_tui.workspace import Environment, Workspace, exchanging, joining
from iop_tui.workspace.exchanging import RemoteLine
from tests.support.clinic.vaults import Program


@dataclass
class Device:
    """One copy of a program's vault and how to open it as anybody who has a slot there."""

    program: Program
    name: str
    path: Path
    env: Environment
    clock: FixedClock

    def unlock(self, name: str = "nadia") -> Workspace:
        """A real unlock with the next code. The caller closes it."""
        member = self.program.users[name]
        codes = self.program.code_clock
        codes.advance(60)
        ws = workspace.unlock(
            self.path,
            self.env,
            name=member.name,
            phrase=member.typed(),
            code=totp.code_at(member.secrets.totp_seed, codes.now_ms() // 1000),
        )
        settle(ws.session)
        return ws

    @contextmanager
    def workspace(self, name: str = "nadia") -> Iterator[Workspace]:
        """A real unlock for the length of a block."""
        ws = self.unlock(name)
        try:
            yield ws
        finally:
            ws.close()

    def sync(self, place: Path, name: str = "nadia") -> Report:
        """One exchange with a carrier."""
        with self.workspace(name) as ws:
            return exchanging.sync(ws, line(place))


def again(devices: Sequence[Device], places: Sequence[Path]) -> list[Device]:
    """These devices of one program over copies of their vaults at other places, with clocks and codes of their own."""
    old = devices[0].program
    codes, found = FixedClock(old.code_clock.now_ms()), []
    for device, place in zip(devices, places, strict=True):
        clock = FixedClock(device.clock.now_ms())
        env = replace(device.env, clock=clock, code_clock=codes)
        found.append(replace(device, path=place, env=env, clock=clock))
    program = replace(
        old, path=places[0], env=found[0].env, clock=found[0].clock, code_clock=codes, users=dict(old.users),
        people=dict(old.people), notes=dict(old.notes),
    )  # fmt: skip
    return [replace(device, program=program) for device in found]


def line(place: Path) -> RemoteLine:
    """A carrier by its place."""
    return RemoteLine(place.name, str(place))


def first(program: Program) -> Device:
    """The device the program was founded on, set up to exchange."""
    device = Device(program, "Front office", program.path, program.env, program.clock)
    with device.workspace() as ws:
        exchanging.begin(ws, device.name)
    return device


def enrolled(device: Device, name: str, path: Path, carrier: Path, *, seed: int, user: str = "nadia") -> Device:
    """Another device, enrolled over a folder as the two programs do it."""
    clock = FixedClock(device.clock.now_ms())
    env = replace(device.env, clock=clock, rng=SeededRng(seed))
    carrier.mkdir(exist_ok=True)
    outside = DirectoryRemote(carrier, None, env.rng)
    new = enrol.ask(name, env.rng)
    outside.put(enrol.request_name(new.request.device), new.stored)
    with device.workspace() as ws:
        _, shown = exchanging.admit(ws, carrier, new.words)
        exchanging.sync(ws, line(carrier))
    sealed = outside.get(enrol.grant_name(new.request.device))
    assert sealed is not None
    grant = enrol.open_grant(new, sealed, shown)
    member = device.program.users[user]
    remote = DirectoryRemote(carrier, grant.realm, env.rng)
    joining.join(path, env, new, grant, remote, name=member.name, phrase=member.typed())
    return Device(device.program, name, path, env, clock)
