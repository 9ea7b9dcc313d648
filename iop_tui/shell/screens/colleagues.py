"""People and roles: who works here, what they may hold, who is suspended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual import on
from textual.widget import Widget

from iop_tui.access import roles
from iop_tui.clinical.staff import api, service
from iop_tui.shell.charting.profiles import profile_lines
from iop_tui.shell.screens.admission import admit, try_kit
from iop_tui.ui.dialogs import Confirm, PickSeveral
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.listpage import ListPage
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.text.readview import HEADING, ReadView
from iop_tui.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Colleague:
    """A user, and what they are owed that this user could give."""

    line: api.UserLine
    owed: tuple[str, ...]
    own: bool


def colleagues(ws: Workspace) -> list[Colleague]:
    """All users of the program."""
    owed = {line.id: kinds for line, kinds in api.owed(ws)}
    return [Colleague(line, owed.get(line.id, ()), line.id == ws.user.user) for line in api.users(ws)]


COLUMNS: tuple[Column[Colleague], ...] = (
    Column("name", "Name", lambda row: f"{row.line.name} (you)" if row.own else row.line.name, 20, weight=1),
    Column("roles", "Roles", lambda row: ", ".join(row.line.roles), 30, weight=3),
    Column("state", "State", lambda row: Cell("" if row.line.status == api.ACTIVE else row.line.status, "warn"), 9),
    Column(
        "owed",
        "Keys owed",
        lambda row: Cell(str(len(row.owed)), "warn") if row.owed else "",
        9,
        align="right",
        priority=1,
    ),
)


class Colleagues(ListPage):
    """Everybody with an account."""

    heading = "People and roles"
    places = ("staff", "back", "find", "list")
    DEFAULT_CSS = "Colleagues RecordList { margin-top: 1; } Colleagues #profile { height: 9; }"

    def content(self) -> Iterable[Widget]:
        """The list, below it the profile of who is under the cursor."""
        yield RecordList(COLUMNS, key=lambda row: row.line.id)
        profile = ReadView(id="profile")
        profile.can_focus = False
        yield profile

    async def fill(self) -> None:
        """Everybody, again."""
        found = await self.desk.read(colleagues)
        self.query_one(RecordList).set_rows(found)
        self.retitle(context=f"{len(found)} {'user' if len(found) == 1 else 'users'}")

    @on(RecordList.Highlighted)
    def _profile(self, event: RecordList.Highlighted) -> None:
        self.start(self._show_profile, event.row, group="profile", exclusive=True)

    async def _show_profile(self, row: Colleague) -> None:
        found = await self.desk.read(profile_lines, row.line.id)
        self.query_one("#profile", ReadView).show((), [("", row.line.name, HEADING), *found])

    def action_edit_profile(self) -> None:
        """The profile of who is under the cursor."""
        row = self._chosen()
        if row is not None:
            self.go("profile", row.line.id)

    def action_edit_program(self) -> None:
        """Facility, Part 2 status, rule packs in force."""
        self.go("program")

    def action_add_user(self) -> None:
        """Admit a colleague."""
        self.start(admit, self, group="act")

    def action_test_kit(self) -> None:
        """Test one's own recovery kit."""
        self.start(try_kit, self, group="act")

    def _chosen(self) -> Colleague | None:
        row: Colleague | None = self.query_one(RecordList).row
        return row

    def action_change_roles(self) -> None:
        """Choose other roles."""
        row = self._chosen()
        if row is not None:
            self.start(self._change_roles, row, group="act")

    async def _change_roles(self, row: Colleague) -> None:
        options = [(role, role) for role in roles.ROLES]
        chosen = await self.app.push_screen_wait(PickSeveral(f"Roles of {row.line.name}", options, row.line.roles))
        if chosen is None or set(chosen) == set(row.line.roles):
            return
        granted = roles.check(chosen)
        consequence = (
            " ".join(roles.consequences(granted)) or "Keys that the roles no longer allow are taken back and replaced."
        )
        if await self.app.push_screen_wait(
            Confirm(f"{row.line.name}: {', '.join(granted)}?", consequence, label="change")
        ):
            await self.desk.write(service.set_roles, row.line.id, granted)
            self.app.notify("Changed.")

    def action_suspend_user(self) -> None:
        """Suspend, or end a suspension."""
        row = self._chosen()
        if row is not None:
            self.start(self._suspend, row, group="act")

    async def _suspend(self, row: Colleague) -> None:
        suspended = row.line.status == api.SUSPENDED
        consequence = (
            f"{row.line.name} can unlock this copy again."
            if suspended
            else f"{row.line.name} cannot unlock this copy until you resume them. Nothing is deleted."
        )
        question = f"{'Resume' if suspended else 'Suspend'} {row.line.name}?"
        if await self.app.push_screen_wait(Confirm(question, consequence, label="resume" if suspended else "suspend")):
            await self.desk.write(service.resume if suspended else service.suspend, row.line.id)
            self.app.notify("Resumed." if suspended else "Suspended.")

    def action_give_keys(self) -> None:
        """Give what the roles are owed."""
        row = self._chosen()
        if row is not None:
            self.start(self._give, row, group="act")

    async def _give(self, row: Colleague) -> None:
        given = await self.desk.write(service.complete, row.line.id)
        self.app.notify(f"Given: {', '.join(given)}.")
