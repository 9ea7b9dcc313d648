"""One program with everybody's workspace open on it, for every test of this folder; who ends processes copies it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from iop_tui.clinical.attachments.api import Order
from iop_tui.clinical.couples.api import LIMITED
from iop_tui.workspace import Workspace
from tests.support.clinic.couples import agree, pair_of
from tests.support.clinic.vaults import Program, program, today

Staff = dict[str, Workspace]


@pytest.fixture(scope="session")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program, closed."""
    return program(tmp_path_factory.mktemp("attachments"), seed=71)


@pytest.fixture(scope="session")
def small(clinic: Program, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The copy that is written to."""
    place = tmp_path_factory.mktemp("clinic") / "vault"
    shutil.copytree(clinic.path, place)
    return replace(clinic, path=place)


@pytest.fixture
def fresh(clinic: Program, tmp_path: Path) -> Program:
    """A copy for one test."""
    shutil.copytree(clinic.path, tmp_path / "vault")
    return replace(clinic, path=tmp_path / "vault")


@pytest.fixture(scope="session")
def nadia(small: Program) -> Iterator[Workspace]:
    """Her workspace."""
    with small.workspace() as ws:
        yield ws


@pytest.fixture(scope="session")
def staff(small: Program, nadia: Workspace) -> Staff:
    """Everybody's workspace on one open vault; the couple agreed that something may be held for one partner."""
    found = {name: nadia if name == "nadia" else small.beside(nadia, name) for name in small.users}
    agree(found["cleo"], pair_of(small, found["cleo"]), LIMITED)
    return found


def order(made: Program, ws: Workspace, person: str = "ana", **more: object) -> Order:
    """A report about somebody; anything may be said otherwise."""
    values: dict[str, object] = {"title": "Liver panel", "what": "lab report", "on": today(ws), "sender": "St. Luke"}
    return Order(subject=made.people[person], **{**values, **more})  # type: ignore[arg-type]
