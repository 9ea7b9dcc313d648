"""A small program of its own for every test, opened as Nadia; colleagues open their workspaces beside hers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from iop_tui.workspace import Workspace
from tests.support.clinic.vaults import Program, copied, leave, template

Open = Callable[[str], Workspace]


@pytest.fixture
def made(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A copy of the small program of tests/support/clinic/vaults.py."""
    return copied(template(tmp_path_factory), tmp_path_factory.mktemp("charting"))


@pytest.fixture
def ws(made: Program) -> Iterator[Workspace]:
    """Nadia's workspace: therapist of Ana and Max, medical director, founder."""
    with made.workspace() as opened:
        yield opened


@pytest.fixture
def beside(made: Program, ws: Workspace) -> Iterator[Open]:
    """`beside("uma")`: another user's workspace on the same open vault, caught up."""
    with ExitStack() as stack:

        @contextmanager
        def opened(name: str) -> Iterator[Workspace]:
            other = made.beside(ws, name)
            try:
                yield other
            finally:
                leave(other)

        yield lambda name: stack.enter_context(opened(name))
