"""Every public name of the foundation says what it is: units, errors, source."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.tree import parse, place, sources

_FOUNDATION = tuple(f"iop_tui/{name}" for name in ("kernel", "vault", "store", "access", "exchange", "ui"))
_SHORT = 3  # a method of up to three lines may speak for itself

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _public(nodes: list[ast.stmt]) -> Iterator[Definition]:
    for node in nodes:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node


def _is_short(node: Definition) -> bool:
    return (node.end_lineno or node.lineno) - node.body[0].lineno < _SHORT


def _is_override(node: Definition) -> bool:
    return any(getattr(decorator, "id", "") == "override" for decorator in node.decorator_list)


def _missing(tree: ast.Module) -> Iterator[tuple[int, str]]:
    if tree.body and ast.get_docstring(tree) is None:
        yield 1, "the module"
    for node in _public(tree.body):
        if ast.get_docstring(node) is None:
            yield node.lineno, node.name
        if isinstance(node, ast.ClassDef):
            for method in _public(node.body):
                if ast.get_docstring(method) is None and not _is_short(method) and not _is_override(method):
                    yield method.lineno, f"{node.name}.{method.name}"


def _report(paths: Iterator[tuple[str, str]] | list[str]) -> str:
    return "without a docstring:\n" + "\n".join(map(str, paths))


def test_foundation() -> None:
    found = [
        f"{place(path, line)} {name}"
        for path in sources(*_FOUNDATION)
        if not (path.parent.name == "ui" and path.name.startswith("_"))
        for line, name in _missing(parse(path))
    ]
    assert not found, _report(found)


def test_use_cases() -> None:
    found = [
        f"{place(path, node.lineno)} {node.name}"
        for path in sources("iop_tui/clinical", "iop_tui/interchange")
        if path.name in {"service.py", "api.py", "model.py"}
        for node in _public(parse(path).body)
        if ast.get_docstring(node) is None
    ]
    assert not found, _report(found)
