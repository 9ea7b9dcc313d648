"""Every kind of carrier does what the exchange relies on, and is known for what it does besides."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from iop_tui.exchange.mirror import Mirror
from iop_tui.exchange.remotes.apart.carrier import ApartRemote
from iop_tui.exchange.remotes.bundle import BundleRemote
from iop_tui.exchange.remotes.directory import DirectoryRemote
from iop_tui.exchange.remotes.objects import ObjectRemote
from iop_tui.exchange.remotes.port import LOCAL, Capabilities, Remote
from iop_tui.exchange.remotes.s3 import S3Remote
from iop_tui.exchange.remotes.webdav import WebDavRemote
from iop_tui.kernel.rng import SystemRng
from iop_tui.workspace import links
from tests.exchange.remotes.contract import (
    EVERY,
    REALM,
    WHOLE,
    Check,
    Opens,
    heads_change,
    lists_packs_only,
    one_program,
    whole_objects,
)
from tests.exchange.world.shelf import Shelf
from tests.support.network.servers import Served

MOTO = Capabilities(ranges=True, unchanged=True, lists=True, proves=True, remote=True, brief=True, swaps=True)
WSGIDAV = Capabilities(ranges=True, lists=True, remote=True)
"""Its tags are made of size and time in seconds: a head that changes twice within one second keeps its tag."""
Made = Callable[[str], Opens]


@pytest.fixture
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    """A carrier of a kind, empty."""

    def memory() -> Opens:
        shelf = Shelf()
        return Opens(lambda realm: shelf, LOCAL)

    def directory() -> Opens:
        return Opens(lambda realm: DirectoryRemote(tmp_path, realm, SystemRng()), LOCAL)

    def bundle() -> Opens:
        return Opens(lambda realm: BundleRemote(tmp_path / "all.cwx", realm or b"", SystemRng()), LOCAL, whole=False)

    def server(name: str, *, tls: bool) -> Opens:
        served: Served = request.getfixturevalue(name)
        place, credentials = served.place(served.fresh(), tls=tls), served.credentials
        kind = S3Remote if name == "s3" else WebDavRemote
        able = MOTO if name == "s3" else WSGIDAV

        def open_(realm: bytes | None) -> Remote:
            known = able if realm == REALM else None  # only who was here before knows what the server does
            return kind(place, credentials, realm, SystemRng(), able=known, ca=served.ca if tls else "")

        kind(place, credentials, REALM, SystemRng(), ca=served.ca if tls else "")  # claims the place
        return Opens(open_, able)

    kinds: dict[str, Callable[[], Opens]] = {
        "memory": memory, "directory": directory, "bundle": bundle,
        "s3": lambda: server("s3", tls=False), "s3-tls": lambda: server("s3", tls=True),
        "webdav": lambda: server("dav", tls=False), "webdav-tls": lambda: server("dav", tls=True),
    }  # fmt: skip
    return lambda kind: kinds[kind]()


KINDS = ("memory", "directory", "bundle", "s3", "webdav")
TREES = [
    (kind, check) for kind in KINDS for check in WHOLE if kind != "bundle" and (kind, check) != ("memory", one_program)
]


def _named(check: Check) -> str:
    return check.__name__


@pytest.mark.parametrize("check", EVERY, ids=_named)
@pytest.mark.parametrize("kind", KINDS)
def test_every_carrier(kind: str, check: Check, made: Made) -> None:
    check(made(kind))


@pytest.mark.parametrize(("kind", "check"), TREES, ids=lambda item: item if isinstance(item, str) else item.__name__)
def test_every_carrier_of_trees(kind: str, check: Check, made: Made) -> None:
    check(made(kind))


@pytest.mark.parametrize("check", [whole_objects, heads_change, lists_packs_only], ids=_named)
@pytest.mark.parametrize("kind", ["s3-tls", "webdav-tls"])
def test_the_same_behind_tls(kind: str, check: Check, made: Made) -> None:
    check(made(kind))


@pytest.mark.parametrize(("name", "able"), [("s3", MOTO), ("dav", WSGIDAV)])
def test_what_a_server_does_is_tried_not_assumed(name: str, able: Capabilities, request: pytest.FixtureRequest) -> None:
    """The matrix of what each server was seen to do; a probe leaves nothing behind."""
    served: Served = request.getfixturevalue(name)
    kind: type[ObjectRemote] = S3Remote if name == "s3" else WebDavRemote
    remote = kind(served.place(served.fresh()), served.credentials, REALM, SystemRng())  # type: ignore[call-arg, arg-type]
    assert remote.capabilities() == Capabilities(remote=True)
    assert remote.probe() == able
    assert remote.names("t") == []


def test_where_the_answer_proves_it_nothing_is_read_back(s3: Served) -> None:
    """One PUT where the server's tag was seen to be the hash of the bytes; PUT and GET where nothing was seen."""
    place = s3.place(s3.fresh())
    for able, expected in ((MOTO, ["PUT"]), (Capabilities(remote=True), ["PUT", "GET"])):
        remote = S3Remote(place, s3.credentials, REALM, SystemRng(), able=able)
        s3.log()
        remote.put("h/" + "a" * 26, b"head")
        assert [line.split()[0] for line in s3.log()] == expected


