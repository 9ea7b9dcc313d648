"""Showing a file with a program of the user's own: the bytes go through a pipe, never through a file.

Which program is named in config.toml, by media type or its first half, as a list of words; no shell is involved:

    [viewers]
    "application/pdf" = ["zathura", "-"]
    "image" = ["imv", "-"]
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from threading import Thread

from iop_tui.kernel.errors import IopError, Refused

ASK = "Name one in config.toml under [viewers], or hand it over: iop-tui attachment show ID | PROGRAM"


def command_for(viewers: Mapping[str, tuple[str, ...]], media_type: str) -> tuple[str, ...]:
    """The program for a media type. Raises `Refused` where none is named."""
    found = viewers.get(media_type) or viewers.get(media_type.partition("/")[0])
    if not found:
        raise Refused(f"No program is named that shows {media_type}.", ASK)
    return found


class Viewing:
    """The programs that show something now. They end when the vault is locked."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[bytes]] = []

    def show(
        self, command: tuple[str, ...], pieces: Iterator[bytes], failed: Callable[[IopError], None]
    ) -> None:
        """Begin a program and give it the bytes, on a thread of its own. Raises `Refused` where it cannot be begun;
        `failed` is told what goes wrong afterwards.
        """
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except OSError:
            raise Refused(f"The program {command[0]} cannot be begun.", "See [viewers] in config.toml.") from None
        self._running = [one for one in self._running if one.poll() is None] + [process]
        Thread(target=_feed, args=(process, pieces, failed), daemon=True).start()

    def end(self) -> None:
        """End every program that shows something."""
        for process in self._running:
            with suppress(ProcessLookupError):
                process.terminate()


def _feed(
    process: subprocess.Popen[bytes], pieces: Iterator[bytes], failed: Callable[[IopError], None]
) -> None:
    if process.stdin is None:
        return
    try:
        with suppress(BrokenPipeError):  # it was closed before it had read everything
            for piece in pieces:
                process.stdin.write(piece)
    except IopError as error:
        failed(error)
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()
