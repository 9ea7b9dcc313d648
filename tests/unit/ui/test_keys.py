"""The key table: no clash, no forbidden key, overrides refused by name, three keys that stay."""

from __future__ import annotations

import pytest

from iop_tui.ui.keys import EVERYWHERE, FORBIDDEN, KIT, Action, KeyTable, show_key


@pytest.mark.parametrize("key", [*FORBIDDEN, "alt+x"])
def test_forbidden_keys_are_refused_for_actions_and_in_keymaps(key: str) -> None:
    with pytest.raises(ValueError, match=r"x\.bad"):
        KeyTable([Action("x.bad", (key,), "Bad", "list")])
    _, accepted, problems = KIT.override({"list.open": key})
    assert accepted == {}
    assert "list.open" in problems[0]


def test_clashes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"list\.open.*share Enter|x\.other.*share Enter"):
        KIT.plus([Action("x.other", ("enter",), "Other", "list")])
    with pytest.raises(ValueError, match="share F1"):
        KIT.plus([Action("x.other", ("f1",), "Other", "anywhere")])
    KIT.plus([Action("x.other", ("enter",), "Other", "form-only")])


def test_overrides() -> None:
    table, accepted, problems = KIT.override({
        "list.open": "o,enter", "list.opne": "x", "list.down": "k", "app.quit": "f5", "list.up": "",
    })
    assert accepted == {"list.open": "o,enter", "app.quit": "f5,ctrl+q"}
    assert table["list.open"].single == ("o", "enter")
    assert "ctrl+q" in table["app.quit"].single
    assert any("Did you mean 'list.open'" in problem for problem in problems)
    assert any("would share k" in problem for problem in problems)
    assert any("'list.up' needs a key" in problem for problem in problems)
    assert table["list.down"].keys == ("down", "j")


@pytest.mark.parametrize("action_id", ["app.quit", "app.help", "app.lock"])
def test_the_three_that_stay(action_id: str) -> None:
    table, _, _ = KIT.override({action_id: "f5"})
    assert set(KIT[action_id].single) <= set(table[action_id].single)
    table, _, _ = KIT.override({action_id: ""})
    assert set(KIT[action_id].single) <= set(table[action_id].single)


def test_two_strokes() -> None:
    go = [Action("go.today", ("g t",), "Today", EVERYWHERE), Action("go.list", ("g c",), "List", EVERYWHERE)]
    table = KIT.plus(go)
    assert [(key, action.id) for key, action in table.after("g")] == [("t", "go.today"), ("c", "go.list")]
    assert [binding.action for binding in table.bindings(EVERYWHERE) if binding.key == "g"] == ["app.prefix('g')"]
    with pytest.raises(ValueError, match="share g"):
        table.plus([Action("go.other", ("g t",), "Other", "chart")])


@pytest.mark.parametrize(("key", "shown"), [
    ("ctrl+q", "Ctrl+Q"), ("question_mark", "?"), ("?", "?"), ("f12", "F12"), ("shift+f4", "Shift+F4"), ("g t", "g t"),
    ("pagedown", "PgDn"), ("escape", "Esc"), ("J", "J"), ("comma", ","), ("slash", "/"), ("exclamation_mark", "!"),
    ("left_square_bracket", "["),
])
def test_keys_as_people_read_them(key: str, shown: str) -> None:
    assert show_key(key) == shown


def test_every_control_key_has_another_way() -> None:
    lonely = [action.id for action in KIT if action.single and not action.builtin
              and all(key.startswith("ctrl+") for key in action.single)]
    assert lonely == ["app.quit"]
    assert KIT["app.quit"] in KIT.palette(EVERYWHERE)
