"""Nothing leaves without a ground, a row, a notice and a copy of the consent; the accounting names no partner."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from iop_tui.access import charts, roles
from iop_tui.access.explain import who
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import put
from iop_tui.clinical.compliance import service as compliance
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.api import Ground, Recipient
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.imports.service import import_items
from iop_tui.clinical.people import service as people
from iop_tui.kernel.errors import NotFound
from iop_tui.kernel.ids import show_id
from iop_tui.slices import TYPES
from iop_tui.workspace import Workspace
from tests.support.clinic import couples
from tests.support.clinic.consents import Clinic, opened, refused
from tests.support.clinic.fhir import patient, read_bundle, resource
from tests.support.clinic.vaults import note, template

KINDS = {kind.kind: kind for kind in TYPES}
LEE = Recipient(name="Dr Lee", address="1 Main St")


@pytest.fixture
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """A program of its own for every test."""
    with opened(template(tmp_path_factory), tmp_path_factory.mktemp("releases")) as found:
        yield found


def ground(basis: str = disclosures.CONSENT, **more: object) -> Ground:
    return replace(Ground(basis, LEE, "Coordination of care"), **more)  # type: ignore[arg-type]


def release(clinic: Clinic, name: str, records: list[bytes], terms: Ground, who: str = "ana") -> consents.Released:
    """Release and commit, as a caller does before the bytes leave."""
    ws = clinic.ws(name)
    work = ws.work()
    done = consents.release(ws, work, clinic.made.people[who], records, terms)
    ws.commit(work)
    return done


def keep(ws: Workspace, clinic: Clinic, kind: str, words: str, place: str, role: str = "") -> bytes:
    """A record in some part of Ana's chart."""
    work = ws.work()
    document = note(clinic.day, words) if kind == "progress_note" else KINDS[kind].parse({"text": words})
    compartment = charts.compartment_for(ws.session, clinic.made.people["ana"], place, role)
    record, _ = put(ws.session, work, compartment, KINDS[kind], document, person=clinic.made.people["ana"])
    ws.session.note(work, "write", subject=record)
    ws.commit(work)
    return record


def test_a_release_writes_its_row_and_carries_notice_and_consent(clinic: Clinic) -> None:
    form = clinic.outward(consents.HIPAA, topics=("progress notes",))
    made = consents.authorize(clinic.ws("nadia"), form)
    done = release(clinic, "nadia", [clinic.made.notes["ana0"]], ground(consent=made.id))
    assert done.notice == consents.wording.REDISCLOSURE
    assert "Dr Lee, 1 Main St" in done.consent_copy
    assert "Ana Quill, client, typed in person" in done.consent_copy
    (row,) = disclosures.accounting(clinic.ws("nadia"), clinic.made.people["ana"]).rows
    assert (row.recipient, row.address, row.what) == ("Dr Lee", "1 Main St", "1 × progress note")
    assert (row.purpose, row.basis, row.notice) == ("Coordination of care", "consent", True)
    kept = [item for item in clinic.readable("abe").values() if item.kind == "disclosure"]
    assert len(kept) == 1, "the privacy officer and the auditor have a copy"
    assert [item for item in clinic.readable("tom").values() if item.kind == "disclosure"] == []
    assert "consent" in clinic.events("disclose")


def test_p1_the_accounting_is_for_any_period_and_six_years(clinic: Clinic) -> None:
    ana = clinic.made.people["ana"]
    tomorrow = clinic.day + timedelta(days=1)
    assert disclosures.accounting(clinic.ws("nadia"), ana, since=tomorrow, until=tomorrow).rows == ()
    whole = disclosures.accounting(clinic.ws("nadia"), ana)
    assert whole.since.year == clinic.day.year - 6
    assert "only one clinician may read" in whole.closing
    assert clinic.events("accounting")
    with pytest.raises(NotFound):
        disclosures.accounting(clinic.ws("tom"), ana)


