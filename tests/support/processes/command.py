"""The real command line as a subprocess, on copies of one demo vault.

    site.run("list", "people", user="Dana Example")           -> Result(code, value, out, err)
    with site.batch("Dana Example") as do: do("list", "people")

Secrets go through a descriptor. One-time codes are never used twice: each unlock of a user takes the next step, and
waits where the window of accepted codes is used up.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from iop_tui.shell.commands.environment import for_new
from iop_tui.shell.demo.build import Built, build
from iop_tui.shell.demo.secrets import passphrase, totp_seed
from iop_tui.vault import headfile
from iop_tui.vault.totp import STEP_SECONDS, code_at
from tests.support.processes import preloaded

Do = Callable[..., Any]
TIMEOUT = 120
FRESH = False
"""Whether each command is a fresh interpreter, or comes from one that has the program's modules loaded."""


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """Standard output as the one JSON document it must be."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The code of the error that was printed."""
        return str(self.value["error"]["code"])


def pipe_of(secrets: Sequence[dict[str, object]]) -> int:
    """A descriptor that delivers JSON lines."""
    read, write = os.pipe()
    os.write(write, b"".join(json.dumps(line).encode() + b"\n" for line in secrets))
    os.close(write)
    return read


def command(
    *args: str, secrets: Sequence[dict[str, object]] | None = None, stdin: str = "", timeout: float = TIMEOUT,
    ahead: int = 0,
) -> Result:  # fmt: skip
    """Run a command; without `secrets` there is no descriptor. Its clock runs `ahead` seconds before ours."""
    descriptor = None if secrets is None else pipe_of(secrets)
    words = [*args, *([] if descriptor is None else ["--secrets-fd", str(descriptor)])]
    passed = () if descriptor is None else (descriptor,)
    if not FRESH:
        return Result(*preloaded.run(words, stdin, passed, timeout, ahead))
    done = subprocess.run(
        [sys.executable, "-m", "iop_tui", *words], input=stdin, capture_output=True, text=True, timeout=timeout,
        check=False, pass_fds=passed, start_new_session=True,
    )  # fmt: skip
    if descriptor is not None:
        os.close(descriptor)
    return Result(done.returncode, done.stdout, done.stderr)


class Codes:
    """One-time codes of one vault, each once."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def next(self, name: str, seed_code: Callable[[int], str]) -> str:
        """The next unused code of a user that is accepted now."""
        while True:
            step, rest = divmod(time.time(), STEP_SECONDS)
            # The step before is accepted too, but not for long: ten seconds are enough for a slow machine.
            earliest = int(step) - (rest < STEP_SECONDS - 10)
            wanted = max(self._last.get(name, 0) + 1, earliest)
            if wanted <= int(step) + 1:
                break
            time.sleep(0.2)
        self._last[name] = wanted
        return seed_code(wanted * STEP_SECONDS)


@dataclass
class Site:
    """A copy of a demo vault and the program on it."""

    path: Path
    built: Built
    codes: Codes = field(default_factory=Codes)

    @property
    def realm(self) -> bytes:
        """The vault's id."""
        return headfile.read(self.path / headfile.NAME).header.vault_id

    def secrets(self, user: str) -> list[dict[str, object]]:
        """What a user types."""
        seed = totp_seed(self.realm, user)
        return [
            {"passphrase": passphrase(self.realm, user).decode()},
            {"totp": self.codes.next(user, lambda at: code_at(seed, at))},
        ]

    def run(self, *args: str, user: str = "", more: Sequence[dict[str, object]] = (), stdin: str = "") -> Result:
        """A command with `--json`, unlocked by a user."""
        given = ["--vault", str(self.path), "--json", *(["--user", user] if user else [])]
        return command(*given, *args, secrets=[*(self.secrets(user) if user else []), *more], stdin=stdin)

    @contextmanager
    def batch(
        self, user: str, more: Sequence[dict[str, object]] | Callable[[], Sequence[dict[str, object]]] = ()
    ) -> Iterator[Do]:
        """An interactive batch: each call is a line and returns the document of that line. `more` secrets that are
        codes come as a function: they are of later steps than the unlock's.
        """
        unlocking = self.secrets(user)
        descriptor = pipe_of([*unlocking, *(more() if callable(more) else more)])
        words = ["--vault", str(self.path), "--user", user, "batch", "--secrets-fd", str(descriptor)]
        with preloaded.started(words, (descriptor,)) as (lines_in, lines_out):

            def do(*words: str) -> Any:
                lines_in.write(json.dumps(words) + "\n")
                lines_in.flush()
                line = lines_out.readline()
                if not line:
                    raise AssertionError(f"the batch ended at {words}")
                return json.loads(line)

            yield do

    def people_of(self, user: str) -> list[str]:
        """The ids a user is said to see."""
        return [str(item) for one in self.built.users if one["name"] == user for item in one["sees"]]  # type: ignore[attr-defined]


def shared_demo(factory: pytest.TempPathFactory) -> Site:
    """A small demo that the first worker makes and all others use."""
    root = factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    place, facts = root / "demo-vault", root / "demo-vault.json"
    with (root / "demo-vault.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not facts.exists():
            built = build(place, for_new(demo=True), size="small", seed=1)
            facts.write_text(json.dumps([built.people, built.notes, built.users, built.couples]))
    return Site(place, Built(place, *json.loads(facts.read_text())))


def copy_of(template: Site, place: Path) -> Site:
    """A fresh copy, with codes of its own."""
    shutil.copytree(template.path, place)
    return Site(place, template.built)
