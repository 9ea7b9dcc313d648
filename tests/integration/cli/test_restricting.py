"""`restrict …` as scripts use it (45 CFR 164.522(a)): a request on standard input, the privacy officer's decision."""

from __future__ import annotations

import json
from datetime import date

from tests.support.processes.command import Site

OFFICER = "Noor Prototype"


def test_a_restriction_is_asked_for_decided_and_ended(site: Site) -> None:
    couple = {key: str(value) for key, value in site.built.couples[0].items()}
    person, therapist = couple["a"], couple["individual_therapist_a"]
    asked = {"ground": "a named recipient", "recipients": ["Blue Prairie Health"], "asked_on": date.today().isoformat(),
             "requester": "the person"}  # fmt: skip
    with site.batch(therapist) as do:
        before = do("restrict", "list")
        assert do("restrict", "request", person, "--doc", json.dumps({**asked, "recipients": []}))["error"]
        made = do("restrict", "request", person, "--doc", json.dumps(asked))
        assert (made["state"], made["binds"], made["person"]) == ("waits for a decision", False, person)
        assert do("restrict", "agree", made["id"])["error"]["code"] == "role"
    with site.batch(OFFICER) as do:
        refused = do("restrict", "refuse", made["id"])
        assert refused["error"]["code"] == "restriction.reason"
        agreed = do("restrict", "agree", made["id"])
        assert (agreed["state"], agreed["section"]) == ("in force", "45 CFR 164.522(a)(1)(iii)")
        assert do("restrict", "agree", made["id"])["error"]["code"] == "restriction.decided"
        assert do("restrict", "end", made["id"], "--how", "quietly")["error"]["code"] == "usage"
        assert [line["id"] for line in do("restrict", "list", "--person", person) if line["binds"]] == [made["id"]]
        assert do("restrict", "end", made["id"], "--how", "by-word", "--reason", "over")["state"] == "ended"
        assert len(do("restrict", "list")) >= len(before) + 1
