"""Executing a consent is what makes the share; expiry, revocation and a reader's leaving end it (CR-2, CR-8, CR-9).

Checked at the services and by decrypting every stored row with every user's keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest

from iop_tui.access import charts, primitives, roles
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import put
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.api import Recipient
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.people import service as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.staff import profiles
from iop_tui.clinical.staff import service as staff
from iop_tui.kernel.declare import Document
from iop_tui.kernel.errors import NotFound, ReauthNeeded, Refused, WallRefused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.slices import TYPES
from iop_tui.vault.digest import sha256
from iop_tui.workspace import Workspace
from tests.support.clinic.consents import Clinic, opened, refused
from tests.support.clinic.oracle import Log
from tests.support.clinic.vaults import PHRASE, Member, note, template

KINDS = {kind.kind: kind for kind in TYPES}


@pytest.fixture
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """A program of its own for every test."""
    with opened(template(tmp_path_factory), tmp_path_factory.mktemp("consents")) as found:
        yield found


def shared(ws: Workspace) -> list[bytes]:
    """Records in shares that this user sees, consents apart."""
    return [
        row[0] for row in ws.view.rows(
            "SELECT r.record FROM record r JOIN compartment c ON c.id = r.compartment WHERE c.kind = 'SHARE' AND"
            " r.kind NOT IN ('consent', 'cosign_request') ORDER BY r.id"
        )
    ]  # fmt: skip


def write(ws: Workspace, clinic: Clinic, words: str, who: str = "ana", *, sign: bool = True, ago: int = 1) -> bytes:
    """A progress note with some words."""
    saved = notes.save(ws, clinic.made.people[who], note(clinic.day - timedelta(days=ago), words))
    if sign:
        notes.sign(ws, [saved.record])
    return saved.record


def test_t5_the_share_is_the_access_and_revoking_it_ends_it_at_once(clinic: Clinic) -> None:
    nadia, cleo = clinic.ws("nadia"), clinic.ws("cleo")
    assert clinic.payloads("cleo", "quarry walk") == 0
    made = consents.authorize(nadia, clinic.internal())
    assert [(item.name, item.records) for item in made.shares] == [("Cleo", 3)]
    cleo = clinic.ws("cleo")
    copies = shared(cleo)
    assert len(copies) == 3
    assert clinic.payloads("cleo", "quarry walk") == 1
    read = records.read(cleo, copies[0])
    assert read.document is not None
    assert read.line.author_name == "Nadia"
    under = consents.shared_under(cleo, copies[0])
    assert under is not None
    assert (under.consent, under.source_kind) == (made.id, "IND")
    assert not nadia.session.holds(charts.compartment_for(nadia.session, clinic.made.people["ana"], Kind.SUD))
    ended = consents.revoke(clinic.ws("nadia"), made.id)
    assert ended.ended == 1
    assert any("3 × progress note to Cleo" in line for line in ended.cannot_undo)
    stale = clinic.stale("cleo")
    with pytest.raises(NotFound):
        records.read(stale, copies[0])  # the very next read, without asking for a catch-up first
    cleo = clinic.ws("cleo")
    assert shared(cleo) == []
    assert cleo.purge_owed()
    assert clinic.payloads("cleo", "quarry walk") == 0
    assert cleo.view.rows("SELECT 1 FROM searchtext WHERE body LIKE '%quarry walk%'") == []
    cleo.rebuild_view()
    assert not cleo.purge_owed()
    assert shared(cleo) == []
    assert "consent.already_revoked" not in clinic.events("refused")
    with refused("consent.already_revoked"):
        consents.revoke(clinic.ws("nadia"), made.id)
    assert "revoke: consent.already_revoked" in clinic.events("refused")


def test_nobody_but_the_reader_can_decrypt_a_share(clinic: Clinic) -> None:
    made = consents.authorize(clinic.ws("nadia"), clinic.internal())
    rows = {name: set(clinic.readable(name)) for name in clinic.made.users}
    copies = {row[0] for row in clinic.ws("cleo").view.rows(
        "SELECT r.leaf FROM record r JOIN compartment c ON c.id = r.compartment WHERE c.kind = 'SHARE'")}  # fmt: skip
    assert len(copies) == 4  # three notes and the consent itself
    for name in clinic.made.users:
        assert copies <= rows[name] if name == "cleo" else not copies & rows[name], name
    consents.revoke(clinic.ws("nadia"), made.id)
    assert not copies & set(clinic.readable("cleo"))


def test_expiry_ends_the_share_by_itself(clinic: Clinic) -> None:
    made = consents.authorize(clinic.ws("nadia"), clinic.internal(expires_on=clinic.day + timedelta(days=1)))
    assert len(shared(clinic.ws("cleo"))) == 3
    clinic.pass_days(1)  # the last day counts
    assert len(shared(clinic.ws("cleo"))) == 3
    clinic.pass_days(1)
    assert shared(clinic.ws("cleo")) == []
    assert clinic.payloads("cleo", "quarry walk") == 0
    line = consents.consent(clinic.ws("nadia"), made.id)
    assert line.state == consents.EXPIRED
    with refused("consent.expired"):
        consents.revoke(clinic.ws("nadia"), made.id)


def test_a_standing_topic_is_shared_when_it_is_signed_and_drafts_never_are(clinic: Clinic) -> None:
    nadia = clinic.ws("nadia")
    made = consents.authorize(nadia, clinic.internal(covers_from=clinic.day))
    assert made.shares == ()
    record = write(nadia, clinic, "Saw the lighthouse.", sign=False, ago=0)
    consents.keep_up(nadia)
    assert clinic.payloads("cleo", "lighthouse") == 0
    notes.sign(nadia, [record])
    consents.keep_up(nadia)
    assert len(shared(clinic.ws("cleo"))) == 1
    assert clinic.payloads("cleo", "lighthouse") == 1
    notes.addend(nadia, record, text="The lighthouse was red.", reason="clarification")
    addendum = nadia.view.rows("SELECT record FROM record WHERE kind = 'addendum' ORDER BY id DESC LIMIT 1")[0][0]
    notes.sign(nadia, [addendum])
    before = nadia.session.db.position
    consents.keep_up(nadia)
    assert len(shared(clinic.ws("cleo"))) == 2
    assert nadia.session.db.position != before
    before = clinic.ws("nadia").session.db.position
    consents.keep_up(clinic.ws("nadia"))
    assert nadia.session.db.position == before, "what was shared once is not shared again"
    write(nadia, clinic, "An older lighthouse.", ago=5)
    consents.keep_up(nadia)
    assert len(shared(clinic.ws("cleo"))) == 2, "outside the period"
    assert consents.revoke(clinic.ws("nadia"), made.id).ended == 2
    write(nadia, clinic, "Another lighthouse.", ago=0)
    consents.keep_up(nadia)
    assert shared(clinic.ws("cleo")) == [], "revocation is prospective"


def test_revocation_per_recipient_leaves_the_others(clinic: Clinic) -> None:
    both = (clinic.colleague("cleo"), clinic.colleague("sol"))
    made = consents.authorize(clinic.ws("nadia"), clinic.internal(recipients=both))
    assert len(shared(clinic.ws("cleo"))) == len(shared(clinic.ws("sol"))) > 0
    with refused("consent.no_such_recipient"):
        consents.revoke(clinic.ws("nadia"), made.id, recipients=("Tom",))
    consents.revoke(clinic.ws("nadia"), made.id, recipients=("Cleo",))
    assert shared(clinic.ws("cleo")) == []
    assert shared(clinic.ws("sol"))
    line = consents.consent(clinic.ws("nadia"), made.id)
    assert line.state == consents.IN_FORCE
    assert [item.name for item in line.open_to] == ["Sol"]
    with refused("consent.already_revoked"):
        consents.revoke(clinic.ws("nadia"), made.id, recipients=("cleo",))
    write(clinic.ws("nadia"), clinic, "After the first revocation.", ago=0)
    consents.keep_up(clinic.ws("nadia"))
    assert clinic.payloads("cleo", "first revocation") == 0
    assert clinic.payloads("sol", "first revocation") == 1
    consents.revoke(clinic.ws("nadia"), made.id)
    assert shared(clinic.ws("sol")) == []


def test_a_share_ends_when_its_reader_leaves_the_care(clinic: Clinic) -> None:
    consents.authorize(clinic.ws("nadia"), clinic.internal(to="sol"))
    assert shared(clinic.ws("sol"))
    people.end_care(clinic.ws("fay"), clinic.made.people["ana"], clinic.user("sol"))
    consents.keep_up(clinic.ws("nadia"))
    assert shared(clinic.ws("sol")) == []
    assert clinic.payloads("sol", "quarry walk") == 0


def private_note(clinic: Clinic, words: str) -> bytes:
    """A psychotherapy note of Nadia about Ana."""
    nadia = clinic.ws("nadia")
    kind = KINDS["psychotherapy_note"]
    work = nadia.work()
    place = charts.compartment_for(nadia.session, clinic.made.people["ana"], Kind.PSY, roles.INDIVIDUAL_THERAPIST)
    document: Document = kind.parse({"text": words, "written_on": clinic.day.isoformat()})
    record, _ = put(nadia.session, work, place, kind, document, person=clinic.made.people["ana"])
    nadia.session.note(work, "write", subject=record)
    nadia.commit(work)
    return record


def test_private_notes_go_one_by_one_by_their_own_form_to_who_the_policy_foresees(clinic: Clinic) -> None:
    one, other = private_note(clinic, "Zebra countertransference."), private_note(clinic, "Ostrich dream.")
    for name in clinic.made.users:  # T2 by decryption
        assert clinic.payloads(name, "Zebra") == (1 if name == "nadia" else 0), name
    form = msgspec.structs.replace(
        clinic.internal(to="uma"), variant=consents.NOTES, source="PSY", topics=(), records=(show_id(one),),
        categories=(consents.PSYCHOTHERAPY,),
    )  # fmt: skip
    with refused("consent.not_foreseen"):
        consents.authorize(clinic.ws("nadia"), form)
    supervise(clinic, "nadia", "uma")
    made = consents.authorize(clinic.ws("nadia"), form)
    assert [item.records for item in made.shares] == [1]
    assert clinic.payloads("uma", "Zebra") == 1
    assert clinic.payloads("uma", "Ostrich") == 0
    assert other
    assert len(shared(clinic.ws("uma"))) == 1
    assert consents.revoke(clinic.ws("nadia"), made.id).ended == 1
    assert clinic.payloads("uma", "Zebra") == 0
    assert clinic.payloads("nadia", "Zebra") >= 1


def supervise(clinic: Clinic, who: str, by: str) -> None:
    """Say in the staff profile who supervises somebody."""
    value = profiles.StaffProfile(credential="LCSW", supervisor=show_id(clinic.user(by)))
    profiles.set_profile(clinic.ws("nadia"), clinic.user(who), value)


def test_a_former_members_knowledge_of_the_source_does_not_open_later_shares(clinic: Clinic) -> None:
    """What is wrapped to the source's members is wrapped to a key that nobody knows who left."""
    new = staff.add_user(clinic.ws("nadia"), name="Mia", user_roles=(roles.MEDICAL_DIRECTOR,), phrase=bytearray(PHRASE))
    clinic.made.users["mia"] = Member("Mia", new.secrets, new)
    people.assign(clinic.ws("fay"), clinic.made.people["ana"], new.user, roles.MEDICAL_DIRECTOR)
    clinic.ws("nadia")
    clinic.ws("mia")
    assert clinic.payloads("mia", "quarry walk") == 1
    early = consents.authorize(clinic.ws("nadia"), clinic.internal())
    assert shared(clinic.ws("mia")) == [], "members of the source have the originals, and no copies"
    assert disclosures.rows(clinic.ws("mia"), consent=early.id), "they see what is shared of it"
    people.end_care(clinic.ws("fay"), clinic.made.people["ana"], new.user)
    late = consents.authorize(clinic.ws("nadia"), clinic.internal(to="sol", covers_from=clinic.day))
    write(clinic.ws("nadia"), clinic, "Under a new key.", ago=0)
    consents.keep_up(clinic.ws("nadia"))
    log = Log.of(clinic.root.session.db, clinic.root.realm)
    everything = log.readable(log.keys(new.user, new.secrets.enc_seed, None))
    assert any(b"quarry walk" in row.payload for row in everything.values())
    assert not any(b"Under a new key" in row.payload for row in everything.values())
    for made in (early, late):
        assert consents.revoke(clinic.ws("nadia"), made.id).ended >= 1


