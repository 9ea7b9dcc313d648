"""Each kind of install, into a fresh environment without a network: the code runs and finds its migrations."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

_BUILD = """
import sys
from hatchling.build import build_editable, build_wheel
print({"wheel": build_wheel, "editable": build_editable}[sys.argv[1]](sys.argv[2]))
"""
_REPORT = """
import iop_tui, pathlib
from iop_tui.store.migrations import folder, released
print(pathlib.Path(iop_tui.__file__).parent)
print(folder())
print(len(released()))
"""


def _run(*argv: str | Path) -> list[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_"))}
    done = subprocess.run([*map(str, argv)], cwd=ROOT, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def _pip() -> list[str]:
    """The environment's own pip, or that of the Python it was made from."""
    for python in (sys.executable, getattr(sys, "_base_executable", sys.executable)):
        if subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
            return [python, "-m", "pip"]
    raise RuntimeError("no pip here")


def _build(kind: str, folder: Path) -> Path:
    return folder / _run(sys.executable, "-c", _BUILD, kind, folder)[-1]


def _install(wheel: Path, folder: Path) -> Path:
    """A fresh environment with `wheel`; the packages it needs are those of the environment of the tests."""
    home = folder / "environment"
    _run(sys.executable, "-m", "venv", "--without-pip", home)
    python = home / "bin" / "python"
    _run(*_pip(), "--python", python, "install", "--quiet", "--no-index", "--no-deps", wheel)
    site = Path(_run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")[0])
    # A path file below a path file is not followed: this shows packages, not the installation under test.
    (site / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n" + sysconfig.get_path("platlib") + "\n")
    return python


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build("wheel", tmp_path_factory.mktemp("wheel"))


def test_wheel_holds_everything_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for path in (ROOT / "migrations").glob("*.sql"):
        assert f"iop_tui/_migrations/{path.name}" in names
    for path in (ROOT / "iop_tui").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert path.relative_to(ROOT).as_posix() in names
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"iop_tui"}


def test_wheel_install(wheel: Path, tmp_path: Path) -> None:
    python = _install(wheel, tmp_path)
    package, migrations, count = _run(python, "-I", "-c", _REPORT)
    assert Path(package).is_relative_to(tmp_path)
    assert Path(migrations) == Path(package) / "_migrations"
    assert int(count) == len(list((ROOT / "migrations").glob("*.sql")))
    assert _run(python.parent / "iop-tui", "--version")


def test_editable_install(tmp_path: Path) -> None:
    python = _install(_build("editable", tmp_path), tmp_path)
    package, migrations, count = _run(python, "-I", "-c", _REPORT)
    assert Path(package) == ROOT / "iop_tui"
    assert Path(migrations) == ROOT / "migrations"
    assert int(count) == len(list((ROOT / "migrations").glob("*.sql")))
    assert _run(python.parent / "iop-tui", "--version")
