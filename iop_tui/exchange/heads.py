"""Heads: what a device says of its own lane, small enough to be asked at every exchange. A hint, never an authority.

    file     "CWX1" | key number u32 | sealed(TK, inner)
    inner    u32 length | canonical(head bytes, signature) | zeros up to 400 bytes
    recent   up to 8 entries, the newest pack first: 17 bytes of its hash (its name's check), its size in 3 bytes

With a head a reader knows the names of a lane's last packs and the bytes of the whole lane, so it lists nothing; with
`counter`, which only grows, it notices a carrier that went back. Format 1 named the last pack alone and is still read.
"""

from __future__ import annotations

import msgspec

from iop_tui.exchange import packs
from iop_tui.exchange.cards import ACTIVE
from iop_tui.exchange.ledger import Ledger
from iop_tui.exchange.packs import Name
from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import IopError, NeedsNewer
from iop_tui.kernel.secret import Secret
from iop_tui.store.order import PackEntry
from iop_tui.vault import envelope, signing

CONTEXT = "cwx/head/1"
KEPT = 8
"""So many of a lane's last packs are named; whoever is further behind follows what each pack says came before it."""
_CHECK, _SIZE, _HASH = 17, 3, 32
_INNER = 400
_FORMAT = 2
_OF_FIRST = b"\x96"
"""How the canonical form of format 1 begins: an array of six."""


class _First(msgspec.Struct, frozen=True, array_like=True):
    device: bytes
    lane: bytes
    n: int
    hash: bytes
    packs: int
    at_ms: int


class Head(msgspec.Struct, frozen=True, array_like=True):
    """Where a lane stands: its last pack `n`, `counter` of the device's log, `packs` it knows of, `total` bytes of the
    lane, how many packs it `asks` others to bring again, when (ms), `recent`, see above, and `visits`: where the device
    has brought its whole lane (`witness.read_visits`).
    """

    format: int
    device: bytes
    lane: bytes
    n: int
    counter: int
    packs: int
    total: int
    asks: int
    at_ms: int
    recent: bytes
    visits: bytes = b""

    def named(self) -> dict[str, int]:
        """Names of the lane's last packs and their sizes in bytes, the newest first; 0 for a size that is not told."""
        width, found = _CHECK + _SIZE, {}
        for at in range(min(len(self.recent) // width, self.n + 1)):
            item = self.recent[at * width : (at + 1) * width]
            name = packs.name_of(self.lane, self.n - at, item[:_CHECK])
            found[name] = int.from_bytes(item[_CHECK:], "big")
        return found


class _Signed(msgspec.Struct, frozen=True, array_like=True):
    head: bytes
    signature: bytes


def make(lane: list[PackEntry], *, counter: int, known: int, asks: int, visits: bytes = b"") -> Head:
    """The head of a lane, whose packs are given in order."""
    last = lane[-1]
    recent = b"".join(
        entry.hash[:_CHECK] + (entry.size if entry.size < 1 << 8 * _SIZE else 0).to_bytes(_SIZE, "big")
        for entry in reversed(lane[-KEPT:])
    )
    total = sum(entry.size for entry in lane)
    return Head(_FORMAT, last.device, last.lane, last.n, counter, known, total, asks, last.clock_ms, recent, visits)


def seal(head: Head, realm: bytes, signer: signing.SigningKey, *, key: Secret, number: int, salt: bytes) -> bytes:
    """The bytes of a head: signed, sealed, always of one size."""
    stored = encode(head)
    signed = encode(_Signed(stored, signer.sign(CONTEXT, stored)))
    inner = (len(signed).to_bytes(4, "big") + signed).ljust(_INNER, b"\0")
    return packs.sealed_file(CONTEXT, realm, inner, key=key, number=number, salt=salt)


def unseal(data: bytes, realm: bytes, key: Secret) -> tuple[Head, bytes, bytes]:
    """A head, its stored bytes and signature. Raises what `packs.open_pack` raises."""
    number = packs.key_number(data)
    inner = envelope.open_raw(key, CONTEXT, packs.place(realm, number), data[packs.HEADER :])
    signed = decode(inner[4 : 4 + int.from_bytes(inner[:4], "big")], _Signed)
    return _read(signed.head), signed.head, signed.signature


def _read(stored: bytes) -> Head:
    if stored[:1] == _OF_FIRST:
        old = decode(stored, _First)
        recent = old.hash[:_CHECK] + bytes(_SIZE)
        return Head(1, old.device, old.lane, old.n, old.n, old.packs, 0, 0, old.at_ms, recent)
    head = decode(stored, Head)
    if head.format != _FORMAT:
        raise NeedsNewer("A head was made by a newer version of iop-tui.", "Update iop-tui.")
    return head


class Reader:
    """Opens heads and looks which pack came before another one, with the keys of this copy."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._owners = {entry.lane: entry.device for entry in ledger.entries.values()}

    @property
    def own(self) -> bytes:
        """The present lane of this device, empty before its first pack."""
        return self._ledger.lane

    def head(self, lane: bytes, data: bytes) -> Head | None:
        """The head of a lane, or None where it is torn, forged, another lane's, or of a device not known (yet)."""
        try:
            key = self._ledger.transport.get(packs.key_number(data))
            head, stored, signature = unseal(data, self._ledger.session.realm, key)
            card = self._ledger.devices.cards.get(head.device)
            if card is None or head.lane != lane or self._owners.get(lane, head.device) != head.device:
                return None
            signing.verify(card.sig_public, CONTEXT, stored, signature)
        except IopError:
            return None
        return head

    def before(self, name: Name, data: bytes) -> str | None:
        """The name of the pack before a pack in its lane, or None for the first one and where it cannot be opened."""
        try:
            key = self._ledger.transport.get(packs.key_number(data))
            body = packs.open_pack(data, self._ledger.session.realm, key).body
        except IopError:
            return None
        return packs.name_of(name.lane, name.n - 1, body.prev) if name.n and len(body.prev) == _HASH else None

    def unknown(self, lane: bytes) -> bool:
        """Whether no pack of a lane was taken in yet."""
        return lane not in self._owners

    def heard(self) -> set[bytes]:
        """The lanes of which packs were taken in, and the own one."""
        return {*self._owners, self.own} - {b""}

    def unheard(self) -> bool:
        """Whether some device in use was never heard of: its lane is not known."""
        heard = set(self._owners.values()) | {self._ledger.device.device}
        return any(card.status == ACTIVE and device not in heard for device, card in self._ledger.devices.cards.items())

    def lanes(self) -> set[bytes]:
        """The lanes that grow, as far as this copy knows: the last one of each device that is in use."""
        last: dict[bytes, PackEntry] = {}
        for entry in self._ledger.entries.values():
            known = last.get(entry.device)
            if known is None or (entry.clock_ms, entry.n) > (known.clock_ms, known.n):
                last[entry.device] = entry
        cards = self._ledger.devices.cards
        active = {device for device, card in cards.items() if card.status == ACTIVE}
        return {entry.lane for device, entry in last.items() if device in active} | ({self.own} - {b""})
