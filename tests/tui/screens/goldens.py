"""Screens as text files. `IOP_TUI_GOLDENS=write` writes them anew; look at the difference before committing it."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "goldens"


def box(screen: str) -> str:
    """The dialog alone: what stands between the corners of its frame."""
    lines = screen.split("\n")
    top = next(line for line in lines if "┌" in line)
    left, right = top.index("┌"), top.index("┐") + 1
    return "\n".join(line[left:right] for line in lines if line[left : left + 1] in "┌│└" and line[left:right].strip())


def compare(name: str, size: tuple[int, int], screen: str, folder: Path = FOLDER) -> None:
    """The screen equals the file of its name and size."""
    file = folder / f"{name}-{size[0]}x{size[1]}.txt"
    text = "\n".join(line.rstrip() for line in screen.split("\n")).rstrip("\n") + "\n"
    if os.environ.get("IOP_TUI_GOLDENS") == "write":
        folder.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    assert file.read_text("utf-8") == text, f"{file.name} differs:\n{text}"
