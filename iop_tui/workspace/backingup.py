"""Verified backups of an open vault: made beside the work, read back, noted; old ones thinned by one stated rule.

A backup is *verified* when the vault passed its complete check in the same session, and every byte of the file was read
back. Which one that was last is a fact of the vault, so that everybody who unlocks it sees how old it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from iop_tui.exchange import backup
from iop_tui.exchange.backup import Copied, Source
from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.clock import iso
from iop_tui.kernel.errors import Cancelled, IopError, MediumUnusable, Refused, VaultMissing
from iop_tui.store.chunks import ChunkStore
from iop_tui.store.database import translated
from iop_tui.store.standing import standing
from iop_tui.vault import age, headfile
from iop_tui.vault.age import Recipient
from iop_tui.workspace import recovering
from iop_tui.workspace.backupage import HOUR_MS, LAST, TOO_OLD_HOURS, Verified, hours_old, last, warning
from iop_tui.workspace.workspace import Workspace

__all__ = [
    "HOUR_MS", "TOO_OLD_HOURS", "Schedule", "Verified", "begin", "copy", "due", "finish", "hours_old", "last", "make",
    "newest_in", "of_schedule", "place", "recipients", "set_recipients", "surplus", "thin", "told", "warning",
]

RECIPIENTS = "backup:recipients"
KEPT = 7
MONTHS = 12
SUFFIX = ".iopb"
_NAMED = "iop-tui-"
_TIME = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Where backups go by themselves, and after how many hours the next one is due."""

    folder: Path
    hours: int = 24


# -- what is known -------------------------------------------------------------------------


def recipients(ws: Workspace) -> tuple[Recipient, ...]:
    """The offline recipients that backups are sealed to; none: they are not sealed."""
    raw = ws.session.db.state.get(RECIPIENTS, b"")
    return tuple(age.recipient(text) for text in decode(raw, tuple[str, ...])) if raw else ()


def set_recipients(ws: Workspace, texts: tuple[str, ...]) -> tuple[Recipient, ...]:
    """Seal backups to these keys from now on. Administrators only. Raises `NoRecipient`, `RoleRefused`."""
    recovering.need_administrator(ws)
    found = tuple(dict.fromkeys(age.recipient(text) for text in texts))
    work = ws.work()
    work.state[RECIPIENTS] = encode(tuple(item.text for item in found)) if found else b""
    ws.session.note(work, "backup-recipients", detail=f"{len(found)} recipients")
    ws.commit(work)
    return found


def due(ws: Workspace, schedule: Schedule) -> bool:
    """Whether the schedule asks for a backup now. A demo needs none."""
    if ws.demo:
        return False
    known = last(ws)
    return known is None or ws.clock.now_ms() - known.at_ms >= schedule.hours * HOUR_MS


# -- making one ----------------------------------------------------------------------------


def make(ws: Workspace, target: Path) -> Copied:
    """A backup of a vault that was just checked completely, written, read back and noted. Raises what `copy` raises."""
    begin(ws)
    copied = copy(ws, target)
    finish(ws, target, copied)
    return copied


def begin(ws: Workspace) -> None:
    """Note in the log that a backup is made, so that the backup holds the note."""
    work = ws.work()
    ws.session.note(work, "backup")
    ws.commit(work)


def copy(ws: Workspace, target: Path, cancelled: Callable[[], bool] = lambda: False) -> Copied:
    """Write the vault as it stands now into one file and read it back; others go on writing meanwhile.

    Raises `Refused` where the file exists, `DiskFull`, `MediumUnusable`, `VaultDamaged`, `Cancelled`.
    """
    db, sealed_to = ws.session.db, recipients(ws)
    known = recovering.present(ws.session)
    if sealed_to and known is not None:
        sealed_to = (*sealed_to, age.recipient(known.recipient))
    if target.exists():
        raise Refused(f"{target.name} exists already.", "Choose another name: a backup is never overwritten.")
    with standing(db, ws.path / headfile.NAME) as found:

        def parts() -> Iterator[bytes]:
            for part in found.database():
                if cancelled():
                    raise Cancelled("The backup was stopped.")
                yield part

        return backup.write(
            target, Source(found.head, parts, ChunkStore(ws.path, ws.rng)), realm=ws.realm, device=ws.session.device,
            at_ms=ws.clock.now_ms(), audit_seq=found.position.audit_seq, audit_hash=found.position.audit_hash,
            recovery=recovering.carried(ws.session), recipients=sealed_to,
        )  # fmt: skip


