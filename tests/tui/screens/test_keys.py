"""The key table: one meaning per key on every screen, every action exists, help and palette know it."""

from __future__ import annotations

import inspect

import pytest

from iop_tui.clinical.consents.screens import ConsentEditor, ConsentList
from iop_tui.clinical.consulting.screens import Reviews
from iop_tui.clinical.measures.screens.answering import Answering
from iop_tui.clinical.measures.screens.charts import MeasureCharts
from iop_tui.clinical.measures.screens.shelf import Shelf
from iop_tui.clinical.notes.screens import AddendumEditor, NoteEditor, PsychotherapyEditor
from iop_tui.clinical.people.screens import Caseload, PersonEditor
from iop_tui.clinical.plans.screens import PlanEditor, PlanReview
from iop_tui.clinical.relapse.screens import DrillPage, RelapsePage
from iop_tui.clinical.restrictions.screens import RestrictionEditor, RestrictionList
from iop_tui.clinical.sessions.screens import CalendarLines, Schedule, TimeEditor
from iop_tui.clinical.toxicology.screens import FollowbackPage, RecoveryPage
from iop_tui.clinical.turnover.screens import CareTeam, SuccessionPage, TransferPage, Turnover
from iop_tui.shell.app import IopApp
from iop_tui.shell.attaching.form import AttachForm
from iop_tui.shell.attaching.page import Attachments, TextPage
from iop_tui.shell.care.glass import AccessPage, GlassPage
from iop_tui.shell.charting.chartcheck import ChartCheck
from iop_tui.shell.charting.clientsign import ClientSigns
from iop_tui.shell.charting.corrections import CorrectionEditor
from iop_tui.shell.charting.documents import DocumentEditor
from iop_tui.shell.charting.drafts import Drafts
from iop_tui.shell.charting.planpage import PlanPage
from iop_tui.shell.charting.profiles import ProfileEditor
from iop_tui.shell.charting.supervision import CosignPage, Supervision
from iop_tui.shell.charting.versions import Versions
from iop_tui.shell.couples.contract import Contract
from iop_tui.shell.couples.couplechart import CoupleChartPage, Couples
from iop_tui.shell.couples.editor import PartnerSigns
from iop_tui.shell.couples.guidepage import GuidePage
from iop_tui.shell.exchange.devices import Devices
from iop_tui.shell.exchange.merging import Merge
from iop_tui.shell.exchange.page import Exchange
from iop_tui.shell.exchange.twice import Twice, TwicePair
from iop_tui.shell.keymap import TABLE
from iop_tui.shell.leaving.page import LeavingPage
from iop_tui.shell.moving.mapping import MappingPage
from iop_tui.shell.moving.page import ImportPage
from iop_tui.shell.screens.auditlog import AuditLog
from iop_tui.shell.screens.chart import Chart
from iop_tui.shell.screens.colleagues import Colleagues
from iop_tui.shell.screens.record import RecordPage
from iop_tui.shell.screens.search import Search
from iop_tui.shell.screens.settings import Settings
from iop_tui.shell.screens.today import Today
from iop_tui.ui.forms.form import Form
from iop_tui.ui.keys import Action
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.outline import OutlineList
from iop_tui.ui.page import Page

PAGES: list[type[Page]] = [
    Today, Caseload, Chart, RecordPage, Search, Colleagues, AuditLog, Settings, NoteEditor, AddendumEditor,
    PsychotherapyEditor, PersonEditor, DocumentEditor, CorrectionEditor, ProfileEditor, Supervision, CosignPage,
    ChartCheck, Versions, Drafts, PlanEditor, PlanReview, PlanPage, ClientSigns, Couples, CoupleChartPage, Contract,
    GuidePage, PartnerSigns, ConsentList, ConsentEditor,
    CareTeam, TransferPage, SuccessionPage, Turnover, Reviews, RestrictionList, RestrictionEditor,
    Schedule, CalendarLines, TimeEditor,
    Answering, MeasureCharts, Shelf, RelapsePage, DrillPage, RecoveryPage, FollowbackPage,
    Exchange, Devices, Merge, Twice, TwicePair, GlassPage, AccessPage, LeavingPage, ImportPage, MappingPage,
    AttachForm, Attachments, TextPage,
]  # fmt: skip
OWN_WIDGETS = {
    "filter": Caseload, "search": Search, "row": NoteEditor, "noterow": NoteEditor, "textrow": NoteEditor,
    "guiderow": GuidePage, "outline": OutlineList, "plantree": PlanEditor, "decide": PlanReview,
}  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_a_key_means_one_thing_on_a_screen(page: type[Page]) -> None:
    seen: dict[str, str] = {}
    for action in TABLE.at("everywhere", *page.places):
        if action.builtin:
            continue
        for stroke in (*action.single, *(" ".join(pair) for pair in action.sequences)):
            assert seen.setdefault(stroke, action.id) == action.id, f"{stroke} on {page.__name__}"
        assert not {first for first, _ in action.sequences} & set(seen) - {"g"}


def _runs(action: Action, kinds: tuple[type, ...]) -> bool:
    name = action.method.partition("(")[0].rpartition(".")[2]
    return any(inspect.isfunction(getattr(kind, f"action_{name}", None)) for kind in kinds)


@pytest.mark.parametrize("page", PAGES)
def test_every_action_of_a_screen_exists(page: type[Page]) -> None:
    """Of the app only where the binding is the app's, or says so: else a key does nothing at all, and says nothing."""
    for action in TABLE.at("everywhere", *page.places):
        ours = action.where == "everywhere" or action.method.startswith("app.")
        assert action.builtin or _runs(action, (IopApp,) if ours else (page, RecordList, Form)), action.id


@pytest.mark.parametrize("place", sorted(OWN_WIDGETS))
def test_every_action_of_a_field_exists(place: str) -> None:
    for action in TABLE.at(place):
        assert _runs(action, (OWN_WIDGETS[place], IopApp)), action.id


def test_every_place_of_the_table_is_used() -> None:
    used = {"everywhere", "text", "form", *OWN_WIDGETS, *(place for page in PAGES for place in page.places)}
    assert {action.where for action in TABLE} == used


def test_lock_quit_and_help_cannot_be_unbound() -> None:
    for name in ("app.lock", "app.quit", "app.help"):
        assert TABLE[name].locked
