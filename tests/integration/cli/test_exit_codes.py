"""Every failure has its exit code, a plain sentence and, under --json, the same shape."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from iop_tui.vault import areas, headfile
from iop_tui.vault.glance import FIXED, HASH_BYTES, HEADER_FRAME, checksum
from iop_tui.workspace.slotaccess import tag_of
from tests.support.processes import command as commands
from tests.support.processes.command import Site, command, pipe_of


@pytest.fixture
def _in_an_interpreter_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends before the program is loaded, and what a signal ends: looked at where nothing was loaded before."""
    monkeypatch.setattr(commands, "FRESH", True)


fresh = pytest.mark.usefixtures("_in_an_interpreter_of_its_own")


@fresh
def test_errors_have_one_shape(tmp_path: Path) -> None:
    done = command("--vault", str(tmp_path), "--json", "list", "people", secrets=[])
    assert done.code == 5
    assert set(done.value) == {"error"}
    assert set(done.value["error"]) == {"code", "message", "hint"}
    assert done.error == "vault_missing"
    assert done.err == ""
    plain = command("--vault", str(tmp_path), "list", "people", secrets=[])
    assert plain.code == 5
    assert plain.out == ""
    assert plain.err.startswith("iop-tui: There is no vault here")
    assert "Traceback" not in plain.err


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("list",),
        ("list", "secrets"),
        ("assign",),
        ("new",),
        ("sign",),
        ("list", "people", "--nowhere"),
        ("list", "people", "--secrets-fd", "77"),
        ("audit", "--from", "yesterday"),
    ],
)
def test_wrong_usage(site: Site, words: tuple[str, ...]) -> None:
    done = command("--vault", str(site.path), "--user", "Ada Trial", "--json", *words,
                   secrets=None if "77" in words else site.secrets("Ada Trial"))  # fmt: skip
    assert (done.code, done.error) == (2, "usage")


@fresh
def test_without_terminal_and_descriptor(site: Site) -> None:
    assert command("--vault", str(site.path), "--json", "list", "people").code == 2
    assert command("--vault", str(site.path)).code == 2
    several = command("--vault", str(site.path), "--json", "list", "people", secrets=[{"passphrase": "x", "totp": "1"}])
    assert several.code == 2
    assert "--user" in several.value["error"]["hint"]


@fresh
def test_documents_and_secrets_never_come_as_arguments(site: Site) -> None:
    done = site.run("new", "person", "--doc", "{}", user="Kim Standin")
    assert (done.code, done.error) == (2, "usage")


def test_now_is_for_demo_vaults(site: Site) -> None:
    done = site.run("--now", "2030-01-31T12:00:00Z", "list", "due", user="Dana Example")
    assert done.code == 0
    assert done.value
    bad = site.run("--now", "soon", "list", "due", user="Ada Trial")
    assert (bad.code, bad.error) == (2, "usage")


def test_wrong_secrets_look_the_same(site: Site) -> None:
    header = headfile.read(site.path / headfile.NAME).header
    taken: set[int] = set()

    def apart(names: Iterable[str]) -> str:
        """The first name whose wait is not noted at the place of another one's: names share 256 of them."""
        found = next(name for name in names if areas.bucket(tag_of(header, name)) not in taken)
        taken.add(areas.bucket(tag_of(header, found)))
        return found

    dana, nobody = apart(["Dana Example"]), apart(f"Nobody {number}" for number in range(1000))
    other = apart(str(user["name"]) for user in site.built.users)
    right, theirs = site.secrets(dana), site.secrets(other)
    wrong: list[list[dict[str, object]]] = [
        [{"passphrase": "not the passphrase at all"}, right[1]],
        [theirs[0], {"totp": "000000"}],
    ]
    seen = []
    for name, secrets in ((dana, wrong[0]), (nobody, right), (other, wrong[1])):
        done = command("--vault", str(site.path), "--user", name, "--json", "list", "people", secrets=secrets)
        seen.append((done.code, done.out))
    assert {code for code, _ in seen} == {4}
    assert len({out for _, out in seen}) == 1


