"""Questions in plain lines, in a real terminal."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.tui.terminal import Terminal

ROOT = Path(__file__).parents[3]

_ASK = """
import sys
sys.path.insert(0, {root!r})
from iop_tui.kernel.errors import IopError
from iop_tui.shell.process.card import Card
from iop_tui.shell.questions import Questions
from iop_tui.shell.process.terminal import open_line
try:
    with Questions(open_line()) as ask:
        {body}
except IopError as error:
    print("refused", error.message, file=sys.stderr)
    raise SystemExit(error.exit_code)
"""


def asking(body: str, shell: str = "") -> Terminal:
    script = _ASK.format(root=str(ROOT), body=body)
    if shell:
        return Terminal(["sh", "-c", f'"$@" {shell}', "sh", sys.executable, "-c", script])
    return Terminal([sys.executable, "-c", script])


def test_lines_secrets_and_confirmations() -> None:
    body = 'a = ask.line("Name", "anna"), bytes(ask.secret("New"))'
    body += '; print(*a, ask.confirm("Sure?"), ask.confirm("Yes?", default=True))'
    with asking(body) as terminal:
        terminal.wait_for(r"Name \[anna\]:").press("<enter>").wait_for("New:").press("<enter>abé<bs>c<enter>")
        terminal.wait_for(r"Sure\? \[y/N\]").press("maybe<enter>y<enter>").wait_for(r"Yes\? \[Y/n\]").press("<enter>")
        terminal.wait_for(r"anna b'abc' True True")
        assert terminal.wait_exit() == 0
        assert terminal.modes_left() == []
        assert b"abc" not in bytes(terminal.raw).split(b"anna b'")[0]


def test_the_card_as_lines_and_typing_ahead() -> None:
    body = 'a = ask.card(Card(failure="No.", default_user="eve")); print(a.user, bytes(a.passphrase), a.code)'
    with asking(body) as terminal:
        terminal.wait_for(r"User \[eve\]:").press("<enter>pass phrase<enter>12 34<enter>")
        terminal.wait_for(r"eve b'pass phrase' 1234")


def test_cancelling() -> None:
    with asking('ask.secret("New")') as terminal:
        terminal.wait_for("New:").press("abc<ctrl+c>").wait_for("refused Cancelled.")
        assert terminal.wait_exit() == 130
        assert terminal.modes_left() == []


def test_piped_input_asks_the_person_and_redirected_output_stays_clean() -> None:
    with asking('print(ask.line("Name"), len(sys.stdin.read()))', "</etc/passwd | cat") as terminal:
        terminal.wait_for("Name:").press("anna<enter>").wait_for(r"anna \d+")


def test_nobody_there_is_refused() -> None:
    with asking("pass", "</dev/null 2>&1 | cat") as terminal:
        terminal.wait_for("refused There is no terminal")
