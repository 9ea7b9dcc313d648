"""What a process of the program does to itself before it reads a key or a secret.

`start` is for every process, `protect` for the ones that will hold secrets (the forked child, and
each command); both must have run before the first key is read. `report` tells `doctor` what can be
observed. Threats: crash dumps, other programs of the same user, variables that make Python or
Textual write, listen or load something. Not stopped: an administrator, or whatever ran before us.

Heavy imports are inside the functions: `start` runs within the time the prompt may take.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from ctypes import CDLL
    from threading import ExceptHookArgs
    from types import TracebackType

PR_SET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_DUMPABLE = 1, 3, 4
PT_DENY_ATTACH = 31  # macOS, ptrace(2)
_SIGHUP = 1

_PYTHON_HARMLESS = frozenset(
    {
        "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONHASHSEED",
        "PYTHONUNBUFFERED", "PYTHONHOME", "PYTHONNOUSERSITE", "PYTHONSAFEPATH", "PYTHONCOERCECLOCALE",
    }
)  # fmt: skip
# Textual: logs, screenshots, devtools socket, other drivers, simulated key presses. Keyring: a chosen
# (perhaps plaintext) back end. SSLKEYLOGFILE: session keys to a file. COLUMNS, LINES: a size that never changes.
_DANGEROUS_PREFIXES = ("TEXTUAL", "PYTHON", "KEYRING_", "LD_AUDIT", "MALLOC_TRACE")
_DANGEROUS_NAMES = frozenset({"DEBUG", "SSLKEYLOGFILE", "OPENSSL_CONF", "COLUMNS", "LINES"})


class Control:
    """One control of this machine as it was observed: what, whether it holds, evidence, citation, advice."""

    __slots__ = ("advice", "citation", "evidence", "name", "ok")

    def __init__(self, name: str, ok: bool, evidence: str, citation: str, advice: str = "") -> None:
        self.name = name
        self.ok = ok
        self.evidence = evidence
        self.citation = citation
        self.advice = advice

    def as_dict(self) -> dict[str, str | bool]:
        """The fields by name, for `doctor --json`."""
        return {name: getattr(self, name) for name in ("name", "ok", "evidence", "citation", "advice")}


def check_platform() -> None:
    """Raise `Usage` on native Windows: without `fork` and a raw terminal the lock could not end the process."""
    if sys.platform == "win32":
        from iop_tui.kernel.errors import Usage

        raise Usage("iop-tui does not run on native Windows.", "Use it inside WSL (Windows Subsystem for Linux).")


def start() -> None:
    """Files private, no core dump, dangerous variables gone, no traceback with text. Safe to call twice."""
    import resource

    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _silence_faulthandler()
    _clean_import_path(os.environ.get("PYTHONPATH", ""))
    clean_environment(os.environ)
    sys.excepthook = show_failure
    sys.unraisablehook = _ignore_unraisable


def protect() -> None:
    """Keep other programs of the same user out of this process' memory (prctl(2), `PR_SET_DUMPABLE`).

    Threads that fail say no more than the main one.

    Raises `Usage` where the system refuses: secrets are not read without it.
    """
    import threading

    threading.excepthook = _show_thread_failure
    libc = _libc()
    if sys.platform == "darwin":
        libc.ptrace(PT_DENY_ATTACH, 0, 0, 0)
    if not sys.platform.startswith("linux"):
        return
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0:
        from iop_tui.kernel.errors import Usage

        raise Usage("This system does not let the program protect its memory.", "Ask your administrator.")


def die_with(parent: int) -> bool:
    """Have the kernel send SIGHUP when the parent process ends; whether the kernel can (Linux).

    Raises `SystemExit` when the parent ended before the kernel was told.
    """
    if not sys.platform.startswith("linux"):
        return False
    _libc().prctl(PR_SET_PDEATHSIG, _SIGHUP, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(128 + _SIGHUP)
    return True


def clean_environment(environment: MutableMapping[str, str]) -> list[str]:
    """Remove what could make this process or one it starts write, listen or load something; the names removed."""
    removed = [name for name in environment if _is_dangerous(name)]
    for name in removed:
        del environment[name]
    return removed


def _is_dangerous(name: str) -> bool:
    if name in _PYTHON_HARMLESS:
        return False
    return name in _DANGEROUS_NAMES or name.startswith(_DANGEROUS_PREFIXES)


def _clean_import_path(python_path: str) -> None:
    """Import nothing from PYTHONPATH or the current folder, unless this package itself lies there.

    Folders inside the Python installation stay: only its owner can write there.
    """
    home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    if sys.path and sys.path[0] in ("", _current_folder()) and sys.path[0] != home:
        del sys.path[0]
    own = (home, sys.prefix, sys.base_prefix)
    foreign = [part for part in python_path.split(os.pathsep) if part and not os.path.abspath(part).startswith(own)]
    sys.path[:] = [part for part in sys.path if part not in foreign]


def _current_folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


def _silence_faulthandler() -> None:
    if "PYTHONFAULTHANDLER" in os.environ or sys.flags.dev_mode or "faulthandler" in sys._xoptions:
        import faulthandler

        faulthandler.disable()


def _libc() -> CDLL:
    import ctypes

    return ctypes.CDLL(None, use_errno=True)


def leave(code: int) -> int:
    """The exit code, as the last thing a run says: does not return where Python would now go interactive (-i)."""
    if sys.flags.inspect or sys.flags.interactive:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


# -- failures


def failure_line(error: BaseException) -> str:
    """One sentence for a failure nobody foresaw: a reference, the type and the place; never its text or locals.

    The reference depends on type and place alone, so that the same defect has the same one.
    """
    place = _innermost(error.__traceback__)
    kind = type(error).__name__
    return f"Something failed (ref {_crc(f'{kind} {place}') & 0xFFFF:04x}): {kind} at {place}."


def show_failure(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The `sys.excepthook` of the program: `failure_line` on standard error, no traceback."""
    if issubclass(kind, (KeyboardInterrupt, SystemExit)):
        return
    sys.stderr.write(f"iop-tui: {failure_line(error.with_traceback(trace))}\n")


