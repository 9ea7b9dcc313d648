"""Answering a request for one's own record: what this user keeps about the person, and nothing of anyone else.

What the other partner's record holds is not filtered out: there is no key for it here (program rules CR-2, CR-10).
The manifest lists every object with its digest; the lines about what is not included are the same for everybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from iop_tui.access.attempts import attempted
from iop_tui.access.policy import Kind
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.people import api as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.requests.joint import JointPart, joint_part
from iop_tui.clinical.requests.model import BOTH_SIGNED, COURT_ORDER, RECORD_REQUEST, RecordRequest
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.clock import iso
from iop_tui.kernel.declare import RuleContext, Severity
from iop_tui.kernel.errors import NoKey, NotReady, RuleRefused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.views.view import Changes
from iop_tui.store.work import Work
from iop_tui.vault.digest import sha256
from iop_tui.workspace import Workspace

OWN_KINDS = (Kind.IND, Kind.SUD, Kind.MED, Kind.CRISIS, Kind.PAY, Kind.GRP, Kind.SAFE, Kind.HOLD)
"""A person's own record. Psychotherapy notes are no part of it (45 CFR 164.524(a)(1)(i)), shares repeat others."""
PURPOSE = "at the request of the individual"
METHOD = "electronic"
NEVER = (
    ("Psychotherapy and counseling notes are not part of this record.", "45 CFR 164.524(a)(1)(i)"),
    ("What others told in confidence about this person is not included; its keeper reviews it, one by one.",
     "45 CFR 164.524(a)(2)(v)"),
    ("Each clinician's part is prepared by who keeps it; this is what the preparer keeps.", "program rule CR-2"),
    ("Nothing of anyone else's own record is in here: the preparer's program has no key for it.", "program rule CR-10"),
)
_TOLD_BY_OTHERS = (couples.REPORT_FILE.kind, couples.SAFETY_CONCERN.kind)
"""What may hold a partner's words or name who spoke. The file of a report never goes out here; a concern goes after
review, chosen by its id (`iop-tui packet`, `iop-tui print`). The manifest says the same whether there is any or not.
"""
_OWN_ADMINISTRATION = (RECORD_REQUEST.kind, "wizard_state", "disclosure", "revocation", "signature")


@dataclass(frozen=True, slots=True)
class Item:
    """One object of a manifest."""

    id: str
    kind: str
    compartment: str
    service_date: str
    status: str
    sha256: str
    file: str


@dataclass(slots=True)
class Prepared:
    """A copy that waits to be written: its files, what is in it, and the ledger's rows in `work`."""

    person: bytes
    request: RecordRequest
    items: list[Item] = field(default_factory=list)
    files: list[tuple[str, bytes]] = field(default_factory=list)
    withheld: list[tuple[str, str]] = field(default_factory=list)
    joint: str = ""
    foreign: int = 0
    work: Work = field(default_factory=lambda: Work(0))

    def as_json(self) -> dict[str, Any]:
        """The manifest as the command line prints it."""
        return {
            "person": show_id(self.person), "objects": [_plain(item) for item in self.items],
            "compartments": sorted({item.compartment for item in self.items}),
            "other_partner_objects": self.foreign,
            "joint_decision": self.joint or None,
            "withheld": [{"what": what, "rule": rule} for what, rule in self.withheld],
        }  # fmt: skip


def _plain(item: Item) -> dict[str, str]:
    return {name: getattr(item, name) for name in Item.__slots__}


