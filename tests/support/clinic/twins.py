"""Two copies of one vault in which the same happens, but for what one clinician keeps alone about Ana.

`Twins.compare` holds them against each other as everybody else sees them. A run that goes on is one more pair of runs
at every step, so that pairs are cheap: a view of which nothing but the counter of what was read in has changed is
the view that was compared before.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.compliance import service as compliance
from iop_tui.clinical.couples import chart as columns
from iop_tui.clinical.couples import entries, passing
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.couples.model import HELD_NOTE, HeldNote, SafetyConcern
from iop_tui.clinical.joint import service as joint
from iop_tui.clinical.joint.model import RECOVERY_DAY, RecoveryDay
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.private import COUNSELING_NOTE, PSYCHOTHERAPY_NOTE, CounselingNote, PsychotherapyNote
from iop_tui.clinical.people import service as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.requests import api as requests
from iop_tui.clinical.safety.model import VIOLENCE_SCREEN, ViolenceScreen
from iop_tui.clinical.sessions import desk
from iop_tui.clinical.sessions import service as sessions
from iop_tui.clinical.sessions.model import Appointment, Session
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.wizards import service as guides
from iop_tui.interchange.fhirout.export import person_export
from iop_tui.kernel.errors import IopError
from iop_tui.kernel.ids import show_id
from iop_tui.kernel.rng import SeededRng
from iop_tui.workspace import Workspace
from tests.support.clinic.couples import Pair, copied, hold_session, pair_of
from tests.support.clinic.program import beside
from tests.support.clinic.vaults import Program, note, refresh, today

STAFF = ("nadia", "tom", "cleo", "sol", "fay", "bill", "abe", "uma")
LEAVES_A_TRACE = ("audit", "Ben's copy")
"""Reports and refused requests stand in the log themselves: they are asked for in both worlds alike."""
WORDS = ("PRIVATE", "week", "safety", "screen", "held")


class World:
    """One of the two: an open vault with everybody's workspace on it, each with randomness of its own."""

    def __init__(self, base: Program, to: Path) -> None:
        self.made = copied(base, to)
        self.root = self.made.unlock("nadia")
        self.root.session.rng = SeededRng(99)
        self.pair = pair_of(self.made, self.root)
        self._all: dict[str, Workspace] = {"nadia": self.root}
        self._at: dict[str, tuple[int, int]] = {}
        for name in STAFF[1:]:
            member = self.made.users[name]
            found = self._all[name] = beside(self.root, member.secrets, member.user)
            found.session.rng = SeededRng(100 + STAFF.index(name))
        for name in STAFF:
            self.ws(name)

    def ws(self, name: str) -> Workspace:
        """Somebody's workspace, caught up, with what their program owes, the passphrase just given.

        What is owed depends on the view (the clock stands still here): where nothing new is in it, nothing is.
        """
        found = self._all[name]
        if self._at.get(name) != self.at:
            changes = found.session.catch_up()
            if changes.records or changes.access or name not in self._at:
                refresh(found)
            self._at[name] = self.at
        found._fresh_at = found.clock.monotonic()
        return found

    @property
    def at(self) -> tuple[int, int]:
        """How many records and acts there are."""
        position = self.root.session.db.position
        return position.revisions, position.acts

    def close(self) -> None:
        """Close everything."""
        for name in STAFF[1:]:
            self._all[name].close()
        self.root.close()

    def view_files(self) -> dict[str, int]:
        """Bytes of everybody's view on disk; names are the same in both, since both are copies."""
        names = {name: ws.view.path for name, ws in self._all.items()}
        return {name: path.stat().st_size for name, path in names.items()}


# -- what happens in both ------------------------------------------------------------------


def _session(world: World, number: int) -> None:
    hold_session(world.ws("cleo"), world.pair, f"[J] Week {number}.\n[A>] Kept it.\n[B>] Heard it.")


def _day(world: World, number: int) -> None:
    cleo = world.ws("cleo")
    day = RecoveryDay(day=today(cleo) - timedelta(days=number), kept=("daily statement",))
    entries.save(cleo, world.pair.id, RECOVERY_DAY, day)


def _side(world: World, number: int) -> tuple[Workspace, bytes]:
    return (world.ws("nadia"), world.pair.a) if number % 2 else (world.ws("tom"), world.pair.b)


def _progress(world: World, number: int) -> None:
    ws, person = _side(world, number)
    saved = notes.save(ws, person, note(today(ws) - timedelta(days=number), f"Spoke about week {number}."))
    notes.sign(ws, [saved.record])


def _screened(world: World, number: int) -> None:
    ws, person = _side(world, number)
    passing.tell_screened(ws, person, today(ws))


def _read(world: World, number: int) -> None:
    ws, person = _side(world, number)
    lines = records.timeline(ws, person, kinds=("progress_note",))
    if lines:
        records.read(ws, lines[number % len(lines)].id)


