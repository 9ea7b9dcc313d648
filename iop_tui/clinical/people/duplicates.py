"""Two entries that may be one person, registered twice or on two devices: a work item, never merged by itself.

Somebody whose office it is compares both and says that they are the same person or that they are not. Both entries
and both charts stay either way; a decision can be taken back by another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, groupby

from iop_tui.access import charts, roles
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import put
from iop_tui.clinical.people.model import IDENTITY_DECISION, PERSON, SAME, IdentityDecision, Person
from iop_tui.kernel.errors import IopError, NotFound, NotReady, RoleRefused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.views.view import Changes
from iop_tui.vault.digest import sha256
from iop_tui.workspace import Workspace


@dataclass(frozen=True, slots=True)
class PossibleDuplicate:
    """People whose names agree and whose birth dates do not disagree."""

    people: tuple[bytes, ...]
    names: tuple[str, ...]
    birth_date: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two entries, the one with the smaller id first. `decided`: what somebody said of them, empty for nothing."""

    first: bytes
    second: bytes
    name: str
    other_name: str
    birth_date: str
    decided: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it is compared: the directory's fields, how much is in its chart, when it was made (ms)."""

    person: bytes
    name: str
    document: Person
    records: int
    created_ms: int


@dataclass(frozen=True, slots=True)
class _Decided:
    leaves: tuple[bytes, ...]
    home: bytes
    decision: str


def possible_duplicates(ws: Workspace) -> list[PossibleDuplicate]:
    """Entries this user can read that agree in name (case aside) and, as far as it is known, in birth date."""
    rows = ws.view.rows("SELECT lower(sort_key), id, name, coalesce(birth_date, '') FROM person ORDER BY 1, id")
    found = []
    for _, group in groupby(rows, key=lambda row: row[0]):
        people = list(group)
        dates = sorted({row[3] for row in people if row[3]})
        for date in dates or [""]:
            alike = [row for row in people if row[3] in ("", date)]
            if len(alike) > 1:
                found.append(
                    PossibleDuplicate(tuple(row[1] for row in alike), tuple(row[2] for row in alike), date)
                )
    return found


def pairs(ws: Workspace) -> list[Pair]:
    """Every two entries that may be one person: those nobody decided about first, then those that were linked.

    Where two devices decided differently the pair is open again. Who was found to be somebody else is left out.
    """
    decided = _decisions(ws)
    known: dict[tuple[bytes, bytes], Pair] = {}
    for group in possible_duplicates(ws):
        for (a, a_name), (b, b_name) in combinations(zip(group.people, group.names, strict=True), 2):
            if b < a:
                a, b, a_name, b_name = b, a, b_name, a_name
            known.setdefault((a, b), Pair(a, b, a_name, b_name, group.birth_date, _said(decided, a, b)))
    for (a, b), item in decided.items():
        if item.decision == SAME and (a, b) not in known:
            known[a, b] = Pair(a, b, _name(ws, a), _name(ws, b), "", _said(decided, a, b))
    shown = [pair for pair in known.values() if pair.decided in ("", SAME)]
    return sorted(shown, key=lambda pair: (pair.decided, pair.name.casefold(), pair.first, pair.second))


def open_pairs(ws: Workspace) -> list[Pair]:
    """The pairs this user is to decide about: none for who may not change directory entries."""
    if not roles.REGISTRARS & set(ws.user.roles):
        return []
    return [pair for pair in pairs(ws) if not pair.decided]


def linked(ws: Workspace, person: bytes) -> list[tuple[bytes, str]]:
    """Other entries that somebody found to be this person, as far as this user can read them: (id, name)."""
    found = []
    for (a, b), item in _decisions(ws).items():
        if person in (a, b) and len(item.leaves) == 1 and item.decision == SAME:
            other = b if person == a else a
            if name := _name(ws, other):
                found.append((other, name))
    return sorted(found, key=lambda entry: entry[1].casefold())


