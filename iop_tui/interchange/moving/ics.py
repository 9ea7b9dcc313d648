"""iCalendar (RFC 5545) in: every event of a calendar as a line with its times, word for word, about nobody.

Whose session a line is, its clinician says later; nothing here guesses it from the text. Times in a zone become UTC,
floating ones stay as the clock on the wall. Repeating events are spelled out: daily and weekly ones that come to an
end; every other rule refuses its event. What a file may hold is counted before the calendar library sees any of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from iop_tui.interchange.items import Ignored, Mapped, Rejection
from iop_tui.interchange.moving import made
from iop_tui.interchange.moving.recurring import Unreadable, excluded, instant, starts, told
from iop_tui.kernel.text import clean, clean_line

FORM, KIND = "iCalendar", "calendar_line"
MOST_BYTES = 4 << 20
MOST_LINES, MOST_EVENTS, MOST_ZONES = 100_000, 2_000, 50
MOST_OF_EVENT, LONGEST, DEEPEST = 500, 20_000, 4
MOST_IN_ALL = 20_000
"""Times of all events of one file together."""
LONGEST_TIME = timedelta(hours=24)
_FOLD = re.compile(rb"\r?\n[ \t]")
_LINE = re.compile(r"([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:[^\";:,]|\"[^\"]*\"|,)*)*):(.*)", re.DOTALL)
_YEARLY = re.compile(r"FREQ=YEARLY(;[A-Z]+=[-+0-9A-Z,]+)*\Z")
_DATES = ("DTSTART", "DTEND", "DURATION", "EXDATE", "RECURRENCE-ID")
_WORDS = ("SUMMARY", "DESCRIPTION", "LOCATION", "UID", "STATUS", "RRULE")


class Refused(Exception):
    """The file is no calendar, or more than one; the message says why."""


@dataclass(slots=True)
class _Part:
    """A component below the calendar: its name, its unfolded lines with BEGIN and END, the line it begins at."""

    name: str
    line: int
    lines: list[str] = field(default_factory=list)

    def own(self) -> Iterator[tuple[str, str, str]]:
        """Name, value and whole line of its own properties, not of what stands inside it."""
        depth = 0
        for line in self.lines:
            match = _LINE.fullmatch(line)
            key = match[1].upper() if match else ""
            depth += (key == "BEGIN") - (key == "END")
            if match and key not in ("BEGIN", "END") and depth == 1:
                yield key, match[3], line

    def values(self, name: str) -> list[str]:
        """The raw values of its own properties of a name."""
        return [value for key, value, _ in self.own() if key == name]


def read(data: bytes, file: str) -> Iterator[Mapped | Rejection | Ignored]:
    """The lines of one calendar. Raises `Refused` before the first where the file as a whole is damaged."""
    if len(data) > MOST_BYTES:
        raise Refused(f"It is larger than {MOST_BYTES >> 20} MiB.")
    try:
        text = _FOLD.sub(b"", data).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("It is not valid UTF-8 text.") from None
    parts = list(_parts(text))
    _know_zones([part for part in parts if part.name == "VTIMEZONE"])
    events = [part for part in parts if part.name == "VEVENT"]
    if len(events) > MOST_EVENTS:
        raise Refused(f"It holds more than {MOST_EVENTS:,} events: export a shorter time.")
    for part in parts:
        if part.name not in ("VEVENT", "VTIMEZONE"):
            yield Ignored(file, f"line {part.line}", "It is no event.")
    yield from _lines(events, file)


# -- the container -------------------------------------------------------------------------


def _parts(text: str) -> Iterator[_Part]:
    lines = text.replace("\r\n", "\n").split("\n")
    if len(lines) > MOST_LINES:
        raise Refused("It holds far more lines than a calendar can.")
    stack: list[str] = []
    current: _Part | None = None
    calendars = 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        key, value = _parted(line, number)
        if key == "BEGIN":
            stack.append(value)
            _check_place(stack, number)
            calendars += len(stack) == 1
            current = _Part(value, number) if len(stack) == 2 else current
        if not stack:
            raise Refused(f"At line {number}: there is text outside its calendar.")
        if current is not None:
            current.lines.append(line)
        if key == "END":
            if stack.pop() != value:
                raise Refused(f"At line {number}: something ends that did not begin there.")
            if current is not None and len(stack) == 1:
                yield current
                current = None
    if stack:
        raise Refused("It ends inside a calendar: the file is cut off.")
    if not calendars:
        raise Refused("It holds no calendar.")


def _parted(line: str, number: int) -> tuple[str, str]:
    """BEGIN or END with the component's name; empty for everything else. Raises `Refused` for what is no line."""
    match = _LINE.fullmatch(line) if len(line) <= LONGEST else None
    if match is None:
        raise Refused(f"At line {number}: this is no line of a calendar.")
    key = match[1].upper()
    return (key, match[3].strip().upper()) if key in ("BEGIN", "END") else ("", "")


