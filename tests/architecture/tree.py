"""The repository as the checks see it: files without git, modules as syntax trees."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "iop_tui"

_LEFT_OUT = {"__pycache__", ".git", ".venv", "build", "dist", "htmlcov"}
_BINARY = {".gz", ".png", ".zip", ".pyc", ".db", ".bin", ".dict"}


@cache
def files() -> tuple[Path, ...]:
    """Every file that belongs to the repository, in a stable order."""
    found: list[Path] = []
    for folder, names, here in os.walk(ROOT):
        names[:] = sorted(name for name in names if name not in _LEFT_OUT and not _is_cache(name))
        found += (Path(folder) / name for name in sorted(here))
    return tuple(found)


def _is_cache(name: str) -> bool:
    return (name.startswith(".") and name.endswith(("_cache", "hypothesis"))) or name.endswith(".egg-info")


def texts() -> Iterator[tuple[str, str]]:
    """Path relative to the root and text of every text file."""
    for path in files():
        if path.suffix not in _BINARY:
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8", errors="surrogateescape")


def sources(*folders: str) -> tuple[Path, ...]:
    """The Python files below the given folders of the repository."""
    wanted = tuple(ROOT / folder for folder in folders)
    return tuple(p for p in files() if p.suffix == ".py" and any(p.is_relative_to(folder) for folder in wanted))


@cache
def parse(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def module_name(path: Path) -> str:
    """`iop_tui.store.views.view` for iop_tui/store/views/view.py."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def place(path: Path, line: int = 0) -> str:
    """`iop_tui/store/views/view.py:12`, as editors understand it."""
    shown = path.relative_to(ROOT).as_posix()
    return f"{shown}:{line}" if line else shown


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every imported module (absolute name; `from a import b` gives `a.b`) with its line."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{base}.{alias.name}", node.lineno
