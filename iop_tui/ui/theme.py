"""Themes: one accent, one warning, one danger colour; blue and orange, so that nobody depends on red and green.

Colours never stand alone: warnings and dangers are words and symbols first. Contrast follows
WCAG 2.2 (1.4.3: 4.5 : 1; the high-contrast theme 1.4.6: 7 : 1); a test computes every pair.
Every colour is one of xterm's 256, so that a colour change costs half the bytes of a true colour and
old terminals show the same picture. The `ansi` theme uses the terminal's own colours, bold and reverse
only: safe on any background, and the cheapest on a slow line. It is also what `NO_COLOR` selects.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from rich.style import Style
from textual.theme import Theme

_SIXTEEN = ("linux", "vt", "ansi", "cons", "dumb", "sun")
DARK, LIGHT, HIGH_CONTRAST, ANSI = "dark", "light", "high-contrast", "ansi"


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one theme; `default` means the terminal's own."""

    name: str
    text: str
    background: str
    dim: str
    accent: str
    warn: str
    danger: str
    bar_text: str
    bar: str
    cursor_text: str
    cursor: str
    mark_text: str
    mark: str
    field: str
    is_dark: bool = True

    @property
    def plain(self) -> bool:
        """Whether the theme leaves colours to the terminal."""
        return self.background == "default"

    def pairs(self) -> tuple[tuple[str, str, str], ...]:
        """Every (name, text, background) pair that the kit draws."""
        on_page = ("text", "dim", "accent", "warn", "danger")
        pairs = [(f"{name} on {ground}", getattr(self, name), getattr(self, ground))
                 for name in on_page for ground in ("background", "field")]
        pairs += [("bar", self.bar_text, self.bar), ("cursor", self.cursor_text, self.cursor)]
        pairs += [("bar accent", self.accent, self.bar), ("bar warn", self.warn, self.bar)]
        pairs += [("bar dim", self.dim, self.bar)]
        pairs += [("bar danger", self.danger, self.bar), ("mark", self.mark_text, self.mark)]
        return tuple(pairs)


PALETTES: dict[str, Palette] = {
    palette.name: palette for palette in (
        Palette(DARK, text="#dadada", background="#121212", dim="#9e9e9e", accent="#5fafff", warn="#ffd75f",
                danger="#ff875f", bar_text="#dadada", bar="#262626", cursor_text="#ffffff", cursor="#005f87",
                mark_text="#121212", mark="#ffd75f", field="#1c1c1c"),
        Palette(LIGHT, text="#1c1c1c", background="#eeeeee", dim="#585858", accent="#005faf", warn="#5f5f00",
                danger="#af0000", bar_text="#1c1c1c", bar="#dadada", cursor_text="#ffffff", cursor="#005faf",
                mark_text="#1c1c1c", mark="#ffd75f", field="#e4e4e4", is_dark=False),
        Palette(HIGH_CONTRAST, text="#ffffff", background="#000000", dim="#d0d0d0", accent="#87d7ff", warn="#ffff5f",
                danger="#ffaf87", bar_text="#ffffff", bar="#1c1c1c", cursor_text="#000000", cursor="#ffffff",
                mark_text="#000000", mark="#ffff5f", field="#080808"),
        Palette(ANSI, *("default",) * 13),
    )
}


@dataclass(frozen=True, slots=True)
class Tones:
    """The styles line-drawing widgets use; `of(name)` finds one by the name a cell carries."""

    text: Style
    dim: Style
    accent: Style
    warn: Style
    danger: Style
    strong: Style
    title: Style
    bar: Style
    bar_key: Style
    bar_dim: Style
    bar_accent: Style
    bar_warn: Style
    bar_danger: Style
    cursor: Style
    cursor_blurred: Style
    mark: Style

    def of(self, name: str) -> Style:
        """A style by tone name; an unknown name is plain text."""
        found = getattr(self, name, None)
        return found if isinstance(found, Style) else self.text


@lru_cache(maxsize=8)
def tones(theme_name: str) -> Tones:
    """The styles of a theme; unknown names (Textual's own themes) get the dark ones."""
    palette = PALETTES.get(theme_name, PALETTES[DARK])
    return _plain_tones() if palette.plain else _coloured_tones(palette)


