"""Files into a chart and out of it, over the real command line: by name, from standard input, through a pipe."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes.command import Site, copy_of, pipe_of

DANA, RAY = "Dana Example", "Ravi Sample"


@pytest.fixture(scope="module")
def site(template: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return copy_of(template, tmp_path_factory.mktemp("attachments") / "vault")


def piped(site: Site, *args: str, user: str = DANA, stdin: bytes = b"") -> tuple[int, bytes, str]:
    """A command whose standard streams are bytes."""
    descriptor = pipe_of(site.secrets(user))
    words = [sys.executable, "-m", "iop_tui", "--vault", str(site.path), "--user", user, *args]
    done = subprocess.run(
        [*words, "--secrets-fd", str(descriptor)], input=stdin, capture_output=True, timeout=120, check=False,
        pass_fds=(descriptor,), start_new_session=True,
    )  # fmt: skip
    os.close(descriptor)
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.mark.nightly
def test_a_file_goes_in_by_name_and_is_listed(site: Site, tmp_path: Path) -> None:
    content = b"%PDF-1.7\n" + os.urandom(150_000)
    (tmp_path / "report.docx").write_bytes(content)
    person = site.people_of(DANA)[0]
    with site.batch(DANA) as do:
        done = do("attach", person, str(tmp_path / "report.docx"), "--title", "Liver panel", "--what", "lab report",
                  "--from", "St. Luke")  # fmt: skip
        assert (done["media_type"], done["bytes"]) == ("application/pdf", len(content))
        assert done["sha256"] == hashlib.sha256(content).hexdigest()
        (listed,) = do("attachment", "list", person)
        assert (listed["id"], listed["missing"]) == (done["id"], 0)
        shown = do("show", done["id"])
        assert (shown["key"], shown["parts"], shown["title"]) == ("", "", "Liver panel")
        assert do("attachment", "show", done["id"])["error"]["code"] == "usage"
        assert do("attach", person, str(tmp_path), "--title", "x")["error"]["code"] == "input_rejected"
        assert do("attach", person, "-", "--title", "x")["error"]["code"] == "usage"
        assert do("new", "attachment", "--person", person, "--doc", json.dumps({"title": "x"}))["error"]
        assert do("attachment", "pin", person)["pinned"]
        assert do("verify", "--deep")["ok"]
    assert (tmp_path / "report.docx").read_bytes() == content


@pytest.mark.nightly
def test_standard_streams_are_files_too(site: Site) -> None:
    code, out, said = piped(site, "attach", site.people_of(RAY)[0], "-", "--title", "Letter", user=RAY,
                            stdin=b"Dear colleague,\n")  # fmt: skip
    assert (code, said) == (0, "")
    assert b"text/plain, 16 bytes" in out
    code, out, _ = piped(site, "attachment", "show", out.split()[1].decode().rstrip(":"), user=RAY)
    assert (code, out) == (0, b"Dear colleague,\n")
