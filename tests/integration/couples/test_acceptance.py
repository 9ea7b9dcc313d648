"""The acceptance table T1 to T14, by what each user's raw keys decrypt of every stored row.

The services' side of T3, T4, T6, T7 is in `test_no_inference`, `test_requests`, `test_labels`, `test_agreement`,
`test_separation`; of T5 in `consents/test_sharing`, of T8 in `leaving/test_packets`, of T10, T13, T14 in `turnover`, of
T11 in `tui/e2e`, of T12 in `integrity`. Here each is tried once more, and then the rows are opened.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from iop_tui.access import charts, roles
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.compliance import service as compliance
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.couples import chart as columns
from iop_tui.clinical.couples import entries, pasting
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.couples.model import HELD_NOTE, LIMITED, SEPARATE, HeldNote
from iop_tui.clinical.couples.pasting import Place
from iop_tui.clinical.couples.separation import dissolve
from iop_tui.clinical.joint.model import JOINT_NOTE
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import PROGRESS_NOTE
from iop_tui.clinical.notes.private import COUNSELING_NOTE, PSYCHOTHERAPY_NOTE, CounselingNote, PsychotherapyNote
from iop_tui.clinical.people import service as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.requests import api as requests
from iop_tui.clinical.requests.model import RecordRequest
from iop_tui.clinical.safety.model import VIOLENCE_SCREEN, ViolenceScreen
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.staff import profiles
from iop_tui.clinical.staff import service as staff
from iop_tui.clinical.turnover import api as turnover
from iop_tui.interchange import packets
from iop_tui.interchange.packets import Order
from iop_tui.kernel.declare import Finding
from iop_tui.kernel.errors import IopError, NotFound, NotReady, RuleRefused, WallRefused
from iop_tui.kernel.ids import show_id
from iop_tui.kernel.labeled import Clip
from iop_tui.store.database import open_database
from iop_tui.vault import envelope
from iop_tui.workspace import DATABASE, Workspace, backingup
from tests.support.clinic.consents import Clinic, opened, refused
from tests.support.clinic.couples import Pair, agree, hold_session, joint_note, joint_release, pair_of
from tests.support.clinic.devices import enrolled, first
from tests.support.clinic.oracle import Log
from tests.support.clinic.vaults import PHRASE, Member, copied, note, template, today

IT = roles.INDIVIDUAL_THERAPIST
NAMES = ("Ana Quill", "Benjamin Odell")
EVERYBODY = ("nadia", "tom", "cleo", "sol", "fay", "bill", "abe", "uma")
OFFICE = frozenset({
    "person", "registration", "care_member", "chart_map", "couple_link", "couple_end", "service_line", "disclosure",
})  # fmt: skip
"""What directory, registry, billing and ledger hold: no clinical word."""


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """One vault for what only adds to it."""
    with opened(template(tmp_path_factory), tmp_path_factory.mktemp("acceptance")) as found:
        yield found


@pytest.fixture
def apart(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Iterator[Clinic]:
    """A vault of its own for what ends something."""
    with opened(template(tmp_path_factory), tmp_path) as found:
        yield found


def pair(clinic: Clinic) -> Pair:
    """Ana and Ben."""
    return pair_of(clinic.made, clinic.root)


def who_opens(clinic: Clinic, words: str) -> dict[str, int]:
    """User -> stored rows with these words that their raw keys open; who opens none is left out."""
    return {name: count for name in EVERYBODY if (count := clinic.payloads(name, words))}


def stored_of(clinic: Clinic, name: str, person: bytes) -> set[str]:
    """Kinds of record about a person among all rows a user's raw keys open, what offices need apart."""
    return {row.kind for row in clinic.readable(name).values() if row.person == person} - OFFICE


