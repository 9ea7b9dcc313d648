"""Assigning, linking, ending: the wall and who may do it."""

from __future__ import annotations

import json

from tests.support.processes.command import Site


def test_the_wall_is_kept_at_assignment_and_linking(site: Site) -> None:
    couple = site.built.couples[0]
    with site.batch("Kim Standin") as do:
        other = do("assign", couple["a"], couple["individual_therapist_b"])
        assert other["error"]["code"] == "wall"
        assert do("assign", couple["a"], "Dana Example", "--role", "biller")["error"]["code"] == "role"
        ids = [
            do("new", "person", "--doc", json.dumps({"given": name, "family": "Pair"}))["id"] for name in ("Uno", "Due")
        ]
        for person in ids:
            assert do("assign", person, "Dana Example")["user"]
        assert do("link-couple", *ids, "--therapist", "Tomas Pretend")["error"]["code"] == "wall"
        assert do("assign", ids[1], "Dana Example", "--end")["ended"] is True
        linked = do("link-couple", *ids, "--therapist", "Tomas Pretend")
        assert {linked["a"], linked["b"]} == set(ids)
        assert do("link-couple", *ids, "--therapist", "Tomas Pretend")["error"]["code"] == "couple.third_partner"
        assert do("assign", ids[1], "Tomas Pretend", "--role", "individual therapist")["error"]["code"] == "role"
        assert linked["id"] in [row["id"] for row in do("list", "couples")]
    with site.batch("Dana Example") as do:
        assert ids[0] in [row["id"] for row in do("list", "people")]
        assert do("show", ids[1])["error"]["code"] == "not_found"
    with site.batch("Tomas Pretend") as do:
        assert set(ids) <= {row["id"] for row in do("list", "people")}


def test_clinicians_do_not_assign_others(site: Site) -> None:
    person = site.people_of("Dana Example")[0]
    with site.batch("Dana Example") as do:
        assert do("assign", person, "Ravi Sample")["error"]["code"] == "role"
        assert do("revoke", person)["error"]["code"] == "not_found"
