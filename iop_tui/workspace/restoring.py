"""Bringing a backup back: beside the place it is for, opened and checked there, and moved when it is whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from iop_tui.exchange import backup
from iop_tui.exchange.backup import Manifest
from iop_tui.kernel.errors import Refused
from iop_tui.store.database import translated
from iop_tui.vault import headfile
from iop_tui.workspace.environment import DATABASE
from iop_tui.workspace.founding import staging_beside

T = TypeVar("T")


def restore(
    folder: Path, source: Path, identities: Sequence[str], prove: Callable[[Path, Manifest], T]
) -> tuple[Manifest, T]:
    """Unpack a backup, let `prove` open and check it, then make it the vault; what `prove` returned.

    A stop at any point leaves no vault in the folder, or the whole one. Raises `Refused` where there is a vault, what
    `backup.unpack` raises, and whatever `prove` does.
    """
    if (folder / headfile.NAME).exists() or (folder / DATABASE).exists():
        raise Refused("There is a vault in this folder already.", "Choose another folder with --vault.")
    staging = staging_beside(folder)
    try:
        manifest = backup.unpack(source, staging, identities)
        found = prove(staging, manifest)
        with translated(folder):
            os.replace(staging, folder)
    except BaseException:  # also a stop by the user: half a vault must not stay in the place of one
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return manifest, found
