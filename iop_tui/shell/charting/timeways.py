"""Ways to the schedule and to planning a time or a session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from iop_tui.kernel.errors import NoKey, NotFound, Refused
from iop_tui.ui.dialogs import PickOne
from iop_tui.ui.frame.palette import Entry, Palette
from iop_tui.ui.page import Go

if TYPE_CHECKING:
    from iop_tui.shell.navigator import Navigator
    from iop_tui.workspace import Workspace

OUTCOMES = (
    ("scheduled", "It takes place"), ("cancelled", "Cancelled"), ("no-show", "No-show"), ("move", "Another time"),
)  # fmt: skip


async def new_session(nav: Navigator, wish: Go) -> None:
    """A time with a person: the clinician's session, or a time on the schedule for everybody else."""
    if await nav.desk.read(_has_sessions, wish.ids[0]):
        await nav.way("document", Go("document", wish.ids, "session"))
    else:
        await new_time(nav, wish)


def _has_sessions(ws: Workspace, person: bytes) -> bool:
    from iop_tui.clinical.signing import api as signing

    try:
        signing.home(ws, person)
    except (NoKey, NotFound):
        return False
    return True


async def new_time(nav: Navigator, wish: Go) -> None:
    """A time on the schedule: whose and with whom first, then when and where. `how` is the day."""
    from iop_tui.clinical.sessions import screens

    person = wish.ids[0] if wish.ids else await _person(nav)
    if not person:
        return
    clinician = await _clinician(nav, person)
    if clinician:
        values = await nav.desk.read(screens.new_values, person, clinician, wish.how)
        await nav.show(screens.TimeEditor(nav.ws, person, values), Go("newtime"))


async def _person(nav: Navigator) -> bytes:
    found = await nav.desk.read(_people)
    if not found:
        raise Refused("There is nobody to plan a time with.", "Register a person first: g c, then +.")
    entries = [Entry(name, born, action_id=person.hex()) for person, name, born in found]
    chosen = await nav.ask(Palette(entries, placeholder="Whose time? Type a few letters",
                                   empty="Nobody of that name. Press Esc to go back."))  # fmt: skip
    return bytes.fromhex(chosen.action_id) if chosen else b""


def _people(ws: Workspace) -> list[tuple[bytes, str, str]]:
    rows = ws.view.rows("SELECT id, name, coalesce(birth_date, '') FROM person ORDER BY sort_key, id")
    return [(bytes(row[0]), str(row[1]), str(row[2])) for row in rows]


async def _clinician(nav: Navigator, person: bytes) -> bytes:
    from iop_tui.clinical.sessions import desk

    found = await nav.desk.read(desk.clinicians, person)
    me = nav.ws.user.user
    if not desk.PLANNERS & set(nav.ws.user.roles):
        found = [item for item in found if item[0] == me]
    if not found:
        raise Refused("No clinician of this person's care can be planned with by you.",
                      "Assign one first: a in the chart.")  # fmt: skip
    if len(found) == 1:
        return found[0][0]
    options = [(user.hex(), name) for user, name in found]
    chosen = await nav.ask(PickOne("With whom?", options, me.hex()))
    return bytes.fromhex(chosen) if chosen else b""


async def time(nav: Navigator, wish: Go) -> None:
    """A time on the schedule, to move it."""
    from iop_tui.clinical.sessions import screens

    person, values = await nav.desk.read(screens.known_values, wish.ids[0])
    await nav.show(screens.TimeEditor(nav.ws, person, values, record=wish.ids[0]), wish)


async def session(nav: Navigator, wish: Go) -> None:
    """What became of a session: its own record, or the time that was planned for this user."""
    from iop_tui.clinical.sessions import desk

    try:
        line = await nav.desk.read(desk.appointment_of, wish.ids[0])
    except NotFound:
        await nav.way("draft", Go("draft", wish.ids, wish.how))
        return
    chosen = await nav.ask(PickOne(f"The time with {line.name}", OUTCOMES, line.appointment.status))
    if chosen == "move":
        await time(nav, wish)
    elif chosen and chosen != line.appointment.status:
        await nav.desk.write(desk.set_outcome, wish.ids[0], chosen)
        nav.say("Noted on the schedule.")


async def time_unsaved(nav: Navigator, wish: Go) -> None:
    """A time that was being planned."""
    from iop_tui.clinical.sessions import screens
    from iop_tui.workspace import unsaved as journal

    kept = (await nav.desk.read(journal.kept)).get(wish.ids[0])
    if kept is None:
        raise NotFound
    values = {name: value for name, value in kept.fields.items() if name != journal.KIND}
    page = screens.TimeEditor(nav.ws, kept.person, values, record=kept.record, slot=wish.ids[0])
    await nav.show(page, wish)


async def calendar_lines(nav: Navigator, wish: Go) -> None:
    """Lines of an imported calendar."""
    from iop_tui.clinical.sessions.screens import CalendarLines

    await nav.show(CalendarLines(), wish)


WAYS: dict[str, Callable[[Navigator, Go], Awaitable[None]]] = {
    "newsession": new_session, "newtime": new_time, "time": time, "session": session, "timeunsaved": time_unsaved,
    "calendarlines": calendar_lines,
}  # fmt: skip
