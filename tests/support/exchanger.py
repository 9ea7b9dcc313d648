"""A process that writes and exchanges until it is killed: `-m tests.support.exchanger VAULT STICK PERSON SEED AT`.

SEED makes its one-time code, AT is its time in seconds since 1970.

Each line it prints was acknowledged: `note <id>` after a save, `met` after an exchange.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from iop_tui import slices, workspace
from iop_tui.access.settle import settle
from iop_tui.clinical.notes import service as notes
from iop_tui.kernel.clock import FixedClock
from iop_tui.kernel.secret import Secret
from iop_tui.vault import kdf, totp
from iop_tui.workspace import Environment, exchanging
from tests.support.devices import line
from tests.support.vaults import PHRASE, note, today


def main() -> None:
    """Until the end, which comes from outside."""
    vault, stick, person = Path(sys.argv[1]), Path(sys.argv[2]), bytes.fromhex(sys.argv[3])
    seed, clock = Secret(bytes.fromhex(sys.argv[4])), FixedClock(int(sys.argv[5]) * 1000)
    env = Environment(types=slices.TYPES, clock=clock, code_clock=clock, kdf=kdf.LightKdf())
    code = totp.code_at(seed, clock.now_ms() // 1000)
    ws = workspace.unlock(vault, env, name="Nadia", phrase=bytearray(PHRASE), code=code)
    settle(ws.session)
    print("open", flush=True)
    for number in itertools.count():
        saved = notes.save(ws, person, note(today(ws), f"Number {number}."))
        print("note", saved.revision.hex(), flush=True)
        exchanging.sync(ws, line(stick))
        print("met", flush=True)


if __name__ == "__main__":
    main()
