"""What other programs act upon is believed from the author it names and from nobody else; an executed paper stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from iop_tui.access import charts, primitives
from iop_tui.access.policy import Kind
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.model import CONSENT
from iop_tui.clinical.disclosures.model import DISCLOSURE, Disclosure
from iop_tui.clinical.staff.profiles import STAFF_PROFILE, StaffProfile, set_profile, supervisor_of
from iop_tui.clinical.staff.supervision import SUPERVISION_EXCEPTION, SupervisionException
from iop_tui.kernel.declare import DocumentType
from iop_tui.kernel.ids import show_id
from iop_tui.store.session import NOBODY
from iop_tui.workspace import Workspace
from tests.support.clinic.consents import Clinic, opened
from tests.support.clinic.vaults import template

UNSIGNED = "A signature does not fit the text it stands under."
QUARRY = "quarry walk"


@pytest.fixture
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    with opened(template(tmp_path_factory), tmp_path_factory.mktemp("forged")) as found:
        yield found


def lay(ws: Workspace, place: bytes, declared: DocumentType[Any], document: Any, person: bytes, **more: Any) -> None:
    """A record written by a program without any rule, as whoever `author` says."""
    work = ws.work()
    values = {"record": ws.rng.token(16), "kind": declared.kind, **more}
    body = ws.session.body(
        work, person=person, version=declared.version, payload=declared.encode(document), source="entered", **values
    )
    ws.session.write(work, place, body)
    ws.session.note(work, "forged")
    ws.commit(work)


def quarantined(ws: Workspace) -> list[str]:
    return [row[0] for row in ws.view.rows("SELECT why FROM quarantine")]


def test_a_consent_laid_into_a_share_opens_nothing(clinic: Clinic) -> None:
    clinic.ws("nadia")
    cleo, ana = clinic.ws("cleo"), clinic.made.people["ana"]
    work = cleo.work()
    reader = primitives.user_recipient(cleo.session, clinic.user("nadia"), "individual therapist")
    made = primitives.share(cleo.session, work, [], [reader], purpose="x", not_after_ms=work.at_ms + 10**9, person=ana)
    cleo.session.note(work, "share")
    cleo.commit(work)
    lay(cleo, made.compartment, CONSENT, clinic.internal(), ana)
    nadia = clinic.ws("nadia")
    assert consents.consents(nadia) == []
    consents.keep_up(nadia)
    assert clinic.payloads("cleo", QUARRY) == 0


@pytest.mark.parametrize(
    ("author", "days", "signed", "carried_out"),
    [("", 60, True, True), ("sol", 60, True, False), ("", 60, False, False), ("", 3000, True, False)],
)
def test_a_program_carries_out_what_it_would_have_accepted_from_who_signed_it(
    clinic: Clinic, author: str, days: int, signed: bool, carried_out: bool
) -> None:
    """Written with the key and without any rule: in a colleague's name, without the person, for eight years."""
    nadia, ana = clinic.ws("nadia"), clinic.made.people["ana"]
    document = clinic.internal(expires_on=clinic.day + timedelta(days=days))
    if not signed:
        document = msgspec.structs.replace(document, signatures=())
    more = {"author": clinic.user(author)} if author else {}
    lay(nadia, charts.compartment_for(nadia.session, ana, Kind.IND), CONSENT, document, ana, **more)
    nadia = clinic.ws("nadia")
    consents.keep_up(nadia)
    assert (clinic.payloads("cleo", QUARRY) > 0) == carried_out
    assert (UNSIGNED in quarantined(nadia)) == bool(author)


