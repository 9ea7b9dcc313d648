"""Networks that lead out over a proxy alone: used where somebody named it, never by itself, and named when it fails."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from iop_tui.exchange.remotes import failures, places
from iop_tui.exchange.remotes.clients import Patience
from iop_tui.exchange.remotes.places import PlaceRefused, parse
from iop_tui.exchange.remotes.s3 import S3Remote
from iop_tui.kernel.canonical import encode
from iop_tui.kernel.rng import SystemRng
from iop_tui.workspace import carriers, exchanging
from tests.exchange.remotes.contract import HEAD, REALM
from tests.exchange.remotes.test_failures import ABLE, GIVEN, TAGGED, always, refused
from tests.exchange.world.pairs import Pair
from tests.support.network.odd import Said, odd
from tests.support.network.proxy import proxy
from tests.support.network.servers import Authority, Served


def over(url: str, proxied: str, ca: str = "") -> S3Remote:
    """A bucket that was tried before, over a proxy."""
    place = parse(f"s3://clinic/x?endpoint={url}")
    return S3Remote(place, GIVEN, REALM, SystemRng(), able=ABLE, ca=ca, proxy=proxied, patience=Patience(connect=5))


def test_an_exchange_goes_over_the_proxy_that_was_named(pair: Pair, s3: Served) -> None:
    """It is kept with the carrier, and sees the name of the server and nothing else."""
    one, _, _ = pair
    with proxy() as found, one.workspace() as ws:
        place = s3.text(s3.fresh(), tls=True)
        line = carriers.tried(ws, "clinic", place, credentials=s3.credentials, ca=s3.ca, proxy=found.url)
        carriers.note_remote(ws, line, carriers.keep(ws, line, s3.credentials))
        found.asked.clear()
        report = exchanging.sync(ws, exchanging.find_remote(ws, "clinic"))
        assert report.moved.sent
        assert set(found.asked) == {f"CONNECT 127.0.0.1:{s3.tls_port} HTTP/1.1"}


@pytest.mark.parametrize(("answer", "words"), [(407, "asks for a password"), (403, "does not let this carrier pass")])
def test_a_proxy_that_does_not_open_a_way_is_named(answer: int, words: str, s3: Served) -> None:
    with proxy(answer) as found:
        carrier = over(f"https://127.0.0.1:{s3.tls_port}", found.url, s3.ca)
        refused(lambda: carrier.get(HEAD), failures.ProxyRefused, words, found.url.removeprefix("http://"))


def test_a_proxy_that_nobody_reaches_is_named() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        carrier = over("https://127.0.0.1:9", f"http://127.0.0.1:{held.getsockname()[1]}")
        refused(lambda: carrier.get(HEAD), failures.NoAnswer, "The proxy")


def test_a_proxy_that_looks_into_what_passes_is_named(authority: Authority, tmp_path: Path) -> None:
    """It shows a certificate of its own: neither a name nor a key goes out."""
    with odd(always(Said(200, b"head", TAGGED)), authority.certify(tmp_path)) as looking:
        host, port = looking.url.removeprefix("https://").split(":")
        with proxy(to=(host, int(port))) as found:
            carrier = over("https://127.0.0.1:9", found.url)
            refused(lambda: carrier.get(HEAD), failures.CertificateRefused, "nobody this computer trusts")
        assert looking.asked == []


def test_a_proxy_of_the_environment_is_not_used_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with proxy() as found, socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, found.url)
        place = parse(f"s3://clinic/x?endpoint=https://127.0.0.1:{held.getsockname()[1]}")
        carrier = carriers.ApartRemote(place, GIVEN, REALM, able=ABLE)
        error = refused(lambda: carrier.get(HEAD), failures.NoAnswer, "cannot be reached")
        assert "--proxy" in error.hint
        assert found.asked == []
        carrier.close()


@pytest.mark.parametrize(
    "text", ["proxy:8080", "https://proxy:8080", "http://proxy", "http://me:word@proxy:80", "http://proxy:80/x", "http://:80"]
)
def test_what_is_no_proxy(text: str) -> None:
    with pytest.raises(PlaceRefused) as caught:
        places.parse_proxy(text)
    assert "word" not in caught.value.message.split()
    assert places.parse_proxy("http://proxy.clinic.example:3128") == ("proxy.clinic.example", 3128)


def test_a_proxy_is_for_servers_with_tls(tmp_path: Path) -> None:
    for place in (str(tmp_path), "http://127.0.0.1:9/dav"):
        with pytest.raises(PlaceRefused):
            carriers.check_proxy(parse(place), "http://proxy:3128")


def test_a_list_of_carriers_of_an_older_version_is_read(pair: Pair) -> None:
    with pair[0].workspace() as ws:
        work = ws.work()
        older = (("stick", "/media/stick"), ("clinic", "https://x.example/y", "", ("lists",)))
        work.state["exchange:remotes"] = encode(older)
        ws.session.note(work, "remote-add")
        ws.session.db.commit(ws.session.sealed(work))
        assert [(line.name, line.able, line.proxy) for line in exchanging.remotes(ws)] == [
            ("stick", (), ""), ("clinic", ("lists",), ""),
        ]  # fmt: skip
