"""The parent process: holds no secret, starts the child, cleans the terminal whatever ends the child.

    parent  open terminal -> raw -> draw the card -> fork -> wait -> clean -> (locked: draw, fork again) -> exit
    child   harden -> child_main(context): ask, unlock, run the app -> end with QUIT, LOCKED or an exit code

Clearing Python strings is impossible; ending the process is not. So a lock is the end of the child,
and a quit, an idle time-out, a signal and a crash take the same way (45 CFR 164.312(a)(2)(iii)).
Parent and child share the foreground process group: the kernel tells both of resizes and hang-ups.
"""

from __future__ import annotations

import os

from iop_tui.shell.process import harden
from iop_tui.shell.process import prompt as prompts
from iop_tui.shell.process.card import Card
from iop_tui.shell.process.terminal import Terminal, attempt, open_screen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn

    from iop_tui.shell.process.hangup import Hangup

QUIT = 0
LOCKED = 75
PATIENCE = 1.0
"""Seconds a child has after a signal (it needs at most 0.3) before it is killed."""
_CRASHED = "The program ended unexpectedly. What was saved is safe; the draft returns when you unlock again."
_NOTE_LIMIT = 4096


class ChildContext:
    """What a child gets: the terminal with the card on it, and a one-way line to the parent."""

    __slots__ = ("_line", "_parent", "hangup", "last_user", "prompt", "rounds", "terminal")

    def __init__(self, terminal: Terminal, line: int, rounds: int, last_user: str, parent: int, drawn: Card) -> None:
        from iop_tui.shell.process.hangup import Hangup

        self.terminal = terminal
        self.rounds = rounds
        """How many children ran before this one: 0 at the start, more after a lock."""
        self.last_user = last_user
        self.prompt = prompts.Prompt(terminal, drawn=drawn)
        self.hangup: Hangup = Hangup(terminal, parent, lambda status: self._tell("E", str(status)))
        self._line = line
        self._parent = parent

    def entering_app(self, user: str) -> None:
        """Records may be on the screen from now on: the parent will clear everything. `user` is offered next time."""
        self._tell("A", user)

    def tell(self, message: str, hint: str = "") -> None:
        """What the parent prints, as a plain line each, after it has cleaned the terminal. Never patient data."""
        self._tell("M", message)
        if hint:
            self._tell("M", hint)

    def _tell(self, kind: str, text: str) -> None:
        line = f"{kind}{' '.join(text.split())}"[:_NOTE_LIMIT] + "\n"
        attempt(lambda: os.write(self._line, line.encode()))  # a parent that died needs no note


class _Notes:
    """What a child told its parent."""

    def __init__(self, received: bytes) -> None:
        lines = received.decode(errors="replace").splitlines()
        users = [line[1:] for line in lines if line.startswith("A")]
        self.in_app = bool(users)
        self.user = users[-1] if users else ""
        self.announced = next((int(line[1:]) for line in lines if line.startswith("E")), None)
        """The exit status the child was about to end with."""
        self.messages = [line[1:] for line in lines if line.startswith("M")]


