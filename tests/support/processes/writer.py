"""The process that is killed while it saves: plain values go in, what it did comes out on a pipe."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path

from iop_tui import workspace
from iop_tui.clinical.notes import service as notes
from iop_tui.kernel.clock import FixedClock
from iop_tui.kernel.secret import Secret
from iop_tui.vault import totp
from tests.support.clinic.program import environment, note, phrase

OPEN, TYPED, SAVED, SIGNED = b"o", b"t", b"r", b"s"


def work(path: str, name: str, totp_seed: bytes, now_ms: int, person: bytes, out: Connection) -> None:
    """Type, save and sign as fast as possible, telling each once it returned; ends only by being killed."""
    clock = FixedClock(now_ms)
    code = totp.code_at(Secret(totp_seed), now_ms // 1000)
    ws = workspace.unlock(Path(path), environment(clock), name=name, phrase=phrase(), code=code)
    out.send_bytes(OPEN + bytes(16))
    for number in range(1_000_000):
        notes.keep(ws, b"slot", notes.Unsaved(person, b"", {"presentation": "typing " * 9}, number))
        out.send_bytes(TYPED + number.to_bytes(16, "big"))
        saved = notes.save(ws, person, note(f"entry{number}"))
        out.send_bytes(SAVED + saved.revision)
        notes.sign(ws, [saved.record])
        out.send_bytes(SIGNED + saved.record)
