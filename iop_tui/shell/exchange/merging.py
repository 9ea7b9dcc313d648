"""Versions of a record side by side with what stood before. A person decides every difference, nothing is preset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from textual import on
from textual.containers import Vertical
from textual.widget import Widget

from iop_tui.clinical.records import conflicts, deciding
from iop_tui.clinical.records.api import RecordLine
from iop_tui.clinical.records.conflicts import Side
from iop_tui.clinical.records.deciding import BOTH, Decision, Part, Sheet
from iop_tui.clinical.sessions import settling
from iop_tui.kernel import declare
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.errors import DocumentInvalid, IopError, NotFound, Refused
from iop_tui.shell.exchange import words
from iop_tui.shell.exchange.anew import FieldAnew, TextAnew
from iop_tui.store.views.view import Changes
from iop_tui.ui.forms.draftpage import DraftPage
from iop_tui.ui.frame.bars import Lines, Toned
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.text.cellfit import wrap
from iop_tui.ui.text.diffview import DiffView
from iop_tui.vault.digest import sha256
from iop_tui.workspace import Workspace, exchanging, unsaved
from iop_tui.workspace.unsaved import KIND, Unsaved

MERGE = "merge"
"""Kind of what the journal keeps of a page that was left."""
PARTS_SHOWN, BELOW_SHOWN = 6, 4


@dataclass(frozen=True, slots=True)
class Begun:
    """A conflict as the page shows it, and what was decided so far. `why`: why this user may only look."""

    sheet: Sheet
    name: str
    devices: Mapping[bytes, str]
    now_ms: int
    decided: dict[str, Decision] = field(default_factory=dict)
    typed: dict[str, Any] = field(default_factory=dict)
    why: tuple[str, str] | None = None

    @property
    def record(self) -> bytes:
        """The record's id."""
        return self.sheet.conflict.line.id

    @property
    def leaves(self) -> str:
        """The versions this is about."""
        return " ".join(side.revision.hex() for side in self.sheet.conflict.sides)


# -- queries -------------------------------------------------------------------------------


def slot_of(record: bytes) -> bytes:
    """Where the journal keeps decisions about a record."""
    return sha256(b"merge", record)[:16]


def begun(ws: Workspace, record: bytes) -> Begun:
    """The versions of a record, with decisions that were not kept yet where they are about the same versions; opening
    is logged. Raises what `conflicts.conflict` raises.
    """
    found = conflicts.conflict(ws, record)
    row = ws.view.one("SELECT name FROM person WHERE id = ?", (found.line.person,))
    names = {item.device: item.name for item in exchanging.devices(ws)} if exchanging.ready(ws) else {}
    new = Begun(deciding.lay_out(found), str(row[0]) if row else "", names, ws.clock.now_ms(),
                why=_why_not(ws, found.line))  # fmt: skip
    kept = unsaved.kept(ws).get(slot_of(record))
    if kept is None or kept.fields.get("leaves") != new.leaves:
        return new
    return replace(new, decided=_restored(kept.fields.get("decided"), new.sheet), typed=_dict(kept.fields.get("typed")))


def _why_not(ws: Workspace, line: RecordLine) -> tuple[str, str] | None:
    return (settling.why_not if line.kind in settling.KINDS else conflicts.not_yours)(ws, line)


def resumed(ws: Workspace, slot: bytes) -> Begun:
    """The same, from the journal. Raises `NotFound`; where somebody decided meanwhile, what `begun` raises."""
    kept = unsaved.kept(ws).get(slot)
    if kept is None:
        raise NotFound
    try:
        return begun(ws, kept.record)
    except Refused:
        unsaved.give_up(ws, slot)  # decided elsewhere: nothing is left to go on with
        raise


def _dict(value: object) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}


def _restored(value: object, sheet: Sheet) -> dict[str, Decision]:
    keys = {part.key for part in sheet.parts}
    return {
        key: (str(decision[0]),) if isinstance(decision, list) else decision
        for key, decision in _dict(value).items()
        if key in keys
    }


def keep(ws: Workspace, begun: Begun) -> None:
    """Put what was decided into the journal."""
    fields: dict[str, object] = {KIND: MERGE, "leaves": begun.leaves, "decided": begun.decided, "typed": begun.typed}
    line = begun.sheet.conflict.line
    unsaved.keep(ws, slot_of(line.id), Unsaved(line.person, line.id, fields, ws.clock.now_ms()))


def finish(ws: Workspace, begun: Begun) -> Changes:
    """Write the version that was decided, with every version as its parent. Raises `Refused`, `DocumentInvalid`;
    for times and sessions what `settling.settle` raises.
    """
    chosen, edited = deciding.result(begun.sheet, begun.decided, begun.typed)
    line = begun.sheet.conflict.line
    write = None
    if line.kind in settling.KINDS:
        if why := settling.why_not(ws, line):
            raise Refused(*why)
        write = settling.settle
    changes = conflicts.merge(ws, begun.record, chosen, edited, write)
    unsaved.give_up(ws, slot_of(begun.record))
    return changes


