"""Ways to the screens of charting: documents of any kind, corrections, versions, co-signatures, checks, profiles.

`HAND_MADE` names the kinds that have an editor of their own, and its places: for a new one, for an unsigned record,
for unsaved text.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.shell.attaching import ways as attachingways
from iop_tui.shell.care import ways as careways
from iop_tui.shell.charting import consentways, planways, timeways
from iop_tui.shell.couples import ways as coupleways
from iop_tui.shell.exchange import ways as exchangeways
from iop_tui.shell.leaving import ways as leavingways
from iop_tui.shell.moving import ways as movingways
from iop_tui.shell.turnover import ways as turnoverways
from iop_tui.ui.dialogs import PickOne
from iop_tui.ui.frame.palette import Entry, Palette
from iop_tui.ui.page import Go

if TYPE_CHECKING:
    from iop_tui.clinical.notes.starting import Start
    from iop_tui.shell.navigator import Navigator
    from iop_tui.workspace import Workspace

SESSION = "session:"
"""Before the id of the session that a new note takes its times from."""
NO_KIND = "No document of that name. Press Esc to go back."
NOTE_KINDS = ("progress_note", "addendum")
"""What is offered again when a note is begun."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the editor of a kind is found."""

    new: str = ""
    draft: str = ""
    unsaved: str = ""


HAND_MADE: dict[str, Places] = {
    "progress_note": Places("note", "notedraft", "noteunsaved"),
    "addendum": Places("", "notedraft", "noteunsaved"),
    "psychotherapy_note": Places("private", "notedraft", "noteunsaved"),
    "counseling_note": Places("private", "notedraft", "noteunsaved"),
    "treatment_plan": Places("plan", "plandraft", "planunsaved"),
    "plan_review": Places("planreview", "", "planunsaved"),
    "plan_correction": Places("", "", "planunsaved"),
    "amendment": Places("", "amend", "amendunsaved"),
    "measure": Places("measures", "measuredraft", "measureunsaved"),
    "protected_measure": Places("measures", "measuredraft", "measureunsaved"),
    "relapse_drill": Places("drill", "", "drillunsaved"),
    "timeline_followback": Places("followback", "followbackdraft", "followbackunsaved"),
    "check_in": Places("checkin"),
    "consent": Places("consentnew", "", "consentunsaved"),
    "restriction": Places("restrictionnew", "", "restrictionunsaved"),
    "person": Places("", "", "personunsaved"),
    "merge": Places("", "", "mergeunsaved"),
    "appointment": Places("newtime", "time", "timeunsaved"),
    "staff_profile": Places("", "", "profileunsaved"),
    "program_profile": Places("", "", "profileunsaved"),
    "wizard_state": Places("", "guidego", "guideunsaved"),
    **dict.fromkeys(coupleways.KINDS, Places("joint", "jointdraft", "jointunsaved")),
}


# -- documents -----------------------------------------------------------------------------


async def document(nav: Navigator, wish: Go) -> None:
    """A new document about a person: of the kind in `how`, else of one that is picked."""
    from iop_tui.shell.charting import documents

    person, kind = wish.ids[0], wish.how
    if not kind:
        found = await nav.desk.read(documents.kinds)
        entries = [Entry(item.label, item.help, action_id=item.kind) for item in found]
        chosen = await nav.ask(Palette(entries, placeholder="Which document? Type a few letters", empty=NO_KIND))
        if chosen is None:
            return
        kind = chosen.action_id
    place = HAND_MADE.get(kind, Places()).new
    if place and nav.knows(place):
        await nav.way(place, Go(place, (person,)))
        return
    template, key = "", ""
    if options := documents.templates(kind):
        key = await _letter_consent(nav, person)
        chosen_template = key and await nav.ask(PickOne("Letter for", [(name, name.capitalize()) for name in options]))
        if not chosen_template:
            return
        template = chosen_template
    sheet = await nav.desk.keep(documents.new_sheet, person, kind, template, key)
    await nav.show(documents.DocumentEditor(nav.ws, sheet), replace(wish, how=""))


async def _letter_consent(nav: Navigator, person: bytes) -> str:
    """On which consent a letter goes out, and to whom; empty where nothing was chosen. Raises `RuleRefused`."""
    from iop_tui.clinical.charting import lettering

    found = await nav.desk.read(lettering.need, person)
    if len(found) == 1:
        return found[0].key
    return await nav.ask(PickOne("To whom, on which consent?", [(item.key, item.label) for item in found])) or ""


async def draft(nav: Navigator, wish: Go) -> None:
    """An unsigned document, in the editor of its kind."""
    from iop_tui.clinical.records import api as records
    from iop_tui.shell.charting import documents

    line = await nav.desk.read(records.line_of, wish.ids[0])
    if line.conflict and line.status != "signed":
        await exchangeways.merge(nav, wish)
        return
    place = HAND_MADE.get(line.kind, Places()).draft
    if place and nav.knows(place):
        await nav.way(place, replace(wish, place=place))
        return
    sheet = await nav.desk.keep(documents.draft_sheet, wish.ids[0])
    await nav.show(documents.DocumentEditor(nav.ws, sheet), wish)


async def unsaved(nav: Navigator, wish: Go) -> None:
    """Unsaved text, in the editor of its kind."""
    from iop_tui.kernel.errors import NotFound
    from iop_tui.shell.charting import documents
    from iop_tui.workspace import unsaved as journal

    kept = (await nav.desk.read(journal.kept)).get(wish.ids[0])
    if kept is None:
        raise NotFound
    kind = str(kept.fields.get(journal.KIND, "progress_note"))
    place = HAND_MADE.get(kind, Places()).unsaved
    if place and nav.knows(place):
        await nav.way(place, replace(wish, place=place))
        return
    sheet = await nav.desk.keep(documents.restored_sheet, wish.ids[0])
    await nav.show(documents.DocumentEditor(nav.ws, sheet), wish)


