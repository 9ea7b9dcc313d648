"""Couples on the command line: agreement to separation, a record request, refusals with the rule as code."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import msgspec

from tests.support.clinic.couples import agreement, joint_note, signature
from tests.support.processes.command import Site


def _doc(document: object) -> str:
    return json.dumps(msgspec.to_builtins(document))


def test_a_couple_from_agreement_to_separation(site: Site, tmp_path: Path) -> None:
    couple = site.built.couples[-1]  # the first one has its joint record already
    today = date.today() - timedelta(days=1)
    asked = json.dumps({"requester": "the person", "asked_on": today.isoformat(), "verified": "license",
                        "channel": "post", "safety_talk": True})  # fmt: skip
    with site.batch("Tomas Pretend") as do:
        note = ("new", "joint_note", "--person", couple["id"], "--doc", _doc(joint_note(today)))
        assert do(*note)["error"]["code"] == "couple.agreement"
        record = do("new", "couples_agreement", "--person", couple["id"], "--doc", _doc(agreement(today)))["id"]
        assert do("sign", record)["signed"] == [record]
        for partner in ("partner A", "partner B"):
            words = ("new", "partner_signature", "--person", couple["id"], "--record", record, "--doc")
            assert do(*words, _doc(signature(partner, today)))["outcome"] == "signed"
        assert do(*words, _doc(signature("partner B", today)))["error"]["code"] == "couple.signed_twice"
        session = do(*note)["id"]
        assert do("sign", session)["signed"] == [session]
        other = json.dumps({**json.loads(asked), "requester_id": couple["b"]})
        refused = do("record-request", couple["a"], "--out", str(tmp_path / "no"), "--doc", other)
        assert refused["error"]["code"] == "request.someone_else"
        assert not (tmp_path / "no").exists()
        copy = do("record-request", couple["a"], "--out", str(tmp_path / "copy"), "--doc", asked)
        assert (copy["joint_decision"], copy["other_partner_objects"], copy["objects"]) == ("both_signed", 0, [])
        assert do("dissolve", couple["id"], "--code", "violence")["error"]["code"] == "couple.code"
        assert do("dissolve", couple["id"], "--by", "partner A")["reconfirm"]
        assert do("dissolve", couple["id"])["error"]["code"] == "couple.ended"
        assert do(*note)["error"]["code"] == "couple.ended"
        assert {line["action"] for line in do("audit")} >= {"refused", "dissolve", "record-request"}
    with site.batch(couple["individual_therapist_a"]) as do:
        copy = do("record-request", couple["a"], "--out", str(tmp_path / "own"), "--doc", asked)
        assert copy["other_partner_objects"] == 0
        assert {item["compartment"] for item in copy["objects"]} <= {"IND", "MED", "CRISIS", "GRP", "SAFE"}
        assert json.loads((tmp_path / "own" / "manifest.json").read_text())["objects"] == copy["objects"]
        stranger = do("record-request", couple["b"], "--out", str(tmp_path / "x"), "--doc", asked)
        assert stranger["error"]["code"] == "not_found"
    with site.batch("Noor Prototype") as do:  # the wall outlives the work
        again = ("assign", couple["a"], couple["individual_therapist_b"])
        assert do(*again)["error"]["code"] == "wall"
        assert do(*again, "--partner-agreed", "paper, signed by the other partner")["role"] == "individual therapist"
