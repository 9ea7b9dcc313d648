"""The questionnaires a program can use: the shipped ones and the files the clinic loaded, which replace them by id."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import msgspec

from iop_tui.access.policy import Kind
from iop_tui.access.primitives import program_compartment, put
from iop_tui.clinical.measures import reading
from iop_tui.clinical.measures.definition import CLINIC, Definition
from iop_tui.clinical.measures.instruments import shipped
from iop_tui.clinical.measures.model import INSTRUMENT_FILE, InstrumentFile
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.errors import InputRejected, NotFound
from iop_tui.store.session import NOBODY
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file of the clinic's: its record, what it defines, by whom and when it was loaded; `problem` where this
    program cannot read it any more.
    """

    record: bytes
    id: str
    name: str
    definition: Definition | None
    by: str = ""
    on: date | None = None
    problem: str = ""


def loaded(ws: Workspace) -> list[Loaded]:
    """The clinic's own files that are in use, in the order they were loaded."""
    rows = ws.view.rows(
        "SELECT record, doc, version, author FROM record WHERE kind = ? AND compartment = ? AND deposit = 0"
        " ORDER BY changed_ms, id",
        (INSTRUMENT_FILE.kind, program_compartment(ws.session, Kind.PROG)),
    )
    files = [(bytes(row[0]), INSTRUMENT_FILE.decode(row[1], row[2]), bytes(row[3])) for row in rows]
    return [_opened(record, file, ws.session.card(by).name) for record, file, by in files if not file.retired]


def _opened(record: bytes, file: InstrumentFile, by: str) -> Loaded:
    try:
        return Loaded(record, file.instrument, file.name, _read(file.text), by, file.loaded)
    except InputRejected as error:
        return Loaded(record, file.instrument, file.name, None, by, file.loaded, error.message)


@lru_cache(maxsize=64)
def _read(text: str) -> Definition:
    """A file's definition; files are asked for with every chart and change once a year."""
    return own(text.encode())


def own(data: bytes) -> Definition:
    """What a clinic's file defines; its wording is the clinic's. Raises `InputRejected`."""
    definition = reading.read(data, shipped())
    replaced = shipped().get(definition.id)
    if replaced is not None:
        for message, place in reading.weaker(replaced, definition):
            raise reading.broken(message, place)
    return msgspec.structs.replace(definition, texts=CLINIC)


def instruments(ws: Workspace) -> dict[str, Definition]:
    """Every questionnaire by its id; the clinic's file wins over the shipped one of the same id."""
    own = {each.definition.id: each.definition for each in loaded(ws) if each.definition is not None}
    return dict(sorted({**shipped(), **own}.items(), key=lambda pair: pair[1].name.casefold()))


def instrument(ws: Workspace, identifier: str) -> Definition:
    """One questionnaire by id or name. Raises `NotFound`."""
    known = instruments(ws)
    wanted = identifier.strip().casefold()
    for each in known.values():
        if wanted in (each.id.casefold(), each.name.casefold()):
            return each
    raise NotFound("Known questionnaires: " + ", ".join(each.name for each in known.values()) + ".")


def install(ws: Workspace, data: bytes) -> tuple[Definition, Changes]:
    """Take a clinic's instrument file into use for the whole program; a file of the same id is replaced.

    Raises `InputRejected` with the place of the first fault, or what the file would take away from a shipped
    questionnaire that guards somebody; then nothing was changed.
    """
    definition = own(data)
    value = InstrumentFile(
        instrument=definition.id, name=definition.name, licence=definition.licence, text=data.decode("utf-8-sig"),
        loaded=local_date(ws.clock.now_ms()),
    )  # fmt: skip
    return definition, _write(ws, value, next((each for each in loaded(ws) if each.id == definition.id), None))


def retire(ws: Workspace, identifier: str) -> Changes:
    """No longer use the clinic's file of an id; a shipped questionnaire of that id is back. Raises `NotFound`."""
    before = next((each for each in loaded(ws) if each.id == identifier), None)
    if before is None:
        raise NotFound
    value = InstrumentFile(instrument=before.id, name=before.name, licence="", retired=True)
    return _write(ws, value, before)


def _write(ws: Workspace, value: InstrumentFile, before: Loaded | None) -> Changes:
    work = ws.work()
    place = program_compartment(ws.session, Kind.PROG)
    parents: tuple[bytes, ...] = ()
    if before is not None:
        row = ws.view.one("SELECT leaf FROM record WHERE record = ?", (before.record,))
        parents = (bytes(row[0]),) if row else ()
    record, _ = put(
        ws.session, work, place, INSTRUMENT_FILE, value, person=NOBODY,
        record=before.record if before else None, parents=parents, source="loaded",
    )  # fmt: skip
    ws.session.note(work, "write", category=Kind.PROG, subject=record, detail=INSTRUMENT_FILE.kind)
    return ws.commit(work)
