"""The status line: vault, user, exchange, check, draft; and for five seconds what was just done, in full."""

from __future__ import annotations

from collections.abc import Sequence

from textual.timer import Timer

from iop_tui.ui.frame.bars import TallBar, Toned

TOAST_SECONDS = 5.0
_TONES = {"information": ("", "bar_accent"), "warning": ("! ", "bar_warn"), "error": ("!! ", "bar_danger")}


class StatusLine(TallBar):
    """Parts by name, shown in the order they were first set: `set_part("draft", "draft saved 10:32")`."""

    most = 4

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._named: dict[str, Toned] = {}
        self._toast: Toned | None = None
        self._toast_timer: Timer | None = None

    def on_mount(self) -> None:
        """Listen to the app's messages."""
        signal = getattr(self.app, "said_signal", None)
        if signal is not None:
            signal.subscribe(self, self._said)

    def set_part(self, name: str, text: str, tone: str = "bar") -> None:
        """Show, change or (with empty text) remove a part; tones `bar`, `bar_accent`, `bar_warn`, `bar_danger`."""
        self._named[name] = (text, tone)
        self._update()

    def toast(self, text: str, severity: str = "information") -> None:
        """Show a message in place of the parts for five seconds; a mark tells warnings without colour."""
        mark, tone = _TONES.get(severity, _TONES["information"])
        self._toast = (mark + text, tone)
        if self._toast_timer is not None:
            self._toast_timer.stop()
        self._toast_timer = self.set_timer(TOAST_SECONDS, self._over)
        self._update()

    def _said(self, message: tuple[str, str]) -> None:
        self.toast(message[1], message[0])

    def _over(self) -> None:
        self._toast = None
        self._update()

    def _update(self) -> None:
        self.show([self._toast] if self._toast else self._joined())

    def is_tall(self) -> bool:
        """Messages are told in full; the parts stay on one line."""
        return self._toast is not None

    def _joined(self) -> Sequence[Toned]:
        parts: list[Toned] = []
        for text, tone in self._named.values():
            if text:
                parts += [("  |  ", "bar"), (text, tone)] if parts else [(text, tone)]
        return parts