@pytest.mark.parametrize(
    ("state", "rule"),
    [("revoked", "release.consent_revoked"), ("expired", "release.consent_expired"), ("none", "release.no_consent")],
)
def test_s1_without_a_consent_in_force_nothing_leaves(clinic: Clinic, state: str, rule: str) -> None:
    ws = clinic.ws("nadia")
    made = consents.authorize(ws, clinic.outward(consents.HIPAA, expires_on=clinic.day + timedelta(days=1)))
    if state == "revoked":
        consents.revoke(ws, made.id)
    if state == "expired":
        clinic.pass_days(2)
    before = clinic.ws("nadia").session.db.position.revisions
    with refused(rule):
        release(
            clinic, "nadia", [clinic.made.notes["ana0"]], ground(consent=None if state == "none" else made.id)
        )
    assert clinic.ws("nadia").session.db.position.revisions == before
    assert f"release: {rule}" in clinic.events("refused")


def test_a_consent_covers_what_it_says_and_no_more(clinic: Clinic) -> None:
    ws = clinic.ws("nadia")
    ana0, ana2 = clinic.made.notes["ana0"], clinic.made.notes["ana2"]
    recent = clinic.day - timedelta(days=10)
    made = consents.authorize(
        ws, clinic.outward(consents.SPECIFIC, topics=("progress notes",), covers_from=recent)
    )
    with refused("release.not_covered"):
        release(clinic, "nadia", [ana0, ana2], ground(consent=made.id))
    with refused("release.other_recipient"):
        release(clinic, "nadia", [ana0], ground(consent=made.id, recipient=Recipient(name="Dr Moe")))
    with refused("release.recipient"):
        release(clinic, "nadia", [ana0], ground(consent=made.id, purpose=""))
    with refused("release.recipient"):
        release(clinic, "nadia", [ana0], ground(disclosures.OPERATIONS, recipient=Recipient(name=" -- ")))
    with refused("release.nothing"):
        release(clinic, "nadia", [], ground(consent=made.id))
    with refused("release.other_person"):
        release(clinic, "nadia", [ana0], ground(consent=made.id), who="max")
    inside = consents.authorize(ws, clinic.internal())
    with refused("release.internal_only"):
        release(clinic, "nadia", [ana0], ground(consent=inside.id))
    with pytest.raises(NotFound):
        release(clinic, "nadia", [clinic.made.notes["ben0"]], ground(disclosures.REQUEST))
    consents.revoke(clinic.ws("nadia"), inside.id)


def test_s2_private_notes_leave_only_by_their_own_form(clinic: Clinic) -> None:
    ws = clinic.ws("nadia")
    private = keep(ws, clinic, "psychotherapy_note", "Otter.", Kind.PSY, roles.INDIVIDUAL_THERAPIST)
    general = consents.authorize(ws, clinic.outward(consents.HIPAA))
    for terms in (ground(consent=general.id), ground(disclosures.REQUEST), ground(disclosures.OPERATIONS)):
        with refused("release.private_note"):
            release(clinic, "nadia", [private], terms)
    own = consents.authorize(ws, clinic.outward(
        consents.NOTES, categories=(consents.PSYCHOTHERAPY,), source="PSY", records=(show_id(private),)
    ))  # fmt: skip
    with refused("release.notes_only"):
        release(clinic, "nadia", [clinic.made.notes["ana0"]], ground(consent=own.id))
    assert release(clinic, "nadia", [private], ground(consent=own.id)).rows
    kept = [item for item in clinic.readable("abe").values() if b"psychotherapy" in item.payload]
    assert kept == [], "what an author keeps alone tells nobody that it exists"
    rows = disclosures.accounting(clinic.ws("nadia"), clinic.made.people["ana"]).rows
    assert any("psychotherapy note" in row.what for row in rows), "its author's list has it"


def test_s3_part2_records_need_a_part2_consent_and_carry_its_notice(clinic: Clinic) -> None:
    sol = clinic.ws("sol")
    record = keep(sol, clinic, "progress_note", "Slip on Friday.", Kind.SUD)
    hipaa = consents.authorize(sol, clinic.outward(consents.HIPAA))
    with refused("release.part2"):
        release(clinic, "sol", [record], ground(consent=hipaa.id))
    with refused("release.part2"):
        release(clinic, "sol", [record], ground(disclosures.OPERATIONS))
    part2 = consents.authorize(sol, clinic.outward(consents.SPECIFIC))
    done = release(clinic, "sol", [record], ground(consent=part2.id))
    assert done.notice.startswith("42 CFR part 2 prohibits unauthorized use or disclosure of these records.")


