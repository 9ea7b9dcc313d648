"""Secrets of demo vaults: they follow from the vault's id and the user's name, so that nothing is stored and the prompt
can show them. A demo holds fictional people only and says so on every screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret
from iop_tui.shell.demo.cast import everyone
from iop_tui.vault import slots, totp
from iop_tui.vault.digest import derive
from iop_tui.vault.headfile import Header

_WORDS = 4
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Login:
    """A demo user and the passphrase everybody may know."""

    name: str
    roles: tuple[str, ...]
    passphrase: str


@cache
def _words() -> tuple[str, ...]:
    return tuple((files("iop_tui") / "data" / "demo" / "words.txt").read_text("utf-8").split())


def passphrase(vault_id: bytes, name: str) -> bytearray:
    """Four words, at least 15 characters."""
    picks = derive(vault_id, "iop/demo/passphrase/1", slots.name_tag(vault_id, name), size=_WORDS)
    return bytearray(" ".join(_words()[pick] for pick in picks).encode())


def totp_seed(vault_id: bytes, name: str) -> Secret:
    """The seed of a demo user's codes; any text is accepted as a name."""
    return Secret(derive(vault_id, "iop/demo/totp/1", slots.name_tag(vault_id, name), size=totp.SEED_BYTES))


def code(vault_id: bytes, name: str, unix_seconds: int) -> str:
    """The code of a demo user at a time."""
    return totp.code_at(totp_seed(vault_id, name), unix_seconds)


def user_secrets(vault_id: bytes, name: str, rng: Rng) -> slots.UserSecrets:
    """Fresh keys of a demo user with the codes that follow from the name."""
    fresh = slots.new_secrets(rng)
    return slots.UserSecrets(fresh.enc_seed, fresh.sig_seed, totp_seed(vault_id, name))


def logins(header: Header) -> list[Login]:
    """The users of a demo vault with their passphrases; empty for any other vault."""
    if not header.demo:
        return []
    known = {slot.name_tag for slot in header.slots}
    return [
        Login(member.name, member.roles, passphrase(header.vault_id, member.name).decode())
        for member in everyone()
        if slots.name_tag(header.vault_id, member.name) in known
    ]


def card_notes(header: Header) -> tuple[str, ...]:
    """Lines for the prompt: who there is to be, one or two of each kind of work."""
    found = logins(header)
    shown = found[1 : _SHOWN + 2]
    lines = [f"{login.name} ({', '.join(login.roles)}): {login.passphrase}" for login in shown]
    rest = len(found) - len(shown)
    return (*lines, *([f"and {rest} more"] if rest > 0 else []))
