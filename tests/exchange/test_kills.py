"""`kill -9` at any moment of writing and exchanging: what was acknowledged is there, and the next exchange goes on."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.devices import Device, enrolled, first
from tests.support.vaults import program


def killed_after(device: Device, stick: Path, dice: random.Random) -> set[bytes]:
    """Let a process work for a while, end it, and give back what it had acknowledged."""
    seed = device.program.founder.secrets.totp_seed.reveal().hex()
    person = device.program.people["ana"].hex()
    device.program.code_clock.advance(60)
    at = str(device.program.code_clock.now_ms() // 1000)
    words = [sys.executable, "-m", "tests.support.exchanger", str(device.path), str(stick), person, seed, at]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(dice.uniform(0.0, 0.5))
        process.kill()
        out = process.stdout.read()
    lines = out.splitlines() if out.endswith("\n") else out.splitlines()[:-1]
    return {bytes.fromhex(item.split()[1]) for item in lines if item.startswith("note ")}


def test_kill_in_the_middle_of_an_exchange(tmp_path: Path, scale: Callable[[int, int], int]) -> None:
    one = first(program(tmp_path, seed=71))
    stick = tmp_path / "stick"
    two = enrolled(one, "Laptop", tmp_path / "laptop", stick, seed=72)
    dice, written = random.Random(7), set[bytes]()
    for _ in range(scale(200, 1)):
        written |= killed_after(one, stick, dice)
        with one.workspace() as ws:
            assert [item for item in ws.verify() if item.alarm] == []
            assert all(ws.session.db.revision(revision) is not None for revision in written)
        one.sync(stick)
        two.sync(stick)
        with two.workspace() as ws:
            assert all(ws.session.db.revision(revision) is not None for revision in written)
    assert written
