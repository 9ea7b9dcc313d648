"""The exchange: carriers with what waits, devices with how far they are, what needs somebody, how far it is now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from textual import on
from textual.events import DescendantFocus
from textual.widget import Widget

from iop_tui.clinical.attachments import api as attachments
from iop_tui.exchange.engine import DeviceLine
from iop_tui.exchange.remotes.bundle import SUFFIX
from iop_tui.kernel.errors import Refused, Usage
from iop_tui.kernel.paths import typed
from iop_tui.shell.exchange import adding, words
from iop_tui.shell.exchange.runner import Runner
from iop_tui.ui.ask import AskLine
from iop_tui.ui.dialogs import Confirm
from iop_tui.ui.frame.bars import Bar, Lines, Toned
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page
from iop_tui.ui.text.cellfit import wrap
from iop_tui.workspace import Workspace, exchangestate, exchanging
from iop_tui.workspace.exchangestate import CarrierState, Standing
from iop_tui.workspace.exchanging import RemoteLine

NO_CARRIER = "No carrier yet. Put a stick in or choose a shared folder, then press + and type where it is."
NO_DEVICES = "This program does not exchange yet. The first carrier sets it up; an administrator does that once."
CARRIERS_SHOWN, SAID_SHOWN = 6, 7
BAR = 24


@dataclass(frozen=True, slots=True)
class Carrier:
    """A carrier and what is known of it; without `state` it was not asked yet."""

    line: RemoteLine
    state: CarrierState | None
    standing: Standing
    now_ms: int


@dataclass(frozen=True, slots=True)
class Peer:
    """A device, with what waits for it."""

    line: DeviceLine
    standing: Standing
    now_ms: int


def _there(row: Carrier) -> Cell:
    if row.state is None:
        return Cell("asking", "dim")
    return Cell("! not now", "warn") if row.state.trouble else Cell("ready", "accent")


def _last(row: Carrier) -> Cell:
    return Cell(words.last(row.state, row.now_ms) if row.state else "", "dim")


def _ahead(row: Carrier) -> Cell:
    if row.state is None:
        return Cell("")
    return Cell(words.ahead(row.state, row.standing), "warn" if row.state.trouble else "text")


CARRIERS: tuple[Column[Carrier], ...] = (
    Column("name", "Carrier", lambda row: row.line.name, 14),
    Column("there", "", _there, 9),
    Column("last", "Last time", _last, 14, priority=1),
    Column("ahead", "Next time", _ahead, 26, weight=1),
)
DEVICES: tuple[Column[Peer], ...] = (
    Column("name", "Device", lambda row: row.line.name, 14, weight=1),
    Column("step", "", lambda row: Cell(*words.step(row.line, row.now_ms)), 22, weight=1),
    Column("owed", "", lambda row: Cell(words.owed(row.line, row.standing), "dim"), 22, weight=2, priority=1),
)


def stand(ws: Workspace) -> tuple[Standing, list[RemoteLine], int]:
    """What is known without asking any carrier."""
    return exchangestate.standing(ws), exchanging.remotes(ws), ws.clock.now_ms()


class Exchange(Page):
    """Carriers above, devices below, then what needs somebody."""

    heading = "Exchange"
    places = ("exchange", "back", "find", "list")
    DEFAULT_CSS = """
    Exchange .label { margin-top: 1; } Exchange #carriers { height: 2; } Exchange #devices { height: 1fr; }
    Exchange #said { margin-top: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._standing = Standing(False)
        self._lines: list[RemoteLine] = []
        self._states: dict[str, CarrierState] = {}
        self._now = 0

    @property
    def runner(self) -> Runner:
        """The exchange behind the screens."""
        found: Runner = self.shell.exchange  # type: ignore[attr-defined]
        return found

    # -- building --------------------------------------------------------------------------------

    def content(self) -> Iterable[Widget]:
        """Two lists, what is said, what the cursor's line means."""
        yield Lines([[("Carriers", "accent")]], classes="label")
        yield RecordList(CARRIERS, key=lambda row: row.line.name, id="carriers", header=False, empty=NO_CARRIER)
        yield Lines([[("Devices", "accent")]], classes="label")
        yield RecordList(DEVICES, key=lambda row: row.line.device, id="devices", header=False, empty=NO_DEVICES)
        yield Lines(id="said")
        yield Bar(id="hint")

    def on_mount(self) -> None:
        """Ask, and follow an exchange that is going on."""
        super().on_mount()
        self.runner.news.subscribe(self, self._moved)
        self.query_one("#carriers", RecordList).focus()
        self.reload()

    def reload(self) -> None:
        """Ask again: the vault first, then each carrier."""
        self.start(self._ask, group="exchange", exclusive=True)

    async def _ask(self) -> None:
        self._standing, self._lines, self._now = await self.desk.read(stand)
        self._show()
        if self._standing.begun and not self.runner.running:
            for line in self._lines:
                self._states[line.name] = await self._asked(line)
                self._show()

    def _show(self) -> None:
        carriers = self.query_one("#carriers", RecordList)
        carriers.styles.height = min(len(self._lines), CARRIERS_SHOWN) or 4
        carriers.set_rows([Carrier(line, self._states.get(line.name), self._standing, self._now)
                           for line in self._lines])  # fmt: skip
        peers = sorted(self._standing.devices, key=lambda line: (not line.this, line.name))
        self.query_one("#devices", RecordList).set_rows([Peer(line, self._standing, self._now) for line in peers])
        own = next((line.name for line in peers if line.this), "")
        count = f"{len(peers)} device{'' if len(peers) == 1 else 's'}"
        self.retitle(context=f"{own}, {count}" if own else "not set up yet")
        self._say()
        self._explain()

    def _moved(self, _: None) -> None:
        """The exchange went on, or ended."""
        if self.runner.running:
            self._say()
            self._explain()
        else:
            self.reload()

    def _say(self) -> None:
        lines: list[list[Toned]] = []
        room = max((self.size.width or 80) - 4, 20)
        for text, tone in self._sentences():
            lines += [[(line, tone)] for line in wrap(text, room)]
        if len(lines) > SAID_SHOWN:
            lines = [*lines[: SAID_SHOWN - 1], [("more in the messages of the palette", "dim")]]
        self.query_one("#said", Lines).show([*self._progress(), *lines] if self.runner.running else lines)

    def _sentences(self) -> list[words.Said]:
        ended, found = self.runner.ended, words.needs(self._standing)
        if ended is None:
            return found
        tone = "danger" if ended.failed else "text"
        alarms = [(f"! {text}", "warn") for text in ended.alarms]
        return [(f"{words.moment(ended.at_ms, self._now)}  {ended.done}", tone), *alarms, *found]

    def _progress(self) -> list[list[Toned]]:
        runner = self.runner
        name, share = runner.line.name if runner.line else "", runner.share()
        filled = min(BAR, BAR * runner.moved // runner.expected) if runner.expected else 0
        drawn = f"[{'#' * filled}{'.' * (BAR - filled)}]"
        moved = f"{words.size(runner.moved)} of {words.size(runner.expected)}" if runner.expected else "looking"
        struggle = words.struggling(runner.struggle)
        line = [(f"{name}  ", "strong"), (f"{drawn} {share}  ", "accent"), (moved, "dim")]
        return [line, [(struggle, "warn")]] if struggle else [line]

    # -- what a line means -----------------------------------------------------------------------

    @on(RecordList.Highlighted)
    def _highlighted(self) -> None:
        self._explain()

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """The line under the cursor of the list that is entered."""
        del event
        self._explain()

    def _explain(self) -> None:
        hint, row = self.query_one("#hint", Bar), self._carrier()
        if self.runner.running:
            hint.show([("c", "bar_key"), (" stops after this pack; everything else works as always", "bar_dim")])
        elif self.query_one("#devices").has_focus:
            hint.show([("Enter", "bar_key"), (" opens the devices: admit, retire, lost", "bar_dim")])
        elif row is None:
            hint.show([("+", "bar_key"), (" adds the first carrier", "bar_dim")])
        elif row.state is None:
            hint.show([(words.place(row.line.place), "bar_dim")])
        elif row.state.trouble:
            where = "" if "://" in row.line.place else f"{words.place(row.line.place)}: "  # a server names itself
            hint.show([(f"{where}{row.state.trouble}", "bar_warn")])
        else:
            hint.show([("x", "bar_key"), (f" {words.ahead(row.state, row.standing)}   ", "bar"),
                       (words.place(row.line.place), "bar_dim")])  # fmt: skip

    async def _asked(self, line: RemoteLine) -> CarrierState:
        """How it stands with a carrier, attachments included."""
        wishes = await self.desk.read(attachments.wishes)
        return await self.runner.ask(exchangestate.carrier, self.desk.subject, line, wishes)

    def _carrier(self) -> Carrier | None:
        row: Carrier | None = self.query_one("#carriers", RecordList).row
        return row

    def _chosen(self) -> Carrier:
        row = self._carrier()
        if row is None:
            raise Refused("There is no carrier yet.", "Press + and type where a stick or shared folder is.")
        return row

    def action_other_list(self) -> None:
        """From the carriers to the devices and back."""
        carriers = self.query_one("#carriers", RecordList)
        (self.query_one("#devices", RecordList) if carriers.has_focus else carriers).focus()

    # -- exchanging ------------------------------------------------------------------------------

    @on(RecordList.Opened, "#carriers")
    def _open(self) -> None:
        self.action_exchange_now()

    @on(RecordList.Opened, "#devices")
    def _open_device(self) -> None:
        self.action_devices()

    def action_exchange_now(self) -> None:
        """Exchange with the carrier under the cursor."""
        self.start(self._exchange, None, group="act")

    def action_exchange_limited(self) -> None:
        """The same, with a limit of bytes."""
        self.start(self._limited, group="act")

    async def _limited(self) -> None:
        self._chosen()
        asked = AskLine("Exchange with a limit", "It stops cleanly before a pack that would pass the limit; the rest"
                        " follows next time.", "Kilobytes at most", done="begin")  # fmt: skip
        answer = await self.app.push_screen_wait(asked)
        if answer is None:
            return
        if not answer[1].isdecimal() or not int(answer[1]):
            raise Usage("The limit is a number of kilobytes.", "For example 500.")
        await self._exchange(int(answer[1]) * 1000)

    async def _exchange(self, limit: int | None) -> None:
        row = self._chosen()
        expected = row.state.estimate.payload if row.state and row.state.estimate else 0
        self.runner.begin(row.line, expected=expected, limit=limit)

    def action_stop_exchange(self) -> None:
        """Stop after the pack that is being moved."""
        if self.runner.running:
            self.runner.stop()
            self.app.notify("Stopping after this pack. What was moved is safe; x goes on later.")
        else:
            self.app.notify("No exchange is going on.")

    def action_look_again(self) -> None:
        """Ask the carriers again."""
        self._states.clear()
        self.reload()

    # -- carriers --------------------------------------------------------------------------------

    def action_add_carrier(self) -> None:
        """Note a carrier; the first one sets the exchange up."""
        self.start(self._add, group="act")

    async def _add(self) -> None:
        self.runner.free()
        line = await adding.add(self, self._begin)
        if line is not None:
            self.app.notify(f"{line.name} is noted. x on its line exchanges with it.")
            self.reload()

    def action_enter_key(self) -> None:
        """The key or password of the carrier's server anew."""
        self.start(self._key, group="act")

    async def _key(self) -> None:
        self.runner.free()
        row = self._chosen()
        if await adding.enter_key(self, row.line):
            self.app.notify(f"{row.line.name} accepts it, and it is kept.")
            self.reload()

    async def _begin(self) -> bool:
        """Set the exchange up where the program has none yet; whether it has one now."""
        if self._standing.begun:
            return True
        consequence = ("This program did not exchange yet. This device gets a name and a card that the other devices"
                       " will know it by.")  # fmt: skip
        answer = await self.app.push_screen_wait(
            AskLine("Set the exchange up", consequence, "What this device is called", done="set up")
        )
        if answer is not None:
            await self.desk.write(exchanging.begin, answer[1])
        return answer is not None

    async def _ask_place(self, title: str, consequence: str, label: str, value: str = "") -> Path | None:
        answer = await self.app.push_screen_wait(AskLine(title, consequence, label, value=value, done="go on"))
        if answer is None:
            return None
        return typed(answer[1]).absolute()

    def action_test_carrier(self) -> None:
        """Whether the carrier is there and belongs to this program."""
        self.start(self._test, group="act")

    async def _test(self) -> None:
        row = self._chosen()
        await adding.test(self, row.line)
        state = await self._asked(row.line)
        self._states[row.line.name] = state
        self._show()
        if state.trouble:
            raise Refused(f"{row.line.name}: {state.trouble}", "Make that right, then press t again.")
        self.app.notify(f"{row.line.name} is there and is this program's: {words.ahead(state, self._standing)}.")

    def action_forget_carrier(self) -> None:
        """Take a carrier off the list."""
        self.start(self._forget, group="act")

    async def _forget(self) -> None:
        self.runner.free()
        row = self._chosen()
        consequence = "Nothing on it changes, and nothing here is lost. It can be added again."
        if await self.app.push_screen_wait(Confirm(f"Forget {row.line.name}?", consequence, label="forget")):
            await adding.forget(self, row.line)
            self._states.pop(row.line.name, None)
            self.reload()

    def action_carry_file(self) -> None:
        """Everything in one file: written, or read where it is there already."""
        self.start(self._carry, group="act")

    async def _carry(self) -> None:
        if not self._standing.begun:
            raise Refused("This program does not exchange yet.", "Press + first.")
        consequence = ("One file with every pack, for mail or a phone. A file that is there is read first and then"
                       " brought up to date. Nobody without a key can read it.")  # fmt: skip
        place = await self._ask_place("Carry a file", consequence, "The file, ending in .cwx")
        if place is None:
            return
        if place.suffix != SUFFIX:
            raise Usage(f"{place.name} does not end in {SUFFIX}.", "Give the file such a name, so that it is known"
                        " everywhere.")  # fmt: skip
        self.runner.begin(RemoteLine(place.name, str(place)))

    def action_devices(self) -> None:
        """The devices of the program."""
        self.go("devices")
