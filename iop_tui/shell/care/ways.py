"""Ways to measures, relapse and safety plans, substances and check-ins. Data first, then the screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from iop_tui.kernel.paths import typed
from iop_tui.ui.page import Go, Page

if TYPE_CHECKING:
    from iop_tui.shell.navigator import Navigator
    from iop_tui.workspace import Workspace

_WHOSE = (
    "person", "sheet.person", "note.person", "begun.person", "opened.view.line.person", "focused.row.person",
    "people.row.id",
)  # fmt: skip


def person_of(page: Page) -> bytes:
    """The person a page is about, or the one on its line; empty where there is none."""
    for path in _WHOSE:
        try:
            found: Any = attrgetter(path)(page)
        except AttributeError:
            continue
        if isinstance(found, bytes) and found:
            return found
    return b""


# -- safety plan -------------------------------------------------------------------------------


async def safety_plan(nav: Navigator, wish: Go) -> None:
    """The safety plan in force; a new one where there is none or a screen calls for it."""
    from iop_tui.clinical.safety import service as safety

    person = wish.ids[0]
    if await nav.desk.read(_behind_glass, person):
        await nav.way("glass", Go("glass", (person,)))
        return
    held, asked = await nav.desk.read(safety.current, person), await nav.desk.read(safety.needed, person)
    if held is None or held.status != "signed" or asked is not None:
        await nav.way("document", Go("document", (person,), "safety_plan"))
    else:
        await nav.way("record", Go("record", (held.record,), wish.how))


def _behind_glass(ws: Workspace, person: bytes) -> bool:
    """Whether this user reaches the crisis card only by breaking the glass."""
    from iop_tui.clinical.emergency import api as emergency

    return emergency.on_call(ws) and not emergency.of_the_team(ws, person)


# -- measures ----------------------------------------------------------------------------------


async def measures(nav: Navigator, wish: Go) -> None:
    """A person's scores over time."""
    from iop_tui.clinical.measures.screens.charts import MeasureCharts, picture

    chosen = tuple(wish.how.split("|")) if wish.how else ()
    first = await nav.desk.read(picture, wish.ids[0], chosen)
    await nav.show(MeasureCharts(wish.ids[0], first), Go(wish.place, wish.ids))


async def questionnaires(nav: Navigator, wish: Go) -> None:
    """The questionnaires of the program."""
    from iop_tui.clinical.measures.screens.shelf import Shelf

    await nav.show(Shelf(), wish)


async def answer(nav: Navigator, wish: Go) -> None:
    """Give a questionnaire."""
    from iop_tui.clinical.measures.screens.answering import Answering, begin

    start = await nav.desk.read(begin, wish.ids[0], wish.how)
    await nav.show(Answering(start), Go(wish.place, wish.ids))


async def measure_draft(nav: Navigator, wish: Go) -> None:
    """An own administration whose answers are to be corrected."""
    from iop_tui.clinical.measures.screens.answering import Answering, draft

    await nav.show(Answering(await nav.desk.read(draft, wish.ids[0])), wish)


async def measure_unsaved(nav: Navigator, wish: Go) -> None:
    """Answers that were not kept yet."""
    from iop_tui.clinical.measures.screens.answering import Answering, restored

    await nav.show(Answering(await nav.desk.read(restored, wish.ids[0])), wish)


async def print_chart(nav: Navigator, wish: Go) -> None:
    """The chart of the named scores as a file for the person, after the question that every print begins with."""
    from iop_tui.ui.ask import AskLine

    answer = await nav.ask(AskLine(
        "Print the chart for this person", "Is it safe for them to hold it? Others may see a paper or a file. The copy"
        " is entered in the ledger.", "File, ending in .pdf or .svg", choices=("yes, it is safe to hold",),
        done="print",
    ))  # fmt: skip
    if answer is not None:
        await nav.desk.write(_printed, wish.ids[0], tuple(wish.how.split("|")), answer[1])
        nav.say("Printed.")


def _printed(ws: Workspace, person: bytes, names: tuple[str, ...], path: str) -> object:

    from iop_tui.interchange.prints.charts import chart_for_person

    out = typed(path)
    return chart_for_person(ws, person, names, out.suffix.lower().lstrip("."), out)


