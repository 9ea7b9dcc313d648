"""The care team of a person: who opens what by live keys, since when, until when; assign, transfer, cover, end."""

from __future__ import annotations

from datetime import date
from typing import Any

from textual import on

from iop_tui.access import policy, roles
from iop_tui.clinical.people import api as people
from iop_tui.clinical.staff import api as staff
from iop_tui.clinical.turnover import planning, saying, team
from iop_tui.clinical.turnover.naming import listed
from iop_tui.clinical.turnover.planning import PlanLine
from iop_tui.clinical.turnover.screens.base import TurnoverPage
from iop_tui.clinical.turnover.service import PARTS, assigns
from iop_tui.clinical.turnover.team import IN_CARE, OFFICE, TeamLine
from iop_tui.ui.dialogs import PickOne
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.workspace import Workspace

EMPTY = "Nobody is in this person's care team. Press a to assign a clinician."
ASSIGNABLE = (roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR, roles.MEDICAL_DIRECTOR, roles.SUPERVISOR)
"""Parts that are assigned one by one; a couples therapist is put in charge of a couple."""


def _state(line: TeamLine) -> Cell:
    return Cell(line.state, "text" if line.state == IN_CARE else "dim" if line.state == OFFICE else "warn")


COLUMNS: tuple[Column[TeamLine], ...] = (
    Column("name", "Name", lambda line: line.name, 12, weight=2),
    Column("role", "Part", lambda line: line.role, 20, weight=2),
    Column("state", "State", _state, 14),
    Column("since", "Since", lambda line: Cell(_day(line.since), "dim"), 10, priority=1),
    Column("until", "Until", lambda line: _day(line.until), 10),
    Column("opens", "Opens", lambda line: Cell(listed(line.opens), "dim"), 16, weight=3, priority=2),
)


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def name_of(ws: Workspace, person: bytes) -> str:
    """Whose page it is. Raises `NotFound`."""
    return people.header(ws, person).name