def _planned(world: World, number: int) -> None:
    """A clinician's session and a joint time that the front desk plans."""
    ws, person = _side(world, number)
    day = today(ws) + timedelta(days=number)
    sessions.schedule(ws, person, Session(date=day, start=time(9), stop=time(9, 50)))
    fay, cleo = world.ws("fay"), show_id(world.made.users["cleo"].user)
    for partner in (world.pair.a, world.pair.b):
        desk.plan(fay, partner, Appointment(clinician=cleo, date=day, start=time(13), stop=time(13, 50)))


def _schedule(ws: Workspace) -> Any:
    first, last = today(ws) - timedelta(days=40), today(ws) + timedelta(days=40)
    return desk.appointments(ws, first, last), sessions.sessions(ws, first, last)


SHARED: tuple[Callable[[World, int], None], ...] = (_session, _day, _progress, _screened, _read, _planned)


# -- what only one clinician knows of ------------------------------------------------------

Act = Callable[[Workspace, Pair, str, int], None]


def _screen(ws: Workspace, pair: Pair, words: str, number: int) -> None:
    screen = ViolenceScreen(asked=today(ws), alone=True, hits=18, findings=words, danger_assessment="high",
                            action="advocacy")  # fmt: skip
    signing.save(ws, pair.a, VIOLENCE_SCREEN, screen)


def _guide(ws: Workspace, pair: Pair, words: str, number: int) -> None:
    sitting = guides.begin(ws, "violence", pair.a)
    if sitting.step is not None and sitting.step.id == "alone":
        guides.answer(ws, sitting, {"asked": today(ws).isoformat(), "alone": True, "code_word": words[:20]})


def _held(ws: Workspace, pair: Pair, words: str, number: int) -> None:
    held = HeldNote(heard=today(ws), category="a surprise", text=words, urged=True)
    record = entries.save(ws, pair.a, HELD_NOTE, held).record
    if number % 2:
        charting.sign(ws, [record])
        records.read(ws, record)


def _concern(ws: Workspace, pair: Pair, words: str, number: int) -> None:
    passing.concern(ws, pair.a, SafetyConcern(noticed=today(ws), alone=True, text=words))


def _alone(ws: Workspace, pair: Pair, words: str, number: int) -> None:
    signing.save(ws, pair.a, PSYCHOTHERAPY_NOTE, PsychotherapyNote(written_on=today(ws), session="s", text=words))


def _counseling(ws: Workspace, pair: Pair, words: str, number: int) -> None:
    signing.save(ws, pair.a, COUNSELING_NOTE, CounselingNote(written_on=today(ws), session="s", text=words))


def _draft(ws: Workspace, pair: Pair, words: str, number: int) -> None:
    notes.save(ws, pair.a, note(today(ws) - timedelta(days=number), words))


def _signed(ws: Workspace, pair: Pair, words: str, number: int) -> None:
    saved = notes.save(ws, pair.a, note(today(ws) - timedelta(days=number), words))
    notes.sign(ws, [saved.record])


EXISTS: dict[str, tuple[Act, ...]] = {
    "nadia": (_screen, _guide), "cleo": (_held, _concern), "sol": (_screen, _guide),
}  # fmt: skip
"""What nobody else may know to exist (program rule CR-3): it happens in one of the two only."""
SAYS: dict[str, tuple[Act, ...]] = {
    "nadia": (_alone, _draft, _signed, _screen), "cleo": (_held,), "sol": (_counseling, _screen),
}  # fmt: skip
"""What others may know to exist, and nobody else knows the words of: it happens in both, with different words."""
KEEPERS = {"nadia": ("nadia",), "cleo": ("cleo", "nadia", "sol"), "sol": ("sol",)}
"""Who may notice: the author, and for a sealed concern the clinicians it is sealed to."""


# -- what anybody can see ------------------------------------------------------------------


def attempt(call: Callable[..., Any], *args: Any) -> Any:
    """What a call gives, or how it is refused."""
    try:
        return call(*args)
    except IopError as error:
        return (type(error).__name__, error.message)


def _request(ws: Workspace, person: bytes) -> list[tuple[str, bytes]]:
    asked = requests.RecordRequest(requester="the person", asked_on=today(ws), verified="in person", channel="post",
                                   safety_talk=True)  # fmt: skip
    return requests.prepare(ws, person, asked).files


def _export(ws: Workspace, person: bytes) -> dict[str, bytes]:
    return person_export(ws, person, "a copy").files


def _audit(ws: Workspace) -> list[Any]:
    return [dataclasses.replace(line, seq=0) for line in compliance.audit_report(ws)]


def _timeline(subject: bytes, ws: Workspace) -> Any:
    return records.timeline(ws, subject), records.timeline_count(ws, subject)


