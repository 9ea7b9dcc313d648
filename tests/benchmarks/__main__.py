"""Runs the budgets and prints them: python -m tests.benchmarks [--size clinic] [--only typing] [--json FILE]"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import demo
from tests.benchmarks.budget import Budget, table
from tests.benchmarks.groups import GROUPS


def main() -> int:
    """Exit status 0 when every budget is met, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--size", default="clinic", choices=["small", "clinic", "large"])
    parser.add_argument("--only", action="append", choices=list(GROUPS), help="a group of rows; may be repeated")
    parser.add_argument("--keep", type=Path, help="folder for the demo vaults, used again by the next run")
    parser.add_argument("--json", type=Path, help="write the rows to this file, too")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="iop-budgets-") as name:
        rows = _measure(chosen.size, chosen.only or list(GROUPS), chosen.keep, Path(name))
    print(table(rows))
    if chosen.json:
        found = [{**dataclasses.asdict(row), "compared": row.compared, "met": row.met} for row in rows]
        chosen.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    return 0 if all(row.met for row in rows) else 1


def _measure(size: str, names: list[str], keep: Path | None, folder: Path) -> list[Budget]:
    base = keep or folder
    base.mkdir(parents=True, exist_ok=True)
    vault = demo.make(base, size)
    rows: list[Budget] = []
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        rows += GROUPS[name](vault, folder)
    return rows


if __name__ == "__main__":
    sys.exit(main())