# -- bad input -----------------------------------------------------------------------------


def unchanged(clinic: Clinic) -> tuple[int, int]:
    position = clinic.root.session.db.position
    return position.revisions, position.acts


def test_refused_consents_change_nothing_and_are_audited(clinic: Clinic) -> None:
    nadia = clinic.ws("nadia")
    ben = clinic.signature("ben")
    whole = clinic.internal()
    cases = [
        ("consent.purpose", clinic.internal(purpose="")),
        ("consent.expired", clinic.internal(expires_on=clinic.day - timedelta(days=1))),
        ("consent.ninety_days", clinic.internal(expires_on=clinic.day + timedelta(days=91))),
        ("consent.self_grant", clinic.internal(recipients=(clinic.colleague("nadia"),))),
        ("consent.signed_by_other", clinic.internal(signatures=(ben,))),
        ("consent.name", clinic.internal(signatures=(clinic.signature("ana", name="Ben Odell"),))),
        ("consent.not_foreseen", clinic.internal(to="tom")),  # the partner's therapist
        ("consent.not_foreseen", clinic.internal(to="bill")),
        ("consent.names_partner", clinic.internal(purpose="Because Ben asked")),
        ("consent.no_key", clinic.internal(source="SUD")),
        ("consent.no_key", clinic.internal(who="ben")),
        ("consent.no_key", clinic.internal(source="HOLD", topics=(), records=("x",))),
        ("consent.records", clinic.internal(topics=(), records=(show_id(clinic.made.notes["draft"]),))),
    ]
    for rule, form in cases:
        before, heard = unchanged(clinic), len(clinic.events("refused"))
        with refused(rule):
            consents.authorize(nadia, form)
        assert unchanged(clinic) == before, rule
        told = clinic.events("refused")
        assert (len(told), f"authorize: {rule}" in told) == (heard + 1, True), rule
    assert consents.check(nadia, whole) == ()


