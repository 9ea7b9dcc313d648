"""Calendars from other programs: every line kept word for word, for the clinician whose calendar it is.

A line names people in somebody's free words. It belongs to no chart until its clinician says whose it is, so it lies
in a share of its own that only this clinician reads, for a year.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import msgspec

from iop_tui.access import policy, roles
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import program_compartment, put, share, user_recipient
from iop_tui.clinical.imports import service
from iop_tui.clinical.imports.fingerprints import Fingerprints
from iop_tui.clinical.imports.model import Counts, Item, Refusal
from iop_tui.clinical.sessions.api import CALENDAR_LINE, OPEN, CalendarLine
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.errors import DocumentInvalid, Refused, RoleRefused
from iop_tui.kernel.ids import show_id
from iop_tui.store.session import NOBODY
from iop_tui.workspace import Workspace

DAYS = 366
PURPOSE, RULE = "calendar lines", "the clinician's own calendar"
SOURCE = "received"
CLINICIANS = frozenset({*policy.CARE_ROLES, roles.MEDICAL_DIRECTOR})
_DAY_MS = 86_400_000
_ACTIVE = "active"


@dataclass(slots=True)
class _Known:
    """A line that was taken before and can be read: where its newest version stands."""

    record: bytes
    leaf: bytes
    compartment: bytes
    line: CalendarLine


class WhoseCalendar(Refused):
    """A calendar of somebody who has no sessions: whose it is has to be said."""


def clinicians(ws: Workspace) -> list[tuple[bytes, str]]:
    """Whose calendar this user may take in, by name."""
    found = [
        (user.id, user.name)
        for user in staff.users(ws)
        if user.status == _ACTIVE and CLINICIANS & set(user.roles)
    ]  # fmt: skip
    everybody = bool(service.IMPORTERS & set(ws.user.roles))
    return [item for item in found if everybody or item[0] == ws.user.user]


def usual(ws: Workspace) -> bytes:
    """Whose calendar it is where nobody said: this user's; of who has no sessions, the medical director's, with whom
    everything waits that has no clinician yet. With several directors it has to be said.
    """
    if CLINICIANS & set(ws.user.roles):
        return ws.user.user
    found = [user.id for user in staff.users(ws) if user.status == _ACTIVE and roles.MEDICAL_DIRECTOR in user.roles]
    return found[0] if len(found) == 1 else ws.user.user


def check_role(ws: Workspace, clinician: bytes) -> None:
    """Raise `RoleRefused` unless this user may take in a calendar for that clinician, `WhoseCalendar` for who is
    none.
    """
    if clinician != ws.user.user and not service.IMPORTERS & set(ws.user.roles):
        raise RoleRefused("A colleague's calendar is taken in by the front desk, an administrator or the medical"
                          " director.", "Take in your own.")  # fmt: skip
    if not CLINICIANS & set(ws.session.card(clinician).roles):
        raise WhoseCalendar("Calendar lines wait for the clinician whose sessions they are.",
                            "Say whose calendar it is: --clinician NAME.")  # fmt: skip


def import_run(
    ws: Workspace,
    items: Iterable[Item],
    *,
    dry_run: bool = False,
    person: bytes | None = None,
    clinician: bytes = b"",
    progress: Callable[[int], None] | None = None,
) -> Counts:
    """Everything a reader hands over: calendars' lines for their clinician (`clinician`, else this user), the rest as
    `service.import_items`, whose role is asked for only where there is anything else.
    """
    lines: list[Item] = []
    others = _without_lines(items, lines)
    counts, first = Counts(), next(others, None)
    if first is not None:
        source = chain((first,), others)
        counts = service.import_items(ws, source, dry_run=dry_run, person=person, progress=progress)
    if lines:
        more = import_calendar(ws, lines, clinician or ws.user.user, dry_run=dry_run)
        for name in ("created", "matched", "unchanged", "kept", "flagged"):
            setattr(counts, name, getattr(counts, name) + getattr(more, name))
        counts.rejected += more.rejected
    return counts


def _without_lines(items: Iterable[Item], lines: list[Item]) -> Iterator[Item]:
    """Everything but calendars' lines, which are gathered in `lines`."""
    for item in items:
        if item.kind == CALENDAR_LINE.kind:
            lines.append(item)
        else:
            yield item


def import_calendar(
    ws: Workspace, items: Iterable[Item], clinician: bytes, *, dry_run: bool = False
) -> Counts:
    """Keep every line that is new. A line that changed at its source is brought up to date while nobody decided on it;
    afterwards the changed one waits beside it, flagged.

    Raises `RoleRefused`, `Refused`, `NotFound` for an unknown clinician.
    """
    check_role(ws, clinician)
    taking = _Taking(ws, clinician)
    for item in items:
        taking.take(item)
    taking.commit(dry_run=dry_run)
    return taking.counts