def test_t1_the_other_partners_therapist_gets_ciphertext_by_every_way(clinic: Clinic, tmp_path: Path) -> None:
    tom, ana, now = clinic.ws("tom"), clinic.made.people["ana"], pair(clinic)
    for door in (lambda: records.read(tom, clinic.made.notes["ana0"]), lambda: people.header(tom, ana)):
        with pytest.raises(NotFound):
            door()
    assert people.caseload(tom, text="quill") == []
    assert records.search(tom, "quarry walk") == []
    assert records.timeline(tom, ana) == []
    assert not any(line.person == ana for line in compliance.audit_report(tom))
    shown = columns.columns(tom, now.id)
    assert (shown.a.lines, shown.a.is_open, columns.PROTECTED) == ((), False, records.protected_line())
    backingup.copy(tom, tmp_path / "clinic.iopb")
    shutil.copytree(clinic.made.path, tmp_path / "dump")
    for path in (tmp_path / "clinic.iopb", *(tmp_path / "dump").rglob("*")):
        assert not path.is_file() or b"quarry walk" not in path.read_bytes(), path
    assert clinic.payloads("tom", "quarry accident") == 1, "Ben's are Tom's"
    assert stored_of(clinic, "tom", ana) == set()


def test_t2_the_administrator_with_the_database_key_does_not_decrypt_a_private_note(apart: Clinic) -> None:
    sol, ana = apart.ws("sol"), apart.made.people["ana"]
    kept = CounselingNote(written_on=today(sol), session="s", text="ZEBRA2x kept alone")
    record = signing.save(sol, ana, COUNSELING_NOTE, kept).record
    admin = apart.ws("nadia")  # founder, administrator, medical director, privacy officer
    key = admin.vault_keys().vault_key
    with pytest.raises(NotFound):
        records.read(admin, record)
    assert who_opens(apart, "ZEBRA2x") == {"sol": 1}
    apart.root.close()
    connection = open_database(apart.made.path / DATABASE, key, exclusive=False)
    try:
        rows = connection.execute("SELECT sealed FROM revision WHERE record = ?", (record,)).fetchall()
    finally:
        connection.close()
    assert rows
    assert not any(b"ZEBRA2x" in row[0] for row in rows)


def test_t3_a_safety_entry_is_one_more_row_for_its_author_only(clinic: Clinic) -> None:
    for name in EVERYBODY:
        clinic.ws(name)
    before = {name: set(clinic.readable(name)) for name in EVERYBODY}
    screen = ViolenceScreen(asked=clinic.day, alone=True, hits=18, findings="ZEBRA3x", danger_assessment="", action="a")
    signing.save(clinic.ws("nadia"), clinic.made.people["ana"], VIOLENCE_SCREEN, screen)
    assert who_opens(clinic, "ZEBRA3x") == {"nadia": 1}
    for name in EVERYBODY:
        assert name == "nadia" or set(clinic.readable(name)) == before[name], name


def test_t4_what_a_said_alone_stands_in_no_joint_row_without_an_authorization(clinic: Clinic) -> None:
    cleo, now = clinic.ws("cleo"), pair(clinic)
    agree(cleo, now, LIMITED)
    held = HeldNote(heard=today(cleo), category="a surprise", text="ZEBRA4x money", urged=True)
    record = entries.save(cleo, now.a, HELD_NOTE, held).record
    clip = Clip("ZEBRA4x money", pasting.label_of(cleo, record))
    with pytest.raises(RuleRefused):
        pasting.vet(cleo, Place(now.id, "JNT"), clip)
    assert who_opens(clinic, "ZEBRA4x") == {"cleo": 1}
    joint = consents.Recipient(name=consents.JOINT_RECORD)
    form = clinic.internal(source="HOLD", topics=(), records=(show_id(record),), recipients=(joint,))
    allowed = consents.authorize(clinic.ws("cleo"), form)
    cleo = clinic.ws("cleo")
    text = pasting.vet(cleo, Place(now.id, "JNT"), clip).text
    saved = charting.save(cleo, now.id, JOINT_NOTE, joint_note(today(cleo), text))
    charting.sign(cleo, [saved.record])
    stored = [row for row in clinic.readable("cleo").values() if row.kind == JOINT_NOTE.kind]
    (row,) = [row for row in stored if b"ZEBRA4x" in row.payload]
    assert f"xc:{show_id(allowed.id)}".encode() in row.payload
    assert set(who_opens(clinic, "ZEBRA4x")) == {"cleo"}
    assert [line.subject for line in compliance.audit_report(cleo) if line.action == "paste"] == [allowed.id]


