"""What servers and the way to them do wrong: each has its name and a sentence that says what to do next."""

from __future__ import annotations

import socket
import traceback
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from iop_tui.exchange.remotes import failures, objects
from iop_tui.exchange.remotes.clients import Patience
from iop_tui.exchange.remotes.credentials import Credentials
from iop_tui.exchange.remotes.gate import Gate
from iop_tui.exchange.remotes.objects import ObjectRemote
from iop_tui.exchange.remotes.places import S3, parse
from iop_tui.exchange.remotes.port import Capabilities, CarrierGone, Cut
from iop_tui.exchange.remotes.s3 import S3Remote
from iop_tui.exchange.remotes.webdav import WebDavRemote
from iop_tui.kernel.errors import DiskFull, IopError, MediumUnusable
from iop_tui.kernel.rng import SystemRng
from tests.exchange.remotes.contract import HEAD, REALM, pack
from tests.support.network.odd import Asked, Said, odd
from tests.support.network.servers import BUCKET, SECRET, Authority, Served

GIVEN = Credentials.of(b"CLINICKEY0", SECRET.encode())
ABLE = Capabilities(ranges=True, unchanged=True, lists=True, remote=True)
TAGGED = {"ETag": '"0123456789abcdef0123456789abcdef"', "Last-Modified": "Sun, 22 Nov 2026 04:00:00 GMT"}
HTML = b"<html><body>Welcome to our guest network! Please log in.</body></html>"
PROTOCOLS = ("s3", "webdav")


def remote(url: str, protocol: str = "s3", *, ca: str = "", patience: Patience | None = None) -> ObjectRemote:
    """A carrier that was tried before, at a server's address."""
    place = parse(f"s3://{BUCKET}/x?endpoint={url}" if protocol == "s3" else f"{url}/dav/x")
    kind = S3Remote if place.kind == S3 else WebDavRemote
    return kind(place, GIVEN, REALM, SystemRng(), able=ABLE, ca=ca, patience=patience)


def refused(act: Callable[[], object], kind: type[IopError], *words: str) -> IopError:
    """The failure: of this class exactly, in words a person understands, with something to do, without the secret."""
    with pytest.raises(MediumUnusable) as caught:
        act()
    error = caught.value
    assert type(error) is kind, error
    for word in words:
        assert word in error.message
    assert error.message.endswith(".")
    assert error.hint
    printed = "".join(traceback.format_exception(error)) + repr(error)
    assert SECRET not in printed
    assert "Debug source" not in printed
    return error


def always(said: Said) -> Callable[[Asked], Said]:
    """The same answer to everything."""
    return lambda asked: said


def xml(status: int, code: str, more: str = "") -> Said:
    """An answer as S3 servers give it."""
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>x</Message>{more}</Error>'.encode()
    return Said(status, body, {"Content-Type": "application/xml"})


# -- who asks ------------------------------------------------------------------------------


WRONG = [Credentials.of(b"nobody", SECRET.encode()), Credentials.of(b"CLINICKEY0", b"no"), None]


@pytest.mark.parametrize("given", WRONG, ids=["key", "secret", "none"])
@pytest.mark.parametrize("name", ["s3", "dav"])
def test_wrong_credentials(name: str, given: Credentials | None, request: pytest.FixtureRequest) -> None:
    served: Served = request.getfixturevalue(name)
    kind = S3Remote if name == "s3" else WebDavRemote
    place = served.place(served.fresh())
    error = refused(lambda: kind(place, given, REALM, SystemRng()), failures.CredentialsRefused, "key or password")
    assert "remotes key" in error.hint
    assert not isinstance(error, CarrierGone)  # nothing that another try may cure


def test_a_clock_that_is_wrong() -> None:
    with odd(always(xml(403, "RequestTimeTooSkewed"))) as server:
        refused(lambda: remote(server.url).get(HEAD), failures.ClockRefused, "clock")


# -- who answers ---------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("days", "names", "trusted", "words"),
    [
        ((-9, -1), ("localhost",), True, "has expired"),
        ((1, 9), ("localhost",), True, "not valid yet"),
        ((-1, 9), ("other.example",), True, "another server's"),
        ((-1, 9), ("localhost",), False, "nobody this computer trusts"),
    ],
    ids=["expired", "future", "other name", "unknown authority"],
)
def test_certificates(
    protocol: str, days: tuple[int, int], names: tuple[str, ...], trusted: bool, words: str, authority: Authority,
    tmp_path: Path,
) -> None:  # fmt: skip
    certified = authority.certify(tmp_path, days=days, names=names, address="")
    with odd(always(Said()), certified, host="localhost") as server:
        carrier = remote(server.url, protocol, ca=authority.pem if trusted else "")
        refused(lambda: carrier.get(HEAD), failures.CertificateRefused, words)
        refused(lambda: carrier.put(HEAD, b"head"), failures.CertificateRefused, words)
        assert server.asked == []  # neither a name nor a key went out


