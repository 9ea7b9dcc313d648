"""Supervisors, medical directors, privacy officers and auditors read named records as shares: with a reason and an end,
never by a key, on either side of a couple (program rules CR-1 and CR-16; 42 CFR 2.53 for audits).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from iop_tui.access import policy, primitives, roles
from iop_tui.access.attempts import attempted
from iop_tui.access.policy import AUTHOR_KINDS, Cell, Kind
from iop_tui.clinical.consents.sharing import ShareLine, end_of
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.disclosures.api import Disclosure
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.errors import NotFound, RuleRefused
from iop_tui.kernel.ids import show_id
from iop_tui.workspace import Workspace

LONGEST = 30
"""Days a colleague may look into a case at most."""
RULE = "a case consultation, program rule CR-1"


def consult(ws: Workspace, chosen: Sequence[bytes], reader: bytes, *, reason: str, until: date) -> ShareLine:
    """Let a supervisor, director, privacy officer or auditor read some records of one person until a day.

    `iop-tui revoke` of the act ends it earlier. Raises `RuleRefused`, `NotFound`; a refusal is audited.
    """
    with attempted(ws.session, "consult", subject=reader):
        lines = [records.line_of(ws, record) for record in dict.fromkeys(chosen)]
        _check(ws, lines, reader, reason, until)
        line = lines[0]
        card = ws.session.card(reader)
        row = ws.view.one("SELECT compartment FROM record WHERE record = ?", (line.id,))
        if row is None:
            raise NotFound
        work = ws.work()
        recipient = primitives.user_recipient(ws.session, reader, card.roles[0])
        shared = primitives.share(
            ws.session, work, [_leaf(ws, item.id) for item in lines], [recipient], purpose=reason,
            not_after_ms=end_of(until), person=line.person, rule=RULE, mine=False,
            keeper=b"" if line.compartment_kind in AUTHOR_KINDS else row[0],
        )  # fmt: skip
        place = disclosures.Place(row[0], line.compartment_kind, line.person)
        disclosures.record(ws, work, [place], Disclosure(
            recipient=card.name, what=f"{len(lines)} × records for consultation", purpose=reason,
            basis=disclosures.OPERATIONS, method="share", internal=True, user=show_id(reader),
            act=show_id(shared.act), records=tuple(f"{show_id(item.id)}:" for item in lines),
        ))  # fmt: skip
        ws.commit(work)
    return ShareLine(reader, card.name, shared.act, shared.compartment, len(lines))


def _leaf(ws: Workspace, record: bytes) -> bytes:
    row = ws.view.one("SELECT leaf FROM record WHERE record = ?", (record,))
    if row is None:
        raise NotFound
    return bytes(row[0])


def _check(ws: Workspace, lines: list[records.RecordLine], reader: bytes, reason: str, until: date) -> None:
    today = signing.today(ws)
    if not lines:
        raise RuleRefused("consult.nothing", "Choose the records.")
    if not reason.strip():
        raise RuleRefused("consult.reason", "Say why they have to read it.")
    if not today <= until <= today + timedelta(days=LONGEST):
        raise RuleRefused("consult.until", f"A consultation ends within {LONGEST} days.")
    if reader == ws.user.user:
        raise RuleRefused("consult.self", "Choose a colleague.")
    if len({(line.person, line.compartment_kind) for line in lines}) > 1:
        raise RuleRefused("consult.one_part", "One part of one person's record at a time.")
    kind = lines[0].compartment_kind
    if kind == Kind.PSY:
        raise RuleRefused("consult.private", "Private notes need the person's own authorization.",
                          "45 CFR 164.508(a)(2).")  # fmt: skip
    if any(line.status not in ("signed", "kept") for line in lines) and kind not in AUTHOR_KINDS:
        raise RuleRefused("consult.draft", "Drafts are not shown. Sign it first.")
    granted = ws.session.card(reader).roles
    if kind == Kind.SHARE or not any(_may_look(kind, role) for role in granted):
        raise RuleRefused("consult.role", "The program's policy lets this colleague look into nothing of this part.")
    check_conflict(ws, lines[0].person, reader)


def _may_look(kind: str, role: str) -> bool:
    cell = policy.cell(kind, role)
    return cell is Cell.TIMED or (role == roles.MEDICAL_DIRECTOR and cell is Cell.READ)


def check_conflict(ws: Workspace, person: bytes, reader: bytes) -> None:
    """A supervisor over both sides of a couple reads neither, nor the joint record, without an exception, and then
    without names (CR-16).
    """
    for item in staff.conflicts(ws):
        if item.supervisor == reader and person in (*item.partners, item.couple) and not item.excepted:
            raise RuleRefused(
                "supervisor.conflict", "This supervisor stands over more than one side of the couple.",
                "Name a second supervisor, consult without names, or let the privacy officer record an exception.",
            )  # fmt: skip
