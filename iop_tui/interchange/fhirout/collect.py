"""Which records an export holds: everything this user can open about one person, but for what never leaves this way.

Left out by construction, because only the named parts of the chart are asked for: psychotherapy and counseling notes
(45 CFR 164.501; no part of the designated record set), what an author keeps apart, and everything of a couple.
"""

from __future__ import annotations

import msgspec

from iop_tui.access.policy import Kind
from iop_tui.clinical.consents.api import INTERNAL
from iop_tui.clinical.people.model import PERSON
from iop_tui.clinical.records.api import INTERNAL_KINDS, signed_message
from iop_tui.clinical.signing.api import voided
from iop_tui.interchange.fhirout.records import Record, Signed
from iop_tui.kernel.errors import NeedsNewer, NotFound, VaultDamaged
from iop_tui.kernel.ids import show_id
from iop_tui.store.revisions import Opened
from iop_tui.store.views.projection import SignatureDoc
from iop_tui.vault import signing
from iop_tui.vault.digest import sha256
from iop_tui.workspace import Workspace

PLACES = (Kind.DIR, Kind.IND, Kind.SUD, Kind.MED, Kind.CRISIS, Kind.PAY, Kind.GRP)
NEVER = (*INTERNAL_KINDS, "couple_proposal", "disclosure", "wizard_state", "record_request", "emergency_access",
         "emergency_review", "restriction")  # fmt: skip
"""Kinds that say how the program works on a record, or that there may be a partner; none of them is the record."""
_PROJECTED = "projection"


def records_of(ws: Workspace, person: bytes) -> tuple[list[Record], int]:
    """A person's exportable records, oldest first, each decrypted and verified; and how many a newer program wrote.

    Raises `NotFound` where this user has no directory entry of the person, `VaultDamaged`.
    """
    found, newer = [], 0
    void = voided(ws, person)
    for record, leaf, place in _rows(ws, person):
        opened = ws.session.open_revision(leaf)
        if opened.body.source == _PROJECTED:
            continue
        try:
            found.append(_record(ws, opened, record, place, void.get(record, "")))
        except NeedsNewer:
            newer += 1
    if not any(item.type.kind == PERSON.kind for item in found):
        raise NotFound
    return _without_internal(found), newer


def _without_internal(found: list[Record]) -> list[Record]:
    """Internal authorizations move words between clinicians of one program and name who treats a couple: they and
    their endings stay inside.
    """
    inside = {show_id(item.id) for item in found if getattr(item.document, "variant", "") == INTERNAL}
    return [
        item for item in found if show_id(item.id) not in inside and getattr(item.document, "consent", "") not in inside
    ]


def record_of(ws: Workspace, record: bytes) -> Record:
    """One record this user can open, whatever part of the chart it lies in. Raises `NotFound`, `NeedsNewer`."""
    row = ws.view.one(
        "SELECT r.leaf, r.person, m.kind FROM record r JOIN compartment m ON m.id = r.compartment WHERE r.record = ?",
        (record,),
    )
    if row is None:
        raise NotFound
    void = voided(ws, bytes(row[1])).get(record, "")
    return _record(ws, ws.session.open_revision(row[0]), record, str(row[2]), void)


def _rows(ws: Workspace, person: bytes) -> list[tuple[bytes, bytes, str]]:
    places, kinds = ",".join("?" * len(PLACES)), ",".join("?" * len(NEVER))
    return ws.view.rows(
        "SELECT r.record, r.leaf, m.kind FROM record r JOIN compartment m ON m.id = r.compartment"
        f" WHERE r.person = ? AND m.person = r.person AND m.primitive = 'member' AND m.kind IN ({places})"
        f" AND r.kind NOT IN ({kinds}) ORDER BY r.created_ms, r.record",
        (person, *(str(place) for place in PLACES), *NEVER),
    )


def _record(ws: Workspace, opened: Opened, record: bytes, place: str, void: str) -> Record:
    body = opened.body
    kind = ws.registry.get(body.kind)
    if kind is None:
        raise NeedsNewer("A record of a kind that only a newer program knows.")
    document = kind.decode(body.payload, body.version)
    row = ws.view.one("SELECT status, author, changed_ms FROM record WHERE record = ?", (record,))
    if row is None:
        raise VaultDamaged("A record left the view while it was being read.")
    return Record(
        record, kind, document, place, str(row[0]), bytes(row[1]), int(row[2]), kind.encode(kind.bare(document)),
        body.received, body.source, void, _signatures(ws, record),
    )  # fmt: skip


def _signatures(ws: Workspace, record: bytes) -> tuple[Signed, ...]:
    """Signatures that verify, oldest first."""
    rows = ws.view.rows(
        "SELECT s.signer, s.doc, s.target FROM signature s JOIN record r ON r.record = s.record AND"
        " r.compartment = s.compartment WHERE s.record = ? ORDER BY s.at_ms, s.id",
        (record,),
    )
    found = []
    for signer, raw, target in rows:
        doc = msgspec.json.decode(raw, type=SignatureDoc)
        digest = sha256(ws.session.open_revision(target).stored)
        try:
            value = bytes.fromhex(doc.signature)
            signing.verify(ws.session.card(signer).sig_public, "iop/note/1", signed_message(doc, digest), value)
        except (ValueError, VaultDamaged, NotFound):
            continue  # what does not verify is no signature; the program's own check reports it
        found.append(Signed(signer, doc.meaning, doc.signed_at, doc.method, digest.hex(), doc.signature))
    return tuple(found)


def first_received(ws: Workspace, record: bytes) -> bytes:
    """The oldest form in which a record was received from elsewhere, or nothing."""
    for (version,) in ws.view.rows("SELECT id FROM version WHERE record = ? ORDER BY at_ms, id", (record,)):
        try:
            received = ws.session.open_revision(version).body.received
        except NotFound:
            continue
        if received:
            return received
    return b""
