"""Ctrl+R in every editor and reader: who could read the line under the cursor, and who would get it if they asked."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable

import pytest

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.consents.api import Recipient
from iop_tui.clinical.consents.drafting import Choice
from iop_tui.clinical.consents.drafting import begin as consent_form
from iop_tui.clinical.consents.model import INTERNAL
from iop_tui.clinical.consents.screens import ConsentEditor
from iop_tui.clinical.measures.screens.answering import Answering
from iop_tui.clinical.measures.screens.charts import MeasureCharts
from iop_tui.clinical.notes.screens import AddendumEditor, CounselingEditor, NoteEditor, PsychotherapyEditor
from iop_tui.clinical.people.screens import PersonEditor
from iop_tui.clinical.plans import service as plans
from iop_tui.clinical.plans.screens import PlanEditor, PlanReview
from iop_tui.clinical.plans.screens.editor import PlanCorrection
from iop_tui.clinical.relapse.checks import RELAPSE_PLAN
from iop_tui.clinical.relapse.screens import DrillPage, RelapsePage
from iop_tui.clinical.restrictions.screens import RestrictionEditor
from iop_tui.clinical.sessions.screens import TimeEditor, new_values
from iop_tui.clinical.toxicology.screens import FollowbackPage
from iop_tui.kernel.ids import show_id
from iop_tui.shell.attaching.form import AttachForm, begin
from iop_tui.shell.care.glass import AccessPage, GlassPage
from iop_tui.shell.charting.clientsign import ClientSigns
from iop_tui.shell.charting.corrections import CorrectionEditor
from iop_tui.shell.charting.documents import DocumentEditor
from iop_tui.shell.charting.planpage import PlanPage
from iop_tui.shell.charting.profiles import ProfileEditor
from iop_tui.shell.charting.supervision import CosignPage
from iop_tui.shell.charting.versions import Versions
from iop_tui.shell.couples.editor import PartnerSigns
from iop_tui.shell.couples.guidepage import GuidePage
from iop_tui.shell.exchange.merging import Merge
from iop_tui.shell.screens.record import RecordPage
from iop_tui.shell.whoreads import WhoScreen, spot_of
from iop_tui.ui.forms.draftpage import DraftPage
from iop_tui.ui.forms.form import Form
from iop_tui.ui.page import Page
from tests.support.clinic import care
from tests.support.clinic.couples import agree, hold_session, internal, pair_of, plan_together
from tests.support.clinic.plans import plan
from tests.support.clinic.vaults import Program, copied, fresh, leave
from tests.tui.screens.conftest import Desk, Open
from tests.tui.screens.goldens import compare

ELSEWHERE: set[type[Page]] = {CosignPage, Merge, GlassPage, AccessPage}
"""Pages that need a supervisor, a second device or an emergency: here only that the key is bound and registered."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program with a plan, a relapse plan, a consent and a couple at work."""
    made = copied(fresh(tmp_path_factory), tmp_path_factory.mktemp("who"))
    with made.workspace() as ws:
        ana = made.people["ana"]
        made.notes["plan"] = plans.save(ws, ana, plan(1, 1, 1)).record
        made.notes["relapse"] = charting.save(ws, ana, RELAPSE_PLAN, care.RELAPSE).record
        charting.sign(ws, [made.notes["plan"], made.notes["relapse"]])
        cleo_id = show_id(made.users["cleo"].user)
        internal(ws, ana, "Ana Quill", Recipient(name="Cleo", user=cleo_id))
        pair = pair_of(made, ws)
        cleo = made.beside(ws, "cleo")
        made.notes["agreement"] = agree(cleo, pair, release="each partner's own segments")
        plan_together(cleo, pair)
        made.notes["session"] = hold_session(cleo, pair)
        made.people["couple"] = pair.id
        leave(cleo)
    return made


# -- every editor and reader -------------------------------------------------------------------

Opens = Callable[[Desk], Awaitable[None]]


def at(place: str, who: str = "", how: str = "", record: str = "") -> Opens:
    """By the program's own way."""

    async def go(desk: Desk) -> None:
        found = desk.made.notes[record] if record else desk.made.people[who] if who else None
        desk.app.screen.go(place, *([found] if found else []), how=how)  # type: ignore[attr-defined]

    return go


def page(make: Callable[[Desk], Page]) -> Opens:
    """A page that stands behind questions."""

    async def push(desk: Desk) -> None:
        await desk.app.push_screen(make(desk))

    return push


