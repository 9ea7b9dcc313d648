"""Case reviews: requests, what one may read, what one shows, and supervisors over both sides; all by shares."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from textual import on

from iop_tui.clinical.consulting import service
from iop_tui.clinical.consulting.service import WAITS, RequestLine, Shared, ShareIn, ShareOut
from iop_tui.clinical.records import api as records
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.clock import local_date
from iop_tui.ui.ask import AskLine
from iop_tui.ui.dialogs import Confirm, PickOne, PickSeveral
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.listpage import DetailPage
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.workspace import Workspace

EMPTY = "No case is shown to you or by you. a asks to see one; + shows records of one to a supervisor."
ASKED, MAY_READ, SHOWN, BOTH_SIDES = "asked", "you read", "you show", "both sides"
WEEK = timedelta(days=7)
GIVES = "No key goes with it: only these records, read-only, until that day. Ending it earlier is one key (d)."
STAYS = "What was read stays read."


@dataclass(frozen=True, slots=True)
class Row:
    """One line: of which sort, who, about whom, until when, how it stands; and what it is."""

    sort: str
    who: str
    what: str
    until: date | None
    state: str
    item: RequestLine | ShareIn | ShareOut | Shared

    @property
    def key(self) -> tuple[str, bytes, bytes]:
        """What tells the lines apart."""
        item = self.item
        if isinstance(item, RequestLine):
            return self.sort, item.record, b""
        if isinstance(item, Shared):
            return self.sort, item.supervisor, item.couple
        return self.sort, item.act, item.person


def rows(ws: Workspace) -> list[Row]:
    """Requests, what this user reads, what is shown, supervisors over both sides."""
    found = [_request(item) for item in service.requests(ws)]
    found += [
        Row(MAY_READ, item.giver_name, item.name, item.until, f"{len(item.records)} to read", item)
        for item in service.received(ws)
    ]
    found += [
        Row(SHOWN, item.reader_name, item.name, item.until, item.what, item) for item in service.given(ws)
    ]
    found += [
        Row(BOTH_SIDES, item.supervisor_name, item.couple_name, None, item.option or "! open", item)
        for item in service.conflicts(ws)
    ]
    return found


def _request(item: RequestLine) -> Row:
    who = item.asker_name if item.mine else f"to {item.clinician_name}"
    state = "! answer" if item.mine and item.state == WAITS else item.state
    return Row(ASKED, who, item.name, item.until, state, item)


COLUMNS: tuple[Column[Row], ...] = (
    Column("sort", "", lambda row: Cell(row.sort, "dim"), 10),
    Column("who", "Who", lambda row: row.who, 14, weight=1),
    Column("what", "Whose record", lambda row: row.what, 18, weight=2),
    Column("until", "Until", lambda row: row.until.isoformat() if row.until else "", 10),
    Column("state", "", lambda row: Cell(row.state, "warn" if row.state.startswith("!") else "text"), 17, weight=1),
)


class Reviews(DetailPage):
    """Everything that is shown by consultations."""

    heading = "Case reviews"
    places = ("reviews", "back", "find", "list")
    DEFAULT_CSS = "Reviews #detail { height: 9; }"

    def make_list(self) -> RecordList[Row]:
        """What waits first."""
        return RecordList(COLUMNS, key=lambda row: row.key, empty=EMPTY, classes="lines")

    async def fill(self) -> None:
        """What there is."""
        found = await self.desk.read(rows)
        self.listing.set_rows(found)
        waiting = sum(row.state == "! answer" for row in found)
        self.retitle(context=f"{waiting} to answer" if waiting else "shares only, never keys")

    @on(RecordList.Highlighted, ".lines")
    def _explain(self, event: RecordList.Highlighted) -> None:
        row: Row = event.row
        self.tell(f"{row.who}: {row.what}", _meaning(row.item))

    @on(RecordList.Opened, ".lines")
    def _open(self, event: RecordList.Opened) -> None:
        event.stop()
        item = event.row.item
        if isinstance(item, ShareIn):
            self.start(self._read, item, group="act")
        elif isinstance(item, RequestLine) and item.mine and item.state == WAITS:
            self.start(self._answer, item, group="act")

    async def _read(self, item: ShareIn) -> None:
        options = [(line.id.hex(), _label(line)) for line in item.records]
        chosen = await self.app.push_screen_wait(PickOne(f"Shown until {item.until.isoformat()}", options))
        if chosen is not None:
            self.go("record", bytes.fromhex(chosen))

    def _row(self, *kinds: type) -> Any:
        row: Row | None = self.listing.row
        return row.item if row is not None and isinstance(row.item, kinds) else None

    def _on(self, work: Callable[..., Coroutine[Any, Any, Any]], item: Any, otherwise: str) -> None:
        if item is None:
            self.app.notify(otherwise, severity="warning")
        else:
            self.start(work, item, group="act")

    # -- asking ----------------------------------------------------------------------------------

    def action_ask(self) -> None:
        """Ask a clinician to be shown something of a case."""
        self.start(self._ask, group="act")

    async def _ask(self) -> None:
        ws: Workspace = self.desk.subject
        if not set(service.READERS) & set(ws.user.roles):
            self.tell("Refused: nothing was changed", [
                ("", "Cases are shown to supervisors, directors, privacy officers and auditors. What a colleague needs,"
                 " the person authorizes (o in the chart).", "danger")])  # fmt: skip
            return
        about = await self._pick("About whom?", await self.desk.read(service.may_ask_about))
        whom = await self._pick("Ask whom?", await self.desk.read(service.clinicians, about)) if about else None
        if about is None or whom is None:
            return
        what = await self.app.push_screen_wait(
            AskLine("What do you have to read?", GIVES, "Which records", value="the last progress notes", done="go on")
        )
        why = await self.app.push_screen_wait(AskLine("Why?", "", "Reason", done="go on")) if what else None
        until = await self._until() if why else None
        if what and why and until:
            await self.desk.write(service.ask, about, whom, what=what[1], reason=why[1], until=until)
            self.app.notify("Asked. They find it on Today.")

    async def _pick(self, title: str, found: list[tuple[bytes, str]]) -> bytes | None:
        if not found:
            self.app.notify("There is nobody whose care you know of.", severity="warning")
            return None
        chosen = await self.app.push_screen_wait(PickOne(title, [(key.hex(), name) for key, name in found]))
        return bytes.fromhex(chosen) if chosen else None

    async def _until(self, proposed: date | None = None) -> date | None:
        ws: Workspace = self.desk.subject
        day = proposed or local_date(ws.clock.now_ms()) + WEEK
        answer = await self.app.push_screen_wait(
            AskLine("Until when?", "It closes by itself after that day; 30 days at most.", "Year-month-day",
                    value=day.isoformat(), done="go on")
        )  # fmt: skip
        if answer is None:
            return None
        try:
            return date.fromisoformat(answer[1].strip())
        except ValueError:
            self.app.notify(f"{answer[1]} is no date. Write it as year-month-day.", severity="error")
            return None

    # -- showing ---------------------------------------------------------------------------------

    def action_answer(self) -> None:
        """Show what was asked for."""
        self._on(self._answer, self._waiting(), "Put the cursor on a request that waits for you.")

    def action_decline(self) -> None:
        """Answer with the reason why not."""
        self._on(self._decline, self._waiting(), "Put the cursor on a request that waits for you.")

    def _waiting(self) -> RequestLine | None:
        item: RequestLine | None = self._row(RequestLine)
        return item if item is not None and item.mine and item.state == WAITS else None

    def action_show_case(self) -> None:
        """Show some records to a supervisor or director, without being asked."""
        self.start(self._show_case, group="act")

    async def _show_case(self) -> None:
        person = await self._pick("Whose record?", await self.desk.read(service.treated))
        reader = await self._pick("To whom?", await self.desk.read(service.readers)) if person else None
        why = await self.app.push_screen_wait(AskLine("Why?", GIVES, "Reason", done="go on")) if reader else None
        if person and reader and why:
            await self._share(person, reader, why[1])

    async def _answer(self, item: RequestLine) -> None:
        await self._share(item.person, item.asker, item.reason, item)

    async def _share(self, person: bytes, reader: bytes, reason: str, asked: RequestLine | None = None) -> None:
        found = await self.desk.read(service.to_share, person)
        part = await self._part(found)
        if part is None:
            return
        options = [(line.id.hex(), _label(line)) for line in found if line.compartment_kind == part]
        title = f"Show what? Asked: {asked.what}" if asked else "Show what? Space marks"
        chosen = await self.app.push_screen_wait(PickSeveral(title, options, ()))
        until = await self._until(asked.until if asked else None) if chosen else None
        if not chosen or until is None:
            return
        count = f"{len(chosen)} {'record' if len(chosen) == 1 else 'records'}"
        if await self.app.push_screen_wait(Confirm(f"Show {count}?", f"{GIVES} {STAYS}", label="show")):
            ids = [bytes.fromhex(item) for item in chosen]
            request = asked.record if asked else b""
            made = await self.desk.write(service.show, ids, reader, reason=reason, until=until, request=request)
            self.app.notify(f"{made.name} reads {count} until {until.isoformat()}.")

    async def _part(self, found: list[records.RecordLine]) -> str | None:
        """One part of the record at a time."""
        parts = sorted({line.compartment_kind for line in found})
        if not parts:
            self.app.notify("There is nothing signed of this person that is yours to show.", severity="warning")
            return None
        if len(parts) == 1:
            return parts[0]
        chosen: str | None = await self.app.push_screen_wait(
            PickOne("From which part?", [(part, service.PART_WORDS.get(part, part)) for part in parts])
        )
        return chosen

    async def _decline(self, item: RequestLine) -> None:
        answer = await self.app.push_screen_wait(
            AskLine(f"Decline {item.asker_name}'s request?", "They read your reason, and nothing of the record.",
                    "Why", done="decline")
        )  # fmt: skip
        if answer is not None:
            await self.desk.write(service.decline, item.record, answer[1])
            self.app.notify("Declined.")

    # -- ending ----------------------------------------------------------------------------------

    def action_end_share(self) -> None:
        """End a share, or an exception."""
        item = self._row(ShareIn, ShareOut, Shared)
        self._on(self._end, item, "Put the cursor on a share or an exception.")

    async def _end(self, item: ShareIn | ShareOut | Shared) -> None:
        if isinstance(item, Shared):
            await self._end_exception(item)
        elif isinstance(item, ShareIn):
            self.app.notify(f"It ends by itself; {item.giver_name} can end it earlier.", severity="warning")
        elif await self.app.push_screen_wait(
            Confirm(f"End what {item.reader_name} reads?", f"Their key ends at once. {STAYS}", label="end it")
        ):
            await self.desk.write(service.end_share, item.act)
            self.app.notify(f"Ended: {item.reader_name} reads nothing of it any more.")

    async def _end_exception(self, item: Shared) -> None:
        if not item.option:
            self.app.notify("There is no exception to end; x records one.", severity="warning")
            return
        answer = await self.app.push_screen_wait(
            AskLine("End this exception?", "From now on the conflict counts again: nothing is shown to this supervisor"
                    f" on either side. {STAYS}", "Why", done="end it")
        )  # fmt: skip
        if answer is not None:
            await self.desk.write(staff.end_exception, item.supervisor, item.couple, reason=answer[1])
            self.app.notify("The exception is over.")

    def action_except(self) -> None:
        """Record why one supervisor stays over both sides, and what is done instead."""
        item = self._row(Shared)
        self._on(self._except, item, "Put the cursor on a supervisor over both sides.")

    async def _except(self, item: Shared) -> None:
        consequence = "It is recorded with your name. It gives no key: cases are shown by shares, as ever."
        answer = await self.app.push_screen_wait(
            AskLine(f"{item.supervisor_name} stays?", consequence, "Why", choices=staff.OPTIONS, done="record")
        )
        if answer is not None:
            await self.desk.write(
                staff.except_supervisor, item.supervisor, item.couple, option=answer[0], reason=answer[1]
            )
            self.app.notify("Recorded.")


def _label(line: records.RecordLine) -> str:
    return f"{line.service_date or 'no date'} {line.label}: {line.title}"


def _meaning(item: RequestLine | ShareIn | ShareOut | Shared) -> list[tuple[str, str, str]]:
    """What a line means, and the key for it."""
    if isinstance(item, RequestLine):
        keys = "Enter shows records, r declines." if item.mine and item.state == WAITS else ""
        return [("Asked", item.what, "text"), ("Why", item.reason, "text"), ("Declined", item.declined, "warn"),
                ("Next", keys, "dim")]  # fmt: skip
    if isinstance(item, ShareIn):
        return [("Why", item.reason, "text"), ("Next", "Enter reads. It is read-only; each reading is logged.", "dim")]
    if isinstance(item, ShareOut):
        return [("Shown", f"{item.what}, by {item.giver_name}", "text"), ("Why", item.reason, "text"),
                ("Next", f"d ends it at once. {STAYS}", "dim")]  # fmt: skip
    stands = f"excepted: {item.option}" if item.option else "no exception: nothing may be shown on either side"
    return [("Supervises", ", ".join(item.authors), "text"), ("Stands", stands, "text"),
            ("Next", "x records an exception, d ends one (program rule CR-16).", "dim")]  # fmt: skip
