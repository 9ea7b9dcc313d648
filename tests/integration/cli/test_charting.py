"""Charting by the command line: every rule the screens have, sessions, documents, what is due, reminders."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from iop_tui.clinical.safety.model import RiskAssessment
from tests.integration.cli.test_records import NOTE
from tests.support.clinic.charting import RISK
from tests.support.processes.command import Site


def today() -> dict[str, Any]:
    """A note of this day, as the time zone of the tests counts days: asked late, not when the file is imported."""
    return {**NOTE, "service_date": date.today().isoformat(), "start": "00:05:00", "stop": "00:25:00",
            "response": "Angry, then calmer", "plan": "Call on Friday"}  # fmt: skip


def doc(value: Any) -> str:
    return json.dumps(value)


def test_signing_knows_every_rule_and_names_it(site: Site) -> None:
    person, other = site.people_of("Dana Example")[:2]
    with site.batch("Dana Example") as do:
        first = do("new", "progress_note", "--person", person, "--doc", doc(today()))["id"]
        assert do("sign", first) == {"signed": [first]}
        again = {**today(), "start": "00:25:00", "stop": "00:45:00"}
        clone = do("new", "progress_note", "--person", person, "--doc", doc(again))
        refused = do("sign", clone["id"])["error"]
        assert refused["code"] == "not_ready"
        assert "no cloned notes" in refused["message"]
        overlap = {**today(), "response": "Quiet", "plan": "Walk", "presentation": "Tired", "start": "00:10:00"}
        both = do("new", "progress_note", "--person", other, "--doc", doc(overlap))
        assert {item["code"] for item in both["findings"]} >= {"overlap"}
        assert "overlap" in do("sign", both["id"])["error"]["message"]
    result = site.run("sign", clone["id"], user="Dana Example")
    assert (result.code, result.error) == (3, "not_ready")


def test_sessions_are_planned_changed_and_due_without_a_note(site: Site) -> None:
    person = site.people_of("Dana Example")[0]
    planned = {"date": "2026-11-02", "start": "10:00:00", "stop": "10:50:00", "modality": "video"}
    with site.batch("Dana Example") as do:
        wrong = do("new", "session", "--person", person, "--doc", doc({**planned, "stop": "09:00:00"}))
        assert wrong["error"]["code"] == "not_ready"
        record = do("new", "session", "--person", person, "--doc", doc(planned))["id"]
        listed = {line["id"]: line for line in do("list", "sessions", "--person", person)}
        assert (listed[record]["start"], listed[record]["outcome"]) == ("10:00:00", "scheduled")
        again = do("new", "session", "--person", person, "--record", record, "--doc",
                   doc({**planned, "status": "no-show", "reason": "Did not answer."}))  # fmt: skip
        assert again["id"] == record
        assert do("show", record)["reason"] == "Did not answer."
        users = {line["name"]: line["id"] for line in do("users", "list")}
    with site.batch("Kim Standin") as do:
        (block,) = do("list", "schedule", "--person", person, "--from", "2026-11-02", "--to", "2026-11-02")
        assert (block["start"], block["status"], block["clinician_name"]) == ("10:00:00", "no-show", "Dana Example")
        assert do("show", record)["error"]["code"] == "not_found"
        time = {"clinician": users["Dana Example"], "date": "2027-01-04", "start": "09:00:00", "stop": "09:50:00"}
        made = do("new", "appointment", "--person", person, "--doc", doc(time))
        assert do("new", "appointment", "--person", person, "--record", made["id"], "--doc",
                  doc({**time, "status": "cancelled"}))["id"] == made["id"]  # fmt: skip
        (line,) = do("list", "schedule", "--person", person, "--from", "2027-01-01", "--to", "2027-01-31")
        assert (line["id"], line["status"]) == (made["id"], "cancelled")
        other = doc({**time, "clinician": users["Ravi Sample"]})
        assert do("new", "appointment", "--person", person, "--doc", other)["error"]["code"] == "schedule.not_in_care"
        assert do("list", "schedule", "--from", "soon")["error"]["code"] == "usage"


def test_documents_of_any_kind_are_written_and_signed(site: Site) -> None:
    import msgspec

    person = site.people_of("Dana Example")[0]
    risk = msgspec.to_builtins(RISK)
    with site.batch("Dana Example") as do:
        empty = do("new", "risk_assessment", "--person", person, "--doc", doc(msgspec.to_builtins(RiskAssessment())))
        assert do("sign", empty["id"])["error"]["code"] == "not_ready"
        better = do("new", "risk_assessment", "--person", person, "--record", empty["id"], "--doc", doc(risk))
        assert do("sign", better["id"]) == {"signed": [empty["id"]]}
        call = {"on": "2026-01-07", "at": "09:00:00", "channel": "voicemail", "who": "client", "summary": "Moved."}
        assert do("new", "communication", "--person", person, "--doc", doc(call))["error"]["code"] == "not_ready"
        logged = do("new", "communication", "--person", person, "--doc",
                    doc({**call, "voicemail": "left: name and number only", "safe": True}))  # fmt: skip
        assert logged["findings"] == []
        for kind in ("void", "amendment", "service_line"):
            assert do("new", kind, "--person", person, "--doc", "{}")["error"]["code"] == "refused"


def test_what_is_due_says_by_which_rule_and_becomes_a_calendar(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "busy.ics"
    with site.batch("Dana Example") as do:
        due = do("list", "due")
        assert {"Assess risk", "Write the treatment plan"} <= {line["what"] for line in due}
        assert all(line["rule"] and line["source"] for line in due)
        written = do("reminders", str(target))
        assert written["days"] == len({line["due"] for line in due})
        assert do("reminders", str(target))["error"]["code"] == "already_there"
    text = target.read_text("ascii")
    assert text.count("SUMMARY:Busy") == written["days"]
    assert not any(line["name"] and line["name"].split()[0] in text for line in due)