def _check_place(stack: Sequence[str], number: int) -> None:
    if len(stack) > DEEPEST:
        raise Refused(f"At line {number}: it is nested too deeply.")
    if (stack[0] != "VCALENDAR") or "VCALENDAR" in stack[1:]:
        raise Refused(f"At line {number}: one calendar lies inside another, or none is there.")


def _know_zones(zones: list[_Part]) -> None:
    """Make the file's own time zones known to the library. Raises `Refused` for one that no calendar needs."""
    if not zones:
        return
    if len(zones) > MOST_ZONES:
        raise Refused(f"It brings more than {MOST_ZONES} time zones.")
    for zone in zones:
        rules = [line.partition(":")[2] for line in zone.lines if line.upper().startswith("RRULE")]
        if len(zone.lines) > MOST_OF_EVENT or not all(_YEARLY.match(rule.upper()) for rule in rules):
            raise Refused(f"At line {zone.line}: this time zone cannot be read.")
    from icalendar import Calendar

    lines = ["BEGIN:VCALENDAR", *(line for zone in zones for line in zone.lines), "END:VCALENDAR", ""]
    try:
        Calendar.from_ical("\r\n".join(lines))
    except (ValueError, KeyError, IndexError, OverflowError):
        raise Refused("One of its time zones cannot be read.") from None


# -- events --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Event:
    """What an event says, in the words of the file."""

    part: _Part
    component: Any
    start: date | datetime
    length: timedelta | None
    uid: str
    replaces: str

    @property
    def all_day(self) -> bool:
        """Whether it has a day and no time."""
        return not isinstance(self.start, datetime)


def _lines(events: list[_Part], file: str) -> Iterator[Mapped | Rejection]:
    readable: list[_Event] = []
    refused: list[Rejection] = []
    for part in events:
        try:
            readable.append(_event(part))
        except Unreadable as reason:
            refused.append(Rejection(file, f"line {part.line}", str(reason)))
    yield from refused
    replaced: dict[str, set[str]] = {}
    for event in readable:
        if event.replaces:
            replaced.setdefault(event.uid, set()).add(event.replaces)
    left = MOST_IN_ALL
    for event in readable:
        place = f"line {event.part.line}"
        try:
            times = _times(event, frozenset() if event.replaces else frozenset(replaced.get(event.uid, ())))
        except Unreadable as reason:
            yield Rejection(file, place, str(reason))
            continue
        left -= len(times)
        if left < 0:
            raise Refused(f"Its events make more than {MOST_IN_ALL:,} times: export a shorter time.")
        yield _mapped(event, times, file, place)


def _event(part: _Part) -> _Event:
    if len(part.lines) > MOST_OF_EVENT:
        raise Unreadable("It has far more lines than an event can.")
    for name in (*_DATES, "UID", "RRULE", "SUMMARY", "STATUS"):
        if name != "EXDATE" and len(part.values(name)) > 1:
            raise Unreadable(f"It says {name} twice.")
    if part.values("RDATE") or part.values("EXRULE"):
        raise Unreadable("It repeats on single extra dates; enter these times by hand.")
    from icalendar import Event

    plain = [line for key, _, line in part.own() if key in (*_DATES, *_WORDS)]
    text = "\r\n".join(("BEGIN:VEVENT", *plain, "END:VEVENT", ""))
    try:
        component: Any = Event.from_ical(text)
    except (ValueError, KeyError, IndexError, OverflowError):
        raise Unreadable("It cannot be read.") from None
    start = _moment(component, "DTSTART")
    if start is None:
        raise Unreadable("It does not say when it begins.")
    again = _moment(component, "RECURRENCE-ID")
    uid = clean_line(next(iter(part.values("UID")), ""))[:200]
    return _Event(part, component, start, _length(component, start), uid, instant(again) if again else "")


