"""Succession: who takes over if somebody is gone without notice; the second signature; the last step after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from textual import on
from textual.widget import Widget

from iop_tui.clinical.staff import api as staff
from iop_tui.clinical.turnover import leaving, planning, succession
from iop_tui.clinical.turnover.leaving import APPROVED, NAMED, NOBODY_NAMED, TAKEN, VOID, Gone, SuccessionLine
from iop_tui.clinical.turnover.saying import Said
from iop_tui.clinical.turnover.screens.base import REFUSED, TurnoverPage
from iop_tui.clinical.turnover.service import caseload_left
from iop_tui.clinical.turnover.succession import SECONDS, Taken
from iop_tui.ui.ask import AskLine
from iop_tui.ui.dialogs import Confirm, PickOne
from iop_tui.ui.forms.review import freshly
from iop_tui.ui.frame.bars import Lines, Toned
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.workspace import Workspace

EMPTY = "Nobody is in your care, and nobody named you. There is nothing to do here."
_TONES = {NOBODY_NAMED: "warn", VOID: "danger", NAMED: "text", APPROVED: "warn", TAKEN: "dim"}
MEANS = {
    NOBODY_NAMED: "If the clinician is gone without notice, nobody could open what only they hold. n names somebody.",
    VOID: "What was named cannot be put into force any more: the wall, or somebody who left. n names it anew.",
    NAMED: "Signed beforehand and sealed. Successor and second person open it together; neither can do it alone.",
    APPROVED: "The second signature is there. The successor's program takes over at its next unlock.",
    TAKEN: "The successor has every key. e ends the old part.",
}
ALONE = "open anything by itself: it takes the successor's half and the second person's."


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the page shows."""

    lines: tuple[SuccessionLine, ...]
    gone: tuple[Gone, ...]


def overview(ws: Workspace) -> Overview:
    """Successions this user can read, and who was said to be gone."""
    return Overview(tuple(leaving.lines(ws)), tuple(leaving.leavers(ws)))


COLUMNS: tuple[Column[SuccessionLine], ...] = (
    Column("user", "Clinician", lambda line: Cell(line.user_name, "dim"), 10, weight=1),
    Column("name", "Who", lambda line: line.name, 14, weight=2),
    Column("successor", "Successor", lambda line: line.successor_name, 10, weight=1),
    Column("second", "Second", lambda line: line.second_name, 10, weight=1),
    Column("stage", "", lambda line: Cell(line.stage, _TONES[line.stage]), 12),
)


