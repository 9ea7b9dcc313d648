"""Commands at a terminal: secrets are asked for in plain lines and never echo."""

from __future__ import annotations

import base64
import re
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from iop_tui.kernel.secret import Secret
from iop_tui.vault.totp import code_at
from tests.support.processes.command import Site
from tests.tui.terminal import Terminal

PHRASE = "velvet orchard ninety lantern"


def _program(*words: str) -> list[str]:
    return [sys.executable, "-m", "iop_tui", *words]


def test_first_set_up(tmp_path: Path) -> None:
    with Terminal(_program("init", "--vault", str(tmp_path / "v")), cols=120, rows=70) as terminal:
        terminal.wait_for("Your name").type("Nadia").press("<enter>")
        terminal.wait_for("New passphrase").type(PHRASE).press("<enter>")
        terminal.wait_for("The same again").type("something else here").press("<enter>")
        terminal.wait_for("They differ").type(PHRASE).press("<enter>")
        terminal.wait_for("The same again:\\s*$|again: $").type(PHRASE).press("<enter>")
        terminal.wait_for("An untested kit is no kit", timeout=60)
        screen = terminal.scrollback() + terminal.screen()
        uri = re.search(r"otpauth://\S+", screen)
        kit = re.search(r"\b(?:[0-9A-Z]{4}-){13}[0-9A-Z]{4}\b", screen)
        assert uri is not None
        assert kit is not None
        seed = Secret(base64.b32decode(parse_qs(urlsplit(uri[0]).query)["secret"][0]))
        terminal.wait_for("Code").type("123").press("<enter>").wait_for("wrong")
        terminal.type(code_at(seed, int(time.time()))).press("<enter>")
        terminal.wait_for("Recovery kit:").type(kit[0]).press("<enter>")
        terminal.wait_for("The vault is ready")
        assert terminal.wait_exit() == 0
        assert PHRASE not in terminal.scrollback() + terminal.screen()
        assert terminal.modes_left() == []


def test_a_command_asks_and_a_demo_shows_its_code(site: Site) -> None:
    words = _program("list", "people", "--vault", str(site.path), "--user", "Dana Example")
    with Terminal(words, cols=120, rows=50) as terminal:
        phrase = str(site.secrets("Dana Example")[0]["passphrase"])
        terminal.wait_for("Passphrase:").type(phrase).press("<enter>")
        terminal.wait_for(r"Code of this demo user now: \d{6}")
        shown = re.search(r"now: (\d{6})", terminal.screen())
        assert shown is not None
        terminal.wait_for("Code:").type(shown[1]).press("<enter>")
        terminal.wait_for("last note", timeout=30)
        assert terminal.wait_exit() == 0
        assert terminal.modes_left() == []


def test_cancelling_leaves_a_clean_line(site: Site) -> None:
    words = _program("list", "people", "--vault", str(site.path), "--user", "Dana Example")
    with Terminal(words, cols=100, rows=40) as terminal:
        terminal.wait_for("Passphrase:").type("half a phrase").press("<ctrl+c>")
        assert terminal.wait_exit() == 130
        assert "half a phrase" not in terminal.screen()
        assert terminal.modes_left() == []

def test_the_kit_of_a_new_user_is_shown_to_them_and_cleared(site: Site) -> None:
    words = _program("users", "add", "Uma New", "--role", "biller", "--vault", str(site.path), "--user", "Alex Founder")
    with Terminal(words, cols=120, rows=50) as terminal:
        phrase = str(site.secrets("Alex Founder")[0]["passphrase"])
        terminal.wait_for("Passphrase:").type(phrase).press("<enter>")
        terminal.wait_for(r"Code of this demo user now: \d{6}")
        shown = re.search(r"now: (\d{6})", terminal.screen())
        assert shown is not None
        terminal.wait_for("Code:").type(shown[1]).press("<enter>")
        terminal.wait_for("typed by them", timeout=30).type(PHRASE).press("<enter>")
        terminal.wait_for("The same again").type(PHRASE).press("<enter>")
        terminal.wait_for("Press Enter to clear the screen", timeout=30)
        kit = re.search(r"\b(?:[0-9A-Z]{4}-){13}[0-9A-Z]{4}\b", terminal.screen())
        assert kit is not None
        terminal.press("<enter>")
        assert terminal.wait_exit() == 0
        left = terminal.screen()
        assert kit[0] not in left
        assert "otpauth://" not in left
        assert "Uma New" in left
        assert terminal.modes_left() == []
