"""Style sheets are parsed once per process and palette.

Textual parses every source again for each app, each time the variables are set (also to what they were), and whenever
a screen brings rules of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation

_Source: TypeAlias = tuple[str, CSSLocation, bool, int, str]
_parsed: dict[tuple[tuple[str, str], ...], dict[_Source, list[RuleSet]]] = {}
"""Rules of a source, by what the variables say; a handful of palettes, each with the program's own sources."""


class SharedStylesheet(Stylesheet):
    """A style sheet that remembers what every other one of this process parsed."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._known = _known(self._variables)

    @property
    def variables(self) -> Mapping[str, str]:
        """What the rules were parsed with."""
        return self._variables

    def set_variables(self, variables: dict[str, str]) -> None:
        """As Textual; the same variables change nothing."""
        if variables != self._variables:
            super().set_variables(variables)
            self._known = _known(variables)

    def _parse_rules(
        self, css: str, read_from: CSSLocation, is_default_rules: bool = False, tie_breaker: int = 0, scope: str = "",
    ) -> list[RuleSet]:
        source = (css, read_from, is_default_rules, tie_breaker, scope)
        if source not in self._known:
            self._known[source] = super()._parse_rules(css, read_from, is_default_rules, tie_breaker, scope)
        return self._known[source]

    def reparse(self) -> None:
        """Take the rules of every source together; an error leaves those before."""
        self.parse()


def _known(variables: Mapping[str, str]) -> dict[_Source, list[RuleSet]]:
    return _parsed.setdefault(tuple(sorted(variables.items())), {})