def finish(ws: Workspace, target: Path, copied: Copied) -> None:
    """Note the backup as the newest verified one."""
    work = ws.work()
    found = Verified(
        copied.manifest.at_ms, str(target), copied.manifest.audit_seq, copied.size, copied.hash, copied.sealed
    )
    work.state[LAST] = encode(found)
    ws.session.note(work, "backup-verified", detail=f"{copied.size} bytes")
    ws.commit(work)


# -- by themselves -------------------------------------------------------------------------


def place(ws: Workspace, schedule: Schedule) -> Path:
    """The file of the next scheduled backup: vault and time are in its name. Raises `MediumUnusable` for the folder."""
    if not schedule.folder.is_dir():
        raise MediumUnusable(f"The folder for backups is not there: {schedule.folder}.", "Attach the disk.")
    moment = datetime.fromtimestamp(ws.clock.now_ms() / 1000, UTC)
    return schedule.folder / f"{_prefix(ws.realm)}{moment.strftime(_TIME)}{SUFFIX}"


def _prefix(realm: bytes) -> str:
    return f"{_NAMED}{realm.hex()[:8]}-"


def of_schedule(folder: Path, realm: bytes, suffix: str = SUFFIX) -> list[tuple[datetime, Path]]:
    """The scheduled backups of a vault in a folder, newest first. Raises `MediumUnusable`, `VaultMissing`."""
    found = []
    with translated(folder):
        for file in folder.iterdir():
            stem = file.name.removesuffix(suffix)
            if stem != file.name and stem.startswith(_prefix(realm)):
                try:
                    moment = datetime.strptime(stem.removeprefix(_prefix(realm)), _TIME)
                except ValueError:
                    continue  # somebody's own file
                found.append((moment.replace(tzinfo=UTC), file))
    return sorted(found, reverse=True)


def surplus(found: list[tuple[datetime, Path]], verified: Path | None) -> list[Path]:
    """The scheduled backups to remove: all but the newest seven and the newest of each of twelve months; never the last
    verified one.
    """
    kept = {file for _, file in found[:KEPT]}
    months: dict[tuple[int, int], Path] = {}
    for moment, file in found:
        months.setdefault((moment.year, moment.month), file)
    kept.update(list(months.values())[:MONTHS])
    return [file for _, file in found if file not in kept and file != verified]


def thin(ws: Workspace, schedule: Schedule) -> list[Path]:
    """Remove what the rule of `surplus` no longer keeps and what a stop left of a file; what was removed. Nothing where
    no backup is known verified. A file that cannot be removed stays and is tried again next time.
    """
    known = last(ws)
    if known is None or not Path(known.file).exists():
        return []
    removed = []
    day_ago = datetime.fromtimestamp(ws.clock.now_ms() / 1000, UTC) - timedelta(days=1)  # nobody is at it any more
    begun = [file for at, file in of_schedule(schedule.folder, ws.realm, f"{SUFFIX}.part") if at < day_ago]
    for file in [*surplus(of_schedule(schedule.folder, ws.realm), Path(known.file)), *begun]:
        try:
            with translated(file):
                file.unlink()
        except IopError:
            continue
        removed.append(file)
    return removed


def newest_in(folder: Path, realm: bytes) -> tuple[datetime, Path, int]:
    """When the newest whole backup of a vault in a folder was made, which it is, and how many there are, for people who
    have not unlocked: what is not sealed is checked byte for byte. Raises `VaultMissing` where there is none.
    """
    found = of_schedule(folder, realm)
    for moment, file in found:
        try:
            if backup.is_sealed(file) or backup.check(file).realm == realm:
                return moment, file, len(found)
        except MediumUnusable:
            raise
        except IopError:
            continue  # cut or damaged: an older one is the newest whole one
    raise VaultMissing(f"There is no backup of this vault in {folder}.")


def told(known: Verified | None) -> str:
    """The newest verified backup in words."""
    return f"{iso(known.at_ms)}, {known.file}" if known else "none yet"
