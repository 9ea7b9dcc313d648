"""A clinician's day through the command line: the same rules, signatures and refusals as the screens."""

from __future__ import annotations

import json
from typing import Any

from tests.support.processes.command import Site

NOTE = {
    "service_date": "2026-01-05", "start": "10:00:00", "stop": "10:50:00", "modality": "in person",
    "location": "Clinic", "mental_status": {"summary": "all normal"}, "methods": ["CBT"],
    "partner_violence": "not asked today",
    "presentation": "Sleeps badly since the storm on Tuesday", "intervention": "Practised paced breathing",
    "response": "Calmer", "progress": "moderate", "risk": "denied", "plan": "Diary card", "objectives": ["1.1.1"],
}  # fmt: skip


def test_from_a_new_person_to_a_signed_note(site: Site) -> None:
    with site.batch("Kim Standin") as do:
        born = do("new", "person", "--doc", json.dumps({"given": "Ona", "family": "Probe", "safe_contact": "text"}))
        assert do("list", "people")[-1]["name"] or born["id"]
        assigned = do("assign", born["id"], "dana example")
        assert assigned["role"] == "individual therapist"
        assert do("assign", born["id"], "Ada Trial")["error"]["code"] == "role"
        assert (
            do("new", "progress_note", "--person", born["id"], "--doc", json.dumps(NOTE))["error"]["code"] == "no_key"
        )
    with site.batch("Dana Example") as do:
        _write_and_sign(do, born["id"])
    with site.batch("Ravi Sample") as do:
        assert do("search", "storm", "tuesday") == []
        assert do("show", born["id"])["error"]["code"] == "not_found"


def _write_and_sign(do: Any, person: str) -> None:
    unfinished = do("new", "progress_note", "--person", person, "--doc", json.dumps({"service_date": "2026-01-05"}))
    assert {item["severity"] for item in unfinished["findings"]} >= {"refuse"}
    assert do("sign", unfinished["id"])["error"]["code"] == "not_ready"
    draft = do("new", "progress_note", "--person", person, "--doc", json.dumps(NOTE))
    better = do("new", "progress_note", "--person", person, "--record", draft["id"], "--doc",
                json.dumps({**NOTE, "plan": "Diary card daily"}))  # fmt: skip
    assert better["id"] == draft["id"]
    assert do("addend", draft["id"], "--doc", '{"text": "more", "reason": "correction"}')["error"]["code"] == "refused"
    assert do("sign", draft["id"]) == {"signed": [draft["id"]]}
    assert do("sign", draft["id"])["error"]["code"] == "already_signed"
    shown = do("show", draft["id"])
    assert shown["plan"] == "Diary card daily"
    assert shown["parents"] == [draft["revision"]]
    assert shown["revision"] == better["revision"]
    assert [(item["name"], item["meaning"]) for item in shown["signatures"]] == [("Dana Example", "author")]
    (hit,) = do("search", "storm", "tues")
    assert hit["id"] == draft["id"]
    assert {"id", "person", "kind", "snippet"} <= set(hit)
    assert "storm" in hit["snippet"]
    added = do("addend", draft["id"], "--doc", '{"text": "He called back", "reason": "late information"}')
    assert do("sign", added["id"])["signed"] == [added["id"]]
    lines = do("list", "notes", "--person", person)
    assert {(line["kind"], line["status"]) for line in lines} == {
        ("progress_note", "signed"), ("progress_note", "draft"), ("addendum", "signed"),
    }  # fmt: skip
    readers = do("explain", draft["id"])["readers"]
    assert [reader["name"] for reader in readers] == ["Dana Example"]
    assert all(reader["rule"] and reader["since"] for reader in readers)


def test_measures_medications_and_allergies(site: Site) -> None:
    person = site.people_of("Dana Example")[0]
    with site.batch("Dana Example") as do:
        measure = do("new", "measure", "--person", person, "--doc",
                     '{"instrument": "PHQ-9", "taken": "2026-01-05", "score": 14, "band": "moderate"}')  # fmt: skip
        assert do("new", "medication", "--person", person, "--doc", '{"text": "sertraline 50 mg", "status": "active"}')[
            "id"
        ]
        assert do("new", "allergy", "--person", person, "--doc", '{"text": "latex"}')["id"]
        assert do("new", "allergy", "--person", person, "--doc", "{}")["error"]["code"] == "not_ready"
        wrong = do("new", "medication", "--person", person, "--doc", '{"text": "x", "status": "perhaps"}')
        assert wrong["error"]["code"] == "document_invalid"
        listed = {line["id"]: line for line in do("list", "measures", "--person", person)}
    assert listed[measure["id"]]["score"] == 14
    assert listed[measure["id"]]["instrument"] == "PHQ-9"


def test_lists_have_their_keys_and_a_stable_order(site: Site) -> None:
    minimum = {
        "people": {"id", "name"}, "notes": {"id", "person", "kind", "status", "service_date", "author"},
        "due": {"person", "what", "due", "rule", "source"}, "plans": {"id", "person", "kind"},
        "measures": {"id", "person", "score"}, "couples": {"id", "a", "b"}, "sessions": {"id", "person", "outcome"},
    }  # fmt: skip
    with site.batch("Dana Example") as do:
        for name, keys in minimum.items():
            rows = do("list", name)
            assert all(keys <= set(row) for row in rows), name
            assert rows == do("list", name)
            assert bool(rows) == bool(keys)
        assert len(do("list", "notes", "--limit", "3")) == 3


def test_schema_says_what_the_form_says(site: Site) -> None:
    schema = site.run("schema", "progress_note").value
    fields = schema["properties"]
    assert fields["modality"]["enum"] == ["", "in person", "video", "audio only"]
    assert fields["plan"]["x-required-to-sign"] is True
    assert schema["additionalProperties"] is False


def test_people_print_plainly(site: Site) -> None:
    from tests.support.processes.command import command

    done = command(
        "--vault", str(site.path), "--user", "Dana Example", "list", "people", secrets=site.secrets("Dana Example")
    )
    lines = done.out.splitlines()
    assert lines[0].split() == ["id", "name", "born", "last", "note", "drafts"]
    assert len(lines) == 1 + len(site.people_of("Dana Example"))


def test_control_characters_never_reach_the_terminal(site: Site) -> None:
    from tests.support.processes.command import command

    person = site.people_of("Dana Example")[0]
    nasty = {**NOTE, "presentation": "before \x1b]0;owned\x07 after \u202eevil"}
    with site.batch("Dana Example") as do:
        note = do("new", "progress_note", "--person", person, "--doc", json.dumps(nasty))
    done = command(
        "--vault", str(site.path), "--user", "Dana Example", "show", note["id"], secrets=site.secrets("Dana Example")
    )
    assert "before" in done.out
    assert not {"\x1b", "\x07", "\u202e"} & set(done.out)


def test_a_batch_goes_on_after_failures_and_reports_the_first_kind(site: Site) -> None:
    lines = "\n".join([
        "# a remark", "", "list people --limit 1", "show x", '["new", "person", "--doc", "{}"]', "nonsense",
        'list "open', "iop-tui list due", "--help", "init",
    ])  # fmt: skip
    done = site.run("batch", user="Dana Example", stdin=lines)
    found = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 3
    assert [item["error"]["code"] if isinstance(item, dict) else "ok" for item in found] == [
        "ok", "not_found", "not_ready", "usage", "usage", "ok", "usage", "usage",
    ]  # fmt: skip
