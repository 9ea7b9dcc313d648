"""Settings: how it looks and when it locks. Kept in one small file that never names a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.widget import Widget

from iop_tui.shell import config
from iop_tui.ui import theme
from iop_tui.ui.dialogs import PickOne
from iop_tui.ui.lists.columns import Cell, Column
from iop_tui.ui.lists.recordlist import RecordList
from iop_tui.ui.page import Page


@dataclass(frozen=True, slots=True)
class Setting:
    """One line: what, how it is now, what it means."""

    key: str
    name: str
    value: str
    meaning: str


COLUMNS: tuple[Column[Setting], ...] = (
    Column("name", "Setting", lambda row: row.name, 14),
    Column("value", "Now", lambda row: Cell(row.value, "accent"), 14),
    Column("meaning", "", lambda row: Cell(row.meaning, "dim"), 30, weight=1),
)


class Settings(Page):
    """What can be set."""

    heading = "Settings"
    places = ("back", "find", "list")
    DEFAULT_CSS = "Settings RecordList { margin-top: 1; }"

    def content(self) -> Iterable[Widget]:
        """The list."""
        yield RecordList(COLUMNS, key=lambda row: row.key)

    def on_mount(self) -> None:
        """As it is now."""
        super().on_mount()
        self.query_one(RecordList).focus()
        self.reload()

    def reload(self) -> None:
        """As it is now."""
        now: config.Config = self.shell.config  # type: ignore[attr-defined]
        self.query_one(RecordList).set_rows(
            [
                Setting("theme", "Theme", self.app.theme, "dark, light, high contrast, the terminal's own"),
                Setting("lock_minutes", "Lock after", f"{now.lock_minutes} min", "minutes without a key; at most 15"),
            ]
        )
        self.retitle(context=config.shown_path())

    def on_record_list_opened(self, event: RecordList.Opened) -> None:
        """Choose another value."""
        key: str = event.row.key
        options = (
            [(name, name) for name in theme.PALETTES]
            if key == "theme"
            else [(str(n), f"{n} minutes") for n in config.LOCK_CHOICES]
        )
        current = event.row.value.removesuffix(" min")
        self.app.push_screen(PickOne(event.row.name, options, current), lambda chosen: self._chosen(key, chosen))

    def _chosen(self, key: str, value: str | None) -> None:
        if value is not None:
            self.go("set", how=f"{key}={value}")
            self.call_after_refresh(self.reload)
