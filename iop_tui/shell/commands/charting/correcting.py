"""`cosign`, `return`, `amend`, `void`: what follows a signature, by the rules of the screens.

Words about a client come from standard input (in a batch line from `--doc`), never from arguments: other users of a
machine can see those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec

from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import cosign as cosigning
from iop_tui.clinical.signing import service as signing
from iop_tui.clinical.signing.cosign import PENDING, Request
from iop_tui.clinical.signing.model import AMENDMENT, VOID, VOID_REASONS
from iop_tui.kernel.declare import DocumentType
from iop_tui.kernel.errors import AlreadySigned, DocumentInvalid, NotFound, ReauthNeeded, Refused, Usage
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.charting import documents
from iop_tui.shell.commands.output import pairs, table
from iop_tui.workspace import Workspace

R = TypeVar("R")


def freshly(call: Call, act: Callable[[], R]) -> R:
    """Do what a signature is part of; the passphrase is read where it was not given in the last five minutes."""
    try:
        return act()
    except ReauthNeeded:
        call.ws.confirm(call.opener.secrets.passphrase())
        return act()


def texts(call: Call, needed: Sequence[str], optional: Sequence[str] = ()) -> dict[str, str]:
    """The document as an object of texts. Raises `DocumentInvalid` naming the place."""
    given = call.document()
    names = " and ".join(f"`{name}`" for name in needed)
    if not isinstance(given, dict):
        raise DocumentInvalid(f"This is an object with {names}.", place="$")
    for name in needed:
        if not isinstance(given.get(name), str):
            raise DocumentInvalid(f"`{name}` is a text.", place=f"$.{name}")
    for name in sorted(set(given) - {*needed, *optional}):
        raise DocumentInvalid(f"There are only the fields {names}.", place=f"$.{name}")
    return {name: str(given[name]) for name in needed}


# -- co-signature --------------------------------------------------------------------------


def list_cosignatures(call: Call) -> Answer:
    """What waits for one's own co-signature first, then what one asked for oneself."""
    ws = call.ws
    found = [(item, True) for item in cosigning.queue(ws)] + [(item, False) for item in cosigning.asked(ws)]
    if call.args.person:
        person = parse_id(call.args.person)
        found = [(item, mine) for item, mine in found if item.person == person]
    rows = [_as_json(item, is_mine=mine) for item, mine in found]
    shown = [(row["id"], row["service_date"], row["label"], row["author_name"], row["state"]) for row in rows]
    return Answer(rows, table(("id", "date", "what", "by", "state"), shown, empty="Nothing waits for a co-signature."))


def _as_json(item: Request, *, is_mine: bool) -> dict[str, Any]:
    return {
        "id": show_id(item.id), "record": show_id(item.record), "person": show_id(item.person), "label": item.label,
        "service_date": item.service_date.isoformat() if item.service_date else None,
        "author": show_id(item.author), "author_name": item.author_name, "supervisor": show_id(item.supervisor),
        "asked_on": item.asked_on.isoformat() if item.asked_on else None, "message": item.message,
        "state": item.state, "reason": item.reason or None, "to_sign": is_mine and item.state == PENDING,
    }  # fmt: skip


def shown_request(call: Call, identifier: bytes) -> Answer:
    """The document of a request exactly as its author signed it; the reading is logged. Raises `NotFound`."""
    shown = cosigning.show(call.ws, identifier)
    fields: dict[str, Any] = msgspec.to_builtins(shown.document)
    value = {**fields, **_as_json(shown.request, is_mine=True), "kind": shown.type.kind}
    told = [(info.label, text) for info, text in shown.type.shown(shown.document) if text]
    return Answer(value, pairs([("id", value["id"]), ("kind", shown.type.label), ("by", value["author_name"]), *told]))


def _request(ws: Workspace, identifier: bytes) -> Request:
    """The request to this user that an id means: its own, or that of the document. Raises `NotFound`."""
    found = [item for item in cosigning.queue(ws, "") if identifier in (item.id, item.record)]
    waiting = [item for item in found if item.state == PENDING]
    if not found:
        raise NotFound
    return (waiting or found)[-1]


