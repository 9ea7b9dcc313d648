"""Two devices of one program and the stick between them."""

from __future__ import annotations

from pathlib import Path

from tests.support.devices import Device

Pair = tuple[Device, Device, Path]


def meet(one: Device, two: Device, stick: Path, user: str = "nadia") -> None:
    """Both exchange until nothing is left to say."""
    for device in (one, two, one, two):
        device.sync(stick, user)