class CareTeam(TurnoverPage):
    """Everybody with a part in one person's care, then the offices that hold a key."""

    heading = "Care team"
    places = ("careteam", "back", "find", "list")

    def __init__(self, person: bytes, name: str) -> None:
        super().__init__()
        self.person, self.name_shown = person, name

    def make_list(self) -> RecordList[Any]:
        """Who is on it."""
        return RecordList(COLUMNS, key=lambda line: line.key, empty=EMPTY, classes="lines")

    async def fill(self) -> None:
        """The team, again."""
        found = await self.desk.read(team.care_team, self.person)
        self.listing.set_rows(found)
        count = sum(line.state != OFFICE for line in found)
        self.retitle(f"{self.heading}: {self.name_shown}", f"{count} in the team")

    async def explain(self, row: TeamLine) -> None:
        """What somebody opens by the keys they have now."""
        lines = [("Opens now", listed(row.opens), "text")]
        if row.waiting_for:
            lines.append(("Waits for", f"{listed(row.waiting_for)} to hand over", "warn"))
        if row.state == team.SUSPENDED:
            lines.append(("Suspended", "by the wall rule (CR-1): end this part, or choose somebody else", "danger"))
        if row.until:
            lines.append(("Ends", f"{row.until.isoformat()}, by itself", "text"))
        if row.role == roles.SUPERVISOR:
            lines.append(("Reads", "what a colleague shares with a reason and an end (g v)", "dim"))
        lines.append(("Alone", saying.ALONE, "dim"))
        self.tell(f"{row.name}, {row.role}", lines)

    @on(RecordList.Opened, ".lines")
    def _open(self, event: RecordList.Opened) -> None:
        event.stop()
        office = event.row.state == OFFICE
        self.app.notify("An office holds its key by its role: g p." if office
                        else "t transfers this part, c lets a colleague stand in, d ends it.")  # fmt: skip

    # -- assign ----------------------------------------------------------------------------------

    def action_assign(self) -> None:
        """Make a colleague part of the team."""
        self.act(self._assign)

    async def _assign(self) -> None:
        options = await self.desk.read(assignable)
        if not options:
            self.app.notify("There is no clinician yet. Add one under g p.", severity="warning")
            return
        chosen = await self.app.push_screen_wait(PickOne(f"Assign to {self.name_shown}", options))
        if chosen is None:
            return
        user, _, role = chosen.partition("|")
        said = await self.desk.read(saying.assigning, self.person, bytes.fromhex(user), role)
        label = next(text for key, text in options if key == chosen)
        if await self.agreed(f"Assign {label}?", said, "assign"):
            await self.desk.write(people.assign, self.person, bytes.fromhex(user), role)
            self.app.notify("Assigned. Keys that others hold follow when their programs run next.")

    # -- transfer and cover ----------------------------------------------------------------------

    def action_transfer(self) -> None:
        """Give the part under the cursor to a colleague."""
        self._with_part(self._transfer)

    def action_cover(self) -> None:
        """Let a colleague stand in until a day."""
        self._with_part(self._stand_in)

    def _with_part(self, work: Any) -> None:
        row: TeamLine | None = self.listing.row
        if row is None or row.role not in PARTS:
            self.app.notify("Put the cursor on a clinician's part first.", severity="warning")
            return
        self.act(work, row)

    async def _transfer(self, row: TeamLine) -> None:
        await self._move(row, None)

    async def _stand_in(self, row: TeamLine) -> None:
        until = await self.pick_day(f"Somebody stands in for {row.name}", "Their keys end by themselves on that day.")
        if until is not None:
            await self._move(row, until)

    async def _move(self, row: TeamLine, until: date | None) -> None:
        verb = f"Who stands in for {row.name}?" if until else f"Who takes {row.name}'s part over?"
        to = await self.pick_colleague(verb, row.role, (row.user,))
        if to is None:
            return
        plan = await self.desk.read(planning.plan, row.user, to, persons=(self.person,), role=row.role, until=until)
        line = plan[0] if plan else PlanLine(self.person, self.name_shown, row.role, planning.WAITS, "")
        said = await self.desk.read(saying.moving, row.user, to, line, until)
        question = f"Stand in for {row.name} until {until.isoformat()}?" if until else f"Transfer {row.name}'s part?"
        if await self.agreed(question, said, "stand in" if until else "transfer"):
            done = await self.desk.write(move_one, row.user, to, line, until)
            tone = "danger" if done.state == planning.REFUSED else "text"
            self.answer(f"{done.name}: {done.state}", [("", done.says, tone)], tone)
            self.app.notify(f"{done.state.capitalize()}: {done.says}.")

    # -- end -------------------------------------------------------------------------------------

    def action_end_part(self) -> None:
        """End the part under the cursor."""
        row: TeamLine | None = self.listing.row
        if row is None or row.role not in (*policy.CARE_ROLES, roles.MEDICAL_DIRECTOR, roles.SUPERVISOR):
            self.app.notify("An office holds its key by its role: change the roles under g p.", severity="warning")
            return
        self.act(self._end, row)

    async def _end(self, row: TeamLine) -> None:
        said = await self.desk.read(saying.ending, self.person, row.user, row.role)
        if await self.agreed(f"End {row.name}'s part as {row.role}?", said, "end it"):
            await self.desk.write(team.end_part, self.person, row.user, row.role)
            self.answer(f"Ended: {row.name}, {row.role}", [("", line, "text") for line in said.gives])
            self.app.notify(f"Ended: {row.name}, {row.role}.")


def assignable(ws: Workspace) -> list[tuple[str, str]]:
    """Colleagues and the parts they can have, for choosing one."""
    return [
        (f"{line.id.hex()}|{role}", f"{line.name}, {role}")
        for line in staff.users(ws)
        if line.status == staff.ACTIVE
        for role in line.roles
        if role in ASSIGNABLE
    ]


def move_one(ws: Workspace, frm: bytes, to: bytes, line: PlanLine, until: date | None) -> PlanLine:
    """One person's transfer or stand-in as far as this user may go; what waits for others is kept on paper."""
    done = planning.run(ws, frm, to, line, until)
    if until is None and done.state in (planning.WAITS, planning.READY) and assigns(ws):
        planning.begin(ws, frm, to, [done])
    return done