def test_a_consent_for_payment_covers_payers_without_naming_them(clinic: Clinic) -> None:
    sol = clinic.ws("sol")
    record = keep(sol, clinic, "progress_note", "Billed.", Kind.SUD)
    made = consents.authorize(sol, clinic.outward(
        consents.TPO, recipients=(Recipient(name=consents.wording.TPO_RECIPIENT),), expires_on=None,
        expires_event="end of treatment", purpose=consents.wording.TPO_PURPOSE,
    ))  # fmt: skip
    payer = Recipient(name="Example Health Plan")
    assert release(clinic, "sol", [record], ground(consent=made.id, recipient=payer)).rows
    told = "SELECT json_extract(doc, '$.state') FROM record WHERE kind = 'payer_consent' ORDER BY id"
    assert clinic.ws("bill").view.rows(told) == [("in force",)]
    consents.revoke(clinic.ws("sol"), made.id)
    assert clinic.ws("bill").view.rows(told) == [("in force",), ("revoked",)], "the biller is warned"
    asked = {item.who: item for item in who(sol.session, record, payer_consent=True).asked}
    assert "under the person's consent" in asked["a payer"].rule


def test_164_524_a_request_gives_a_person_their_own_copy_and_nobody_elses_name_does(clinic: Clinic) -> None:
    """The name as the directory has it, however it is spaced; whoever asks in their place says by what authority."""
    nadia, note_of_hers = clinic.ws("nadia"), clinic.made.notes["ana0"]
    for name in ("Ana", "Quill", "Ana Quill Jr", "Ana Quillx", "Benjamin Odell", "the person"):
        with refused("release.request_recipient"):
            release(clinic, "nadia", [note_of_hers], ground(disclosures.REQUEST, recipient=Recipient(name=name)))
    assert "release: release.request_recipient" in clinic.events("refused")
    before = len(disclosures.accounting(nadia, clinic.made.people["ana"]).rows)
    for name in ("Ana Quill", " ana  QUILL "):
        release(clinic, "nadia", [note_of_hers], ground(disclosures.REQUEST, recipient=Recipient(name=name)))
    release(clinic, "nadia", [note_of_hers], ground(disclosures.REQUEST, authority="guardian: order 12"))
    assert len(disclosures.accounting(nadia, clinic.made.people["ana"]).rows) == before + 3


def test_what_was_shared_is_released_by_who_shared_it(clinic: Clinic) -> None:
    made = consents.authorize(clinic.ws("nadia"), clinic.internal())
    copy = clinic.ws("cleo").view.rows("SELECT record FROM record WHERE kind = 'progress_note'")[0][0]
    with refused("release.not_yours"):
        release(clinic, "cleo", [copy], ground(disclosures.REQUEST))
    consents.revoke(clinic.ws("nadia"), made.id)


# -- who could read this -------------------------------------------------------------------


def test_explain_answers_from_live_wraps_with_the_rule_for_each(clinic: Clinic) -> None:
    nadia, record = clinic.ws("nadia"), clinic.made.notes["ana0"]
    assert [item.name for item in who(nadia.session, record).readers] == ["Nadia"]
    made = consents.authorize(nadia, clinic.internal())
    found = who(clinic.ws("nadia").session, record)
    assert [(item.name, item.via) for item in found.readers] == [("Cleo", "share"), ("Nadia", "member")]
    assert found.readers[0].rule == "consent: Coordination of care"
    assert found.readers[0].until
    lines = {line.role: line for line in found.roles}
    assert lines[roles.COUPLES_THERAPIST].names == ("Cleo",)
    assert lines[roles.COUPLES_THERAPIST].rule.startswith("only by the client's authorization")
    assert not lines[roles.FRONT_DESK].inside
    assert not lines[roles.ADMINISTRATOR].inside
    assert {item.who: item.inside for item in found.asked} == {
        "the person, alone": True, "the partner, alone": False, "a payer": False, "a court": False,
    }  # fmt: skip
    copy = clinic.ws("cleo").view.rows("SELECT record FROM record WHERE kind = 'progress_note'")[0][0]
    for_cleo = who(clinic.ws("cleo").session, copy)
    assert for_cleo.kind == "IND"
    assert "Cleo" in [item.name for item in for_cleo.readers]
    with pytest.raises(NotFound):
        who(clinic.ws("tom").session, record)
    consents.revoke(clinic.ws("nadia"), made.id)
    assert [item.name for item in who(clinic.ws("nadia").session, record).readers] == ["Nadia"]


# -- private notes from outside ------------------------------------------------------------


