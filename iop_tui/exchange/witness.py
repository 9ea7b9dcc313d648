"""What carriers showed before and what others say they brought there: who goes back, or shows two faces, is named.

Two marks are kept beside the packs, as hints: the newest head of each lane that a carrier ever showed here, and what
devices say in their heads they have brought to which carrier. A head on a carrier that is older than the first: it went
back. Older than the second only: it shows this device less than it was given; it lost that, or it shows each of us
something else. The second is learnt over another way (a stick, a folder), for a carrier with two consistent faces shows
nobody a contradiction. Nothing is decided by any of it: packs go on being taken from and brought to that carrier.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from iop_tui.exchange import packs
from iop_tui.exchange.heads import Head, Reader
from iop_tui.exchange.mirror import Mirror
from iop_tui.exchange.remotes import places
from iop_tui.exchange.remotes.places import PlaceRefused
from iop_tui.exchange.remotes.port import Remote
from iop_tui.kernel.canonical import decode, encode, joined
from iop_tui.kernel.errors import IopError
from iop_tui.vault.digest import sha256

_HEADS, _CLAIMS, _VISITS = "heads", "claims", "visits"
_EVERYWHERE = ""
_CARRIER, _MOST_VISITS = 8, 6
Heads = Mapping[bytes, Head | None]
"""The heads a carrier shows, by lane; None for one that is there and cannot be read."""


@dataclass(frozen=True, slots=True)
class Less:
    """A carrier shows less of a device than it was given: packs up to `shown` (-1: none) instead of up to `given`.
    `at_ms`: when the newest head was made that it shows, 0 for none. `name`: the device's, for people.
    """

    name: str
    device: bytes
    lane: bytes
    shown: int
    given: int
    at_ms: int = 0


@dataclass(slots=True)
class Faces:
    """What a carrier shows against what is known of it. `back`: older than it showed this device before. `two`: older
    than another device says it brought there.
    """

    back: list[Less] = field(default_factory=list)
    two: list[Less] = field(default_factory=list)

    @property
    def back_to_ms(self) -> int:
        """The time of the newest head it still shows, of those that went back; 0 where it shows none of them."""
        return max((item.at_ms for item in self.back), default=0)


def identity(place: str) -> bytes:
    """The id under which devices speak of one carrier: its address. Empty for folders, which each device sees under
    another name.
    """
    try:
        found = places.parse(place)
    except PlaceRefused:
        return b""
    address = joined("cwx/carrier", found.origin, found.bucket, found.prefix)
    return sha256(address)[:_CARRIER] if found.remote else b""


def shown(reader: Reader, remote: Remote) -> dict[bytes, Head | None]:
    """The heads on a carrier. What is torn, foreign, forged or sealed under a key to come is None."""
    found = {packs.head_lane(name): remote.get(name) for name in remote.heads()}
    return {lane: reader.head(lane, data) for lane, data in found.items() if data is not None}


def confirmed(reader: Reader, remote: Remote, mirror: Mirror, place: str, heads: Heads) -> dict[bytes, Head | None]:
    """Heads as a survey knows them, asked for again where they contradict what is known of the carrier: over a network
    a survey asks only for those it was told are new.
    """
    faces = compare(mirror, place, heads)
    again = {less.lane: remote.get(packs.head_name(less.lane)) for less in (*faces.back, *faces.two)}
    found = {lane: head for lane, head in heads.items() if lane not in again}
    return found | {lane: reader.head(lane, data) for lane, data in again.items() if data is not None}


def compare(mirror: Mirror, place: str, heads: Heads, name: Callable[[bytes], str] = packs.text) -> Faces:
    """What the heads of a carrier say of it; `name` gives the name of a device."""
    faces = Faces()
    before = _load(mirror, place, _HEADS)
    for (device, lane), given in before.items():
        less = _less(heads, name(device), device, lane, given)
        if less is not None:
            faces.back.append(less)
    gone = {item.lane for item in faces.back}
    claimed = _load(mirror, _EVERYWHERE, _CLAIMS + _text(identity(place))) if identity(place) else {}
    for (device, lane), given in claimed.items():
        less = _less(heads, name(device), device, lane, given)
        if less is not None and lane not in gone:
            faces.two.append(less)
    return faces


def _less(heads: Heads, name: str, device: bytes, lane: bytes, given: int) -> Less | None:
    if lane not in heads:
        return Less(name, device, lane, -1, given)
    head = heads[lane]
    return Less(name, device, lane, head.n, given, head.at_ms) if head is not None and head.n < given else None


def learn(mirror: Mirror, place: str, heads: Heads) -> None:
    """Remember the heads a carrier shows now, so that a step back is told once, and what their devices say of other
    carriers, which is told as long as it does not fit.
    """
    read = [head for head in heads.values() if head is not None]
    before = {key: n for key, n in _load(mirror, place, _HEADS).items() if heads.get(key[1], 0) is None}
    _keep(mirror, place, _HEADS, {**before, **{(head.device, head.lane): head.n for head in read}})
    claims: dict[bytes, dict[tuple[bytes, bytes], int]] = {}
    for head in read:
        for carrier, n in read_visits(head.visits).items():
            claims.setdefault(carrier, {})[(head.device, head.lane)] = n
    for carrier, found in claims.items():
        _raise(mirror, _EVERYWHERE, _CLAIMS + _text(carrier), found)


def visits(mirror: Mirror, place: str, lane: bytes, n: int) -> bytes:
    """What this device's next head says: where it has brought its whole lane, `place` up to `n` among it."""
    found = {carrier: up_to for (carrier, one), up_to in _load(mirror, _EVERYWHERE, _VISITS).items() if one == lane}
    if identity(place):
        found[identity(place)] = n
    newest = sorted(found.items(), key=lambda item: -item[1])[:_MOST_VISITS]
    return b"".join(carrier + up_to.to_bytes(4, "big") for carrier, up_to in sorted(newest))


def read_visits(data: bytes) -> dict[bytes, int]:
    """The carriers a head names, and up to which number its lane was brought there."""
    width = _CARRIER + 4
    parts = [data[at : at + width] for at in range(0, len(data) - width + 1, width)]
    return {part[:_CARRIER]: int.from_bytes(part[_CARRIER:], "big") for part in parts[:_MOST_VISITS]}


def note_visit(mirror: Mirror, place: str, head: Head, *, whole: bool) -> None:
    """Remember that the head was put on a carrier; `whole`: with everything it stands for."""
    _raise(mirror, place, _HEADS, {(head.device, head.lane): head.n})
    carrier = identity(place)
    if carrier and whole:
        _raise(mirror, _EVERYWHERE, _VISITS, {(carrier, head.lane): head.n})


# -- kept ----------------------------------------------------------------------------------

_Kept = tuple[tuple[bytes, bytes, int], ...]


def _text(carrier: bytes) -> str:
    return packs.text(carrier)[:12]


def _load(mirror: Mirror, place: str, what: str) -> dict[tuple[bytes, bytes], int]:
    try:
        return {(one, other): n for one, other, n in decode(mirror.hint(place, what), _Kept)}
    except IopError:
        return {}  # never written, or by another version


def _raise(mirror: Mirror, place: str, what: str, found: Mapping[tuple[bytes, bytes], int]) -> None:
    before = _load(mirror, place, what)
    _keep(mirror, place, what, {**before, **{key: max(n, before.get(key, -1)) for key, n in found.items()}})


def _keep(mirror: Mirror, place: str, what: str, found: Mapping[tuple[bytes, bytes], int]) -> None:
    mirror.keep_hint(place, what, encode(tuple((one, other, n) for (one, other), n in sorted(found.items()))))
