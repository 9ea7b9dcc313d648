"""What gets installed is pinned by hash, names no host, and fits pyproject.toml."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.architecture.tree import ROOT

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)(?P<marker> ;[^\\]*)? \\$")
_FILES = ("requirements.txt", "requirements-dev.txt")


def _lines(name: str) -> list[str]:
    return (ROOT / ".ci" / name).read_text("utf-8").splitlines()


def _pins(name: str) -> dict[str, Version]:
    matches = filter(None, map(_PIN.match, _lines(name)))
    return {canonicalize_name(match["name"]): Version(match["version"]) for match in matches}


@pytest.mark.parametrize("name", _FILES)
def test_every_line_is_a_pin_or_a_hash_of_it(name: str) -> None:
    lines = _lines(name)
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if _PIN.match(line):
            assert following.startswith("    --hash=sha256:"), line
        else:
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?", line), line


@pytest.mark.parametrize("name", _FILES)
def test_no_address_and_no_path(name: str) -> None:
    assert not [line for line in _lines(name) if "://" in line or "/" in line or "@" in line]


def _declared(extra: str = "") -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    build = project["build-system"]["requires"]
    more = project["project"]["optional-dependencies"][extra] if extra else []
    return [Requirement(text) for text in [*project["project"]["dependencies"], *build, *more]]


@pytest.mark.parametrize(("name", "extra"), [("requirements.txt", ""), ("requirements-dev.txt", "dev")])
def test_pins_fit_what_is_declared(name: str, extra: str) -> None:
    pins = _pins(name)
    for requirement in _declared(extra):
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_both_files_pin_the_same_versions() -> None:
    runtime, everything = _pins("requirements.txt"), _pins("requirements-dev.txt")
    assert runtime.items() <= everything.items()