def test_a_code_works_once_and_failures_make_the_wait_grow(site: Site) -> None:
    secrets = site.secrets("Dana Example")
    given = ("--vault", str(site.path), "--user", "Dana Example", "--json", "list", "people")
    assert command(*given, secrets=secrets).code == 0
    again = command(*given, secrets=secrets)
    assert (again.code, again.error) == (4, "code_used")
    wrong: list[dict[str, object]] = [{"passphrase": "something else entirely", "totp": "000000"}]
    for _ in range(8):  # the wait doubles with each failure, until it is longer than a slow machine takes to try again
        done = command(*given, secrets=wrong)
        assert (done.code, done.error) in ((4, "wrong_secrets"), (4, "locked_out"))
        if done.error == "locked_out":
            break
    assert done.error == "locked_out"


def test_refusals(site: Site) -> None:
    mine, theirs = set(site.people_of("Dana Example")), set(site.people_of("Ravi Sample"))
    foreign = sorted(theirs - mine)[0]
    with site.batch("Dana Example") as do:
        unknown = do("show", "a" * 26)
        assert unknown["error"]["code"] == "not_found"
        for words in (("show", foreign), ("show", "x"), ("explain", foreign), ("list", "notes", "--person", foreign)):
            assert do(*words) == unknown
        assert do("new", "service_line", "--person", sorted(mine)[0], "--doc",
                  '{"service_date": "2026-01-01", "minutes": 5}')["error"]["code"] == "refused"  # fmt: skip
    assert site.run("show", foreign, user="Dana Example").code == 3
    biller = site.run("new", "person", user="Bo Sandbox", stdin='{"given": "A", "family": "B"}')
    assert (biller.code, biller.error) == (3, "role")


@fresh
def test_damage_is_reported_before_any_secret(site: Site) -> None:
    head = site.path / "vault.head"
    data = bytearray(head.read_bytes())
    data[FIXED + 20] ^= 1
    head.write_bytes(data)
    for words in (("list", "people"), ("verify",), ("import", __file__)):
        done = command("--vault", str(site.path), "--user", "Ada Trial", "--json", *words, secrets=[])
        assert (done.code, done.error) == (5, "vault_damaged")
    assert command("--vault", str(site.path), "--json", "doctor").code == 5


def test_verify_names_what_does_not_fit(site: Site) -> None:
    clean = site.run("verify", "--deep", user="Dana Example")
    assert (clean.code, clean.value) == (0, {"ok": True, "findings": []})
    (site.path / "vault.db").write_bytes((site.path / "vault.db").read_bytes()[:40960])
    broken = site.run("verify", user="Dana Example")
    assert broken.code == 5
    assert broken.value["ok"] is False
    assert all(set(item) == {"what", "where", "since"} for item in broken.value["findings"])
    assert broken.value["findings"]


def test_a_flipped_bit_is_named_by_its_page_and_not_hidden_by_the_end_of_the_session(site: Site) -> None:
    data = bytearray((site.path / "vault.db").read_bytes())
    place = len(data) // 2
    data[place] ^= 1
    (site.path / "vault.db").write_bytes(data)
    broken = site.run("verify", user="Dana Example")
    assert (broken.code, broken.value["ok"]) == (5, False)
    assert broken.value["findings"][0]["where"] == f"vault.db page {place // 4096 + 1}"


def test_verify_looks_into_a_vault_that_is_older_than_its_head(site: Site, tmp_path: Path) -> None:
    old = (site.path / "vault.db").read_bytes()
    assert site.run("list", "people", user="Kim Standin").code == 0
    (site.path / "vault.db").write_bytes(old)
    refused = site.run("list", "people", user="Dana Example")
    assert (refused.code, refused.error) == (5, "vault_damaged")
    done = site.run("verify", user="Dana Example")
    assert done.code == 5
    assert "missing" in json.dumps(done.value["findings"])


def test_in_use_names_the_process(site: Site) -> None:
    with site.batch("Dana Example") as do:
        do("list", "people")
        done = command("--vault", str(site.path), "--user", "Ada Trial", "--json", "list", "people", secrets=[])
        assert (done.code, done.error) == (6, "vault_in_use")
        assert "process" in done.value["error"]["message"]


