"""Servers as carriers by the real command line: keys through the descriptor, nothing of them in what is printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from iop_tui.shell.demo.secrets import passphrase
from tests.support.network.servers import KEY, SECRET, Served
from tests.support.processes.command import Site, copy_of, shared_demo

ADMIN, THERAPIST = "Alex Founder", "Dana Example"


@pytest.fixture
def demo(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return copy_of(shared_demo(tmp_path_factory), tmp_path_factory.mktemp("cli") / "vault")


def given(*secrets: str) -> list[dict[str, object]]:
    """Keys and their secrets on the descriptor, one pair for each secret."""
    return [line for secret in secrets for line in ({"carrier_key": KEY}, {"carrier_secret": secret})]


def test_a_web_folder_by_the_command_line(demo: Site, dav: Served, tmp_path: Path) -> None:
    """Refused with what to do; then added, exchanged with, tried again, its password changed, forgotten."""
    place, authority = dav.text(dav.fresh(), tls=True), tmp_path / "ca.pem"
    authority.write_text(dav.ca)
    with demo.batch(ADMIN, more=given("wrong", SECRET, SECRET, "wrong", SECRET)) as do:

        def refused(*words: str) -> str:
            said = do(*words)
            assert SECRET not in str(said)
            return str(said["error"]["code"])

        add = ("remotes", "add", place, "--name", "cloud", "--device", "Front office")
        assert refused(*add, "--ca", str(authority)) == "carrier_credentials"
        assert refused(*add) == "carrier_certificate"
        assert do("remotes", "list") == []
        added = do(*add, "--ca", str(authority))
        assert added == {"name": "cloud", "place": place, "able": ["ranges", "lists"], "kept": "vault"}
        planned = do("sync", "cloud", "--dry-run")
        assert planned["unsealed_writes"] > 0
        assert do("sync", "cloud")["sent_bytes"] > 0
        assert do("remotes", "test", "cloud")["able"] == ["ranges", "lists"]
        assert refused("remotes", "key", "cloud") == "carrier_credentials"
        assert do("remotes", "key", "cloud") == {"name": "cloud", "kept": "vault"}
        assert refused("sync", "--carry", place) == "usage"
        assert do("remotes", "remove", "cloud") == {"removed": "cloud"}
        assert do("verify", "--deep") == {"ok": True, "findings": []}


@pytest.mark.nightly
def test_a_device_joins_over_a_server_by_the_command_line(demo: Site, dav: Served, tmp_path: Path) -> None:
    """Two people at two screens, a web folder in between: key, six words each way, passphrase; then it opens."""
    place, authority = dav.text(dav.fresh(), tls=True), tmp_path / "ca.pem"
    authority.write_text(dav.ca)
    folder, (read, write) = tmp_path / "laptop", os.pipe()
    words = [sys.executable, "-m", "iop_tui", "--vault", str(folder), "--user", THERAPIST, "--json", "devices", "enrol",
             place, "--ca", str(authority), "--name", "Laptop", "--wait", "60", "--secrets-fd", str(read)]  # fmt: skip
    with demo.batch(ADMIN, more=given(SECRET)) as do:
        do("remotes", "add", place, "--name", "cloud", "--device", "Front office", "--ca", str(authority))
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=(read,),
                              start_new_session=True) as process:  # fmt: skip
            os.close(read)
            assert process.stderr is not None
            os.write(write, b"".join(json.dumps(line).encode() + b"\n" for line in given(SECRET)))
            shown = process.stderr.readline().split()[-6:]
            admitted = do("devices", "admit", "--remote", "cloud", *shown)
            secrets = [{"words": admitted["words"]}, {"passphrase": passphrase(demo.realm, THERAPIST).decode()}]
            os.write(write, b"".join(json.dumps(line).encode() + b"\n" for line in secrets))
            os.close(write)
            out, err = process.communicate(timeout=120)
        assert process.returncode == 0, (out, err)
        assert SECRET not in out + err
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith(".")] == []
    with Site(folder, demo.built, demo.codes).batch(THERAPIST) as do:
        assert [item["name"] for item in do("devices", "list")] == ["Front office", "Laptop"]


def test_a_place_with_a_password_is_refused_without_repeating_it(demo: Site) -> None:
    refused = demo.run("remotes", "add", f"https://nadia:{SECRET}@cloud.example/dav", user=ADMIN)
    assert (refused.code, refused.error) == (3, "place")
    assert SECRET not in refused.out + refused.err
