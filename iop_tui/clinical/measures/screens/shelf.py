"""The questionnaires of the program: what can be given, whose wording it is, loading and removing the clinic's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual import on
from textual.widget import Widget

from iop_tui.clinical.measures import library
from iop_tui.clinical.measures.definition import Definition
from iop_tui.clinical.measures.reading import MOST_BYTES, broken
from iop_tui.kernel.errors import InputRejected
from iop_tui.kernel.paths import typed
from iop_tui.store.views.view import Changes
from iop_tui.ui.ask import AskLine
from iop_tui.ui.dialogs import Confirm
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.listpage import ListPage
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page
from iop_tui.ui.text.readview import HEADING, ReadView
from iop_tui.workspace import Workspace

ABOUT = (
    "A TOML or JSON file with the clinic's own texts or thresholds, for the whole program. One of the same id is"
    " replaced; what was given with it before keeps its wording."
)
NOT_OWN = "This one came with the program. A file of the clinic's with the same id replaces it: o."


@dataclass(frozen=True, slots=True)
class Line:
    """One questionnaire of the program; `own` where the clinic's file is in use."""

    id: str
    name: str
    definition: Definition | None
    own: library.Loaded | None


def lines(ws: Workspace) -> list[Line]:
    """Every questionnaire by name, the files that this program cannot read any more among them."""
    own = {each.id: each for each in library.loaded(ws)}
    found = [Line(each.id, each.name, each, own.get(each.id)) for each in library.instruments(ws).values()]
    known = {line.id for line in found}
    found += [Line(each.id, each.name, None, each) for each in own.values() if each.id not in known]
    return sorted(found, key=lambda line: line.name.casefold())


def load(ws: Workspace, path: str) -> tuple[str, Changes]:
    """Take a clinic's file into use; its name. Raises `InputRejected`."""
    place = typed(path)
    try:
        if not place.is_file():
            raise InputRejected("There is no such file.", "Check the path.")
        if place.stat().st_size > MOST_BYTES:
            raise broken(f"it is larger than {MOST_BYTES // 1024} KiB")
        data = place.read_bytes()
    except OSError:
        raise InputRejected("The file cannot be read.", "Check the path and the medium.") from None
    definition, changes = library.install(ws, data)
    return definition.name, changes


async def ask_and_load(page: Page) -> None:
    """Ask for a file and take it into use."""
    answer = await page.app.push_screen_wait(AskLine("Load a questionnaire", ABOUT, "File"))
    if answer is not None:
        name, _ = await page.desk.write(load, answer[1])
        page.app.notify(f"{name} is in use.")


def wording(line: Line) -> Cell:
    """Whether a form can show the questions, and whose words they are."""
    if line.definition is None:
        return Cell("cannot be read", "warn")
    if not line.definition.has_texts:
        return Cell("scoring only", "dim")
    return Cell("the clinic's" if line.own else "with the program")


COLUMNS: tuple[Column[Line], ...] = (
    Column("name", "Name", lambda row: row.name, 18, weight=1),
    Column("title", "", lambda row: Cell(row.definition.title if row.definition else "", "dim"), 20, weight=2,
           priority=1),
    Column("items", "Items", lambda row: str(len(row.definition.items)) if row.definition else "", 6, align="right"),
    Column("wording", "Wording", wording, 16),
    Column("loaded", "Loaded", lambda row: row.own.on.isoformat() if row.own and row.own.on else "", 11),
)  # fmt: skip


def sections(line: Line) -> list[tuple[str, str, str]]:
    """What a questionnaire is: licence, questions as they are asked, scores, what it watches for."""
    found = line.definition
    if found is None:
        return [("", line.name, HEADING), ("Problem", line.own.problem if line.own else "", "warn")]
    head = [
        ("", f"{found.name}  {found.title}".strip(), HEADING), ("Asked about", found.period, "text"),
        ("Licence", found.licence, "text"), ("Source", found.source, "dim"),
        ("Loaded by", line.own.by if line.own else "", "text"),
    ]  # fmt: skip
    asked = [(f"Question {item.id}", item.text or item.label or "not in the program", "text") for item in found.items]
    scores = [
        (score.name, f"{score.low:g} to {score.high:g}"
         + "".join(f", {band.name} from {band.lowest:g}" for band in score.bands), "text")
        for score in found.scores
    ]  # fmt: skip
    watched = [("Watches for", flag.message, "text") for flag in found.flags]
    changes = [("Change", f"{rule.rule}: {rule.source}", "dim") for rule in found.changes]
    return [*head, *asked, *scores, *watched, *changes]


class Shelf(ListPage):
    """Every questionnaire the program can give; below it what the one under the cursor asks and scores."""

    heading = "Questionnaires"
    places = ("shelf", "back", "list")
    DEFAULT_CSS = "Shelf RecordList { height: 2fr; margin-top: 1; } Shelf ReadView { height: 1fr; margin-top: 1; }"

    def content(self) -> Iterable[Widget]:
        """The list, below it the questionnaire."""
        yield RecordList(COLUMNS, key=lambda row: row.id)
        yield ReadView()

    async def fill(self) -> None:
        """All of them again."""
        found = await self.desk.read(lines)
        self.query_one(RecordList).set_rows(found)
        own = sum(line.own is not None for line in found)
        self.retitle(context=f"{len(found)}, {own} of the clinic's own")

    @on(RecordList.Highlighted)
    def _look(self, event: RecordList.Highlighted) -> None:
        self.query_one(ReadView).show((), sections(event.row))

    @on(RecordList.Opened)
    def _read(self, event: RecordList.Opened) -> None:
        event.stop()
        self.query_one(ReadView).focus()

    def action_load(self) -> None:
        """Load a questionnaire of the clinic's."""
        self.start(ask_and_load, self, group="act")

    def action_history(self) -> None:
        """What the clinic's file was before."""
        row: Line | None = self.query_one(RecordList).row
        if row is not None and row.own is not None:
            self.go("versions", row.own.record)
        elif row is not None:
            self.app.notify(NOT_OWN)

    def action_retire(self) -> None:
        """Use the clinic's file no longer."""
        row: Line | None = self.query_one(RecordList).row
        if row is not None and row.own is None:
            self.app.notify(NOT_OWN)
        elif row is not None:
            self.start(self._retire, row, group="act")

    async def _retire(self, line: Line) -> None:
        consequence = "What was given with it stays, with its wording. A questionnaire of the program's is back."
        if await self.app.push_screen_wait(Confirm(f"Use {line.name} no longer?", consequence, label="remove")):
            await self.desk.write(library.retire, line.id)
            self.app.notify("Removed.")