def _consent(desk: Desk) -> Page:
    ws, ana = desk.app.ws, desk.made.people["ana"]
    return ConsentEditor(ws, ana, consent_form(ws, ana, Choice(INTERNAL, "IND", desk.made.users["cleo"].user)))


def _time(desk: Desk) -> Page:
    ws, ana = desk.app.ws, desk.made.people["ana"]
    return TimeEditor(ws, ana, new_values(ws, ana, desk.made.users["nadia"].user, ""))


def _partner(desk: Desk) -> Page:
    from iop_tui.clinical.records import api as records

    return PartnerSigns(desk.app.ws, records.line_of(desk.app.ws, desk.made.notes["agreement"]), "Ana & Ben")


def _file(desk: Desk) -> Page:
    ws, ana = desk.app.ws, desk.made.people["ana"]
    return AttachForm(ws, begin(ws, ana, "Ana Quill"), lambda *order: None)


def _joint_file(desk: Desk) -> Page:
    ws, couple = desk.app.ws, desk.made.people["couple"]
    return AttachForm(ws, begin(ws, couple, "Ana & Ben"), lambda *order: None)


NADIA: list[tuple[type[Page], Opens]] = [
    (NoteEditor, at("note", "ana")), (AddendumEditor, at("addendum", record="ana0")),
    (PsychotherapyEditor, at("private", "ana")), (DocumentEditor, at("document", "ana", "risk_assessment")),
    (DocumentEditor, at("document", "ana", "safety_plan")), (CorrectionEditor, at("amend", record="ana0")),
    (ProfileEditor, at("program")), (PlanEditor, at("plan", "max")), (PlanReview, at("planreview", "ana")),
    (PlanCorrection, at("plancorrection", record="plan")), (PlanPage, at("record", record="plan")),
    (RelapsePage, at("relapse", "ana")), (DrillPage, at("drill", "ana")), (Answering, at("answer", "ana", "phq-9")),
    (MeasureCharts, at("measures", "ana")), (FollowbackPage, at("followback", "ana")), (ConsentEditor, page(_consent)),
    (TimeEditor, page(_time)), (PersonEditor, at("entry", "ana")), (ClientSigns, at("clientsign", record="ana0")),
    (RecordPage, at("record", record="ana0")), (Versions, at("versions", record="ana0")),
    (GuidePage, at("guide", "ana", "request")), (RestrictionEditor, at("restrictionnew", "ana")),
    (AttachForm, page(_file)),
]  # fmt: skip
CLEO: list[tuple[type[Page], Opens]] = [
    (DocumentEditor, at("joint", "couple", "joint_note")), (DocumentEditor, at("joint", "couple", "joint_plan")),
    (PartnerSigns, page(_partner)), (RecordPage, at("record", record="session")), (AttachForm, page(_joint_file)),
]
SOL: list[tuple[type[Page], Opens]] = [(CounselingEditor, at("private", "ana"))]


def _kinds(base: type[Page]) -> set[type[Page]]:
    return set(itertools.chain.from_iterable(({kind} | _kinds(kind)) for kind in base.__subclasses__()))


def test_no_editor_and_no_reader_is_left_out() -> None:
    ours: set[type[Page]] = {kind for kind in _kinds(Page) if kind.__module__.startswith("iop_tui.")}
    pages = {kind for kind in ours if issubclass(kind, DraftPage) or "reader" in kind.places}
    walked: set[type[Page]] = {kind for kind, _ in (*NADIA, *CLEO, *SOL)} | ELSEWHERE
    assert not [kind for kind in pages - walked if not _kinds(kind)], "only what others are made from is no page"
    for kind in walked:
        assert {"who", "reader"} & set(kind.places), kind
        assert spot_of.dispatch(kind) is not spot_of.dispatch(object), f"{kind} is not registered"


