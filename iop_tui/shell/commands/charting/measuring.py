"""`instruments`, `score`, and answers through `new measure`: questionnaires from scripts, by the rules of the screens.

Answers and totals come from standard input (in a batch line from `--doc`), never from arguments.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from iop_tui.clinical.measures import library, reading, service
from iop_tui.clinical.measures.definition import CLINIC, Definition
from iop_tui.clinical.measures.model import MODES, Measure
from iop_tui.kernel.declare import Finding
from iop_tui.kernel.errors import DocumentInvalid, InputRejected, MediumUnusable, NotFound, Usage
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.kernel.text import clean_line
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.output import pairs, table
from iop_tui.workspace import Workspace


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An administration as a script hands it over: answers by item, or in the order of the items (null: none)."""

    instrument: str
    answers: dict[str, int | None] | list[int | None] = {}
    taken: date | None = None
    mode: str = "on paper"
    stated: float | None = None
    safety_action: str = ""


def is_given(value: Any) -> bool:
    """Whether a document for `new measure` holds answers to be scored, not an administration that was scored."""
    return isinstance(value, dict) and "answers" in value


def give(call: Call, person: bytes, value: Any) -> Answer:
    """Score the answers and keep the administration. Raises `InputRejected`, `DocumentInvalid`, `NotReady`."""
    definition, measure = _scored(call.ws, person, value)
    record = parse_id(call.args.record) if call.args.record else None
    kept = service.give(call.ws, person, definition, measure, record=record)
    answer = _shown(definition, kept.measure)
    found = {"id": show_id(kept.record), "person": show_id(person), "kind": service.kind_for(definition).kind}
    findings = [_finding(item) for item in kept.findings]
    said = [f"{item.severity}: {item.message}" for item in kept.findings]
    return Answer({**found, **answer.value, "findings": findings}, [f"Saved {found['id']}.", *answer.lines, *said])


def score(call: Call) -> Answer:
    """What answers come to; nothing is kept. With `--person` cut-offs and changes are that person's."""
    person = parse_id(call.args.person) if call.args.person else b""
    return _shown(*_scored(call.ws, person, call.document()))


def _scored(ws: Workspace, person: bytes, value: Any) -> tuple[Definition, Measure]:
    try:
        given = msgspec.convert(value, Given)
    except msgspec.ValidationError as error:
        hint = "Fields: instrument, answers, and taken, mode, stated, safety_action where they are known."
        raise DocumentInvalid(f"{error}.", hint) from None
    if given.mode not in MODES:
        raise DocumentInvalid(f"There is no mode {clean_line(given.mode)!r}.", f"One of: {', '.join(MODES)}.",
                              place="$.mode")  # fmt: skip
    definition = library.instrument(ws, given.instrument)
    return definition, service.scored(
        ws, person, definition, _answers(definition, given), taken=given.taken, mode=given.mode, stated=given.stated,
        safety_action=given.safety_action,
    )  # fmt: skip


def _answers(definition: Definition, given: Given) -> dict[str, int]:
    if isinstance(given.answers, dict):
        return {name: value for name, value in given.answers.items() if value is not None}
    if len(given.answers) > len(definition.items):
        message = f"{definition.name} has {len(definition.items)} items, not {len(given.answers)}."
        raise InputRejected(message, "Name them by their number where some are left out.", place="$.answers")
    named = zip(definition.items, given.answers, strict=False)
    return {item.id: value for item, value in named if value is not None}


def _shown(definition: Definition, measure: Measure) -> Answer:
    value = {
        "instrument": definition.name, "taken": measure.taken.isoformat() if measure.taken else None,
        "score": measure.score, "stated": measure.stated, "computed": measure.computed, "lowest": measure.lowest,
        "highest": measure.highest, "band": measure.band, "positive": measure.positive, "level": measure.level,
        "scales": [msgspec.to_builtins(each) for each in measure.scales], "safety_item": measure.safety_item,
        "flags": list(measure.flags), "warnings": list(measure.warnings), "changes": list(measure.changes),
        "missing": [item.id for item in measure.items if item.value is None and not item.skipped],
    }  # fmt: skip
    reach = f" of {measure.lowest:g} to {measure.highest:g}" if measure.lowest is not None else ""
    total = "no score" if measure.score is None else f"{measure.score:g}{reach}"
    told: list[tuple[str, object]] = [
        (definition.name, ", ".join(part for part in (total, measure.band, measure.level) if part))
    ]
    told += [("", each.shown()) for each in measure.scales]
    told += [("look at", text) for text in (*measure.flags, *measure.warnings, *measure.changes)]
    return Answer(value, pairs(told))


def _finding(item: Finding) -> dict[str, Any]:
    return {"severity": str(item.severity), "code": item.code, "field": item.field, "message": item.message,
            "source": item.source}  # fmt: skip


# -- the questionnaires --------------------------------------------------------------------


def list_instruments(call: Call) -> Answer:
    """Every questionnaire of the program: its range, whether item texts are at hand, where the file comes from."""
    own = {each.id: each for each in library.loaded(call.ws)}
    rows = [_line(each, "clinic" if each.id in own else "shipped") for each in library.instruments(call.ws).values()]
    rows += [
        {"id": each.id, "name": each.name, "items": 0, "lowest": None, "highest": None, "texts": False,
         "source": "clinic", "problem": each.problem}
        for each in own.values() if each.definition is None
    ]  # fmt: skip
    shown = [
        (row["id"], row["name"], row["items"], "yes" if row["texts"] else "no: load your own file", row["source"],
         row["problem"] or "") for row in rows
    ]  # fmt: skip
    return Answer(rows, table(("id", "name", "items", "wording", "from", "problem"), shown, empty="None."))


def _line(definition: Definition, source: str) -> dict[str, Any]:
    total = definition.total
    return {
        "id": definition.id, "name": definition.name, "items": len(definition.items),
        "lowest": total.low if total else None, "highest": total.high if total else None,
        "texts": definition.has_texts, "source": source, "problem": None,
    }  # fmt: skip


def load(call: Call) -> Answer:
    """Take a clinic's own file into use. Broken scoring is refused with its place, and nothing is changed."""
    path = Path(call.args.file)
    try:
        with path.open("rb") as file:
            data = file.read(reading.MOST_BYTES + 1)
    except OSError as error:
        reason = error.strerror or "the system reported an error"
        message = f"The file {clean_line(path.name)} cannot be read: {reason}."
        raise MediumUnusable(message, "Check the path and its permissions.") from None
    try:
        definition, _ = library.install(call.ws, data)
    except InputRejected as error:
        error.file = error.file or clean_line(str(path))
        raise
    words = "" if definition.has_texts else " Some items have no text: the form shows numbers."
    return Answer(_line(definition, CLINIC), [f"In use: {definition.name}, {len(definition.items)} items.{words}"])


def retire(call: Call) -> Answer:
    """No longer use the clinic's file; a shipped questionnaire of the same id is back."""
    identifier = call.args.id.strip()
    try:
        library.retire(call.ws, identifier)
    except NotFound:
        known = ", ".join(each.id for each in library.loaded(call.ws)) or "none"
        raise Usage(f"No file of the clinic's is called {clean_line(identifier)}.", f"Loaded: {known}.") from None
    return Answer({"id": identifier, "retired": True}, [f"No longer used: {identifier}."])
