"""`list`, `show`, `search`: what this user may read, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from iop_tui.access import roles
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.people import service as people
from iop_tui.clinical.records import api as records
from iop_tui.kernel.errors import Refused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.output import pairs, table
from iop_tui.workspace import Workspace

_PAGE = 1000
_EVERYTHING = 1_000_000_000
NOTES = ("progress_note", "joint_note", "joint_closing", "held_note", "psychotherapy_note", "counseling_note",
         "intake_assessment", "risk_assessment", "discharge_summary", "addendum", "amendment",
         "received_note")  # fmt: skip
"""What was written about a session or an episode, by whom ever; plans have a list of their own."""
PLANS = ("treatment_plan", "joint_plan", "relapse_plan", "safety_plan", "continuing_care_plan", "received_plan",
         "received_goal")  # fmt: skip
MEASURES = ("measure", "protected_measure", "couple_measure")
MEASURE_KEYS = ("instrument", "taken", "score", "lowest", "highest", "band", "positive", "level", "stated", "computed",
                "safety_item", "warnings", "changes", "mode")  # fmt: skip
"""What `list measures` says of an administration besides where it stands."""


def list_records(call: Call) -> Answer:
    """One of the lists, in a stable order."""
    make: Callable[[Call], Answer] = _LISTS[call.args.what]
    answer = make(call)
    limit = call.args.limit
    if limit <= 0:
        return answer
    return Answer(answer.value[:limit], answer.lines[: limit + 1])


def _people(call: Call) -> Answer:
    ws = call.ws
    rows = [
        {"id": show_id(line.id), "name": line.name, "initials": line.initials, "birth_date": line.birth_date or None,
         "pronouns": line.pronouns, "last_note": line.last_note or None, "drafts": line.drafts}
        for line in people.caseload(ws, limit=call.args.limit or _EVERYTHING)
    ]  # fmt: skip
    rows += [{"id": show_id(line.id), "name": line.initials, "initials": line.initials} for line in _by_initials(ws)]
    shown = [
        (row["id"], row["name"], row.get("birth_date"), row.get("last_note"), row.get("drafts") or "") for row in rows
    ]
    return Answer(rows, table(("id", "name", "born", "last note", "drafts"), shown, empty="No people yet."))


def _by_initials(ws: Workspace) -> list[people.CaseloadLine]:
    """Everybody for administrators, who hold no directory keys; for others those of whom they may read a record."""
    found = people.registered(ws)
    if roles.ADMINISTRATOR in ws.user.roles:
        return found
    return [line for line in found if records.timeline_count(ws, line.id)]


def _records(call: Call, kinds: tuple[str, ...], empty: str) -> Answer:
    ws = call.ws
    person = parse_id(call.args.person) if call.args.person else b""
    found = list(_all_lines(ws, kinds, person, call.args.limit))
    rows = [{**records.as_json(line), "author_name": line.author_name, "label": line.label} for line in found]
    names = _names(ws)
    shown = [
        (show_id(line.id), line.service_date, names.get(line.person, ""), line.mark or line.status, line.title)
        for line in found
    ]
    return Answer(rows, table(("id", "date", "person", "status", "what"), shown, empty=empty))


def _all_lines(ws: Workspace, kinds: tuple[str, ...], person: bytes, limit: int) -> list[records.RecordLine]:
    size = limit or _EVERYTHING
    if person:
        if all(line.id != person for line in couples.couples(ws)):
            people.header(ws, person)
        return records.timeline(ws, person, kinds=kinds, limit=size)
    return records.lines(ws, kinds, limit=size)


def _names(ws: Workspace) -> dict[bytes, str]:
    return dict(ws.view.rows("SELECT id, name FROM person"))


def _due(call: Call) -> Answer:
    rows = [
        {"person": show_id(line.person) if line.person else None, "what": line.what, "due": line.due.isoformat(),
         "rule": line.rule, "source": line.source, "name": line.name or None,
         "record": show_id(line.record) if line.record else None}
        for line in charting.due(call.ws)
        if not call.args.person or show_id(line.person) == call.args.person.lower()
    ]  # fmt: skip
    shown = [(row["due"], row["what"], row["name"], row["rule"], row["source"]) for row in rows]
    return Answer(rows, table(("due", "what", "for", "rule", "source"), shown, empty="Nothing is due."))


def _couples(call: Call) -> Answer:
    found = couples.couples(call.ws)
    rows = [
        {"id": show_id(line.id), "a": show_id(line.a), "b": show_id(line.b), "a_name": line.a_name or None,
         "b_name": line.b_name or None, "couples_therapist": line.therapist_name, "ended": line.ended or None}
        for line in found
    ]  # fmt: skip
    shown = [
        (row["id"], row["a_name"] or row["a"], row["b_name"] or row["b"], row["couples_therapist"]) for row in rows
    ]
    return Answer(rows, table(("id", "one", "other", "couples therapist"), shown, empty="No couples."))


_LISTS: dict[str, Callable[[Call], Answer]] = {
    "people": _people,
    "notes": lambda call: _records(call, NOTES, "No notes yet."),
    "plans": lambda call: _records(call, PLANS, "No plans yet."),
    "measures": lambda call: _measures(call),
    "due": _due,
    "couples": _couples,
    "sessions": lambda call: _sessions(call),
    "consents": lambda call: _consenting().list_consents(call),
    "disclosures": lambda call: _consenting().list_disclosures(call),
    "cosignatures": lambda call: _correcting().list_cosignatures(call),
    "emergencies": lambda call: _emergency().list_emergencies(call),
    "schedule": lambda call: _scheduling().list_schedule(call),
}


def _consenting() -> Any:
    """Loaded when it is asked for: it needs this module in turn."""
    from iop_tui.shell.commands.charting import consenting

    return consenting


def _emergency() -> Any:
    """Loaded when it is asked for: it needs this module in turn."""
    from iop_tui.shell.commands.charting import emergency

    return emergency


def _correcting() -> Any:
    """Loaded when it is asked for: most lists do without it."""
    from iop_tui.shell.commands.charting import correcting

    return correcting


def _scheduling() -> Any:
    """Loaded when it is asked for."""
    from iop_tui.shell.commands.charting import scheduling

    return scheduling


def _sessions(call: Call) -> Answer:
    """The program's own sessions with what became of them, and encounters elsewhere."""
    answer = _records(call, ("session", "encounter"), "No sessions yet.")
    for row in answer.value:
        doc = call.ws.view.one("SELECT doc FROM record WHERE record = ? AND kind = 'session'", (parse_id(row["id"]),))
        fields = msgspec.json.decode(doc[0]) if doc else {}
        row.update({"outcome": fields.get("status"), **{name: fields.get(name) for name in ("start", "stop")}})
    return answer


