"""Devices, carriers and everything that goes wrong between them, from one seed: real codec, real store, injected clock.

    world = World(folder, seed)
    world.step() …; world.settle(); world.check()

What is excused, and nothing else: a revision whose only copies were on a device that was put back to an older image
and on carriers that lost it.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from iop_tui.access import roles
from iop_tui.access.settle import settle
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.people import service as people
from iop_tui.clinical.people.model import Person
from iop_tui.exchange.ledger import Ledger
from iop_tui.exchange.mirror import FOLDER
from iop_tui.exchange.packs import content, open_pack, parse_name
from iop_tui.exchange.remotes.directory import ROOT, DirectoryRemote
from iop_tui.kernel.clock import FixedClock
from iop_tui.kernel.errors import IopError, MediumUnusable, Refused
from iop_tui.kernel.rng import SeededRng
from iop_tui.store.views.compare import DUMPS
from iop_tui.workspace import Workspace, exchanging
from tests.support.devices import Device, enrolled, first, line
from tests.support.vaults import empty, note, today

USERS = ("nadia", "tom")
MOST = 5
EXPECTED = ("its author holds no key to what it grants", "its author may not end this access")
"""What honest devices write when a key was taken from their user elsewhere: told, and not counted."""


class Crash(Exception):
    """The process ends here."""


class Fault(MediumUnusable):
    """A carrier fails."""


@dataclass
class Station:
    """A device with its open workspaces."""

    device: Device
    images: list[Path] = field(default_factory=list)
    open: dict[str, Workspace] = field(default_factory=dict)
    ever: set[bytes] = field(default_factory=set)

    def ws(self, user: str) -> Workspace:
        """A user's workspace, caught up."""
        if "nadia" not in self.open:
            self.open["nadia"] = self.device.unlock("nadia")
        if user not in self.open:
            member = self.device.program.users[user]
            self.open[user] = self.open["nadia"].beside(member.secrets, member.user)
        found = self.open[user]
        found.session.catch_up()
        settle(found.session)
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

    def revisions(self) -> set[bytes]:
        """What this device holds."""
        return {row[0] for row in self.ws("nadia").session.db.read("SELECT id FROM revision")}


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


