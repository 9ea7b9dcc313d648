"""Every cell of the role × compartment matrix (3.1 of the couples' rules), by the services and by raw keys.

The table below is the one the rules state, letter for letter; what a program gives is compared with it, not with the
policy's own. A couple with a whole team each; one record in every part of each partner's chart and of the couple's.
`F` and `R` open a record at once. `T` (a case share), `K` (an authorization), `G` (break-glass), `S` and `M` (fixed
fields and counts, never the record) and `-` open nothing by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from iop_tui.access import charts, roles
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import program_compartment, put
from iop_tui.clinical.couples import api as pairs
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.records import api as records
from iop_tui.kernel.errors import NotFound
from iop_tui.slices import TYPES
from tests.support.clinic.oracle import Log
from tests.support.clinic.program import Program, Staff, note, program

KINDS = {kind.kind: kind for kind in TYPES}
IT, CT, DA, MD = roles.INDIVIDUAL_THERAPIST, roles.COUPLES_THERAPIST, roles.COUNSELOR, roles.MEDICAL_DIRECTOR
TEAM = {
    "IT-A": IT, "IT-B": IT, "CT": CT, "DA-A": DA, "DA-B": DA, "supervisor": roles.SUPERVISOR, "director": MD,
    "administrator": roles.ADMINISTRATOR, "biller": roles.BILLER, "front desk": roles.FRONT_DESK,
    "auditor": roles.AUDITOR, "privacy officer": roles.PRIVACY_OFFICER,
}  # fmt: skip
TABLE = {  # IT-A IT-B CT DA-A DA-B supervisor director administrator biller front desk auditor privacy officer
    "DIR": "R - R R - T R M R F S R",
    "IND": "F - K K - T R - S - T T",
    "SUD": "K - K F - T R - S - T T",
    "PSY": "F - - - - K - - - - - -",
    "MED": "R - K R - T F - S - T T",
    "CRISIS": "F G K F G T R - - - M T",
    "JNT": "K K F K K T S - S - T T",
    "HOLD": "- - F - - T - - - - - T",
    "SAFE": "F - K K - T G - - - M T",
    "PAY": "- - - - - - - - F - T R",
    "GRP": "F - K F - T R - S - T T",
}
"""Partner A's parts. The director treats A; PSY and SAFE are of A's therapist; the facilitators are A's clinicians."""
MIRROR = {"IT-A": "IT-B", "IT-B": "IT-A", "DA-A": "DA-B", "DA-B": "DA-A"}
SIDES = ("a", "b")
OFFICES = {  # what everybody of an office holds
    Kind.ORG: {"administrator"}, Kind.AUD: {"auditor", "privacy officer"}, Kind.INTAKE: {"director", "privacy officer"},
    Kind.ONCALL: {"IT-A", "IT-B", "CT", "DA-A", "DA-B", "director"},
}  # fmt: skip


def expected(kind: str, side: str, who: str) -> bool:
    """Whether the table opens a record at once. The director treats A alone: of B they have no part."""
    if side == "b" and who == "director" and kind not in (Kind.DIR, Kind.JNT, Kind.HOLD):
        return False
    column = MIRROR.get(who, who) if side == "b" else who
    return dict(zip(TEAM, TABLE[kind].split(), strict=True))[column] in ("F", "R")


