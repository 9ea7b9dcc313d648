"""The chart's header lines and its tabs: plain data, no widgets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from rich.cells import cell_len

from iop_tui.access.policy import Kind
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.people import duplicates
from iop_tui.clinical.people import service as people
from iop_tui.clinical.records import api as records
from iop_tui.kernel.clock import local_date
from iop_tui.ui.frame.bars import Toned, wrapped
from iop_tui.workspace import Workspace

Line = list[Toned]


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab: which kinds of record it lists; the last one lists the care team instead."""

    name: str
    short: str
    kinds: tuple[str, ...]
    empty: str


DOCUMENTS = (
    "intake_assessment", "risk_assessment", "continuing_care_plan", "discharge_summary", "letter", "communication",
    "amendment", "void", "client_signature",
    "safety_plan", "relapse_plan", "relapse_drill", "relapse_review", "lapse", "timeline_followback", "drug_screen",
    "checkin_schedule", "check_in",
)  # fmt: skip
TABS = (
    Tab("Timeline", "Time", (), "Nothing here yet. Press n for the first note."),
    Tab("Notes", "Notes", ("progress_note", "addendum", "received_note"), "No notes yet. Press n for the first one."),
    Tab("Measures", "Meas", ("measure",), "No measures yet. Press m, then a, to give one."),
    Tab(
        "Meds",
        "Meds",
        ("medication", "allergy", "medication_review", "naloxone"),
        "No medications or allergies are recorded. Press + to add one.",
    ),
    Tab(
        "Problems",
        "Prob",
        ("treatment_plan", "condition", "received_goal", "received_plan"),
        "No plan, problem or goal yet. Press t for the treatment plan.",
    ),
    Tab(
        "Sessions",
        "Sess",
        ("session", "encounter", "procedure", "service_line"),
        "No sessions yet. Press S to plan one.",
    ),
    Tab("Docs", "Docs", DOCUMENTS, "No assessments, letters or calls yet. Press + to write one."),
    Tab("Team", "Team", (), "Nobody is assigned yet. Press a to assign a clinician."),
)
TEAM = len(TABS) - 1
CHARTING = (Kind.IND, Kind.SUD)
NOT_YOURS = "Nothing here is open to you. What you keep about this person yourself appears here."
CLOSED = "not open to you"
"""Said by who holds no key, whether there is anything behind it or not: nothing seen is not nothing there."""
NOT_IN_TIMELINE = ("person", "service_line")
"""The header shows the one, the note itself says the other."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above every chart."""

    header: people.Header
    today: date
    next_due: str
    also: tuple[str, ...] = ()
    """Names of other entries that somebody found to be this person."""


def head(ws: Workspace, person: bytes) -> Head:
    """The header with the next thing due. Raises `NotFound`."""
    header = people.header(ws, person)
    first = charting.next_due(ws, person)
    due = f"{first.what.lower()} by {first.due.isoformat()}" if first else ""
    also = tuple(name for _, name in duplicates.linked(ws, person))
    return Head(header, local_date(ws.clock.now_ms()), due, also)


def head_lines(data: Head, width: int) -> list[Line]:
    """The header in the lines it takes, then the constant one."""
    header = data.header
    name: Line = [
        (header.name, "strong"),
        (f"  {header.pronouns}" if header.pronouns else "", "text"),
        (_age(header, data.today), "dim"),
    ]
    if header.deceased:
        name.append(("   deceased", "warn"))
    if data.also:
        name.append((f"   also entered as {', '.join(data.also)}", "warn"))
    safe: Line = [
        ("Safe contact  ", "dim"),
        (header.safe_contact or "not asked yet", "text" if header.safe_contact else "warn"),
    ]
    allergies: Line = [
        ("Allergies  ", "dim"),
        (", ".join(header.allergies) or _none(header, "none recorded", Kind.MED),
         "danger" if header.allergies else "text"),
    ]
    risk: Line = [
        ("Risk  ", "dim"),
        ("! present", "danger") if header.risk == "present"
        else (header.risk or _none(header, "not reviewed", *CHARTING), "text"),
    ]
    hours = people_hours(header.minutes_this_week)
    if not header.minutes_this_week:
        hours = _none(header, hours, *CHARTING)
    week: Line = [("This week  ", "dim"), (hours, "text")]
    last: Line = [("Last note  ", "dim"), (header.last_note or _none(header, "none", *CHARTING), "text")]
    due: Line = [("Due  ", "dim"), (data.next_due or "nothing", "warn" if data.next_due else "text")]
    protected: Line = [(records.protected_line(), "dim")]
    if not charts_here(data) and not header.last_note and not header.allergies:
        closed: Line = [("Allergies, risk, hours, last note  ", "dim"), (CLOSED, "text")]
        return [*_flowed(width, name, safe), *_flowed(width, closed), *_flowed(width, due), protected]
    rows: tuple[tuple[Line, ...], ...] = ((name, safe), (allergies, risk, week), (last, due))
    if width < 80:
        rows = ((name,), (safe,), (allergies, risk), (week, last), (due,))
    return [*(line for row in rows for line in _flowed(width, *row)), protected]


def _flowed(width: int, *parts: Line) -> list[Line]:
    """Parts beside each other where they fit, else below: no allergy and no word on safe contact is ever cut."""
    lines: list[Line] = []
    for part in parts:
        joined = _beside(lines[-1], part) if lines else part
        if sum(cell_len(text) for text, _ in joined) <= width - 2:
            lines[-1:] = [joined]
        else:
            lines += wrapped([item for item in part if item[0]], width - 2)
    return lines


def charts_here(data: Head) -> bool:
    """Whether this user's part in the care is one that keeps a record of it."""
    return bool(data.header.opens.intersection((*CHARTING, Kind.MED)))


def _none(header: people.Header, words: str, *kinds: str) -> str:
    return words if header.opens.intersection(kinds) else CLOSED


def people_hours(minutes: int) -> str:
    """Hours and minutes in words."""
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes else "0 h"


def _beside(*lines: Line) -> Line:
    joined: Line = []
    for line in lines:
        joined += [("     ", "text"), *line] if joined else line
    return joined


def _age(header: people.Header, today: date) -> str:
    if not header.birth_date:
        return ""
    born = date.fromisoformat(header.birth_date)
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return f"  {header.birth_date} ({years})"


def tab_line(chosen: int, width: int) -> Line:
    """The tabs in one line, the chosen one marked by brackets as well as colour."""
    names = _fitting(chosen, width)
    gap = " " if sum(len(name) + 4 for name in names) <= width - 2 else ""
    parts: Line = []
    for number, name in enumerate(names):
        is_chosen = number == chosen
        parts.append((f"[{number + 1} {name}]", "accent") if is_chosen else (f" {number + 1} {name}{gap}", "dim"))
    return parts


def _fitting(chosen: int, width: int) -> list[str]:
    """The tabs' names, shortened from the right until they fit; the chosen one last."""
    names = [tab.name for tab in TABS]
    for place in (*(place for place in range(len(TABS) - 1, -1, -1) if place != chosen), chosen):
        if sum(len(name) + 4 for name in names) <= width - 2:
            break
        names[place] = TABS[place].short
    return names
