"""A device of the simulated program with its open workspaces, carriers that fail it, the program they begin from."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

from iop_tui.access import roles
from iop_tui.access.settle import settle
from iop_tui.clinical.staff import service as staff
from iop_tui.exchange.remotes.directory import DirectoryRemote
from iop_tui.kernel.clock import FixedClock, local_date
from iop_tui.kernel.rng import SeededRng
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace
from tests.exchange.world.shelf import Fault
from tests.support.clinic.devices import Device, enrolled, first
from tests.support.clinic.vaults import PHRASE, Member, empty

USERS = ("nadia", "tom")


@dataclass
class Station:
    """A device with its open workspaces."""

    device: Device
    images: list[Path] = field(default_factory=list)
    open: dict[str, Workspace] = field(default_factory=dict)
    ever: set[bytes] = field(default_factory=set)
    days: dict[str, object] = field(default_factory=dict)

    def ws(self, user: str) -> Workspace:
        """A user's workspace, caught up."""
        if "nadia" not in self.open:
            self.open["nadia"] = self.device.unlock("nadia")
        if user not in self.open:
            member = self.device.program.users[user]
            self.open[user] = self.open["nadia"].beside(member.secrets, member.user)
        found, day = self.open[user], local_date(self.device.clock.now_ms())
        # What a program owes follows from what came and from the date.
        if found.session.catch_up() != Changes() or self.days.get(user) != day:
            settle(found.session)
            self.days[user] = day
        found._fresh_at = found.clock.monotonic()
        return found

    def close(self) -> None:
        """Lock everything."""
        for name, ws in self.open.items():
            if name != "nadia":
                ws.session.view.close()
        if "nadia" in self.open:
            self.open["nadia"].close()
        self.open.clear()
        self.days.clear()

    def kill(self) -> None:
        """What is left when the process ends at once: files as they are, locks gone."""
        for ws in self.open.values():
            ws.session.view.abandon()
        if "nadia" in self.open:
            ws = self.open["nadia"]
            ws._closed = True
            if ws._head is not None:
                ws._head.close()
            ws.session.db.close()
        self.open.clear()
        self.days.clear()

    def revisions(self) -> set[bytes]:
        """What this device holds."""
        ws = self.open.get("nadia") or self.ws("nadia")
        return {row[0] for row in ws.session.db.read("SELECT id FROM revision")}

    def rows(self) -> set[bytes]:
        """Its revisions and acts."""
        query = "SELECT id FROM revision UNION ALL SELECT id FROM act"
        return {row[0] for row in self.ws("nadia").session.db.read(query)}


class FaultyRemote(DirectoryRemote):
    """A folder that fails as sticks and shared folders do."""

    def __init__(self, folder: Path, realm: bytes, rng: object, dice: random.Random, rate: float) -> None:
        super().__init__(folder, realm, rng)  # type: ignore[arg-type]
        self._dice, self._rate = dice, rate

    def put(self, name: str, data: bytes) -> None:
        fault = self._dice.random()
        if fault < self._rate:
            kind = self._dice.choice(("down", "cut", "lost answer"))
            if kind == "cut":
                super().put(name, data[: len(data) // 2])
            elif kind == "lost answer":
                super().put(name, data)
            raise Fault("The carrier failed.")
        super().put(name, data)


@dataclass
class Founded:
    """A program with Nadia and Tom on some devices that have met, closed: what each history begins from."""

    devices: list[Device]
    carrier: Path
    realm: bytes

    @classmethod
    def make(cls, folder: Path, devices: int) -> Founded:
        """Found it; takes about a second."""
        made, ws = empty(folder / "d0", seed=1)
        made.people = {}
        new = staff.add_user(ws, name="Tom", user_roles=(roles.INDIVIDUAL_THERAPIST,), phrase=bytearray(PHRASE))
        made.users["tom"] = Member("Tom", new.secrets, new)
        settle(ws.session)
        ws.close()
        found = cls([first(made)], folder / "c0", ws.realm)
        for number in range(1, devices):
            place = folder / f"d{number}"
            found.devices.append(enrolled(found.devices[0], f"Device {number}", place, found.carrier, seed=number))
        return found

    def copied(self, folder: Path, seed: int) -> list[Device]:
        """The same devices in a folder, with clocks and dice of their own."""
        shutil.copytree(self.carrier, folder / "c0")
        made = self.devices[0].program
        codes = FixedClock(made.code_clock.now_ms())
        program = replace(made, path=folder / "d0", code_clock=codes, users=dict(made.users), people={})
        found = []
        for number, device in enumerate(self.devices):
            shutil.copytree(device.path, folder / f"d{number}")
            clock = FixedClock(device.clock.now_ms())
            env = replace(device.env, clock=clock, code_clock=codes, rng=SeededRng(1000 + seed * 64 + number))
            found.append(Device(program, device.name, folder / f"d{number}", env, clock))
        return found