class World:
    """Devices and carriers of one program."""

    def __init__(self, folder: Path, seed: int, *, devices: int = 3, carriers: int = 2) -> None:
        self.folder, self.dice = folder, random.Random(seed)
        self.told: list[str] = []
        self.fault_rate = 0.0
        made, ws = empty(folder / "d0", seed=seed)
        made.people = {}
        from iop_tui.clinical.staff import service as staff
        from tests.support.vaults import PHRASE, Member

        new = staff.add_user(ws, name="Tom", user_roles=(roles.INDIVIDUAL_THERAPIST,), phrase=bytearray(PHRASE))
        made.users["tom"] = Member("Tom", new.secrets, new)
        settle(ws.session)
        ws.close()
        self.program = made
        self.carriers = [folder / f"c{number}" for number in range(carriers)]
        for carrier in self.carriers:
            carrier.mkdir()
        origin = first(made)
        self.stations = [Station(origin)]
        for number in range(1, devices):
            place = folder / f"d{number}"
            device = enrolled(origin, f"Device {number}", place, self.carriers[0], seed=seed * 31 + number)
            self.stations.append(Station(device))
        self.written: set[bytes] = set()
        self.excused: set[bytes] = set()
        self.at_risk: set[bytes] = set()
        self.forked: set[bytes] = set()
        self._saved_remote = exchanging.open_remote
        self._snapshots: dict[Path, list[Path]] = {}
        self._count = 0

    # -- steps -----------------------------------------------------------------------------

    def step(self, moves: tuple[tuple[int, str], ...] | None = None) -> None:
        """One random thing happens."""
        weighted = moves or MOVES
        name = self.dice.choices([move for _, move in weighted], [weight for weight, _ in weighted])[0]
        station = self.dice.choice(self.stations)
        self.told.append(f"{name} {self.stations.index(station)}")
        station.device.clock.advance(self.dice.choice((1, 30, 600)))
        getattr(self, f"do_{name}")(station)

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
        shutil.rmtree(station.device.path)
        shutil.copytree(self.dice.choice(station.images), station.device.path)
        # Views are put back with the vault; the program's own state is the image's.
        self.at_risk |= self.written - {one for other in self.stations for one in other.revisions()}
        station.ever = station.revisions()
        self.forked.add(station.device.path.name.encode())

    def do_clone(self, station: Station) -> None:
        """Somebody copies the folder of a device to another machine, and both are used."""
        if len(self.stations) >= MOST:
            return
        station.close()
        place = self.folder / f"clone-{len(self.told)}"
        shutil.copytree(station.device.path, place)
        clock = FixedClock(station.device.clock.now_ms())
        env = replace(station.device.env, clock=clock, rng=SeededRng(len(self.told)))
        self.stations.append(Station(Device(self.program, f"Clone {len(self.told)}", place, env, clock)))

    def do_clock(self, station: Station) -> None:
        station.device.clock.advance(self.dice.choice((-10, 10, 1)) * 365 * 86400)

    def do_faults(self, station: Station) -> None:
        self.fault_rate = self.dice.choice((0.0, 0.0, 0.3))

    # -- the end ---------------------------------------------------------------------------

    def sync(self, station: Station, carrier: Path) -> None:
        """One exchange of a device with a carrier."""
        ws = station.ws("nadia")
        exchanging.open_remote = self._open_remote
        try:
            with suppress(Fault):
                exchanging.sync(ws, line(carrier))
        finally:
            exchanging.open_remote = self._saved_remote
        station.ever |= station.revisions()

    def _open_remote(self, place: Path, realm: bytes, rng: object) -> DirectoryRemote:
        return FaultyRemote(place, realm, rng, self.dice, self.fault_rate)

    def settle(self) -> None:
        """Faults stop and everybody meets everybody."""
        self.fault_rate = 0.0
        # What ends at a date ends by each device's own clock; so they agree on the day before views are compared.
        latest = max(station.device.clock.now_ms() for station in self.stations)
        for station in self.stations:
            station.device.clock.advance((latest - station.device.clock.now_ms()) / 1000)
        for _ in range(4):
            for station in self.stations:
                for carrier in self.carriers:
                    self.sync(station, carrier)
                for user in USERS:
                    station.ws(user)

    def check(self) -> None:
        """The invariants."""
        held = [station.revisions() for station in self.stations]
        if self.at_risk - held[0]:
            # On no device when one was put back: excused where the carriers that had them lost them afterwards.
            self.excused |= self.at_risk - held[0] - self._everywhere()
        wanted = self.written - self.excused
        for station, revisions in zip(self.stations, held, strict=True):
            assert station.ever <= revisions, "a device forgot"
            assert wanted <= revisions, f"{len(wanted - revisions)} revisions are lost"
            assert revisions == held[0], "devices hold different revisions"
        for user in USERS:
            views = [self._dump(station.ws(user)) for station in self.stations]
            for view in views[1:]:
                differing = [name for name in view if view[name] != views[0][name]]
                assert differing == [], f"{user}'s views differ in {differing}"
            for station in self.stations:
                bad = station.ws(user).view.rows("SELECT what, why FROM quarantine WHERE why NOT IN (?, ?)", EXPECTED)
                assert bad == [], bad
        self._check_readable()
        forks = [exchanging.ledger(station.ws("nadia")).forks() for station in self.stations]
        assert all(set(found) == set(forks[0]) for found in forks)
        for station in self.stations:
            ledger = exchanging.ledger(station.ws("nadia"))
            assert ledger.missing() == set()
            findings = [item for item in station.ws("nadia").verify() if item.alarm]
            assert findings == [], findings

    def _check_readable(self) -> None:
        """Whoever holds a version's key reads it; and somebody does, unless access to that key was ended."""
        views = [self.stations[0].ws(user) for user in USERS]
        read: set[bytes] = set()
        for ws in views:
            mine = {row[0] for row in ws.view.rows("SELECT id FROM version")}
            keys = set(ws.view.rows("SELECT compartment, generation FROM keyring"))
            for revision in self.written - self.excused:
                row = ws.session.db.revision(revision)
                assert row is not None
                assert revision in mine or (row.compartment, row.generation) not in keys, "a key and nothing to read"
            read |= mine
        for revision in self.written - self.excused - read:
            row = views[0].session.db.revision(revision)
            assert row is not None
            ended = views[0].view.rows(
                "SELECT 1 FROM wrap WHERE compartment = ? AND generation = ? AND revoked_ms > 0",
                (row.compartment, row.generation),
            )
            assert ended, "nobody can read what somebody wrote"

    @staticmethod
    def _dump(ws: Workspace) -> dict[str, list[tuple[object, ...]]]:
        return {name: ws.view.rows(query) for name, query in DUMPS.items()}

    def close(self) -> None:
        """Lock everything."""
        for station in self.stations:
            station.close()

    def _everywhere(self) -> set[bytes]:
        """Revisions that any device, mirror or carrier still has in good order."""
        found: set[bytes] = set()
        ledger: Ledger | None = None
        for station in self.stations:
            found |= station.revisions()
            ledger = exchanging.ledger(station.ws("nadia"))
        assert ledger is not None
        places = [*self.carriers, *(station.device.path / FOLDER for station in self.stations)]
        for place in places:
            for file in sorted((place / ROOT / "p").rglob("*")):
                name = parse_name(file.relative_to(place / ROOT).as_posix())
                if file.is_file() and name is not None:
                    with suppress(IopError):
                        pack = open_pack(file.read_bytes(), ledger.session.realm, ledger.transport.get(1))
                        found |= {row.id for row in content(pack.body).revisions}
        return found

    def _someone(self, ws: Workspace) -> bytes | None:
        lines = people.caseload(ws)
        return self.dice.choice(lines).id if lines else None

    def _carried(self) -> Path | None:
        places = [carrier / ROOT / "p" for carrier in self.carriers]
        files = [file for place in places for file in sorted(place.rglob("*")) if file.is_file()]
        return self.dice.choice(files) if files else None


MOVES: tuple[tuple[int, str], ...] = (
    (22, "write"), (14, "edit"), (8, "sign"), (6, "register"), (3, "end_care"), (3, "assign"), (34, "sync"),
    (4, "crash"), (2, "relock"), (2, "truncate"), (2, "flip"), (2, "lose"), (1, "empty"), (1, "litter"),
    (2, "keep_carrier"), (2, "roll_carrier_back"), (2, "image"), (2, "restore"), (1, "clock"), (2, "faults"),
    (1, "clone"),
)  # fmt: skip
