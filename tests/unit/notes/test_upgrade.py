"""A note of payload version 1, sealed by the release that wrote it: it opens, reads and can be gone on with."""

from __future__ import annotations

import json
from datetime import date, time
from pathlib import Path

import pytest

from iop_tui.clinical.notes.model import PROGRESS_NOTE, ProgressNote
from iop_tui.clinical.notes.telehealth import Telehealth
from iop_tui.kernel.declare import RuleContext
from iop_tui.kernel.errors import NeedsNewer, VaultDamaged
from iop_tui.kernel.secret import Secret
from iop_tui.store import revisions
from iop_tui.store.rows import RevisionRow
from iop_tui.vault import signing

KEY = bytes(range(32))
VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "documents" / "progress_note_v1.json").read_text("utf-8"))


def opened(name: str) -> revisions.Body:
    vector = VECTORS[name]
    row = RevisionRow(
        bytes.fromhex(vector["id"]), b"o" * 16, b"c" * 16, 3, bytes.fromhex(vector["tag"]), False,
        bytes.fromhex(vector["sealed"]),
    )  # fmt: skip
    found = revisions.open_row(row, realm=b"r" * 16, key=Secret(KEY))
    found.verify(signing.from_seed(KEY).public)
    return found.body


def decoded(name: str) -> ProgressNote:
    body = opened(name)
    assert (body.kind, body.version) == (PROGRESS_NOTE.kind, 1)
    assert body.payload.decode() == VECTORS[name]["payload"]
    return PROGRESS_NOTE.decode(body.payload, body.version)


def test_a_virtual_note_keeps_every_word_where_version_2_asks_for_it() -> None:
    made = decoded("virtual")
    assert made.telehealth == Telehealth(location="At home, 12 Elm Street")
    assert (made.location, made.participants, made.others_present) == ("", ("client", "collateral"), "sister")
    assert (made.service_date, made.start, made.stop) == (date(2026, 3, 10), time(14, 10), time(15))
    assert (made.objectives, made.risk, made.progress) == (("1.2.1",), "denied", "moderate")
    assert made.plan == "Sleep diary until the next session."


def test_a_note_in_person_keeps_its_place_and_its_risk() -> None:
    made = decoded("in person")
    assert (made.location, made.telehealth, made.participants) == ("Clinic, room 2", None, ("client",))
    assert (made.risk, made.risk_action, made.risk_present) == ("present", "Called the on-call line.", ())


def test_a_draft_goes_on_under_the_new_rules() -> None:
    made = decoded("draft")
    assert made.presentation == "Half a sent"
    missing = {item.field for item in PROGRESS_NOTE.findings(made, RuleContext(date(2026, 3, 12)))}
    assert {"mental_status", "methods", "partner_violence"} <= missing
    assert PROGRESS_NOTE.decode(PROGRESS_NOTE.encode(made), 2) == made


@pytest.mark.parametrize("name", VECTORS)
def test_nothing_is_made_up(name: str) -> None:
    before, made = json.loads(VECTORS[name]["payload"]), decoded(name)
    blank = ProgressNote()
    for field in ProgressNote.__struct_fields__:
        if field not in before and field not in ("telehealth", "participants"):
            assert getattr(made, field) == getattr(blank, field), field


def test_a_newer_version_and_a_wrong_payload_are_named() -> None:
    with pytest.raises(NeedsNewer):
        PROGRESS_NOTE.decode(b"{}", 3)
    with pytest.raises(VaultDamaged):
        PROGRESS_NOTE.decode(b'{"place": 1}', 1)
