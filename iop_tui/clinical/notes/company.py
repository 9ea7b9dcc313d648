"""Who else is in a client's group: nobody's note names another member of it (42 CFR 2.13, 45 CFR 164.502(b)). Pure.

A note belongs to one person's record and leaves with it. Names refuse, as whole words; initials make look twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from iop_tui.kernel.declare import Finding, Severity

GROUP = "group"
SOURCE = "42 CFR 2.13; 45 CFR 164.502(b)"
LOOKED_AT = 20_000
"""Characters of a text in which names are looked for."""
# Names that are everyday words as well: only with a capital letter they name somebody.
_WORDS = frozenset((
    "april", "art", "august", "bill", "brook", "chance", "chase", "dawn", "dean", "drew", "earl", "faith", "frank",
    "gene", "grace", "grant", "guy", "harmony", "hope", "hunter", "iris", "ivy", "jack", "jade", "jay", "joy", "june",
    "lance", "lily", "mark", "may", "miles", "nick", "pat", "paul", "pearl", "peg", "penny", "ray", "rich", "rob",
    "rose", "ruby", "sage", "star", "sue", "summer", "sunny", "sky", "victor", "will", "wren", "young", "white",
    "black", "brown", "green", "grey", "long", "short", "price", "king",
))  # fmt: skip


@dataclass(frozen=True)
class Member:
    """Another client of the same group, by the names the directory has."""

    names: tuple[str, ...]
    initials: str = ""

    @cached_property
    def letters(self) -> re.Pattern[str] | None:
        """The initials with their points, `A.B.`; None without two letters."""
        signs = [sign for sign in self.initials if sign.isalpha()]
        if len(signs) < 2:
            return None
        return re.compile(r"(?<!\w)" + r"\s?".join(rf"{re.escape(sign)}\." for sign in signs), re.IGNORECASE)


NOBODY = Member(())


def _any_of(names: Iterable[str]) -> re.Pattern[str] | None:
    parts = []
    for name in sorted({name.strip() for name in names if len(name.strip()) > 1}, key=lambda one: (-len(one), one)):
        word = re.escape(name)
        parts.append(f"(?-i:{word.title()}|{word.upper()})" if name.casefold() in _WORDS else word)
    return re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)", re.IGNORECASE) if parts else None


@lru_cache(maxsize=8)
def _anybody(members: tuple[Member, ...]) -> re.Pattern[str] | None:
    """All names of all members at once: a note is looked through at every pause of typing."""
    return _any_of(name for member in members for name in member.names)


def findings(texts: Iterable[tuple[str, str]], members: tuple[Member, ...], own: Member) -> tuple[Finding, ...]:
    """What speaks against the texts (field, words) of one client's group note; `own` are the client's own names."""
    mine = {name.casefold() for name in own.names}
    found = []
    for field, text in texts:
        part = text[:LOOKED_AT]
        named = _named(_anybody(members), part, mine)
        if named:
            message = f"“{named}” may name somebody else in this group: write “another member”, or “his brother”."
            found.append(Finding(Severity.REFUSE, "other_member", message, field, SOURCE))
            continue
        letters = next((sign[0] for member in members if member.letters and (sign := member.letters.search(part))), "")
        if letters and letters.replace(" ", "").casefold() != _dotted(own.initials):
            message = f"“{letters}” may stand for somebody else in this group."
            found.append(Finding(Severity.WARN, "other_initials", message, field, SOURCE))
    return tuple(found)


def _named(pattern: re.Pattern[str] | None, text: str, mine: set[str]) -> str:
    """The first name in a text that is not the client's own name, too."""
    if pattern is None:
        return ""
    return next((hit[0] for hit in pattern.finditer(text) if hit[0].casefold() not in mine), "")


def _dotted(initials: str) -> str:
    return "".join(f"{sign}." for sign in initials if sign.isalpha()).casefold()
