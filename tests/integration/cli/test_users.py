"""The life of an account through the command line."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

from iop_tui.kernel.secret import Secret
from iop_tui.vault.totp import code_at
from tests.support.processes.command import Codes, Result, Site, command

FOUNDER = "Alex Founder"
PHRASE = "purple kettle ninety harbor"


class Account:
    """A user whose secrets the test knows."""

    def __init__(self, site: Site, name: str, uri: str, phrase: str) -> None:
        self._site, self._name, self._phrase = site, name, phrase
        self._seed = Secret(base64.b32decode(parse_qs(urlsplit(uri).query)["secret"][0]))
        self._codes = Codes()

    def run(self, *words: str, more: tuple[dict[str, object], ...] = ()) -> Result:
        secrets = {"passphrase": self._phrase, "totp": self._codes.next("n", lambda at: code_at(self._seed, at))}
        return command(
            "--vault", str(self._site.path), "--user", self._name, "--json", *words, secrets=[secrets, *more]
        )


def test_admit_suspend_resume_remove(site: Site) -> None:
    with site.batch(FOUNDER, more=[{"new_passphrase": PHRASE}]) as do:
        added = do("users", "add", "Uma New", "--role", "front desk")
        assert set(added) >= {"id", "totp_uri", "kit", "roles"}
        assert do("users", "add", "Uma New", "--role", "front desk")["error"]["code"] in ("usage", "refused")
        assert do("users", "roles", "Uma New", "--role", "auditor", "--role", "biller")["error"]["code"] == "role"
    uma = Account(site, "Uma New", added["totp_uri"], PHRASE)
    listed = uma.run("list", "people")
    assert listed.code == 0
    assert len(listed.value) == 12
    assert "kit is untested" in listed.err
    with site.batch(FOUNDER) as do:
        assert do("users", "suspend", "uma new")["status"] == "suspended"
    suspended = uma.run("list", "people")
    assert (suspended.code, suspended.error) == (4, "suspended")
    with site.batch(FOUNDER) as do:
        assert do("users", "resume", "Uma New")["status"] == "active"
        assert do("users", "suspend", FOUNDER)["error"]["code"] == "refused"
        assert do("users", "roles", "Uma New", "--role", "biller")["roles"] == ["biller"]
        assert do("users", "remove", "Uma New")["status"] == "removed"
    gone = uma.run("list", "people")
    assert (gone.code, gone.error) == (4, "wrong_secrets")


def test_only_administrators_admit(site: Site) -> None:
    done = site.run("users", "add", "X Y", "--role", "biller", user="Dana Example", more=[{"new_passphrase": PHRASE}])
    assert done.code == 3


def test_passphrase_and_kit(site: Site) -> None:
    changed = site.run("users", "passphrase", user="Ravi Sample", more=[{"new_passphrase": PHRASE}])
    assert (changed.code, changed.value) == (0, {"changed": True})
    old = site.run("list", "people", user="Ravi Sample")
    assert old.code == 4
    with site.batch("Dana Example") as do:
        kit = do("users", "kit")["kit"]
    lost = command("--vault", str(site.path), "--user", "Dana Example", "--json", "users", "lost-phone",
                   secrets=[{"kit": kit}, {"new_passphrase": PHRASE}])  # fmt: skip
    assert lost.code == 0, lost.out
    dana = Account(site, "Dana Example", lost.value["totp_uri"], PHRASE)
    assert len(dana.run("list", "people").value) == 4
    assert dana.run("users", "confirm-kit", more=({"kit": lost.value["kit"]},)).value == {"kit_tested": True}
    again = command("--vault", str(site.path), "--user", "Dana Example", "--json", "users", "used-kit",
                    secrets=[{"kit": kit}, {"new_passphrase": PHRASE}])  # fmt: skip
    assert again.code == 4


def test_devices(site: Site) -> None:
    with site.batch("Kim Standin") as do:
        (device,) = do("devices", "list")
    assert device["this"] is True
    assert device["users"] == len(site.built.users)


def test_audit_shows_all_to_auditors_and_ones_own_to_others(site: Site) -> None:
    person = site.people_of("Dana Example")[0]
    with site.batch("Dana Example") as do:
        do("show", person)
        do("search", "sleep")
        own = do("audit")
        assert {event["user_name"] for event in own} == {"Dana Example"}
        assert {"read", "query", "sign", "unlock"} <= {event["action"] for event in own}
        assert "sleep" not in str(own)
    with site.batch("Ada Trial") as do:
        everything = do("audit")
        assert len({event["user_name"] for event in everything}) == len(site.built.users)
        hers = do("audit", "--user", "Dana Example", "--person", person)
        assert {event["user_name"] for event in hers} == {"Dana Example"}
        assert "read" in {event["action"] for event in hers}
        assert do("audit", "--to", "2000-01-01") == []
        assert do("audit", "--user", "Nobody")["error"]["code"] == "not_found"
    filtered = command("--vault", str(site.path), "--user", "Ada Trial", "--json", "audit", "--user", "Kim Standin",
                       secrets=site.secrets("Ada Trial"))  # fmt: skip
    assert {event["user_name"] for event in filtered.value} == {"Kim Standin"}
