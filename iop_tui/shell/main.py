"""The app's process: asks, unlocks, runs the screens. Starts light; everything heavy loads behind the prompt."""

from __future__ import annotations

import os

from iop_tui.shell.place import vault_folder
from iop_tui.shell.process import parent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from iop_tui.shell.background import Background
    from iop_tui.shell.process.card import Card
    from iop_tui.shell.process.parent import ChildContext
    from iop_tui.shell.process.prompt import Answers
    from iop_tui.shell.screens.today import TodayData
    from iop_tui.workspace import Environment, Workspace

HEAD, DATABASE = "vault.head", "vault.db"
GC_THRESHOLD = (20_000, 20, 50)
"""Fewer collections while the first screen is built: about a tenth of the start."""


def run(vault: str = "", user: str = "", now: str = "", make: Callable[[Path, str], Environment] | None = None) -> int:
    """Ask, unlock and run until somebody quits; the exit code. `make` gives the environment.

    Raises `VaultMissing` where there is no vault, `Usage` where there is no terminal.
    """
    folder = vault_folder(vault)
    if not os.path.exists(os.path.join(folder, HEAD)) and not os.path.exists(os.path.join(folder, DATABASE)):
        from iop_tui.kernel.errors import VaultMissing

        raise VaultMissing(
            f"There is no vault in {folder} yet.",
            "`iop-tui init` makes yours; `iop-tui demo` makes one with fictional people to try.",
        )
    return parent.run(Child(folder, user, now, make).main, ask_user=not user)


class Child:
    """One round: from the card to a lock or to the end."""

    def __init__(self, folder: str, user: str, now: str, make: Callable[[Path, str], Environment] | None) -> None:
        self._folder, self._user, self._now, self._make = folder, user, now, make
        self._env: Environment | None = None
        self._card: Card | None = None
        self._last_user = ""
        self._answered = False

    def main(self, context: ChildContext) -> int:
        """Runs in the forked child."""
        import gc

        from iop_tui.shell.background import Background

        gc.set_threshold(*GC_THRESHOLD)
        self._last_user = context.last_user
        screens: Background[object] = Background(self._load)
        answers = context.prompt.ask(self._facts, screens)
        self._answered = True
        ws = self._unlock(context, answers)
        return self._run(context, ws, screens)

    def _load(self) -> None:
        """Behind the prompt. Whoever was quicker waits for nothing that is only there to save time."""
        _load()
        if not self._answered:
            _rehearse()

    # -- the prompt ------------------------------------------------------------------------------

    def _facts(self) -> Card:
        """What the card needs to know. Damage and a second session are told before any secret is asked for."""
        from pathlib import Path

        from iop_tui.shell.commands.environment import make
        from iop_tui.shell.commands.unlocking import card_for
        from iop_tui.store.database import refuse_if_in_use
        from iop_tui.vault import headfile

        folder = Path(self._folder)
        self._env = (self._make or make)(folder, self._now)
        refuse_if_in_use(folder / DATABASE)
        card = card_for(headfile.read(folder / HEAD).header, self._user)
        if not self._user and card.ask_user:
            card.default_user = self._last_user
        self._card = card
        return card

    def _unlock(self, context: ChildContext, answers: Answers) -> Workspace:
        """Ask until the secrets fit; the wait grows with each failure."""
        from functools import partial

        from iop_tui.kernel.errors import WrongSecrets
        from iop_tui.shell.background import Background

        while True:
            try:
                return Background(partial(self._open, answers)).result()
            except WrongSecrets as error:
                if self._card is None:
                    raise
                card = self._card.after(error.message, error.hint, self._wait(answers.user))
            finally:
                answers.wipe()
            answers = context.prompt.ask(card)

    def _open(self, answers: Answers) -> Workspace:
        from pathlib import Path

        from iop_tui.kernel.errors import Unexpected
        from iop_tui.workspace import unlock

        if self._env is None:
            raise Unexpected("The vault was not looked at before it was opened.")
        return unlock(
            Path(self._folder),
            self._env,
            name=answers.user,
            phrase=answers.passphrase,
            code=answers.code,
            catch_up=False,
        )

    def _wait(self, user: str) -> float:
        """Seconds until the next try is looked at."""
        from pathlib import Path

        from iop_tui.vault import headfile
        from iop_tui.workspace.slotaccess import tag_of

        file = Path(self._folder) / HEAD
        tag = tag_of(headfile.read(file).header, user)
        now = self._env.code_clock.now_ms() if self._env is not None else 0
        return headfile.wait_ms(headfile.failures(file, tag), now) / 1000

    # -- the app ---------------------------------------------------------------------------------

    def _run(self, context: ChildContext, ws: Workspace, screens: Background[object]) -> int:
        from iop_tui.shell.background import Background

        today = Background(lambda: _today(ws))
        today.start()
        context.entering_app(ws.user.name)
        screens.result()
        from iop_tui.shell import config
        from iop_tui.shell.app import IopApp, Opening
        from iop_tui.ui.terminal.driver import remote

        chosen = config.load()
        mouse = not remote(os.environ) if chosen.mouse is None else chosen.mouse
        app = IopApp(Opening(ws, today.result(), context.hangup, context.tell, chosen))
        code = app.run(mouse=mouse)
        context.hangup.before_end(lambda: None)
        ws.close("quit")
        return app.return_code or code or 0


def _load() -> None:
    """Textual and the screens one sees first, while somebody types a passphrase."""
    import importlib

    for name in (
        "iop_tui.workspace",
        "iop_tui.shell.app",
        "iop_tui.clinical.people.screens",
        "iop_tui.shell.screens.chart",
        "iop_tui.clinical.couples.terms",
    ):
        importlib.import_module(name)
    _warm_up()


def _warm_up() -> None:
    """Modules that Textual itself loads late, on the way to the first paint, and the rules that Today asks."""
    import importlib

    from iop_tui.clinical.compliance import packs

    packs.shipped()
    for name in ("textual.app", "textual.css.parse", "textual.widgets._input", "textual.widgets._text_area"):
        importlib.import_module(name)


def _rehearse() -> None:
    """What the first page of a process costs more than the second."""
    from iop_tui.shell import config
    from iop_tui.ui import rehearsal, theme

    rehearsal.rehearse(theme.choose(config.load().theme))


def _today(ws: Workspace) -> TodayData:
    """Today's content. Where the view is far behind the log, membership alone is read in; the rest follows later."""
    from iop_tui.shell.chores import AT_ONCE
    from iop_tui.shell.screens.today import gather

    if ws.behind() > AT_ONCE:
        ws.session.catch_up_acts()
        return gather(ws)
    ws.session.catch_up()
    return gather(ws)
