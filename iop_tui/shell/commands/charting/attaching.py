"""`attach` and `attachment …`: files into a chart, and out of it as a stream."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Any

from iop_tui.clinical.attachments import api as attachments
from iop_tui.clinical.attachments.api import Attached, AttachmentLine, Opened, Order
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.people import api as people
from iop_tui.clinical.signing import api as signing
from iop_tui.exchange.carrying import Budget
from iop_tui.exchange.chunks import MovedParts
from iop_tui.kernel.errors import NotFound, Refused, Usage
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.kernel.text import clean
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.output import table
from iop_tui.shell.commands.unlocking import progress
from iop_tui.workspace import Workspace, exchanging

STANDARD_INPUT = "-"


def attach(call: Call) -> Answer:
    """A file becomes part of a person's chart, its bytes sealed piece by piece."""
    args, ws = call.args, call.ws
    if args.file == STANDARD_INPUT and call.in_batch:
        raise Usage("In a batch a file has a name.", "Give its path.")
    order = Order(
        subject=parse_id(args.person), title=args.title, what=args.what, on=_day(ws, args.on), sender=args.sender,
        place=args.part, record=parse_id(args.record) if args.record else None,
    )  # fmt: skip
    if args.file == STANDARD_INPUT:
        return _attached(attachments.attach(ws, order, sys.stdin.buffer), "")
    path = Path(args.file)
    show = progress("Attaching (bytes)") or _silent
    sealed = attachments.seal_file(ws, order, attachments.check(ws, order), path, progress=show)
    return _attached(attachments.finish(ws, sealed), str(path))


def _silent(_done: int, _total: int) -> None:
    """Nobody watches."""


def _day(ws: Workspace, text: str) -> date:
    if not text:
        return signing.today(ws)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Usage(f"{text!r} is no date.", "Write dates as 2026-11-21.") from None


def _attached(done: Attached, file: str) -> Answer:
    document = done.document
    value = {
        "id": show_id(done.record), "revision": show_id(done.revision), "media_type": document.media_type,
        "bytes": document.size, "sha256": document.sha256, "parts": len(attachments.parts(document)),
        "file": file or None,
    }  # fmt: skip
    lines = [f"Attached {value['id']}: {document.media_type}, {document.size:,} bytes."]
    if file:
        lines.append(f"The file itself stays where it was, unsealed: {file}. Remove it if nobody needs it there.")
    return Answer(value, lines)


# -- out -----------------------------------------------------------------------------------


def show(call: Call) -> Answer:
    """The bytes on standard output, for a program that reads them from there."""
    if call.opener.options.json:
        raise Usage("A file is not a JSON document.", "Leave --json out; `iop-tui show ID --json` describes it.")
    file = attachments.open_file(call.ws, parse_id(call.args.id))
    if sys.stdout.isatty():
        return Answer(None, _on_terminal(file))
    for piece in file.pieces():
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
    return Answer(None)


def _on_terminal(file: Opened) -> list[str]:
    if not attachments.is_readable(file.document.media_type):
        raise Refused(
            f"This is {file.document.media_type}: a terminal cannot show it.",
            "Hand it to a program that reads standard input: iop-tui attachment show ID | PROGRAM",
        )
    return clean(b"".join(file.pieces()).decode("utf-8", "replace")).split("\n")


def listing(call: Call) -> Answer:
    """The attachments of a person or couple, newest first."""
    found = attachments.lines(call.ws, _subject(call.ws, call.args.person))
    rows = [_row(line) for line in found]
    shown = [
        (row["id"], row["date"], row["title"], row["media_type"], f"{row['bytes']:,}", row["mark"], _here(line))
        for row, line in zip(rows, found, strict=True)
    ]
    return Answer(rows, table(("id", "date", "what", "kind", "bytes", "", "here"), shown, empty="No attachments."))


def _row(line: AttachmentLine) -> dict[str, Any]:
    document = line.document
    return {
        "id": show_id(line.record.id), "date": line.record.service_date or None, "title": line.record.title,
        "media_type": document.media_type, "bytes": document.size, "sha256": document.sha256,
        "author_name": line.record.author_name, "part": line.record.compartment_kind, "mark": line.record.mark or None,
        "parts": line.parts, "missing": line.missing,
    }  # fmt: skip


def _here(line: AttachmentLine) -> str:
    return "whole" if not line.missing else f"{line.parts - line.missing} of {line.parts} parts"


def _subject(ws: Workspace, text: str) -> bytes:
    """A person or couple this user knows of. Raises `NotFound`."""
    subject = parse_id(text)
    if any(line.id == subject for line in couples.couples(ws)):
        return subject
    people.header(ws, subject)
    return subject


# -- keeping here --------------------------------------------------------------------------


def fetch(call: Call) -> Answer:
    """The parts of an attachment from a carrier, now."""
    ws, record = call.ws, parse_id(call.args.id)
    line = exchanging.find_remote(ws, call.args.remote)
    moved = attachments.fetch(ws, record, line, budget=Budget(progress=progress("Fetching (bytes)")))
    left = _left(ws, record)
    value = {**parts_json(moved), "missing": left}
    if not left:
        return Answer(value, [f"It is whole here: {moved.received} parts, {moved.received_bytes:,} bytes fetched."])
    return Answer(value, [
        f"{left} parts are still missing. {attachments.who_has(ws, record)}",
        "They come with the next exchanges, as soon as a carrier has them.",
    ])  # fmt: skip


def _left(ws: Workspace, record: bytes) -> int:
    copy = attachments.copy_of(ws, record)
    if copy is None:
        raise NotFound
    return copy.lacking


def parts_json(moved: MovedParts) -> dict[str, int]:
    """What an exchange moved of attachments, as scripts read it."""
    return {
        "parts_received": moved.received, "parts_sent": moved.sent, "parts_received_bytes": moved.received_bytes,
        "parts_sent_bytes": moved.sent_bytes, "parts_left": moved.left,
    }  # fmt: skip


def pin(call: Call) -> Answer:
    """Keep everything of a person on this copy."""
    return _pin(call, on=True)


def unpin(call: Call) -> Answer:
    """Fetch only what is opened."""
    return _pin(call, on=False)


def _pin(call: Call, *, on: bool) -> Answer:
    attachments.pin(call.ws, _subject(call.ws, call.args.person), on=on)
    said = "Every attachment is kept on this copy; the next exchange fetches what is missing." if on else (
        "Attachments are fetched when they are opened. What is here stays here."
    )
    return Answer({"person": call.args.person, "pinned": on}, [said])
