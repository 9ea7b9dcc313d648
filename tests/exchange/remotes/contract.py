"""What every carrier must do, as functions that a test calls with a way to open one (`Opens`).

`open_(realm)` opens the same place again, as another device or after a restart would. Nothing here assumes more than
the exchange relies on: what a carrier does besides is in its `Capabilities`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from iop_tui.exchange import packs
from iop_tui.exchange.remotes.port import Capabilities, OtherProgram, Remote
from iop_tui.kernel.rng import SeededRng
from iop_tui.vault.digest import sha256

REALM, OTHER = b"r" * 16, b"o" * 16
LANE, SECOND = b"l" * 16, b"m" * 16
HEAD = packs.head_name(LANE)
PART = f"b/{'k' * 2}/{'k' * 50}aa"
RNG = SeededRng(7)


@dataclass(frozen=True)
class Opens:
    """How to open a carrier, and what it is known to do. `whole`: it takes every name, not packs alone."""

    open_: Callable[[bytes | None], Remote]
    able: Capabilities
    whole: bool = True


def pack(size: int = 3000, n: int = 0, lane: bytes = LANE) -> tuple[str, bytes]:
    """Bytes and the name they get; nothing looks into them here."""
    data = RNG.token(size)
    return packs.name_of(lane, n, sha256(data)), data


def put(carrier: Opens, *items: tuple[str, bytes]) -> None:
    """Put objects as one device does."""
    remote = carrier.open_(REALM)
    for name, data in items:
        remote.put(name, data)
    remote.close()


def whole_objects(carrier: Opens) -> None:
    """What was put is there, byte for byte, for everybody who opens the carrier later."""
    items = [pack(size, n) for n, size in enumerate((1, 700, 16 * 1024, 200_000))]
    put(carrier, *items)
    remote = carrier.open_(REALM)
    for name, data in items:
        assert remote.get(name) == data
        assert remote.size(name) == len(data)


def from_a_start_on(carrier: Opens) -> None:
    """A get that was cut goes on behind what came."""
    name, data = pack(5000)
    put(carrier, (name, data))
    remote = carrier.open_(REALM)
    assert remote.get(name, 1) == data[1:]
    assert remote.get(name, 4999) == data[4999:]
    assert remote.get(name, 5000) == b""


def nothing_there(carrier: Opens) -> None:
    """A name that nobody put is no failure."""
    name, _ = pack()
    remote = carrier.open_(REALM)
    assert remote.get(name) is None
    assert remote.get(name, 10) is None
    assert remote.look(name) is None
    assert remote.size(name) is None
    assert remote.names("e", ".req") == []
    assert remote.tags("h") == {}
    assert remote.heads() == []
    assert remote.wants() == set()


def lists_packs_only(carrier: Opens) -> None:
    """A listing names packs with their sizes; whatever else lies there is passed over."""
    first, second = pack(900), pack(40, 1, SECOND)
    put(carrier, first, second)
    if carrier.whole:
        put(carrier, (HEAD, b"head"), (PART, b"part"), ("p/notes.txt", b"holiday"), ("e/x.req", b"request"))
    remote = carrier.open_(REALM)
    assert remote.listing() == {first[0]: 900, second[0]: 40}
    assert remote.names(first[0].rpartition("/")[0]) == [first[0]]


def one_level(carrier: Opens) -> None:
    """Names of one folder, without those of the folders in it."""
    put(carrier, (PART, b"part"), ("e/a.req", b"1"), ("e/a.grt", b"2"), ("e/deep/b.req", b"3"), (HEAD, b"4"))
    remote = carrier.open_(REALM)
    assert remote.names("e") == ["e/a.grt", "e/a.req"]
    assert remote.names("e", ".req") == ["e/a.req"]
    assert remote.names(PART.rpartition("/")[0]) == [PART]
    assert remote.names("b") == []
    assert remote.heads() == [HEAD]
    assert list(remote.tags("h")) == [HEAD]


def heads_change(carrier: Opens) -> None:
    """The one name whose bytes change: the newest count, also when they have the same size within one second."""
    put(carrier, (HEAD, b"a" * 100))
    remote = carrier.open_(REALM)
    seen = remote.look(HEAD)
    assert seen is not None
    assert seen.data == b"a" * 100
    same = remote.look(HEAD, seen.tag)
    assert same is not None
    assert same.data == (None if carrier.able.unchanged or not carrier.able.remote else b"a" * 100)
    for letter in (b"b", b"c"):
        put(carrier, (HEAD, letter * 100))
        fresh = remote.look(HEAD, seen.tag)
        assert fresh is not None
        assert fresh.data == letter * 100
    assert remote.get(HEAD) == b"c" * 100
    tag = remote.tags("h")[HEAD]
    assert bool(tag) == (carrier.able.unchanged or not carrier.able.remote)
    if tag:
        assert tag != seen.tag
        again = remote.look(HEAD)
        assert again is not None
        assert again.tag == tag


def mends(carrier: Opens) -> None:
    """A pack that is put again is whole afterwards, whatever lay under its name."""
    name, data = pack(2000)
    put(carrier, (name, data[:700]))
    put(carrier, (name, data))
    put(carrier, (name, data))
    assert carrier.open_(REALM).get(name) == data


def notes_of_damage(carrier: Opens) -> None:
    """A note that a pack is damaged is seen by others and taken away once."""
    name, _ = pack()
    first = carrier.open_(REALM)
    first.want(name)
    first.want(name)
    second = carrier.open_(REALM)
    assert second.wants() == {name}
    second.granted(name)
    second.granted(name)
    assert first.wants() == set()


def nothing_left_over(carrier: Opens) -> None:
    """Temporary files are gone when a put ends well."""
    put(carrier, pack(), pack(), (HEAD, b"1"), (HEAD, b"2"))
    assert carrier.open_(REALM).names("t") == []


def one_program(carrier: Opens) -> None:
    """Another program is refused; a device without one may leave a request."""
    put(carrier, pack())
    with pytest.raises(OtherProgram):
        carrier.open_(OTHER)
    stranger = carrier.open_(None)
    stranger.put("e/new.req", b"request")
    assert carrier.open_(REALM).get("e/new.req") == b"request"


EVERY = (whole_objects, from_a_start_on, nothing_there, lists_packs_only)
WHOLE = (one_level, heads_change, mends, notes_of_damage, nothing_left_over, one_program)
Check = Callable[[Opens], None]
