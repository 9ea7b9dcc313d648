"""The page that is built for nobody while somebody types, and style sheets that are parsed once."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest
from textual.css import stylesheet as textual_css

from iop_tui.ui import rehearsal
from iop_tui.ui.page import Page
from tests.tui.kit.support import KitTestApp, People, wait_until


def behind(work: Any) -> list[BaseException]:
    """Run something on a thread, as behind the prompt; what it raised."""
    raised = list[BaseException]()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # whatever it is: the test looks at it
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised


def test_a_rehearsal_leaves_nothing_behind_and_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    before = (threading.excepthook, sys.stdout, sys.stderr, threading.active_count())
    assert behind(lambda: rehearsal.rehearse("dark")) == []
    assert (threading.excepthook, sys.stdout, sys.stderr, threading.active_count()) == before
    assert capfd.readouterr() == ("", "")


def test_a_rehearsal_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Page) -> Any:
        raise LookupError("as the first page would")

    monkeypatch.setattr(rehearsal._Empty, "on_mount", broken)
    (error,) = behind(lambda: rehearsal.rehearse("dark"))
    assert isinstance(error, LookupError)


async def test_rules_are_parsed_once_per_palette_and_follow_the_theme(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = list[str]()
    parse = textual_css.parse  # type: ignore[attr-defined]

    def noting(scope: str, css: str, *args: Any, **options: Any) -> Any:
        parsed.append(css)
        return parse(scope, css, *args, **options)

    for theme in ("dark", "light"):
        async with KitTestApp(theme=theme).run_test(size=(80, 24)) as pilot:
            await wait_until(pilot, lambda app=pilot.app: isinstance(app.screen, People))  # type: ignore[misc]
    monkeypatch.setattr(textual_css, "parse", noting)
    app = KitTestApp(theme="dark")
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(pilot, lambda: isinstance(app.screen, People))
        dark = app.screen.styles.background
        app.theme = "light"
        await pilot.pause()
        light = app.screen.styles.background
        app.theme = "dark"
        await pilot.pause()
        assert app.screen.styles.background == dark != light
    assert parsed == []
