"""Hand-overs: what waits of transfers and successions, and the ways to begin one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from textual import on

from iop_tui.access import charts, roles
from iop_tui.clinical.staff import api as staff
from iop_tui.clinical.turnover import planning, saying
from iop_tui.clinical.turnover.notices import notices
from iop_tui.clinical.turnover.owed import HAND_OVER, SUCCESSION, TRANSFER, due_lines
from iop_tui.clinical.turnover.planning import READY, PlanLine
from iop_tui.clinical.turnover.screens.base import TurnoverPage
from iop_tui.clinical.turnover.service import PARTS, assigns, caseload_left
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.errors import NotFound
from iop_tui.ui.dialogs import PickOne
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.workspace import Workspace

EMPTY = "Nothing waits for you. t transfers a caseload, u names who takes over, v looks into a case."
NOTICE = "notice"
_DOES = {
    HAND_OVER: "Enter says what you would hand over, and asks.",
    TRANSFER: "Enter opens the transfer; r goes on with it.",
    SUCCESSION: "Enter opens the succession.",
    NOTICE: "Enter opens where it is settled.",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits, and where it is cleared."""

    what: str
    name: str
    action: str
    subject: bytes
    record: bytes
    source: str

    @property
    def key(self) -> tuple[str, str, bytes, bytes]:
        """What tells the lines apart."""
        return self.action, self.what, self.subject, self.record


def waiting(ws: Workspace) -> list[Waiting]:
    """Everything that waits for this user, then what they must be told."""
    found = [
        Waiting(line.what, line.name, line.action, line.person, line.record, line.source) for line in due_lines(ws)
    ]
    told = [item for item in notices(ws) if "waits for your keys" not in item.text]
    return [*found, *(Waiting(item.text, "", NOTICE, item.subject, b"", item.rule) for item in told)]


COLUMNS: tuple[Column[Waiting], ...] = (
    Column("what", "What waits", lambda row: Cell(row.what, "warn" if row.action == NOTICE else "text"), 40, weight=3),
    Column("name", "Who", lambda row: row.name, 16, weight=1),
)


class Turnover(TurnoverPage):
    """What waits, and where everything begins."""

    heading = "Hand-overs"
    places = ("turnover", "back", "find", "list")

    def make_list(self) -> RecordList[Any]:
        """What waits."""
        return RecordList(COLUMNS, key=lambda row: row.key, empty=EMPTY, classes="lines")

    async def fill(self) -> None:
        """What waits, again."""
        found = await self.desk.read(waiting)
        self.listing.set_rows(found)
        self.retitle(context=f"{len(found)} waiting" if found else "nothing waiting")

    async def explain(self, row: Waiting) -> None:
        """Why it waits, and the key that clears it."""
        self.tell(row.what, [("Next", _DOES.get(row.action, ""), "text"), ("Rule", row.source, "dim")])

    @on(RecordList.Opened, ".lines")
    def _open(self, event: RecordList.Opened) -> None:
        event.stop()
        row: Waiting = event.row
        if row.action == HAND_OVER:
            self.act(self._hand_over, row)
        elif row.action == TRANSFER:
            self.go("transfergo", row.record)
        elif row.action == SUCCESSION:
            self.go("succession")
        elif "CR-16" in row.source:
            self.go("reviews")
        elif row.subject:
            self.go("careteam", row.subject)

    # -- handing over ----------------------------------------------------------------------------

    async def _hand_over(self, row: Waiting) -> None:
        line, until = await self.desk.read(asked_for, row)
        me = self.ws.user.user
        said = await self.desk.read(saying.moving, me, row.record, line, until)
        if await self.agreed(f"{row.name}: {row.what.lower()}?", said, "hand over"):
            done = await self.desk.write(planning.run, me, row.record, line, until)
            tone = "danger" if done.state == planning.REFUSED else "text"
            self.answer(f"{done.name}: {done.state}", [("", done.says, tone)], tone)
            self.app.notify(f"{done.name}: {done.says}.")

    # -- beginning -------------------------------------------------------------------------------

    def action_succession(self) -> None:
        """Who takes over without notice."""
        self.go("succession")

    def action_reviews(self) -> None:
        """Cases shown by a share."""
        self.go("reviews")

    def action_transfer(self) -> None:
        """From whom, to whom, until when; then the dry run."""
        self.act(self._transfer)

    async def _transfer(self) -> None:
        givers = await self.desk.read(with_caseload)
        if not givers:
            self.app.notify("Nobody that you may move has anybody in their care.", severity="warning")
            return
        giver = await self.app.push_screen_wait(PickOne("Whose caseload?", givers))
        receiver = await self._receiver(bytes.fromhex(giver)) if giver else None
        if giver is None or receiver is None:
            return
        options = [("", "for good"), ("until", "until a day: they stand in")]
        lasting = await self.app.push_screen_wait(PickOne("For how long?", options))
        until: date | None = None
        if lasting == "until":
            until = await self.pick_day("Stand in", "Their keys end by themselves on that day.")
        if lasting == "" or until is not None:
            self.go("transfer", bytes.fromhex(giver), receiver, how=until.isoformat() if until else "")

    async def _receiver(self, giver: bytes) -> bytes | None:
        found = await self.desk.read(receivers, giver)
        if not found:
            self.app.notify("Nobody else here has one of their roles.", severity="warning")
            return None
        chosen = await self.app.push_screen_wait(PickOne("Who takes it over?", found))
        return bytes.fromhex(chosen) if chosen else None


def with_caseload(ws: Workspace) -> list[tuple[str, str]]:
    """Whose caseload this user may move: anybody's for who assigns, else their own."""
    found = []
    for line in staff.users(ws):
        people = {fact.person for fact in caseload_left(ws, line.id)}
        if people and (assigns(ws) or line.id == ws.user.user):
            found.append((line.id.hex(), f"{line.name}, {len(people)} {'person' if len(people) == 1 else 'people'}"))
    return found


def receivers(ws: Workspace, giver: bytes) -> list[tuple[str, str]]:
    """Colleagues who have one of the roles that a giver treats people in."""
    needed = {fact.role for fact in caseload_left(ws, giver)}
    return [
        (line.id.hex(), f"{line.name}, {', '.join(role for role in line.roles if role in PARTS)}")
        for line in staff.users(ws)
        if line.status == staff.ACTIVE and line.id != giver and needed & set(line.roles)
    ]


def asked_for(ws: Workspace, row: Waiting) -> tuple[PlanLine, date | None]:
    """The hand-over that a line asks for: the part, and until when the colleague stands in."""
    if row.subject in charts.couple_links(ws.session):
        return PlanLine(row.subject, row.name, roles.COUPLES_THERAPIST, READY, row.what), None
    facts = [fact for fact in charts.care_facts(ws.session, row.subject) if fact.role in PARTS]
    mine = {fact.role for fact in facts if fact.user == ws.user.user}
    theirs = next((fact for fact in facts if fact.user == row.record and fact.role in mine), None)
    if theirs is None:
        raise NotFound("It was taken back meanwhile.")
    until = local_date(theirs.until_ms) if theirs.until_ms else None
    return PlanLine(row.subject, row.name, theirs.role, READY, row.what), until