def _measures(call: Call) -> Answer:
    answer = _records(call, MEASURES, "No measures yet.")
    ws = call.ws
    for row in answer.value:
        doc = ws.view.one("SELECT doc FROM record WHERE record = ?", (parse_id(row["id"]),))
        fields = msgspec.json.decode(doc[0]) if doc else {}
        # Partners' answers stand side by side only where somebody opens both: program rule CR-7.
        names = ("instrument", "taken") if row["kind"] == "couple_measure" else MEASURE_KEYS
        row.update({name: fields.get(name) for name in names})
    return answer


# -- one record ----------------------------------------------------------------------------


def show(call: Call) -> Answer:
    """A record, opened and verified; for a person's id, the person's entry."""
    ws = call.ws
    identifier = record_of(ws, parse_id(call.args.id))
    if _is_request(ws, identifier):
        answer: Answer = _correcting().shown_request(call, identifier)
        return answer
    view = records.read(ws, identifier)
    if call.args.received:
        return _received(view)
    value = view_as_json(view)
    state = view.line.mark or view.line.status
    shown: list[tuple[str, object]] = [("id", value["id"]), ("kind", view.line.label), ("state", state)]
    if view.document is not None and view.type is not None:
        shown += [(info.label, text) for info, text in view.type.shown(view.document) if text]
    shown += [("signed", f"{item.name}, {item.role}, {item.at} ({item.meaning})") for item in view.signatures]
    shown += [("source", view.source), ("revision", value["revision"]), ("parents", ", ".join(value["parents"]))]
    return Answer(value, pairs([(label, text) for label, text in shown if text]))


def _is_request(ws: Workspace, identifier: bytes) -> bool:
    """Whether an id is that of a request for this user's co-signature."""
    row = ws.view.one(
        "SELECT 1 FROM record WHERE record = ? AND kind = 'cosign_request' AND json_extract(doc, '$.supervisor') = ?",
        (identifier, ws.user.user.hex()),
    )
    return row is not None


def record_of(ws: Workspace, identifier: bytes) -> bytes:
    """The record an id means: itself, the entry of the person it names, or the link of the couple it names."""
    row = ws.view.one("SELECT record FROM person WHERE id = ?", (identifier,)) or ws.view.one(
        "SELECT record FROM record WHERE kind = 'couple_link' AND json_extract(doc, '$.couple') = ? ORDER BY id",
        (show_id(identifier),),
    )
    return bytes(row[0]) if row else identifier


def _received(view: records.RecordView) -> Answer:
    if not view.received:
        raise Refused("This record was not received from elsewhere.")
    text = view.received.decode("utf-8", "replace")
    try:
        value: Any = msgspec.json.decode(view.received)
    except msgspec.DecodeError:
        value = text  # C-CDA and vCard: as they came
    return Answer(value, text.split("\n"))


def view_as_json(view: records.RecordView) -> dict[str, Any]:
    """Declared fields at the top, plus where the record stands: revision, parents, signatures."""
    line = view.line
    fields: dict[str, Any] = {}
    if view.document is not None and view.type is not None:
        fields = msgspec.to_builtins(view.type.bare(view.document))
    return {
        "id": show_id(line.id), "person": show_id(line.person), "kind": line.kind, "status": line.status,
        "service_date": line.service_date or None, "author": show_id(line.author), "author_name": line.author_name,
        **fields,
        "state": line.status, "mark": line.mark or None, "conflict": line.conflict,
        "source": view.source, "received": bool(view.received),
        "revision": show_id(view.revision), "parents": [show_id(item) for item in view.parents],
        "versions": [show_id(item) for item in view.versions],
        "signatures": [
            {"signer": show_id(item.signer), "name": item.name, "role": item.role, "meaning": item.meaning,
             "method": item.method, "at": item.at, "revision": show_id(item.target)}
            for item in view.signatures
        ],
    }  # fmt: skip


def search(call: Call) -> Answer:
    """Records that contain every word, best first. The query is logged without its words."""
    ws = call.ws
    hits = records.search(ws, " ".join(call.args.text), limit=call.args.limit)
    records.log_search(ws)
    rows = [
        {"id": show_id(hit.id), "person": show_id(hit.person), "kind": hit.kind,
         "snippet": "".join(text for text, _ in hit.snippet), "name": hit.person_name,
         "service_date": hit.service_date or None, "matches": [text for text, is_match in hit.snippet if is_match]}
        for hit in hits
    ]  # fmt: skip
    shown = [
        (
            show_id(hit.id),
            hit.person_name,
            hit.label,
            "".join(f"[{text}]" if is_match else text for text, is_match in hit.snippet),
        )
        for hit in hits
    ]
    return Answer(rows, table(("id", "person", "kind", "text"), shown, empty="Nothing found."))
