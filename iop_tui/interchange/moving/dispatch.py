"""One run over files of several formats: what the bytes look like decides which reader gets them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from iop_tui.interchange import items
from iop_tui.interchange.fhir.passes import Reading, TooMuch
from iop_tui.interchange.limits import Limits
from iop_tui.interchange.moving import ccda, clientlist, ics, vcard, xml
from iop_tui.interchange.moving.columns import ColumnMap
from iop_tui.interchange.moving.options import Options
from iop_tui.interchange.reader import Damaged, Source, chunks

Emit = Callable[[items.Frame], None]
_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_TABLES = (".csv", ".tsv")
_REFUSALS = (xml.Refused, vcard.Refused, clientlist.Refused, ics.Refused, Damaged)


def form_of(source: Source, limits: Limits) -> str:
    """`ccda`, `vcard`, `calendar`, `csv` or `fhir`; the last also for what is nothing of these."""
    try:
        start = next(chunks(source, limits), b"")
    except Damaged:
        return "fhir"  # whose reader says what is wrong
    head = start.removeprefix(_BOM).lstrip(b" \t\r\n")[:32].upper()
    if head.startswith(b"<") or (start.startswith(_WIDE) and b"<" in start[:8]):
        return "ccda"
    if head.startswith(b"BEGIN:VCARD"):
        return "vcard"
    if head.startswith(b"BEGIN:VCALENDAR"):
        return "calendar"
    return "csv" if source.plain_name.endswith(_TABLES) and head[:1] not in (b"{", b"[") else "fhir"


def read_all(sources: list[Source], limits: Limits, options: Options, emit: Emit) -> None:
    """Every file through its reader, FHIR first. Raises `TooMuch`."""
    forms = {source.number: form_of(source, limits) for source in sources}
    fhir = [source for source in sources if forms[source.number] == "fhir"]
    others = [source for source in sources if forms[source.number] != "fhir"]
    if fhir:
        Reading(fhir, limits, emit).run()
    people = 0
    for source in others:
        emit(items.Step(items.Progress("checking", source.name, 0, source.size, 0)))
        people += _read(source, forms[source.number], limits, options, emit)
        if people > limits.people:
            raise TooMuch(f"More than {limits.people} people at once: import the files in parts.")


def _read(source: Source, form: str, limits: Limits, options: Options, emit: Emit) -> int:
    """One file, complete or not at all: its items are sent after the last was read. How many people it names."""
    found: list[Any] = []
    try:
        data = _content(source, limits)
        for each in _items(form, data, source.name, options):
            found.append(each)
    except _REFUSALS as reason:
        for each in found:
            if isinstance(each, ColumnMap):  # a person may say what the columns are
                emit(_frame(each, source.name))
        emit(items.Rejected(items.Rejection(source.name, "", str(reason))))
        return 0
    made = [each for each in found if isinstance(each, items.Mapped)]
    emit(items.Read(items.FileReport(source.name, form, len(made), len(data))))
    for each in found:
        emit(_frame(each, source.name))
    return sum(each.kind == items.PERSON for each in made)


def _content(source: Source, limits: Limits) -> bytes:
    parts, total = [], 0
    for piece in chunks(source, limits):
        total += len(piece)
        if total > xml.MOST_BYTES:
            raise Damaged(f"It is larger than {xml.MOST_BYTES >> 20} MiB.")
        parts.append(piece)
    return b"".join(parts)


def _items(form: str, data: bytes, name: str, options: Options) -> Iterator[Any]:
    if form == "ccda":
        return ccda.read(data, name, options.pick)
    if form == "vcard":
        return vcard.read(data, name)
    if form == "calendar":
        return ics.read(data, name)
    return clientlist.read(data, name, options.columns, options.must)


def _frame(found: Any, file: str) -> items.Frame:
    if isinstance(found, ColumnMap):
        return items.Columns(file, dict(found.named), found.unused)
    if isinstance(found, items.Ignored):
        return items.Skipped(found)
    return items.Rejected(found) if isinstance(found, items.Rejection) else items.Item(found)