def test_t1_the_partners_therapist_finds_nothing_by_any_way(clinic: Clinic) -> None:
    made = consents.authorize(clinic.ws("nadia"), clinic.internal())
    tom = clinic.ws("tom")
    with pytest.raises(NotFound):
        records.read(tom, clinic.made.notes["ana0"])
    with pytest.raises(NotFound):
        consents.consent(tom, made.id)
    with pytest.raises(NotFound):
        consents.authorize(tom, clinic.internal())
    assert records.search(tom, "quarry walk") == []
    assert consents.consents(tom) == []
    assert clinic.payloads("tom", "quarry walk") == 0


def test_one_signature_does_not_release_what_is_joint(clinic: Clinic) -> None:
    cleo = clinic.ws("cleo")
    couple, link = next(iter(charts.couple_links(cleo.session).items()))
    joint = clinic.internal(to="nadia", person=show_id(couple), source="JNT", topics=("joint sessions",))
    with refused("consent.signers"):
        consents.authorize(cleo, joint)
    ana, ben = clinic.signature("ana"), clinic.signature("ben")
    with refused("consent.signed_twice"):
        consents.authorize(cleo, msgspec.structs.replace(joint, signatures=(ana, ana, ben)))
    with refused("consent.no_key"):
        consents.authorize(clinic.ws("nadia"), msgspec.structs.replace(joint, signatures=(ana, ben)))
    record = put_joint(clinic, couple, link)
    made = consents.authorize(cleo, msgspec.structs.replace(joint, signatures=(ana, ben)))
    assert record
    assert [item.name for item in made.shares] == ["Nadia"]
    assert clinic.payloads("nadia", "Giraffe") == 1
    assert clinic.payloads("tom", "Giraffe") == 0
    for who in ("ana", "ben"):
        rows = disclosures.accounting(clinic.ws("cleo"), clinic.made.people[who], internal=True).rows
        other = "Ben" if who == "ana" else "Ana"
        assert rows
        assert not any(other in str(row) or "Odell" in str(row) or "Quill" in str(row) for row in rows)
    consents.revoke(clinic.ws("cleo"), made.id)
    assert clinic.payloads("nadia", "Giraffe") == 0


