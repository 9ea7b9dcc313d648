"""Linking two people and their couples therapist: who assigns chooses them one after the other."""

from __future__ import annotations

from iop_tui.access import roles
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.people import service as people
from iop_tui.clinical.staff import api as staff
from iop_tui.ui.dialogs import Confirm, PickOne
from iop_tui.ui.page import Page
from iop_tui.workspace import Workspace

MOST = 5_000
"""People to choose from: more than any program in care at once."""


def may_link(ws: Workspace) -> bool:
    """Whether it is this user's office."""
    return bool(roles.ASSIGNERS & set(ws.user.roles))


def _people(ws: Workspace) -> list[tuple[str, str]]:
    lines = people.caseload(ws, limit=MOST)
    return [(line.id.hex(), ", ".join(filter(None, (line.name, line.birth_date)))) for line in lines]


def _therapists(ws: Workspace) -> list[tuple[str, str]]:
    return [
        (line.id.hex(), line.name) for line in staff.users(ws)
        if line.status == staff.ACTIVE and roles.COUPLES_THERAPIST in line.roles
    ]  # fmt: skip


async def link(page: Page) -> None:
    """Partner A, partner B, therapist, then once more all three. The services check the wall and the roles."""
    known, therapists = await page.desk.read(_people), await page.desk.read(_therapists)
    if len(known) < 2 or not therapists:
        page.app.notify("A couple needs two registered people and a couples therapist.", severity="warning")
        return
    first = await page.app.push_screen_wait(PickOne("Link a couple: partner A", known))
    if first is None:
        return
    second = await page.app.push_screen_wait(PickOne("Partner B", [one for one in known if one[0] != first]))
    if second is None:
        return
    therapist = await page.app.push_screen_wait(PickOne("Their couples therapist", therapists))
    if therapist is None:
        return
    names = dict(known)
    consequence = f"With {dict(therapists)[therapist]}. Both directory entries say so; neither partner's record opens."
    question = f"Link {names[first]} and {names[second]}?"
    if await page.app.push_screen_wait(Confirm(question, consequence, label="link")):
        await page.desk.write(couples.link, bytes.fromhex(first), bytes.fromhex(second), bytes.fromhex(therapist))
        page.app.notify("Linked. The couples therapist begins with the agreement.")
