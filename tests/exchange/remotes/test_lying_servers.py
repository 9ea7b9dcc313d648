"""Servers that lie, at the socket: a WebDAV server whose files are changed behind its back, and a bucket with its board
that somebody with another key puts back.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import obstore
import pytest

from iop_tui.exchange.engine import Report
from iop_tui.exchange.remotes.clients import Patience, opened, s3_store
from iop_tui.exchange.remotes.directory import ROOT
from iop_tui.workspace import Workspace, exchanging
from tests.exchange.world import lying
from tests.exchange.world.lying import Two
from tests.exchange.world.pairs import Pair
from tests.support.clinic.devices import line
from tests.support.network.servers import Served

NAME = "clinic"


class OnDisk:
    """A server whose folder is here."""

    def __init__(self, served: Served, folder: Path, aside: Path) -> None:
        self.served, self._folder, self._aside, self._kept = served, folder, aside, 0
        self.given: list[str] = []

    def _packs(self) -> set[str]:
        root = self._folder / ROOT
        return {str(file.relative_to(root)) for file in (root / "p").rglob("*-*")}

    def sync(self, ws: Workspace) -> Report:
        before = self._packs()
        report = exchanging.sync(ws, exchanging.find_remote(ws, NAME))
        self.given += sorted(self._packs() - before)
        return report

    def keep(self) -> Path:
        self._kept += 1
        kept = self._aside / str(self._kept)
        shutil.copytree(self._folder, kept)
        return kept

    def put_back(self, kept: Path) -> None:
        shutil.rmtree(self._folder)
        shutil.copytree(kept, self._folder)

    def newest(self) -> str:
        return self.given[-1]

    def change(self, name: str, how: Callable[[bytes], bytes | None]) -> None:
        file = self._folder / ROOT / name
        data = how(file.read_bytes())
        file.unlink()
        if data is not None:
            file.write_bytes(data)


class InBucket:
    """A server that is asked like any bucket, by somebody who may do everything in it."""

    def __init__(self, served: Served, prefix: str) -> None:
        place, given = served.place(prefix), served.credentials
        self._store, _ = opened(s3_store, place, given, "", Patience())
        self.given: list[str] = []

    def _names(self) -> list[str]:
        return [str(item["path"]) for page in obstore.list(self._store) for item in page]

    def sync(self, ws: Workspace) -> Report:
        before = set(self._names())
        report = exchanging.sync(ws, exchanging.find_remote(ws, NAME))
        self.given += [name.removeprefix(f"{ROOT}/") for name in sorted(set(self._names()) - before)
                       if name.startswith(f"{ROOT}/p/")]  # fmt: skip
        return report

    def keep(self) -> dict[str, bytes]:
        return {name: bytes(obstore.get(self._store, name).bytes()) for name in self._names()}

    def put_back(self, kept: dict[str, bytes]) -> None:
        for name in set(self._names()) - kept.keys():
            obstore.delete(self._store, name)
        for name, data in kept.items():
            obstore.put(self._store, name, data)

    def newest(self) -> str:
        return self.given[-1]

    def change(self, name: str, how: Callable[[bytes], bytes | None]) -> None:
        kept = self.keep()
        data = how(kept.pop(f"{ROOT}/{name}"))
        self.put_back(kept | ({f"{ROOT}/{name}": data} if data is not None else {}))


@pytest.fixture
def two_at_a_bucket(pair: Pair, s3: Served) -> Iterator[Two]:
    prefix = s3.fresh()
    with ExitStack() as entered:
        workspaces = [entered.enter_context(device.workspace()) for device in pair[:2]]
        for ws in workspaces:
            line = exchanging.add_remote(ws, NAME, s3.text(prefix), credentials=s3.credentials)
            assert "swaps" in line.able, "it keeps a board"
        yield Two(list(pair[:2]), workspaces, InBucket(s3, prefix))


@pytest.fixture
def two(pair: Pair, dav: Served, tmp_path: Path) -> Iterator[Two]:
    folder = dav.root / dav.fresh()
    with ExitStack() as opened:
        workspaces = [opened.enter_context(device.workspace()) for device in pair[:2]]
        for ws in workspaces:
            exchanging.add_remote(ws, NAME, dav.text(folder.name), credentials=dav.credentials)
        yield Two(list(pair[:2]), workspaces, OnDisk(dav, folder, tmp_path / "kept"))


SCENARIOS = [lying.half_a_file, lying.lost_objects, lying.put_back_to_an_older_state]


@pytest.mark.nightly
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_server_that_lies_is_named_and_nothing_is_lost(two: Two, scenario: Callable[[Two], None]) -> None:
    scenario(two)


@pytest.mark.nightly
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_bucket_that_lies_with_its_board_is_named_and_nothing_is_lost(
    two_at_a_bucket: Two, scenario: Callable[[Two], None]
) -> None:
    scenario(two_at_a_bucket)


@pytest.mark.nightly
def test_a_bucket_with_two_faces_is_named_once_they_meet_elsewhere(two_at_a_bucket: Two, pair: Pair) -> None:
    """Each face has a board of its own, and neither contradicts itself."""

    def meet() -> None:
        for ws in (*two_at_a_bucket.workspaces, two_at_a_bucket.workspaces[0]):
            exchanging.sync(ws, line(pair[2]))

    lying.two_faces(two_at_a_bucket, meet)


@pytest.mark.nightly
def test_a_board_alone_that_goes_back_hides_nothing(two_at_a_bucket: Two) -> None:
    """The packs and heads are new, the board is yesterday's: everything still comes over."""
    two, server = two_at_a_bucket, two_at_a_bucket.server
    two.begin()
    board = server.keep()[f"{ROOT}/board"]
    revision = two.write(0, "Told by a board that went back.")
    two.sync(0)
    server.put_back(server.keep() | {f"{ROOT}/board": board})
    two.sync(1)
    two.settle()
    assert two.has(1, revision)


@pytest.mark.nightly
def test_a_server_with_two_faces_is_named_once_they_meet_elsewhere(two: Two, pair: Pair) -> None:
    def meet() -> None:
        for ws in (*two.workspaces, two.workspaces[0]):
            exchanging.sync(ws, line(pair[2]))

    lying.two_faces(two, meet)