def _header(subject: bytes, ws: Workspace) -> Any:
    return attempt(people.header, ws, subject), guides.guides(ws, subject)


def looks(world: World, *, reports: bool) -> list[tuple[str, Callable[[Workspace], Any]]]:
    """Every screen, list, search, calendar, report and copy, by name."""
    pair, other = world.pair, world.made.people["max"]
    found: list[tuple[str, Callable[[Workspace], Any]]] = [
        ("caseload", people.caseload), ("couples", couples.couples), ("schedule", _schedule),
        ("couple chart", lambda ws: attempt(columns.columns, ws, pair.id)),
        ("due", lambda ws: attempt(joint.owed, ws, pair.id)),
        ("search", lambda ws: [records.search(ws, word) for word in WORDS]),
        ("Ben's copy", lambda ws: attempt(_request, ws, pair.b)),
        ("Ben's export", lambda ws: attempt(_export, ws, pair.b)),
    ]  # fmt: skip
    for name, subject in (("Ana", pair.a), ("Ben", pair.b), ("the couple", pair.id), ("Max", other)):
        found.append((f"timeline of {name}", partial(_timeline, subject)))
        found.append((f"header of {name}", partial(_header, subject)))
    return [*found, ("audit", _audit)] if reports else found


@dataclass
class Seen:
    """How a user's view was when it was last looked through, and how many rows there were."""

    at: tuple[int, int] = (0, 0)
    changes: int = -1
    counters: dict[str, Any] = field(default_factory=dict)
    dump: dict[str, Any] = field(default_factory=dict)

    def look(self, ws: Workspace, at: tuple[int, int]) -> bool:
        """Look again; whether anything but counters of the log changed."""
        if at == self.at:
            return False
        self.at = at
        changes, counters = ws.view._writing.total_changes, dict(ws.view.rows("SELECT key, value FROM meta"))
        moved = sum(self.counters.get(key) != value for key, value in counters.items())
        only_counters = changes - self.changes == moved
        self.changes, self.counters = changes, counters
        if only_counters:
            return False
        self.dump = whole_view(ws)
        return True


