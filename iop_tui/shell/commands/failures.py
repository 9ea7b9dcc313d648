"""Failures as people and scripts see them: sentence, hint, exit code; no traceback, no word of a record."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from iop_tui.kernel.errors import EXIT_CANCELLED, EXIT_FAILURE, EXIT_MEDIUM, IopError, rule_of
from iop_tui.kernel.text import escaped

_FIRST = (5, 4, 3, 8, 7)


def as_dict(error: BaseException) -> dict[str, Any]:
    """The failure as `--json` prints it."""
    if isinstance(error, IopError):
        return {"error": {"code": rule_of(error), "message": _message(error), "hint": error.hint}}
    if isinstance(error, KeyboardInterrupt):
        return {"error": {"code": "cancelled", "message": "Cancelled.", "hint": ""}}
    if isinstance(error, OSError):
        return {"error": {"code": "medium", "message": _os_line(error), "hint": "Nothing was lost."}}
    from iop_tui.shell.process.harden import failure_line

    return {"error": {"code": "unexpected", "message": failure_line(error), "hint": ""}}


def exit_code(error: BaseException) -> int:
    """The exit code of a failure."""
    if isinstance(error, IopError):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return EXIT_CANCELLED
    return EXIT_MEDIUM if isinstance(error, OSError) else EXIT_FAILURE


def report(error: BaseException, *, as_json: bool) -> int:
    """Tell the failure where it belongs and return the exit code."""
    if isinstance(error, BrokenPipeError):
        # Whoever reads standard output has left; nothing more can be told there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return EXIT_MEDIUM
    shown = as_dict(error)["error"]
    if as_json:
        print(escaped(json.dumps({"error": shown}, ensure_ascii=False)), flush=True)
    else:
        hint = f"{shown['hint']}\n" if shown["hint"] else ""
        sys.stderr.write(escaped(f"iop-tui: {shown['message']}\n{hint}"))
    return exit_code(error)


def first_of(codes: list[int]) -> int:
    """The exit code of several inputs: the first of 5, 4, 3, 8, 7 that occurred, else the first that is not 0."""
    for code in _FIRST:
        if code in codes:
            return code
    return next((code for code in codes if code), 0)


def _message(error: IopError) -> str:
    place = " ".join(part for part in (getattr(error, "file", ""), getattr(error, "place", "")) if part)
    return f"{error.message} ({place})" if place else error.message


def _os_line(error: OSError) -> str:
    name = os.path.basename(error.filename) if isinstance(error.filename, str) else ""
    what = os.strerror(error.errno) if error.errno else "The system reported an error"
    return f"{what}{': ' + name if name else ''}."
