"""`doctor`: what can be observed on this machine and of this vault, with evidence and citation. Needs no unlock."""

from __future__ import annotations

import platform
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from iop_tui import __version__
from iop_tui.kernel.clock import iso
from iop_tui.kernel.errors import EXIT_DAMAGED, IopError
from iop_tui.shell import config
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.output import table
from iop_tui.shell.process import harden
from iop_tui.shell.process.harden import Control
from iop_tui.store.database import lock_owner
from iop_tui.vault import headfile, kdf, keystore
from iop_tui.workspace import DATABASE, backingup

_NEED_BYTES = 200 * 1024 * 1024
_INTEGRITY, _CONTINGENCY, _DEVICE = "45 CFR 164.312(c)(1)", "45 CFR 164.308(a)(7)", "45 CFR 164.310(d)(1)"


def doctor(call: Call) -> Answer:
    """Machine, then vault. Exit code 5 where `vault.head` is damaged."""
    folder = call.opener.options.folder
    machine = [*harden.report(), _keyring(), _disk(folder), _versions()]
    vault, code = _vault(folder)
    controls = [control.as_dict() for control in (*machine, *vault)]
    value: dict[str, Any] = {"ok": all(item["ok"] for item in controls), "vault": str(folder), "controls": controls}
    rows = [("ok" if item["ok"] else "LOOK", item["name"], item["evidence"], item["citation"]) for item in controls]
    advice = [f"{item['name']}: {item['advice']}" for item in controls if item["advice"]]
    return Answer(value, [*table(("", "control", "evidence", "citation"), rows, empty=""), *advice], code)


def _keyring() -> Control:
    reason = keystore.available()
    return Control(
        "keyring", bool(reason), str(reason or "no keyring of the operating system"), _INTEGRITY,
        "" if reason else "Without one, a whole folder that was put back to an older state is not noticed.",
    )  # fmt: skip


def _disk(folder: Path) -> Control:
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(place).free
    is_enough = free >= _NEED_BYTES
    return Control(
        "disk space",
        is_enough,
        f"{free // 2**20:,} MiB free",
        _CONTINGENCY,
        "" if is_enough else "Free some space on this disk.",
    )


def _versions() -> Control:
    evidence = f"iop-tui {__version__}, Python {platform.python_version()}, {sys.platform} {platform.machine()}"
    return Control("versions", True, evidence, "45 CFR 164.308(a)(8)")


def _vault(folder: Path) -> tuple[list[Control], int]:
    try:
        file = headfile.read(folder / headfile.NAME)
    except IopError as error:
        return [Control("vault.head", False, error.message, _INTEGRITY, error.hint)], error.exit_code
    header = file.header
    problem = "; ".join(file.problems)
    found = [
        Control("vault.head", not problem, problem or f"intact, generation {header.generation}", _INTEGRITY),
        Control("vault", True, f"{'demo vault, ' if header.demo else ''}made {iso(header.created_ms)}", _DEVICE),
        *_slots(header), _backups(header), _database(folder), _private(folder),
    ]  # fmt: skip
    return found, 0 if found[-2].ok else EXIT_DAMAGED


def _backups(header: headfile.Header) -> Control:
    """The newest whole file in the folder of the schedule; which one was verified last is known after an unlock."""
    chosen = config.load().backup_folder
    if header.demo:
        return Control("backups", True, "none needed: a demo vault", _CONTINGENCY)
    if not chosen:
        return Control("backups", False, "none are made by themselves", _CONTINGENCY,
                       "`iop-tui recovery schedule FOLDER`, on another disk than the vault's.")  # fmt: skip
    try:
        moment, file, count = backingup.newest_in(Path(chosen), header.vault_id)
    except IopError as error:
        return Control("backups", False, error.message, _CONTINGENCY, error.hint or "Attach the disk, or make one now.")
    hours = int((datetime.now(UTC) - moment).total_seconds()) // 3600
    recent = hours < backingup.TOO_OLD_HOURS
    return Control("backups", recent, f"{count} in {chosen}, newest {file.name}, {hours} h old", _CONTINGENCY,
                   "" if recent else "Unlock the program, or `iop-tui recovery run`.")  # fmt: skip


def _slots(header: headfile.Header) -> list[Control]:
    costs = sorted(
        {(slot.profile.memory_kib // 1024, slot.profile.passes, slot.profile.lanes) for slot in header.slots}
    )
    floor = kdf.FLOOR if header.demo else kdf.PRODUCTION
    is_strong = all(slot.profile.memory_kib >= floor.memory_kib for slot in header.slots)
    kits = sum(slot.kit is not None for slot in header.slots)
    bound = sum(slot.needs_device_secret for slot in header.slots)
    count = len(header.slots)
    shown = ", ".join(f"Argon2id {memory} MiB, {passes} passes, {lanes} lanes" for memory, passes, lanes in costs)
    return [
        Control("key slots", count > 0, f"{count}, {bound} of them bound to this computer", "45 CFR 164.312(a)(2)(i)"),
        Control("key derivation", is_strong, shown, "45 CFR 164.312(d); RFC 9106",
                "" if is_strong else "Set a new passphrase: `iop-tui users passphrase`."),
        Control("recovery kits", kits == count, f"{kits} of {count} users have one", _CONTINGENCY,
                "" if kits == count else "Make a new kit: `iop-tui users kit`."),
    ]  # fmt: skip


def _database(folder: Path) -> Control:
    path = folder / DATABASE
    if not path.is_file():
        return Control("vault.db", False, "missing", _INTEGRITY, "Restore it from the newest verified backup.")
    owner = lock_owner(path)
    state = f"open in process {owner}" if owner else "closed"
    return Control("vault.db", True, f"{path.stat().st_size:,} bytes, {state}", _INTEGRITY)


def _private(folder: Path) -> Control:
    mode = folder.stat().st_mode & 0o777
    return Control(
        "vault folder", mode & 0o077 == 0, f"mode {mode:03o}", "45 CFR 164.312(a)(1)",
        "" if mode & 0o077 == 0 else "Take access from others: chmod 700.",
    )  # fmt: skip