def whole_view(ws: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    """Every decrypted row of a view, but for its counters and the index over `searchtext`."""
    tables = ws.view.rows(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'meta' AND name NOT LIKE 'sqlite%'"
        " AND (name = 'searchtext' OR name NOT LIKE 'search%') ORDER BY name"
    )
    return {name: ws.view.rows(f"SELECT * FROM {name}") for (name,) in tables}


@dataclass
class Rows:
    """Sealed rows of a vault and their sizes."""

    last: int = 0
    rows: list[tuple[bytes, bytes, int]] = field(default_factory=list)

    def of(self, ws: Workspace) -> list[tuple[bytes, int]]:
        """Those that a user has keys for."""
        query = "SELECT seq, id, compartment, length(sealed) FROM revision WHERE seq > ?"
        fresh = ws.session.db.read(query, (self.last,))
        self.rows += [(bytes(row[1]), bytes(row[2]), row[3]) for row in fresh]
        self.last = max([self.last, *(row[0] for row in fresh)])
        own = {row[0] for row in ws.view.rows("SELECT DISTINCT compartment FROM keyring")}
        return [(row[0], row[2]) for row in self.rows if row[1] in own]


def _spelled(value: Any) -> str:
    """A value as text, with every byte as hexadecimal digits."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        value = list(value.items())
    elif isinstance(value, msgspec.Struct):
        value = (type(value).__name__, *(getattr(value, name) for name in value.__struct_fields__))
    elif dataclasses.is_dataclass(value):
        value = (type(value).__name__, *(getattr(value, item.name) for item in dataclasses.fields(value)))
    if isinstance(value, list | tuple | set | frozenset):
        return f"[{', '.join(map(_spelled, value))}]"
    return repr(value)


def _named(text: str, world: World) -> str:
    """A text with the id of every version replaced by its record's and its place among that record's versions."""
    counts: dict[bytes, int] = {}
    for identifier, record in world.root.session.db.read("SELECT id, record FROM revision ORDER BY seq"):
        counts[record] = counts.get(record, 0) + 1
        name = f"{bytes(record).hex()}#{counts[record]}"
        text = text.replace(bytes(identifier).hex(), name).replace(show_id(bytes(identifier)), name)
    return text


@dataclass
class Twins:
    """Both worlds, the clinician who keeps something, and what was compared."""

    worlds: tuple[World, World]
    author: str
    label: str = ""
    turn: int = 0
    seen: dict[tuple[int, str], Seen] = field(default_factory=dict)
    rows: tuple[Rows, Rows] = field(default_factory=lambda: (Rows(), Rows()))
    kept: int = 0
    shown: dict[tuple[str, str, tuple[int, int]], Any] = field(default_factory=dict)

    @property
    def others(self) -> tuple[str, ...]:
        """Who may not notice."""
        return tuple(name for name in STAFF if name not in KEEPERS[self.author])

    def keep(self, which: int, number: int, size: int) -> None:
        """The author keeps something: in the second world only, or in both with different words."""
        exists, says = EXISTS[self.author], SAYS[self.author]
        choices = [*((act, True) for act in exists), *((act, False) for act in says)]
        act, alone = choices[which % len(choices)]
        for index, world in enumerate(self.worlds):
            ws = world.ws(self.author)  # whatever they do, their program runs
            if index or not alone:
                words = f"{('ANOTHER', 'PRIVATE')[index]} {number} " + "word " * size
                self._keep(act, ws, world.pair, words, number)
        self.kept += 1

    def _keep(self, act: Act, ws: Workspace, pair: Pair, words: str, number: int) -> None:
        """With randomness of its own: the stream of what happens in both is not touched."""
        shared, ws.session.rng = ws.session.rng, SeededRng(10_000 + self.kept)
        try:
            act(ws, pair, words, number)
        finally:
            ws.session.rng = shared

    def both(self, which: int, number: int) -> None:
        """Something happens in both."""
        for world in self.worlds:
            SHARED[which % len(SHARED)](world, number)

    def compare(self, *, whole: bool, everyone: bool = True) -> None:
        """Everybody else's view, rows and their sizes, pages; of screens and copies all (`whole`), or one in turn.

        Without `everyone`, half of them at a time: what a view once took in is still there the next time.
        """
        for name in self.others if whole or everyone else self.others[self.kept % 2 :: 2]:
            pair = [world.ws(name) for world in self.worlds]
            looked = [
                self.seen.setdefault((n, name), Seen()).look(ws, world.at)
                for n, (ws, world) in enumerate(zip(pair, self.worlds, strict=True))
            ]
            if any(looked):
                self._same_views(name)
                sizes = [rows.of(ws) for rows, ws in zip(self.rows, pair, strict=True)]
                self._same(sizes, (name, "rows or their sizes"))
            pages = [ws.view.rows("PRAGMA page_count") for ws in pair]
            assert pages[0] == pages[1], f"{name}: the views' sizes differ"
        everything = looks(self.worlds[0], reports=whole), looks(self.worlds[1], reports=whole)
        count = len(everything[0])
        chosen = [(n, at) for n in self.others for at in range(count)] if whole else [self._next(count)]
        for name, at in chosen:
            for world in self.worlds:
                world.ws(name)
            shown = [self._shown(world, name, *all_[at]) for all_, world in zip(everything, self.worlds, strict=True)]
            self._same(shown, (name, everything[0][at][0]))

    def _shown(self, world: World, name: str, what: str, look: Callable[[Workspace], Any]) -> Any:
        """What a user gets; in the first world, where less happens, what they got before if nothing happened since."""
        key = (name, what, world.at)
        if world is not self.worlds[0] or what in LEAVES_A_TRACE:
            return look(world._all[name])
        if key not in self.shown:
            self.shown[key] = look(world._all[name])
        return self.shown[key]

    def _next(self, count: int) -> tuple[str, int]:
        self.turn += 1
        return self.others[self.turn % len(self.others)], self.turn // len(self.others) % count

    def _same_views(self, name: str) -> None:
        first, second = (self.seen[(n, name)].dump for n in (0, 1))
        assert first.keys() == second.keys()
        for table in first:
            self._same([first[table], second[table]], (name, table), ordered=False)

    def _same(self, both: list[Any], what: tuple[str, str], *, ordered: bool = True) -> None:
        """Both equal, but for the ids of versions with different words: those are random by their first 16 bytes."""
        if both[0] != both[1]:
            texts = ("\n".join(map(_spelled, found if isinstance(found, list) else [found])) for found in both)
            first, second = (_named(text, world).split("\n") for text, world in zip(texts, self.worlds, strict=True))
            same = first == second if ordered else sorted(first) == sorted(second)
            assert same, (self.label, self.kept, *what)

    def noticed(self) -> bool:
        """Whether the author's own view differs: otherwise nothing was compared."""
        first, second = (whole_view(world.ws(self.author)) for world in self.worlds)
        return first != second


@contextmanager
def twins(base: Program, folder: Path, author: str, label: str = "") -> Iterator[Twins]:
    """Two worlds from one closed vault; at the end everybody else's view files have one size."""
    worlds = (World(base, folder / "without"), World(base, folder / "with"))
    found = Twins(worlds, author, label)
    try:
        found.compare(whole=False)
        yield found
    finally:
        for world in worlds:
            world.close()
    sizes = [world.view_files() for world in worlds]
    assert {name: sizes[0][name] for name in found.others} == {name: sizes[1][name] for name in found.others}
    shutil.rmtree(folder)
