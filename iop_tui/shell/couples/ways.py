"""Ways to the screens of couples work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from iop_tui.ui.dialogs import PickOne
from iop_tui.ui.page import Go

if TYPE_CHECKING:
    from iop_tui.clinical.wizards.service import GuideLine
    from iop_tui.shell.navigator import Navigator
    from iop_tui.workspace import Workspace


async def couples(nav: Navigator, wish: Go) -> None:
    """The couples one knows of."""
    from iop_tui.shell.couples.couplechart import Couples

    await nav.show(Couples(), wish)


async def couple(nav: Navigator, wish: Go) -> None:
    """The couple chart: of a couple, or of the couple a partner belongs to."""
    from iop_tui.clinical.couples import chart, terms
    from iop_tui.shell.couples.couplechart import CoupleChartPage

    pair = await nav.desk.read(terms.about, wish.ids[0])
    await nav.show(CoupleChartPage(await nav.desk.read(chart.columns, pair.id)), wish)


async def joint(nav: Navigator, wish: Go) -> None:
    """A new document of a couple, of the kind in `how`."""
    from iop_tui.shell.charting.documents import DocumentEditor
    from iop_tui.shell.couples import editor

    sheet = await nav.desk.keep(editor.new_sheet, wish.ids[0], wish.how)
    await nav.show(DocumentEditor(nav.ws, sheet), replace(wish, how=""))


async def joint_draft(nav: Navigator, wish: Go) -> None:
    """An unsigned document of a couple."""
    from iop_tui.shell.charting.documents import DocumentEditor
    from iop_tui.shell.couples import editor

    await nav.show(DocumentEditor(nav.ws, await nav.desk.keep(editor.draft_sheet, wish.ids[0])), wish)


async def joint_unsaved(nav: Navigator, wish: Go) -> None:
    """Unsaved text of a couple's document."""
    from iop_tui.shell.charting.documents import DocumentEditor
    from iop_tui.shell.couples import editor

    await nav.show(DocumentEditor(nav.ws, await nav.desk.keep(editor.restored_sheet, wish.ids[0])), wish)


async def partner_sign(nav: Navigator, wish: Go) -> None:
    """A partner's signature under a signed document."""
    from iop_tui.clinical.records import api as records
    from iop_tui.shell.couples import editor

    line = await nav.desk.read(records.line_of, wish.ids[0])
    await nav.show(editor.PartnerSigns(nav.ws, line, await nav.desk.read(editor.name_of, line.person)), wish)


async def contract(nav: Navigator, wish: Go) -> None:
    """The recovery contract's calendar."""
    from iop_tui.shell.couples import editor
    from iop_tui.shell.couples.contract import Contract

    await nav.show(Contract(wish.ids[0], await nav.desk.read(editor.name_of, wish.ids[0])), wish)


# -- guides --------------------------------------------------------------------------------


def _offered(ws: Workspace, subjects: tuple[bytes, ...]) -> tuple[list[tuple[str, str]], list[GuideLine]]:
    """Guides about some people or a couple: those left open, then those that may be begun."""
    from iop_tui.clinical.wizards import catalog, service
    from iop_tui.shell.couples.editor import name_of

    found = [line for subject in subjects for line in service.guides(ws, subject) if line.status == "open"]
    options = [(line.record.hex(), f"Go on: {line.title}, {line.begun}") for line in found]
    is_couple = len(subjects) > 1
    for guide in catalog.GUIDES.values():
        about = subjects[:1] if guide.about == "couple" else subjects[1:] if is_couple else subjects
        for subject in about if is_couple or guide.about == "person" else ():
            if catalog.places(ws, guide, subject):
                whom = f": {name_of(ws, subject)}" if is_couple else ""
                options.append((f"{guide.id}:{subject.hex()}", f"{guide.title}{whom}"))
    return options, found


async def guides(nav: Navigator, wish: Go) -> None:
    """Choose a guide: about one person, or about a couple and its partners."""
    options, left = await nav.desk.read(_offered, wish.ids)
    if not options:
        from iop_tui.kernel.errors import NoKey

        raise NoKey("No guide is yours to use here.", "Ask the clinician whose part it is.")
    chosen = await nav.ask(PickOne("Guides", options))
    if not chosen:
        return
    if chosen in {line.record.hex() for line in left}:
        await guide_go(nav, Go("guidego", (bytes.fromhex(chosen),)))
        return
    identifier, _, subject = chosen.partition(":")
    await guide(nav, Go("guide", (bytes.fromhex(subject),), identifier))


async def guide(nav: Navigator, wish: Go) -> None:
    """Begin a guide, or go on with the own open one."""
    from iop_tui.shell.couples import guidepage

    sitting, typed = await nav.desk.keep(guidepage.sitting_of, wish.how, wish.ids[0])
    await nav.show(guidepage.GuidePage(nav.ws, sitting, typed, nav.ws.rng.token(16)), replace(wish, how=""))


async def guide_go(nav: Navigator, wish: Go) -> None:
    """Go on with a guide."""
    from iop_tui.shell.couples import guidepage

    sitting, typed = await nav.desk.keep(guidepage.resumed, wish.ids[0])
    await nav.show(guidepage.GuidePage(nav.ws, sitting, typed, nav.ws.rng.token(16)), wish)


async def guide_unsaved(nav: Navigator, wish: Go) -> None:
    """Answers that were typed and not stored."""
    from iop_tui.shell.couples import guidepage

    sitting, typed = await nav.desk.keep(guidepage.restored, wish.ids[0])
    await nav.show(guidepage.GuidePage(nav.ws, sitting, typed, wish.ids[0]), wish)


WAYS: dict[str, Callable[[Navigator, Go], Awaitable[None]]] = {
    "couples": couples, "couple": couple, "joint": joint, "jointdraft": joint_draft, "jointunsaved": joint_unsaved,
    "partnersign": partner_sign, "contract": contract, "guides": guides, "guide": guide, "guidego": guide_go,
    "guideunsaved": guide_unsaved,
}  # fmt: skip
KINDS = (
    "joint_note", "joint_plan", "couples_agreement", "recovery_day", "couple_measure", "joint_closing", "held_note",
)  # fmt: skip
"""Kinds that are written on these pages."""
