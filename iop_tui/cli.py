"""The command line: decides between the app and a command, and turns every failure into an exit code.

Nothing heavy is imported here: the unlock card must be on screen within one and a half times the start of a
bare interpreter, so the app's own options are read by hand and `argparse` is left to the commands.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_APP_OPTIONS = ("--vault", "--user", "--now")


def main(argv: list[str] | None = None) -> int:
    """Run the program; its exit code."""
    given = sys.argv[1:] if argv is None else argv
    from iop_tui.shell.process import harden

    try:
        harden.check_platform()
        start = _app_start(given)
        if start is not None:
            from iop_tui.shell.main import run

            return run(*start)
        from iop_tui.shell.commands.entry import run_command

        return run_command(given)
    except Exception as error:  # the last line of defence: a sentence, a reference and an exit code, no traceback
        from iop_tui.shell.commands.failures import report

        return report(error, as_json=False)
    except KeyboardInterrupt:
        return 130


def _app_start(given: list[str]) -> tuple[str, str, str] | None:
    """(vault, user, now) where the command line starts the app; None where it names a command or needs a parser."""
    found = dict.fromkeys(_APP_OPTIONS, "")
    words = list(given)
    while words:
        name, has_value, value = words.pop(0).partition("=")
        if name not in found or (not has_value and (not words or words[0].startswith("-"))):
            return None
        found[name] = value if has_value else words.pop(0)
    return found["--vault"], found["--user"], found["--now"]


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands, for the documentation tests and for `batch`."""
    from iop_tui.shell.commands.parser import build

    return build()
