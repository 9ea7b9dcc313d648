"""A view for the length of a block, under a key that is never stored: nothing of it can be read afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret
from iop_tui.store.views.view import View


@contextmanager
def passing_view(folder: Path, name: str, rng: Rng) -> Iterator[View]:
    """An empty view in a file of this name, which is closed and removed at the end; what an earlier end left goes."""
    path = folder / name
    _remove(path)
    view = View.create(path, Secret(rng.token(32)))
    try:
        yield view
    finally:
        view.close()
        _remove(path)


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        (path.parent / name).unlink(missing_ok=True)
