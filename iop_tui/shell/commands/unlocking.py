"""Unlocking for a command: damage first, then the secrets, then everything the program owes after an unlock."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from iop_tui.clinical.staff import api as staff
from iop_tui.clinical.turnover.api import notices
from iop_tui.kernel.errors import VaultDamaged
from iop_tui.kernel.text import escaped
from iop_tui.shell.commands import environment
from iop_tui.shell.commands.call import Options
from iop_tui.shell.commands.secrets import Secrets
from iop_tui.shell.owed import settle_all
from iop_tui.shell.process.card import Card
from iop_tui.store.database import refuse_if_in_use
from iop_tui.vault import headfile
from iop_tui.workspace import DATABASE, Environment, Workspace, unlock

_REPORT_SECONDS = 0.5


def open_vault(options: Options, secrets: Secrets) -> Workspace:
    """The unlocked vault, its view brought to the end of the log and everything owed done."""
    folder = options.folder
    ws = unlock_once(folder, environment.make(folder, options.now), options.user, secrets, catch_up=False)
    try:
        ws.session.catch_up(progress("Reading in"))
        settle_all(ws)
    except BaseException:  # also a stop by the user: keys are wiped before it goes on
        ws.close()
        raise
    for finding in ws.findings:
        say(f"{finding.what} ({finding.where}).")
    for notice in notices(ws):
        say(f"{notice.text} ({notice.rule})")
    if staff.kit_untested(ws):
        say(
            "Your recovery kit is untested. Finish set-up with `iop-tui init --confirm` or `iop-tui users confirm-kit`."
        )
    return ws


def unlock_once(
    folder: Path, env: Environment, user: str, secrets: Secrets, *, catch_up: bool = True, or_look: bool = False
) -> Workspace:
    """Ask for the secrets and unlock. A damaged head or a vault in use is reported before anything is asked.

    With `or_look` a vault that is too damaged for work is opened to look, and nothing is written.
    """
    header = headfile.read(folder / headfile.NAME).header
    refuse_if_in_use(folder / DATABASE)
    answers = secrets.unlock(lambda: card_for(header, user))

    def attempt(*, inspect: bool) -> Workspace:
        return unlock(
            folder,
            env,
            name=answers.user,
            phrase=answers.passphrase,
            code=answers.code,
            catch_up=catch_up,
            inspect=inspect,
        )

    try:
        try:
            return attempt(inspect=False)
        except VaultDamaged:
            if not or_look:
                raise
            return attempt(inspect=True)
    finally:
        answers.wipe()


def card_for(header: headfile.Header, user: str) -> Card:
    """What is asked: no name where it is given or there is one user; a demo shows its code."""
    if not header.demo:
        return Card(ask_user=not user and len(header.slots) > 1, default_user=user)
    from iop_tui.shell.demo.secrets import card_notes, code

    return Card(
        ask_user=not user and len(header.slots) > 1,
        default_user=user,
        demo=True,
        demo_code=lambda name: code(header.vault_id, name, int(time.time())),
        notes=card_notes(header),
    )


def say(text: str) -> None:
    """A message for the person: standard error."""
    sys.stderr.write(f"iop-tui: {escaped(text)}\n")


def progress(label: str) -> Callable[[int, int], None] | None:
    """A line on standard error that counts, where that is a terminal."""
    if not sys.stderr.isatty():
        return None
    started = time.monotonic()

    def show(done: int, total: int) -> None:
        if time.monotonic() - started > _REPORT_SECONDS:
            sys.stderr.write(f"\r{label}: {done:,} of {total:,}" + ("\n" if done >= total else ""))
            sys.stderr.flush()

    return show