def test_no_way_to_switch_the_check_off(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by a variable of the environment nor by a place."""
    for name in ("AWS_ALLOW_INVALID_CERTIFICATES", "AWS_ALLOW_HTTP", "AWS_SKIP_SIGNATURE"):
        monkeypatch.setenv(name, "true")
    with odd(always(Said()), authority.certify(tmp_path)) as server:
        refused(lambda: remote(server.url).get(HEAD), failures.CertificateRefused)
        assert server.asked == []


def test_the_environment_names_no_server_and_no_key(s3: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1"), ("AWS_ACCESS_KEY_ID", "other"),
                        ("AWS_SESSION_TOKEN", "x"), ("HTTP_PROXY", "http://127.0.0.1:1"),
                        ("ALL_PROXY", "http://127.0.0.1:1")):  # fmt: skip
        monkeypatch.setenv(name, value)
    carrier = S3Remote(s3.place(s3.fresh()), s3.credentials, REALM, SystemRng())
    carrier.put(HEAD, b"head")
    assert carrier.get(HEAD) == b"head"


def test_plain_text_where_tls_was_expected() -> None:
    with odd(always(Said())) as server:
        refused(lambda: remote(server.url.replace("http:", "https:")).get(HEAD), failures.CertificateRefused, "TLS")


# -- other places --------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("status", [301, 307, *(pytest.param(n, marks=pytest.mark.nightly) for n in (302, 303, 308))])
def test_a_redirect_to_another_host_is_refused(protocol: str, status: int) -> None:
    """Nothing is asked of the other host, neither reading nor writing."""
    with odd(always(Said(200, b"head", TAGGED)), host="localhost") as other:
        with odd(always(Said(status, headers={"Location": f"{other.url}/dav/x"}))) as server:
            carrier = remote(server.url, protocol)
            for act in (lambda: carrier.get(HEAD), lambda: carrier.put(HEAD, b"head"), carrier.listing,
                        lambda: carrier.size(HEAD)):  # fmt: skip
                refused(act, failures.Redirected, "another place")
        assert other.asked == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_redirect_to_another_port_of_the_host_is_refused(
    protocol: str, authority: Authority, tmp_path: Path
) -> None:
    """It may be another program's: behind TLS nothing is asked of it, neither reading nor writing."""
    certified = authority.certify(tmp_path, names=("localhost",))
    with odd(always(Said(200, b"head", TAGGED)), certified, host="localhost") as other:
        moved = always(Said(307, headers={"Location": f"{other.url}/dav/x"}))
        with odd(moved, certified, host="localhost") as server:
            carrier = remote(server.url, protocol, ca=authority.pem)
            for act in (lambda: carrier.get(HEAD), lambda: carrier.put(HEAD, b"head"), carrier.listing):
                refused(act, failures.Redirected, "another place")
            assert server.asked
        assert other.asked == []


def test_the_gate_opens_to_its_own_carrier_alone(authority: Authority, tmp_path: Path) -> None:
    """Another program of this computer that finds it gets nowhere, not even to the carrier's server."""
    with odd(always(Said(200, b"head", TAGGED)), authority.certify(tmp_path)) as server:
        gate = Gate(parse(f"{server.url}/dav/x"), 5.0)
        address = gate.url.rpartition("@")[2]
        port, word = int(address.rpartition(":")[2]), b64encode(gate.url[7:].partition("@")[0].encode()).decode()
        wanted = server.url.removeprefix("https://")
        given = f"Proxy-Authorization: Basic {word}\r\n"
        for asked, expected in (
            (f"CONNECT {wanted} HTTP/1.1\r\n\r\n", b"407"), (f"CONNECT {wanted} HTTP/1.1\r\n{given}\r\n", b"200"),
            (f"CONNECT {wanted}1 HTTP/1.1\r\n{given}\r\n", b"403"),
            (f"GET {server.url}/ HTTP/1.1\r\n{given}\r\n", b"403"),
        ):  # fmt: skip
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(asked.encode())
                assert client.recv(100).split()[1] == expected
        gate.close()
    assert isinstance(gate.failure, failures.Redirected)


def test_a_bucket_in_another_region() -> None:
    for said in (xml(301, "PermanentRedirect"), xml(400, "AuthorizationHeaderMalformed")):
        with odd(always(said)) as server:
            refused(lambda: remote(server.url).put(HEAD, b"head"), failures.OtherRegion, "region")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_login_page_of_a_guest_network(protocol: str) -> None:
    """200 and a page of HTML to everything: nothing counts as sent, no list counts as empty."""
    with odd(always(Said(200, HTML, TAGGED | {"Content-Type": "text/html"}))) as server:
        carrier = remote(server.url, protocol)
        refused(lambda: carrier.put(HEAD, b"head"), failures.Rewritten)
        refused(carrier.listing, failures.Rewritten)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_proxy_that_rewrites(protocol: str) -> None:
    """Everything seems to work, and what comes back has a line added to it."""
    kept: dict[str, bytes] = {}

    def answer(asked: Asked) -> Said:
        if asked.method == "PUT":
            kept[asked.path] = asked.body
        if asked.method == "COPY":
            kept[asked.headers["destination"].partition(server.url)[2]] = kept[asked.path]
        status = 201 if asked.method in ("PUT", "COPY", "MKCOL") else 200
        found = kept.get(asked.path, b"") + b"<!-- scanned -->"
        return Said(status, found if asked.method == "GET" else b"", TAGGED)

    with odd(answer) as server:
        name, data = pack()
        refused(lambda: remote(server.url, protocol).put(name, data), failures.Rewritten, "something else")


# -- what is gone --------------------------------------------------------------------------


def test_a_bucket_that_vanished(s3: Served) -> None:
    s3.tell("make", "vanishing")
    carrier = S3Remote(s3.place("x", bucket="vanishing"), s3.credentials, REALM, SystemRng())
    carrier.put(HEAD, b"head")
    s3.tell("drop", "vanishing")
    for act in (lambda: carrier.get(HEAD), lambda: carrier.put(HEAD, b"head"), carrier.listing, carrier.heads,
                lambda: carrier.look(HEAD)):  # fmt: skip
        refused(act, failures.BucketGone, "bucket")
    s3.tell("make", "vanishing")
    carrier.put(HEAD, b"head")
    assert carrier.get(HEAD) == b"head"


def test_a_web_folder_that_vanished(dav: Served) -> None:
    """It is not made again in silence: then somebody would think that everything is where it was."""
    folder = dav.fresh()
    carrier = WebDavRemote(dav.place(folder), dav.credentials, REALM, SystemRng())
    (dav.root / folder).rename(dav.root / f"{folder}-away")
    refused(lambda: carrier.put(HEAD, b"head"), failures.BucketGone, "folder")
    assert not (dav.root / folder).exists()


# -- what is full or busy ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "said", "kind"),
    [
        ("s3", xml(403, "QuotaExceeded"), failures.CarrierFull),
        ("s3", xml(507, "XMinioStorageFull"), failures.CarrierFull),
        ("webdav", Said(507), failures.CarrierFull),
        ("webdav", Said(413), failures.CarrierFull),
        ("s3", xml(503, "SlowDown"), failures.CarrierBusy),
        ("webdav", Said(429), failures.CarrierBusy),
        ("s3", xml(500, "InternalError"), failures.ServerFailed),
        ("webdav", Said(502), failures.ServerFailed),
        ("webdav", Said(405), failures.Unable),
        ("webdav", Said(418), failures.Unable),
    ],
)
def test_full_busy_failing(protocol: str, said: Said, kind: type[IopError]) -> None:
    """What another try may cure is a `CarrierGone`; a full carrier is a `DiskFull` like any other."""
    with odd(always(said)) as server:
        error = refused(lambda: remote(server.url, protocol).put(HEAD, b"head"), kind)
    assert isinstance(error, CarrierGone) == (kind in (failures.CarrierBusy, failures.ServerFailed))
    assert isinstance(error, DiskFull) == (kind is failures.CarrierFull)


