"""What is refused about couples and their authorizations: with the rule, nothing changed, the attempt audited."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from iop_tui.access import roles
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.rules import REQUIRED
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.people import service as people
from iop_tui.clinical.requests import api as requests
from iop_tui.kernel.errors import Refused, rule_of
from iop_tui.kernel.ids import show_id
from tests.support.clinic.consents import Clinic, opened
from tests.support.clinic.couples import agree, hold_session, pair_of
from tests.support.clinic.vaults import PERSONS, template, today

IT, DA = roles.INDIVIDUAL_THERAPIST, roles.COUNSELOR
MISSING = tuple(item.field for item in REQUIRED if consents.INTERNAL in item.variants)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """Ana and Ben with an agreement and a joint session; nothing here changes anything."""
    with opened(template(tmp_path_factory), tmp_path_factory.mktemp("bad")) as found:
        cleo = found.ws("cleo")
        agree(cleo, pair_of(found.made, found.root))
        hold_session(cleo, pair_of(found.made, found.root))
        for name in ("nadia", "cleo", "sol", "tom", "fay") * 2:  # nobody's program owes anything any more
            found.ws(name)
        yield found


def _stands(clinic: Clinic) -> tuple[int, int, bytes]:
    """Rows of records and acts, which are only ever added, and the digest of everything else but the log."""
    db = clinic.root.session.db
    return db.position.revisions, db.position.acts, db.facts_digest


@contextmanager
def refused(clinic: Clinic, action: str, rule: str) -> Iterator[None]:
    """What happens inside is refused by a rule; the attempt is in the log, and that is all that changed."""
    before, heard = _stands(clinic), clinic.events("refused")
    with pytest.raises(Refused) as caught:
        yield
    assert rule_of(caught.value) == rule, caught.value.message
    assert caught.value.message.endswith((".", "correct.")), "a plain sentence"
    assert clinic.events("refused") == [*heard, f"{action}: {rule}"]
    assert _stands(clinic) == before


@pytest.mark.parametrize("field", MISSING)
def test_an_authorization_without_an_element(clinic: Clinic, field: str) -> None:
    whole = clinic.internal()
    value = getattr(whole, field)
    empty: Any = False if isinstance(value, bool) else () if isinstance(value, tuple) else ""
    with refused(clinic, "authorize", f"consent.{field}"):
        consents.authorize(clinic.ws("nadia"), msgspec.structs.replace(whole, **{field: empty}))


def _later(days: int) -> Callable[[Clinic], dict[str, Any]]:
    return lambda clinic: {"expires_on": clinic.day + timedelta(days=days)}


FORMS: dict[str, tuple[str, Callable[[Clinic], dict[str, Any]]]] = {
    "no end": ("consent.expiry", lambda _: {"expires_on": None}),
    "no scope": ("consent.topics", lambda _: {"topics": (), "records": ()}),
    "expired": ("consent.expired", _later(-1)),
    "more than 90 days": ("consent.ninety_days", _later(91)),
    "self-granted": ("consent.self_grant", lambda clinic: {"recipients": (clinic.colleague("nadia"),)}),
    "signed by the partner": ("consent.signed_by_other", lambda clinic: {"signatures": (clinic.signature("ben"),)}),
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(FORMS))
def test_an_authorization_that_no_rule_allows(clinic: Clinic, what: str) -> None:
    rule, change = FORMS[what]
    with refused(clinic, "authorize", rule):
        consents.authorize(clinic.ws("nadia"), clinic.internal(**change(clinic)))


@pytest.mark.parametrize("who", ["ana", "ben"])
def test_one_signature_where_both_are_needed(clinic: Clinic, who: str) -> None:
    couple = pair_of(clinic.made, clinic.root).id
    form = clinic.internal(to="nadia", person=show_id(couple), source="JNT", topics=("joint sessions",))
    joint = msgspec.structs.replace(form, signatures=(clinic.signature(who),))
    with refused(clinic, "authorize", "consent.signers"):
        consents.authorize(clinic.ws("cleo"), joint)


def test_the_same_person_as_partner_twice(clinic: Clinic) -> None:
    hana = clinic.made.people["hana"]
    with refused(clinic, "link-couple", "couple.same_person"):
        couples.link(clinic.ws("fay"), hana, hana, clinic.user("cleo"))


def test_a_third_partner(clinic: Clinic) -> None:
    for one in ("ana", "ben"):
        with refused(clinic, "link-couple", "couple.third_partner"):
            couples.link(clinic.ws("fay"), clinic.made.people["hana"], clinic.made.people[one], clinic.user("cleo"))


@pytest.mark.parametrize(("who", "role", "other"), [("nadia", IT, "ben"), ("tom", IT, "ana"), ("sol", DA, "ben")])
def test_a_therapist_assigned_to_both_sides(clinic: Clinic, who: str, role: str, other: str) -> None:
    for desk in ("fay", "nadia"):
        with refused(clinic, "assign", "wall"):
            people.assign(clinic.ws(desk), clinic.made.people[other], clinic.user(who), role)


def test_a_therapist_who_is_no_couples_therapist(clinic: Clinic) -> None:
    one, other = (clinic.made.people[name] for name in ("hana", "max"))
    with refused(clinic, "link-couple", "role"):
        couples.link(clinic.ws("fay"), one, other, clinic.user("tom"))


def test_revoking_twice(clinic: Clinic) -> None:
    given = consents.authorize(clinic.ws("nadia"), clinic.internal()).id
    consents.revoke(clinic.ws("nadia"), given)
    for name in ("cleo", "nadia", "cleo", "nadia"):
        clinic.ws(name)
    with refused(clinic, "revoke", "consent.already_revoked"):
        consents.revoke(clinic.ws("nadia"), given)


@pytest.mark.parametrize("other", ["ben", "max"])
def test_a_request_in_the_name_of_someone_else(clinic: Clinic, other: str) -> None:
    nadia, ana = clinic.ws("nadia"), clinic.made.people["ana"]
    asked = requests.RecordRequest(
        requester="the person", requester_id=show_id(clinic.made.people[other]), asked_on=today(nadia),
        verified="Driving license, in person", channel="Her post box", safety_talk=True, recipient=PERSONS[other].given,
    )  # fmt: skip
    with refused(clinic, "record-request", "request.someone_else"):
        requests.prepare(clinic.ws("nadia"), ana, asked)


def test_a_copy_for_somebody_whom_the_person_did_not_name_in_writing(clinic: Clinic) -> None:
    """45 CFR 164.524(c)(3)(ii)."""
    nadia, ana = clinic.ws("nadia"), clinic.made.people["ana"]
    asked = requests.RecordRequest(
        requester="the person", asked_on=today(nadia), verified="Driving license, in person", channel="Her post box",
        safety_talk=True, recipient="An Attorney",
    )  # fmt: skip
    with refused(clinic, "record-request", "release.request_recipient"):
        requests.prepare(clinic.ws("nadia"), ana, asked)
