"""Where a wish about a treatment plan leads: unfinished work first, then the plan in force, then a new one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from iop_tui.ui.page import Go, Page

if TYPE_CHECKING:
    from iop_tui.clinical.plans.screens import Doors
    from iop_tui.clinical.plans.starting import ReviewStart, Start
    from iop_tui.shell.navigator import Navigator
    from iop_tui.workspace import Workspace


def _doors() -> Doors:
    from iop_tui.clinical.charting import service as charting
    from iop_tui.clinical.plans.screens import Doors
    from iop_tui.shell.charting.signing import review_and_sign

    return Doors(charting.save, charting.findings, review_and_sign, _phrases)


def _phrases(ws: Workspace) -> list[tuple[str, str]]:
    from iop_tui.clinical.notes import phrasebook

    return [(phrase.shortcut, phrase.text) for _, phrase in phrasebook.phrases(ws) if phrase.field == "any"]


def _page(ws: Workspace, start: Start | ReviewStart) -> Page:
    from iop_tui.clinical.plans.screens import PlanCorrection, PlanEditor, PlanReview
    from iop_tui.clinical.plans.starting import ReviewStart

    if isinstance(start, ReviewStart):
        return PlanReview(ws, start, _doors())
    return (PlanCorrection if start.corrects else PlanEditor)(ws, start, _doors())


def _new(ws: Workspace, person: bytes) -> Start:
    from iop_tui.clinical.charting.planning import begin_plan
    from iop_tui.clinical.plans import starting

    return starting.new(ws, person, begin_plan(ws, person))


def _review(ws: Workspace, person: bytes) -> ReviewStart | Start:
    """The review of the plan in force, or the one that was begun."""
    from iop_tui.clinical.charting import planning
    from iop_tui.clinical.plans import service as plans
    from iop_tui.clinical.plans import starting
    from iop_tui.clinical.plans.treatment import Review

    where, what = starting.found(ws, person)
    if where == starting.UNSAVED:
        return starting.restore(ws, what)
    found = plans.active(ws, person)
    if found is None:
        return starting.review(ws, person, Review(), None)
    begun = planning.begin_review(ws, person, found.plan)
    due = planning.next_review(ws, person, found.plan, begun.on) if begun.on else None
    return starting.review(ws, person, begun, due)


async def plan(nav: Navigator, wish: Go) -> None:
    """What `t` opens in a chart: unsaved work, an own draft, the plan in force to read, or a new plan."""
    from iop_tui.clinical.plans import starting

    person = wish.ids[0]
    where, what = await nav.desk.read(starting.found, person)
    if where == starting.READ:
        await nav.show(await _read(nav, what), wish)
    elif where == starting.NEW:
        await nav.show(_page(nav.ws, await nav.desk.keep(_new, person)), wish)
    else:
        opening = starting.restore if where == starting.UNSAVED else starting.draft
        await nav.show(_page(nav.ws, await nav.desk.keep(opening, what)), wish)


async def _read(nav: Navigator, record: bytes) -> Page:
    from iop_tui.shell.charting.planpage import PlanPage
    from iop_tui.shell.screens.recordparts import open_record

    return PlanPage(await nav.desk.keep(open_record, record))


async def draft(nav: Navigator, wish: Go) -> None:
    """An own unsigned plan, by its record."""
    from iop_tui.clinical.plans import starting

    await nav.show(_page(nav.ws, await nav.desk.keep(starting.draft, wish.ids[0])), wish)


async def unsaved(nav: Navigator, wish: Go) -> None:
    """Unsaved work on a plan or a review, by its journal slot."""
    from iop_tui.clinical.plans import starting

    await nav.show(_page(nav.ws, await nav.desk.keep(starting.restore, wish.ids[0])), wish)


async def review(nav: Navigator, wish: Go) -> None:
    """The review that carries a person's plan forward."""
    await nav.show(_page(nav.ws, await nav.desk.keep(_review, wish.ids[0])), wish)


def is_plan(ws: Workspace, record: bytes) -> bool:
    """Whether a record is a treatment plan, or the correction of one."""
    row = ws.view.one(
        "SELECT kind = 'treatment_plan' OR kind = 'amendment' AND json_extract(doc, '$.kind') = 'treatment_plan'"
        " FROM record WHERE record = ?",
        (record,),
    )
    return bool(row and row[0])


async def correct(nav: Navigator, wish: Go) -> None:
    """A correction of a signed plan, or an unsigned correction to go on with."""
    from iop_tui.clinical.plans import starting

    await nav.show(_page(nav.ws, await nav.desk.keep(starting.correction, wish.ids[0])), wish)


async def client_signs(nav: Navigator, wish: Go) -> None:
    """The form that records the client's signature under a document."""
    from iop_tui.shell.charting.clientsign import ClientSigns, begin

    await nav.show(ClientSigns(nav.ws, await nav.desk.read(begin, wish.ids[0])), wish)


WAYS: dict[str, Callable[[Navigator, Go], Awaitable[None]]] = {
    "plan": plan, "plandraft": draft, "planunsaved": unsaved, "planreview": review, "plancorrection": correct,
    "clientsign": client_signs,
}  # fmt: skip
"""Screens of treatment plans, and of the client's signature under any document."""
