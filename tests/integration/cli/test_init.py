"""First set-up without a terminal, in two rounds, at the real cost of a passphrase."""

from __future__ import annotations

import base64
import itertools
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from iop_tui.kernel.secret import Secret
from iop_tui.vault.totp import code_at
from tests.support.processes.command import Result, command

PHRASE = "velvet orchard ninety lantern"


def _code(uri: str, ahead: int) -> str:
    seed = Secret(base64.b32decode(parse_qs(urlsplit(uri).query)["secret"][0]))
    return code_at(seed, int(time.time()) + ahead)


def test_two_rounds(tmp_path: Path) -> None:
    """Each unlock is a minute after the one before, on the clock of the program: every code is accepted once."""
    place, ahead = ("--vault", str(tmp_path / "v"), "--json"), itertools.count(0, 60)
    weak = command("init", *place, "--user", "Nadia", secrets=[{"new_passphrase": "short"}])
    assert (weak.code, weak.error) == (3, "weak_passphrase")
    first = command("init", *place, "--user", "Nadia", secrets=[{"new_passphrase": PHRASE}])
    assert first.code == 0
    found = first.value
    assert found["state"] == "kit untested"
    assert found["totp_uri"].startswith("otpauth://totp/")
    again = command("init", *place, "--user", "Nadia", secrets=[{"new_passphrase": PHRASE}])
    assert (again.code, again.error) == (3, "refused")

    def unlocked(*words: str, more: dict[str, object] | None = None) -> Result:
        later = next(ahead)
        secrets = {"passphrase": PHRASE, "totp": _code(found["totp_uri"], later)}
        return command(*words, *place, secrets=[secrets, *([more] if more else [])], ahead=later)

    before = unlocked("list", "people")
    assert (before.code, before.value) == (0, [])
    assert "kit is untested" in before.err
    mistyped = unlocked("init", "--confirm", more={"kit": found["kit"][:-1] + "0"})
    assert mistyped.code == 4
    done = unlocked("init", "--confirm", more={"kit": found["kit"].lower()})
    assert (done.code, done.value) == (0, {"state": "done"})
    after = unlocked("list", "due")
    assert (after.code, after.err) == (0, "")


def test_nothing_is_left_without_a_name_or_a_passphrase(tmp_path: Path) -> None:
    place = tmp_path / "v"
    assert command("init", "--vault", str(place), "--json", secrets=[{"new_passphrase": PHRASE}]).code == 2
    assert command("init", "--vault", str(place), "--json", "--user", "N", secrets=[]).code == 2
    assert command("init", "--vault", str(place), "--json", "--user", "N", "--role", "wizard",
                   secrets=[{"new_passphrase": PHRASE}]).code == 3  # fmt: skip
    assert not (place / "vault.db").exists()


def test_a_locked_out_user_waits(tmp_path: Path) -> None:
    place = ("--vault", str(tmp_path / "v"), "--json")
    assert command("init", *place, "--user", "Nadia", secrets=[{"new_passphrase": PHRASE}]).code == 0
    wrong = [{"passphrase": "something else entirely", "totp": "000000"}]
    assert command("list", "people", *place, secrets=wrong).error == "wrong_secrets"
    for _ in range(8):  # the wait doubles with each failure, until it is longer than a slow machine takes to try again
        started = time.monotonic()
        if command("list", "people", *place, secrets=wrong).error == "locked_out":
            break
    else:
        pytest.fail("nobody was ever locked out")
    assert time.monotonic() - started < 5