# -- the way there -------------------------------------------------------------------------


def test_a_name_that_leads_nowhere() -> None:
    refused(lambda: remote("https://carrier.invalid").get(HEAD), failures.NameUnknown, "carrier.invalid")


def test_nobody_listens() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        for scheme in ("http", "https"):
            refused(lambda: remote(f"{scheme}://127.0.0.1:{port}").get(HEAD), failures.NoAnswer, "cannot be reached")  # noqa: B023


def test_silence() -> None:
    with odd(always(Said(silent=True))) as server:
        carrier = remote(server.url, patience=Patience(silence=0.2))
        refused(lambda: carrier.get(HEAD), failures.NoAnswer, "does not answer")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_came_before_a_connection_broke_is_kept(protocol: str) -> None:
    """The rest is asked for, not everything."""
    data = SystemRng().token(1000)

    def answer(asked: Asked) -> Said:
        if asked.headers.get("range") == "bytes=400-":
            return Said(206, data[400:], TAGGED | {"Content-Range": "bytes 400-999/1000"})
        return Said(200, data[:400], TAGGED, promised=1000)

    with odd(answer) as server:
        carrier = remote(server.url, protocol)
        error = refused(lambda: carrier.get(HEAD), Cut, "broke off")
        assert isinstance(error, Cut)
        assert error.data == data[:400]
        assert carrier.get(HEAD, 400) == data[400:]


