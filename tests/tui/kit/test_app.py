"""The base app: what it refuses, how it fails, and that every key does what help says."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest

from iop_tui.ui.dialogs import Confirm, MessageList, PickOne, WhichKey
from iop_tui.ui.frame.bars import wrapped
from iop_tui.ui.frame.footer import FooterLine
from iop_tui.ui.frame.helpscreen import HelpScreen
from iop_tui.ui.frame.palette import Palette
from iop_tui.ui.frame.statusline import StatusLine
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.text.readview import ReadLines
from tests.tui.kit.support import KitTestApp, NotePage, People, wait_until


async def ready(pilot: Any) -> KitTestApp:
    app: KitTestApp = pilot.app
    await wait_until(pilot, lambda: isinstance(app.screen, People) and app.screen.query_one(RecordList).count > 0)
    return app


async def test_no_screenshot_clipboard_link_or_suspend() -> None:
    app = KitTestApp(recorder=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert list(app.get_system_commands(app.screen)) == []
        with pytest.raises(PermissionError):
            app.save_screenshot()
        with pytest.raises(PermissionError):
            app.open_url("https://example.org")
        assert app.recorder is not None
        before = app.recorder.raw_bytes
        app.copy_to_clipboard("secret")
        app.action_suspend_process()
        assert app.recorder.raw_bytes == before
        assert app.clipboard == "secret"


class Broken(KitTestApp):
    def crashed(self, error: BaseException, reference: str) -> None:
        self.reported = (error, reference)

    def action_go(self, where: str) -> None:
        canary = "Marigold"
        raise RuntimeError(f"{canary} in {where}")


async def crash(app: KitTestApp) -> None:
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await ready(pilot)
            await pilot.press("g", "n")
            await pilot.pause()
    except RuntimeError:
        return
    pytest.fail("the app went on")


async def test_a_crash_ends_with_a_reference_and_no_detail(capfd: pytest.CaptureFixture[str]) -> None:
    app = Broken()
    await crash(app)
    out, err = capfd.readouterr()
    assert "Marigold" not in out + err
    assert app.return_code == 1
    assert isinstance(app.reported[0], RuntimeError)
    assert len(app.reported[1]) == 4


async def test_hang_up_calls_the_hook_once() -> None:
    reasons: list[str] = []

    class Hung(KitTestApp):
        def on_hangup(self, reason: str) -> None:
            reasons.append(reason)

    app = Hung()
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.hang_up("SIGHUP")
        app.hang_up("end of input")
        assert reasons == ["SIGHUP"]


async def test_footer_has_at_most_seven_hints_and_ends_in_more() -> None:
    for width in (60, 80, 120):
        async with KitTestApp().run_test(size=(width, 24)) as pilot:
            app = await ready(pilot)
            await wait_until(pilot, lambda app=app: "more" in app.screen.query_one(FooterLine).plain())
            text = app.screen.query_one(FooterLine).plain()
            assert text.rstrip().endswith("? more")
            assert len(text.split("  ")) <= 8
            assert len(text) <= width
            await pilot.press("g", "n")
            await wait_until(pilot, lambda app=app: isinstance(app.screen, NotePage))
            await wait_until(pilot, lambda app=app: "F1 more" in app.screen.query_one(FooterLine).plain())


async def test_messages_have_no_markup_and_are_kept() -> None:
    async with KitTestApp().run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        app.notify("Saved [bold]Ann[/bold]\x1b[31m\nnow", severity="warning")
        await wait_until(pilot, lambda: "! Saved [bold]Ann[/bold][31m now" in app.screen.query_one(StatusLine).plain())
        app.action_messages()
        await wait_until(pilot, lambda: isinstance(app.screen, MessageList))
        assert list(app.messages) == [("warning", "Saved [bold]Ann[/bold][31m now")]


LONG = ("You are not part of this person's care as a therapist or counselor, and nobody handed you a key. Ask the front"
        " desk to assign you, then open the chart again.")  # fmt: skip


@pytest.mark.parametrize("width", [60, pytest.param(120, marks=pytest.mark.nightly)])
async def test_a_message_is_told_whole_with_what_to_do_next(width: int) -> None:
    async with KitTestApp().run_test(size=(width, 24)) as pilot:
        app = await ready(pilot)
        line = app.screen.query_one(StatusLine)
        app.notify(LONG, severity="error")

        def told() -> list[str]:
            return [line.render_line(y).text.strip() for y in range(line.size.height)]

        await wait_until(pilot, lambda: " ".join(told()) == f"!! {LONG}")
        app.notify("Done.")
        await wait_until(pilot, lambda: told() == ["Done."])


def test_parts_of_a_bar_break_at_blanks_and_keep_their_tones() -> None:
    parts = [("Enter opens it", "bar_key"), ("   ", "bar_dim"), ("the rule of the program  (42 CFR 2.31)", "bar_dim")]
    for width in range(10, 60):
        lines = wrapped(parts, width)
        texts = ["".join(text for text, _ in line) for line in lines]
        assert all(len(text.strip()) <= width for text in texts)
        assert " ".join(texts).split() == "".join(text for text, _ in parts).split()
        assert {text.strip(): tone for line in lines for text, tone in line}["Enter"] == "bar_key"


async def test_confirm_needs_the_other_key() -> None:
    async with KitTestApp().run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        for keys, said in ((("d", "d", "d", "enter"), "Kept."), (("d", "escape"), "Kept."), (("d", "y"), "Discarded.")):
            await pilot.press(*keys)
            await wait_until(pilot, lambda said=said: bool(app.messages) and app.messages[-1][1] == said)
            assert not isinstance(app.screen, Confirm)


async def test_palette_runs_what_is_chosen_and_help_lists_what_works() -> None:
    async with KitTestApp().run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await pilot.press("ctrl+p")
        await wait_until(pilot, lambda: isinstance(app.screen, Palette))
        await pilot.press(*"note")
        await pilot.pause()
        await pilot.press("enter")
        await wait_until(pilot, lambda: isinstance(app.screen, NotePage))
        await pilot.press("f1")
        await wait_until(pilot, lambda: isinstance(app.screen, HelpScreen))
        lines = app.screen.query_one(ReadLines)
        page = " ".join(lines.render_line(y).text for y in range(lines.size.height))
        assert "Ctrl+L, F12" in page
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, NotePage)


async def test_two_strokes_show_what_follows() -> None:
    async with KitTestApp().run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await pilot.press("g")
        await wait_until(pilot, lambda: isinstance(app.screen, WhichKey))
        await pilot.press("x")
        await wait_until(pilot, lambda: isinstance(app.screen, People))
        await pilot.press("g", "n")
        await wait_until(pilot, lambda: isinstance(app.screen, NotePage))


async def test_sort_menu() -> None:
    async with KitTestApp().run_test(size=(80, 24)) as pilot:
        app = await ready(pilot)
        await pilot.press("s")
        await wait_until(pilot, lambda: isinstance(app.screen, PickOne))
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, People)


async def test_lock_and_quit_work_in_text_and_above_dialogs() -> None:
    for keys in (("g", "n", "ctrl+l"), ("d", "ctrl+q"), ("g", "f", "f12"), ("ctrl+p", "ctrl+q")):
        app = KitTestApp()
        async with app.run_test(size=(80, 24)) as pilot:
            await ready(pilot)
            for key in keys:
                await pilot.press(key)
                await pilot.pause()
            await wait_until(pilot, lambda app=app: app._exit)
        assert app.return_code == 0


async def test_keymap_of_a_person() -> None:
    app = KitTestApp(keymap={"people.discard": "x", "list.nope": "y", "list.open": "ctrl+c"})
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert len(app.messages) == 2
        await pilot.press("d")
        await pilot.pause()
        assert isinstance(app.screen, People)
        await pilot.press("x")
        await wait_until(pilot, lambda: isinstance(app.screen, Confirm))


@pytest.mark.parametrize("theme", ["dark", "light", "high-contrast", "ansi"])
async def test_themes_and_no_color(theme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = KitTestApp(recorder=True, theme=theme)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("g", "f")
        await pilot.pause()
        assert app.recorder is not None
        out = app.recorder.canvas.take()
        assert ("38;5;" in out) is (theme != "ansi")
        assert "38;2;" not in out
    monkeypatch.setitem(os.environ, "NO_COLOR", "1")
    bare = KitTestApp(recorder=True, theme=theme)
    async with bare.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert bare.recorder is not None
        out = bare.recorder.canvas.take()
        codes = {code for parameters in re.findall(r"\x1b\[([\d;]*)m", out) for code in parameters.split(";")}
        assert "7" in codes
        assert codes <= {"", "0", "1", "4", "7", "22", "24", "27"}
