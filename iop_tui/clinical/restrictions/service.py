"""Recording a restriction, deciding about it, ending it; and what is in force against a recipient now.

It lies in the person's directory entry: everybody who could disclose something holds a key to that, and nobody else
learns that there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from iop_tui.access import charts, roles
from iop_tui.access.attempts import attempted
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import put
from iop_tui.clinical.compliance.api import DueLine
from iop_tui.clinical.restrictions.model import (
    AGREED,
    BY_PROGRAM,
    DECISION,
    END_SECTION,
    ENDED,
    ENDINGS,
    PAID_SECTION,
    REFUSED,
    RESTRICTION,
    SECTION,
    SELF_PAID,
    Restriction,
    RestrictionDecision,
    same_name,
)
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import DocumentType, Finding, RuleContext, Severity
from iop_tui.kernel.errors import NoKey, NotFound, NotReady, RoleRefused, RuleRefused
from iop_tui.kernel.ids import show_id
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace

WAITS, IN_FORCE, BEFORE_ONLY = "waits for a decision", "in force", "in force for what was before"
DECIDE = "restrictions"
"""The action of these lines in the work queue."""


@dataclass(frozen=True, slots=True)
class RestrictionLine:
    """One request and how it stands. `until`: after a program's own ending it binds what was before this day only."""

    record: bytes
    person: bytes
    document: Restriction
    state: str
    decided_on: date | None = None
    reason: str = ""
    until: date | None = None

    @property
    def binds(self) -> bool:
        """Whether it stops anything now."""
        return self.state in (IN_FORCE, BEFORE_ONLY)

    @property
    def section(self) -> str:
        """The section of the regulation that it stands on."""
        return PAID_SECTION if self.document.ground == SELF_PAID else f"{SECTION}(iii)"

    def stops(self, recipient: str, day: date | None) -> bool:
        """Whether something of a day may not go to a recipient. What has no day is covered."""
        if not self.binds or not any(same_name(recipient, name) for name in self.document.recipients):
            return False
        if day is None:
            return True
        start, end = self.document.covers_from, self.document.covers_to
        inside = (start is None or start <= day) and (end is None or day <= end)
        return inside and (self.until is None or day <= self.until)


def findings(ws: Workspace, document: Restriction) -> tuple[Finding, ...]:
    """What the rules say of a request now."""
    return RESTRICTION.findings(document, RuleContext(signing.today(ws)))


def record(ws: Workspace, person: bytes, document: Restriction) -> bytes:
    """Take a request down; its record. What was paid in full is in force at once, anything else waits for a decision.

    Raises `NotReady` where a rule refuses it, `NoKey` without the directory entry, `NotFound`; audited.
    """
    with attempted(ws.session, "restrict", person=person):
        home = _home(ws, person)
        document = signing.cleaned(RESTRICTION, document)
        refused = [item for item in findings(ws, document) if item.severity is Severity.REFUSE]
        if refused:
            raise NotReady(refused[0].message, "Complete the request, then save again.")
        work = ws.work()
        identifier, _ = put(ws.session, work, home, RESTRICTION, document, person=person)
        ws.session.note(work, "restrict", person=person, category=Kind.DIR, subject=identifier)
        ws.commit(work)
    return identifier


def decide(ws: Workspace, restriction: bytes, *, agreed: bool, reason: str = "") -> Changes:
    """Agree to a request or refuse it, by the privacy officer.

    Raises `RoleRefused`; `RuleRefused` where it is decided (`restriction.decided`), where the rule leaves no choice
    (`restriction.must_agree`) and for a refusal without a reason; `NotFound`. A refusal is audited.
    """
    with attempted(ws.session, "decide-restriction", subject=restriction):
        _need_officer(ws)
        line = _line_of(ws, restriction)
        if line.document.ground == SELF_PAID:
            raise RuleRefused(
                "restriction.must_agree", "What was paid for in full is kept from the plan: there is no choice.",
                f"{PAID_SECTION}. End it with the person's own word where it is over.",
            )  # fmt: skip
        if line.state != WAITS:
            raise RuleRefused("restriction.decided", f"This request is {line.state}.", "Record a new one.")
        if not agreed and not reason.strip():
            raise RuleRefused("restriction.reason", "Say why, so that the person can be told.", f"{SECTION}(ii).")
        today = signing.today(ws)
        document = RestrictionDecision(
            restriction=show_id(restriction), decision=AGREED if agreed else REFUSED, reason=reason.strip(),
            decided_on=today, told_on=today,
        )  # fmt: skip
        return _write(ws, line, document, "decide-restriction")


