"""Telephone numbers as people write them: recognised, never rewritten."""

from __future__ import annotations

import re

SHORT = frozenset({"988", "911", "112", "211", "311", "999", "116123"})
"""Crisis and emergency lines that are shorter than a subscriber's number (47 CFR 52.200: 988)."""
_EXTENSION = re.compile(r"\s*(?:,|;|#|x|ext\.?|extension)\s*\d{1,6}$", re.IGNORECASE)
_ALLOWED = re.compile(r"\+?[\d\s().\-/]+")


def is_phone(text: str) -> bool:
    """Whether a text is one telephone number: 7 to 15 digits (ITU-T E.164) with the usual separators and perhaps an
    extension, or a short crisis line.
    """
    body = _EXTENSION.sub("", text.strip())
    if not _ALLOWED.fullmatch(body) or body.count("(") != body.count(")"):
        return False
    digits = re.sub(r"\D", "", body)
    if len(set(digits)) == 1 and len(digits) > 3:
        return False
    return digits in SHORT or 7 <= len(digits) <= 15