@dataclass
class Clinic:
    """The program, its people, and the record planted in each part."""

    program: Program
    staff: dict[str, Staff]
    planted: dict[tuple[str, str], bytes] = field(default_factory=dict)
    readable: dict[str, set[bytes]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    made = program(tmp_path_factory.mktemp("matrix"), seed=5)
    team = {name: made.add(name, role) for name, role in TEAM.items()}
    made.settle()
    desk = team["front desk"]
    people = {side: made.register(desk, side.upper(), "Partner") for side in SIDES}
    for name, side in (("IT-A", "a"), ("DA-A", "a"), ("director", "a"), ("IT-B", "b"), ("DA-B", "b")):
        made.assign(desk, people[side], team[name], TEAM[name])
    made.settle()
    couple, _ = couples.link(made.workspace(desk), people["a"], people["b"], team["CT"].user)
    made.settle()
    found = Clinic(made, team)
    for side in SIDES:
        _plant(found, side, people[side], couple)
    log = Log.of(made.root.session.db, made.root.realm)
    for name, who in team.items():
        made.workspace(who)
        found.readable[name] = set()
        for row in log.readable(log.keys(who.user, who.secrets.enc_seed, None)).values():
            found.readable[name].add(row.record)
    yield found
    made.close()


def _plant(clinic: Clinic, side: str, person: bytes, couple: bytes) -> None:
    """One record in each part, by somebody whose part it is."""
    own, counselor = (clinic.staff[f"{name}-{side.upper()}"] for name in ("IT", "DA"))
    link = pairs.about(clinic.program.workspace(clinic.staff["CT"]), couple)
    held = link.hold_a if link.a == person else link.hold_b
    for kind, who in (("IND", own), ("SUD", counselor), ("PSY", own), ("MED", own), ("CRISIS", own), ("SAFE", own),
                      ("GRP", own), ("PAY", clinic.staff["biller"]), ("JNT", clinic.staff["CT"]),
                      ("HOLD", clinic.staff["CT"])):  # fmt: skip
        clinic.program.tick()
        ws = clinic.program.workspace(who)
        places: dict[str, bytes] = {"JNT": link.joint, "HOLD": held}
        role = IT if kind in ("PSY", "SAFE") else ""
        place = places.get(kind) or charts.compartment_for(ws.session, person, Kind(kind), role)
        work = ws.work()
        about = couple if kind == "JNT" else person
        clinic.planted[(kind, side)], _ = put(
            ws.session, work, place, KINDS["progress_note"], note(f"planted {kind} {side}"), person=about
        )
        ws.session.note(work, "write")
        ws.commit(work)
    row = clinic.program.root.view.one("SELECT record FROM person WHERE id = ?", (person,))
    entry = row or clinic.program.workspace(clinic.staff["front desk"]).view.one(
        "SELECT record FROM person WHERE id = ?", (person,)
    )
    assert entry is not None
    clinic.planted[("DIR", side)] = bytes(entry[0])


@pytest.mark.parametrize("who", TEAM)
@pytest.mark.parametrize("kind", TABLE)
@pytest.mark.parametrize("side", SIDES)
def test_a_cell_of_the_matrix(clinic: Clinic, side: str, kind: str, who: str) -> None:
    """CR-2: what the table does not open is refused by the service, in no list, and closed to every key of theirs."""
    record, ws = clinic.planted[(kind, side)], clinic.program.workspace(clinic.staff[who])
    wanted = expected(kind, side, who)
    assert (record in clinic.readable[who]) is wanted, "by raw keys"
    assert bool(ws.view.rows("SELECT 1 FROM record WHERE record = ?", (record,))) is wanted, "in lists and searches"
    if wanted:
        assert records.read(ws, record).document is not None
        return
    with pytest.raises(NotFound):
        records.read(ws, record)


@pytest.mark.parametrize("who", TEAM)
def test_an_office_holds_the_programs_keys_of_its_own_and_no_other(clinic: Clinic, who: str) -> None:
    session = clinic.program.workspace(clinic.staff[who]).session
    for kind, holders in OFFICES.items():
        assert session.holds(program_compartment(session, kind)) is (who in holders), kind


@pytest.mark.parametrize("who", TEAM)
def test_cr2_nobody_holds_a_key_of_a_part_that_is_not_theirs(clinic: Clinic, who: str) -> None:
    ws = clinic.program.workspace(clinic.staff[who])
    for (kind, side), record in clinic.planted.items():
        rows = ws.session.db.read("SELECT compartment FROM revision WHERE record = ?", (record,))
        assert ws.session.holds(bytes(rows[0][0])) is expected(kind, side, who), (kind, side)
