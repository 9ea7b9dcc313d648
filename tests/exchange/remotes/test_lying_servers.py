"""Servers that lie, at the socket: a WebDAV server whose files are changed behind its back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from iop_tui.exchange.engine import Report
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


@pytest.fixture
def two(pair: Pair, dav: Served, tmp_path: Path) -> Iterator[Two]:
    folder = dav.root / dav.fresh()
    with ExitStack() as opened:
        workspaces = [opened.enter_context(device.workspace()) for device in pair[:2]]
        for ws in workspaces:
            exchanging.add_remote(ws, NAME, dav.text(folder.name), credentials=dav.credentials)
        yield Two(list(pair[:2]), workspaces, OnDisk(dav, folder, tmp_path / "kept"))


@pytest.mark.nightly
@pytest.mark.parametrize("scenario", [lying.half_a_file, lying.lost_objects, lying.put_back_to_an_older_state])
def test_a_server_that_lies_is_named_and_nothing_is_lost(two: Two, scenario: Callable[[Two], None]) -> None:
    scenario(two)


@pytest.mark.nightly
def test_a_server_with_two_faces_is_named_once_they_meet_elsewhere(two: Two, pair: Pair) -> None:
    def meet() -> None:
        for ws in (*two.workspaces, two.workspaces[0]):
            exchanging.sync(ws, line(pair[2]))

    lying.two_faces(two, meet)
