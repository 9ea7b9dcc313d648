"""Writing and signing in the joint record and in what is held for one partner: the door with every couple rule.

CR-7: nothing before both signed the agreement; each entry carries the policy it was written under, for ever.
CR-12: after the end there is one closing note, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from iop_tui.access import primitives
from iop_tui.access.attempts import attempted
from iop_tui.access.policy import Kind
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.couples import terms
from iop_tui.clinical.couples.model import (
    AGREEMENT,
    HELD_NOTE,
    LIMITED,
    PARTNER_SIGNATURE,
    SIGNED,
    PartnerSignature,
)
from iop_tui.clinical.couples.terms import Couple
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import Document, DocumentType, Finding, RuleContext, Severity
from iop_tui.kernel.errors import NotReady, Refused, RuleRefused
from iop_tui.kernel.ids import show_id
from iop_tui.store.views.view import Changes
from iop_tui.vault.digest import sha256
from iop_tui.workspace import Workspace

CLOSING = "joint_closing"
_CR7, _CONTACT = "couple.cr7", "Use the one-partner contact guide."
BY_PARTNERS = (AGREEMENT.kind, "joint_plan")
"""What the partners sign, too."""


def is_stamped(kind: DocumentType[Any]) -> bool:
    """Whether documents of a kind carry the policy they were written under."""
    return any(info.name == "policy" for info in kind.fields()) and kind.compartment in (Kind.JNT, Kind.HOLD)


def belongs(kind: DocumentType[Any]) -> bool:
    """Whether a kind is written through this door."""
    return kind.compartment in (Kind.JNT, Kind.HOLD)


# -- judging -------------------------------------------------------------------------------


def facts(ws: Workspace, subject: bytes, kind: DocumentType[Any], record: bytes = b"") -> dict[str, Any]:
    """What the rules of a couple's document look at; `stamp` is missing where nothing may be signed yet."""
    pair = terms.about(ws, subject)
    found: dict[str, Any] = {"ended": pair.ended is not None}
    stamp = terms.stamp_of(ws, record) if record else None
    counts = terms.terms_of(ws, pair, stamp) if stamp is not None else terms.in_force(ws, pair)
    if counts is not None:
        found |= {"stamp": counts.stamp, "terms": counts.agreement}
    if kind.kind == "joint_note":
        found["authorizations"] = authorizations(ws, pair)
    return found


def authorizations(ws: Workspace, pair: Couple) -> frozenset[str]:
    """Ids of the partners' own authorizations under which this user may carry their words into the joint record."""
    found = {
        line.id
        for person in (pair.a, pair.b)
        for line in consents.in_force(ws, person, variant=consents.INTERNAL, recipient=consents.JOINT_RECORD)
    }
    shared = ws.view.rows(
        "SELECT min(r.record) FROM record r JOIN compartment m ON m.id = r.compartment WHERE m.kind = 'SHARE' AND"
        " r.person IN (?, ?) AND r.kind != 'consent' GROUP BY r.compartment",
        (pair.a, pair.b),
    )
    found |= {under for (record,) in shared if (under := consents.covering(ws, record)) is not None}
    return frozenset(show_id(identifier) for identifier in found if identifier)


def findings(
    ws: Workspace, kind: DocumentType[Any], document: Document, subject: bytes, record: bytes = b""
) -> tuple[Finding, ...]:
    """What every rule says of a couple's document."""
    known = facts(ws, subject, kind, record) if is_stamped(kind) else {}
    return kind.findings(document, RuleContext(signing.today(ws), known))


def judge(ws: Workspace) -> signing.Judge:
    """The judgement as signing asks for it."""
    return lambda kind, document, person, record: findings(ws, kind, document, person, record)


# -- drafts --------------------------------------------------------------------------------


