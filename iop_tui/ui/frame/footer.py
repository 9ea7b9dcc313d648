"""The footer: at most seven keys that work here, the most useful first, then `? more`."""

from __future__ import annotations

from textual.binding import ActiveBinding
from textual.screen import Screen
from textual.widgets import Input, TextArea

from iop_tui.ui.frame.bars import Bar, Toned
from iop_tui.ui.keys import KIT, KeyTable, show_key

HINTS = 7


class FooterLine(Bar):
    """Last line of every screen, from the bindings that are active; repainted only when its text changes.

    An action that `check_action` answers with None is shown dim; pressing it should say why.
    """

    def on_mount(self) -> None:
        """Follow the screen's bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._follow)
        self._follow(self.screen)

    def on_resize(self) -> None:
        """Another width fits another number of hints."""
        self._follow(self.screen)

    def _follow(self, screen: Screen[object]) -> None:
        if screen.is_attached and screen is self.screen:
            self.show(self._hints(screen))

    def _hints(self, screen: Screen[object]) -> list[Toned]:
        table: KeyTable = getattr(self.app, "table", KIT)
        in_text = isinstance(screen.focused, Input | TextArea)
        chosen: dict[str, ActiveBinding] = {}
        for active in screen.active_bindings.values():
            binding = active.binding
            known = binding.id is not None and binding.id in table
            if not known or not binding.show or binding.id in chosen or (in_text and len(show_key(binding.key)) == 1):
                continue
            chosen[binding.id or ""] = active
        ranked = sorted(chosen.items(), key=lambda item: -table[item[0]].footer)
        help_id = "app.help"
        wanted = [(table[name].shown(), table[name].name, active.enabled) for name, active in ranked if name != help_id]
        more = [("F1" if in_text else "?", "more", True)] if help_id in chosen else []
        return _fitted(wanted[:HINTS - len(more)], more, self.size.width)


def _fitted(hints: list[tuple[str, str, bool]], more: list[tuple[str, str, bool]], width: int) -> list[Toned]:
    room = width - 2 - sum(len(key) + len(name) + 3 for key, name, _ in more)
    parts: list[Toned] = []
    for key, name, enabled in [*hints, *more]:
        size = len(key) + len(name) + 3
        if (key, name, enabled) not in more:
            if size > room:
                continue
            room -= size
        parts += [(key, "bar_key" if enabled else "bar"), (f" {name.lower()}  ", "bar" if enabled else "bar_dim")]
    return parts
