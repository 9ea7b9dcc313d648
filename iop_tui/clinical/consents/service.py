"""Recording a consent and carrying it out; revoking it. A refusal names its rule, changes nothing and is audited.

The shares are the access: a consent opens nothing by itself, and no query asks whether one is in force before it
shows something. Ending a consent ends the shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from iop_tui.access.attempts import attempted
from iop_tui.access.primitives import put
from iop_tui.clinical.consents import billing, places, queries, receiving, rules, sharing, wording
from iop_tui.clinical.consents.model import CONSENT, REVOCATION, Consent, Recipient, Revocation
from iop_tui.clinical.consents.queries import ENDED, EXPIRED, IN_FORCE, REVOKED, ConsentLine
from iop_tui.clinical.consents.sharing import ShareLine
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import Finding, Severity
from iop_tui.kernel.errors import NotFound, RuleRefused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Authorized:
    """An executed consent: its id, the shares it made at once, and what revoking it could not undo."""

    id: bytes
    shares: tuple[ShareLine, ...]
    cannot_undo: tuple[str, ...]
    changes: Changes


@dataclass(frozen=True, slots=True)
class Revoked:
    """An ended consent: how many shares ended with it, and what this does not undo."""

    id: bytes
    ended: int
    cannot_undo: tuple[str, ...]
    changes: Changes


def check(ws: Workspace, consent: Consent) -> tuple[Finding, ...]:
    """Everything that speaks against a consent; nothing is written. Raises `NotFound`, `DocumentInvalid`."""
    document = signing.cleaned(CONSENT, consent)
    if not document.variant or not document.person:
        return rules.findings(document, rules.Facts(signing.today(ws)))
    try:
        place = places.place_of(ws, document)
    except RuleRefused as error:
        return (Finding(Severity.REFUSE, error.rule, error.message),)
    return rules.findings(document, places.facts_of(ws, document, place))


def authorize(ws: Workspace, consent: Consent) -> Authorized:
    """Record what a client authorized and carry it out in the same transaction: colleagues it names get their share.

    Raises `RuleRefused` with the first broken rule, `NotFound`, `DocumentInvalid`, `ReauthNeeded`. Refusals are
    audited.
    """
    document: Consent = signing.cleaned(CONSENT, consent)
    with attempted(ws.session, "authorize", person=_person(document)):
        _refuse(check(ws, document))
        place = places.place_of(ws, document)
        ws.need_fresh()
        work = ws.work()
        identifier, leaf = put(
            ws.session, work, place.home, CONSENT, document, person=place.person, source="client in session"
        )
        ws.session.note(
            work, "authorize", person=place.person, category=place.kind, subject=identifier, detail=document.variant
        )
        line = ConsentLine(
            identifier, place.person, place.home, place.home_kind, ws.user.user, ws.user.name, document, IN_FORCE,
            signing.today(ws), document.expires_on, document.recipients,
        )  # fmt: skip
        _refuse_unknown_records(ws, line, place.source)
        billing.tell(ws, work, line, leaf, state=IN_FORCE)
        if rules.incoming(document):
            receiving.announce(ws, work, place.person, identifier, document)
        shares = sharing.execute(ws, work, line, leaf, place)
        changes = ws.commit(work)
    return Authorized(identifier, shares, queries.cannot_undo(ws, line), changes)


def _refuse_unknown_records(ws: Workspace, line: ConsentLine, source: bytes) -> None:
    found = {piece.record for piece in queries.covered(ws, line, source)}
    if {parse_id(text) for text in line.document.records} - found:
        raise RuleRefused(
            "consent.records", "A named record is not in this part of the record, or is not finished.",
            "Sign it first, or name another.",
        )  # fmt: skip


def _person(document: Consent) -> bytes:
    try:
        return parse_id(document.person)
    except NotFound:
        return b""


def _refuse(found: tuple[Finding, ...]) -> None:
    if found:
        first = found[0]
        more = f" {len(found) - 1} more to correct." if len(found) > 1 else ""
        raise RuleRefused(first.code, f"{first.message}{more}", f"Rule: {first.source}." if first.source else "")


def revoke(
    ws: Workspace,
    identifier: bytes,
    *,
    recipients: Sequence[str] = (),
    received_on: date | None = None,
    method: str = "in writing",
    note: str = "",
    by_client: bool = True,
) -> Revoked:
    """End a consent for what comes afterwards: for every recipient, or for those named (by name or printed id).

    At once on this computer: the recipient's key ends and their view loses what it opened. Nobody is told, the partner
    least. Raises `NotFound`, `RuleRefused` for one that ended before.
    """
    with attempted(ws.session, "revoke", subject=identifier):
        line = queries.consent(ws, identifier)
        ending = _ending(line, recipients)
        today = signing.today(ws)
        if received_on is not None and received_on > today:
            raise RuleRefused("consent.received_on", "It cannot have been received in the future.")
        work = ws.work()
        lost = queries.cannot_undo(ws, line)
        if ending == line.open_to:
            billing.tell(ws, work, line, b"", state=REVOKED if by_client else ENDED)
        if rules.incoming(line.document):
            receiving.withdraw(ws, work, line.person, line.id)
        ended = sum(sharing.end_shares(ws, work, line, item) for item in ending if item.user)
        document = Revocation(
            consent=show_id(line.id), recipients=tuple(map(queries.key_of, ending)) if recipients else (),
            received_on=received_on or today, received_by=ws.user.name, method=method, by_client=by_client, note=note,
            disclosed=lost[len(wording.CANNOT_UNDO):],
        )  # fmt: skip
        put(
            ws.session, work, line.compartment, REVOCATION, signing.cleaned(REVOCATION, document), person=line.person,
            source="client in session",
        )  # fmt: skip
        ws.session.note(
            work, "revoke", person=line.person, category=line.compartment_kind, subject=line.id,
            detail="by the client" if by_client else "by the program",
        )  # fmt: skip
        changes = ws.commit(work)
    return Revoked(line.id, ended, lost, changes)


def end(ws: Workspace, identifier: bytes, reason: str) -> Revoked:
    """End a consent on the program's side, for example because joint work ended. Raises as `revoke`."""
    return revoke(ws, identifier, method="program rule", note=reason, by_client=False)


def _ending(line: ConsentLine, recipients: Sequence[str]) -> tuple[Recipient, ...]:
    """The recipients a revocation ends it for. Raises `RuleRefused`."""
    if line.state in (REVOKED, ENDED):
        raise RuleRefused("consent.already_revoked", "This consent ended before.", "It cannot end twice.")
    if line.state == EXPIRED:
        raise RuleRefused("consent.expired", "This consent ended by itself.", "There is nothing left to end.")
    if not recipients:
        return line.open_to
    wanted = {" ".join(name.split()).casefold() for name in recipients}
    named = [item for item in line.document.recipients if {item.user, item.name.casefold()} & wanted]
    if len(named) < len(wanted):
        raise RuleRefused("consent.no_such_recipient", "This consent names no such recipient.")
    if any(item not in line.open_to for item in named):
        raise RuleRefused("consent.already_revoked", "It ended for this recipient before.", "It cannot end twice.")
    return tuple(named)
