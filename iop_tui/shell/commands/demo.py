"""`demo`: make a demo vault and open it."""

from __future__ import annotations

import os
from pathlib import Path

from iop_tui.kernel.errors import Refused
from iop_tui.shell.commands.call import Answer, Call, Options
from iop_tui.shell.commands.output import table
from iop_tui.shell.place import VARIABLE
from iop_tui.shell.process.terminal import open_screen


def demo(call: Call) -> Answer:
    """Make it, then open it; or print who there is with `--no-open`. An existing demo is opened as it is."""
    options, args = call.opener.options, call.args
    folder = _folder(options)
    if args.no_open:
        return _made(folder, args.size, args.seed, options.now)
    open_screen()  # refused before anything is made, where there is none
    if not _is_demo(folder):
        _make_aside(folder, args.size, args.seed, options.now)
    from iop_tui.shell.main import run

    return Answer(None, [], run(str(folder), options.user, options.now))


def _folder(options: Options) -> Path:
    """A demo never takes the place where a real vault would be looked for."""
    if options.vault or os.environ.get(VARIABLE):
        return options.folder
    return options.folder.with_name("demo")


def _is_demo(folder: Path) -> bool:
    from iop_tui.vault.glance import glance
    from iop_tui.vault.headfile import NAME

    if not (folder / NAME).exists():
        return False
    if not glance(folder / NAME).demo:
        raise Refused(
            "There is a vault in this folder already, and it is no demo.", "Choose another folder with --vault."
        )
    return True


def _made(folder: Path, size: str, seed: int, now: str) -> Answer:
    from iop_tui.shell.commands.environment import for_new
    from iop_tui.shell.commands.unlocking import progress
    from iop_tui.shell.demo.build import build

    built = build(folder, for_new(demo=True, now=now), size=size, seed=seed, progress=progress("Notes"))
    value = {
        "vault": str(folder),
        "people": built.people,
        "notes": built.notes,
        "users": built.users,
        "couples": built.couples,
    }
    rows = [(user["name"], ", ".join(map(str, user["roles"])), user["passphrase"]) for user in built.users]  # type: ignore[call-overload]
    lines = [f"{folder}: {built.people} people, {built.notes} notes. Codes are shown at the prompt.", ""]
    return Answer(value, [*lines, *table(("user", "roles", "passphrase"), rows, empty="")])


def _make_aside(folder: Path, size: str, seed: int, now: str) -> None:
    """Make the vault in a process of its own: the one that shows the prompt never holds a secret."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _in_child(folder, size, seed, now)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code:
        raise SystemExit(code if code > 0 else 1)


def _in_child(folder: Path, size: str, seed: int, now: str) -> int:
    from iop_tui.shell.commands.failures import report

    os.write(2, b"Making the demo ...\n")
    try:
        _made(folder, size, seed, now)
    except (Exception, KeyboardInterrupt) as error:  # told here and handed to the parent as an exit code
        return report(error, as_json=False)
    return 0
