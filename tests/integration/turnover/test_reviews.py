"""Supervisors ask, clinicians answer with shares; exceptions are listed and end (CR-1, CR-16)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from iop_tui.access import charts
from iop_tui.access.policy import Kind
from iop_tui.clinical.consulting import api as consulting
from iop_tui.clinical.consulting import service
from iop_tui.clinical.staff import api as staffing
from iop_tui.clinical.staff import profiles
from iop_tui.kernel.errors import NotFound, RoleRefused
from iop_tui.kernel.ids import show_id
from tests.support.clinic.consents import Clinic, opened, refused
from tests.support.clinic.vaults import template

WALK = "quarry walk"  # in Nadia's newest note about Ana


@pytest.fixture
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """A program of its own for every test."""
    with opened(template(tmp_path_factory), tmp_path_factory.mktemp("reviews")) as found:
        yield found


def ask(clinic: Clinic, by: str = "uma", of: str = "nadia", who: str = "ana", **more: object) -> None:
    values = {"what": "the last notes", "reason": "Stuck after relapse", "until": clinic.day + timedelta(days=5)}
    consulting.ask(clinic.ws(by), clinic.made.people[who], clinic.user(of), **{**values, **more})  # type: ignore[arg-type]


def test_a_supervisor_asks_and_is_shown_what_was_named_until_the_day(clinic: Clinic) -> None:
    ask(clinic)
    (due,) = consulting.due_lines(clinic.ws("nadia"))
    assert (due.what, due.action) == ("Answer Uma: the last notes", consulting.ANSWER)
    (line,) = consulting.requests(clinic.ws("nadia"))
    until = clinic.day + timedelta(days=3)
    consulting.show(
        clinic.ws("nadia"), [clinic.made.notes["ana0"]], line.asker, reason=line.reason, until=until,
        request=line.record,
    )  # fmt: skip
    assert consulting.due_lines(clinic.ws("nadia")) == []
    uma = clinic.ws("uma")
    assert [item.state for item in consulting.requests(uma)] == [service.SHARED]
    (share,) = consulting.received(uma)
    assert (share.giver_name, share.until, len(share.records)) == ("Nadia", until, 1)
    assert clinic.payloads("uma", WALK) == 1
    place = charts.compartment_for(clinic.ws("nadia").session, clinic.made.people["ana"], Kind.IND)
    assert not uma.session.holds(place), "never a key"
    (out,) = consulting.given(clinic.ws("nadia"))
    assert (out.reader_name, out.until) == ("Uma", until)
    with pytest.raises(NotFound):
        consulting.end_share(clinic.ws("tom"), out.act)
    assert consulting.end_share(clinic.ws("nadia"), out.act)
    clinic.ws("uma")
    assert clinic.payloads("uma", WALK) == 0
    assert consulting.received(clinic.ws("uma")) == []
    assert consulting.given(clinic.ws("nadia")) == []
    with refused("consult.answered"):
        consulting.decline(clinic.ws("nadia"), line.record, "Too late")


def test_a_request_is_declined_with_a_reason_and_shows_nothing(clinic: Clinic) -> None:
    ask(clinic, of="sol")
    (line,) = [item for item in consulting.requests(clinic.ws("sol")) if item.state == service.WAITS]
    with refused("consult.reason"):
        consulting.decline(clinic.ws("sol"), line.record, "")
    with pytest.raises(NotFound):
        consulting.decline(clinic.ws("nadia"), line.record, "Not mine")
    consulting.decline(clinic.ws("sol"), line.record, "She asked me not to.")
    (said,) = [item for item in consulting.requests(clinic.ws("uma")) if item.state == service.DECLINED]
    assert said.declined == "She asked me not to."
    assert consulting.received(clinic.ws("uma")) == []


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"reason": " "}, "consult.reason"), ({"what": ""}, "consult.reason"), ({"days": 31}, "consult.until"),
        ({"of": "tom"}, "consult.clinician"), ({"of": "uma"}, "consult.self"),
    ],
)  # fmt: skip
def test_asking_follows_rules(clinic: Clinic, more: dict[str, object], rule: str) -> None:
    days = more.pop("days", None)
    more = {**more, **({"until": clinic.day + timedelta(days=int(str(days)))} if days else {})}
    of = str(more.pop("of", "nadia"))
    with refused(rule):
        ask(clinic, of=of, **more)
    assert f"ask-consultation: {rule}" in clinic.events("refused")


def test_who_is_shown_no_cases_asks_for_none(clinic: Clinic) -> None:
    with pytest.raises(RoleRefused):
        ask(clinic, by="tom")


def test_cr16_an_exception_is_listed_lets_a_case_be_shown_and_ends(clinic: Clinic) -> None:
    for name in ("cleo", "tom"):
        value = profiles.StaffProfile(credential="LMSW", supervisor=show_id(clinic.user("uma")))
        profiles.set_profile(clinic.ws("nadia"), clinic.user(name), value)
    (found,) = consulting.conflicts(clinic.ws("nadia"))
    assert (found.supervisor_name, found.option, found.authors) == ("Uma", "", ("Cleo", "Tom"))
    with refused("supervisor.conflict"):
        ask(clinic, of="tom", who="ben")
    staffing.except_supervisor(
        clinic.ws("nadia"), found.supervisor, found.couple, option="redacted consult", reason="No other here."
    )
    ask(clinic, of="tom", who="ben")
    with pytest.raises(RoleRefused):
        staffing.end_exception(clinic.ws("fay"), found.supervisor, found.couple, reason="A second one is here.")
    with refused("supervisor.exception"):
        staffing.end_exception(clinic.ws("nadia"), found.supervisor, found.couple, reason="")
    staffing.end_exception(clinic.ws("nadia"), found.supervisor, found.couple, reason="A second one is here.")
    assert [item.option for item in consulting.conflicts(clinic.ws("nadia"))] == [""]
    with refused("supervisor.conflict"):
        ask(clinic, of="tom", who="ben")
    with pytest.raises(NotFound):
        staffing.end_exception(clinic.ws("nadia"), found.supervisor, found.couple, reason="Twice")
