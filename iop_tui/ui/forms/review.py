"""Before a signature: what speaks against it, and the passphrase where it was not given lately."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen

from iop_tui.kernel.declare import Finding, Severity
from iop_tui.kernel.errors import ReauthNeeded, WrongSecrets
from iop_tui.ui.forms.fields import SecretInput
from iop_tui.ui.frame.bars import Lines, Toned
from iop_tui.ui.text.cellfit import wrap

SAID = {
    Severity.REFUSE: ("! missing", "danger"),
    Severity.WARN: ("? look", "warn"),
    Severity.REMIND: ("- remember", "dim"),
}
_BOX = """
    .box { width: 68; max-width: 100%; height: auto; max-height: 90%; padding: 1 2; background: $kit-ground;
           border: solid $kit-accent; }
"""
MOST_LINES = 13
"""Lines of findings that fit into a dialog on the smallest screen."""
LOCKS = "Signing locks the text: afterwards there are only addenda."


def finding_lines(findings: Sequence[Finding], width: int) -> list[list[Toned]]:
    """What the rules say, a mark and a word before each."""
    lines: list[list[Toned]] = []
    for item in findings:
        word, tone = SAID[item.severity]
        source = f" ({item.source})" if item.source else ""
        for place, text in enumerate(wrap(item.message + source, max(width - 14, 10))):
            lines.append([(f"{word if place == 0 else '':<12}", tone), (text, "text")])
    return lines


class Review(ModalScreen[bool]):
    """What is missing and what deserves a second look; signing only when nothing is missing."""

    DEFAULT_CSS = "Review { align: center middle; }" + _BOX
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q", "cancel", show=False)]

    def __init__(
        self, title: str, findings: Sequence[Finding], *, consequence: str = LOCKS, said: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """`said` are answers that nobody should sign unseen."""
        super().__init__()
        self._title, self._findings, self._consequence, self._said = title, findings, consequence, tuple(said)
        self.ready = not any(item.severity is Severity.REFUSE for item in findings)

    def compose(self) -> ComposeResult:
        """Title, findings, the keys."""
        lines: list[list[Toned]] = [[(self._title, "strong")], []]
        said = [line for item in self._said for line in wrap(item, 60)]
        lines += [*([(line, "accent")] for line in said), *([[]] if said else [])]
        found = finding_lines(self._findings, 60) or [[("Nothing is missing.", "text")]]
        more: list[list[Toned]] = [[("… and more, of which the page speaks.", "dim")]]
        most = MOST_LINES - len(lines) + 2
        lines += found if len(found) <= most else [*found[: most - 1], *more]
        last = self._consequence if self.ready else "It can be signed when nothing is missing."
        lines += [[], *([(line, "dim")] for line in wrap(last, 60))]
        keys: list[Toned] = [("[s]", "accent"), (" sign     ", "text")] if self.ready else []
        with Vertical(classes="box"):
            yield Lines([*lines, [], [*keys, ("[Enter]", "accent"), (" back", "text")]])

    def on_key(self, event: Key) -> None:
        """`s` signs; a key other than the one that opened this."""
        if event.key == "s" and self.ready:
            event.stop()
            self.dismiss(True)

    def action_cancel(self) -> None:
        """Back to the text."""
        self.dismiss(False)


class AskPassphrase(ModalScreen[bytearray | None]):
    """The passphrase (or another secret) as bytes that the caller wipes."""

    DEFAULT_CSS = "AskPassphrase { align: center middle; }" + _BOX
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False)]

    def __init__(self, reason: str, failure: str = "", *, label: str = "Passphrase", done: str = "sign") -> None:
        super().__init__()
        self._reason, self._failure, self._label, self._done = reason, failure, label, done

    def compose(self) -> ComposeResult:
        """Reason, field, keys."""
        failed: list[list[Toned]] = [[(line, "danger")] for line in wrap(self._failure, 60)] if self._failure else []
        reason: list[list[Toned]] = [[(line, "strong")] for line in wrap(self._reason, 60)]
        keys: list[Toned] = [("[Enter]", "accent"), (f" {self._done}     ", "text"), ("[Esc]", "accent"),
                             (" back", "text")]  # fmt: skip
        with Vertical(classes="box"):
            yield Lines([*reason, *failed, [], [(self._label, "dim")]])
            yield SecretInput()
            yield Lines([[], keys])

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(SecretInput).focus()

    def on_secret_input_submitted(self, event: SecretInput.Submitted) -> None:
        """Hand the bytes over."""
        event.stop()
        self.dismiss(event.secret_input.take())

    def action_cancel(self) -> None:
        """Without."""
        self.dismiss(None)


async def freshly(
    page: Any, act: Callable[[], Awaitable[Any]], confirm: Callable[[bytearray], Awaitable[None]], *, why: str
) -> bool:
    """Do `act`; where it asks for the passphrase again, ask (`why`) and hand it to `confirm`. Whether it was done.

    Raises what `act` raises otherwise.
    """
    failure = ""
    while True:
        try:
            await act()
        except ReauthNeeded:
            phrase: bytearray | None = await page.app.push_screen_wait(AskPassphrase(why, failure))
            if phrase is None:
                return False
            failure = await _confirmed(confirm, phrase)
        else:
            return True


async def _confirmed(confirm: Callable[[bytearray], Awaitable[None]], phrase: bytearray) -> str:
    try:
        await confirm(phrase)
    except WrongSecrets as error:
        return error.message
    finally:
        phrase[:] = bytes(len(phrase))
    return ""