def put_joint(clinic: Clinic, couple: bytes, link: charts.CoupleLink) -> bytes:
    """Something in the joint record, as it is imported: kept without a signature."""
    cleo = clinic.ws("cleo")
    kind = KINDS["joint_closing"]
    work = cleo.work()
    document = msgspec.json.decode(b'{"summary": "Giraffe."}')
    fields = set(kind.struct.__struct_fields__)
    text = next(name for name in ("summary", "text", "course", "closing") if name in fields)
    value = kind.parse({text: document["summary"]})
    record, leaf = put(cleo.session, work, parse_id(link.joint), kind, value, person=couple)
    cleo.session.note(work, "write", subject=record)
    cleo.commit(work)
    if kind.signable:
        sign_joint(cleo, record, leaf, couple, parse_id(link.joint))
    return record


def sign_joint(ws: Workspace, record: bytes, leaf: bytes, couple: bytes, compartment: bytes) -> None:
    """Sign it as its author, without the rules of the joint record: those have tests of their own."""
    what_was, kind, document = signing.opened_document(ws, record)
    work = ws.work()
    place = signing.Home(compartment, "JNT", roles.COUPLES_THERAPIST)
    what = signing.Signing(record, leaf, couple, kind, document, sha256(what_was.stored), compartment, place)
    signing.attach(ws, work, what)
    ws.commit(work)


