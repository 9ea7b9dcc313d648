"""Two devices by the real command line: set up, enrol with six words, chart, exchange, carry without a user."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from iop_tui.shell.demo.secrets import passphrase
from tests.support.processes.command import Do, Result, Site, command, copy_of, shared_demo
from tests.tui.terminal import Terminal

ADMIN, THERAPIST = "Alex Founder", "Dana Example"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return copy_of(shared_demo(tmp_path_factory), tmp_path_factory.mktemp("cli") / "vault")


def enrol(site: Site, do: Do, stick: Path, folder: Path, user: str) -> dict[str, object]:
    """Enrol a device as two people at two screens do; what the new device answers."""
    read, write = os.pipe()
    words = [sys.executable, "-m", "iop_tui", "--vault", str(folder), "--user", user, "--json", "devices", "enrol",
             str(stick), "--name", "Laptop", "--wait", "60", "--secrets-fd", str(read)]  # fmt: skip
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=(read,),
                          start_new_session=True) as process:  # fmt: skip
        os.close(read)
        assert process.stderr is not None
        shown = process.stderr.readline().split()[-6:]
        assert do("devices", "admit", "--remote", str(stick), *shown[:5], "wrong")["error"]["code"] == "words_differ"
        admitted = do("devices", "admit", "--remote", str(stick), *shown)
        secrets = [{"words": admitted["words"]}, {"passphrase": passphrase(site.realm, user).decode()}]
        os.write(write, b"".join(json.dumps(line).encode() + b"\n" for line in secrets))
        os.close(write)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, (out, err)
    found: dict[str, object] = json.loads(out)
    return found


def test_enrol_chart_exchange_and_carry(demo: Site, tmp_path: Path) -> None:
    stick, other = tmp_path / "stick", tmp_path / "other stick"
    stick.mkdir()
    other.mkdir()
    with demo.batch(ADMIN) as do:
        assert "does not exchange yet" in do("sync", str(stick))["error"]["message"]
        added = do("remotes", "add", str(stick), "--name", "stick", "--device", "Front office")
        assert added == {"name": "stick", "place": str(stick)}
        joined = enrol(demo, do, stick, tmp_path / "laptop", THERAPIST)
    assert joined["name"] == "Laptop"
    laptop = Site(tmp_path / "laptop", demo.built, demo.codes)
    with laptop.batch(THERAPIST) as do:
        people = do("list", "people")
        assert [item["name"] for item in do("devices", "list")] == ["Front office", "Laptop"]
        made = do("new", "progress_note", "--person", people[0]["id"], "--doc",
                  '{"service_date": "2026-11-20", "presentation": "Wrote this on the laptop."}')  # fmt: skip
        planned = do("sync", str(stick), "--dry-run")
        assert planned["unsealed_writes"] > 0
        sent = do("sync", str(stick))
        assert sent["sent_bytes"] > 0
        assert (sent["waiting"], sent["missing"], sent["forks"]) == (0, 0, 0)
        assert do("verify", "--deep") == {"ok": True, "findings": []}
    carried = demo.run("sync", "--carry", str(other))
    assert carried.code == 0
    assert carried.value["packs"] > 0
    with demo.batch(THERAPIST) as do:
        assert do("list", "people") == people
        got = do("sync", "stick")
        assert got["received_bytes"] == sent["sent_bytes"]
        assert do("show", made["id"])["id"] == made["id"]
        assert do("verify", "--deep") == {"ok": True, "findings": []}
    # A user who was not at the new device finds their key slot there after an exchange.
    with laptop.batch(ADMIN) as do:
        assert do("users", "list")


def test_backup_and_restore(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    site = copy_of(shared_demo(tmp_path_factory), tmp_path / "vault")
    file = tmp_path / "monday.iopb"
    made = site.run("backup", "--out", str(file), user=THERAPIST)
    assert made.value["verified"] is True
    assert site.run("backup", "--out", str(file)).code == 3

    def restore(place: str, secrets: list[dict[str, object]]) -> Result:
        given = ("--vault", str(tmp_path / place), "--user", THERAPIST, "--json", "restore", str(file))
        return command(*given, secrets=secrets)

    restored = restore("back", site.secrets(THERAPIST))
    assert restored.code == 0, restored.out
    assert restored.value["log_entries"] == made.value["log_entries"]
    assert restore("back", []).error == "refused"
    file.write_bytes(file.read_bytes()[:-4096])
    cut = restore("cut", [])
    assert (cut.code, cut.error) == (5, "vault_damaged")
    assert not (tmp_path / "cut").exists()
    sealed = tmp_path / "sealed.iopb"
    assert site.run("backup", "--sealed", "--out", str(sealed)).value["verified"] is False


@pytest.mark.nightly
def test_shares_restore_to_an_empty_machine(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    """Shares made, typed back and tried; wrong and too few are named with their exit codes; then the vault is gone."""
    site, file = copy_of(shared_demo(tmp_path_factory), tmp_path / "vault"), tmp_path / "kept.iopb"
    admin = ("--vault", str(site.path), "--user", ADMIN, "--json")
    with site.batch(ADMIN) as do:
        made = do("recovery", "shares")
        assert (len(made["shares"]), made["needed"], made["confirmed"]) == (3, 2, False)
    shares = made["shares"]
    secrets = [*site.secrets(ADMIN), {"shares": shares[:2]}]
    assert command(*admin, "recovery", "confirm", secrets=secrets).value["confirmed"] is True
    assert site.run("backup", "--out", str(file), user=ADMIN).code == 0
    drill = command(*admin, "recovery", "drill", str(file), "--shares",
                    secrets=[{"shares": shares[1:]}, *site.secrets(ADMIN)])  # fmt: skip
    assert (drill.value["ok"], drill.value["opened_with"]) == (True, "recovery shares")

    def restore(place: str, given: list[str], *more: dict[str, object]) -> Result:
        words = ("--vault", str(tmp_path / place), "--json", "restore", str(file))
        return command(*words, secrets=[{"shares": given}, *more])

    for number, bad in enumerate((shares[:1], [shares[0], shares[1] + " academic"], [shares[0], "velvet"])):
        refused = restore(str(number), bad)
        assert (refused.code, refused.error) == (4, "shares_wrong"), refused.out
        assert not (tmp_path / str(number)).exists()
    back = restore("back", shares[1:], {"new_passphrase": "another velvet orchard lantern"})
    assert back.code == 0, back.out
    assert back.value["totp_uri"].startswith("otpauth://")
    # An administrator's account opens what administrators read; for the rest it tells whose passphrase brings it back.
    assert THERAPIST in {user for item in back.value["closed"] for user in item["users"]}
    doctor = command("--vault", str(tmp_path / "back"), "--json", "doctor").value
    assert any(item["name"] == "backups" for item in doctor["controls"])


@pytest.mark.nightly
def test_the_ceremony_shows_each_share_once_and_takes_two_words_back(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    site = copy_of(shared_demo(tmp_path_factory), tmp_path / "vault")
    words = [sys.executable, "-m", "iop_tui", "--vault", str(site.path), "--user", ADMIN, "recovery", "shares"]
    with Terminal(words, cols=80, rows=24) as seen:
        typed = site.secrets(ADMIN)
        seen.wait_for("Passphrase").type(str(typed[0]["passphrase"])).press("<enter>")
        seen.wait_for("Code").type(str(typed[1]["totp"])).press("<enter>")
        known: set[str] = set()
        for number in (1, 2, 3):
            seen.wait_for(f"Recovery share {number} of 3", timeout=30).wait_for("Written down")
            sheet = dict(re.findall(r"(\d+) ([a-z]+)", seen.screen().partition("writes it down.")[2]))
            assert len(sheet) == 33
            known |= set(sheet.values())
            seen.press("<enter>")
            if number == 1:  # a wrong word shows the sheet once more
                seen.wait_for(r"Share 1, word \d+").type("wrong").press("<enter>")
                seen.wait_for("Recovery share 1 of 3").wait_for("Written down").press("<enter>")
            for at in (1, 2):
                seen.wait_until(lambda number=number, at=at: asked(seen, number) == at)  # type: ignore[misc]
                (place,) = re.findall(rf"Share {number}, word (\d+): *$", seen.screen().rstrip(), re.MULTILINE)
                seen.type(sheet[place]).press("<enter>")
        seen.wait_for("2 of these 3 shares open your account", timeout=30)
        assert seen.wait_exit() == 0
        assert len([word for word in known if word in seen.scrollback() + seen.screen()]) <= 6 + 3


def asked(seen: Terminal, number: int) -> int:
    """How many words of a share were asked for since its sheet was wiped."""
    return len(re.findall(rf"Share {number}, word \d+:", seen.screen()))
