"""The real command line and program as a process of its own: `python -m tests.support.processes.commandline ARGUMENTS`.

Everything is real but the cost of the passphrase and the date, as in `tests.support.processes.process`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from unittest.mock import patch

from tests.support.processes.process import ROOT, _environment
from tests.tui.terminal import Terminal

_PLACE = "iop_tui.shell.commands.environment"


def main() -> int:
    """As `iop-tui` does it."""
    from iop_tui import cli

    def given(path: Path = Path(), now: str = "", *, demo: bool = False) -> object:
        del demo
        return _environment(path, now)

    with patch(f"{_PLACE}.make", given), patch(f"{_PLACE}.for_new", given):
        return cli.main(sys.argv[1:])


def start(*arguments: str, cols: int = 80, rows: int = 24) -> Terminal:
    """The program in a terminal."""
    argv = [sys.executable, "-m", "tests.support.processes.commandline", *arguments]
    given = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": str(ROOT)}
    return Terminal(argv, cols, rows, env=given, cwd=ROOT)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    raise SystemExit(main())
