"""The couple chart: partner A, joint, partner B side by side. A column without a key is one constant line (CR-3)."""

from __future__ import annotations

from dataclasses import dataclass

from iop_tui.access.policy import Kind
from iop_tui.clinical.couples import terms
from iop_tui.clinical.records import api as records
from iop_tui.workspace import Workspace

PROTECTED = records.protected_line()
HIDDEN = ("person", "service_line", "partner_signature", "joint_decision", "wizard_state", "disclosure",
          "recovery_day")  # fmt: skip
LIMIT = 100
_OWN = (Kind.IND, Kind.SUD, Kind.PSY, Kind.MED, Kind.CRISIS, Kind.GRP, Kind.SAFE, Kind.HOLD, Kind.SHARE)


@dataclass(frozen=True, slots=True)
class CoupleColumn:
    """One column: whose, the lines this user may read, and whether they hold any key to it."""

    title: str
    subject: bytes
    lines: tuple[records.RecordLine, ...]
    is_open: bool


@dataclass(frozen=True, slots=True)
class CoupleChart:
    """Both partners and what they share, as this user may see it. `policy` is empty where the joint record is closed
    to them.
    """

    couple: bytes
    a: CoupleColumn
    joint: CoupleColumn
    b: CoupleColumn
    policy: str
    ended: str
    keeps: bool = False
    """Whether this user keeps the joint record."""

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self.a.title} & {self.b.title}"


def columns(ws: Workspace, couple: bytes) -> CoupleChart:
    """The couple chart of this user. Raises `NotFound` for who knows of no such couple.

    Whether a column is open is decided by the keys a user holds, never by what there is: the constant line says the
    same of everybody.
    """
    pair = terms.couple(ws, couple)
    counts = terms.in_force(ws, pair) if ws.session.holds(pair.joint) else None
    return CoupleChart(
        couple, _partner(ws, pair, pair.a), _joint(ws, pair), _partner(ws, pair, pair.b),
        counts.agreement.secrets if counts else "", pair.ended.isoformat() if pair.ended else "",
        ws.session.holds(pair.joint),
    )  # fmt: skip


def _partner(ws: Workspace, pair: terms.Couple, person: bytes) -> CoupleColumn:
    row = ws.view.one("SELECT name FROM person WHERE id = ?", (person,))
    title = str(row[0]) if row else f"P{pair.side(person)[1:]}"
    held = ws.view.one(
        f"SELECT 1 FROM compartment c JOIN keyring k ON k.compartment = c.id WHERE c.person = ? AND c.kind IN"
        f" ({','.join('?' * len(_OWN))}) LIMIT 1",
        (person, *(str(kind) for kind in _OWN)),
    )
    lines = tuple(records.timeline(ws, person, without=HIDDEN, limit=LIMIT))
    return CoupleColumn(title, person, lines, held is not None)


def _joint(ws: Workspace, pair: terms.Couple) -> CoupleColumn:
    """The joint record, or what of it was shared with this user."""
    lines = tuple(records.timeline(ws, pair.id, without=HIDDEN, limit=LIMIT))
    return CoupleColumn("Joint", pair.id, lines, ws.session.holds(pair.joint) or bool(lines))
