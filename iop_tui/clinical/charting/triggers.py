"""What forces a review of the treatment plan before its date: another level of care, a relapse, a visit to an emergency
department, a positive risk screen. Read from the chart; a review dated on or after the event has seen it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from iop_tui.clinical.plans.api import REVIEW_REASONS
from iop_tui.clinical.safety.api import RAISED
from iop_tui.clinical.signing import api as signing
from iop_tui.workspace import Workspace

_LEVEL, _RELAPSE, _EMERGENCY, _SCREEN = REVIEW_REASONS[1:5]
_RULES = {
    _LEVEL: ("plan-review-after-level-change", "a change of the level of care forces a review"),
    _RELAPSE: ("plan-review-after-relapse", "a relapse forces a review"),
    _EMERGENCY: ("plan-review-after-emergency", "a visit to an emergency department forces a review"),
    _SCREEN: ("plan-review-after-risk", "raised risk forces a review"),
}
_QUERY = f"""
    SELECT record, kind, service_date FROM record
    WHERE person = ?1 AND service_date > ?2 AND origin IS NULL AND (
        kind = 'lapse'
        OR kind = 'encounter' AND lower(json_extract(doc, '$.setting')) LIKE 'emergency%'
        OR kind = 'risk_assessment' AND json_extract(doc, '$.level') IN ({",".join(f"'{level}'" for level in RAISED)})
        OR kind = 'progress_note' AND status = 'signed' AND json_extract(doc, '$.risk') = 'present'
        OR kind = 'intake_assessment' AND status = 'signed' AND json_extract(doc, '$.level') NOT IN ('', ?3))
    ORDER BY service_date, id
"""
_REASONS = {
    "lapse": _RELAPSE, "encounter": _EMERGENCY, "risk_assessment": _SCREEN, "progress_note": _SCREEN,
    "intake_assessment": _LEVEL,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trigger:
    """An event that the plan does not know of yet: the day, the review's reason, the rule with its source, the record
    that tells of it.
    """

    on: date
    reason: str
    rule: str
    source: str
    record: bytes


def forced(ws: Workspace, person: bytes, since: date, level: str) -> Trigger | None:
    """The first event after the day of a plan of that level, or None."""
    rows = ws.view.rows(_QUERY, (person, since.isoformat(), level))
    withdrawn = signing.voided(ws, person) if rows else {}
    for record, kind, day in rows:
        if record not in withdrawn:
            reason = _REASONS[kind]
            rule, words = _RULES[reason]
            return Trigger(date.fromisoformat(day), reason, rule, f"program rule: {words}", bytes(record))
    return None
