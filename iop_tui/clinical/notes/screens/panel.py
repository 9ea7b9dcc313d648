"""The thread check beside or below the text: what is missing, what deserves a look, how alike the last note is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from iop_tui.kernel.declare import Finding, Severity
from iop_tui.ui.forms.review import SAID
from iop_tui.ui.frame.bars import Lines, Toned

LINES = 3
_WORDS = {Severity.REFUSE: "missing", Severity.WARN: "to look at", Severity.REMIND: "to remember"}


@dataclass(frozen=True, slots=True)
class Examined:
    """What the check found in a note as it stood: findings, likeness to the last note, unknown words by field."""

    findings: tuple[Finding, ...] = ()
    alike: float = 0.0
    unknown: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def words(self) -> list[str]:
        """Unknown words of all fields, each once."""
        return list(dict.fromkeys(word for _, words in self.unknown for word in words))


def counts(findings: Sequence[Finding]) -> list[Toned]:
    """`4 missing   1 to look at`, or that nothing is."""
    found: list[Toned] = []
    for severity, word in _WORDS.items():
        number = sum(item.severity is severity for item in findings)
        if number:
            found += [(f"{number} {word}", SAID[severity][1]), ("   ", "text")]
    return found or [("nothing is missing", "text")]


def condensed(findings: Sequence[Finding]) -> list[Finding]:
    """The same with everything that is simply not answered in one line."""
    missing = [item for item in findings if item.code == "required"]
    rest = [item for item in findings if item.code != "required"]
    if not missing:
        return rest
    names = ", ".join(item.message.removesuffix(" is missing.") for item in missing)
    return [Finding(Severity.REFUSE, "required", names), *rest]


class ThreadPanel(Lines):
    """Three lines below the text: the counts, then what comes first."""

    DEFAULT_CSS = f"ThreadPanel {{ height: {LINES}; }}"

    def __init__(self, heading: str) -> None:
        super().__init__([[(heading, "accent")], *([[]] * (LINES - 1))])
        self._heading = heading

    def tell(self, examined: Examined) -> None:
        """Show what was found; lines that did not change are not painted again."""
        spelling = examined.words()
        head: list[Toned] = [(self._heading, "accent"), ("  ", "text"), *counts(examined.findings)]
        if spelling:
            head += [("   spelling: ", "dim"), (", ".join(spelling[:4]), "warn")]
        lines: list[list[Toned]] = [head]
        for item in condensed(examined.findings)[: LINES - 1]:
            word, tone = SAID[item.severity]
            line: list[Toned] = [(f"{word:<11}", tone), (item.message, "text")]
            source = f"  ({item.source})" if item.source else ""
            fits = cell_len(item.message) + cell_len(source) + 13 <= self.size.width
            lines.append([*line, (source, "dim")] if fits else line)
        lines += [[] for _ in range(LINES - len(lines))]
        self.show(lines)