def prepare(ws: Workspace, person: bytes, request: RecordRequest) -> Prepared:
    """Everything this user keeps about a person that the person may have. Nothing is stored before `finish`.

    Raises `RuleRefused` for a request in somebody else's name, `NotReady`, `NoKey` where this user keeps nothing,
    `NotFound`; refusals are audited.
    """
    people.header(ws, person)
    request = msgspec.structs.replace(request, person=show_id(person))
    with attempted(ws.session, "record-request", person=person):
        _may_ask(ws, person, request)
        prepared = Prepared(person, request, work=ws.work())
        _own(ws, prepared)
        part = joint_part(ws, person, request.recipient or people.header(ws, person).name)
        if part is not None:
            _joint(ws, prepared, part)
        if not prepared.items and part is None:
            raise NoKey("You keep nothing of this person's record.", "Ask the clinicians of the person's care team.")
    prepared.withheld += NEVER
    prepared.foreign = _foreign(ws, prepared)
    if prepared.foreign:
        raise RuleRefused("request.other_partner", "Something of another person was among the objects: nothing leaves.")
    _release(ws, prepared, part)
    _describe(ws, prepared)
    return prepared


def _may_ask(ws: Workspace, person: bytes, request: RecordRequest) -> None:
    pair = couples.couple_of(ws, person)
    if pair is not None and request.requester_id == show_id(pair.other(person)):
        raise RuleRefused(
            "request.someone_else", "A partner asks for their own record, never for the other's.",
            "The person asks on their own; what concerns both needs both signatures.",
        )  # fmt: skip
    found = RECORD_REQUEST.findings(signing.cleaned(RECORD_REQUEST, request), RuleContext(signing.today(ws)))
    refused = [item for item in found if item.severity is Severity.REFUSE]
    if any(item.code == "someone_else" for item in refused):
        raise RuleRefused("request.someone_else", "Nobody asks in another person's name.", "Verify who asks.")
    if refused:
        raise NotReady(f"Not ready: {' '.join(item.message for item in refused)}", "Complete the request.")


# -- what goes in --------------------------------------------------------------------------


def _own(ws: Workspace, prepared: Prepared) -> None:
    hidden = (*records.INTERNAL_KINDS, *_OWN_ADMINISTRATION, *_TOLD_BY_OTHERS)
    rows = ws.view.rows(
        "SELECT r.record, c.kind FROM record r JOIN compartment c ON c.id = r.compartment WHERE r.person = ? AND"
        f" c.person = r.person AND c.primitive = 'member' AND c.kind IN ({','.join('?' * len(OWN_KINDS))})"
        f" AND r.kind NOT IN ({','.join('?' * len(hidden))}) ORDER BY r.service_date, r.created_ms, r.record",
        (prepared.person, *OWN_KINDS, *hidden),
    )
    for record, place in rows:
        line = records.line_of(ws, record)
        _, _, document = signing.opened_document(ws, record)
        content = {**msgspec.to_builtins(document), "status": line.status, "mark": line.mark}
        _add(ws, prepared, (record, line.kind, line.label, line.service_date, line.status), place, content)


def _joint(ws: Workspace, prepared: Prepared, part: JointPart) -> None:
    prepared.joint = part.decision
    for item in part.parts:
        terms = (item.record, item.kind, item.label, item.service_date, item.status)
        _add(ws, prepared, terms, Kind.JNT, item.content)
    if part.withheld:
        prepared.withheld.append((part.withheld, part.rule))


def _add(
    ws: Workspace, prepared: Prepared, what: tuple[bytes, str, str, str, str], place: str, content: dict[str, Any]
) -> None:
    record, kind, label, day, status = what
    name = f"objects/{len(prepared.items) + 1:04}-{kind}.json"
    mark = f"Copy for {prepared.request.recipient or 'the person'}, prepared by {ws.user.name}"
    raw = msgspec.json.format(
        msgspec.json.encode({"id": show_id(record), "kind": kind, "label": label, "copy": mark, "content": content}),
        indent=2,
    )
    prepared.files.append((name, raw + b"\n"))
    prepared.items.append(Item(show_id(record), kind, str(place), day, status, sha256(raw + b"\n").hex(), name))


def _foreign(ws: Workspace, prepared: Prepared) -> int:
    """Objects that lie in anybody else's compartment: counted from where they lie, not from how they were chosen."""
    pair = couples.couple_of(ws, prepared.person)
    allowed = {prepared.person} | ({pair.id} if pair is not None else set())
    homes = [
        ws.view.one(
            "SELECT c.person FROM record r JOIN compartment c ON c.id = r.compartment WHERE r.record = ?",
            (parse_id(item.id),),
        )
        for item in prepared.items
    ]
    return sum(home is None or bytes(home[0]) not in allowed for home in homes)


