"""`authorize`, `revoke`, `explain`, `transfer` and their lists as scripts use them."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from tests.support.processes.command import Site


def form(person: str, name: str, to: tuple[str, str], **more: Any) -> str:
    """An internal authorization as JSON."""
    today = date.today()
    value = {
        "variant": "internal", "person": person, "person_name": name, "discloser": "The therapist", "source": "IND",
        "recipients": [{"name": to[0], "user": to[1]}], "description": "Progress notes", "topics": ["progress notes"],
        "covers_from": str(today - timedelta(days=3650)), "covers_to": str(today),
        "direction": "one way, from this record to the recipient", "purpose": "Coordination",
        "categories": ["general record"], "expires_on": str(today + timedelta(days=30)),
        "revocation": "At any time, in writing.", "redisclosure": "Stays in the program.",
        "refusal": "Nothing depends on it.", "silence": "Nobody is told.", "copy_given": True,
        "signatures": [{"person": person, "signer": "client", "name": name, "method": "typed in person",
                        "witness": "Front desk", "signed_on": str(today)}],
        **more,
    }  # fmt: skip
    return json.dumps(value)


def test_an_authorization_is_made_used_explained_and_revoked(site: Site) -> None:
    couple = {key: str(value) for key, value in site.built.couples[0].items()}
    person, therapist, other = couple["a"], couple["individual_therapist_a"], couple["couples_therapist"]
    with site.batch(therapist) as do:
        users = {line["name"]: line["id"] for line in do("users", "list")}
        entry = do("show", person)
        name = f"{entry['given']} {entry['family']}"
        to = (other, users[other])
        bad = do("authorize", "--doc", form(person, name, to, purpose=""))
        assert bad["error"]["code"] == "consent.purpose"
        assert do("authorize", "--doc", form(couple["b"], name, to))["error"]["code"] == "not_found"
        made = do("authorize", "--doc", form(person, name, to))
        assert made["shares"][0]["name"] == other
        assert any("already read" in line for line in made["cannot_undo"])
        notes = do("list", "notes", "--person", person)
        note = next(line["id"] for line in notes if line["status"] == "signed")
        found = do("explain", note)
        assert {other, therapist} <= {reader["name"] for reader in found["readers"]}
        assert {item["who"] for item in found["asked"]} >= {"a payer", "a court"}
        assert [line["state"] for line in do("list", "consents", "--person", person)] == ["in force"]
    with site.batch(other) as do:
        copies = do("list", "notes", "--person", person)
        assert len(copies) == made["shares"][0]["records"]
        assert do("show", copies[0]["id"])["kind"] == "progress_note"
    with site.batch(therapist) as do:
        assert do("revoke", made["id"], "--recipient", "Nobody")["error"]["code"] == "consent.no_such_recipient"
        assert do("revoke", made["id"], "--received", "never")["error"]["code"] == "usage"
        assert do("revoke", made["id"])["ended"] == 1
        assert do("revoke", made["id"])["error"]["code"] == "consent.already_revoked"
        assert do("list", "disclosures", "--person", person) == []
        told = [line["detail"] for line in do("audit") if line["action"] == "refused"]
        assert {"authorize: consent.purpose", "revoke: consent.already_revoked"} <= set(told)
    with site.batch(other) as do:
        assert do("list", "notes", "--person", person) == []
        assert do("show", copies[0]["id"])["error"]["code"] == "not_found"


def test_a_refusal_exits_with_three_and_a_caseload_moves_in_steps(site: Site) -> None:
    couple = {key: str(value) for key, value in site.built.couples[0].items()}
    refused = site.run("transfer", couple["individual_therapist_a"], couple["individual_therapist_b"], "--person",
                       couple["a"], user="Kim Standin")  # fmt: skip
    assert (refused.code, refused.error) == (3, "wall")
    gone = site.run("users", "remove", couple["individual_therapist_a"], user="Lee Proforma")
    assert (gone.code, gone.error) == (3, "turnover.caseload_left")


def test_a_successor_is_named_and_a_supervisor_consulted(site: Site) -> None:
    with site.batch("Dana Example") as do:
        named = do("succession", "name", "Ravi Sample", "Noor Prototype")
        assert named["unnamed"] == [] or isinstance(named["unnamed"][0], str)
        assert do("succession", "name", "Ravi Sample", "Kim Standin")["error"]["code"] == "succession.second"
        notes = do("list", "notes")
        mine = [line for line in notes if line["author_name"] == "Dana Example"]
        note = next(line["id"] for line in mine if line["status"] == "signed")
        assert do("consult", note, "--reader", "Bo Sandbox", "--reason", "why")["error"]["code"] == "consult.role"
        shared = do("consult", note, "--reader", "Sam Placeholder", "--reason", "Stuck")
        assert shared["records"] == 1
        assert do("revoke", shared["act"])["ended"] == 2
    with site.batch("Noor Prototype") as do:
        assert do("supervision", "conflicts") == []
        approved = do("succession", "approve", "Dana Example", "--reason", "In hospital.")
        assert any(line["refused"] is None for line in approved)
    with site.batch("Ravi Sample") as do:
        taken = {line["person"] for line in approved if line["refused"] is None}
        assert {line["person"] for line in do("list", "notes")} >= taken & {line["person"] for line in notes}