def _moment(component: Any, name: str) -> date | datetime | None:
    """A date or time of an event; None where it has none. Raises `Unreadable`."""
    given = component.get(name)
    if given is None and not any(broken == name for broken, _ in component.errors):
        return None
    found = told(given)
    if not isinstance(found, date):
        raise Unreadable(f"Its {name} cannot be read.")
    if isinstance(found, datetime) and found.tzinfo is None and "TZID" in given.params:
        raise Unreadable("Its time zone is not known here and the file does not bring it.")
    return found


def _length(component: Any, start: date | datetime) -> timedelta | None:
    """How long it takes; None where the event does not say. Raises `Unreadable`."""
    length: timedelta | None
    end = _moment(component, "DTEND")
    if end is None:
        given = component.get("DURATION")
        length = told(given)
        if given is not None and not isinstance(length, timedelta):
            raise Unreadable("Its DURATION cannot be read.")
    elif isinstance(end, datetime) and isinstance(start, datetime):
        if (end.tzinfo is None) != (start.tzinfo is None):
            raise Unreadable("Its begin and its end are told by different clocks.")
        length = end - start if end.tzinfo is None else end.astimezone(UTC) - start.astimezone(UTC)
    elif isinstance(end, datetime) or isinstance(start, datetime):
        raise Unreadable("It begins with a day and ends with a time, or the other way round.")
    else:
        return None
    if length is not None and isinstance(start, datetime) and not timedelta(0) < length <= LONGEST_TIME:
        raise Unreadable("It ends before it begins, or takes longer than a day.")
    return length


def _times(event: _Event, replaced: frozenset[str]) -> list[dict[str, str]]:
    """Every time of an event, but for those that another event of the file replaces. Raises `Unreadable`."""
    rule = next(iter(event.part.values("RRULE")), "")
    if rule and event.replaces:
        raise Unreadable("One time of a repeating event repeats itself.")
    if event.all_day or event.length is None or not isinstance(event.start, datetime):
        if rule:
            starts(event.start, rule)  # a rule that cannot be read refuses a whole day as well
        return []
    out = excluded(event.component)
    found = []
    for begin in starts(event.start, rule) if rule else [event.start]:
        text = instant(begin)
        if text not in replaced and not {text, instant(begin.date())} & out:
            end = begin.astimezone(UTC) + event.length if begin.tzinfo else begin + event.length
            found.append({"start": text, "stop": instant(end)})
    return found


def _words(event: _Event, name: str, most: int) -> str:
    value = event.component.get(name)
    if isinstance(value, list):
        value = value[0] if value else None
    return clean(str(value)).strip()[:most] if value is not None else ""


def _mapped(event: _Event, times: list[dict[str, str]], file: str, place: str) -> Mapped:
    rule = next(iter(event.part.values("RRULE")), "")
    cancelled = _words(event, "STATUS", 20).upper() == "CANCELLED"
    fields = {
        "text": clean_line(_words(event, "SUMMARY", 500)), "details": _words(event, "DESCRIPTION", 4000),
        "place": clean_line(_words(event, "LOCATION", 300)), "repeats": clean_line(rule)[:300],
        "day": (event.start.date() if isinstance(event.start, datetime) else event.start).isoformat(),
        "all_day": event.all_day, "cancelled": cancelled, "times": times, "uid": event.uid,
        "replaces": event.replaces,
    }  # fmt: skip
    flags = [
        *(["a whole day: no session"] if event.all_day else []),
        *(["no length: no session"] if event.length is None and not event.all_day else []),
        *(["cancelled at the source"] if cancelled else []),
    ]
    raw = "\r\n".join((*event.part.lines, "")).encode()
    identity = f"{event.uid}|{event.replaces}" if event.uid else ""
    return made.item(
        KIND, fields, file=file, place=place, raw=raw, form=FORM, key=None, identity=identity, usual="ORG",
        flags=tuple(flags), effective=fields["day"],  # type: ignore[arg-type]
    )