def test_an_executed_consent_is_never_rewritten(clinic: Clinic) -> None:
    nadia = clinic.ws("nadia")
    made = consents.authorize(nadia, clinic.internal(topics=("measures",)))
    row = nadia.view.one("SELECT leaf, compartment, doc FROM record WHERE record = ?", (made.id,))
    assert row is not None
    wider = msgspec.structs.replace(CONSENT.decode(row[2], CONSENT.version), topics=("progress notes",))
    lay(nadia, row[1], CONSENT, wider, clinic.made.people["ana"], record=made.id, parents=(row[0],))
    lay(nadia, row[1], CONSENT, wider, clinic.made.people["ana"], record=made.id, parents=(row[0],), kind="memo")
    nadia = clinic.ws("nadia")
    assert consents.consent(nadia, made.id).document.topics == ("measures",)
    assert sorted(quarantined(nadia)) == [
        "it claims to be a version of a record of another kind", "it claims to change what was executed",
    ]  # fmt: skip


def test_a_deposited_ledger_row_ends_nobody_elses_access(clinic: Clinic) -> None:
    ana = clinic.made.people["ana"]
    clinic.ws("nadia")
    clinic.ws("sol")
    nadia = clinic.ws("nadia")
    made = consents.authorize(nadia, clinic.internal())
    crisis = charts.compartment_for(nadia.session, ana, Kind.CRISIS)
    given = nadia.view.one(
        "SELECT act FROM wrap WHERE compartment = ? AND recipient = ? AND revoked_ms = 0",
        (crisis, clinic.user("sol")),
    )
    assert given is not None
    cleo = clinic.ws("cleo")
    work = cleo.work()
    row = Disclosure(
        recipient="Cleo", what="x", purpose="x", basis="consent", consent=show_id(made.id), internal=True,
        user=show_id(clinic.user("cleo")), act=show_id(given[0]), row=show_id(bytes(16)),
    )  # fmt: skip
    body = cleo.session.body(
        work, record=cleo.rng.token(16), person=ana, kind=DISCLOSURE.kind, version=DISCLOSURE.version,
        payload=DISCLOSURE.encode(row), source="ledger",
    )  # fmt: skip
    cleo.session.deposit(work, charts.compartment_for(cleo.session, ana, Kind.IND), body, str(Kind.IND))
    cleo.session.note(work, "forged")
    cleo.commit(work)
    assert consents.revoke(clinic.ws("nadia"), made.id).ended == 1, "the share of the consent itself"
    assert clinic.ws("sol").session.holds(crisis)
    assert clinic.payloads("cleo", QUARRY) == 0


def test_nobody_becomes_a_supervisor_or_an_exception_in_anothers_name(clinic: Clinic) -> None:
    nadia, uma = clinic.ws("nadia"), clinic.ws("uma")
    me, her = clinic.user("nadia"), show_id(clinic.user("uma"))
    set_profile(nadia, clinic.user("tom"), StaffProfile(credential="LMSW", supervisor=her))
    known = clinic.ws("uma").view.one("SELECT record, leaf FROM record WHERE kind = 'staff_profile'")
    assert known is not None
    place = primitives.program_compartment(uma.session, Kind.PROG)
    forged = StaffProfile(user=show_id(me), credential="LCSW", supervisor=her)
    lay(uma, place, STAFF_PROFILE, forged, NOBODY, author=me)
    free = StaffProfile(user=show_id(clinic.user("tom")), credential="LCSW")
    lay(uma, place, STAFF_PROFILE, free, NOBODY, record=known[0], parents=(known[1],))
    (couple,) = charts.couples(clinic.ws("fay").session)
    exception = SupervisionException(
        supervisor=her, couple=show_id(couple.id), option="documented exception", reason="x", decided_on=clinic.day
    )
    registry = primitives.program_compartment(uma.session, Kind.REG)
    lay(uma, registry, SUPERVISION_EXCEPTION, exception, couple.a, author=me)
    nadia = clinic.ws("nadia")
    assert supervisor_of(nadia, me) is None
    assert supervisor_of(nadia, clinic.user("tom")) == clinic.user("uma")
    assert nadia.view.rows("SELECT 1 FROM record WHERE kind = 'supervision_exception'") == []
    assert sorted(quarantined(nadia)) == [UNSIGNED, UNSIGNED, "it claims to be a version of somebody else's document"]