def save(
    ws: Workspace,
    subject: bytes,
    kind: DocumentType[Any],
    document: Document,
    *,
    record: bytes | None = None,
    slot: bytes = b"",
    source: str = "partner in joint session",
) -> signing.Saved:
    """Store a version of a couple's document; `subject` is the couple, for what is held the partner.

    Raises `RuleRefused` (audited), `AlreadySigned`, `ConflictOpen`, `NoKey`, `NotFound`, `DocumentInvalid`.
    """
    pair = terms.about(ws, subject)
    what = f"write {kind.kind}" if kind.compartment == Kind.JNT else "write"
    with attempted(ws.session, what):
        _may_write(ws, pair, kind, record)
        document = _stamped(ws, pair, kind, document, record)
    if not kind.signable:
        _refuse_unready(findings(ws, kind, document, subject, record or b""))
    origin = "client alone" if kind.compartment == Kind.HOLD else source
    return signing.save(ws, subject, kind, document, record=record, slot=slot, judge=judge(ws), source=origin)


def _may_write(ws: Workspace, pair: Couple, kind: DocumentType[Any], record: bytes | None) -> None:
    if not (is_stamped(kind) or kind.kind == AGREEMENT.kind):
        raise Refused(f"A {kind.label.lower()} is not written by hand.")
    if pair.ended is not None and kind.kind != CLOSING:
        raise RuleRefused(
            "couple.ended", "Joint work ended: the joint record is closed.", "One closing note may still be written."
        )
    if kind.kind == CLOSING:
        _closing(ws, pair, record)
    if is_stamped(kind) and pair.ended is None:
        policy = _counts(ws, pair).agreement.secrets
        if kind.kind == HELD_NOTE.kind and policy != LIMITED:
            raise RuleRefused(_CR7, f"Under {policy} nothing is held for one partner.", _CONTACT)


def may_file(ws: Workspace, subject: bytes, kind: str) -> None:
    """Whether a file may be put into a couple's `JNT`, or for a partner into `HOLD`: as any other entry. Raises
    `RuleRefused` (audited), `NotFound`.
    """
    pair = terms.about(ws, subject)
    with attempted(ws.session, "attach"):
        _judge_file(ws, pair, kind)


def takes_files(ws: Workspace, subject: bytes, kind: str) -> bool:
    """The same as an answer, asked for a form: nobody tried anything yet. Raises `NotFound`."""
    try:
        _judge_file(ws, terms.about(ws, subject), kind)
    except RuleRefused:
        return False
    return True


def _judge_file(ws: Workspace, pair: Couple, kind: str) -> None:
    if pair.ended is not None:
        raise RuleRefused("couple.ended", "Joint work ended: the joint record is closed.",
                          "Keep it with the person's own record, or say it in the one closing note.")  # fmt: skip
    policy = _counts(ws, pair).agreement.secrets
    if kind == Kind.HOLD and policy != LIMITED:
        raise RuleRefused(_CR7, f"Under {policy} nothing is held for one partner.", _CONTACT)


def _counts(ws: Workspace, pair: Couple) -> terms.Terms:
    found = terms.in_force(ws, pair)
    if found is None:
        raise RuleRefused(
            "couple.agreement", "Both partners sign an agreement before the first joint session.",
            "Write the agreement, sign it, then record both partners' signatures.",
        )  # fmt: skip
    return found


def _closing(ws: Workspace, pair: Couple, record: bytes | None) -> None:
    if pair.ended is None:
        raise RuleRefused("couple.not_ended", "A closing note follows the end of joint work.", "End it first.")
    rows = ws.view.rows(
        "SELECT record FROM record WHERE person = ? AND compartment = ? AND kind = ?", (pair.id, pair.joint, CLOSING)
    )
    if any(bytes(row[0]) != record for row in rows):
        raise RuleRefused("couple.closed", "There is one closing note, and it is written.", "Write an addendum to it.")


def _stamped(
    ws: Workspace, pair: Couple, kind: DocumentType[Any], document: Document, record: bytes | None
) -> Document:
    """A document with the stamp of its first version, or of the agreement that counts now."""
    if not is_stamped(kind):
        return document
    stamp = terms.stamp_of(ws, record) if record is not None else _counts(ws, pair).stamp
    if stamp is None:
        return document
    return msgspec.structs.replace(document, policy=stamp[0], agreement=stamp[1])


