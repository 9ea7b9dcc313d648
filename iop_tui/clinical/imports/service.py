"""Writing foreign records into the vault: each into the compartment it belongs to, as a member or as a deposit.

One transaction per file (people of all files first, in the transactions of their files). The same record again
changes nothing. A newer version of a known record becomes a new revision where this user can read the known one;
otherwise it is deposited as a record of its own and flagged, so that nothing is lost. What belongs to a part of the
chart that no clinician opened yet waits in the intake compartment and goes on by itself (`access.settle`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from itertools import islice
from typing import Any

import msgspec

from iop_tui.access import charts, roles, settle
from iop_tui.access.charts import ChartMap
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import program_compartment, put
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.imports.fingerprints import Fingerprints
from iop_tui.clinical.imports.model import Counts, Item, Refusal, RowLine
from iop_tui.clinical.people import api as people
from iop_tui.clinical.people.api import PERSON, Person
from iop_tui.clinical.sessions.api import CALENDAR_LINE
from iop_tui.kernel.declare import Document, DocumentType
from iop_tui.kernel.errors import DocumentInvalid, NoKey, NotFound, RoleRefused
from iop_tui.kernel.ids import TEXT_LENGTH, parse_id, show_id
from iop_tui.store.session import NOBODY
from iop_tui.workspace import Workspace

IMPORTERS = frozenset({roles.FRONT_DESK, roles.ADMINISTRATOR, roles.MEDICAL_DIRECTOR})
BATCH = 2000
LOOK_AHEAD = 250
SOURCE = "received"
LISTS = ("client list", "vCard")
_NOT_KNOWN = "Its person is in none of these files and not known here."
_NOT_CLEAR = "Several people are known under the name its source uses."
_REFUSED = "Its person was refused."
_PRIVATE = (
    "It is marked as a psychotherapy note (45 CFR 164.501). Its reader first records the person's authorization to"
    " receive it."
)
_ALIKE = "somebody of this name and birth date is here already: perhaps the same person"
_OWN = "It was exported from this vault; whoever may read it can say whether it is still there."
_CALENDAR = "A calendar's lines wait for the clinician whose calendar it is, and lie nowhere else."


def check_role(ws: Workspace) -> None:
    """Raise `RoleRefused` unless this user may import."""
    if not IMPORTERS & set(ws.user.roles):
        raise RoleRefused(
            "Importing is done by the front desk, an administrator or the medical director.", "Ask one of them."
        )


def import_items(
    ws: Workspace,
    items: Iterable[Item],
    *,
    dry_run: bool = False,
    person: bytes | None = None,
    progress: Callable[[int], None] | None = None,
) -> Counts:
    """Take everything a reader hands over; what names nobody is `person`'s where one is given.

    Raises `RoleRefused`, `NoKey` where there is no intake, `NotFound` for a person this user does not know of.
    """
    check_role(ws)
    taking, source, number = _Taking(ws, dry_run=dry_run, whose=_known(ws, person)), iter(items), 0
    while some := list(islice(source, LOOK_AHEAD)):
        taking.look_up(some)
        for item in some:
            taking.take(item)
        number += len(some)
        if progress is not None:
            progress(number)
    taking.commit()
    return taking.counts


def _known(ws: Workspace, person: bytes | None) -> bytes:
    if person is None:
        return NOBODY
    if ws.view.one("SELECT 1 FROM record WHERE person = ? LIMIT 1", (person,)) is None:
        raise NotFound
    return person


class _Taking:
    """One run of an import."""

    def __init__(self, ws: Workspace, *, dry_run: bool, whose: bytes = NOBODY) -> None:
        self.counts = Counts()
        self._ws = ws
        self._whose = whose
        self._dry_run = dry_run
        self._prints = Fingerprints(ws.session)
        self._intake = program_compartment(ws.session, Kind.INTAKE)
        self._work = ws.work()
        self._file = ""
        self._people: dict[str, bytes | None] = {}
        self._charts: dict[bytes, ChartMap | None] = {}
        self._targets: dict[tuple[bytes, str], bytes] = {}
        self._makers: dict[bytes, bytes] = {}
        self._touched: dict[tuple[bytes, str], int] = {}
        self._check_intake()

    def _check_intake(self) -> None:
        session = self._ws.session
        if not session.holds(self._intake):
            session.public_key(self._intake, kind=Kind.INTAKE)

    def look_up(self, items: list[Item]) -> None:
        """Ask the vault in one question which of these records it knows."""
        wanted = [("item", *item.fingerprint_parts) for item in items]
        self._prints.look_up([*wanted, *(("identity", *item.identity) for item in items)])

    # -- transactions ----------------------------------------------------------------------

    def take(self, item: Item) -> None:
        """Store one record, or say why not."""
        if item.file != self._file or len(self._work.revisions) >= BATCH:
            self.commit()
            self._file = item.file
        before = (self.counts.created, self.counts.matched, self.counts.unchanged)
        try:
            if item.kind == CALENDAR_LINE.kind:
                self._refuse(item, _CALENDAR)  # `calendars.import_run` sets these aside
            elif item.vault and item.vault == show_id(self._ws.realm):
                self._meet_again(item)
            elif item.kind == PERSON.kind:
                self._take_person(item)
            else:
                self._take_record(item)
        except DocumentInvalid as error:
            self._refuse(item, f"{error.message}{' (' + error.place + ')' if error.place else ''}")
        if item.kind == PERSON.kind and item.source_type in LISTS:
            self._tell_row(item, before)

    def _tell_row(self, item: Item, before: tuple[int, int, int]) -> None:
        after = (self.counts.created, self.counts.matched, self.counts.unchanged)
        for name, old, new in zip(("created", "matched", "unchanged"), before, after, strict=True):
            if new > old:
                remarks = (*item.flags, *([_ALIKE] if name == "created" and self._alike(item) else []))
                self.counts.flagged += bool(remarks) and not item.flags
                self.counts.rows.append(RowLine(item.file, item.place, name, remarks))

    def _alike(self, item: Item) -> bool:
        """Whether somebody of the same name and birth date was here before: two entries, for a person to look at."""
        document = PERSON.parse(item.fields)
        if document.birth_date is None:
            return False
        line = PERSON.person_line(document) if PERSON.person_line else None
        return line is not None and self._ws.view.one(
            "SELECT 1 FROM person WHERE sort_key = ? AND birth_date = ? LIMIT 1",
            (line.sort_key, document.birth_date.isoformat()),
        ) is not None

    def commit(self) -> None:
        """Write what was gathered."""
        work, self._work = self._work, self._ws.work()
        for (person, kind), count in self._touched.items():
            self._ws.session.note(work, "import", person=person, category=kind, detail=f"{count} records")
        self._touched.clear()
        if work.events and not self._dry_run:
            self._ws.commit(work)
            self._targets.clear()

    def _refuse(self, item: Item, reason: str) -> None:
        self.counts.rejected.append(Refusal(item.file, item.place, reason))
        if item.kind == PERSON.kind and item.person_key is not None:
            self._people[item.person_key] = None

    def _meet_again(self, item: Item) -> None:
        """What this very vault exported is here already, as far as this user can see it."""
        try:
            known = parse_id(item.source_id[:TEXT_LENGTH])
        except NotFound:
            known = b""
        there = self._ws.view.one(
            "SELECT 1 FROM record WHERE record = ?1 OR person = ?1 UNION SELECT 1 FROM card WHERE user = ?1", (known,)
        )
        if there is not None:
            self.counts.unchanged += 1
            if item.kind == PERSON.kind and item.person_key is not None:
                self._people[item.person_key] = known
        else:
            self._refuse(item, _OWN)

    # -- people ----------------------------------------------------------------------------

    def _take_person(self, item: Item) -> None:
        document = PERSON.parse(item.fields)
        key = item.person_key or ""
        names = _person_prints(item, document)
        known = self._prints.first(names)
        seen = self._prints.find("item", *item.fingerprint_parts) is not None
        if known is None:
            known = self._register(item, document)
            self._count(item, known, Kind.DIR, created=True)
        elif seen:
            self.counts.unchanged += 1
        else:
            self._update(item, known, document)
        self._people[key] = known
        self._remember_key(key, known)
        for parts in (*names, ("item", *item.fingerprint_parts)):
            self._prints.add(self._work, known, *parts)

    def _remember_key(self, key: str, person: bytes) -> None:
        """A bare key serves records whose person is not among the files, as long as it means one person."""
        before = self._prints.find("key", key)
        if before is not None and before != person:
            self._prints.add(self._work, person, "key twice", key)
        self._prints.add(self._work, person, "key", key)

    def _register(self, item: Item, document: Person) -> bytes:
        person, chart = people.add_person(self._ws, self._work, document, received=item.raw, source=SOURCE)
        self._charts[person] = chart
        return person

    def _update(self, item: Item, person: bytes, document: Person) -> None:
        """A newer entry of a known person: what was received overlays what is known, the rest stays."""
        row = self._ws.view.one(
            "SELECT r.record, r.leaf, r.compartment, r.doc, r.version FROM person p"
            " JOIN record r ON r.record = p.record WHERE p.id = ?",
            (person,),
        )
        if row is None or not self._ws.session.holds(row[2]):
            self._keep_person(item, person)
            return
        before = PERSON.decode(row[3], row[4])
        merged = _overlay(before, document)
        put(
            self._ws.session, self._work, row[2], PERSON, merged, person=person, record=row[0], parents=(row[1],),
            source=SOURCE, received=item.raw,
        )  # fmt: skip
        self._count(item, person, Kind.DIR, created=False)

    def _keep_person(self, item: Item, person: bytes) -> None:
        """An entry this user cannot read is not changed unseen: the newer one waits beside it, verbatim."""
        kind = self._ws.registry.need("received")
        document = kind.parse({"resource_type": "Patient", "text": "Newer entry of this person"})
        put(
            self._ws.session, self._work, self._target(person, Kind.DIR), kind, document, person=person,
            source=f"{SOURCE}:{Kind.DIR}", received=item.raw,
        )  # fmt: skip
        self._count(item, person, Kind.DIR, created=False, flagged=True)

    # -- records ---------------------------------------------------------------------------

    def _take_record(self, item: Item) -> None:
        if self._prints.find("item", *item.fingerprint_parts) is not None:
            self.counts.unchanged += 1
            return
        person = self._person_of(item)
        if person is None:
            return
        kind = self._ws.registry.need(item.kind)
        document = kind.parse(item.fields)
        target = self._target(person, item.compartment)
        before = self._prints.find("identity", *item.identity)
        record = self._write(item, kind, document, person, target, before)
        self._prints.add(self._work, record, "item", *item.fingerprint_parts)
        self._prints.add(self._work, record, "identity", *item.identity)

    def _write(
        self,
        item: Item,
        kind: DocumentType[Any],
        document: Document,
        person: bytes,
        target: bytes,
        before: bytes | None,
    ) -> bytes:
        leaf = self._readable_leaf(before, target, kind.kind) if before is not None else None
        record, _ = put(
            self._ws.session, self._work, target, kind, document, person=person,
            record=before if leaf else None, parents=(leaf,) if leaf else (),
            source=f"{SOURCE}:{item.compartment}", received=item.raw, maker=self._makers.get(target, b""),
        )  # fmt: skip
        self._count(item, person, item.compartment, created=before is None, flagged=before is not None and leaf is None)
        return record

    def _readable_leaf(self, record: bytes, target: bytes, kind: str) -> bytes | None:
        row = self._ws.view.one(
            "SELECT leaf FROM record WHERE record = ? AND compartment = ? AND kind = ? AND leaves = 1",
            (record, target, kind),
        )
        return bytes(row[0]) if row and target != self._intake else None

    def _person_of(self, item: Item) -> bytes | None:
        """Whose record it is; None after a refusal. Records about no person belong to nobody."""
        key = item.person_key
        if key is None:
            return NOBODY if item.compartment == Kind.ORG else self._whose
        if key in self._people:
            found = self._people[key]
            if found is None:
                self._refuse(item, _REFUSED)
            return found
        if self._prints.find("key twice", key) is not None:
            self._refuse(item, _NOT_CLEAR)
            return None
        found = self._prints.first([("key", key), ("alias", key.partition("?identifier=")[2])])
        if found is None:
            self._refuse(item, _NOT_KNOWN)
        return found

    # -- where it goes ---------------------------------------------------------------------

    def _target(self, person: bytes, compartment: str) -> bytes:
        place = (person, compartment)
        if place not in self._targets:
            self._targets[place] = self._find_target(person, compartment)
        return self._targets[place]

    def _find_target(self, person: bytes, compartment: str) -> bytes:
        session = self._ws.session
        if compartment == Kind.ORG:
            return program_compartment(session, Kind.PROG)  # organisations and places: no client's words
        if compartment == Kind.PSY:
            return self._private(person)
        chart = self._chart(person) if person != NOBODY and compartment != Kind.INTAKE else None
        if chart is None:
            return self._intake
        try:
            return settle.received_target(session, chart, compartment) or self._intake
        except (NoKey, NotFound):
            return self._intake

    def _private(self, person: bytes) -> bytes:
        """A private note goes to the clinician whom the person authorized to receive it, and nowhere else."""
        found = consents.receiver(self._ws, person) if person != NOBODY else None
        if found is None:
            raise DocumentInvalid(_PRIVATE)
        self._makers[found.compartment] = found.user
        return found.compartment

    def _chart(self, person: bytes) -> ChartMap | None:
        if person not in self._charts:
            try:
                self._charts[person] = charts.chart_of(self._ws.session, person)
            except NotFound:
                self._charts[person] = None
        return self._charts[person]

    def _count(self, item: Item, person: bytes, compartment: str, *, created: bool, flagged: bool = False) -> None:
        self.counts.created += created
        self.counts.matched += not created
        self.counts.kept += item.kept
        self.counts.flagged += bool(item.flags) or flagged
        place = (person, compartment)
        self._touched[place] = self._touched.get(place, 0) + 1


def _person_prints(item: Item, person: Person) -> list[tuple[str, ...]]:
    """By what a person is known again: identifiers, or the source's key together with birth date or name.

    The key alone is not enough: small numbers mean other people elsewhere.
    """
    key = item.person_key or ""
    born = person.birth_date.isoformat() if isinstance(person.birth_date, date) else ""
    name = f"{person.given} {person.family}".casefold().strip()
    prints: list[tuple[str, ...]] = [("alias", alias) for alias in item.aliases]
    if born:
        prints.append(("key and birth", key, born))
    if name:
        prints.append(("key and name", key, name))
    return prints or [("key", key)]


def _overlay(before: Person, received: Person) -> Person:
    """The known entry with every field that was received; what the program itself wrote stays where nothing came."""
    values = {
        name: value
        for name in received.__struct_fields__
        if (value := getattr(received, name)) not in ("", None)
    }
    return msgspec.structs.replace(before, **values)
