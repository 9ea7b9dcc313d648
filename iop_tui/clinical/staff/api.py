"""Queries about the program's users, for every slice."""

from __future__ import annotations

from dataclasses import dataclass

from iop_tui.access import program
from iop_tui.clinical.staff.profiles import licences as licences
from iop_tui.clinical.staff.profiles import program_profile as program_profile
from iop_tui.clinical.staff.profiles import staff_profile as staff_profile
from iop_tui.clinical.staff.profiles import supervisor_of as supervisor_of
from iop_tui.clinical.staff.supervision import OPTIONS as OPTIONS
from iop_tui.clinical.staff.supervision import Conflict as Conflict
from iop_tui.clinical.staff.supervision import check_assignment as check_assignment
from iop_tui.clinical.staff.supervision import conflicts as conflicts
from iop_tui.clinical.staff.supervision import end_exception as end_exception
from iop_tui.clinical.staff.supervision import except_supervisor as except_supervisor
from iop_tui.kernel.errors import NotFound
from iop_tui.kernel.ids import show_id
from iop_tui.workspace import Workspace

ACTIVE, SUSPENDED, REMOVED = "active", "suspended", "removed"


@dataclass(frozen=True, slots=True)
class UserLine:
    """A user as lists show them."""

    id: bytes
    name: str
    roles: tuple[str, ...]
    status: str


def users(ws: Workspace) -> list[UserLine]:
    """All users of the program, by name."""
    rows = ws.view.rows("SELECT user, name, roles, status FROM card ORDER BY lower(name), user")
    return [UserLine(row[0], row[1], tuple(row[2].split("|")), row[3]) for row in rows]


def user_by_name(ws: Workspace, text: str) -> UserLine:
    """A user by name or printed id. Raises `NotFound`."""
    wanted = " ".join(text.split()).casefold()
    for line in users(ws):
        if line.name.casefold() == wanted or show_id(line.id) == wanted:
            return line
    raise NotFound


def kit_untested(ws: Workspace) -> bool:
    """Whether the user at the keyboard never tested the recovery kit."""
    return bool(ws.session.db.state.get(f"kit_untested:{ws.user.user.hex()}"))


def owed(ws: Workspace) -> list[tuple[UserLine, tuple[str, ...]]]:
    """Users whose roles are owed program-wide keys that this user could give, and which."""
    found = []
    for line in users(ws):
        if line.status == ACTIVE and line.id != ws.user.user:
            kinds = tuple(target.kind for target in program.programs_owed(ws.session, line.id, line.roles))
            if kinds:
                found.append((line, kinds))
    return found
