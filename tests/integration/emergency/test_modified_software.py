"""CR-17 against colleagues with modified software: what they write by hand opens, ends, replaces and hides nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from iop_tui.access import breakglass, charts, oncall, primitives
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import Target, program_compartment
from iop_tui.clinical.emergency import api as emergency
from iop_tui.clinical.emergency.model import EMERGENCY_ACCESS, TOLD, EmergencyAccess
from iop_tui.clinical.safety import api as safety
from iop_tui.clinical.safety.plan import SAFETY_PLAN
from iop_tui.clinical.signing import service as signing
from iop_tui.clinical.signing.service import AUTHOR, PASSPHRASE
from iop_tui.kernel.clock import to_datetime
from iop_tui.kernel.errors import NotFound
from iop_tui.kernel.ids import show_id
from iop_tui.kernel.secret import Secret
from iop_tui.store import revisions
from iop_tui.store.members import emergency as sealed
from iop_tui.store.members import sealedapart
from iop_tui.store.members.acts import Grant
from iop_tui.store.session import NOBODY
from iop_tui.vault.digest import sha256
from iop_tui.workspace import Workspace
from tests.integration.emergency.conftest import Beside
from tests.integration.emergency.test_break_glass import BORN, open_card
from tests.support.clinic.care import SAFETY
from tests.support.clinic.vaults import Program, refresh


def _card(ws: Workspace, made: Program) -> bytes:
    return charts.compartment_for(ws.session, made.people["ana"], Kind.CRISIS)


def _claim(who: Workspace, made: Program, use: bytes, card: bytes, person: str = "ana", **more: Any) -> bytes:
    """A notice written by hand into the reviewers' compartment."""
    work = who.work()
    values: dict[str, Any] = {
        "use": show_id(use), "card": show_id(card), "user": show_id(who.user.user), "name": "Sol", "role": "counselor",
        "at": to_datetime(work.at_ms), "minutes": 5, "category": "imminent harm", "reason": "It was agreed with all.",
        "told": TOLD, **more,
    }  # fmt: skip
    body = who.session.body(
        work, record=who.rng.token(16), person=made.people[person], kind=EMERGENCY_ACCESS.kind,
        version=EMERGENCY_ACCESS.version, payload=EMERGENCY_ACCESS.encode(EmergencyAccess(**values)),
    )  # fmt: skip
    who.session.deposit(work, program_compartment(who.session, Kind.AUD), body, Kind.AUD)
    who.session.note(work, "write")
    who.commit(work)
    return bytes(body.record)


def test_a_review_ends_a_use_of_the_glass_and_no_other_key(made: Program, ws: Workspace, beside: Beside) -> None:
    """A notice that calls somebody's key a use would make the privacy officer's program end that key."""
    fay, pia = beside("fay"), beside("pia")
    own = ws.view.rows(
        "SELECT w.id FROM wrap w JOIN compartment c ON c.id = w.compartment WHERE c.kind = 'IND' AND w.recipient = ?"
        " AND w.revoked_ms = 0",
        (ws.user.user,),
    )
    for (key,) in own:
        _claim(fay, made, bytes(key), _card(ws, made))
    refresh(pia)
    assert emergency.accesses(pia) == []
    for (key,) in own:
        work = pia.work()
        with pytest.raises(NotFound):
            breakglass.close(pia.session, work, bytes(key))
    refresh(ws)
    assert ws.view.rows("SELECT count(*) FROM wrap WHERE id = ? AND revoked_ms != 0", own[0]) == [(0,)]


def test_a_second_notice_hides_no_first_one_and_no_name(made: Program, ws: Workspace, beside: Beside) -> None:
    """Neither by who used the glass, nor by a colleague who helps them; name, time and card are the log's."""
    tom, fay, pia = beside("tom"), beside("fay"), beside("pia")
    card = open_card(made, tom, "tom", category="clinician unavailable")
    refresh(fay)
    where = _card(ws, made)
    _claim(tom, made, card.use, where, person="max", at=None)
    _claim(fay, made, card.use, where)
    refresh(pia)
    (line,) = emergency.accesses(pia)
    assert (line.access.category, line.name, line.access.name) == ("clinician unavailable", "Ana Quill", "Tom")
    emergency.review(pia, line.record, "justified", "He could not reach Nadia.")
    assert breakglass.reviewed(pia.session, card.use)