# -- the page ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """A part and what was decided about it."""

    part: Part
    decision: Decision | None
    typed: bool


def _state(row: Row) -> Cell:
    if row.typed or isinstance(row.decision, tuple):
        return Cell("own words", "accent")
    if row.decision is None:
        return Cell("! open", "warn")
    return Cell("both", "accent") if row.decision == BOTH else Cell(f"version {int(row.decision) + 1}", "accent")


def _who(row: Row) -> Cell:
    one = row.part.one_sided
    if one is not None:
        return Cell(f"only {one + 1} changed it", "dim")
    return Cell("all changed it" if len(row.part.sides) > 2 else "both changed it", "dim")


COLUMNS: tuple[Column[Row], ...] = (
    Column("label", "What differs", lambda row: row.part.label, 24, weight=2),
    Column("state", "", _state, 10),
    Column("who", "", _who, 16, weight=1),
)


class Merge(DraftPage):
    """The differences above, the one under the cursor below, side by side."""

    heading = "Two versions"
    places = ("merge", "find", "list")
    DEFAULT_CSS = """
    Merge RecordList { margin-top: 1; height: 4; } Merge #below { margin: 1 0 0 0; }
    Merge .desk { height: 1fr; }
    Merge DiffView { margin: 1 1 0 1; height: auto; max-height: 60%; }
    """

    def __init__(self, ws: Workspace, begun: Begun) -> None:
        super().__init__()
        self._today = local_date(ws.clock.now_ms())
        self.begun = begun
        self._right = 1

    def content(self) -> Iterable[Widget]:
        """The list, the comparison, what stood before and what will stand."""
        yield RecordList(COLUMNS, key=lambda row: row.part.key, header=False)
        yield Vertical(DiffView(), Lines(id="below"), classes="desk")

    def on_mount(self) -> None:
        """The first difference."""
        super().on_mount()
        self.query_one(RecordList).focus()
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim what does not fit: other people's drafts are only looked at."""
        sides = len(self.begun.sheet.conflict.sides)
        if action == "take" and parameters:
            return int(str(parameters[0])) < sides
        if action == "other_version":
            return sides > 2
        if action in ("take_both", "write_anew", "reopen", "take_one_sided", "save"):
            return self.begun.why is None
        return True

    # -- showing ---------------------------------------------------------------------------------

    def _show(self) -> None:
        begun, line = self.begun, self.begun.sheet.conflict.line
        rows = [Row(part, begun.decided.get(part.key), part.key in begun.typed) for part in begun.sheet.parts]
        listing = self.query_one(RecordList)
        listing.styles.height = max(1, min(len(rows), PARTS_SHOWN))
        listing.set_rows(rows)
        open_ = sum(row.decision is None and not row.typed for row in rows)
        count = {2: "Two", 3: "Three"}.get(len(begun.sheet.conflict.sides), str(len(begun.sheet.conflict.sides)))
        day = f" of {line.service_date}" if line.service_date else ""
        left = f"{open_} to decide" if open_ else "all decided: F2 keeps"
        left = left if begun.why is None else "to read"
        self.retitle(f"{count} versions: {line.label}{day}", f"{begun.name}, {left}")
        self._compare()

    def _part(self) -> Part | None:
        row: Row | None = self.query_one(RecordList).row
        return row.part if row is not None else (self.begun.sheet.parts or (None,))[0]

    @on(RecordList.Highlighted)
    def _moved(self) -> None:
        self._compare()

    @on(RecordList.Opened)
    def _open(self) -> None:
        self.query_one(DiffView).focus()

    def _compare(self) -> None:
        part, sides = self._part(), self.begun.sheet.conflict.sides
        if part is None:
            return
        left, right = 0, min(self._right, len(sides) - 1)
        titles = (self._title(sides[left], left), self._title(sides[right], right))
        texts = (part.sides[left] or "(nothing)", part.sides[right] or "(nothing)")
        self.query_one(DiffView).show(titles, [(part.label, *texts)])
        self.query_one("#below", Lines).show(self._below(part))

    def _title(self, side: Side, number: int) -> str:
        where = f", {self.begun.devices[side.device]}" if side.device in self.begun.devices else ""
        return f"{number + 1}  {side.author_name}{where}, {words.moment(side.at_ms, self.begun.now_ms)}"

    def _below(self, part: Part) -> list[list[Toned]]:
        before = "(nothing)" if part.before == "" else part.before
        head = "Before both: " if part.before is not None else ""
        lines = self._wrapped(head, before or "The versions share no earlier one.", "dim")
        if part.key in self.begun.typed:
            return [*lines, *self._wrapped("Result: ", str(self.begun.typed[part.key]), "accent")]
        decision = self.begun.decided.get(part.key)
        if decision is not None:
            return [*lines, *self._wrapped("Result: ", deciding.text_of(part, decision) or "(nothing)", "accent")]
        keys = "1 or 2 takes one" + (", b keeps both" if part.joins else "") + ", e writes it anew"
        return [*lines, [(keys if self.begun.why is None else " ".join(self.begun.why), "warn")]]

    def _wrapped(self, head: str, text: str, tone: str) -> list[list[Toned]]:
        lines = wrap(head + text, max((self.size.width or 80) - 4, 20))
        if len(lines) > BELOW_SHOWN:
            lines = [*lines[: BELOW_SHOWN - 1], f"{lines[BELOW_SHOWN - 1]} .."]
        return [[(line, tone)] for line in lines]

    # -- deciding --------------------------------------------------------------------------------

    def action_take(self, side: int) -> None:
        """Decide for the words of one version."""
        self._decide(side)

    def action_take_both(self) -> None:
        """Keep both, one after the other."""
        part = self._part()
        if part is not None and not part.joins:
            self.app.notify(f"{part.label} holds one value: take one, or write it anew with e.", severity="warning")
        else:
            self._decide(BOTH)

    def action_reopen(self) -> None:
        """Undecided again."""
        self._decide(None)

    def _decide(self, decision: Decision | None) -> None:
        part = self._part()
        if part is None or self.begun.why is not None:
            self.app.notify(" ".join(self.begun.why or ()), severity="warning")
            return
        self.begun.typed.pop(part.key, None)
        self.begun.decided.pop(part.key, None)
        if decision is not None:
            self.begun.decided[part.key] = decision
        self._decided(onward=decision is not None)

    def _decided(self, *, onward: bool) -> None:
        self.touched()
        self._show()
        waiting = [part.key for part in self.begun.sheet.waiting({**self.begun.decided, **self.begun.typed})]
        if onward and waiting:
            keys = [part.key for part in self.begun.sheet.parts]
            self.query_one(RecordList).move_to(keys.index(waiting[0]))

    def action_take_one_sided(self) -> None:
        """Where only one version changed something, take the change."""
        sheet = self.begun.sheet
        found = deciding.one_sided(sheet, {**self.begun.decided, **self.begun.typed})
        if found:
            self.begun.decided.update(found)
            self._decided(onward=True)
        self.app.notify(f"{len(found)} taken that only one version changed." if found else "Both versions changed what"
                        " is still open.")  # fmt: skip

    def action_other_version(self) -> None:
        """Another version on the right."""
        self._right = self._right % (len(self.begun.sheet.conflict.sides) - 1) + 1
        self._compare()

    def action_write_anew(self) -> None:
        """One's own words."""
        self.start(self._write, group="act")

    async def _write(self) -> None:
        part = self._part()
        if part is None:
            return
        if part.field.info.widget is declare.Widget.HIDDEN:
            self.app.notify(f"{part.label} names somebody: take one of the versions.", severity="warning")
            return
        if deciding.is_text(self.begun.sheet.conflict, part.field):
            decision = self.begun.decided.get(part.key)
            start = deciding.text_of(part, decision if decision is not None else BOTH)
            text = await self.app.push_screen_wait(TextAnew(part.label, start))
            if text is not None:
                self._decide((text,))
            return
        value = await self.app.push_screen_wait(FieldAnew(part.field.info, self._today))
        if value is not None:
            self.begun.decided.pop(part.key, None)
            self.begun.typed[part.key] = value[0]
            self._decided(onward=True)

    async def leaving(self) -> None:
        """What was decided waits; Today says so."""
        await super().leaving()
        if (self.begun.decided or self.begun.typed) and not self._done:
            self.shell.told(None)

    # -- keeping ---------------------------------------------------------------------------------

    async def keep_draft(self) -> None:
        """What was decided, into the journal."""
        await self.desk.keep(keep, self.begun)

    def keep_now(self, subject: Any) -> None:
        """The same, at once."""
        keep(subject, self.begun)

    async def save_draft(self) -> bool:
        """Write the merged version."""
        if self.begun.why is not None:
            raise Refused(*self.begun.why)
        self._done = True  # what comes back as news is this page's own; a refusal takes it back
        try:
            await self.desk.write(finish, self.begun)
        except DocumentInvalid as error:
            raise Refused(error.message, "Write that field anew with e.") from None
        self.stored()
        self.app.notify("Merged. Both versions stay in the history of the record (h).")
        self.go("back")
        return True

    # -- news ------------------------------------------------------------------------------------

    def concerns(self, result: Any) -> bool:
        """Only what changed this record."""
        changes = getattr(result, "changes", result)
        return isinstance(changes, Changes) and self.begun.record in changes.records and not self._done

    def reload(self) -> None:
        """Another version came, or somebody decided."""
        self.start(self._again, group="show", exclusive=True)

    async def _again(self) -> None:
        try:
            fresh = await self.desk.keep(begun, self.begun.record)
        except IopError as error:
            self._done = True
            self.app.notify(f"Decided meanwhile. {error.message}", severity="warning")
            self.go("back")
            return
        if fresh.leaves != self.begun.leaves:
            self.begun = fresh
            self._show()
            self.app.notify("Another version came. Look again at what is to be decided.", severity="warning")
