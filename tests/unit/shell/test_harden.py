"""The parts of hardening that can be looked at without hardening the test run itself."""

from __future__ import annotations

import sys

import pytest

from iop_tui.kernel.errors import Usage
from iop_tui.shell.process import harden


def test_dangerous_variables_go_and_harmless_ones_stay() -> None:
    environment = {
        "PATH": "/bin", "TERM": "xterm", "PYTHONUTF8": "1", "PYTHONPATH": "x", "PYTHONDEVMODE": "1", "TEXTUAL": "x",
        "TEXTUAL_LOG": "x", "SSLKEYLOGFILE": "x", "KEYRING_PROPERTY_X": "1", "PYTHON_KEYRING_BACKEND": "x", "LANG": "C",
    }  # fmt: skip
    harden.clean_environment(environment)
    assert set(environment) == {"PATH", "TERM", "PYTHONUTF8", "LANG"}


def test_failures_name_type_and_place_never_the_text() -> None:
    def fail(canary: str) -> None:
        raise KeyError(canary)

    with pytest.raises(KeyError) as first:
        fail("first patient")
    with pytest.raises(KeyError) as second:
        fail("second patient")
    line = harden.failure_line(first.value)
    assert "patient" not in line
    assert "KeyError at " in line
    assert line == harden.failure_line(second.value)


def test_the_exception_hook_prints_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    harden.show_failure(ValueError, ValueError("a patient's name"), None)
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert "patient" not in shown


def test_windows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    harden.check_platform()
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(Usage) as refusal:
        harden.check_platform()
    assert "WSL" in refusal.value.hint


def test_every_control_has_evidence_and_a_citation() -> None:
    for control in harden.report():
        assert control.evidence
        assert control.citation.startswith("45 CFR 164.")
        assert set(control.as_dict()) == {"name", "ok", "evidence", "citation", "advice"}


def test_swap_on_a_plain_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"/proc/swaps": ["Filename Type Size", "/dev/sda9 partition 1", "/dev/dm-3 partition 1", "/dev/zram0 p 1"],
             "/sys/class/block/dm-3/dm/uuid": ["CRYPT-PLAIN-swap"]}  # fmt: skip
    monkeypatch.setattr(harden, "_lines", lambda path: files.get(path, []))
    control = next(control for control in harden.report() if control.name == "swap")
    assert not control.ok
    assert control.evidence == "/dev/sda9"


def test_nothing_comes_from_the_python_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["", "/evil/one", sys.prefix + "/lib/x", "/other"])
    harden._clean_import_path(f"/evil/one:{sys.prefix}/lib/x")
    assert sys.path == [sys.prefix + "/lib/x", "/other"]