def _show_thread_failure(args: ExceptHookArgs) -> None:
    if args.exc_value is not None:
        show_failure(args.exc_type, args.exc_value, args.exc_traceback)


def quiet_libraries() -> None:
    """No library writes on the screen: their log records and warnings quote what they work on."""
    import logging
    import warnings

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")


def _innermost(trace: TracebackType | None) -> str:
    if trace is None:
        return "an unknown place"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}"


def _crc(text: str) -> int:
    import zlib

    return zlib.crc32(text.encode())


def _ignore_unraisable(_: object) -> None:
    """What fails while objects are torn down is not shown: the stock hook prints their representation."""


# -- what doctor shows


def report() -> list[Control]:
    """The controls that can be observed in this process and on this machine."""
    checks: tuple[Callable[[], Control], ...] = (
        _private_files, _no_core_dump, _memory_closed, _environment_clean, _terminal, _swap, _hibernation,
    )  # fmt: skip
    return [check() for check in checks]


def _private_files() -> Control:
    mask = os.umask(0o077)
    os.umask(mask)
    return Control("private files", mask & 0o077 == 0o077, f"umask {mask:03o}", "45 CFR 164.312(a)(1)")


def _no_core_dump() -> Control:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    return Control("no core dump", (soft, hard) == (0, 0), f"RLIMIT_CORE {soft}/{hard}", "45 CFR 164.312(a)(2)(iv)")


def _memory_closed() -> Control:
    citation = "45 CFR 164.312(a)(1)"
    if not sys.platform.startswith("linux"):
        return Control("memory closed to other programs", True, "attaching a debugger is denied", citation)
    dumpable = _libc().prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)
    return Control("memory closed to other programs", dumpable == 0, f"PR_GET_DUMPABLE {dumpable}", citation)


def _environment_clean() -> Control:
    found = sorted(name for name in os.environ if _is_dangerous(name))
    return Control(
        "environment", not found, ", ".join(found) or "no dangerous variable is set", "45 CFR 164.308(a)(5)(ii)(B)",
        "Unset these variables." if found else "",
    )  # fmt: skip


def _terminal() -> Control:
    name = os.environ.get("TERM", "not set")
    shared = [label for variable, label in (("TMUX", "tmux"), ("STY", "screen")) if variable in os.environ]
    return Control(
        "terminal", not shared, f"TERM {name}" + (f", inside {shared[0]}" if shared else ""), "45 CFR 164.310(b)",
        "tmux and screen keep their own history of what was shown; clear it after use." if shared else "",
    )  # fmt: skip


def _swap() -> Control:
    open_areas = [area for area in _swap_areas() if not _is_encrypted(area)]
    return Control(
        "swap", not open_areas, ", ".join(open_areas) or "none, or encrypted", "45 CFR 164.312(a)(2)(iv)",
        "Memory can be written there in the clear: encrypt swap or turn it off." if open_areas else "",
    )  # fmt: skip


def _swap_areas() -> list[str]:
    return [line.split()[0] for line in _lines("/proc/swaps")[1:] if line.split()]


def _is_encrypted(area: str) -> bool:
    """Whether a swap area is a dm-crypt device; compressed memory (zram) never reaches a disk."""
    name = os.path.basename(os.path.realpath(area))
    return name.startswith("zram") or any(
        line.startswith("CRYPT-") for line in _lines(f"/sys/class/block/{name}/dm/uuid")
    )


def _hibernation() -> Control:
    possible = any("disk" in line.split() for line in _lines("/sys/power/state")) and bool(_swap_areas())
    return Control(
        "hibernation", not possible, "possible" if possible else "not possible", "45 CFR 164.312(a)(2)(iv)",
        "Turn hibernation off, or encrypt the disk it writes to." if possible else "",
    )  # fmt: skip


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []
