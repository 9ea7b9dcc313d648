"""Devices, carriers and everything that goes wrong between them, from one seed: real codec, real store, injected clock.

    world = World(folder, seed, Founded.make(…))
    world.step() …; world.settle(); worldcheck.check(world)

What is excused, and nothing else: a revision, or a pack that others name, whose only copies were on a device that was
put back to an older image and on carriers that lost or damaged it.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from unittest import mock

from iop_tui.access import roles
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.people import service as people
from iop_tui.clinical.people.model import Person
from iop_tui.exchange import carrying, packs
from iop_tui.exchange.carrying import Budget
from iop_tui.exchange.mirror import FOLDER, Mirror
from iop_tui.exchange.remotes.directory import ROOT, DirectoryRemote
from iop_tui.kernel.clock import FixedClock
from iop_tui.kernel.errors import IopError, Refused
from iop_tui.kernel.rng import SeededRng
from iop_tui.workspace import Workspace, exchanging
from tests.exchange.world.shelf import Crash, Fault
from tests.exchange.world.stations import USERS, FaultyRemote, Founded, Station
from tests.support.clinic.devices import Device, line
from tests.support.clinic.vaults import note, today

MOST = 5
ROUNDS = 8


class World:
    """Devices and carriers of one program. `written`: revisions somebody made; `at_risk`, `packs_at_risk`: those that
    only a device had which was put back, and packs it had; `images`: older states of carriers.
    """

    def __init__(self, folder: Path, seed: int, founded: Founded, *, carriers: int = 3) -> None:
        self.folder, self.dice = folder, random.Random(seed)
        self.told: list[str] = []
        self.fault_rate = 0.0
        self.stations = [Station(device) for device in founded.copied(folder, seed)]
        self.program = self.stations[0].device.program
        self.carriers = [folder / f"c{number}" for number in range(carriers)]
        for carrier in self.carriers:
            carrier.mkdir(exist_ok=True)
        self.realm = founded.realm
        self.written: set[bytes] = set()
        self.at_risk: set[bytes] = set()
        self.packs_at_risk: set[str] = set()
        self._snapshots: dict[Path, list[Path]] = {}
        self._count = 0

    # -- steps -----------------------------------------------------------------------------

    def step(self, moves: tuple[tuple[int, str], ...] | None = None) -> None:
        """One random thing happens; nobody forgets by it."""
        weighted = moves or MOVES
        name = self.dice.choices([move for _, move in weighted], [weight for weight, _ in weighted])[0]
        station = self.dice.choice(self.stations)
        self.told.append(f"{name} {self.stations.index(station)}")
        station.device.clock.advance(self.dice.choice((1, 30, 600)))
        getattr(self, f"do_{name}")(station)
        if "nadia" in station.open:
            held = station.revisions()
            assert station.ever <= held, "a device forgot"
            station.ever = held

    def do_write(self, station: Station) -> None:
        user = self.dice.choice(USERS)
        ws = station.ws(user)
        line_ = self._someone(ws)
        if line_ is None:
            return
        with suppress(Refused):
            saved = notes.save(ws, line_, note(today(ws), f"Note {len(self.written)} on {station.device.name}."))
            self.written.add(saved.revision)

    def do_edit(self, station: Station) -> None:
        user = self.dice.choice(USERS)
        ws = station.ws(user)
        drafts = notes.drafts(ws)
        if drafts:
            chosen = self.dice.choice(drafts)
            with suppress(Refused):
                saved = notes.save(ws, chosen.person, note(today(ws), f"Edit {len(self.written)}."), record=chosen.id)
                self.written.add(saved.revision)

    def do_sign(self, station: Station) -> None:
        ws = station.ws(self.dice.choice(USERS))
        drafts = notes.drafts(ws)
        if drafts:
            with suppress(IopError):
                notes.sign(ws, [self.dice.choice(drafts).id])

    def do_register(self, station: Station) -> None:
        ws = station.ws("nadia")
        self._count += 1
        person, _ = people.register(ws, Person(given=f"P{self._count}", family=f"F{self._count}", safe_contact="none"))
        self.program.people[f"p{self._count}"] = person
        with suppress(Refused):
            who = self.dice.choice(USERS)
            people.assign(ws, person, self.program.users[who].user, roles.INDIVIDUAL_THERAPIST)

    def do_end_care(self, station: Station) -> None:
        ws = station.ws("nadia")
        person = self._someone(ws)
        if person is not None:
            with suppress(Refused):
                people.end_care(ws, person, self.program.users["tom"].user)

    def do_assign(self, station: Station) -> None:
        ws = station.ws("nadia")
        person = self._someone(ws)
        if person is not None:
            with suppress(Refused):
                people.assign(ws, person, self.program.users["tom"].user, roles.INDIVIDUAL_THERAPIST)

    def do_sync(self, station: Station) -> None:
        self.sync(station, self.dice.choice(self.carriers))

    def do_carry(self, station: Station) -> None:
        """Somebody without a user's passphrase carries packs: the vault may be locked."""
        mirror = Mirror(station.device.path, self.realm, station.device.env.rng)
        carrier = self.dice.choice(self.carriers)
        remote = FaultyRemote(carrier, self.realm, station.device.env.rng, self.dice, self.fault_rate)
        with suppress(Fault):
            carrying.carry(mirror, remote, str(carrier), Budget())

    def do_crash(self, station: Station) -> None:
        """The process ends in the middle of an exchange."""
        ws = station.ws("nadia")
        left = self.dice.randrange(1, 12)
        original: Callable[..., None] = DirectoryRemote._write

        def write(remote: DirectoryRemote, place: Path, data: bytes) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Crash
            original(remote, place, data)

        DirectoryRemote._write = write  # type: ignore[method-assign,assignment]
        try:
            exchanging.sync(ws, line(self.dice.choice(self.carriers)))
        except (Crash, Refused):
            pass
        finally:
            DirectoryRemote._write = original  # type: ignore[method-assign]
        station.kill()

    def do_relock(self, station: Station) -> None:
        station.close()

    def do_truncate(self, station: Station) -> None:
        found = self._carried()
        if found is not None:
            data = found.read_bytes()
            found.write_bytes(data[: self.dice.randrange(len(data))])

    def do_flip(self, station: Station) -> None:
        found = self._carried()
        if found is not None:
            data = bytearray(found.read_bytes())
            if data:
                data[self.dice.randrange(len(data))] ^= 1 << self.dice.randrange(8)
                found.write_bytes(bytes(data))

    def do_lose(self, station: Station) -> None:
        found = self._carried()
        if found is not None:
            found.unlink()

    def do_empty(self, station: Station) -> None:
        carrier = self.dice.choice(self.carriers)
        shutil.rmtree(carrier / ROOT, ignore_errors=True)

    def do_litter(self, station: Station) -> None:
        place = self.dice.choice(self.carriers) / ROOT / "p" / ("a" * 26)
        place.mkdir(parents=True, exist_ok=True)
        (place / "holiday.jpg").write_bytes(b"nothing of ours")

    def do_keep_carrier(self, station: Station) -> None:
        carrier = self.dice.choice(self.carriers)
        place = self.folder / f"kept-{carrier.name}-{len(self.told)}"
        shutil.copytree(carrier, place)
        self._snapshots.setdefault(carrier, []).append(place)

    def do_roll_carrier_back(self, station: Station) -> None:
        carrier = self.dice.choice(self.carriers)
        kept = self._snapshots.get(carrier)
        if kept:
            shutil.rmtree(carrier)
            shutil.copytree(self.dice.choice(kept), carrier)

    def do_image(self, station: Station) -> None:
        station.close()
        place = self.folder / f"image-{len(self.told)}"
        shutil.copytree(station.device.path, place)
        station.images.append(place)

    def do_restore(self, station: Station) -> None:
        """A device is put back to an older image of its disk: what was only there since then is gone."""
        if not station.images:
            return
        station.close()
        self.packs_at_risk |= _sound(station.device.path / FOLDER)
        shutil.rmtree(station.device.path)
        shutil.copytree(self.dice.choice(station.images), station.device.path)
        # Views are put back with the vault; the program's own state is the image's.
        self.at_risk |= self.written - {one for other in self.stations for one in other.revisions()}
        station.ever = station.revisions()

    def do_clone(self, station: Station) -> None:
        """Somebody copies the folder of a device to another machine, and both are used."""
        if len(self.stations) >= MOST:
            return
        station.close()
        place = self.folder / f"clone-{len(self.told)}"
        shutil.copytree(station.device.path, place)
        clock = FixedClock(station.device.clock.now_ms())
        # Not a seed that the first devices were made with: random numbers do not repeat between devices.
        env = replace(station.device.env, clock=clock, rng=SeededRng(500 + len(self.told)))
        self.stations.append(Station(Device(self.program, f"Clone {len(self.told)}", place, env, clock)))

    def do_clock(self, station: Station) -> None:
        station.device.clock.advance(self.dice.choice((-10, 10, 1)) * 365 * 86400)

    def do_faults(self, station: Station) -> None:
        self.fault_rate = self.dice.choice((0.0, 0.0, 0.3))

    # -- the end ---------------------------------------------------------------------------

    def sync(self, station: Station, carrier: Path) -> None:
        """One exchange of a device with a carrier."""
        ws = station.ws("nadia")
        with mock.patch.object(exchanging, "open_remote", self._open_remote), suppress(Fault):
            exchanging.sync(ws, line(carrier))

    def _open_remote(self, place: Path, realm: bytes, rng: object) -> DirectoryRemote:
        return FaultyRemote(place, realm, rng, self.dice, self.fault_rate)

    def settle(self) -> None:
        """Faults stop and everybody meets everybody."""
        self.fault_rate = 0.0
        # What ends at a date ends by each device's own clock; so they agree on the day before views are compared.
        latest = max(station.device.clock.now_ms() for station in self.stations)
        for station in self.stations:
            station.device.clock.advance((latest - station.device.clock.now_ms()) / 1000)
        for round_ in range(ROUNDS):
            for station in self.stations:
                # What lies on one carrier only is fetched by the first device and brought to the one where all meet.
                for carrier in self.carriers if round_ == 0 and station is self.stations[0] else self.carriers[:1]:
                    self.sync(station, carrier)
            if round_ and self._at_rest() and not self._owed():
                return
        raise AssertionError("the devices do not come to rest")

    def _owed(self) -> bool:
        """Whether somebody's program still does something by itself, when everybody has opened theirs."""
        before = [station.rows() for station in self.stations]
        for station in self.stations:
            for user in USERS:
                station.ws(user)
        return before != [station.rows() for station in self.stations]

    def _at_rest(self) -> bool:
        ledgers = [exchanging.ledger(station.ws("nadia")) for station in self.stations]
        states = [
            (station.rows(), set(ledger.forks()), ledger.missing())
            for station, ledger in zip(self.stations, ledgers, strict=True)
        ]
        places = [*self.carriers, *(station.device.path / FOLDER for station in self.stations)]
        gone = self.packs_at_risk - {check for place in places for check in _sound(place)}
        missing = {packs.text(digest)[:26] for digest in states[0][2]}
        return all(state == states[0] for state in states) and missing <= gone

    def close(self) -> None:
        """Lock everything."""
        for station in self.stations:
            station.close()

    def _someone(self, ws: Workspace) -> bytes | None:
        lines = people.caseload(ws)
        return self.dice.choice(lines).id if lines else None

    def _carried(self) -> Path | None:
        places = [carrier / ROOT / "p" for carrier in self.carriers]
        files = [file for place in places for file in sorted(place.rglob("*")) if file.is_file()]
        return self.dice.choice(files) if files else None


def _sound(place: Path) -> set[str]:
    """The checks of the packs in a folder that are what their names say."""
    files = [file for file in (place / ROOT / "p").rglob("*") if file.is_file()]
    names = [(file, packs.parse_name(file.relative_to(place / ROOT).as_posix())) for file in files]
    return {name.check for file, name in names if name is not None and packs.fits(name, file.read_bytes())}


MOVES: tuple[tuple[int, str], ...] = (
    (22, "write"), (14, "edit"), (8, "sign"), (4, "register"), (3, "end_care"), (3, "assign"), (34, "sync"),
    (4, "crash"), (2, "relock"), (2, "truncate"), (2, "flip"), (2, "lose"), (1, "empty"), (1, "litter"),
    (2, "carry"), (2, "keep_carrier"), (2, "roll_carrier_back"), (2, "image"), (2, "restore"), (1, "clock"),
    (2, "faults"), (1, "clone"),
)  # fmt: skip