def test_t5_a_revoked_authorization_ends_here_at_once_and_elsewhere_at_the_next_exchange(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    (tmp_path / "one").mkdir()
    made, carrier = copied(template(tmp_path_factory), tmp_path / "one"), tmp_path / "stick"
    office = first(made)
    laptop = enrolled(office, "Laptop", tmp_path / "two", carrier, seed=5, user="cleo")
    with office.workspace("nadia") as nadia:
        form = Clinic(made, nadia).internal()
        consent = consents.authorize(nadia, form).id
    office.sync(carrier)
    laptop.sync(carrier, "cleo")
    with laptop.workspace("cleo") as cleo:
        copies = [line.id for line in records.timeline(cleo, made.people["ana"], kinds=("progress_note",))]
        assert copies
    with office.workspace("nadia") as nadia:
        consents.revoke(nadia, consent)
        assert not _decrypts(nadia, made.users["cleo"], b"quarry walk")
    with laptop.workspace("cleo") as there:
        assert records.read(there, copies[0]).document is not None, "an unsynced laptop keeps what it had"
    office.sync(carrier)
    laptop.sync(carrier, "cleo")
    with laptop.workspace("cleo") as there:
        for copy in copies:
            with pytest.raises(NotFound):
                records.read(there, copy)
        assert not _decrypts(there, made.users["cleo"], b"quarry walk")


def _decrypts(ws: Workspace, member: Member, words: bytes) -> bool:
    """Whether a user's raw keys open a row with some words in this copy of the vault."""
    log = Log.of(ws.session.db, ws.realm)
    keys = log.keys(member.user, member.secrets.enc_seed, ws.clock.now_ms())
    return any(words in row.payload for row in log.readable(keys).values())


def test_t6_no_row_of_the_other_partner_is_in_reach_of_a_request_and_dissolving_closes_the_record(
    apart: Clinic,
) -> None:
    cleo, now = apart.ws("cleo"), pair(apart)
    agree(cleo, now)
    session = hold_session(cleo, now, "[J] ZEBRA6x both.")
    asked = RecordRequest(requester="the person", asked_on=apart.day, verified="in person", channel="post",
                          safety_talk=True, recipient=NAMES[0])  # fmt: skip
    assert stored_of(apart, "nadia", now.b) == set(), "the release tool has no key for them"
    alone = requests.prepare(apart.ws("cleo"), now.a, asked)
    assert (alone.as_json()["other_partner_objects"], "ZEBRA6x" in str(alone.files)) == (0, False)
    joint_release(apart.ws("cleo"), now, NAMES[0], NAMES)
    assert "ZEBRA6x" in str(requests.prepare(apart.ws("cleo"), now.a, asked).files)
    dissolve(apart.ws("cleo"), now.id, trigger="partner A")
    kept = set(apart.readable("cleo"))
    with pytest.raises(RuleRefused) as closed:
        entries.save(apart.ws("cleo"), now.id, JOINT_NOTE, joint_note(apart.day))
    assert closed.value.rule == "couple.ended"
    assert set(apart.readable("cleo")) == kept
    assert records.read(apart.ws("cleo"), session).document is not None
    assert who_opens(apart, "ZEBRA6x").keys() == {"cleo"}


def test_t7_the_stored_label_of_an_older_entry_stays(clinic: Clinic) -> None:
    cleo, now = clinic.ws("cleo"), pair(clinic)
    agree(cleo, now)
    old = hold_session(cleo, now)
    before = {row.id: row.payload for row in clinic.readable("cleo").values() if row.record == old}
    clinic.pass_days(1)
    agree(clinic.ws("cleo"), now, LIMITED)
    fresh = hold_session(clinic.ws("cleo"), now)
    after = {row.id: row for row in clinic.readable("cleo").values()}
    assert {key: after[key].payload for key in before} == before
    assert all(SEPARATE.encode() in payload for payload in before.values())
    assert any(LIMITED.encode() in row.payload for row in after.values() if row.record == fresh)


def test_t8_a_private_note_in_a_payers_packet_is_a_hard_error_and_leaves_no_row(clinic: Clinic, tmp_path: Path) -> None:
    nadia, ana = clinic.ws("nadia"), clinic.made.people["ana"]
    kept = PsychotherapyNote(written_on=clinic.day, session="s", text="ZEBRA8x mine alone")
    private = charting.save(nadia, ana, PSYCHOTHERAPY_NOTE, kept).record
    rows = clinic.root.session.db.position.revisions
    order = Order(person=ana, documents=(private,), to="passphrase", out=tmp_path / "ur.age", recipient_kind="payer",
                  purpose="review", basis="operations", recipient=consents.Recipient(name="Payer"))  # fmt: skip
    with pytest.raises(IopError) as error:
        packets.make(clinic.ws("nadia"), order)
    assert getattr(error.value, "rule", "") == "packet.private_note"
    assert not order.out.exists()
    assert clinic.root.session.db.position.revisions == rows, "no ledger row: nothing left"
    assert who_opens(clinic, "ZEBRA8x") == {"nadia": 1}


def test_t9_a_group_note_that_names_another_member_is_blocked(clinic: Clinic) -> None:
    """Whole names of whoever was in the same groups refuse, their initials warn; one's own name is no problem.

    The first note of a new group knows no member yet: then everybody else in the author's care may be one.
    """
    ana, other = clinic.made.people["ana"], clinic.made.people["max"]
    nadia = clinic.ws("nadia")

    def group(person: bytes, words: str, **more: Any) -> bytes:
        written = note(clinic.day - timedelta(days=1), words, session_type="group", start=time(17), stop=time(18),
                       objectives=(), off_plan_reason="Group, before the plan.", **more)  # fmt: skip
        return charting.save(nadia, person, PROGRESS_NOTE, written).record

    def judged(person: bytes, record: bytes) -> tuple[Finding, ...]:
        return charting.findings(nadia, person, PROGRESS_NOTE, signing.opened_document(nadia, record)[2], record)

    first = group(other, "Answered Ana at length.")
    assert "other_member" in {item.code for item in judged(other, first)}
    with pytest.raises(NotReady, match="somebody else in this group"):
        charting.sign(nadia, [first])
    own = group(ana, "Ana spoke about her evenings.", response="Proud of it.", plan="Evening list on the fridge.")
    named = {
        "presentation": group(other, "Answered Ana at length."),
        "intervention": group(other, "Said little.", intervention="Used role play; ZEBRA9x Quill watched."),
        "plan": group(other, "Said little.", plan="Calls ANA on Friday."),
    }
    for field, record in named.items():
        found = [item for item in judged(other, record) if item.code == "other_member"]
        assert [item.field for item in found] == [field]
        with pytest.raises(NotReady, match="somebody else in this group"):
            charting.sign(nadia, [record])
    warned = group(other, "Agreed with A.Q. and banana bread.")
    codes = {item.code for item in judged(other, warned)}
    assert ("other_initials" in codes, "other_member" in codes) == (True, False)
    charting.sign(nadia, [own])
    signed = [row for row in clinic.readable("nadia").values() if row.kind == "signature"]
    assert not any(named_record.hex().encode() in row.payload for row in signed for named_record in named.values())
    assert who_opens(clinic, "ZEBRA9x Quill") == {"nadia": 1}


def test_t10_a_refused_assignment_gives_no_key(clinic: Clinic) -> None:
    new = staff.add_user(clinic.ws("nadia"), name="Ida", user_roles=(IT,), phrase=bytearray(PHRASE))
    clinic.made.users["ida"] = Member("Ida", new.secrets, new)
    for name in ("sol", "ida"):
        value = profiles.StaffProfile(credential="LMSW", supervisor=show_id(clinic.user("uma")))
        profiles.set_profile(clinic.ws("nadia"), clinic.user(name), value)
    with refused("supervisor.conflict"):
        people.assign(clinic.ws("fay"), clinic.made.people["ben"], new.user, IT)
    assert "assign: supervisor.conflict" in clinic.events("refused")
    clinic.ws("ida")
    assert stored_of(clinic, "ida", clinic.made.people["ben"]) == set()
    assert stored_of(clinic, "uma", clinic.made.people["ben"]) == set()


def test_t11_unsaved_words_open_for_their_author_only(clinic: Clinic) -> None:
    """The kill itself: `tui/e2e/test_program`."""
    nadia = clinic.ws("nadia")
    words: dict[str, object] = {"presentation": "ZEBRA11x half a wor"}
    notes.keep(nadia, b"slot", notes.Unsaved(clinic.made.people["ana"], b"", words, clinic.made.clock.now_ms()))
    rows = clinic.root.session.db.read("SELECT user, slot, sealed FROM journal")
    assert [row[0] for row in rows] == [clinic.user("nadia")]
    assert b"ZEBRA11x" not in rows[0][2]
    for name in EVERYBODY:
        user, slot, sealed = rows[0]
        key = clinic.ws(name).session.identity.self_key
        try:
            opened_text = envelope.open_raw(key, "iop/journal/1", (clinic.root.realm, user, slot), sealed)
        except IopError:
            opened_text = b""
        assert (b"ZEBRA11x" in opened_text) == (name == "nadia"), name


def test_t12_the_check_names_the_gap_where_an_audit_row_was_deleted(apart: Clinic) -> None:
    key = apart.ws("nadia").vault_keys().vault_key
    gone = apart.root.session.db.position.audit_seq - 3
    apart.root.close()
    connection = open_database(apart.made.path / DATABASE, key, exclusive=False)
    try:
        guards = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'")
        for (name,) in guards.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("DELETE FROM audit WHERE seq = ?", (gone,))
    finally:
        connection.close()
    looking = apart.made.unlock("nadia", inspect=True)
    said = [f"{item.what} {item.where}" for item in looking.verify()]
    looking.close()
    assert any(str(gone) in text for text in said), said


def test_t13_a_refused_link_gives_no_key(clinic: Clinic) -> None:
    hana, other = clinic.made.people["hana"], clinic.made.people["max"]
    people.assign(clinic.ws("fay"), hana, clinic.user("nadia"), IT)
    with pytest.raises(WallRefused):
        couples.link(clinic.ws("fay"), hana, other, clinic.user("cleo"))
    clinic.ws("cleo")
    assert stored_of(clinic, "cleo", hana) | stored_of(clinic, "cleo", other) == set()


def test_t14_the_later_of_two_assignments_that_met_opens_nothing(clinic: Clinic) -> None:
    new = staff.add_user(clinic.ws("nadia"), name="Ivo", user_roles=(IT,), phrase=bytearray(PHRASE))
    clinic.made.users["ivo"] = Member("Ivo", new.secrets, new)
    ana, ben = clinic.made.people["ana"], clinic.made.people["ben"]
    fay, nadia = clinic.ws("fay"), clinic.ws("nadia")
    people.assign(fay, ana, new.user, IT)
    clinic.made.clock.advance(5)
    with pytest.MonkeyPatch.context() as patch:
        known = charts.care_facts(nadia.session)  # the other device has not heard of the first one
        patch.setattr(charts, "care_facts", lambda *_: known)
        people.assign(nadia, ben, new.user, IT)
    for name in ("nadia", "fay", "tom", "nadia", "ivo"):
        clinic.ws(name)
    told = [item.subject for item in turnover.notices(clinic.ws("nadia")) if "Ivo stands on both sides" in item.text]
    assert told == [ben]
    rows = clinic.readable("ivo").values()
    assert "person" in {row.kind for row in rows if row.person == ana}
    assert {row.kind for row in rows if row.person == ben} == set()
    assert clinic.payloads("ivo", "quarry") == 0
