"""What may import what, beyond the contracts in pyproject.toml."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import PACKAGE, ROOT, imports, module_name, parse, place, sources

# Pure code: no input or output, no clock, no randomness, no screen.
_PURE_STANDARD = {
    "__future__", "base64", "bisect", "calendar", "collections", "dataclasses", "datetime", "decimal", "enum",
    "fractions", "functools", "heapq", "itertools", "math", "operator", "re", "statistics", "string", "types", "typing",
    "unicodedata",
}  # fmt: skip
_PURE = _PURE_STANDARD | {"msgspec"}
_CLOCKS = {"now", "today", "utcnow", "time_ns", "monotonic"}

_HEAVY_AT_START = (
    "textual", "rich", "argon2", "cryptography", "sqlcipher3", "keyring", "msgspec", "asyncio", "obstore",
)  # fmt: skip


def _pure_files() -> list[Path]:
    named = {
        "store/order.py", "exchange/cards.py", "exchange/packs.py", "access/policy.py", "access/roles.py",
        "access/wall.py",
    }  # fmt: skip
    return [
        path
        for path in sources("iop_tui")
        if path.name == "model.py" or path.relative_to(PACKAGE).as_posix() in named
    ]


def _is_pure_import(name: str) -> bool:
    if name.startswith("iop_tui."):
        if name.startswith(("iop_tui.store.rows", "iop_tui.store.order")):
            return True  # values and functions of values
        return ".service" not in name and ".screens" not in name and ".store" not in name
    return name.split(".")[0] in _PURE


def test_models_and_policy_are_pure() -> None:
    found = []
    for path in _pure_files():
        found += [f"{place(path, line)} imports {name}" for name, line in imports(path) if not _is_pure_import(name)]
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CLOCKS:
                found.append(f"{place(path, node.lineno)} reads a clock: .{node.func.attr}()")
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"open", "print"}:
                found.append(f"{place(path, node.lineno)} does input or output: {node.func.id}()")
    assert not found, "\n".join(found)


def _slices() -> dict[str, list[Path]]:
    grouped: dict[str, list[Path]] = {}
    for path in sources("iop_tui/clinical"):
        grouped.setdefault(path.relative_to(PACKAGE / "clinical").with_suffix("").parts[0], []).append(path)
    grouped.pop("__init__", None)
    return grouped


def _uses() -> dict[str, set[str]]:
    """Which slice imports which, refusing on the way everything but `api`."""
    slices, found = _slices(), []
    uses: dict[str, set[str]] = {}
    for name, paths in slices.items():
        uses[name] = set()
        for path in paths:
            for imported, line in imports(path):
                parts = imported.split(".")
                if parts[:2] != ["iop_tui", "clinical"] or len(parts) < 3 or parts[2] in (name, "__init__"):
                    continue
                uses[name].add(parts[2])
                is_folder = (PACKAGE / "clinical" / parts[2]).is_dir()
                if is_folder and parts[3:4] != ["api"]:
                    found.append(f"{place(path, line)} imports {imported}")
    assert not found, "a slice is used through its api.py only:\n" + "\n".join(found)
    return uses


def test_slices_use_each_other_through_api_and_without_cycles() -> None:
    uses = _uses()
    while uses:
        free = [name for name, used in uses.items() if not used & uses.keys()]
        assert free, f"slices import each other in a circle: {sorted(uses)}"
        for name in free:
            del uses[name]


def _run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _headless() -> list[str]:
    skipped = ("iop_tui.ui", "iop_tui.shell", "iop_tui.__main__", "iop_tui.data")
    return [
        name
        for name in map(module_name, sources("iop_tui"))
        if not name.startswith(skipped) and ".screens" not in name
    ]


def test_services_models_and_everything_below_load_no_textual() -> None:
    code = (
        "import importlib, sys\n"
        f"for name in {_headless()!r}:\n"
        "    importlib.import_module(name)\n"
        "    if 'textual' in sys.modules:\n"
        "        print(name)\n"
        "        break\n"
    )
    assert _run(code) == "", "importing this module loads Textual"


def test_the_command_line_starts_without_anything_heavy() -> None:
    loaded = _run(f"import sys, iop_tui.cli; print(*[n for n in {_HEAVY_AT_START!r} if n in sys.modules])")
    assert loaded == ""


def test_who_exchanges_over_a_stick_never_loads_what_speaks_to_servers() -> None:
    modules = "iop_tui.workspace.exchanging, iop_tui.exchange.remotes.s3, iop_tui.exchange.remotes.webdav"
    assert _run(f"import sys, {modules}; print('obstore' if 'obstore' in sys.modules else '')") == ""


@pytest.mark.parametrize(
    "module", ["iop_tui.shell.process.parent", "iop_tui.shell.process.prompt", "iop_tui.vault.glance"]
)
def test_what_runs_before_the_first_key_loads_nothing_heavy(module: str) -> None:
    loaded = _run(f"import sys, {module}; print(*[n for n in {_HEAVY_AT_START!r} if n in sys.modules])")
    assert loaded == ""