def test_signing_a_consent_asks_for_the_passphrase(clinic: Clinic) -> None:
    nadia = clinic.ws("nadia")
    clinic.pass_days(0.1)
    with pytest.raises(ReauthNeeded):
        consents.authorize(nadia, clinic.internal())


def test_a_recipient_does_not_share_on(clinic: Clinic) -> None:
    made = consents.authorize(clinic.ws("nadia"), clinic.internal())
    cleo = clinic.ws("cleo")
    work = cleo.work()
    reader = primitives.user_recipient(cleo.session, clinic.user("tom"), roles.INDIVIDUAL_THERAPIST)
    row = cleo.view.one("SELECT compartment FROM record WHERE record = ?", (shared(cleo)[0],))
    assert row is not None
    target = primitives.Target(row[0], Kind.SHARE, clinic.made.people["ana"])
    primitives.give_member(cleo.session, work, [target], [reader], act="transfer")
    cleo.session.note(work, "transfer")
    cleo.commit(work)
    assert shared(clinic.ws("tom")) == [], "a share cannot be given on"
    with pytest.raises(Refused):
        consents.revoke(clinic.ws("cleo"), made.id)
    consents.revoke(clinic.ws("nadia"), made.id)


def test_a_rival_founding_of_the_source_ends_nobodys_share(clinic: Clinic) -> None:
    """A modified program that says it founded Ana's record anew is no member of what owns the share."""
    nadia, tom = clinic.ws("nadia"), clinic.ws("tom")
    source = charts.compartment_for(nadia.session, clinic.made.people["ana"], Kind.IND)
    work = tom.work()
    target = primitives.Target(source, Kind.IND, clinic.made.people["ana"])
    victim = primitives.user_recipient(tom.session, clinic.user("nadia"), roles.INDIVIDUAL_THERAPIST)
    primitives.open_compartment(tom.session, work, target, [victim], act="open-compartment", number=9)
    tom.session.note(work, "settle")
    tom.commit(work)
    made = consents.authorize(clinic.ws("nadia"), clinic.internal())
    tom = clinic.ws("tom")
    wraps = tom.view.rows("SELECT id FROM wrap WHERE act = ?", (made.shares[0].act,))
    work = tom.work()
    tom.session.act(work, "revoke", revokes=tuple(row[0] for row in wraps))
    tom.session.note(work, "revoke")
    tom.commit(work)
    assert len(wraps) == 2
    assert shared(clinic.ws("cleo")), "the share stands"
    assert "may not end this access" in str(clinic.ws("cleo").view.rows("SELECT why FROM quarantine"))
    assert consents.revoke(clinic.ws("nadia"), made.id).ended == 1
    assert shared(clinic.ws("cleo")) == []


def test_pasting_into_the_joint_record_needs_a_consent_t4(clinic: Clinic) -> None:
    nadia = clinic.ws("nadia")
    source = clinic.made.notes["ana0"]
    assert consents.covering(nadia, source) is None
    made = consents.authorize(nadia, clinic.internal(recipients=(Recipient(name=consents.JOINT_RECORD),)))
    assert made.shares == ()
    assert consents.covering(nadia, source) == made.id
    consents.revoke(nadia, made.id)
    assert consents.covering(nadia, source) is None


def test_cr1_the_wall_is_not_moved_by_an_authorization(clinic: Clinic) -> None:
    made = consents.authorize(clinic.ws("nadia"), clinic.internal(to="sol"))
    with pytest.raises(WallRefused):
        people.assign(clinic.ws("fay"), clinic.made.people["ben"], clinic.user("nadia"), roles.INDIVIDUAL_THERAPIST)
    with pytest.raises(WallRefused):
        people.assign(clinic.ws("fay"), clinic.made.people["ben"], clinic.user("sol"), roles.COUNSELOR)
    consents.revoke(clinic.ws("nadia"), made.id)
