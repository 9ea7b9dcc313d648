"""A second device of the same program: request and grant over any carrier, compared by six words on both screens.

    request   the new device's public keys and a fresh number       e/<id>.req
    grant     what a device of the program must know, sealed to it   e/<id>.grt

Whoever brings the files may change them. The administrator types the words the new device shows, so the request is
the right one; the new device's user types the words the administrator's screen shows, which cover request and grant.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from iop_tui.exchange import cards, packs
from iop_tui.exchange.keys import DeviceKeys
from iop_tui.kernel.canonical import decode, encode, joined
from iop_tui.kernel.errors import Refused
from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret
from iop_tui.vault import hpke, words
from iop_tui.vault.forms import Slot

_INFO = "iop/enrol/1"
VERSION = 1


class WordsDiffer(Refused):
    """The six words are not those of the other screen: somebody may have changed what was carried."""

    code = "words_differ"
    default_hint = "Compare both screens again. If they really differ, use another carrier and tell your administrator."


class Request(msgspec.Struct, frozen=True, array_like=True):
    """What a new device asks with."""

    version: int
    device: bytes
    name: str
    sig_public: bytes
    enc_public: bytes
    number: bytes


class Grant(msgspec.Struct, frozen=True, array_like=True):
    """What a device of the program must know: the facts of the vault, devices, transport keys, key slots with pins."""

    version: int
    realm: bytes
    demo: bool
    facts: tuple[tuple[str, bytes], ...]
    cards: tuple[bytes, ...]
    keys: bytes
    slots: tuple[tuple[Slot, bytes], ...]


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device that asks: its secrets stay in memory until it belongs to the program."""

    request: Request
    seed: Secret
    keys: DeviceKeys

    @property
    def stored(self) -> bytes:
        """The request as it is carried."""
        return encode(self.request)

    @property
    def words(self) -> str:
        """What its screen shows."""
        return words.six_words(self.stored)


def ask(name: str, rng: Rng) -> NewDevice:
    """A new device with fresh keys."""
    device, seed = rng.token(16), Secret(rng.token(32))
    keys = DeviceKeys.of(device, seed)
    request = Request(VERSION, device, name, keys.signer.public, keys.box.public, rng.token(16))
    return NewDevice(request, seed, keys)


def request_name(device: bytes) -> str:
    """The name of a request on a carrier."""
    return f"e/{packs.text(device)}.req"


def grant_name(device: bytes) -> str:
    """The name of a grant on a carrier."""
    return f"e/{packs.text(device)}.grt"


def read_request(data: bytes) -> tuple[Request, str]:
    """A request and the words its device shows. Raises `VaultDamaged`, `Refused`."""
    request = decode(data, Request)
    sizes = (len(request.device), len(request.sig_public), len(request.enc_public), len(request.number))
    if request.version != VERSION or sizes != (16, 32, 32, 16):
        raise Refused("This request was made by another version of iop-tui.", "Update iop-tui on both devices.")
    return request, words.six_words(data)


def seal_grant(request: Request, grant: Grant) -> tuple[bytes, str]:
    """The grant as it is carried, and the words the administrator's screen shows."""
    stored = encode(request)
    sealed = hpke.seal(request.enc_public, joined(_INFO, stored), encode(grant))
    return sealed, words.six_words(joined(stored, sealed))


def open_grant(new: NewDevice, sealed: bytes, typed: str) -> Grant:
    """The grant for this device. Raises `WordsDiffer`, `WrongKey`, `VaultDamaged`."""
    if not words.same_words(typed, words.six_words(joined(new.stored, sealed))):
        raise WordsDiffer("These are not the words of the other device.")
    grant = decode(hpke.open_(new.keys.box.secret, joined(_INFO, new.stored), sealed), Grant)
    root = dict(grant.facts).get("root_public", b"")
    own = cards.directory(grant.cards, root).cards.get(new.request.device)
    if grant.version != VERSION or own is None or own.sig_public != new.request.sig_public:
        raise Refused("The grant is not for this device.", "Begin again on both devices.")
    return grant