def test_a_notice_tells_who_when_and_how_long_as_the_log_has_it(made: Program, ws: Workspace, beside: Beside) -> None:
    """Without a day it would never be due, with a colleague's name it would blame them."""
    tom, pia = beside("tom"), beside("pia")
    work = tom.work()
    place = breakglass.find(tom.session, "Ana Quill", BORN)
    use = breakglass.use(tom.session, work, place, work.at_ms + 9 * 3_600_000)
    tom.commit(work)
    _claim(tom, made, use, place.compartment, person="max", at=None)
    refresh(pia)
    (line,) = emergency.accesses(pia)
    assert (line.access.name, line.access.minutes, line.name) == ("Tom", 540, "Not the person whom the notice names")
    assert [due for due in emergency.due_lines(pia) if "Tom" in due.what]


def test_who_only_opens_a_card_in_an_emergency_writes_nothing_there(
    made: Program, ws: Workspace, beside: Beside
) -> None:
    """Tom opens the key without an act and signs a plan of his own: nobody takes it for Ana's, here or through the
    glass. Nor an unsigned one in Nadia's name.
    """
    tom, cleo = beside("tom"), beside("cleo")
    place = breakglass.find(tom.session, "Ana Quill", BORN)
    keys = sealed.unseal(tom.session, oncall.group(tom.session), place.compartment, Kind.CRISIS)
    _write_plan(tom, keys, place)
    _write_plan(tom, keys, place, author=ws.user.user, sign=False)
    for who in (ws, beside("sol")):
        refresh(who)
        assert who.view.rows("SELECT record FROM record WHERE kind = ?", (SAFETY_PLAN.kind,)) == [
            (made.notes["plan"],)
        ]
        held = safety.current(who, made.people["ana"])
        assert held is not None
        assert held.record == made.notes["plan"]
    card = open_card(made, cleo, "cleo")
    assert card.plan is not None
    assert card.plan.line.id == made.notes["plan"]


def _write_plan(who: Workspace, keys: dict[int, Any], place: Any, *, author: bytes = b"", sign: bool = True) -> bytes:
    """A safety plan written by hand with keys that were sealed for an emergency."""
    with sealed.through(who.session, keys) as shadow:
        work = who.work()
        body = shadow.body(
            work, record=who.rng.token(16), person=place.person, kind=SAFETY_PLAN.kind, version=SAFETY_PLAN.version,
            payload=SAFETY_PLAN.encode(SAFETY),
        )  # fmt: skip
        shadow.write(work, place.compartment, msgspec.structs.replace(body, author=author or body.author))
        if sign:
            row = work.revisions[-1]
            stored = revisions.open_row(row, realm=who.realm, key=Secret(keys[row.generation].key)).stored
            doc = signing.signature_over(who, work, body.record, row.id, sha256(stored), (AUTHOR, "", PASSPHRASE))
            shadow.write(work, place.compartment, signing.signature_body(who, work, place.person, doc))
        who.session.note(work, "write")
        who.commit(work)
    return bytes(body.record)


def test_a_colleague_of_the_team_cannot_keep_a_card_shut(made: Program, ws: Workspace, beside: Beside) -> None:
    """Sol makes a new key of the card and says that it is sealed for who is on call: Nadia's program looks."""
    sol, tom = beside("sol"), beside("tom")
    where, person = _card(ws, made), made.people["ana"]

    def hollow(session: Any, work: Any, compartment: bytes, person: bytes, number: int, key: bytes) -> None:
        grant = Grant(session.rng.token(16), oncall.group(session), compartment, number, sealedapart.PRIMITIVE, 0)
        session.act(work, "seal-emergency", grants=(grant,))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oncall, "seal", hollow)
        work = sol.work()
        primitives.rotate(sol.session, work, Target(where, Kind.CRISIS, person, NOBODY))
        sol.session.note(work, "rotate")
        sol.commit(work)
    refresh(ws)
    newest = ws.session.newest(where)
    refresh(tom)
    assert newest in sealed.unseal(tom.session, oncall.group(tom.session), where, Kind.CRISIS)
    refresh(ws)
    assert oncall.unsealed(ws.session) == []
