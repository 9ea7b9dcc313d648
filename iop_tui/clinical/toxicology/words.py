"""Words that several documents about substances share. Pure."""

from __future__ import annotations

import re
from datetime import date

from iop_tui.kernel.declare import Finding, RuleContext, Severity

SUBSTANCES = (
    "alcohol", "opioids", "stimulants", "cannabis", "sedatives", "nicotine", "hallucinogens", "inhalants", "gambling",
    "other",
)  # fmt: skip
OVERDOSE_RISK = ("opioids", "stimulants")
"""Where naloxone belongs to every plan: stimulants, too, since much of the supply holds fentanyl."""
_PUNITIVE = re.compile(
    r"\b(?:dirty|clean)\b(?= (?:urine|test|screen|sample|uds|result))|\b(?:urine|test|screen|sample|uds|result)s? "
    r"(?:was|is|were|came back) (?:dirty|clean)\b|\babuser\b|\baddict\b|\bjunkie\b|\bcaught (?:using|lying)\b"
    r"|\bpunish\w*|\bsanction(?:s|ed)?\b|\bfailed (?:the|his|her|their) (?:test|screen|uds)\b|\bconsequences? will\b",
    re.IGNORECASE,
)


def punitive(field: str, text: str) -> tuple[Finding, ...]:
    """Wording that punishes or shames: a result is information for care (ASAM 2017)."""
    match = _PUNITIVE.search(text)
    if match is None:
        return ()
    message = f"“{match[0]}” reads as blame: write what was found and what helps next."
    return (Finding(Severity.REFUSE, "punitive", message, field, "ASAM 2017"),)


def dates(on: date | None, field: str, context: RuleContext) -> tuple[Finding, ...]:
    """A date that cannot be: in the future, or before the person was born."""
    if on is None:
        return ()
    if on > context.today:
        return (Finding(Severity.REFUSE, "future", "The date lies in the future.", field),)
    born = context.facts.get("birth_date")
    if isinstance(born, date) and on < born:
        return (Finding(Severity.REFUSE, "before_birth", "The date lies before the person's birth.", field),)
    return ()