# -- the ledger and the covering pages -----------------------------------------------------


def _release(ws: Workspace, prepared: Prepared, part: JointPart | None) -> None:
    """The ledger's rows, in the same transaction as the request; the notice and the consent travel along."""
    name = prepared.request.recipient or people.header(ws, prepared.person).name
    recipient = consents.Recipient(name=name, address=prepared.request.channel)
    own = _ids(prepared, joint=False)
    if own:
        ground = consents.Ground("request by the person", recipient, PURPOSE, METHOD)
        given = consents.release(ws, prepared.work, prepared.person, own, ground)
        prepared.files.append(("notice.txt", given.notice.encode() + b"\n"))
    joint = _ids(prepared, joint=True)
    if joint and part is not None:
        decided = part.decision != BOTH_SIGNED
        ground = consents.Ground(_basis(part), _named(ws, part, recipient), PURPOSE, METHOD, part.consent, decided)
        given = consents.release(ws, prepared.work, prepared.person, joint, ground)
        if given.consent_copy:
            prepared.files.append(("consent.txt", given.consent_copy.encode() + b"\n"))


def _named(ws: Workspace, part: JointPart, recipient: consents.Recipient) -> consents.Recipient:
    """The recipient as the joint authorization names them."""
    if part.consent is None:
        return recipient
    open_to = consents.consent(ws, part.consent).open_to
    wanted = recipient.name.casefold()
    return next((item for item in open_to if item.name.casefold() == wanted), recipient)


def _basis(part: JointPart) -> str:
    return {BOTH_SIGNED: "consent", COURT_ORDER: "court order"}.get(part.decision, "request by the person")


def _ids(prepared: Prepared, *, joint: bool) -> list[bytes]:
    return [parse_id(item.id) for item in prepared.items if (item.compartment == Kind.JNT) is joint]


def _describe(ws: Workspace, prepared: Prepared) -> None:
    manifest = {
        "format": 1, **prepared.as_json(), "prepared_by": ws.user.name, "prepared_at": iso(prepared.work.at_ms),
        "asked_on": prepared.request.asked_on, "answer_due": prepared.request.due, "purpose": PURPOSE,
    }  # fmt: skip
    prepared.files.append(("manifest.json", msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"))


def finish(ws: Workspace, prepared: Prepared) -> Changes:
    """Write the ledger and keep the request; call it before the copy gets its name."""
    place = home(ws, prepared.person)
    document = signing.cleaned(RECORD_REQUEST, prepared.request)
    body = ws.session.body(
        prepared.work, record=ws.rng.token(16), person=prepared.person, kind=RECORD_REQUEST.kind,
        version=RECORD_REQUEST.version, payload=RECORD_REQUEST.encode(document), source="record",
    )  # fmt: skip
    ws.session.write(prepared.work, place, body)
    ws.session.note(prepared.work, "record-request", person=prepared.person, subject=body.record)
    return ws.commit(prepared.work)


def home(ws: Workspace, person: bytes) -> bytes:
    """Where this user keeps a request of a person: their own part of the record. Raises `NoKey`."""
    wanted = (Kind.IND, Kind.SUD, Kind.HOLD, Kind.MED, Kind.PAY)
    rows = ws.view.rows(
        f"SELECT c.id, c.kind FROM compartment c JOIN keyring k ON k.compartment = c.id WHERE c.person = ?"
        f" AND c.primitive = 'member' AND c.kind IN ({','.join('?' * len(wanted))})",
        (person, *wanted),
    )
    found = {str(kind): bytes(identifier) for identifier, kind in rows}
    for kind in wanted:
        if kind in found:
            return found[kind]
    raise NoKey("You keep nothing of this person's record.", "Ask the clinicians of the person's care team.")
