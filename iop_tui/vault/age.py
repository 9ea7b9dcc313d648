"""The age file format (age-encryption.org/v1), for what leaves the vault: packets and sealed exports.

Recipients are public keys (`age1…` X25519, or an SSH public key line) or one passphrase. The format's own
tool opens every file. Nothing is written here: bytes in, bytes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import pyrage

from iop_tui.kernel.errors import InputRejected
from iop_tui.kernel.rng import Rng

WORDS: Final = 6
"""Six of 7,776 words are 77 bits; age's scrypt (2^18) makes each guess cost about a second."""

_LONGEST = 8192
_SSH = ("ssh-ed25519 ", "ssh-rsa ")
_HINT = "A recipient is an age key (age1…), an SSH public key (ssh-ed25519 …, ssh-rsa …), or the word passphrase."


class NoRecipient(InputRejected):
    """What was given as a recipient is none."""

    code = "no_recipient"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A public key that was understood. `text` is its one-line form, without an SSH comment."""

    text: str
    kind: str


def recipient(text: str) -> Recipient:
    """A recipient from its text. Raises `NoRecipient` for anything else, private keys among it."""
    line = " ".join(text.split())
    if line.upper().startswith(("AGE-SECRET-KEY", "-----BEGIN")):
        raise NoRecipient("This is a private key. Whoever sent it must make a new one and keep it.", _HINT)
    if not line or len(line) > _LONGEST:
        raise NoRecipient("This is no key that a packet can be encrypted to.", _HINT)
    kind = "ssh" if line.startswith(_SSH) else "age"
    plain = " ".join(line.split()[:2]) if kind == "ssh" else line
    _parsed(plain, kind)
    return Recipient(plain, kind)


def _parsed(line: str, kind: str) -> pyrage.x25519.Recipient | pyrage.ssh.Recipient:
    try:
        return pyrage.ssh.Recipient.from_str(line) if kind == "ssh" else pyrage.x25519.Recipient.from_str(line)
    except pyrage.RecipientError:
        raise NoRecipient("This is no key that a packet can be encrypted to.", _HINT) from None


def encrypt(content: bytes, recipients: Sequence[Recipient]) -> bytes:
    """`content` for the holders of any of these keys, in age's binary form. Raises `NoRecipient` for none."""
    if not recipients:
        raise NoRecipient("Nobody was named to encrypt to.", _HINT)
    sealed: bytes = pyrage.encrypt(content, [_parsed(item.text, item.kind) for item in recipients])
    return sealed


def encrypt_stream(content: Iterable[bytes], write: Callable[[bytes], object], recipients: Sequence[Recipient]) -> None:
    """`content`, taken piece by piece, for the holders of any of these keys; the sealed bytes go to `write` as they
    come, so that nothing is ever held as a whole. Raises `NoRecipient` for none, and whatever either end raises.
    """
    if not recipients:
        raise NoRecipient("Nobody was named to encrypt to.", _HINT)
    pipe = _Pipe(iter(content), write)
    try:
        pyrage.encrypt_io(pipe, pipe, [_parsed(item.text, item.kind) for item in recipients])
    except pyrage.EncryptError:
        if pipe.failure is None:
            raise
        raise pipe.failure from None


class _Pipe:
    """Both ends of a stream as the library wants them; what an end raises is kept, the library would flatten it."""

    def __init__(self, content: Iterator[bytes], write: Callable[[bytes], object]) -> None:
        self._content, self._write, self._rest = content, write, b""
        self.failure: Exception | None = None

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end."""
        try:
            while not self._rest:
                self._rest = next(self._content)
        except StopIteration:
            return b""
        except Exception as error:  # kept for the caller: the library hides what failed inside its stream
            self.failure = error
            raise
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece

    def write(self, piece: bytes) -> int:
        """Hand sealed bytes on."""
        try:
            self._write(piece)
        except Exception as error:  # kept for the caller: the library hides what failed inside its stream
            self.failure = error
            raise
        return len(piece)

    def flush(self) -> None:
        """Nothing is held back."""


def encrypt_with_passphrase(content: bytes, passphrase: str) -> bytes:
    """`content` for whoever knows the passphrase. Takes about a second: that is its protection."""
    sealed: bytes = pyrage.passphrase.encrypt(content, passphrase)
    return sealed


@cache
def _words() -> tuple[str, ...]:
    text = (files("iop_tui.data") / "wordlists" / "eff-long.txt").read_text(encoding="ascii")
    return tuple(line for line in text.split() if line)


def new_passphrase(rng: Rng, count: int = WORDS) -> str:
    """Random words joined by hyphens, for a passphrase that is read out over the telephone."""
    listed = _words()
    limit = (1 << 32) // len(listed) * len(listed)
    chosen: list[str] = []
    while len(chosen) < count:
        number = int.from_bytes(rng.token(4), "big")
        if number < limit:  # every word is equally likely
            chosen.append(listed[number % len(listed)])
    return "-".join(chosen)
