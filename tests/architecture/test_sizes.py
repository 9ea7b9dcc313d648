"""Sizes to stay near, and limits that nothing passes."""

from __future__ import annotations

import ast
import functools
import statistics
from collections import Counter
from pathlib import Path

from tests.architecture.tree import parse, place, sources

FILE_LIMIT, FILE_P90 = 600, 450
FUNCTION_LIMIT, FUNCTION_MEDIAN, FUNCTION_P90 = 80, 10, 35
CLASS_LIMIT, APP_LIMIT = 400, 300
FOLDER_NEAR = 15
FOLDER_LIMIT = 30

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _length(node: Function | ast.ClassDef) -> int:
    """Lines of a definition without its docstring."""
    total = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node, clean=False) is not None:
        total -= (first.end_lineno or first.lineno) - first.lineno + 1
    return total


@functools.cache
def _definitions(folder: str) -> list[tuple[int, str, ast.AST]]:
    return [
        (_length(node), f"{place(path, node.lineno)} {node.name}", node)
        for path in sources(folder)
        for node in ast.walk(parse(path))
        if isinstance(node, Function | ast.ClassDef)
    ]


def _lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def _p90(values: list[int]) -> float:
    return statistics.quantiles(values, n=10)[-1]


def test_files() -> None:
    sizes = [(_lines(path), place(path)) for path in sources("iop_tui", "tests")]
    assert not [entry for entry in sizes if entry[0] > FILE_LIMIT]
    assert _p90([size for size, name in sizes if name.startswith("iop_tui")]) <= FILE_P90


def test_functions() -> None:
    found = [(size, name) for size, name, node in _definitions("iop_tui") if isinstance(node, Function)]
    sizes = [size for size, _ in found]
    assert not [entry for entry in found if entry[0] > FUNCTION_LIMIT]
    assert statistics.median(sizes) <= FUNCTION_MEDIAN
    assert _p90(sizes) <= FUNCTION_P90, sorted(found, reverse=True)[:10]


def test_no_giant_classes() -> None:
    found = [(size, name) for size, name, node in _definitions("iop_tui") if isinstance(node, ast.ClassDef)]
    assert not [entry for entry in found if entry[0] > CLASS_LIMIT]
    assert not [entry for entry in found if entry[0] > APP_LIMIT and entry[1].endswith("App")]


def test_folders() -> None:
    counts = Counter(path.parent for path in sources("iop_tui") if path.name != "__init__.py")
    crowded = {place(folder): count for folder, count in counts.items() if count > FOLDER_LIMIT}
    assert not crowded, f"stay near {FOLDER_NEAR} modules a folder"