def _plain_tones() -> Tones:
    text, bold = Style(), Style(bold=True)
    reverse, loud = Style(reverse=True), Style(bold=True, reverse=True)
    return Tones(text=text, dim=text, accent=bold, warn=bold, danger=loud, strong=bold, title=loud, bar=text,
                 bar_key=bold, bar_dim=text, bar_accent=bold, bar_warn=bold, bar_danger=loud, cursor=reverse,
                 cursor_blurred=Style(underline=True), mark=Style(bold=True, underline=True))


def _coloured_tones(palette: Palette) -> Tones:
    def on(text: str, ground: str = palette.background, *, bold: bool = False) -> Style:
        return Style(color=text, bgcolor=ground, bold=bold or None)

    return Tones(
        text=on(palette.text), dim=on(palette.dim), accent=on(palette.accent), warn=on(palette.warn),
        danger=on(palette.danger, bold=True), strong=on(palette.text, bold=True),
        title=on(palette.accent, palette.bar, bold=True), bar=on(palette.bar_text, palette.bar),
        bar_key=on(palette.bar_text, palette.bar, bold=True), bar_dim=on(palette.dim, palette.bar),
        bar_accent=on(palette.accent, palette.bar), bar_warn=on(palette.warn, palette.bar),
        bar_danger=on(palette.danger, palette.bar, bold=True), cursor=on(palette.cursor_text, palette.cursor),
        cursor_blurred=on(palette.bar_text, palette.bar), mark=on(palette.mark_text, palette.mark),
    )


def themes() -> tuple[Theme, ...]:
    """Textual's form of the palettes, for the style sheet."""
    return tuple(_theme(palette) for palette in PALETTES.values())


def _theme(palette: Palette) -> Theme:
    def colour(value: str) -> str:
        return "ansi_default" if value == "default" else value

    return Theme(
        name=palette.name, ansi=palette.plain, dark=palette.is_dark,
        primary=colour(palette.accent), secondary=colour(palette.accent), accent=colour(palette.accent),
        warning=colour(palette.warn), error=colour(palette.danger), success=colour(palette.accent),
        foreground=colour(palette.text), background=colour(palette.background),
        surface=colour(palette.background), panel=colour(palette.bar), boost=colour(palette.background),
        text_alpha=1.0, variables=_variables(palette, colour(palette.cursor_text), colour(palette.cursor)),
    )


def _variables(palette: Palette, cursor_text: str, cursor: str) -> dict[str, str]:
    values = {
        "kit-text": palette.text, "kit-ground": palette.background, "kit-dim": palette.dim,
        "kit-accent": palette.accent, "kit-warn": palette.warn, "kit-danger": palette.danger,
        "kit-bar": palette.bar, "kit-bar-text": palette.bar_text, "kit-field": palette.field,
    }
    named = {name: "ansi_default" if value == "default" else value for name, value in values.items()}
    style = "reverse" if palette.plain else "none"
    text, ground = named["kit-ground"], named["kit-text"]
    own = {"ansi-background": "ansi_default", "ansi-foreground": "ansi_default"} if palette.plain else {}
    return named | own | {
        "kit-cursor-style": style, "kit-cursor-text": cursor_text, "kit-cursor": cursor,
        "input-cursor-foreground": text, "input-cursor-background": ground, "input-cursor-text-style": style,
        "input-selection-foreground": cursor_text, "input-selection-background": cursor,
        "block-cursor-foreground": cursor_text, "block-cursor-background": cursor, "block-cursor-text-style": style,
        "screen-selection-foreground": cursor_text, "screen-selection-background": cursor,
    }


def choose(wanted: str, environ: Mapping[str, str] = os.environ, *, low_bandwidth: bool = False) -> str:
    """The theme to start with: `NO_COLOR` (no-color.org) and terminals of 16 colours win over what was configured."""
    if environ.get("NO_COLOR") or environ.get("TERM", "").startswith(_SIXTEEN):
        return ANSI
    if wanted in PALETTES:
        return wanted
    return ANSI if low_bandwidth else DARK


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two `#rrggbb` colours (WCAG 2.2, relative luminance)."""
    high, low = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[start:start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
