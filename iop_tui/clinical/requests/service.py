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
from iop_tui.clinical.attachments import api as attachments
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.people import api as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.requests.joint import JointPart, joint_part, named_as
from iop_tui.clinical.requests.model import BOTH_SIGNED, COURT_ORDER, RECORD_REQUEST, THE_PERSON, RecordRequest
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.clock import iso
from iop_tui.kernel.declare import RuleContext, Severity
from iop_tui.kernel.errors import NoKey, NotFound, NotReady, RuleRefused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.kernel.streamed import Content
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
DIRECTED = ("Only what the person's signed authorization to this recipient covers is included.",
            "45 CFR 164.524(c)(3)(ii)")  # fmt: skip
PERSON_ALONE = ("What a person tells in confidence goes to the person alone, when they ask themselves.",
                "program rule CR-10; 45 CFR 164.502(g)(5)")  # fmt: skip
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
    files: list[tuple[str, Content]] = field(default_factory=list)
    withheld: list[tuple[str, str]] = field(default_factory=list)
    joint: str = ""
    foreign: int = 0
    under: dict[str, bytes] = field(default_factory=dict)  # printed record id -> the person's direction to another
    notices: dict[str, None] = field(default_factory=dict)  # in order, each once
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
        elsewhere = _elsewhere(ws, prepared)
        _own(ws, prepared, elsewhere=elsewhere)
        part = joint_part(ws, person, _recipient(ws, prepared), elsewhere=elsewhere)
        if part is not None:
            _joint(ws, prepared, part)
        if elsewhere and not prepared.items:
            raise RuleRefused(
                "release.request_recipient", "The person signed nothing that lets a copy go to this recipient.",
                "Record the person's signed authorization that names them first (45 CFR 164.524(c)(3)(ii)).",
            )  # fmt: skip
        if not prepared.items and part is None:
            raise NoKey("You keep nothing of this person's record.", "Ask the clinicians of the person's care team.")
    prepared.withheld += [DIRECTED] if elsewhere else []
    prepared.withheld += [] if request.requester == THE_PERSON else [PERSON_ALONE]
    prepared.withheld += NEVER
    prepared.foreign = _foreign(ws, prepared)
    if prepared.foreign:
        raise RuleRefused("request.other_partner", "Something of another person was among the objects: nothing leaves.")
    _release(ws, prepared, part)
    _describe(ws, prepared)
    return prepared


def _may_ask(ws: Workspace, person: bytes, request: RecordRequest) -> None:
    pair = couples.couple_of(ws, person)
    if pair is not None and _is_partner(ws, pair.other(person), request):
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


def _is_partner(ws: Workspace, partner: bytes, request: RecordRequest) -> bool:
    """Whether the partner asks, by id or as a representative of that name; who has no entry of theirs cannot tell."""
    if request.requester_id == show_id(partner):
        return True
    try:
        return request.requester != THE_PERSON and consents.is_self(ws, partner, request.asker)
    except NotFound:
        return False


def _recipient(ws: Workspace, prepared: Prepared) -> str:
    """Who gets the copy: who was named, else who asked."""
    asked = prepared.request
    return asked.recipient.strip() or _representative(asked) or people.header(ws, prepared.person).name


def _representative(asked: RecordRequest) -> str:
    """The name of who asks in the person's place; empty where the person asks."""
    return asked.asker.strip() if asked.requester != THE_PERSON else ""


def _elsewhere(ws: Workspace, prepared: Prepared) -> bool:
    """Whether the copy goes to neither the person nor who asks in the person's place."""
    name = _recipient(ws, prepared)
    representative = name.casefold() == _representative(prepared.request).casefold()
    return not representative and not consents.is_self(ws, prepared.person, name)


# -- what goes in --------------------------------------------------------------------------


def _own(ws: Workspace, prepared: Prepared, *, elsewhere: bool) -> None:
    hidden = (*records.INTERNAL_KINDS, *_OWN_ADMINISTRATION, *_TOLD_BY_OTHERS)
    kinds = [kind for kind in OWN_KINDS if prepared.request.requester == THE_PERSON or kind not in consents.APART]
    rows = ws.view.rows(
        "SELECT r.record, c.kind FROM record r JOIN compartment c ON c.id = r.compartment WHERE r.person = ? AND"
        f" c.person = r.person AND c.primitive = 'member' AND c.kind IN ({','.join('?' * len(kinds))})"
        f" AND r.kind NOT IN ({','.join('?' * len(hidden))}) ORDER BY r.service_date, r.created_ms, r.record",
        (prepared.person, *kinds, *hidden),
    )
    rows = [row for row in rows if consents.attached_to(ws, row[0]) not in _TOLD_BY_OTHERS]
    if elsewhere:
        under = consents.directions(ws, prepared.person, [row[0] for row in rows], _recipient(ws, prepared))
        prepared.under = {show_id(record): consent for record, consent in under.items()}
        rows = [row for row in rows if row[0] in under]
    for record, place in rows:
        line = records.line_of(ws, record)
        _, kind, document = signing.opened_document(ws, record)
        content = {**msgspec.to_builtins(kind.bare(document)), "status": line.status, "mark": line.mark}
        _add_file(ws, prepared, record, content)
        _add(ws, prepared, (record, line.kind, line.label, line.service_date, line.status), place, content)