def end(ws: Workspace, restriction: bytes, how: str, *, reason: str = "") -> Changes:
    """End a restriction in force. Ended by the program alone, it still binds what was before the person was told.

    Raises `RoleRefused`; `RuleRefused` for one that is not in force, for no way of ending, and where only the person
    can end it (`restriction.binding`, 45 CFR 164.522(a)(2)(iii)(A)); `NotFound`. A refusal is audited.
    """
    with attempted(ws.session, "end-restriction", subject=restriction):
        _need_officer(ws)
        line = _line_of(ws, restriction)
        if not line.binds:
            raise RuleRefused("restriction.not_in_force", f"This request is {line.state}.")
        if how not in ENDINGS:
            raise RuleRefused("restriction.ending", f"Say how it ends: {', '.join(ENDINGS)}.", f"{END_SECTION}.")
        if how == BY_PROGRAM and line.document.ground == SELF_PAID:
            raise RuleRefused(
                "restriction.binding", "What the person paid for in full stays restricted until they say otherwise.",
                f"{END_SECTION}(iii)(A). Ask them; write down what they say.",
            )  # fmt: skip
        today = signing.today(ws)
        document = RestrictionDecision(
            restriction=show_id(restriction), decision=ENDED, ending=how, reason=reason.strip(), decided_on=today,
            told_on=today,
        )  # fmt: skip
        return _write(ws, line, document, "end-restriction")


def _home(ws: Workspace, person: bytes) -> bytes:
    home = charts.compartment_for(ws.session, person, Kind.DIR)
    if not ws.session.holds(home):
        raise NoKey("You hold no key to this person's directory entry.", "Ask the front desk to take it down.")
    return home


def _need_officer(ws: Workspace) -> None:
    if roles.PRIVACY_OFFICER not in ws.user.roles:
        raise RoleRefused("A restriction is decided and ended by the privacy officer.", "Ask them.")


def _write(ws: Workspace, line: RestrictionLine, document: RestrictionDecision, act: str) -> Changes:
    work = ws.work()
    put(ws.session, work, _home(ws, line.person), DECISION, document, person=line.person)
    ws.session.note(work, act, person=line.person, category=Kind.DIR, subject=line.record, detail=document.decision)
    return ws.commit(work)


# -- how they stand ------------------------------------------------------------------------


def lines(ws: Workspace, person: bytes | None = None) -> list[RestrictionLine]:
    """Requests of one person or of everybody this user may know of, newest first."""
    decisions = _decisions(ws, person)
    found = [
        _stands(RestrictionLine(record, who, document, ""), decisions.get(show_id(record), ()))
        for record, who, document in _in_place(ws, RESTRICTION, person)
        if isinstance(document, Restriction)
    ]
    return list(reversed(found))


def _in_place(ws: Workspace, kind: DocumentType[Any], person: bytes | None) -> list[tuple[bytes, bytes, Any]]:
    """(record, person, document) of a kind, oldest first: only what lies in the entry of whom it is about."""
    officer = "" if kind is RESTRICTION else (
        " AND EXISTS (SELECT 1 FROM role o WHERE o.user = r.author AND o.role = 'privacy officer')"
    )
    rows = ws.view.rows(
        "SELECT r.record, r.person, r.doc, r.version FROM record r JOIN compartment c ON c.id = r.compartment WHERE"
        " r.kind = ?1 AND r.deposit = 0 AND r.status != 'newer' AND c.kind = 'DIR' AND c.person = r.person AND"
        f" (?2 IS NULL OR r.person = ?2){officer} ORDER BY r.created_ms, r.id",
        (kind.kind, person),
    )
    return [(bytes(row[0]), bytes(row[1]), kind.decode(row[2], row[3])) for row in rows]


def _decisions(ws: Workspace, person: bytes | None) -> dict[str, list[RestrictionDecision]]:
    """Request → the privacy officer's words about it, oldest first: nobody else's count."""
    found: dict[str, list[RestrictionDecision]] = {}
    for _, _, document in _in_place(ws, DECISION, person):
        if isinstance(document, RestrictionDecision):
            found.setdefault(document.restriction, []).append(document)
    return found


def _stands(line: RestrictionLine, words: Any) -> RestrictionLine:
    state, on, reason, until = (IN_FORCE if line.document.ground == SELF_PAID else WAITS), None, "", None
    for word in words:
        on, reason = word.decided_on, word.reason
        if word.decision == ENDED:
            until = word.told_on if word.ending == BY_PROGRAM else None
            state = BEFORE_ONLY if until else ENDED
        elif line.document.ground != SELF_PAID:
            state = IN_FORCE if word.decision == AGREED else REFUSED
    return RestrictionLine(line.record, line.person, line.document, state, on, reason, until)


def _line_of(ws: Workspace, restriction: bytes) -> RestrictionLine:
    found = next((line for line in lines(ws) if line.record == restriction), None)
    if found is None:
        raise NotFound
    return found


def against(ws: Workspace, person: bytes, recipient: str, day: date | None) -> RestrictionLine | None:
    """The restriction that stands against giving something of a day to a recipient; None where none does."""
    return next((line for line in lines(ws, person) if line.stops(recipient, day)), None)


def due_lines(ws: Workspace) -> list[DueLine]:
    """Requests that wait for the privacy officer's decision."""
    if roles.PRIVACY_OFFICER not in ws.user.roles:
        return []
    return [
        DueLine(line.person, _name(ws, line.person), "Decide on a restriction", line.document.asked_on
                or signing.today(ws), "restriction", f"{SECTION}(i)", line.record, DECIDE)
        for line in lines(ws)
        if line.state == WAITS
    ]  # fmt: skip


def _name(ws: Workspace, person: bytes) -> str:
    row = ws.view.one("SELECT name FROM person WHERE id = ?", (person,))
    return str(row[0]) if row else ""
