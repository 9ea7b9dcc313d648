"""How old the newest verified backup is: what Today asks at every start, so it loads nothing that makes backups."""

from __future__ import annotations

import msgspec

from iop_tui.kernel.canonical import decode
from iop_tui.workspace.workspace import Workspace

LAST = "backup:last"
HOUR_MS = 3_600_000
OLD_HOURS, TOO_OLD_HOURS = 24, 48
"""From when on people are told, and told louder (45 CFR 164.308(a)(7); 90 FR 898 proposes at most 48 h)."""


class Verified(msgspec.Struct, frozen=True, array_like=True):
    """The newest verified backup: when, which file, up to which entry of the log, its size and SHA-256."""

    at_ms: int
    file: str
    audit_seq: int
    size: int
    hash: bytes
    sealed: bool


def last(ws: Workspace) -> Verified | None:
    """The newest verified backup of this copy."""
    raw = ws.session.db.state.get(LAST, b"")
    return decode(raw, Verified) if raw else None


def hours_old(ws: Workspace) -> int | None:
    """Hours since the newest verified backup; since the vault was made where there is none. None in a demo."""
    if ws.demo:
        return None
    known = last(ws)
    start = known.at_ms if known else ws.header().created_ms
    return max(0, ws.clock.now_ms() - start) // HOUR_MS


def warning(ws: Workspace) -> tuple[str, bool]:
    """The line for Today, and whether it is serious; empty while the newest verified backup is recent enough."""
    hours = hours_old(ws)
    if hours is None or hours < OLD_HOURS:
        return "", False
    old = f"{hours // 24} days" if hours >= TOO_OLD_HOURS else f"{hours} hours"
    return f"No verified backup for {old}: see iop-tui recovery status", hours >= TOO_OLD_HOURS