def _add_file(ws: Workspace, prepared: Prepared, record: bytes, content: dict[str, Any]) -> None:
    """The bytes of an attachment beside its description; one that is not whole on this device is named as missing."""
    copy = attachments.copy_of(ws, record)
    if copy is not None:
        content["copy"] = copy.name if copy.content is not None else f"not in this copy: {copy.missing}"
    if copy is not None and copy.content is not None:
        prepared.files.append((copy.name, copy.content))


def _joint(ws: Workspace, prepared: Prepared, part: JointPart) -> None:
    prepared.joint = part.decision
    for item in part.parts:
        terms = (item.record, item.kind, item.label, item.service_date, item.status)
        if item.kind == attachments.ATTACHMENT.kind:
            _add_file(ws, prepared, item.record, item.content)
        _add(ws, prepared, terms, Kind.JNT, item.content)
    if part.withheld:
        prepared.withheld.append((part.withheld, part.rule))


def _add(
    ws: Workspace, prepared: Prepared, what: tuple[bytes, str, str, str, str], place: str, content: dict[str, Any]
) -> None:
    record, kind, label, day, status = what
    name = f"objects/{len(prepared.items) + 1:04}-{kind}.json"
    to = prepared.request.recipient or _representative(prepared.request) or "the person"
    mark = f"Copy for {to}, prepared by {ws.user.name}"
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
    asked = prepared.request
    recipient = consents.Recipient(name=_recipient(ws, prepared), address=asked.channel)
    authority = "" if asked.requester == THE_PERSON else f"{asked.requester}: {asked.authority}"
    purpose = f"{PURPOSE} ({asked.requester} {asked.asker}: {asked.authority})" if authority else PURPOSE
    for consent, own in _by_direction(prepared).items():
        basis = "request by the person" if consent is None else "consent"
        ground = consents.Ground(basis, recipient, purpose, METHOD, consent, authority="" if consent else authority)
        _let_go(ws, prepared, own, ground)
    joint = [parse_id(item.id) for item in prepared.items if item.compartment == Kind.JNT]
    if joint and part is not None:
        decided, to = part.decision != BOTH_SIGNED, _named(ws, prepared.person, part, recipient)
        ground = consents.Ground(_basis(part), to, purpose, METHOD, part.consent, decided, authority)
        _let_go(ws, prepared, joint, ground)
    if prepared.notices:
        prepared.files.append(("notice.txt", "\n\n".join(prepared.notices).encode() + b"\n"))


def _by_direction(prepared: Prepared) -> dict[bytes | None, list[bytes]]:
    """The person's own records by the direction they go on: None is the person's request itself."""
    found: dict[bytes | None, list[bytes]] = {}
    for item in prepared.items:
        if item.compartment != Kind.JNT:
            found.setdefault(prepared.under.get(item.id), []).append(parse_id(item.id))
    return found


def _let_go(ws: Workspace, prepared: Prepared, chosen: list[bytes], ground: consents.Ground) -> None:
    given = consents.release(ws, prepared.work, prepared.person, chosen, ground)
    prepared.notices[given.notice] = None
    if given.consent_copy:
        before = sum(name.startswith("consent") for name, _ in prepared.files)
        name = f"consent-{before + 1}.txt" if before else "consent.txt"
        prepared.files.append((name, given.consent_copy.encode() + b"\n"))


def _named(ws: Workspace, person: bytes, part: JointPart, recipient: consents.Recipient) -> consents.Recipient:
    """The recipient as the joint authorization names them."""
    if part.consent is None:
        return recipient
    return named_as(ws, person, recipient.name, consents.consent(ws, part.consent)) or recipient


def _basis(part: JointPart) -> str:
    return {BOTH_SIGNED: "consent", COURT_ORDER: "court order"}.get(part.decision, "request by the person")


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