def test_a_swap_never_replaces_what_somebody_else_put(s3: Served) -> None:
    """Where conditions are heeded: by the tag that was seen, or where nothing was; else nothing changes."""
    remote = S3Remote(s3.place(s3.fresh()), s3.credentials, REALM, SystemRng(), able=MOTO)
    first = remote.swap("board", b"one", "")
    assert first
    assert remote.swap("board", b"two", "") is None
    second = remote.swap("board", b"two", first)
    assert second not in (None, first)
    assert remote.swap("board", b"three", first) is None
    assert remote.get("board") == b"two"
    assert remote.swap("elsewhere", b"four", first) is None


def test_opening_a_carrier_that_is_known_moves_nothing(s3: Served, dav: Served) -> None:
    for served, kind, able in ((s3, S3Remote, MOTO), (dav, WebDavRemote, WSGIDAV)):
        place = served.place(served.fresh())
        served.log()
        kind(place, served.credentials, REALM, SystemRng(), able=able).close()
        assert served.log() == []


def test_a_webdav_file_is_sent_beside_its_place(dav: Served) -> None:
    """Servers show a cut upload as a whole file: the place itself is never uploaded to."""
    remote = WebDavRemote(dav.place(dav.fresh()), dav.credentials, REALM, SystemRng(), able=WSGIDAV)
    dav.log()
    remote.put("h/" + "a" * 26, b"head")
    puts = [line.split()[1] for line in dav.log() if line.startswith("PUT ")]
    assert puts
    assert all("/cwx1/t/" in path for path in puts)


def test_what_a_broken_sending_left_behind_is_deleted(dav: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = dav.fresh()
    remote = WebDavRemote(dav.place(folder), dav.credentials, REALM, SystemRng(), able=WSGIDAV)

    def breaks(self: WebDavRemote, source: str, name: str, *, overwrite: bool) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(WebDavRemote, "_move", breaks)
        with pytest.raises(KeyboardInterrupt):
            remote.put("h/" + "a" * 26, b"head")
    assert len(remote.names("t")) == 1
    remote.close()
    assert remote.names("t") == []


def test_what_an_earlier_session_left_behind_is_deleted_and_nothing_of_others(dav: Served, tmp_path: Path) -> None:
    """How the names of a session begin is noted before one is used, and forgotten when all are known to be gone."""
    folder = dav.fresh()
    kept = links.Traces(Mirror(tmp_path, REALM, SystemRng()), "https://files.example/clinic")

    def opened() -> ApartRemote:
        return ApartRemote(dav.place(folder), dav.credentials, REALM, able=WSGIDAV, kept=kept)

    first = opened()
    assert kept.read() == ()
    first.put("h/" + "a" * 26, b"head")
    assert len(kept.read()) == 1
    begins = kept.read()[0]
    os.kill(first._child.pid, signal.SIGKILL)
    first.close()
    assert kept.read() == (begins,)
    for name in (f"{begins}-9.tmp", "other-1.tmp", "older.tmp"):
        (dav.root / folder / "cwx1" / "t" / name).write_bytes(b"cut")
    second = opened()
    second.put("h/" + "a" * 26, b"head again")
    assert len(kept.read()) == 2
    second.close()
    assert kept.read() == ()
    left = opened()
    assert left.names("t") == ["t/older.tmp", "t/other-1.tmp"]
    left.close()
