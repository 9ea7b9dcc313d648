"""Hardening before the first key, and the time until the card is there."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tui.process.conftest import ROOT
from tests.tui.terminal import Terminal

Start = Callable[..., Terminal]

_SHOW_STATE = """
import os, resource, sys
from iop_tui.shell.process import harden
from iop_tui.shell.process import parent
def main(context):
    dumpable, core = harden._libc().prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE)
    print("state", dumpable, core, oct(os.umask(0o077)), end="\\r\\n")
    print("environment", sorted(set(os.environ) & set(sys.argv[1:])), end="\\r\\n")
    print("path", [part for part in sys.path if "evil" in part], end="\\r\\n")
    failed = {control.name for control in harden.report() if not control.ok}
    print("failed", sorted(failed - {"swap", "hibernation"}), end="\\r\\n")
    sys.stdout.flush()
    os.read(0, 1)
    return 0
raise SystemExit(parent.run(main))
"""

_DANGEROUS = {
    "TEXTUAL": "devtools", "TEXTUAL_LOG": "{evil}/log", "TEXTUAL_DRIVER": "evil:Driver", "TEXTUAL_PRESS": "q",
    "TEXTUAL_SCREENSHOT": "1", "PYTHONSTARTUP": "{evil}/startup.py", "PYTHONBREAKPOINT": "evil.hook",
    "PYTHONFAULTHANDLER": "1", "PYTHONINSPECT": "1", "PYTHONASYNCIODEBUG": "1", "SSLKEYLOGFILE": "{evil}/keys",
    "PYTHON_KEYRING_BACKEND": "evil.Backend", "DEBUG": "1",
}  # fmt: skip


def test_hardening_is_complete_when_the_child_begins(tmp_path: Path) -> None:
    script = tmp_path / "state.py"
    script.write_text(_SHOW_STATE)
    evil = tmp_path / "evil"
    evil.mkdir()
    env = {name: value.format(evil=evil) for name, value in _DANGEROUS.items()}
    env["PYTHONPATH"] = f"{evil}{os.pathsep}{ROOT}"
    with Terminal([sys.executable, script, *env], cols=200, env=env, cwd=evil) as terminal:
        terminal.wait_for(r"state 0 \(0, 0\) 0o77").wait_for(r"environment \[\]").wait_for(r"path \[\]")
        terminal.wait_for(r"failed \[\]").press("x")
        assert terminal.wait_exit() == 0
    assert list(evil.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every process")
def test_other_programs_of_the_same_user_cannot_look_in(start: Start) -> None:
    terminal = start().wait_for("Passphrase").press("anna").wait_for("anna")
    with pytest.raises(PermissionError):
        open(f"/proc/{terminal.descendants()[0]}/mem", "rb").close()


@pytest.mark.parametrize("redirect", ["</dev/null", ">/dev/null"])
def test_without_a_terminal_it_says_so(redirect: str) -> None:
    program = f"'{sys.executable}' -m tests.tui.process.fake_program {redirect}"
    with Terminal(["sh", "-c", program], cwd=ROOT) as terminal:
        assert terminal.wait_exit() == 2
        assert "needs a terminal" in terminal.screen()


_IMPORTED = """
import sys
sys.argv[1:] = []
before = set(sys.modules)
import iop_tui.shell.process.parent
print(*sorted(set(sys.modules) - before))
"""


def test_the_parent_imports_nothing_heavy() -> None:
    import subprocess

    done = subprocess.run([sys.executable, "-c", _IMPORTED], cwd=ROOT, capture_output=True, text=True, check=True)
    foreign = [name for name in done.stdout.split() if not name.startswith("iop_tui")]
    assert set(foreign) <= {"__future__", "termios"}


_MINIMAL = """
import sys
sys.path.insert(0, {root!r})
from iop_tui.shell.process import parent
def main(context):
    from iop_tui.shell.process.card import Card
    context.prompt.ask(Card())
    return 0
raise SystemExit(parent.run(main))
"""


def test_the_card_is_there_almost_as_soon_as_python(tmp_path: Path, scale: Callable[[int, int], int]) -> None:
    """Budgets of the prompt: drawn within 1.5, first key shown within 3 times `python -c pass` (medians, interleaved).

    Measured at 2 and 4 here, because other tests run beside this one; the benchmarks hold the real limits.
    """
    script = tmp_path / "minimal.py"
    script.write_text(_MINIMAL.format(root=str(ROOT)))
    env = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path / "cache")}
    bare: list[float] = []
    drawn: list[float] = []
    shown: list[float] = []
    for _ in range(scale(40, 12)):
        bare.append(_seconds([sys.executable, "-c", "pass"], env))
        with Terminal([sys.executable, script], env=env) as terminal:
            terminal.wait_for("Ctrl.Q quit")
            drawn.append(time.perf_counter() - terminal.started)
            terminal.press("z").wait_for("z$")
            shown.append(time.perf_counter() - terminal.started)
            terminal.press("<ctrl+q>").wait_exit()
    base = statistics.median(bare[1:])
    assert statistics.median(drawn[1:]) <= 2 * base
    assert statistics.median(shown[1:]) <= 4 * base


def _seconds(argv: list[str], env: dict[str, str]) -> float:
    with Terminal(argv, env=env) as terminal:
        terminal.wait_exit()
        return time.perf_counter() - terminal.started
