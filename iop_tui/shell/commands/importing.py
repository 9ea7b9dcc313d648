"""`import`: foreign files are checked first and as a whole; only then is the vault opened and written."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import Any

from iop_tui.clinical.imports import service
from iop_tui.clinical.imports.model import Counts, Refusal
from iop_tui.interchange.fhir.run import ImportRun, read_run
from iop_tui.interchange.items import Progress
from iop_tui.kernel.errors import EXIT_REJECTED
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.output import plain
from iop_tui.vault.glance import glance
from iop_tui.vault.headfile import NAME

_STEP_SECONDS = 0.2


def import_files(call: Call) -> Answer:
    """Read and store. Where nothing in the files can be taken, no secret is asked for."""
    if not call.in_batch:
        glance(call.opener.options.folder / NAME)
    show = _Line()
    with read_run(call.args.paths, progress=show.reading) as run:
        counts = _store(call, run, show)
    show.end()
    counts.rejected += [Refusal(item.file, item.place, item.reason) for item in run.rejected]
    return _answer(counts, dry_run=call.args.dry_run)


def _store(call: Call, run: ImportRun, show: _Line) -> Counts:
    if not run.has_items:
        return Counts()
    return service.import_items(call.ws, run, dry_run=call.args.dry_run, progress=show.storing)


def _answer(counts: Counts, *, dry_run: bool) -> Answer:
    value: dict[str, Any] = asdict(counts)
    numbers = ", ".join(f"{value[name]} {name}" for name in ("created", "matched", "unchanged", "kept", "flagged"))
    lines = [f"{'Would be: ' if dry_run else ''}{numbers}, {len(counts.rejected)} rejected."]
    lines += [f"Rejected: {plain(item.file)} {plain(item.place)}: {plain(item.reason)}" for item in counts.rejected]
    return Answer(value, lines, EXIT_REJECTED if counts.rejected else 0)


class _Line:
    """Progress on standard error, where that is a terminal."""

    def __init__(self) -> None:
        self._is_on = sys.stderr.isatty()
        self._next = 0.0
        self._shown = False

    def reading(self, progress: Progress) -> None:
        """How far the check of the files is."""
        done, total = progress.done_bytes // 1024, max(1, progress.total_bytes // 1024)
        self._say(f"{progress.stage}: {done:,} of {total:,} KiB")

    def storing(self, count: int) -> None:
        """How many records were stored."""
        self._say(f"storing: {count:,} records")

    def end(self) -> None:
        """Leave the line."""
        if self._shown:
            sys.stderr.write("\n")

    def _say(self, text: str) -> None:
        if self._is_on and time.monotonic() >= self._next:
            self._next, self._shown = time.monotonic() + _STEP_SECONDS, True
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
