"""Devices: who has a copy of this vault, how a new one is admitted with six words, how one is retired or cut off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget

from iop_tui.exchange.engine import DeviceLine
from iop_tui.exchange.enrol import Request
from iop_tui.kernel.errors import Refused
from iop_tui.shell.exchange import words
from iop_tui.shell.exchange.page import DEVICES, NO_DEVICES, Peer
from iop_tui.shell.exchange.runner import Runner
from iop_tui.ui.ask import AskLine
from iop_tui.ui.dialogs import Confirm, PickOne
from iop_tui.ui.frame.bars import Bar, Lines, Toned
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page
from iop_tui.ui.text.cellfit import wrap
from iop_tui.workspace import Workspace, exchangestate, exchanging
from iop_tui.workspace.exchangestate import Standing
from iop_tui.workspace.exchanging import RemoteLine

ENROL = "iop-tui devices enrol FOLDER --name NAME"
UNSEEN_DAYS = 7
_DAY_MS = 24 * 3600 * 1000
_BOX = 64


class SixWords(ModalScreen[bool]):
    """Six words to type on the other screen. Only Enter closes it: whoever reads it aloud must not lose it."""

    DEFAULT_CSS = """
    SixWords { align: center middle; }
    SixWords .box { width: 70; max-width: 100%; height: auto; padding: 1 2; background: $kit-ground;
                    border: solid $kit-accent; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "close", show=False)]

    def __init__(self, device: str, shown: str) -> None:
        super().__init__()
        self._device, self._words = device, shown.split()

    def compose(self) -> ComposeResult:
        """The words in two lines of three, large enough to read across a desk."""
        half = len(self._words) // 2
        lines: list[list[Toned]] = [[(f"{self._device} is admitted", "strong")], []]
        text = "Type these six words on its screen. If they are refused there, somebody changed what the carrier holds."
        lines += [[(line, "text")] for line in wrap(text, _BOX)]
        lines += [[], _apart(self._words[:half]), _apart(self._words[half:]), []]
        with Vertical(classes="box"):
            yield Lines([*lines, [("[Enter]", "accent"), (" they were typed there", "text")]])

    def action_close(self) -> None:
        """Go on."""
        self.dismiss(True)


def _apart(shown: Sequence[str]) -> list[Toned]:
    """Words with room between them."""
    return [part for word in shown for part in (("   ", "text"), (word, "accent"))]


def peers(ws: Workspace) -> tuple[Standing, list[RemoteLine], int]:
    """The devices and the carriers that new ones may ask on."""
    return exchangestate.standing(ws), exchanging.remotes(ws), ws.clock.now_ms()