async def answers(desk: Desk, opens: list[tuple[type[Page], Opens]]) -> None:
    """Open each page, ask, go back."""
    for kind, way in opens:
        depth = len(desk.app.screen_stack)
        await way(desk)
        await desk.until(lambda kind=kind: isinstance(_page(desk), kind), kind.__name__)  # type: ignore[misc]
        while not isinstance(desk.app.screen, Page):
            desk.app.pop_screen()  # a question that the page begins with
        shown = desk.app.screen
        await desk.until(lambda shown=shown: "ctrl+r" in shown.active_bindings, "the key")  # type: ignore[misc]
        await desk.open("<ctrl+r>")
        await desk.until(lambda: isinstance(desk.app.screen, WhoScreen), f"the answer for {kind.__name__}")
        told = "\n".join(f"{label} {text}" for label, text, _ in desk.app.screen._answer)  # type: ignore[attr-defined]
        assert "Each role" in told, (kind, told)
        assert f"\n{desk.app.ws.user.name} " in told or "\nYou " in told, (kind, told)
        await desk.open("<escape>")
        await desk.until(lambda shown=shown: desk.app.screen is shown, "the page again")  # type: ignore[misc]
        while len(desk.app.screen_stack) > depth:
            await desk.app.pop_screen()


def _page(desk: Desk) -> Page:
    return next(screen for screen in reversed(desk.app.screen_stack) if isinstance(screen, Page))


async def test_the_key_answers_in_the_editors_and_readers_of_every_day(opened: Open, made: Program) -> None:
    often = {NoteEditor, AddendumEditor, PsychotherapyEditor, DocumentEditor, PlanEditor, RecordPage, DrillPage}
    async with opened("nadia", (80, 24), of=made) as desk:
        await answers(desk, [(kind, way) for kind, way in NADIA if kind in often])


@pytest.mark.nightly
@pytest.mark.parametrize(("who", "walk"), [("nadia", NADIA), ("cleo", CLEO), ("sol", SOL)])
async def test_the_key_answers_in_every_editor_and_reader(
    opened: Open, made: Program, who: str, walk: list[tuple[type[Page], Opens]]
) -> None:
    async with opened(who, (80, 24), of=made) as desk:
        await answers(desk, walk)


# -- what it says ------------------------------------------------------------------------------


async def test_a_joint_note_answers_line_by_line(opened: Open, made: Program) -> None:
    """CR-10: what each partner would get alone, by whose words a line is."""
    async with opened("cleo", (100, 60), of=made) as desk:
        await _line_by_line(desk)


async def _line_by_line(desk: Desk) -> None:
    await at("joint", "couple", "joint_note")(desk)
    await desk.see("Joint session: Ana Quill")
    form = desk.app.screen.query_one(Form)
    form.load({"content": "[J] Both came.\n[A>] I kept the talk.\n[B>] I listened.\nAnd I slept."})
    form.focus_field("content")
    text = next(row.binding.widget for row in form.rows if row.info.name == "content")
    for line, (a, b) in enumerate((("IN", "IN"), ("IN", "out"), ("out", "IN"), ("out", "IN"))):
        text.move_cursor((line, 2))  # type: ignore[attr-defined]
        await desk.open("<ctrl+r>")
        await desk.see("Who could read this?", f"partner A, alone      {a}:", f"partner B, alone      {b}:")
        await desk.open("<ctrl+r>")
        await desk.gone("Who could read this?")
    form.focus_field("plan")
    await desk.pilot.pause()
    await desk.open("<ctrl+r>")
    await desk.see("partner A, alone      out:", "partner B, alone      out:")
    await desk.open("<escape>")


async def test_a_draft_says_who_will_read_it_and_who_gets_it_by_consent(opened: Open, made: Program) -> None:
    async with opened("nadia", (80, 24), of=made) as desk:
        await at("note", "ana")(desk)
        await desk.see("Note: Ana Quill", "Ctrl+R who reads")
        form = desk.app.screen.query_one(Form)
        form.focus_field("presentation")
        await desk.paste("Slept six hours.")
        await desk.open("<ctrl+r>")
        await desk.see("Who could read this?", "Presentation: Slept six hours.", "Not saved yet", "individual record",
                       "Who could read it then", "Nadia")  # fmt: skip
        text = desk.screen()
        readers = text[text.index("Who could read it then"):text.index("If somebody asked today")]
        assert not any(name in readers for name in ("Tom", "Fay", "Bill", "Abe", "Uma", "Cleo"))
        await desk.settled()
        compare("whoreads-draft", (80, 24), desk.screen())
        await desk.press("<end>")
        await desk.see("Shared as soon as it is signed", "Cleo")
        await desk.open("<escape>")
        assert form.values()["presentation"] == "Slept six hours."
        form.focus_field("service_code")
        await desk.pilot.pause()
        await desk.open("<ctrl+r>")
        await desk.see("Service code", "a payer", "IN: This line is of the claim")
        await desk.open("<escape>")
        await desk.press("<f1>")
        await desk.see("Help", "Ctrl+R")
