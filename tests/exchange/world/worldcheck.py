"""What must hold of a settled history of `simulator`; the table of invariants stands in `test_lanes`."""

from __future__ import annotations

from contextlib import suppress

from iop_tui.access.primitives import rotation_owed
from iop_tui.access.settle import left_by_somebody
from iop_tui.exchange.mirror import FOLDER
from iop_tui.exchange.packs import content, key_number, open_pack, parse_name
from iop_tui.exchange.remotes.directory import ROOT
from iop_tui.kernel.errors import IopError
from iop_tui.store.views.compare import DUMPS
from iop_tui.workspace import Workspace, exchanging
from tests.exchange.world.simulator import World
from tests.exchange.world.stations import USERS

EXPECTED = ("its author holds no key to what it grants", "its author may not end this access")
"""What honest devices write when a key was taken from their user elsewhere: told, and not counted."""
Dump = dict[str, list[tuple[object, ...]]]


def check(world: World) -> None:
    """Everything below."""
    wanted = check_revisions(world)
    for user in USERS:
        check_views(world, user)
    check_readable(world, wanted)
    check_keys(world)
    for station in world.stations:
        findings = [item for item in station.ws("nadia").verify() if item.alarm]
        assert findings == [], findings


def check_revisions(world: World) -> set[bytes]:
    """Equal on every device, and nothing lost but what is excused; what was written and is not excused."""
    held = [station.revisions() for station in world.stations]
    lost = world.at_risk - held[0]
    # On no device when one was put back: excused where the carriers that had them lost them afterwards.
    wanted = world.written - (lost - _everywhere(world) if lost else set())
    for station, revisions in zip(world.stations, held, strict=True):
        assert station.ever <= revisions, "a device forgot"
        assert wanted <= revisions, f"{len(wanted - revisions)} revisions are lost"
        assert revisions == held[0], "devices hold different revisions"
    return wanted


def check_views(world: World, user: str) -> None:
    """What a user sees is the same on every device, and the same when it is built anew in one go."""
    views = [dump(station.ws(user)) for station in world.stations]
    anew = world.stations[len(world.told) % len(world.stations)].ws(user)
    anew.rebuild_view()
    for view in (*views[1:], dump(anew)):
        differing = [name for name in view if view[name] != views[0][name]]
        assert differing == [], f"{user}'s views differ in {differing}"
    for station in world.stations:
        bad = station.ws(user).view.rows("SELECT what, why FROM quarantine WHERE why NOT IN (?, ?)", EXPECTED)
        assert bad == [], bad


def check_readable(world: World, wanted: set[bytes]) -> None:
    """Whoever holds a version's key reads it; and somebody does, unless access to that key was ended."""
    views = [world.stations[0].ws(user) for user in USERS]
    read: set[bytes] = set()
    for ws in views:
        mine = {row[0] for row in ws.view.rows("SELECT id FROM version")}
        keys = set(ws.view.rows("SELECT compartment, generation FROM keyring"))
        for revision in wanted:
            row = ws.session.db.revision(revision)
            assert row is not None
            assert revision in mine or (row.compartment, row.generation) not in keys, "a key and nothing to read"
        read |= mine
    for revision in wanted - read:
        row = views[0].session.db.revision(revision)
        assert row is not None
        ended = views[0].view.rows(
            "SELECT 1 FROM wrap WHERE compartment = ? AND generation = ? AND revoked_ms > 0",
            (row.compartment, row.generation),
        )
        assert ended, "nobody can read what somebody wrote"


def check_keys(world: World) -> None:
    """Nothing is written any more under a key that somebody was left with whose access ended."""
    for station in world.stations:
        for user in USERS:
            session = station.ws(user).session
            owed = [target.kind for target in left_by_somebody(session) if rotation_owed(session, target.id)]
            assert owed == [], f"a new key is owed in {owed}"


def dump(ws: Workspace) -> Dump:
    """A view's contents, without what says how they came there."""
    return {name: ws.view.rows(query) for name, query in DUMPS.items()}


def _everywhere(world: World) -> set[bytes]:
    """Revisions that any device, mirror or carrier still has in good order."""
    found: set[bytes] = set()
    for station in world.stations:
        found |= station.revisions()
    ledger = exchanging.ledger(world.stations[0].ws("nadia"))
    places = [*world.carriers, *(station.device.path / FOLDER for station in world.stations)]
    for place in places:
        for file in sorted((place / ROOT / "p").rglob("*")):
            if file.is_file() and parse_name(file.relative_to(place / ROOT).as_posix()) is not None:
                with suppress(IopError):
                    data = file.read_bytes()
                    pack = open_pack(data, ledger.session.realm, ledger.transport.get(key_number(data)))
                    found |= {row.id for row in content(pack.body).revisions}
    return found
