"""What every test stands on: a home of its own, one time zone, no animations, counts that scale.

`--order` runs the tests of each file in another order, for every test stands by itself: workers share out a file.
`-m nightly` selects the nightly tests and every test that asks for `scale`, which then gets full counts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, settings

# Read when Textual is imported, which some test modules do while they are collected.
os.environ["TEXTUAL_ANIMATIONS"] = "none"

_FOREIGN = (
    "IOP_TUI_VAULT", "NO_COLOR", "SSH_CONNECTION", "SSH_TTY", "TMUX", "COLUMNS", "LINES", "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY", "WAYLAND_DISPLAY", "PYTHONINSPECT", "PYTHONSTARTUP", "PYTHONBREAKPOINT", "TEXTUAL", "TEXTUAL_LOG",
)  # fmt: skip

# Daylight saving like the east of the United States, spelled out: works without a time zone database.
# Not UTC, so that a local date taken for a UTC date shows.
_TIME_ZONE = "EST5EDT,M3.2.0,M11.1.0"

settings.register_profile(
    "default", max_examples=50, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.register_profile(
    "nightly", max_examples=2_000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip

Scale = Callable[[int, int], int]


def _is_nightly(config: pytest.Config) -> bool:
    expression = str(config.getoption("markexpr", ""))
    return "nightly" in expression and "not nightly" not in expression


def pytest_addoption(parser: pytest.Parser) -> None:
    sizes = ["small", "clinic", "large"]
    parser.addoption("--order", metavar="reverse|SEED", help="run tests backwards, or shuffle each file by a seed")
    parser.addoption("--demo-size", default="clinic", choices=sizes, help="the vault that benchmarks measure on")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("nightly" if _is_nightly(config) else "default")


def _order(items: list[pytest.Item], order: str | None) -> None:
    if order == "reverse":
        items.reverse()
    elif order:
        drawn = {item: sha256(f"{order} {item.nodeid}".encode()).digest() for item in items}
        items.sort(key=lambda item: (item.path, drawn[item]))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests with scaled counts belong to the default run and to the nightly run."""
    _order(items, config.getoption("order"))
    if not _is_nightly(config):
        return
    for item in items:
        if "scale" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.nightly)


@pytest.fixture(scope="session")
def scale(request: pytest.FixtureRequest) -> Scale:
    """`scale(full, default)`: the full count under `-m nightly`, else the default one."""
    nightly = _is_nightly(request.config)
    return lambda full, default: full if nightly else default


@pytest.fixture(scope="session", autouse=True)
def isolated_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the home, the keyring, the vault or the settings of whoever runs it."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in _FOREIGN:
            patch.delenv(name, raising=False)
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
            folder = home / name.lower()
            folder.mkdir(mode=0o700)
            patch.setenv(name, str(folder))
        patch.setenv("HOME", str(home))
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        patch.setenv("TZ", _TIME_ZONE)
        time.tzset()
        yield
    time.tzset()
