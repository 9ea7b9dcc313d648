"""The program's phrases and abbreviations, and what typing one does. Pure.

A phrase holds nobody's words: it is shared by everybody in the program, and nothing of any record flows into it
(program rule CR-4). `|` marks where the cursor stands afterwards; `[…]` a gap to fill in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity, Widget

FIELDS = ("any", "presentation", "intervention", "response", "risk_action", "plan")
CURSOR = "|"
_SHORTCUT = re.compile(r"^;?[A-Za-z][A-Za-z0-9]{0,14}$")
_PERSONAL = re.compile(
    r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b|\b\d{3}[-. ]\d{3,4}\b|[\w.]+@[\w.]+|\b(?:Mr|Mrs|Ms)\.? [A-Z]"
)
_BEFORE = re.compile(r"(?:^|(?<=[\s(\[/]));?[A-Za-z][A-Za-z0-9]*$")
_GAP = re.compile(r"\[[^\[\]\n]{1,60}\]")


class Phrase(Document, frozen=True, kw_only=True):
    """A piece of text behind a shortcut: a whole phrase, or a word written out."""

    shortcut: Annotated[
        str, F("Shortcut", required=True, help="Letters and digits; a leading ; keeps it from plain words.",
               max_length=16, widget=Widget.LINE)
    ] = ""  # fmt: skip
    text: Annotated[
        str, F("Text", required=True, widget=Widget.TEXT, max_length=4000,
               help="| puts the cursor, [words] a gap to fill in. No client's words: everybody reads this.")
    ] = ""  # fmt: skip
    field: Annotated[str, F("In the field", choices=FIELDS)] = "any"
    modality: Annotated[str, F("Kind of work", help="To find it again: CBT, DBT, MI …", max_length=40)] = ""
    retired: Annotated[bool, F("Not offered any more")] = False


def rules(phrase: Phrase, context: RuleContext) -> tuple[Finding, ...]:
    """A shortcut that can be typed, a text that belongs to nobody."""
    del context
    found = []
    if phrase.shortcut and not _SHORTCUT.match(phrase.shortcut):
        message = "A shortcut is up to 15 letters and digits, with a ; before them if you like."
        found.append(Finding(Severity.REFUSE, "shortcut", message, "shortcut"))
    personal = _PERSONAL.search(phrase.text)
    if personal is not None:
        message = f"“{personal[0]}” looks like somebody's own: a phrase belongs to nobody."
        found.append(Finding(Severity.REFUSE, "personal", message, "text", "program rule CR-4"))
    if phrase.text.count(CURSOR) > 1:
        found.append(Finding(Severity.REFUSE, "cursor", "The cursor can stand in one place.", "text"))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Expansion:
    """One change of the text: characters `start` to `stop` become `text`; the cursor then stands at `cursor`.

    An editor makes it in one step, so that one undo takes it back.
    """

    start: int
    stop: int
    text: str
    cursor: int


Table = Mapping[str, str]
"""Shortcut (folded) → text."""


def table(phrases: Iterable[Phrase], field: str = "any") -> dict[str, str]:
    """The shortcuts that count in a field; one for the field itself wins over one for any."""
    found: dict[str, str] = {}
    for phrase in sorted(phrases, key=lambda item: item.field != "any"):
        if not phrase.retired and phrase.field in ("any", field):
            found[phrase.shortcut.casefold()] = phrase.text
    return found


def expand(text: str, cursor: int, shortcuts: Table) -> Expansion | None:
    """What typing a blank or Tab behind a shortcut does; None where the word before the cursor is none.

    A shortcut counts as a whole word only. One that begins with a capital gives a text that does.
    """
    match = _BEFORE.search(text[:cursor])
    if match is None:
        return None
    word = match[0]
    full = shortcuts.get(word.casefold())
    if full is None:
        return None
    if word[:1].isupper() and full[:1].islower():
        full = full[0].upper() + full[1:]
    before, mark, after = full.partition(CURSOR)
    start = match.start()
    gap = _GAP.search(before + after) if not mark else None
    at = len(before) if mark else gap.start() if gap else len(full)
    return Expansion(start, cursor, before + after, start + at)


def apply(text: str, expansion: Expansion) -> str:
    """The text after an expansion."""
    return text[: expansion.start] + expansion.text + text[expansion.stop :]


def next_gap(text: str, cursor: int) -> tuple[int, int] | None:
    """(start, stop) of the next gap behind the cursor, from the top again at the end; None without any."""
    match = _GAP.search(text, cursor) or _GAP.search(text)
    return (match.start(), match.end()) if match else None


def gaps(text: str) -> list[str]:
    """Gaps that nobody filled in yet."""
    return [match[0] for match in _GAP.finditer(text)]


PHRASE: DocumentType[Phrase] = DocumentType(
    kind="phrase",
    label="Phrase",
    struct=Phrase,
    compartment="PROG",
    title=lambda phrase: f"{phrase.shortcut}: {phrase.text.splitlines()[0][:60] if phrase.text else ''}",
    rules=rules,
    help="A shortcut that expands while you type, shared by the program.",
)
