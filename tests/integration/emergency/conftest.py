"""The small program with a privacy officer and a crisis card, made once; a copy for each test that writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iop_tui.access import roles
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.safety.plan import SAFETY_PLAN
from iop_tui.clinical.staff import api as staffing
from iop_tui.clinical.staff import service as staff
from iop_tui.workspace import Workspace
from tests.support.clinic import vaults
from tests.support.clinic.care import SAFETY
from tests.support.clinic.vaults import PHRASE, Member, Program, copied, leave

Beside = Callable[[str], Workspace]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The small program with a privacy officer and a signed safety plan of Ana's, settled."""
    made = copied(vaults.template(tmp_path_factory), tmp_path_factory.mktemp("glass"))
    with made.workspace() as nadia:
        new = staff.add_user(nadia, name="Pia", user_roles=(roles.PRIVACY_OFFICER,), phrase=bytearray(PHRASE))
        made.users["pia"] = Member("Pia", new.secrets, new)
        nadia.confirm(bytearray(PHRASE))
        saved = charting.save(nadia, made.people["ana"], SAFETY_PLAN, SAFETY)
        charting.sign(nadia, [saved.record])
        made.notes["plan"] = saved.record
        for name in ("abe", "pia", "tom", "cleo", "sol"):
            leave(made.beside(nadia, name))
        for line, _ in staffing.owed(nadia):
            staff.complete(nadia, line.id)
    return made


@pytest.fixture
def made(template: Program, tmp_path: Path) -> Program:
    """A copy for a test that writes."""
    return copied(template, tmp_path)


@pytest.fixture
def ws(made: Program) -> Iterator[Workspace]:
    """Nadia: Ana's therapist."""
    with made.workspace() as opened:
        yield opened


@pytest.fixture
def beside(made: Program, ws: Workspace) -> Iterator[Beside]:
    """`beside("tom")`: a colleague on the same open vault, settled."""
    opened: list[Workspace] = []

    def one(name: str) -> Workspace:
        opened.append(made.beside(ws, name))
        return opened[-1]

    yield one
    for other in opened:
        leave(other)
