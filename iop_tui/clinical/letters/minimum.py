"""What a letter must carry, and words that say more than attendance. Pure.

Minimum necessary: 45 CFR 164.502(b). Notice to the recipient: 42 CFR 2.32(a)(2).
"""

from __future__ import annotations

import re

NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
"""The short notice that travels with records of a Part 2 program."""
TELLING = re.compile(
    r"\b(F\d\d(\.\d+)?|diagnos\w*|alcohol\w*|substance\w*|addict\w*|drug\w*|opioid\w*|relapse\w*|rehab\w*|sobriety"
    r"|toxicolog\w*|psychiatr\w*|psychother\w*|depress\w*|suicid\w*|couples? (therapy|counseling))\b",
    re.IGNORECASE,
)
"""Words that say more than attendance: in letters to employers and schools they are refused."""


def telling_words(text: str) -> tuple[str, ...]:
    """Words of a letter that tell more than attendance, each once; the notice of 42 CFR 2.32 does not count."""
    found = [match.group(0).lower() for match in TELLING.finditer(text.replace(NOTICE, ""))]
    return tuple(dict.fromkeys(found))
