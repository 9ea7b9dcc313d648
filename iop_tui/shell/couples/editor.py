"""Writing in a couple's record: the same editor as for any document, named after both partners."""

from __future__ import annotations

from typing import Any

import msgspec

from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.couples.model import (
    AGREEMENT,
    BOTH_SIGN,
    CLIENTS,
    HELD_NOTE,
    PARTNER_SIGNATURE,
    TO_OWN,
    CouplesAgreement,
    PartnerSignature,
)
from iop_tui.clinical.joint import service as joint
from iop_tui.clinical.joint.model import COUPLE_MEASURE, JOINT_CLOSING, JOINT_NOTE, JOINT_PLAN, RECOVERY_DAY
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import DocumentType
from iop_tui.kernel.errors import AlreadySigned, NotFound, Refused
from iop_tui.shell.charting.documents import Sheet
from iop_tui.shell.charting.signing import with_passphrase
from iop_tui.ui.forms.editpage import EditPage
from iop_tui.workspace import Workspace, unsaved

WRITTEN = (JOINT_NOTE, JOINT_PLAN, AGREEMENT, RECOVERY_DAY, COUPLE_MEASURE, JOINT_CLOSING)
"""What the couples therapist writes into the joint record."""


def name_of(ws: Workspace, subject: bytes) -> str:
    """Both names of a couple, or the partner's own."""
    pair = couples.about(ws, subject)
    people = (pair.a, pair.b) if subject == pair.id else (subject,)
    rows = [ws.view.one("SELECT name FROM person WHERE id = ?", (person,)) for person in people]
    return " & ".join(str(row[0]) if row else "?" for row in rows)


def new_sheet(ws: Workspace, subject: bytes, kind: str) -> Sheet:
    """A new document of a couple, begun with what is known; or the own unsigned one. Raises `NoKey`, `NotFound`."""
    declared: DocumentType[Any] = ws.registry.need(kind)
    signing.place_for(ws, subject, declared)
    row = ws.view.one(
        "SELECT record FROM record WHERE person = ? AND kind = ? AND +status = 'draft' AND author = ?"
        " ORDER BY changed_ms DESC LIMIT 1",
        (subject, kind, ws.user.user),
    )
    if row is not None:
        return draft_sheet(ws, bytes(row[0]))
    values = {**_begun(ws, subject, declared), **couples.stamp(ws, subject, declared)}
    return Sheet(subject, name_of(ws, subject), declared, b"", ws.rng.token(16), values)


def _begun(ws: Workspace, subject: bytes, kind: DocumentType[Any]) -> dict[str, Any]:
    today = signing.today(ws).isoformat()
    if kind.kind == JOINT_NOTE.kind:
        return joint.new_note(ws, subject)
    if kind.kind == JOINT_PLAN.kind:
        return joint.new_plan(ws, subject)
    if kind.kind == JOINT_CLOSING.kind:
        return joint.new_closing(ws, subject)
    empty = dict(msgspec.to_builtins(kind.struct()))
    if kind.kind == AGREEMENT.kind:
        counts = couples.in_force(ws, couples.about(ws, subject))
        before = counts.agreement if counts else CouplesAgreement(
            client=CLIENTS[0], providers=(f"{ws.user.name}, couples therapist",), secrets=couples.SEPARATE,
            contact_rule=TO_OWN, release=BOTH_SIGN, not_recorded=True, exceptions=True, individual_care=True,
        )  # fmt: skip
        return {**msgspec.to_builtins(before), "agreed": today}
    day = {RECOVERY_DAY.kind: "day", COUPLE_MEASURE.kind: "taken", HELD_NOTE.kind: "heard"}.get(kind.kind)
    return {**empty, day: today} if day else empty


def draft_sheet(ws: Workspace, record: bytes) -> Sheet:
    """An own unsigned document of a couple to go on with. Raises `AlreadySigned`, `Refused`, `NotFound`."""
    view = records.read(ws, record)
    line = view.line
    if line.status == "signed":
        raise AlreadySigned(f"This {line.label.lower()} is signed.", "Correct it with c.")
    if line.author != ws.user.user or view.document is None or view.type is None:
        raise Refused(f"This {line.label.lower()} belongs to its author.", "Write one of your own.")
    kept = next(((slot, item) for slot, item in unsaved.kept(ws).items() if item.record == record), None)
    values = {**msgspec.to_builtins(view.document), **(_typed(kept[1]) if kept else {})}
    at_ms = kept[1].at_ms if kept else 0
    return Sheet(line.person, name_of(ws, line.person), view.type, record, kept[0] if kept else record, values, at_ms)


def restored_sheet(ws: Workspace, slot: bytes) -> Sheet:
    """Unsaved text of a couple's document. Raises `NotFound` where it was saved or given up."""
    kept = unsaved.kept(ws).get(slot)
    if kept is None:
        raise NotFound
    if kept.record:
        return draft_sheet(ws, kept.record)
    declared = ws.registry.need(str(kept.fields.get(unsaved.KIND, "")))
    return Sheet(kept.person, name_of(ws, kept.person), declared, b"", slot, _typed(kept), kept.at_ms)


def _typed(kept: unsaved.Unsaved) -> dict[str, Any]:
    return {name: value for name, value in kept.fields.items() if not name.startswith("$")}


class PartnerSigns(EditPage):
    """That a partner signed, or refused: under the agreement or the joint plan."""

    heading = "Partner's signature"
    places = ("entry", "form")
    commands = (("s", "record it"), ("i", "go on"), ("q", "leave"))
    promise = "nothing is recorded before it is signed"

    def __init__(self, ws: Workspace, line: records.RecordLine, name: str) -> None:
        self.line, self._whose = line, name
        given = PartnerSignature(method="typed in person", witness=ws.user.name, signed_on=signing.today(ws))
        today = local_date(ws.clock.now_ms())
        super().__init__(PARTNER_SIGNATURE.fields(), msgspec.to_builtins(given), today=today, first="partner")

    def on_mount(self) -> None:
        """Say under what."""
        super().on_mount()
        self.retitle(f"{self.heading}: {self._whose}", f"under the {self.line.label.lower()}")

    async def save(self, values: dict[str, Any]) -> bool:
        """Record it, after the passphrase where it is due."""
        signature = PARTNER_SIGNATURE.parse(values)
        done = await with_passphrase(
            self, lambda: self.desk.write(couples.record_signature, self.line.id, signature),
            "A partner's signature is recorded under yours: your passphrase.",
        )  # fmt: skip
        if done:
            self.app.notify("The partner's signature is recorded.")
        return done