async def person_unsaved(nav: Navigator, wish: Go) -> None:
    """An unsaved directory entry."""
    from iop_tui.clinical.people.screens import PersonEditor
    from iop_tui.kernel.errors import NotFound
    from iop_tui.workspace import unsaved as journal

    kept = (await nav.desk.read(journal.kept)).get(wish.ids[0])
    if kept is None:
        raise NotFound
    values = {name: value for name, value in kept.fields.items() if name != journal.KIND}
    await nav.show(PersonEditor(nav.ws, kept.person, values, slot=wish.ids[0], restored=True), wish)


# -- after signing -------------------------------------------------------------------------


async def amend(nav: Navigator, wish: Go) -> None:
    """A correction of a signed document, or an unsigned correction to go on with."""
    from iop_tui.shell.charting import corrections

    if await nav.desk.read(planways.is_plan, wish.ids[0]):
        await planways.correct(nav, wish)
        return
    given = await nav.desk.keep(corrections.correction, wish.ids[0])
    await nav.show(corrections.CorrectionEditor(nav.ws, given), wish)


async def amend_unsaved(nav: Navigator, wish: Go) -> None:
    """An unsaved correction."""
    from iop_tui.shell.charting import corrections

    given = await nav.desk.keep(corrections.restored, wish.ids[0])
    await nav.show(corrections.CorrectionEditor(nav.ws, given), wish)


async def versions(nav: Navigator, wish: Go) -> None:
    """What was changed when."""
    from iop_tui.clinical.records import api as records
    from iop_tui.clinical.signing import versions as history
    from iop_tui.shell.charting.versions import Versions

    line = await nav.desk.read(records.line_of, wish.ids[0])
    found = await nav.desk.keep(history.versions, wish.ids[0])
    day = f" of {line.service_date}" if line.service_date else ""
    await nav.show(Versions(f"{line.label}{day}", await nav.desk.read(_name, line.person), found), wish)


def _name(ws: Workspace, person: bytes) -> str:
    row = ws.view.one("SELECT name FROM person WHERE id = ?", (person,))
    return str(row[0]) if row else ""


async def cosign(nav: Navigator, wish: Go) -> None:
    """A document to co-sign."""
    from iop_tui.clinical.signing import cosign as service
    from iop_tui.shell.charting.supervision import CosignPage

    await nav.show(CosignPage(await nav.desk.keep(service.show, wish.ids[0])), wish)


async def check(nav: Navigator, wish: Go) -> None:
    """What an auditor would find in one chart, or in all of one's own."""
    from iop_tui.shell.charting.chartcheck import ChartCheck

    person = wish.ids[0] if wish.ids else b""
    await nav.show(ChartCheck(person, await nav.desk.read(_name, person) if person else ""), wish)


# -- profiles ------------------------------------------------------------------------------


async def profile(nav: Navigator, wish: Go) -> None:
    """A user's profile."""
    from iop_tui.shell.charting import profiles

    await nav.show(profiles.ProfileEditor(nav.ws, await nav.desk.read(profiles.staff_sheet, wish.ids[0])), wish)


async def program(nav: Navigator, wish: Go) -> None:
    """The program's profile."""
    from iop_tui.shell.charting import profiles

    await nav.show(profiles.ProfileEditor(nav.ws, await nav.desk.read(profiles.program_sheet)), wish)


async def profile_unsaved(nav: Navigator, wish: Go) -> None:
    """An unsaved profile."""
    from iop_tui.shell.charting import profiles

    await nav.show(profiles.ProfileEditor(nav.ws, await nav.desk.read(profiles.restored, wish.ids[0])), wish)


# -- sessions ------------------------------------------------------------------------------


def with_session(ws: Workspace, start: Start, how: str) -> Start:
    """A new note with the times of the session that the wish names."""
    from iop_tui.clinical.notes.model import SESSION_TYPES
    from iop_tui.clinical.sessions import service as sessions

    if not how.startswith(SESSION):
        return start
    session = sessions.planned(ws, parse_id(how.removeprefix(SESSION)))
    if session.date is None:
        return start
    values = {**start.values, "service_date": session.date.isoformat(), "modality": session.modality}
    if session.start and session.stop:
        values |= {"start": session.start.isoformat(), "stop": session.stop.isoformat()}
    if session.kind in SESSION_TYPES:
        values["session_type"] = session.kind
    return replace(start, values=values)


def session_wish(record: bytes) -> str:
    """How a wish names a session."""
    return f"{SESSION}{show_id(record)}"


WAYS: dict[str, Callable[[Navigator, Go], Awaitable[None]]] = {
    "document": document, "draft": draft, "unsaved": unsaved, "personunsaved": person_unsaved, "amend": amend,
    "amendunsaved": amend_unsaved, "versions": versions, "cosign": cosign, "check": check, "profile": profile,
    "program": program, "profileunsaved": profile_unsaved, **planways.WAYS,
    **careways.WAYS, **coupleways.WAYS, **consentways.WAYS, **leavingways.WAYS, **movingways.WAYS, **timeways.WAYS,
    **exchangeways.WAYS, **turnoverways.WAYS, **attachingways.WAYS,
}  # fmt: skip
