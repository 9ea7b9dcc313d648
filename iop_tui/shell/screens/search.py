"""Search over everything this user may read: results by person, the words marked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual import on
from textual.widget import Widget
from textual.widgets import Input

from iop_tui.clinical.records import api as records
from iop_tui.kernel.text import clean
from iop_tui.ui.forms.fields import LineInput
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page

LIMIT = 200
LOG_SECONDS = 5.0
"""A query that goes on being typed is logged once per so many seconds, before its results are shown."""
_BEFORE = 16


@dataclass(frozen=True, slots=True)
class Result:
    """A hit as the list shows it; the name only on the first of a person."""

    hit: records.Hit
    name: str
    snippet: Cell


def grouped(hits: list[records.Hit]) -> list[Result]:
    """Hits by person, people in the order of their best hit."""
    order: dict[bytes, list[records.Hit]] = {}
    for hit in hits:
        order.setdefault(hit.person, []).append(hit)
    return [
        Result(hit, hit.person_name if place == 0 else "", marked(hit.snippet))
        for each in order.values()
        for place, hit in enumerate(each)
    ]


def marked(pieces: tuple[tuple[str, bool], ...]) -> Cell:
    """A snippet as one line with the ranges that matched, starting near the first match."""
    text, ranges = "", list[tuple[int, int]]()
    for piece, hit in pieces:
        shown = clean(piece).replace("\n", " ")
        if not text:
            shown = shown.lstrip()
        if hit:
            ranges.append((len(text), len(text) + len(shown)))
        text += shown
    text, ranges = _squeezed(text, ranges)
    cut = max(0, ranges[0][0] - _BEFORE) if ranges else 0
    if cut:
        text, ranges = ".." + text[cut:], [(start - cut + 2, end - cut + 2) for start, end in ranges]
    return Cell(text, "text", tuple(ranges))


def _squeezed(text: str, ranges: list[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    """Runs of blanks as one, as the list draws them; ranges follow."""
    out, places = "", [0] * (len(text) + 1)
    for at, character in enumerate(text):
        places[at] = len(out)
        if not (character == " " and out.endswith(" ")):
            out += character
    places[len(text)] = len(out)
    return out, [(places[start], places[end]) for start, end in ranges]


def _mark(hit: records.Hit) -> Cell:
    """Withdrawn or corrected: said before anybody opens it."""
    return Cell("! void", "danger") if hit.mark == records.VOID else Cell(hit.mark, "dim")


COLUMNS: tuple[Column[Result], ...] = (
    Column("name", "Who", lambda row: Cell(row.name, "strong"), 20),
    Column("date", "Date", lambda row: Cell(row.hit.service_date, "dim"), 10, priority=2),
    Column("what", "What", lambda row: Cell(row.hit.label, "dim"), 14, priority=1),
    Column("mark", "", lambda row: _mark(row.hit), 7),
    Column("text", "Text", lambda row: row.snippet, 40, weight=1),
)


class Search(Page):
    """One field; results while one types."""

    heading = "Search"
    places = ("results", "back", "list")
    DEFAULT_CSS = "Search #words { margin: 1 1; }"

    def __init__(self) -> None:
        super().__init__()
        self._words = ""
        self._logged_at = -LOG_SECONDS
        self._shown = ""
        self._asking = False
        self._entered_ahead = False

    def content(self) -> Iterable[Widget]:
        """Field and results."""
        field = LineInput(placeholder="Words to look for; the last one may be unfinished", id="words")
        self.give_keys(field, "search")
        yield field
        yield RecordList(COLUMNS, key=lambda row: row.hit.id, empty="Type a word. Only what you may read is searched.")

    @property
    def results(self) -> RecordList[Result]:
        """The list."""
        return self.query_one(RecordList)

    def on_mount(self) -> None:
        """Type at once."""
        super().on_mount()
        self.query_one("#words").focus()

    def look_for(self, words: str) -> None:
        """Search words that were typed elsewhere."""
        self.query_one("#words", LineInput).value = words

    @on(Input.Changed, "#words")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self._words:
            self._words, self._asking = event.value, bool(event.value.strip())
            self.start(self._search, event.value, group="search", exclusive=True)

    async def _search(self, words: str) -> None:
        if not words.strip():
            self.results.empty = "Type a word. Only what you may read is searched."
            self.results.set_rows((), top=True)
            self.retitle(context="")
            return
        await self._log()
        hits = await self.desk.read(records.search, words, limit=LIMIT)
        if words == self._words:
            self._shown = words
            self.results.empty = "Nothing you may read has these words."
            self.results.set_rows(grouped(hits), top=True)
            people = len({hit.person for hit in hits})
            more = "at least " if len(hits) == LIMIT else ""
            self.retitle(
                context=f"{more}{len(hits)} in {people} {'chart' if people == 1 else 'charts'}"
                if hits
                else "nothing found"
            )

    async def _log(self) -> None:
        now = self.desk.subject.clock.monotonic()
        if now - self._logged_at >= LOG_SECONDS:
            self._logged_at = now
            await self.desk.keep(records.log_search)

    def reload(self) -> None:
        """The same words again."""
        if self._words.strip():
            self.start(self._search, self._words, group="search", exclusive=True)

    @on(Input.Submitted, "#words")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        if not self._asking:
            self._to_results()
        elif not self._entered_ahead:
            self._entered_ahead = True
            self.shell.hold()

    def _to_results(self) -> None:
        """To the results, which are those of the words."""
        if self.results.count:
            self.results.focus()

    def on_record_list_loaded(self, event: RecordList.Loaded) -> None:
        """The results are there."""
        event.stop()
        if self._shown == self._words and event.record_list.up_to_date:
            self._asking = False
            if self._entered_ahead:
                self._entered_ahead = False
                self.shell.release()
                self._to_results()

    def on_record_list_opened(self, event: RecordList.Opened) -> None:
        """Read the record, or open the chart of a person."""
        hit = event.row.hit
        if hit.kind == "person":
            self.go("chart", hit.person)
        else:
            self.go("record", hit.id)

    def action_to_list(self) -> None:
        """To the results."""
        self.results.focus()

    def action_to_field(self) -> None:
        """Back to the words."""
        self.query_one("#words").focus()