class SuccessionPage(TurnoverPage):
    """One line per person and clinician."""

    heading = "Succession"
    places = ("succession", "back", "find", "list")
    DEFAULT_CSS = "SuccessionPage #top { height: auto; } SuccessionPage #detail { height: 6; }"

    def __init__(self) -> None:
        super().__init__()
        self._gone: tuple[Gone, ...] = ()
        self._lines: tuple[SuccessionLine, ...] = ()

    def make_list(self) -> RecordList[Any]:
        """Who takes over whom."""
        return RecordList(COLUMNS, key=lambda line: line.key, empty=EMPTY, selectable=True, classes="lines")

    def content(self) -> Iterable[Widget]:
        """Who is gone, the list, what the line means."""
        yield Lines(id="top")
        yield from super().content()

    async def fill(self) -> None:
        """Everything, again."""
        found = await self.desk.read(overview)
        self._gone, self._lines = found.gone, found.lines
        self.listing.set_rows(list(found.lines))
        left: list[list[Toned]] = [
            [(f" ! {item.name} is gone since {item.on.isoformat()}: {item.left} in their care. ", "warn"),
             (item.reason, "dim")]
            for item in found.gone
        ]  # fmt: skip
        mine = [line for line in found.lines if line.user == self.ws.user.user]
        open_ = sum(line.stage in (NOBODY_NAMED, VOID) for line in mine)
        lacking = f" Nobody is named for {open_} of your {len(mine)} people."
        said = lacking if open_ else " Everybody of yours has somebody."
        self.query_one("#top", Lines).show([*left, [(said if mine else " You treat nobody yourself.", "dim")]])
        count = len({line.person for line in found.lines})
        self.retitle(context="1 person" if count == 1 else f"{count} people")

    async def explain(self, row: SuccessionLine) -> None:
        """How far it is, and what comes next."""
        lines = [("How far", f"{row.stage}. {MEANS[row.stage]}", "text")]
        if row.successor_name:
            lines.append(("Named", f"{row.successor_name}, with {row.second_name}'s signature", "dim"))
        self.tell(f"{row.user_name}: {row.name}, {row.role}", lines)

    @on(RecordList.Opened, ".lines")
    def _open(self, event: RecordList.Opened) -> None:
        event.stop()
        self.go("chart", event.row.person)

    # -- naming ----------------------------------------------------------------------------------

    def action_name(self) -> None:
        """Name who takes over: for those that are marked, or for everybody in one's care."""
        self.act(self._name_them)

    async def _name_them(self) -> None:
        mine = [line for line in self._lines if line.user == self.ws.user.user]
        marked = [line for line in mine if line.key in self.listing.selected]
        if not mine:
            self.app.notify("You treat nobody yourself: there is nobody to name a successor for.", severity="warning")
            return
        few = marked[0].name if len(marked) == 1 else f"{len(marked)} people"
        whom = few if marked else "everybody in your care"
        roles = tuple({line.role for line in marked or mine})
        successor = await self._pick(f"Who takes over {whom}?", roles)
        second = await self._pick("Whose second signature?", SECONDS, successor) if successor else None
        if successor is None or second is None:
            return
        said = Said(("sign the hand-over of every key beforehand, sealed, in each person's directory entry.",
                     "follow new keys by itself at your unlocks."), (ALONE, "move what you keep alone."))  # fmt: skip
        if await self.agreed(f"Name them for {whom}?", said, "name"):
            persons = tuple({line.person for line in marked})
            await self.desk.write(succession.name_successor, successor, second, persons=persons)
            self.listing.selected = set()
            left = len(await self.desk.read(succession.unnamed))
            more = f" {left} still have nobody: name somebody else for them." if left else ""
            self.app.notify(f"Named.{more}", severity="warning" if left else "information")

    async def _pick(self, title: str, roles: Sequence[str], other: bytes = b"") -> bytes | None:
        found = await self.desk.read(candidates, tuple(roles), other)
        if not found:
            self.app.notify(f"Nobody else here is {' or '.join(roles)}.", severity="warning")
            return None
        chosen = await self.app.push_screen_wait(PickOne(title, [(user.hex(), name) for user, name in found]))
        return bytes.fromhex(chosen) if chosen else None

    # -- gone without notice ---------------------------------------------------------------------

    def action_announce(self) -> None:
        """Say that somebody is gone without notice."""
        self.act(self._announce)

    async def _announce(self) -> None:
        found = await self.desk.read(treating)
        if not found:
            self.app.notify("Nobody else treats anybody that you know of.", severity="warning")
            return
        chosen = await self.app.push_screen_wait(PickOne("Who is gone without notice?", found))
        if chosen is None:
            return
        consequence = ("It gives nobody a key. Whom they named as the second signature finds it on Today, and people"
                       " without a successor are listed here.")  # fmt: skip
        answer = await self.app.push_screen_wait(
            AskLine("Gone without notice", consequence, "What happened", done="say it")
        )
        if answer is not None:
            await self.desk.write(leaving.announce, bytes.fromhex(chosen), answer[1])
            self.app.notify("Said. It waits for the second signature.")

    def action_take_back(self) -> None:
        """They are here after all."""
        self.act(self._take_back)

    async def _take_back(self) -> None:
        if not self._gone:
            self.app.notify("Nobody was said to be gone.", severity="warning")
            return
        options = [(item.record.hex(), item.name) for item in self._gone]
        chosen = await self.app.push_screen_wait(PickOne("Who is here after all?", options))
        if chosen is None:
            return
        consequence = "It leaves everybody's list. What was taken over stays taken over."
        if await self.app.push_screen_wait(Confirm("Take the word back?", consequence, label="take back")):
            await self.desk.write(leaving.take_back, bytes.fromhex(chosen))
            self.app.notify("Taken back.")

    # -- the second signature --------------------------------------------------------------------

    def action_approve(self) -> None:
        """Sign as the second person."""
        row: SuccessionLine | None = self.listing.row
        if row is not None:
            self.act(self._approve, row)

    async def _approve(self, row: SuccessionLine) -> None:
        waiting = [line for line in self._lines if line.user == row.user and line.stage == NAMED]
        mine = [line for line in waiting if line.second == self.ws.user.user]
        if not mine:
            text = "They named no successor with you as the second signature, or it is approved already."
            self.answer(REFUSED, [("", text, "danger")], "danger")
            return
        to = ", ".join(sorted({line.successor_name for line in mine}))
        given = next((item.reason for item in self._gone if item.user == row.user), "")
        consequence = (f"{to} joins the care team of {len(mine)} of {row.user_name}'s people, where the wall lets them,"
                       " and their program takes over the keys. You get no key. It needs your passphrase.")  # fmt: skip
        answer = await self.app.push_screen_wait(
            AskLine(f"Second signature for {row.user_name}", consequence, "Why they cannot hand over", value=given,
                    done="sign")
        )  # fmt: skip
        if answer is None:
            return
        done: list[Taken] = []

        async def act() -> None:
            done.extend(await self.desk.write(signed_approval, row.user, answer[1]))

        async def confirm(phrase: bytearray) -> None:
            await self.desk.keep(Workspace.confirm, phrase)

        if await freshly(self, act, confirm, why="The second signature needs your passphrase."):
            self._said(row, done)

    def _said(self, row: SuccessionLine, done: Sequence[Taken]) -> None:
        refused = [item for item in done if item.refused]
        names = {line.person: line.name for line in self._lines}
        lines = [(names.get(item.person, "?"), item.refused, "danger") for item in refused]
        signed = len(done) - len(refused)
        self.answer(f"{row.user_name}: {signed} signed, {len(refused)} refused",
                    lines or [("", MEANS[APPROVED], "text")])  # fmt: skip
        severity: Literal["warning", "information"] = "warning" if refused else "information"
        self.app.notify(f"Signed for {signed}; {len(refused)} refused.", severity=severity)

    # -- the last step ---------------------------------------------------------------------------

    def action_end_old(self) -> None:
        """End the old part where the successor has every key."""
        row: SuccessionLine | None = self.listing.row
        if row is not None:
            self.act(self._end_old, row)

    async def _end_old(self, row: SuccessionLine) -> None:
        taken = [line for line in self._lines if line.user == row.user and line.stage == TAKEN]
        if not taken:
            self.app.notify("No successor of theirs has every key yet.", severity="warning")
            return
        said = Said((f"end {row.user_name}'s part in the care of {len(taken)} people, whose successors have every"
                     " key.",), ("touch anybody whose successor still lacks a key.",))  # fmt: skip
        if await self.agreed(f"End {row.user_name}'s old parts?", said, "end"):
            done = await self.desk.write(leaving.end_old_parts, row.user)
            refused = [line for line in done if line.state == planning.REFUSED]
            open_ = [line for line in done if line.state in (planning.READY, planning.WAITS)]
            left = [(line.name, line.says, "warn") for line in (*refused, *open_)]
            ended = len(done) - len(left)
            self.answer(f"{ended} ended", left or [("", "Their account can be removed under g p.", "text")])
            self.app.notify(f"{ended} ended." + (f" {len(left)} not." if left else ""))


def candidates(ws: Workspace, roles: tuple[str, ...], other: bytes) -> list[tuple[bytes, str]]:
    """Active colleagues with one of some roles, without oneself and somebody chosen before."""
    return [
        (line.id, f"{line.name}, {', '.join(role for role in line.roles if role in roles)}")
        for line in staff.users(ws)
        if line.status == staff.ACTIVE and line.id not in (ws.user.user, other) and set(roles) & set(line.roles)
    ]


def treating(ws: Workspace) -> list[tuple[str, str]]:
    """Colleagues who treat somebody that this user knows of."""
    found = []
    for line in staff.users(ws):
        count = len({fact.person for fact in caseload_left(ws, line.id)}) if line.id != ws.user.user else 0
        if count:
            found.append((line.id.hex(), f"{line.name}, {count} {'person' if count == 1 else 'people'}"))
    return found


def signed_approval(ws: Workspace, user: bytes, reason: str) -> list[Taken]:
    """The second signature with a fresh passphrase. Raises `ReauthNeeded`, and as `succession.approve`."""
    ws.need_fresh()
    return succession.approve(ws, user, reason)
