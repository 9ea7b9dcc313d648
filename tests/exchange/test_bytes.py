"""What an exchange costs at the carrier: pinned, so that it does not grow unnoticed (5 % fails).

Packs, heads and nothing else are counted, as they lie on the carrier. The rows are those of real notes of about
2 KB, each saved, edited once and signed never; audit entries travel with them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from iop_tui.clinical.notes import service as notes
from iop_tui.vault import coding
from iop_tui.workspace import Workspace, exchanging
from tests.support.clinic.devices import Device, first, line
from tests.support.clinic.vaults import note, program, today

WORDS = Path(__file__).parents[2] / "iop_tui" / "data" / "wordlists" / "eff-long.txt"
NOTE_BYTES = 2048


def texts(count: int) -> Iterator[str]:
    """Varied English of about 2 KB each: words of a list, none of them a client's."""
    words = WORDS.read_text("ascii").split()
    for number in range(count):
        chosen: list[str] = []
        while sum(map(len, chosen)) + len(chosen) < NOTE_BYTES:
            chosen.append(words[(number * 7919 + len(chosen) * 104729) % len(words)])
        yield " ".join(chosen)


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> tuple[Device, Path]:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "stick").mkdir()
    found = first(program(folder, seed=61))
    found.sync(folder / "stick")
    return found, folder / "stick"


def save(ws: Workspace, person: bytes, text: str) -> None:
    """A note, and one edit of it."""
    saved = notes.save(ws, person, note(today(ws), text))
    notes.save(ws, person, note(today(ws), text, plan="Call on Friday."), record=saved.record)


def cost(ws: Workspace, person: bytes, stick: Path, count: int, pushes: int) -> int:
    """Bytes brought for so many notes, each edited once, in so many exchanges."""
    size = 0
    listed = list(texts(count))
    for push in range(pushes):
        for text in listed[push::pushes]:
            save(ws, person, text)
        size += exchanging.sync(ws, line(stick)).moved.sent_bytes
    return size


@pytest.mark.parametrize(
    ("count", "pushes", "pinned"), [(10, 3, 20_240), pytest.param(100, 10, 186_300, marks=pytest.mark.nightly)]
)
def test_bytes_at_the_carrier(device: tuple[Device, Path], count: int, pushes: int, pinned: int) -> None:
    found, stick = device
    with found.workspace() as ws:
        size = cost(ws, found.program.people["ana"], stick, count, pushes)
    floor = sum(len(coding.compress(text.encode())[1]) for text in texts(count))
    print(f"{count} notes + {count} edits in {pushes}: {size} B at the carrier; zstd and dictionary for the text of the"
          f" notes alone {floor} B")  # fmt: skip
    assert size <= pinned * 1.05
    assert size > floor


@pytest.mark.tools
@pytest.mark.parametrize(("count", "pushes"), [(10, 3), (100, 10)])
def test_beside_pouchdb(device: tuple[Device, Path], tmp_path: Path, count: int, pushes: int) -> None:
    """The same texts, saved and edited in as many exchanges, as PouchDB 9 brings them to express-pouchdb on this
    machine: two fields of each note, in plain text, the last version only. Needs node and npm.
    """
    (tmp_path / "package.json").write_text('{"private": true}')
    shutil.copy(Path(__file__).with_name("pouchdb.cjs"), tmp_path)
    packages = ("pouchdb@9", "pouchdb-adapter-memory@9", "express-pouchdb@4", "express@4")
    words = ("npm", "install", "--no-audit", "--no-fund", *packages)
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    listed = list(texts(count))
    given = [
        [{"id": f"{push}-{at}", "first": {"presentation": text},
          "second": {"presentation": text, "plan": "Call on Friday."}}
         for at, text in enumerate(listed[push::pushes])]
        for push in range(pushes)
    ]  # fmt: skip
    done = subprocess.run(
        ("node", "pouchdb.cjs"), input=json.dumps({"pushes": given}), cwd=tmp_path, check=True, capture_output=True,
        text=True,
    )  # fmt: skip
    theirs = json.loads(done.stdout)
    found, stick = device
    with found.workspace() as ws:
        ours = cost(ws, found.program.people["ana"], stick, count, pushes)
    print(f"{count} notes + {count} edits in {pushes}: {ours} B here, {theirs['bytes']} B by PouchDB")
    assert theirs["docs"] == count
    assert ours < theirs["bytes"]
