"""What one clinician keeps alone never makes an exchange look otherwise than ordinary work does (PROTOCOL.md 3, CR-3).

A carrier sees packs: how many come at an exchange, when, and how large. A private entry adds none, not even the first
one of its author about a person; the pack that comes anyway is larger by the entry, as by an ordinary one of its
length. To a colleague at the same machine the program tells no count of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from iop_tui.clinical.couples.model import LIMITED
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.private import COUNSELING_NOTE, PSYCHOTHERAPY_NOTE, CounselingNote, PsychotherapyNote
from iop_tui.clinical.signing import service as signing
from iop_tui.exchange import sealing
from iop_tui.workspace import Workspace, exchangestate, exchanging
from tests.exchange.world.pairs import Pair as Devices
from tests.exchange.world.pairs import copied
from tests.support.clinic import twins
from tests.support.clinic.couples import Pair, agree, pair_of
from tests.support.clinic.devices import line
from tests.support.clinic.vaults import note, refresh, today

WORDS = "Said alone, and nobody else is to know that anything was said. " * 4
Write = Callable[[Workspace, Pair], None]


@dataclass(frozen=True)
class Seen:
    """What an exchange brought to a carrier (sizes of packs, number of files), the acts an entry made, and what a
    colleague was told before.
    """

    packs: list[int]
    files: int
    acts: int
    told: exchangestate.Standing


def _nothing(ws: Workspace, pair: Pair) -> None:
    """Unlocked and locked again."""


def _ordinary(ws: Workspace, pair: Pair) -> None:
    notes.save(ws, pair.a, note(today(ws), WORDS))


def _safety(ws: Workspace, pair: Pair) -> None:
    twins._screen(ws, pair, WORDS, 0)


def _psychotherapy(ws: Workspace, pair: Pair) -> None:
    entry = PsychotherapyNote(written_on=today(ws), session="s", text=WORDS)
    signing.save(ws, pair.a, PSYCHOTHERAPY_NOTE, entry)


def _counseling(ws: Workspace, pair: Pair) -> None:
    entry = CounselingNote(written_on=today(ws), session="s", text=WORDS)
    signing.save(ws, pair.a, COUNSELING_NOTE, entry)


def _held(ws: Workspace, pair: Pair) -> None:
    twins._held(ws, pair, WORDS, 0)


ENTRIES: dict[str, tuple[str, Write]] = {
    "SAFE": ("nadia", _safety), "PSY": ("nadia", _psychotherapy), "SUD": ("sol", _counseling), "HOLD": ("cleo", _held),
}  # fmt: skip


@pytest.fixture(scope="module")
def ready(template: Devices, tmp_path_factory: pytest.TempPathFactory) -> Devices:
    """Two devices that met, with a couple whose therapist may hold what one partner says; nobody kept anything yet."""
    one, two, stick = copied(template, tmp_path_factory.mktemp("private"))
    with one.workspace("cleo") as ws:
        agree(ws, pair_of(one.program, ws), LIMITED)
    for name in ("sol", "tom", "cleo"):
        with one.workspace(name) as ws:
            refresh(ws)
    for device in (one, two, one):
        device.sync(stick)
    return one, two, stick


def exchanged(devices: Devices, folder: Path, author: str, write: Write, *, incoming: bool) -> Seen:
    """What is seen after somebody wrote on a copy of the devices, by Tom, who exchanges. `incoming`: a pack of the
    other device waits on the carrier.
    """
    folder.mkdir()
    one, two, stick = copied(devices, folder)
    if incoming:
        with two.workspace() as ws:
            notes.save(ws, one.program.people["max"], note(today(ws), "Written on the laptop."))
            exchanging.sync(ws, line(stick))
    before = _files(stick)
    with one.workspace(author) as ws:
        acts = _acts(ws)
        write(ws, pair_of(one.program, ws))
        made = _acts(ws) - acts
    with one.workspace("tom") as ws:
        told = exchangestate.standing(ws)
        assert _files(stick) == before, "nothing is brought before somebody exchanges"
        exchanging.sync(ws, line(stick))
    fresh = {name: size for name, size in _files(stick).items() if name not in before}
    return Seen(sorted(size for name, size in fresh.items() if name.startswith("p/")), len(fresh), made, told)


def _acts(ws: Workspace) -> int:
    return int(ws.session.db.read("SELECT count(*) FROM act")[0][0])


def _files(stick: Path) -> dict[str, int]:
    root = stick / "cwx1"
    return {file.relative_to(root).as_posix(): file.stat().st_size for file in root.rglob("*") if file.is_file()}


def compared(devices: Devices, folder: Path, kind: str, *, incoming: bool) -> None:
    """An exchange after a private entry, after an ordinary one and after none."""
    author, write = ENTRIES[kind]
    none, private = (
        exchanged(devices, folder / str(number), author, what, incoming=incoming)
        for number, what in enumerate((_nothing, write))
    )
    ordinary = exchanged(devices, folder / "2", "nadia", _ordinary, incoming=incoming)
    assert len(private.packs) == len(none.packs) == len(ordinary.packs) == 1
    assert private.files == none.files
    assert private.acts == 0, "no key is made by the first entry: they were made for everybody before"
    assert abs(private.packs[0] - ordinary.packs[0]) <= LIKE, "it is as large as an ordinary entry of its length"
    assert private.told == none.told, "a colleague is told a number that a private entry changes"
    assert private.told.unpacked, "that something waits is told whatever it is: unlocking is in the log"


LIKE = 192
"""Bytes by which entries of equally long text differ, for the other fields of their forms."""


def test_a_safety_entry_causes_no_pack(template: Devices, tmp_path: Path) -> None:
    compared(template, tmp_path, "SAFE", incoming=False)


@pytest.mark.nightly
@pytest.mark.parametrize("incoming", [False, True], ids=["nothing waits", "a pack waits"])
@pytest.mark.parametrize("kind", ENTRIES)
def test_private_entries_cause_no_pack(ready: Devices, tmp_path: Path, kind: str, incoming: bool) -> None:
    """Also where packs are taken in on the way, before which own acts would be packed by themselves."""
    compared(ready, tmp_path, kind, incoming=incoming)


def test_what_can_be_opened_is_counted(template: Devices, tmp_path: Path) -> None:
    """The author of an ordinary note is told of it; who holds no key to it is not."""
    one, _, _ = copied(template, tmp_path)
    counts: dict[int, bool] = {}
    for user in ("tom", "nadia", "tom"):
        with one.workspace(user) as ws:
            before = exchangestate.standing(ws).changes
            if user == "nadia":
                _ordinary(ws, pair_of(one.program, ws))
                assert exchangestate.standing(ws).changes == before + 1
            else:
                counts.setdefault(before, sealing.unpacked(exchanging.ledger(ws)))
    assert list(counts.values()) == [True], "Tom, who does not treat Ana, is told the same number before and after"
