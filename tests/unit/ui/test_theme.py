"""Contrast of everything the kit draws, and that every colour is what the terminal shows."""

from __future__ import annotations

import pytest

from iop_tui.ui import theme
from iop_tui.ui.terminal.sgr import nearest

COLOURED = [palette for palette in theme.PALETTES.values() if not palette.plain]


@pytest.mark.parametrize("palette", COLOURED, ids=lambda palette: palette.name)
def test_contrast(palette: theme.Palette) -> None:
    least = 7.0 if palette.name == theme.HIGH_CONTRAST else 4.5
    weak = {name: round(theme.contrast(text, ground), 2) for name, text, ground in palette.pairs()
            if theme.contrast(text, ground) < least}
    assert weak == {}


@pytest.mark.parametrize("palette", COLOURED, ids=lambda palette: palette.name)
def test_every_colour_is_one_of_the_256(palette: theme.Palette) -> None:
    levels = (0, 95, 135, 175, 215, 255)

    def value(index: int) -> str:
        if index >= 232:
            return f"#{8 + 10 * (index - 232):02x}" * 1 + f"{8 + 10 * (index - 232):02x}" * 2
        red, green, blue = (index - 16) // 36, (index - 16) // 6 % 6, (index - 16) % 6
        return f"#{levels[red]:02x}{levels[green]:02x}{levels[blue]:02x}"

    for _, text, ground in palette.pairs():
        for colour in (text, ground):
            assert value(nearest(*(int(colour[at:at + 2], 16) for at in (1, 3, 5)))) == colour


def test_known_contrast() -> None:
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_ansi_theme_names_no_colour() -> None:
    tones = theme.tones(theme.ANSI)
    for name in tones.__slots__:
        style = tones.of(name)
        assert style.color is None
        assert style.bgcolor is None


@pytest.mark.parametrize(("wanted", "environ", "slow", "chosen"), [
    ("light", {}, False, "light"), ("light", {"NO_COLOR": "1"}, False, "ansi"), ("", {}, True, "ansi"),
    ("", {}, False, "dark"), ("nonsense", {}, False, "dark"), ("dark", {}, True, "dark"),
    ("dark", {"TERM": "linux"}, False, "ansi"), ("dark", {"TERM": "xterm"}, False, "dark"),
])
def test_choice(wanted: str, environ: dict[str, str], slow: bool, chosen: str) -> None:
    assert theme.choose(wanted, environ, low_bandwidth=slow) == chosen


def test_danger_and_warning_differ_from_plain_text_without_colour() -> None:
    tones = theme.tones(theme.ANSI)
    assert tones.danger != tones.text
    assert tones.warn != tones.text
    assert tones.cursor != tones.text
