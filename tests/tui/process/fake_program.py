"""A program with a secret on its screen, run by the real parent and prompt; keys make it end in every way."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time

from iop_tui.kernel.errors import IopError, Usage, VaultDamaged
from iop_tui.shell.process import parent
from iop_tui.shell.process.card import Card

CANARY = "CANARY" + "WORD"
"""Joined at run time, so that a traceback quoting this source would not contain it."""
ON = "\x1b[?1049h\x1b[?1000h\x1b[?1003h\x1b[?1006h\x1b[?1004h\x1b[?2004h\x1b[>13u\x1b[?25l\x1b[?7l\x1b="


def child_main(context: parent.ChildContext) -> int:
    """Ask, then pretend to be an app."""
    if "slow-card" in sys.argv:
        answers = context.prompt.ask(_slow)
    elif "damaged" in sys.argv:
        answers = context.prompt.ask(_damaged)
    else:
        answers = context.prompt.ask(_card(context))
    while answers.passphrase in (bytearray(b"wrong"), bytearray(b"WRONG")):
        answers.wipe()
        answers = context.prompt.ask(_card(context).after("User, passphrase or code is wrong.", "Try again.", 1.0))
    shape = f"{len(answers.passphrase)} {answers.code}"
    answers.wipe()
    return _app(context, answers.user, shape)


def _card(context: parent.ChildContext) -> Card:
    demo = "demo" in sys.argv
    return Card(
        ask_user="one" not in sys.argv, default_user=context.last_user, demo=demo,
        demo_code=(lambda user: f"code-of-{user}") if demo else None,
    )  # fmt: skip


def _slow() -> Card:
    time.sleep(0.4)
    return Card(ask_user="one" not in sys.argv)


def _damaged() -> Card:
    time.sleep(0.2)
    raise VaultDamaged("The file vault.head is damaged.")


def _app(context: parent.ChildContext, user: str, shape: str) -> int:
    context.entering_app(user)
    context.hangup.before_end(_seal)
    context.hangup.install()
    write("\x1b[?1049l" + f"{CANARY} on the main screen\n" * 60)  # scrolls into the scrollback
    write(f"{ON}\x1b[2J\x1b[HToday {user} {shape} {CANARY}\r\n" + f"{CANARY} " * 40)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)  # as the event loop of the real program does
    while True:
        if 0 not in select.select([0, woken], [], [])[0]:
            os.read(woken, 64)
            continue
        key = os.read(0, 1)
        if not key:
            context.hangup.end(129)
        ended = _key(key, context)
        if ended is not None:
            return ended


def _key(key: bytes, context: parent.ChildContext) -> int | None:
    secret = CANARY
    match key:
        case b"q":
            return parent.QUIT
        case b"l":
            context.hangup.lock()
        case b"x":
            raise ValueError(f"{secret} in the message")
        case b"t":
            raise _Told(f"A sentence about {len(secret)}.", "And what to do.")
        case b"k":
            os.kill(os.getpid(), signal.SIGKILL)
        case b"g":
            ctypes.string_at(0)
        case b"h":
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            time.sleep(60)
        case b"c":
            write("\x1b]0;" + secret)  # a string that never ends
            os.kill(os.getpid(), signal.SIGKILL)
        case b"e":
            context.hangup.before_end(lambda: time.sleep(60))
            return parent.QUIT
        case b"b":
            context.hangup.before_end(lambda: time.sleep(60))
        case b"p":
            write(f"\x1b[2J\x1b[Hppid {os.getppid()}")
    return None


class _Told(IopError):
    exit_code = 7


def _seal() -> None:
    path = os.environ.get("SEALED")
    if path:
        with open(path, "a", encoding="ascii") as file:
            file.write(f"sealed {len(CANARY)}\n")


def write(text: str) -> None:
    os.write(1, text.encode())


def main() -> int:
    """As the command line does it."""
    try:
        return parent.run(child_main, ask_user="one" not in sys.argv)
    except Usage as error:
        sys.stderr.write(f"{error.message} {error.hint}\n")
        return error.exit_code


if __name__ == "__main__":
    raise SystemExit(main())