class _Taking:
    """One calendar, in one transaction."""

    def __init__(self, ws: Workspace, clinician: bytes) -> None:
        self.counts = Counts()
        self._ws, self._clinician = ws, clinician
        self._work = ws.work()
        self._place = b""
        self._readable = _readable(ws, clinician)
        registry = program_compartment(ws.session, Kind.REG)
        self._prints = Fingerprints(ws.session) if ws.session.holds(registry) else None
        self._fresh: dict[tuple[str, ...], CalendarLine] = {}

    def take(self, item: Item) -> None:
        """One line: new, changed or known."""
        try:
            line = CALENDAR_LINE.parse({**item.fields, "clinician": show_id(self._clinician)})
        except DocumentInvalid as error:
            self.counts.rejected.append(Refusal(item.file, item.place, error.message))
            return
        key = _key(line)
        known = self._readable.get(key)
        parts = ("calendar", show_id(self._clinician), *item.fingerprint_parts)
        if self._fresh.get(key, line) != line:
            reason = "Another line of these files has the same name and says something else."
            self.counts.rejected.append(Refusal(item.file, item.place, reason))
            return
        again = self._prints is not None and self._prints.find(*parts) is not None
        if again or key in self._fresh or (known is not None and _same(known.line, line)):
            self.counts.unchanged += 1
            return
        self._fresh[key] = line
        record = self._put(item, line, known)
        if self._prints is not None:
            self._prints.add(self._work, record, *parts)

    def _put(self, item: Item, line: CalendarLine, known: _Known | None) -> bytes:
        session = self._ws.session
        update = known is not None and known.line.decided == OPEN and session.holds(known.compartment)
        place = known.compartment if known is not None and update else self._share()
        record, _ = put(
            session, self._work, place, CALENDAR_LINE, line, person=NOBODY,
            record=known.record if known is not None and update else None,
            parents=(known.leaf,) if known is not None and update else (), source=SOURCE, received=item.raw,
        )  # fmt: skip
        self.counts.created += not update
        self.counts.matched += update
        self.counts.kept += 1
        self.counts.flagged += bool(item.flags) or (known is not None and not update)
        return record

    def _share(self) -> bytes:
        """The place of this calendar's lines, made when the first one comes."""
        if not self._place:
            session, me = self._ws.session, self._ws.user.user
            mine = self._clinician == me
            role = next(role for role in session.card(self._clinician).roles if role in CLINICIANS)
            readers = () if mine else (user_recipient(session, self._clinician, role),)
            self._place = share(
                session, self._work, (), readers, purpose=PURPOSE, rule=RULE, person=NOBODY, mine=mine,
                not_after_ms=self._work.at_ms + DAYS * _DAY_MS,
            ).compartment  # fmt: skip
        return self._place

    def commit(self, *, dry_run: bool) -> None:
        """Write what was gathered."""
        written = self.counts.created + self.counts.matched
        if written and not dry_run:
            self._ws.session.note(self._work, "import", category=Kind.SHARE, detail=f"{written} calendar lines")
            self._ws.commit(self._work)


def _readable(ws: Workspace, clinician: bytes) -> dict[tuple[str, ...], _Known]:
    """What this user can read of the lines that wait for a clinician, by the name at their source."""
    rows = ws.view.rows(
        "SELECT record, leaf, compartment, doc, version FROM record WHERE kind = ? AND deposit = 0 AND"
        " json_extract(doc, '$.clinician') = ? ORDER BY changed_ms, id",
        (CALENDAR_LINE.kind, show_id(clinician)),
    )
    found: dict[tuple[str, ...], _Known] = {}
    for record, leaf, compartment, doc, version in rows:
        line = CALENDAR_LINE.decode(doc, version)
        found[_key(line)] = _Known(record, leaf, compartment, line)
    return found


def _key(line: CalendarLine) -> tuple[str, ...]:
    """How a line is known again: its name at its source, else everything it says."""
    if line.uid:
        return (line.uid, line.replaces)
    return ("", line.text, line.details, line.place, line.day.isoformat() if line.day else "",
            *(item.shown() for item in line.times))  # fmt: skip


def _same(known: CalendarLine, line: CalendarLine) -> bool:
    """Whether a line says what is known of it, whatever was decided on it."""
    return msgspec.structs.replace(known, decided=OPEN, person="") == line
