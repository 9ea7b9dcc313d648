"""All keys in one table: bindings, footer, palette and help page come from it.

A key never changes its meaning between releases. People may add keys in a keymap file by action id;
an unknown id, a forbidden key or a clash is reported by name and the default stays. Quit, Help and
Lock keep their keys whatever the file says.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from textual.binding import Binding
from textual.keys import REPLACED_KEYS, _character_to_key

EVERYWHERE = "everywhere"

FORBIDDEN: dict[str, str] = {
    "ctrl+c": "copies, and a second press explains how to quit",
    "ctrl+z": "undoes in text and suspends in shells",
    **dict.fromkeys(("ctrl+j", "ctrl+m", "ctrl+i", "ctrl+h", "ctrl+left_square_bracket"),
                    "is the same as Enter, Tab, Backspace or Esc on a terminal"),
    **dict.fromkeys(("ctrl+a", "ctrl+b"), "is the prefix of screen or tmux"),
    **dict.fromkeys(("ctrl+w", "ctrl+t", "ctrl+n"), "belongs to browser terminals"),
    **dict.fromkeys(("ctrl+e", "ctrl+k", "ctrl+u", "ctrl+d", "ctrl+x", "ctrl+v", "ctrl+y", "f6", "f7"),
                    "belongs to text fields"),
    **dict.fromkeys(("shift+enter", "ctrl+enter"), "is the same as Enter on most terminals"),
    **dict.fromkeys(("f10", "f11"), "belongs to the window or the terminal"),
}
"""Keys that no action may use, with the reason."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something a key does.

    `id` names it in the keymap file and tells what runs: `chart.new-note` calls `action_new_note` of the
    focused widget, its parents, the screen or the app (or `run`, in Textual's action syntax).
    `keys` are Textual key names or characters; `"g t"` is `g`, then `t`. `where` groups keys that work
    together. `footer` above zero shows it there, higher first. `locked` cannot be unbound.
    `builtin` is done by a stock widget: listed in help, not bound again. `palette` lists it there.
    """

    id: str
    keys: tuple[str, ...]
    name: str
    where: str
    help: str = ""
    group: str = ""
    run: str = ""
    footer: int = 0
    locked: bool = False
    builtin: bool = False
    palette: bool = True
    priority: bool = False

    @property
    def method(self) -> str:
        """The Textual action that runs it."""
        return self.run or self.id.rpartition(".")[2].replace("-", "_")

    @property
    def single(self) -> tuple[str, ...]:
        """Its one-stroke keys, as Textual names them."""
        return tuple(normal(key) for key in self.keys if " " not in key.strip())

    @property
    def sequences(self) -> tuple[tuple[str, str], ...]:
        """Its two-stroke keys: (first, second)."""
        pairs = (key.split() for key in self.keys if " " in key.strip())
        return tuple((normal(first), normal(second)) for first, second in pairs)

    def shown(self) -> str:
        """Its first key as people read it: `F1`, `Ctrl+Q`, `g t`."""
        return show_key(self.keys[0]) if self.keys else ""


def normal(key: str) -> str:
    """Textual's name of a key: `?` is `question_mark`."""
    return _character_to_key(key) if len(key) == 1 else key


_NAMES = {"escape": "Esc", "pageup": "PgUp", "pagedown": "PgDn", "enter": "Enter", "space": "Space", "home": "Home",
          "end": "End", "up": "Up", "down": "Down", "left": "Left", "right": "Right", "tab": "Tab", "delete": "Del",
          "backspace": "Backspace"}


def show_key(key: str) -> str:
    """A key as people read it."""
    return " ".join(_show_stroke(stroke) for stroke in key.split())


def _show_stroke(key: str) -> str:
    *modifiers, last = key.split("+") if len(key) > 1 else [key]
    if last in _NAMES:
        text = _NAMES[last]
    elif (len(last) == 1 and modifiers) or (last[0] == "f" and last[1:].isdigit()):
        text = last.upper()
    else:
        text = last if len(last) == 1 else _character(last)
    return "+".join([*(modifier.capitalize() for modifier in modifiers), text])


def _character(name: str) -> str:
    """`question_mark` as `?`."""
    name = REPLACED_KEYS.get(name, name)
    try:
        return unicodedata.lookup(name.upper().replace("_", " "))
    except KeyError:
        return name.capitalize()


class KeyTable:
    """The table. Raises `ValueError` when its own keys clash or are forbidden: a mistake of the program."""

    def __init__(self, actions: Iterable[Action]) -> None:
        self._actions = {action.id: action for action in actions}
        problems = [problem for action in self for problem in self._problems(action)]
        if problems:
            raise ValueError("; ".join(sorted(set(problems))))

    def __iter__(self) -> Iterator[Action]:
        return iter(self._actions.values())

    def __getitem__(self, action_id: str) -> Action:
        return self._actions[action_id]

    def __contains__(self, action_id: object) -> bool:
        return action_id in self._actions

    def plus(self, actions: Iterable[Action]) -> KeyTable:
        """This table with more actions."""
        return KeyTable([*self, *actions])

    def at(self, *places: str) -> list[Action]:
        """The actions of these places, in table order."""
        return [action for action in self if action.where in places]

    def bindings(self, *places: str) -> list[Binding]:
        """Textual bindings for the `BINDINGS` of an app, screen or widget; two-stroke keys bind their first stroke."""
        bound = [_binding(action) for action in self.at(*places) if action.single and not action.builtin]
        prefixes = {first for action in self.at(*places) for first, _ in action.sequences}
        return bound + [Binding(key, f"app.prefix('{key}')", show=False) for key in sorted(prefixes)]

    def after(self, prefix: str) -> list[tuple[str, Action]]:
        """What may follow the first stroke of two: (second stroke, action)."""
        return [(second, action) for action in self for first, second in action.sequences if first == normal(prefix)]

    def palette(self, *places: str) -> list[Action]:
        """What the command palette lists in these places."""
        return [action for action in self.at(*places) if action.palette]

    def groups(self, *places: str) -> dict[str, list[Action]]:
        """Actions for the help page by heading; all places when none is named."""
        found: dict[str, list[Action]] = {}
        for action in self.at(*places) if places else self:
            found.setdefault(action.group or action.where.capitalize(), []).append(action)
        return found

    def override(self, keymap: Mapping[str, str]) -> tuple[KeyTable, dict[str, str], tuple[str, ...]]:
        """The table with a person's keys, the keymap for `App.set_keymap`, and what was refused and why.

        Values are keys separated by blanks or commas, for example `{"list.open": "o,enter"}`.
        """
        table, accepted, problems = self, dict[str, str](), list[str]()
        for action_id, text in keymap.items():
            keys = tuple(text.replace(",", " ").split())
            found = table._changed(action_id, keys)
            if isinstance(found, str):
                problems.append(found)
                continue
            table = _trusted({**table._actions, action_id: found})
            accepted[action_id] = ",".join(found.single)
        return table, accepted, tuple(problems)

    def _changed(self, action_id: str, keys: tuple[str, ...]) -> Action | str:
        if action_id not in self._actions:
            near = difflib.get_close_matches(action_id, self._actions, 1)
            return f"There is no action {action_id!r}." + (f" Did you mean {near[0]!r}?" if near else "")
        action = self._actions[action_id]
        if action.locked:
            keys = (*keys, *(key for key in action.keys if key not in keys))
        if not keys:
            return f"{action_id!r} needs a key; the default {action.shown()} stays."
        changed = replace(action, keys=keys)
        problems = self._problems(changed)
        return " ".join(problems) + f" The default {action.shown()} stays." if problems else changed

    def _problems(self, action: Action) -> list[str]:
        if action.builtin:
            return []
        problems = [f"{action.id!r}: {show_key(key)} {reason}." for key in action.single if (reason := _why_not(key))]
        for other in self:
            if other.id != action.id and not other.builtin and _together(action, other):
                shared = _strokes(action) & _strokes(other)
                problems += [f"{action.id!r} and {other.id!r} would share {show_key(key)}." for key in sorted(shared)]
        return problems


def _trusted(actions: dict[str, Action]) -> KeyTable:
    table = KeyTable(())
    table._actions = actions
    return table


def _binding(action: Action) -> Binding:
    return Binding(",".join(action.single), action.method, action.name, show=action.footer > 0,
                   key_display=action.shown(), priority=action.priority, id=action.id, tooltip=action.help)


def _why_not(key: str) -> str:
    if key.startswith("alt+"):
        return "is taken by window managers and terminals"
    return FORBIDDEN.get(key, "")


def _together(first: Action, second: Action) -> bool:
    return first.where == second.where or EVERYWHERE in (first.where, second.where)


def _strokes(action: Action) -> set[str]:
    return set(action.single) | {f"{first} {second}" for first, second in action.sequences}


def kit_actions() -> tuple[Action, ...]:
    """The keys of the kit itself: what works everywhere, in lists, outlines, forms and text."""
    return (*_EVERYWHERE, *_LIST, *_OUTLINE, *_FORM, *_TEXT)


_EVERYWHERE = (
    Action("app.help", ("f1", "?"), "Help", EVERYWHERE, "What works here, and what each field means.", footer=1,
           locked=True),
    Action("app.palette", ("ctrl+p", "f9", ":"), "Commands", EVERYWHERE, "Find any command by its name.",
           palette=False),
    Action("app.lock", ("ctrl+l", "f12"), "Lock now", EVERYWHERE, "Seal unsaved text and end this session.",
           locked=True, priority=True),
    Action("app.quit", ("ctrl+q",), "Quit", EVERYWHERE, "Seal unsaved text and leave.", locked=True, priority=True),
    Action("app.messages", (), "Messages", EVERYWHERE, "What was reported in this session."),
)
_LIST = (
    Action("list.open", ("enter",), "Open", "list", "Open the row under the cursor.", run="open_row", footer=90,
           palette=False),
    Action("list.down", ("down", "j"), "Down", "list", run="cursor(1)", palette=False),
    Action("list.up", ("up", "k"), "Up", "list", run="cursor(-1)", palette=False),
    Action("list.page-down", ("pagedown",), "Page down", "list", run="page(1)", palette=False),
    Action("list.page-up", ("pageup",), "Page up", "list", run="page(-1)", palette=False),
    Action("list.first", ("home",), "First row", "list", run="edge(-1)", palette=False),
    Action("list.last", ("end",), "Last row", "list", run="edge(1)", palette=False),
    Action("list.select", ("space",), "Select", "list", "Mark or unmark the row.", run="select_row", palette=False),
    Action("list.sort", ("s",), "Sort", "list", "Choose the column to sort by.", run="sort_menu", palette=False),
)
_OUTLINE = (
    Action("outline.open", ("enter",), "Open", "outline", "Open the line under the cursor.", run="open_row", footer=90,
           palette=False),
    Action("outline.down", ("down", "j"), "Down", "outline", run="cursor(1)", palette=False),
    Action("outline.up", ("up", "k"), "Up", "outline", run="cursor(-1)", palette=False),
    Action("outline.page-down", ("pagedown",), "Page down", "outline", run="page(1)", palette=False),
    Action("outline.page-up", ("pageup",), "Page up", "outline", run="page(-1)", palette=False),
    Action("outline.first", ("home",), "First line", "outline", run="edge(-1)", palette=False),
    Action("outline.last", ("end",), "Last line", "outline", run="edge(1)", palette=False),
    Action("outline.in", ("right",), "Unfold, first part", "outline", run="inward", palette=False),
    Action("outline.out", ("left",), "To the whole", "outline", run="outward", palette=False),
    Action("outline.fold", ("space",), "Fold, unfold", "outline", "Hide or show what stands below.", run="fold",
           palette=False),
)
_FORM = (
    Action("form.next", ("f4",), "Next", "form", "Go to the next section or field.", run="next_field", footer=60,
           palette=False),
    Action("form.previous", ("shift+f4",), "Previous", "form", run="previous_field", palette=False),
)
_TEXT = (
    Action("text.undo", ("ctrl+z",), "Undo", "text", builtin=True, palette=False),
    Action("text.redo", ("ctrl+y",), "Redo", "text", builtin=True, palette=False),
    Action("text.line", ("ctrl+a", "ctrl+e"), "Start, end of line", "text", builtin=True, palette=False),
    Action("text.cut", ("ctrl+x", "ctrl+c", "ctrl+v"), "Cut, copy, paste", "text", builtin=True, palette=False),
    Action("text.kill", ("ctrl+k", "ctrl+u"), "Delete to end, start of line", "text", builtin=True, palette=False),
    Action("text.word", ("ctrl+w",), "Delete word", "text", builtin=True, palette=False),
)

KIT = KeyTable(kit_actions())
"""The kit's own table; the shell builds the program's from `kit_actions()` and its own."""
