"""What other slices may use of couples.

Models of other slices import this module for its words, also in the confined import process: the store stays out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from iop_tui.clinical.couples.model import (
    AGREEMENT,
    CONTACT_RULES,
    HELD_NOTE,
    LIMITED,
    OPEN,
    PARTNER_MESSAGE,
    PARTNER_SIGNATURE,
    PARTNERS,
    PAUSE_CODES,
    POLICIES,
    RELEASE_RULES,
    REPORT_FILE,
    SAFETY_CONCERN,
    SEPARATE,
    TRIGGERS,
    CouplesAgreement,
    HeldNote,
    PartnerMessage,
    PartnerSignature,
    ReportFile,
    SafetyConcern,
    future,
    refuse,
    stamp_findings,
)

if TYPE_CHECKING:
    from datetime import date

    from iop_tui.clinical.couples.passing import ContactRule
    from iop_tui.clinical.couples.separation import Dissolved
    from iop_tui.clinical.couples.terms import Couple, Terms
    from iop_tui.clinical.signing.api import After, Saved
    from iop_tui.kernel.declare import Document, DocumentType, Finding
    from iop_tui.store.revisions import Body
    from iop_tui.store.views.view import Changes
    from iop_tui.store.work import Work
    from iop_tui.workspace import Workspace

__all__ = [
    "AGREEMENT", "CONTACT_RULES", "HELD_NOTE", "LIMITED", "OPEN", "PARTNERS", "PARTNER_MESSAGE", "PARTNER_SIGNATURE",
    "PAUSE_CODES", "POLICIES", "RELEASE_RULES", "REPORT_FILE", "SAFETY_CONCERN", "SEPARATE", "TRIGGERS", "ContactRule",
    "Couple", "CouplesAgreement", "Dissolved", "HeldNote", "PartnerMessage", "PartnerSignature", "ReportFile",
    "SafetyConcern", "Terms", "about", "belongs", "carry_out", "clear_conflict", "concern", "contact_rule", "couple",
    "couple_of", "dissolve", "findings", "future", "in_force", "keep_report", "may_file", "names", "pass_on",
    "record_signature", "refuse", "save", "screenings", "seal_joint", "shared_contacts", "sign", "stamp",
    "stamp_findings", "takes_files", "tell_screened",
]  # fmt: skip


def couple(ws: Workspace, identifier: bytes) -> Couple:
    """A couple this user knows of. Raises `NotFound`."""
    from iop_tui.clinical.couples import terms

    return terms.couple(ws, identifier)


def couple_of(ws: Workspace, person: bytes) -> Couple | None:
    """The couple a person is or was part of; None for nobody's partner."""
    from iop_tui.clinical.couples import terms

    return terms.couple_of(ws, person)


def names(ws: Workspace) -> dict[bytes, str]:
    """Couples this user knows of, by id: both names, as far as they may know them."""
    from iop_tui.clinical.couples import terms

    return terms.names(ws)


def about(ws: Workspace, subject: bytes) -> Couple:
    """The couple itself, or the one a partner belongs to. Raises `NotFound`."""
    from iop_tui.clinical.couples import terms

    return terms.about(ws, subject)


def in_force(ws: Workspace, pair: Couple) -> Terms | None:
    """The agreement that counts now; None before the first."""
    from iop_tui.clinical.couples import terms

    return terms.in_force(ws, pair)


def screenings(ws: Workspace, pair: Couple) -> dict[str, date]:
    """When each partner was last screened alone, by word of their own clinicians."""
    from iop_tui.clinical.couples import terms

    return terms.screenings(ws, pair)


def belongs(kind: DocumentType[Any]) -> bool:
    """Whether a kind of document is part of a couple's record: written and judged through here."""
    from iop_tui.clinical.couples import entries

    return entries.belongs(kind)


def findings(
    ws: Workspace, kind: DocumentType[Any], document: Document, subject: bytes, record: bytes = b""
) -> tuple[Finding, ...]:
    """What every rule says of a couple's document."""
    from iop_tui.clinical.couples import entries

    return entries.findings(ws, kind, document, subject, record)