class Parent:
    """Runs children one after another until one does not lock."""

    def __init__(self, child_main: Callable[[ChildContext], int], terminal: Terminal, ask_user: bool) -> None:
        self._child_main = child_main
        self._terminal = terminal
        self._first_card = Card(ask_user=ask_user)
        self._child = 0
        self._ending = 0
        self._suspend = False
        self._locking = False
        self._in_app = False
        self._user = ""
        self._life: tuple[int, int] = os.pipe()
        self._before: object = None
        """The signal mask of the process before the parent held its signals back."""

    def run(self) -> int:
        """The exit code of the program."""
        rounds = 0
        while True:
            self._draw()
            status, notes = self._one_child(rounds)
            rounds += 1
            self._in_app |= notes.in_app
            self._user = notes.user or self._user
            if self._ending or not self._is_lock(status, notes.announced):
                return self._finish(status, notes)
            if self._in_app:
                self._terminal.blank()
            if self._suspend:
                self._stop_myself()

    # -- one child

    def _draw(self) -> None:
        attempt(self._terminal.raw)
        attempt(lambda: prompts.draw_first(self._terminal, self._first_card))

    def _one_child(self, rounds: int) -> tuple[int, _Notes]:
        read, write = os.pipe()
        mine = os.getpid()
        child = os.fork()
        if child == 0:
            os.close(read)
            os.close(self._life[1])
            self._be_child(self._context(write, rounds, mine), mine)
        self._child = child
        os.close(write)
        if not rounds:
            self._hold_signals()
            harden.start()
        status = self._wait()
        return status, _Notes(_drain(read))

    def _context(self, line: int, rounds: int, parent: int) -> ChildContext:
        return ChildContext(self._terminal, line, rounds, self._user, parent, self._first_card)

    def _be_child(self, context: ChildContext, parent: int) -> NoReturn:
        status = 1
        try:
            self._prepare_child(context, parent)
            status = self._child_main(context)
        except BaseException as error:  # last resort: nothing of an error but its type and place may be shown
            status = _verdict(error, context)
        finally:
            context.hangup.end(status)
            os._exit(status)

    def _prepare_child(self, context: ChildContext, parent: int) -> None:
        context.hangup.install()
        self._let_signals_in()
        harden.start()
        harden.protect()
        if not harden.die_with(parent):
            context.hangup.watch(self._life[0])

    # -- waiting and signals

    def _wait(self) -> int:
        """The wait status of the child. A child that somebody stopped is made to lock.

        Signals are held back except while they are waited for: one that came between a look and a blocking call
        would otherwise be noticed only when that call returns.
        """
        import signal

        while True:
            changed, status = os.waitpid(self._child, os.WUNTRACED | os.WNOHANG)
            if not changed:
                self._hear(signal.sigwait(_held()))
            elif os.WIFSTOPPED(status):
                self._ask_child_to_lock()
            else:
                break
        self._child = 0
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._forget(signal.SIGALRM)  # it would end the next child
        return status

    def _hold_signals(self) -> None:
        import signal

        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, _held())
        self._have_handlers()

    @staticmethod
    def _have_handlers() -> None:
        """Some systems drop a signal nobody handles instead of holding it back."""
        import signal

        for number in _held():
            signal.signal(number, _noticed)

    def _let_signals_in(self) -> None:
        import signal

        if self._before is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._before)  # type: ignore[arg-type]  # what it returned

    @staticmethod
    def _forget(number: int) -> None:
        """Take a signal that is held back and no longer wanted."""
        import signal

        if number in signal.sigpending():
            signal.sigwait({number})

    def _hear(self, number: int) -> None:
        import signal

        if number == signal.SIGALRM:
            self._signal_child(signal.SIGKILL)
        elif number == signal.SIGTSTP:
            self._suspend = True
            self._ask_child_to_lock()
        elif number == signal.SIGCONT:  # stopped without warning (SIGSTOP): time passed that nobody counted
            if not self._ending:
                self._ask_child_to_lock()
        elif number != signal.SIGCHLD:
            self._ending = self._ending or number
            self._signal_child(number)
            self._hurry()

    def _ask_child_to_lock(self) -> None:
        import signal

        if self._child:
            self._locking = True
            self._signal_child(signal.SIGCONT)  # first: it would discard a pending SIGTSTP
            self._signal_child(signal.SIGTSTP)
            self._hurry()

    def _signal_child(self, number: int) -> None:
        if self._child:
            attempt(lambda: os.kill(self._child, number))

    def _hurry(self) -> None:
        import signal

        if self._child:
            signal.setitimer(signal.ITIMER_REAL, PATIENCE)

    def _stop_myself(self) -> None:
        """Hand the terminal to the shell, stop, and come back to a fresh prompt."""
        import signal

        self._suspend = False
        self._terminal.restore(cleared=self._in_app)
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTSTP})  # stops here
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
        self._have_handlers()
        self._forget(signal.SIGCONT)

    # -- the end of a child

    def _is_lock(self, status: int, announced: int | None) -> bool:
        """Locked; or about to lock, or told to, and ended by force because that took too long."""
        locking, self._locking = self._locking, False
        if os.WIFEXITED(status):
            return os.WEXITSTATUS(status) == LOCKED
        return locking if announced is None else announced == LOCKED

    def _finish(self, status: int, notes: _Notes) -> int:
        import signal

        self._let_signals_in()  # noticed and no more: a terminal that takes nothing must not keep the process
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # the shell may have taken the terminal back already
        crashed = os.WIFSIGNALED(status) and notes.announced is None
        self._terminal.restore(cleared=self._in_app or crashed)
        messages = [*notes.messages, _CRASHED] if crashed and not self._ending else notes.messages
        text = "".join(f"iop-tui: {message}\n" for message in messages).encode()
        attempt(lambda: os.write(2, text))
        if self._ending:
            return 128 + self._ending
        if os.WIFEXITED(status):
            return os.WEXITSTATUS(status)
        return 1 if notes.announced is None else notes.announced


def run(child_main: Callable[[ChildContext], int], *, ask_user: bool = True) -> int:
    """Run `child_main` in children of a secret-free parent until one quits; the program's exit code.

    `child_main` returns QUIT, LOCKED or an exit code, or raises an `IopError`, whose sentence and hint
    are printed once the terminal is clean. `ask_user` says what the first card shows before the child
    knows better. Raises `Usage` when there is no terminal or it is too small.
    """
    return harden.leave(Parent(child_main, open_screen(), ask_user).run())


def _drain(read: int) -> bytes:
    """What is in the pipe now; a process that the child left behind may hold the other end open."""
    os.set_blocking(read, False)
    try:
        return os.read(read, 64 * _NOTE_LIMIT)
    except BlockingIOError:
        return b""
    finally:
        os.close(read)


def _verdict(error: BaseException, context: ChildContext) -> int:
    """The exit status for what a child raised; what the person is told goes to the parent."""
    from iop_tui.kernel.errors import EXIT_CANCELLED, EXIT_FAILURE, IopError

    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else EXIT_FAILURE * (error.code is not None)
    if isinstance(error, KeyboardInterrupt):
        return EXIT_CANCELLED
    if isinstance(error, IopError):
        context.tell(error.message, error.hint)
        return error.exit_code
    context.tell(harden.failure_line(error))
    return EXIT_FAILURE


def _held() -> tuple[int, ...]:
    """The signals that the parent takes one by one."""
    import signal

    return (
        signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGCONT,
        signal.SIGALRM, signal.SIGCHLD,
    )  # fmt: skip


def _noticed(number: int, _: FrameType | None) -> None:
    """Interrupts what waits, and is all."""
    del number