def test_missing_file_and_rejected_input(site: Site, tmp_path: Path) -> None:
    gone = site.run("import", str(tmp_path / "gone.json"), user="Kim Standin")
    assert (gone.code, gone.error) == (7, "medium")
    for words in (("restore", str(tmp_path / "gone.bak")),
                  ("backup", "--sealed", "--out", str(tmp_path / "gone" / "x.bak"))):  # fmt: skip
        place = tmp_path / "new" if words[0] == "restore" else site.path
        lost = command("--vault", str(place), "--json", *words, secrets=[])
        assert (lost.code, lost.error) == (7, "medium"), "no vault is damaged by a path that is not there"
    done = site.run("new", "person", user="Kim Standin", stdin='{"given": "A", "unknown": 1}')
    assert (done.code, done.error) == (8, "document_invalid")
    assert site.run("schema", "no_such_kind").code == 8


def test_a_path_that_is_not_there_keeps_no_other_from_being_read(site: Site, tmp_path: Path) -> None:
    """With several inputs the first of 5, 4, 3, 8, 7 that occurred."""
    good, bad, gone = tmp_path / "good.csv", tmp_path / "bad.json", tmp_path / "gone.json"
    good.write_text("First Name,Last Name\nAda,Nobody\n")
    bad.write_text("{")
    with site.batch("Kim Standin") as do:
        done = do("import", str(good), str(gone))
        assert (done["created"], done["rejected"], done["unusable"]) == (1, [], [str(gone)])
        assert do("list", "people", "--user", "Ravi Sample")["error"]["code"] == "usage", "one unlock, one user"
        evil = do("new", "person", "--doc", json.dumps({"given": "A\x1b[31m\u202eda", "family": "B"}))["id"]
        assert do("show", evil)["given"] == "A[31mda"
    for paths, code in (((bad, gone), 8), ((gone,), 7)):
        assert command("--vault", str(site.path), "--json", "import", *map(str, paths), secrets=[]).code == code


@fresh
def test_a_place_where_no_vault_can_be_made(tmp_path: Path) -> None:
    phrase: list[dict[str, object]] = [{"new_passphrase": "velvet orchard ninety lantern"}]
    for words in (("demo", "--no-open"), ("--user", "Ada", "init")):
        done = command("--vault", "/proc/no/place", "--json", *words, secrets=phrase)
        assert (done.code, done.error) == (7, "medium"), "nothing is missing from a vault that never was"
    shown = command("--vault", str(tmp_path / "d"), "--json", "demo")
    assert (shown.code, shown.error) == (2, "usage"), "no terminal"
    assert not (tmp_path / "d").exists(), "so nothing was made"


def test_newer_vault(site: Site) -> None:
    head = site.path / "vault.head"
    data = bytearray(head.read_bytes())
    half = (len(data) - FIXED) // 2
    for start in (FIXED, FIXED + half):
        magic, version, flags, length = HEADER_FRAME.unpack_from(data, start)
        HEADER_FRAME.pack_into(data, start, magic, version + 1, flags, length)
        end = start + HEADER_FRAME.size + length
        data[end : end + HASH_BYTES] = checksum(bytes(data[start:end]))
    head.write_bytes(data)
    assert command("--vault", str(site.path), "--user", "x", "--json", "list", "people", secrets=[]).code == 9


@fresh
def test_interrupted(site: Site) -> None:
    descriptor = pipe_of(site.secrets("Dana Example"))
    words = [sys.executable, "-m", "iop_tui", "--vault", str(site.path), "--user", "Dana Example", "batch"]
    with subprocess.Popen(
        [*words, "--secrets-fd", str(descriptor)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, pass_fds=(descriptor,), text=True,
        # A job started in the background hands on an ignored interrupt; a person's terminal does not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:  # fmt: skip
        os.close(descriptor)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("list people\n")
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    assert site.run("verify", user="Dana Example").code == 0


@fresh
def test_help_and_version() -> None:
    assert command("--version").out.startswith("iop-tui ")
    assert command("--help").code == 0
    assert "usage" in command("list", "--help").out