def test_private_notes_from_outside_go_to_their_reader_alone(clinic: Clinic, tmp_path: Path) -> None:
    security = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSYTHPN"}]
    text = base64.b64encode(b"Walrus in the transference.").decode()
    private = resource(
        "DocumentReference", "n", status="current", meta={"security": security}, type={"text": "Note"},
        content=[{"attachment": {"contentType": "text/plain", "data": text}}],
    )  # fmt: skip
    items = read_bundle(tmp_path, patient(), private).items

    def bring_in() -> list[str]:
        return [item.reason for item in import_items(clinic.ws("fay"), items).rejected]

    (reason,) = bring_in()
    assert "164.501" in reason, "nobody is authorized to receive it"
    ada = clinic.ws("fay").view.rows("SELECT id FROM person WHERE name = 'Ada Nobody'")[0][0]
    people.assign(clinic.ws("fay"), ada, clinic.user("tom"), roles.INDIVIDUAL_THERAPIST)
    people.assign(clinic.ws("fay"), ada, clinic.user("sol"), roles.COUNSELOR)
    signed = clinic.signature("ana", person=show_id(ada), name="Ada Nobody")
    form = clinic.outward(
        consents.NOTES, person=show_id(ada), discloser="Dr Lee", recipients=(clinic.colleague("tom"),),
        categories=(consents.PSYCHOTHERAPY,), expires_on=clinic.day + timedelta(days=30), signatures=(signed,),
    )  # fmt: skip
    with refused("consent.receiver"):
        consents.authorize(clinic.ws("tom"), msgspec.structs.replace(form, recipients=(clinic.colleague("sol"),)))
    made = consents.authorize(clinic.ws("tom"), form)
    assert bring_in() == []
    for name in clinic.made.users:
        assert clinic.payloads(name, "Walrus") == (1 if name == "tom" else 0), name
    row = clinic.ws("tom").view.one(
        "SELECT c.kind FROM record r JOIN compartment c ON c.id = r.compartment WHERE r.kind = 'received_note'"
    )
    assert row == ("PSY",)
    consents.revoke(clinic.ws("tom"), made.id)
    assert consents.receiver(clinic.ws("fay"), ada) is None


def test_cr10_a_joint_record_leaves_on_no_word_of_one_partner(clinic: Clinic) -> None:
    """A consent serves the basis consent alone: named beside another ground, revoked or not, it opens nothing."""
    cleo = clinic.ws("cleo")
    pair = couples.pair_of(clinic.made, cleo)
    couples.agree(cleo, pair)
    session = couples.hold_session(cleo, pair)
    given = couples.joint_release(cleo, pair, "Dr Lee", ("Ana Quill", "Benjamin Odell"))
    assert release(clinic, "cleo", [session], ground(consent=given)).rows
    consents.revoke(clinic.ws("cleo"), given)
    for basis in disclosures.BASES:
        with refused("release.consent_revoked" if basis == disclosures.CONSENT else "release.basis"):
            release(clinic, "cleo", [session], ground(basis, consent=given))
        if basis != disclosures.CONSENT:
            with refused("release.both_sign"):
                release(clinic, "cleo", [session], ground(basis))


def test_p1_what_is_kept_apart_changes_nothing_in_the_auditors_report(clinic: Clinic) -> None:
    nadia, ana = clinic.ws("nadia"), clinic.made.people["ana"]
    disclosures.accounting(nadia, ana)
    seen = _told(clinic, ana)
    apart = keep(nadia, clinic, "progress_note", "Apart.", Kind.SAFE, roles.INDIVIDUAL_THERAPIST)
    release(clinic, "nadia", [apart], ground(disclosures.EMERGENCY))
    with refused("release.never_billed"):
        release(clinic, "nadia", [apart], ground(disclosures.OPERATIONS))
    assert _told(clinic, ana) == seen
    disclosures.accounting(clinic.ws("nadia"), ana)
    assert _told(clinic, ana) == [*seen, seen[-1]]


def _told(clinic: Clinic, person: bytes) -> list[tuple[str, str, str]]:
    """What the auditor reads of releases about a person."""
    kinds = ("accounting", "refused", "disclose", "deposit", "release")
    lines = compliance.audit_report(clinic.ws("abe"), person=person)
    return [(line.action, line.category, line.detail) for line in lines if line.action in kinds]