def test_a_server_that_ignores_ranges_is_read_whole() -> None:
    with odd(always(Said(200, b"0123456789", TAGGED))) as server:
        assert remote(server.url).get(HEAD, 4) == b"456789"


def test_one_try_each() -> None:
    """Trying again is decided by who knows the link, never by the library."""
    with odd(always(Said(503))) as server:
        refused(lambda: remote(server.url).get(HEAD), failures.CarrierBusy)
        assert len(server.asked) == 1


# -- what would end the program, or fill its memory ----------------------------------------


@pytest.mark.parametrize("key", [b"CLINIC\nKEY", b"CLINIC\0KEY", b"CLINIC\x1b[31mKEY"])
def test_a_key_that_no_request_can_hold(key: bytes) -> None:
    """The library panics over it."""
    place = parse(f"s3://{BUCKET}/x?endpoint=http://127.0.0.1:9")
    given = Credentials.of(key, SECRET.encode())
    refused(lambda: S3Remote(place, given, REALM, SystemRng(), able=ABLE), failures.CredentialsRefused, "typed")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_authority_that_is_none(protocol: str) -> None:
    ca = "-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n"
    refused(lambda: remote("https://127.0.0.1:9", protocol, ca=ca), failures.CertificateRefused, "cannot be read")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_a_server_says_of_a_failure_is_kept_nowhere(protocol: str) -> None:
    with odd(always(Said(403, b"<Code>AccessDenied</Code>" + b"x" * 100_000))) as server:
        error = refused(lambda: remote(server.url, protocol).get(HEAD), failures.CredentialsRefused)
    found: BaseException | None = error
    while found is not None:
        assert "xxx" not in str(found)
        found = found.__context__


def test_a_list_without_an_end() -> None:
    """The same page again and again, each with a word for the next one."""
    asked = 0

    def answer(_asked: Asked) -> Said:
        nonlocal asked
        asked += 1
        more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{asked}</NextContinuationToken>"
        item = "<Key>x/cwx1/h/x</Key><LastModified>2026-11-22T06:00:00.000Z</LastModified><Size>1</Size>"
        body = f"<ListBucketResult>{more}{f'<Contents>{item}</Contents>' * 100}</ListBucketResult>"
        return Said(200, body.encode(), {"Content-Type": "application/xml"})

    with odd(answer) as server:
        carrier = remote(server.url)
        refused(carrier.listing, failures.Rewritten, "no end")
        refused(carrier.heads, failures.Rewritten, "no end")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", [HEAD, "board", "w/aaaaaaaaaaaa"])
def test_of_what_is_short_little_is_read(protocol: str, name: str) -> None:
    with odd(always(Said(200, bytes(8 * 1024 * 1024), TAGGED))) as server:
        found = remote(server.url, protocol).get(name)
    assert found is not None
    assert len(found) < 2 * 1024 * 1024


def test_of_many_notes_some_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are granted make room for the others; nobody is kept busy by a server that makes them up."""
    monkeypatch.setattr(objects, "_NOTES", objects._NOTES // 300)
    names = "".join(f"<Contents><Key>x/cwx1/w/{n:012x}</Key><LastModified>2026-11-22T06:00:00.000Z</LastModified>"
                    "<Size>1</Size></Contents>" for n in range(20))  # fmt: skip
    listed = Said(200, f"<ListBucketResult>{names}</ListBucketResult>".encode(), {"Content-Type": "application/xml"})
    with odd(lambda asked: listed if "list-type" in asked.path else Said(200, b"no name", TAGGED)) as server:
        assert remote(server.url).wants() == set()
        assert len(server.asked) == 1 + 3