def compare(ws: Workspace, first: bytes, second: bytes) -> tuple[Pair, Entry, Entry]:
    """Two entries to look at side by side, the older one first; looking is logged. Raises `NotFound`."""
    if second < first:
        first, second = second, first
    one, two = _entry(ws, first), _entry(ws, second)
    work = ws.work()
    for entry in (one, two):
        ws.session.note(work, "read", person=entry.person, category=Kind.DIR, detail=PERSON.kind)
    ws.commit(work)
    born = one.document.birth_date or two.document.birth_date
    pair = Pair(first, second, one.name, two.name, born.isoformat() if born else "",
                _said(_decisions(ws), first, second))  # fmt: skip
    one, two = sorted((one, two), key=lambda entry: (entry.created_ms, entry.person))
    return pair, one, two


def decide(ws: Workspace, first: bytes, second: bytes, decision: str, how: str) -> Changes:
    """Note what somebody found out about two entries; the newest word of a person counts, and nothing is merged.

    Raises `RoleRefused` but for whose office it is, `NotReady` without a word on how, `NotFound`, `NoKey`.
    """
    if not roles.REGISTRARS & set(ws.user.roles):
        raise RoleRefused("Your role does not change directory entries.", "Ask the front desk.")
    if second < first:
        first, second = second, first
    if not how.strip():
        raise NotReady("Say how it was found out.", "For example: same phone number, asked on 3 May.")
    _entry(ws, first), _entry(ws, second)
    before = _decisions(ws).get((first, second))
    home = before.home if before else charts.compartment_for(ws.session, first, Kind.DIR)
    document = IDENTITY_DECISION.parse({"other": show_id(second), "decision": decision, "how": how.strip()})
    work = ws.work()
    record, _ = put(ws.session, work, home, IDENTITY_DECISION, document, person=first, record=_record(first, second),
                    parents=before.leaves if before else ())  # fmt: skip
    ws.session.note(work, "identity-decision", person=first, category=Kind.DIR, subject=record, detail=decision)
    return ws.commit(work)


def _said(decided: dict[tuple[bytes, bytes], _Decided], first: bytes, second: bytes) -> str:
    item = decided.get((first, second))
    return item.decision if item is not None and len(item.leaves) == 1 else ""


def _decisions(ws: Workspace) -> dict[tuple[bytes, bytes], _Decided]:
    """What was decided about each pair of entries, with the versions that stand."""
    rows = ws.view.rows(
        "SELECT record, person, doc, version, compartment FROM record WHERE kind = 'identity_decision' AND deposit = 0"
        " AND status != 'newer' ORDER BY changed_ms, record"
    )
    found = {}
    for record, person, doc, version, home in rows:
        try:
            document: IdentityDecision = IDENTITY_DECISION.decode(doc, version)
            other = parse_id(document.other)
        except IopError:
            continue  # a decision about nobody says nothing
        leaves = ws.view.rows("SELECT id FROM version WHERE record = ? AND leaf = 1 ORDER BY id", (record,))
        if record == _record(person, other):
            found[person, other] = _Decided(tuple(row[0] for row in leaves), home, document.decision)
    return found


def _record(first: bytes, second: bytes) -> bytes:
    """One record per pair, whichever device decides first: two decisions at once are two versions of it."""
    return sha256(b"iop/identity/1", first, second)[:16]


def _name(ws: Workspace, person: bytes) -> str:
    row = ws.view.one("SELECT name FROM person WHERE id = ?", (person,))
    return str(row[0]) if row else ""


def _entry(ws: Workspace, person: bytes) -> Entry:
    row = ws.view.one(
        "SELECT p.name, r.doc, r.version, r.created_ms, (SELECT count(*) FROM record n WHERE n.person = p.id)"
        " FROM person p JOIN record r ON r.record = p.record WHERE p.id = ?",
        (person,),
    )
    if row is None:
        raise NotFound
    return Entry(person, row[0], PERSON.decode(row[1], row[2]), int(row[4]), int(row[3]))
