"""`break-glass` and `review-access` as commands: reason on standard input, secrets again, one document out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iop_tui.shell.demo.secrets import passphrase, totp_seed
from iop_tui.vault.totp import code_at
from tests.support.processes.command import Do, Site

OWNER, COLLEAGUE, OFFICER = "Dana Example", "Ravi Sample", "Noor Prototype"
WHY = {"category": "clinician unavailable", "reason": "The client calls from a bridge; Dana is on a plane."}


def _again(site: Site, user: str) -> list[dict[str, object]]:
    """Passphrase and the next code, as they are asked for in the middle of a session."""
    seed = totp_seed(site.realm, user)
    return [
        {"passphrase": passphrase(site.realm, user).decode()},
        {"totp": site.codes.next(user, lambda at: code_at(seed, at))},
    ]


def _with_a_plan(do: Do) -> dict[str, Any]:
    """The client of the demo who has a safety plan, and nobody else's."""
    for line in do("list", "people"):
        entry = do("show", line["id"])
        hits = do("search", "wallet")
        if any(hit["person"] == line["id"] and hit["kind"] == "safety_plan" for hit in hits):
            return {"id": line["id"], "name": f"{entry['given']} {entry['family']}", "born": entry["birth_date"]}
    raise AssertionError("no safety plan in the demo")


@pytest.mark.nightly
def test_a_colleague_opens_the_card_and_the_officer_reviews_it(site: Site) -> None:
    with site.batch(OWNER) as do:
        client = _with_a_plan(do)
        crisis = next(hit["id"] for hit in do("search", "wallet") if hit["kind"] == "safety_plan")
        assert COLLEAGUE in do("explain", crisis)["on_call"]
        assert COLLEAGUE not in {reader["name"] for reader in do("explain", crisis)["readers"]}
    asked = {**WHY, "name": client["name"], "birth_date": client["born"]}
    with site.batch(COLLEAGUE, lambda: _again(site, COLLEAGUE)) as do:
        assert do("show", crisis)["error"]["code"] == "not_found"
        assert do("break-glass", "--doc", json.dumps({**asked, "reason": "short"}))["error"]["code"] == "not_ready"
        assert do("break-glass", "--doc", '{"reason": 3}')["error"]["code"] == "document_invalid"
        card = do("break-glass", "--doc", json.dumps(asked))
        assert "plan" in card, card
        assert card["plan"]["kind"] == "safety_plan"
        assert card["plan"]["signatures"]
        assert card["person"] == client["id"]
        assert do("break-glass", "--again", card["use"])["plan"]["id"] == card["plan"]["id"]
        assert do("show", card["plan"]["id"])["error"]["code"] == "not_found"
        assert do("list", "emergencies") == []
    with site.batch(OWNER) as do:
        (told,) = do("list", "emergencies")
        assert (told["opened_by"], told["reason"], told["reviewed"]) == (COLLEAGUE, WHY["reason"], False)
        assert [line["what"] for line in do("list", "due", "--person", client["id"]) if "crisis card" in line["what"]]
    with site.batch(OFFICER) as do:
        (told,) = do("list", "emergencies")
        review = json.dumps({"verdict": "justified", "words": "Dana could not be reached."})
        assert do("review-access", told["id"], "--doc", review)["verdict"] == "justified"
        assert do("review-access", told["id"], "--doc", review)["error"]["code"] == "refused"
        assert do("list", "emergencies")[0]["reviewed"] is True
    with site.batch(COLLEAGUE) as do:
        assert do("break-glass", "--again", card["use"])["error"]["code"] == "refused"
