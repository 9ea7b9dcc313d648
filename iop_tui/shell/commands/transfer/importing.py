"""`import`: foreign files are checked first and as a whole; only then is the vault opened and written."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict
from typing import Any

from iop_tui.clinical.imports import calendars, mappings
from iop_tui.clinical.imports.model import Counts, Refusal, RowLine
from iop_tui.clinical.staff import api as staff
from iop_tui.interchange.fhir.run import ImportRun, read_run
from iop_tui.interchange.items import Columns, Progress
from iop_tui.interchange.moving.options import PICKS, Options
from iop_tui.kernel.errors import EXIT_MEDIUM, EXIT_REJECTED, Usage
from iop_tui.kernel.ids import parse_id
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.failures import first_of
from iop_tui.shell.commands.output import plain
from iop_tui.shell.commands.unlocking import say
from iop_tui.vault.glance import glance
from iop_tui.vault.headfile import NAME

_STEP_SECONDS = 0.2


def import_files(call: Call) -> Answer:
    """Read and store. Where nothing in the files can be taken, no secret is asked for.

    A path that cannot be read does not keep the others from being taken; where it is the only one it is the failure.
    """
    if not call.in_batch:
        glance(call.opener.options.folder / NAME)
    show = _Line()
    readable = [path for path in call.args.paths if os.access(path, os.R_OK)]
    with read_run(readable or call.args.paths, progress=show.reading, options=_options(call)) as run:
        counts = _store(call, run, show)
    show.end()
    counts.rejected += [Refusal(item.file, item.place, item.reason) for item in run.rejected]
    unusable = [path for path in call.args.paths if path not in readable]
    return _answer(counts, run.columns, unusable, dry_run=call.args.dry_run)


def _options(call: Call) -> Options:
    """What was asked for: parts of documents, and what the columns of lists are. Raises `Usage`, `Refused`."""
    pick = tuple(part for part in call.args.pick.split(",") if part)
    unknown = sorted(set(pick) - set(PICKS))
    if unknown:
        raise Usage(f"Nothing called {unknown[0]} can be picked.", f"Choose from: {', '.join(PICKS)}.")
    columns = mappings.columns_of(call.ws, call.args.mapping) if call.args.mapping else {}
    must = []
    for given in call.args.map:
        heading, sign, field = given.rpartition("=")
        if not sign or not heading.strip():
            raise Usage("A column is mapped as --map \"Column=field\".", "An empty field leaves the column out.")
        columns[heading] = field.strip()
        must.append(heading)
    return Options(pick, columns, tuple(must))


def _store(call: Call, run: ImportRun, show: _Line) -> Counts:
    if not run.has_items:
        return Counts()
    person = parse_id(call.args.person) if call.args.person else None
    whose = _whose(call)
    counts = calendars.import_run(
        call.ws, run, dry_run=call.args.dry_run, person=person, clinician=whose, progress=show.storing
    )
    if not call.args.clinician and whose != call.ws.user.user and any(file.form == "calendar" for file in run.files):
        say(f"Lines of a calendar wait for {call.ws.session.card(whose).name}. --clinician NAME says whose it is.")
    if call.args.save_mapping and run.columns and not call.args.dry_run:
        mappings.save(call.ws, call.args.save_mapping, run.columns[0].fields)
    return counts


def _whose(call: Call) -> bytes:
    """The clinician whose calendar it is, where the files hold one: who is named, else as `calendars.usual`."""
    return staff.user_by_name(call.ws, call.args.clinician).id if call.args.clinician else calendars.usual(call.ws)


def _answer(counts: Counts, columns: list[Columns], unusable: list[str], *, dry_run: bool) -> Answer:
    value: dict[str, Any] = asdict(counts)
    if unusable:
        value["unusable"] = unusable
    rows = counts.rows
    if not rows and not columns:
        del value["rows"]
    if columns:
        value["columns"] = [{"file": each.file, "fields": each.fields, "unused": list(each.unused)} for each in columns]
    numbers = ", ".join(f"{value[name]} {name}" for name in ("created", "matched", "unchanged", "kept", "flagged"))
    lines = [f"{'Would be: ' if dry_run else ''}{numbers}, {len(counts.rejected)} rejected."]
    for each in columns:
        lines += [f"Column {plain(heading)} is {field}." for heading, field in each.fields.items()]
        lines += [f"Column {plain(heading)} is left out: --map \"{plain(heading)}=field\"." for heading in each.unused]
    lines += [_row(row) for row in rows if row.remarks]
    lines += [f"Rejected: {plain(item.file)} {plain(item.place)}: {plain(item.reason)}" for item in counts.rejected]
    lines += [f"There is no file {plain(path)} that can be read." for path in unusable]
    codes = [EXIT_REJECTED] * bool(counts.rejected) + [EXIT_MEDIUM] * bool(unusable)
    return Answer(value, lines, first_of(codes))


def _row(row: RowLine) -> str:
    return f"{plain(row.file)} {plain(row.place)}: {row.outcome}; {'; '.join(plain(each) for each in row.remarks)}."


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