class Devices(Page):
    """The list, and what is owed."""

    heading = "Devices"
    places = ("devices", "back", "find", "list")
    DEFAULT_CSS = "Devices RecordList { margin-top: 1; } Devices #owed { margin-top: 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[RemoteLine] = []

    @property
    def runner(self) -> Runner:
        """The exchange behind the screens."""
        found: Runner = self.shell.exchange  # type: ignore[attr-defined]
        return found

    def content(self) -> Iterable[Widget]:
        """The list, what is owed, what the cursor's line means."""
        yield RecordList(DEVICES, key=lambda row: row.line.device, empty=NO_DEVICES)
        yield Lines(id="owed")
        yield Bar(id="hint")

    def on_mount(self) -> None:
        """Ask."""
        super().on_mount()
        self.query_one(RecordList).focus()
        self.reload()

    def reload(self) -> None:
        """Ask again."""
        self.start(self._show, group="devices", exclusive=True)

    async def _show(self) -> None:
        standing, self._lines, now = await self.desk.read(peers)
        rows = sorted(standing.devices, key=lambda line: (not line.this, line.status != "active", line.name))
        self.query_one(RecordList).set_rows([Peer(line, standing, now) for line in rows])
        active = sum(line.status == "active" for line in rows)
        self.retitle(context=f"{active} in use" if rows else "not set up yet")
        room = max((self.size.width or 80) - 4, 20)
        said = [[(line, tone)] for text, tone in _owed(standing, now) for line in wrap(text, room)]
        self.query_one("#owed", Lines).show(said)
        self.query_one("#hint", Bar).show([("+", "bar_key"), (f" admits a device on which `{ENROL}` was begun",
                                                              "bar_dim")])  # fmt: skip

    # -- admitting -------------------------------------------------------------------------------

    def action_admit(self) -> None:
        """Admit a new device."""
        self.start(self._admit, group="act")

    async def _admit(self) -> None:
        self.runner.free()
        line = await self._carrier()
        if line is None:
            return
        asking = await self.runner.ask(_asking, self.desk.subject, line)
        if not asking:
            raise Refused(f"No device asks on {line.name} yet.", f"On the new device: `{ENROL}` with that place.")
        names = words.listed([request.name for request, _ in asking])
        consequence = (f"{names} {'asks' if len(asking) == 1 else 'ask'} on {line.name}. Type the words that its own"
                       " screen shows, not words that somebody sent.")  # fmt: skip
        answer = await self.app.push_screen_wait(
            AskLine("Admit a device", consequence, "The six words on the new device's screen", done="admit")
        )
        if answer is None:
            return
        request = exchanging.meant(asking, answer[1])
        card, sealed, shown = await self.desk.write(exchanging.certify, request)
        await self.runner.ask(exchanging.leave_grant, self.desk.subject, line, card, sealed)
        self.app.notify(f"{card.name} is admitted. Its records are brought to {line.name} now.")
        self.runner.begin(line)
        await self.runner.wait()
        await self.app.push_screen_wait(SixWords(card.name, shown))

    async def _carrier(self) -> RemoteLine | None:
        folders = [line for line in self._lines if not line.place.endswith(".cwx")]
        if not folders:
            raise Refused("A device is admitted over a folder, a bucket or a web folder.",
                          "Add one as carrier first: g y, then +.")  # fmt: skip
        if len(folders) == 1:
            return folders[0]
        chosen = await self.app.push_screen_wait(
            PickOne("On which carrier does it ask?", [(line.name, f"{line.name}  {line.place}") for line in folders])
        )
        return next((line for line in folders if line.name == chosen), None)

    # -- ending ----------------------------------------------------------------------------------

    def _chosen(self) -> DeviceLine:
        row: Peer | None = self.query_one(RecordList).row
        if row is None:
            raise Refused("There is no device here yet.", "Set the exchange up first: g y, then +.")
        return row.line

    def action_retire(self) -> None:
        """Say that the device under the cursor is no longer used."""
        self.start(self._retire, group="act")

    async def _retire(self) -> None:
        self.runner.free()
        line = self._chosen()
        consequence = ("What it wrote stays and counts. It gets no key of later packs; this is final. If it may be in"
                       " other hands, report it lost instead.")  # fmt: skip
        if await self.app.push_screen_wait(Confirm(f"Retire {line.name}?", consequence, label="retire")):
            await self.desk.write(exchanging.retire, line.device)
            self.app.notify(f"{line.name} is retired. Exchange with every carrier, so that all devices know.")

    def action_report_lost(self) -> None:
        """Cut the device under the cursor off."""
        self.start(self._lost, group="act")

    async def _lost(self) -> None:
        self.runner.free()
        line = self._chosen()
        consequence = ("Its packs that are here stay. What it writes from now on is kept apart and not shown, and the"
                       " other devices get a new key for packs. This is final.")  # fmt: skip
        if await self.app.push_screen_wait(Confirm(f"Report {line.name} lost?", consequence, label="cut it off")):
            await self.desk.write(exchanging.lost, line.device)
            self.app.notify(f"{line.name} is cut off. Exchange with every carrier now.", severity="warning")


def _asking(ws: Workspace, line: RemoteLine) -> list[tuple[Request, str]]:
    return exchanging.requests(ws, line)


def _owed(standing: Standing, now_ms: int) -> list[words.Said]:
    """What is still to be done after a device or a colleague left."""
    found: list[words.Said] = []
    for line in standing.devices:
        if line.status == "lost":
            found.append((f"{line.name} was reported lost. Whoever used it takes a new passphrase; what it held until"
                          " then may be in other hands.", "warn"))  # fmt: skip
    if standing.rotations:
        several = standing.rotations != 1
        found.append((f"Rotation owed: {standing.rotations} part{'s' if several else ''} of the record still"
                      f" {'have keys' if several else 'has a key'} that somebody knows who left. A new one is made"
                      " before anything more is written there.", "warn"))  # fmt: skip
    quiet = [line for line in standing.devices if line.status == "active" and not line.this and line.behind
             and now_ms - line.last_ms > UNSEEN_DAYS * _DAY_MS]  # fmt: skip
    for line in quiet[:2]:
        until, _ = words.step(line, now_ms)
        found.append((f"{line.name}: {until}, nothing heard for {UNSEEN_DAYS} days. It may still hold what its user may"
                      " not see any more.", "warn"))  # fmt: skip
    return found