def stamp_values(ws: Workspace, subject: bytes, kind: DocumentType[Any]) -> dict[str, str]:
    """The stamp a new document of a kind will carry, as field values; empty for kinds without one."""
    counts = terms.in_force(ws, terms.about(ws, subject)) if is_stamped(kind) else None
    return {"policy": counts.stamp[0], "agreement": counts.stamp[1]} if counts is not None else {}


# -- signatures ----------------------------------------------------------------------------


def sign(ws: Workspace, ids: Sequence[bytes], *, after: signing.After | None = None) -> Changes:
    """Sign finished documents of couples in one act. Raises as `signing.sign`."""
    return signing.sign(ws, ids, judge=judge(ws), after=after)


def record_signature(ws: Workspace, record: bytes, signature: PartnerSignature) -> Changes:
    """Record that a partner signed a document of the couple, or refused to; signed by who records it.

    Raises `ReauthNeeded`, `NotReady`, `Refused` for an unsigned document, `RuleRefused` the second time.
    """
    ws.need_fresh()
    line = records.line_of(ws, record)
    pair = terms.couple(ws, line.person)
    if line.kind not in BY_PARTNERS or line.status != "signed":
        raise Refused("The partners sign after the couples therapist.", "Sign the document first.")
    with attempted(ws.session, "partner signature", subject=record):
        _may_sign(ws, pair, record, signature)
    opened, _, _ = signing.opened_document(ws, record)
    value: PartnerSignature = signing.cleaned(
        PARTNER_SIGNATURE,
        msgspec.structs.replace(signature, record=record.hex(), record_sha256=sha256(opened.stored).hex()),
    )
    _refuse_unready(PARTNER_SIGNATURE.findings(value, RuleContext(signing.today(ws))))
    return _write_signed(ws, pair, value)


def _may_sign(ws: Workspace, pair: Couple, record: bytes, signature: PartnerSignature) -> None:
    if pair.ended is not None:
        raise RuleRefused("couple.ended", "Joint work ended: the joint record is closed.")
    if signature.outcome == SIGNED and signature.partner in terms.partner_signatures(ws, pair, record):
        raise RuleRefused("couple.signed_twice", f"P{signature.partner[1:]} signed this document already.")


def _refuse_unready(found: tuple[Finding, ...]) -> None:
    missing = [item.message for item in found if item.severity is Severity.REFUSE]
    if missing:
        raise NotReady(f"Not ready: {' '.join(missing)}", "Complete it, then try again.")


def _write_signed(ws: Workspace, pair: Couple, value: PartnerSignature) -> Changes:
    place = signing.place_for(ws, pair.id, PARTNER_SIGNATURE)  # type: ignore[arg-type]
    work = ws.work()
    body = ws.session.body(
        work, record=ws.rng.token(16), person=pair.id, kind=PARTNER_SIGNATURE.kind, version=PARTNER_SIGNATURE.version,
        payload=PARTNER_SIGNATURE.encode(value), source="record",
    )  # fmt: skip
    revision = ws.session.write(work, place.compartment, body)
    signer = pair.person(value.partner)
    ws.session.note(work, "partner-signature", person=signer, category=Kind.JNT, subject=body.record)
    signing.attach(ws, work, signing.Signing(
        body.record, revision, pair.id, PARTNER_SIGNATURE, value, body.digest(), place.compartment, place,  # type: ignore[arg-type]
    ))  # fmt: skip
    return ws.commit(work)


def put_kept(ws: Workspace, pair: Couple, kind: DocumentType[Any], document: Document) -> bytes:
    """Store a document of the joint record that needs no signature, written by the program itself; the record's id."""
    work = ws.work()
    record, _ = primitives.put(ws.session, work, pair.joint, kind, document, person=pair.id, source="record")
    ws.session.note(work, "write", person=pair.id, category=Kind.JNT, subject=record, detail=kind.kind)
    ws.commit(work)
    return record
