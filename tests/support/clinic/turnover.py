"""The small program with Ida, a therapist without anybody in her care, for tests of who takes over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iop_tui.access import roles
from iop_tui.clinical.staff import service as staff
from tests.support.clinic.vaults import PHRASE, Member, Program, copied, template

_MADE: list[Program] = []


def staffed(factory: pytest.TempPathFactory) -> Program:
    """Made once for all tests of a process; tests open copies of it."""
    if not _MADE:
        made = copied(template(factory), factory.mktemp("staffed"))
        with made.workspace() as ws:
            new = staff.add_user(ws, name="Ida", user_roles=(roles.INDIVIDUAL_THERAPIST,), phrase=bytearray(PHRASE))
        _MADE.append(replace(made, users={**made.users, "ida": Member("Ida", new.secrets, new)}))
    return _MADE[0]
