"""Secrets as JSON lines from a descriptor."""

from __future__ import annotations

import os
import pty
from collections.abc import Iterator

import pytest

from iop_tui.kernel.errors import Usage
from iop_tui.shell.process.secrets_fd import SecretsChannel


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for fd in (read, write):
        try:
            os.close(fd)
        except OSError:
            continue


def channel(pipe: tuple[int, int], text: str) -> SecretsChannel:
    os.write(pipe[1], text.encode())
    os.close(pipe[1])
    return SecretsChannel(pipe[0])


def test_several_keys_per_line_and_several_lines(pipe: tuple[int, int]) -> None:
    first, second = '{"passphrase": "one é", "totp": "123456"}', '{"passphrase": "two"}'
    secrets = channel(pipe, f'{first}\n\n{second}\n{{"shares": ["a", "b"]}}')
    assert secrets.take("passphrase") == "one é".encode()
    assert secrets.take("passphrase") == b"two"
    assert secrets.take_text("totp") == "123456"
    assert secrets.take_all("shares") == [b"a", b"b"]
    assert not secrets.has("kit")


def test_lines_are_read_only_as_needed(pipe: tuple[int, int]) -> None:
    secrets = SecretsChannel(pipe[0])
    os.write(pipe[1], b'{"passphrase": "one"}\n')
    assert secrets.take("passphrase") == b"one"
    os.write(pipe[1], b'{"totp": "1"}\n')
    assert secrets.take("totp") == b"1"


@pytest.mark.parametrize(
    "text",
    ["", '{"totp": "1"}\n', "not json\n", "[1]\n", '{"passphrase": 7}\n', '{"passphrase": []}\n', '{"pass": "x"}\n',
     '{"passphrase": ["a", 1]}\n', "x" * 70_000],
    ids=["nothing", "other", "not json", "list", "number", "empty list", "unknown", "mixed", "long"],
)  # fmt: skip
def test_what_is_refused(pipe: tuple[int, int], text: str) -> None:
    secrets = channel(pipe, text[:60_000]) if len(text) < 60_000 else _long(pipe, text)
    with pytest.raises(Usage) as refusal:
        secrets.take("passphrase")
    assert "x" * 20 not in refusal.value.message


def _long(pipe: tuple[int, int], text: str) -> SecretsChannel:
    import threading

    os.set_blocking(pipe[1], True)
    threading.Thread(target=os.write, args=(pipe[1], text.encode()), daemon=True).start()
    return SecretsChannel(pipe[0])


def test_a_closed_descriptor_and_a_terminal_are_refused(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    with pytest.raises(Usage):
        SecretsChannel(pipe[0])
    master, slave = pty.openpty()
    with pytest.raises(Usage):
        SecretsChannel(slave)
    os.close(master)
    os.close(slave)


def test_half_of_a_surrogate_pair_is_no_text(pipe: tuple[int, int]) -> None:
    with pytest.raises(Usage, match="must be a text"):
        channel(pipe, '{"passphrase": "\\ud800"}\n').take("passphrase")