def cosign(call: Call) -> Answer:
    """Sign beside the authors; nothing is signed where one of the ids cannot be."""
    ws = call.ws
    chosen = {item.id: item for item in (_request(ws, parse_id(text)) for text in call.args.ids)}
    for item in chosen.values():
        if item.state != PENDING:
            raise Refused("This request is answered already.", f"Leave {show_id(item.id)} out.")
        cosigning.show(ws, item.id)
    for identifier in chosen:
        freshly(call, partial(cosigning.cosign, ws, identifier))
    signed = [show_id(item.record) for item in chosen.values()]
    return Answer({"cosigned": signed}, [f"Co-signed {item}." for item in signed])


def give_back(call: Call) -> Answer:
    """Return a document to its author with what is to be changed: `{"reason"}`."""
    reason = texts(call, ("reason",))["reason"]
    item = _request(call.ws, parse_id(call.args.id))
    cosigning.give_back(call.ws, item.id, reason)
    return Answer({"returned": show_id(item.record)}, [f"Returned {show_id(item.record)} to {item.author_name}."])


# -- corrections ---------------------------------------------------------------------------


def amend(call: Call) -> Answer:
    """A correction of an own signed document: `{"reason", "explanation", "document": {fields that change}}`.

    Fields that are left out stay as they are. It is a draft that `sign` signs; a draft that was begun is gone on with.
    """
    given = call.document()
    if not isinstance(given, dict) or not isinstance(given.get("document"), dict):
        raise DocumentInvalid("A correction is an object with `reason`, `explanation` and `document`.", place="$")
    for name in sorted(set(given) - {"reason", "explanation", "document"}):
        raise DocumentInvalid("There are only `reason`, `explanation` and `document`.", place=f"$.{name}")
    ws, record = call.ws, parse_id(call.args.id)
    view = records.read(ws, record)
    if view.line.kind == AMENDMENT.kind and view.line.status == "signed":
        raise AlreadySigned("This correction is signed.", "Correct the document again.")
    if view.type is None or view.line.status != "signed":
        raise Refused("Only a signed document is corrected.", "Write a further version: iop-tui new KIND --record ID.")
    saved = signing.amend(
        ws, record, _corrected(ws, record, view.type, given["document"]), reason=str(given.get("reason") or ""),
        explanation=str(given.get("explanation") or ""), amendment=_begun(ws, record),
    )  # fmt: skip
    return documents.written(AMENDMENT.kind, saved.record, saved.revision, view.line.person, saved.findings)


def _corrected(ws: Workspace, record: bytes, kind: DocumentType[Any], fields: dict[str, Any]) -> Any:
    """What the document says after earlier corrections, with these fields in their place. Raises `DocumentInvalid`."""
    values: dict[str, Any] = msgspec.to_builtins(signing.current(ws, record))
    for name in sorted(set(fields) - set(values)):
        raise DocumentInvalid(f"A {kind.label.lower()} has no such field.", place=f"$.document.{name}")
    return kind.parse({**values, **fields})


def _begun(ws: Workspace, record: bytes) -> bytes | None:
    drafts = signing.amendments(ws, record, signed=False)
    return next((line.id for line in drafts if line.status == "draft" and line.author == ws.user.user), None)


def void(call: Call) -> Answer:
    """Withdraw an own document in one signed act: `--reason`, and `{"explanation"}` from standard input."""
    if call.args.reason not in VOID_REASONS:
        raise Usage("That is no reason for a withdrawal.", f"One of: {', '.join(VOID_REASONS)}.")
    explanation = texts(call, ("explanation",))["explanation"]
    ws, record = call.ws, parse_id(call.args.id)
    freshly(call, lambda: signing.void(ws, record, reason=call.args.reason, explanation=explanation))
    value = {"id": show_id(record), "state": VOID.kind, "reason": call.args.reason}
    return Answer(value, [f"Withdrawn {show_id(record)}. It stays readable, marked as void."])