# -- relapse plan ------------------------------------------------------------------------------


async def relapse(nav: Navigator, wish: Go) -> None:
    """How the relapse-prevention plan stands; a new plan where there is none."""
    from iop_tui.clinical.relapse.screens import RelapsePage, shown

    person = wish.ids[0]
    found = await nav.desk.read(shown, person)
    if found is None:
        await nav.way("document", Go("document", (person,), "relapse_plan"))
    else:
        await nav.show(RelapsePage(person, found), wish)


async def drill(nav: Navigator, wish: Go) -> None:
    """The plan walked with the client."""
    from iop_tui.clinical.relapse.screens import DrillPage, begin

    await nav.show(DrillPage(await nav.desk.read(begin, wish.ids[0])), wish)


async def drill_unsaved(nav: Navigator, wish: Go) -> None:
    """A drill that was not kept yet."""
    from iop_tui.clinical.relapse.screens import DrillPage, restored

    await nav.show(DrillPage(await nav.desk.read(restored, wish.ids[0])), wish)


# -- substances --------------------------------------------------------------------------------


async def recovery(nav: Navigator, wish: Go) -> None:
    """The recovery timeline with its lapses."""
    from iop_tui.clinical.toxicology.screens import RecoveryPage
    from iop_tui.clinical.toxicology.screens import recovery as read

    await nav.show(RecoveryPage(wish.ids[0], await nav.desk.read(read, wish.ids[0])), wish)


async def followback(nav: Navigator, wish: Go) -> None:
    """Use day by day, from the last thirty days."""
    from iop_tui.clinical.toxicology.screens import FollowbackPage, begin

    await nav.show(FollowbackPage(await nav.desk.read(begin, wish.ids[0])), wish)


async def followback_draft(nav: Navigator, wish: Go) -> None:
    """A kept follow-back to go on with."""
    from iop_tui.clinical.toxicology.screens import FollowbackPage, draft

    await nav.show(FollowbackPage(await nav.desk.read(draft, wish.ids[0])), wish)


async def followback_unsaved(nav: Navigator, wish: Go) -> None:
    """Days that were not kept yet."""
    from iop_tui.clinical.toxicology.screens import FollowbackPage, restored

    await nav.show(FollowbackPage(await nav.desk.read(restored, wish.ids[0])), wish)


# -- check-ins ---------------------------------------------------------------------------------


async def check_in(nav: Navigator, wish: Go) -> None:
    """The check-in that is next: the one that was begun, or a new one."""
    from iop_tui.clinical.checkins import service as checkins
    from iop_tui.shell.charting import documents

    record, _ = await nav.desk.read(checkins.begin_check_in, wish.ids[0])
    if record:
        await nav.way("draft", Go("draft", (record,)))
        return
    sheet = await nav.desk.keep(documents.new_sheet, wish.ids[0], "check_in")
    await nav.show(documents.DocumentEditor(nav.ws, sheet), wish)


# -- break-glass -------------------------------------------------------------------------------


async def glass(nav: Navigator, wish: Go) -> None:
    """Somebody's crisis card in an emergency."""
    from iop_tui.shell.care import glass

    await glass.glass(nav, wish)


async def glass_review(nav: Navigator, wish: Go) -> None:
    """The privacy officer's look at an emergency access."""
    from iop_tui.shell.care import glass

    await glass.glass_review(nav, wish)


WAYS: dict[str, Callable[[Navigator, Go], Awaitable[None]]] = {
    "safetyplan": safety_plan, "measures": measures, "answer": answer, "measuredraft": measure_draft,
    "measureunsaved": measure_unsaved,
    "relapse": relapse, "drill": drill, "drillunsaved": drill_unsaved, "recovery": recovery,
    "followback": followback, "followbackdraft": followback_draft, "followbackunsaved": followback_unsaved,
    "checkin": check_in, "printchart": print_chart, "questionnaires": questionnaires, "glass": glass,
    "glassreview": glass_review,
}  # fmt: skip
