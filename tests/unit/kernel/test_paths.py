"""Paths as people type them or drop them into the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from iop_tui.kernel.paths import typed


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/srv/a.pdf", "/srv/a.pdf"),
        ("  notes/a b.pdf ", "notes/a b.pdf"),
        ("'/srv/a b.pdf' ", "/srv/a b.pdf"),
        ('"/srv/it\'s.pdf"', "/srv/it's.pdf"),
        ("~nobody-of-this-name/a", "~nobody-of-this-name/a"),
        ("'", "'"),
    ],
)
def test_what_is_typed_is_the_path(text: str, path: str) -> None:
    assert typed(text) == Path(path)


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert typed("~/a.pdf") == tmp_path / "a.pdf"
    assert typed("'~/a b.pdf'") == tmp_path / "a b.pdf"