def save(
    ws: Workspace,
    subject: bytes,
    kind: DocumentType[Any],
    document: Document,
    *,
    record: bytes | None = None,
    slot: bytes = b"",
) -> Saved:
    """Store a version of a couple's document, stamped with the policy in force. Raises as `entries.save`."""
    from iop_tui.clinical.couples import entries

    return entries.save(ws, subject, kind, document, record=record, slot=slot)


def may_file(ws: Workspace, subject: bytes, kind: str) -> None:
    """Whether a file may enter the joint record, or what is held for one partner. Raises `RuleRefused`, `NotFound`."""
    from iop_tui.clinical.couples import entries

    entries.may_file(ws, subject, kind)


def takes_files(ws: Workspace, subject: bytes, kind: str) -> bool:
    """Whether `may_file` would let a file in, asked without a trace. Raises `NotFound`."""
    from iop_tui.clinical.couples import entries

    return entries.takes_files(ws, subject, kind)


def sign(ws: Workspace, ids: Sequence[bytes], *, after: After | None = None) -> Changes:
    """Sign finished documents of couples in one act."""
    from iop_tui.clinical.couples import entries

    return entries.sign(ws, ids, after=after)


def record_signature(ws: Workspace, record: bytes, signature: PartnerSignature) -> Changes:
    """Record that a partner signed a document of the couple, or refused to."""
    from iop_tui.clinical.couples import entries

    return entries.record_signature(ws, record, signature)


def contact_rule(ws: Workspace, identifier: bytes) -> ContactRule:
    """What happens with a contact of one partner now."""
    from iop_tui.clinical.couples import passing

    return passing.contact_rule(ws, identifier)


def pass_on(ws: Workspace, person: bytes, message: PartnerMessage) -> None:
    """Pass a partner's contact on to their own therapist, sealed."""
    from iop_tui.clinical.couples import passing

    passing.pass_on(ws, person, message)


def concern(ws: Workspace, person: bytes, noticed: SafetyConcern) -> None:
    """Seal a safety concern to the person's own clinician."""
    from iop_tui.clinical.couples import passing

    passing.concern(ws, person, noticed)


def keep_report(ws: Workspace, person: bytes, file: ReportFile) -> None:
    """Seal the file of a mandated report to the person's own clinician."""
    from iop_tui.clinical.couples import passing

    passing.keep_report(ws, person, file)


def tell_screened(ws: Workspace, person: bytes, done: date) -> None:
    """Tell the couples therapist that this partner was screened alone on a day."""
    from iop_tui.clinical.couples import passing

    passing.tell_screened(ws, person, done)


def shared_contacts(ws: Workspace, pair: Couple) -> tuple[str, ...]:
    """Contacts that both directory entries name. Empty for who does not read both."""
    from iop_tui.clinical.couples import separation

    return separation.shared_contacts(ws, pair)


def seal_joint(ws: Workspace, work: Work, pair: Couple, body: Body) -> None:
    """Write into the joint record: as its keeper, or sealed for them."""
    from iop_tui.clinical.couples import passing

    passing.seal_joint(ws, work, pair, body)


def stamp(ws: Workspace, subject: bytes, kind: DocumentType[Any]) -> dict[str, str]:
    """The stamp a new document of a kind will carry, as field values; empty for kinds without one."""
    from iop_tui.clinical.couples import entries

    return entries.stamp_values(ws, subject, kind)


def carry_out(ws: Workspace) -> Changes:
    """What the couples therapist's program owes after somebody else ended joint work."""
    from iop_tui.clinical.couples import separation

    return separation.carry_out(ws)


def clear_conflict(ws: Workspace, identifier: bytes, user: bytes, person: bytes, *, method: str) -> Changes:
    """Record today that the other partner agreed in writing that a clinician sees one of them alone (CR-12)."""
    from iop_tui.clinical.couples import separation
    from iop_tui.clinical.signing import api as signing

    return separation.clear_conflict(ws, identifier, user, person, agreed_on=signing.today(ws), method=method)


def dissolve(
    ws: Workspace, identifier: bytes, *, trigger: str, code: str = PAUSE_CODES[-1], ended: date | None = None
) -> Dissolved:
    """End joint work of a couple (CR-12)."""
    from iop_tui.clinical.couples import separation

    return separation.dissolve(ws, identifier, trigger=trigger, code=code, ended=ended)
