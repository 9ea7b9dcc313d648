"""Two devices of one program and the stick between them."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.clinic.devices import Device, again

Pair = tuple[Device, Device, Path]


def meet(one: Device, two: Device, stick: Path, user: str = "nadia") -> None:
    """Both exchange until nothing is left to say."""
    for device in (one, two, one, two):
        device.sync(stick, user)


def copied(pair: Pair, folder: Path) -> Pair:
    """Both devices and their stick once more, in a folder, with clocks of their own."""
    one, two, stick = pair
    copies = [folder / name for name in ("one", "two", "stick")]
    for source, copy in zip((one.path, two.path, stick), copies, strict=True):
        shutil.copytree(source, copy)
    first, second = again((one, two), copies[:2])
    return first, second, copies[2]
