"""Servers are spoken with in a process of its own: whatever they answer, the program gets a sentence and goes on."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest

from iop_tui.clinical.notes import service as notes
from iop_tui.exchange.remotes import failures, port
from iop_tui.exchange.remotes.apart import carrier as apart
from iop_tui.exchange.remotes.apart import frames
from iop_tui.exchange.remotes.apart.carrier import ApartRemote
from iop_tui.exchange.remotes.apart.frames import Failed
from iop_tui.exchange.remotes.clients import Patience
from iop_tui.exchange.remotes.failures import Endless
from iop_tui.exchange.remotes.places import parse
from iop_tui.exchange.remotes.port import Capabilities, CarrierGone, Cut
from iop_tui.kernel.errors import Cancelled, IopError
from iop_tui.workspace import carriers, exchanging
from tests.exchange.remotes.contract import HEAD, REALM, pack
from tests.exchange.remotes.test_failures import ABLE, GIVEN, PROTOCOLS, TAGGED, always
from tests.exchange.world.pairs import Pair
from tests.support.clinic.vaults import note, today
from tests.support.network.odd import Asked, Said, odd
from tests.support.network.servers import BUCKET, KEY, SECRET, Served

XML = TAGGED | {"Content-Type": "application/xml"}
PIECE = b"<x>" + bytes(200_000)
SMALL = 48 * 1024 * 1024
"""Bytes that the process may fill, so that a test need not send more."""


@contextmanager
def remote(
    url: str, protocol: str = "s3", *, patience: Patience | None = None, cancelled: Callable[[], bool] | None = None
) -> Iterator[ApartRemote]:
    """A carrier that was tried before, at a server's address."""
    place = parse(f"s3://{BUCKET}/x?endpoint={url}" if protocol == "s3" else f"{url}/dav/x")
    found = ApartRemote(place, GIVEN, REALM, able=ABLE, patience=patience, cancelled=cancelled)
    try:
        yield found
    finally:
        found.close()


def process(found: ApartRemote) -> int:
    return found._child.pid


ASKS: dict[str, Callable[[ApartRemote], object]] = {
    "listing": lambda found: found.listing(), "heads": lambda found: found.heads(),
    "wants": lambda found: found.wants(), "get": lambda found: found.get(pack()[0]),
    "look": lambda found: found.look(HEAD, "tag"), "bring": lambda found: found.bring(*pack()),
    "swap": lambda found: found.swap("board", b"board", ""), "granted": lambda found: found.granted(pack()[0]),
    "probe": lambda found: found.probe(),
}  # fmt: skip
FEW = [("s3", "listing", 200), ("webdav", "listing", 207), ("s3", "bring", 400)]
ALL = [(protocol, ask, status) for protocol in PROTOCOLS for ask in ASKS for status in (200, 207, 400, 500)]


@pytest.mark.parametrize(
    ("protocol", "ask", "status"), [*FEW, *(pytest.param(*one, marks=pytest.mark.nightly) for one in ALL)]
)
def test_an_answer_that_is_announced_as_absurdly_long(protocol: str, ask: str, status: int) -> None:
    """The library makes room for what is announced, which ends its process: not this one."""
    with odd(always(Said(status, PIECE, XML, promised=10**15))) as server, remote(server.url, protocol) as found:
        _ends_in_words(found, ask, status)


@pytest.mark.parametrize(
    ("protocol", "ask", "status"),
    [("webdav", "bring", 500), *(pytest.param(*one, marks=pytest.mark.nightly) for one in ALL)],
)
def test_an_answer_without_an_end(
    protocol: str, ask: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "MOST_MEMORY", SMALL)
    with odd(always(Said(status, PIECE, XML, endless=True))) as server, remote(server.url, protocol) as found:
        _ends_in_words(found, ask, status)


def _ends_in_words(found: ApartRemote, ask: str, status: int) -> None:
    """An answer that is well as far as it was looked at, or a failure that a person can read."""
    error = _failure_of(lambda: ASKS[ask](found))
    if error is None:
        assert status < 400
        return
    assert error.message.endswith(".")
    assert error.hint
    if status >= 400 and ask != "probe":
        assert type(error) is Endless
        assert not isinstance(error, CarrierGone)  # not tried again


def _failure_of(act: Callable[[], object]) -> IopError | None:
    try:
        act()
    except IopError as error:
        return error
    return None


def test_pages_without_an_end_and_with_nothing_in_them() -> None:
    """The library asks for page after page and never comes back."""
    more = "<IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken>"
    page = Said(200, f"<ListBucketResult>{more}</ListBucketResult>".encode(), XML)
    with odd(always(page)) as server, remote(server.url, patience=Patience(page=0.3)) as found:
        with pytest.raises(Endless, match="does not come to an end"):
            found.listing()
        assert len(server.asked) > 1


@pytest.mark.nightly
def test_what_a_pack_has_at_most_is_read_of_it() -> None:
    """An object without an end is cut where no object goes on, and its name says that it is not the one."""
    with odd(always(Said(200, bytes(70 << 20), TAGGED, promised=10**15))) as server, remote(server.url) as found:
        data = found.get(pack()[0])
    assert data is not None
    assert 64 << 20 < len(data) < 66 << 20


def test_a_stop_is_heeded_while_a_server_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_GRACE", 0.1)
    with odd(always(Said(silent=True))) as server, remote(server.url, cancelled=lambda: bool(server.asked)) as found:
        with pytest.raises(Cancelled):
            found.get(HEAD)
        with pytest.raises(Endless):
            found.get(HEAD)  # its answer would be that of the question before


def _taken_over(answers: bytes, again: bool) -> Callable[[], Any]:
    """Instead of the process beside: it opens as it should, then answers every question with these bytes."""

    def start() -> Any:
        ours, theirs = socket.socketpair()

        def run() -> None:
            with theirs, contextlib.suppress(OSError, EOFError):
                _asked(theirs)
                frames.send(theirs, frames.DONE, Capabilities(remote=True))
                _asked(theirs)
                theirs.sendall(answers)
                while again:
                    theirs.sendall(answers)
                _asked(theirs)

        answering = threading.Thread(target=run)
        answering.start()
        return ours, Mock(wait=answering.join)

    return start


def _asked(channel: socket.socket) -> None:
    head = frames.receive(channel, frames.HEAD)
    frames.receive(channel, int.from_bytes(head[:-1], "big"))


GOES_ON = bytes(3) + b"\x01" + frames.GOES_ON + b"\xc0"


@pytest.mark.parametrize(
    ("answers", "again"), [(GOES_ON, True), (b"\0", False), (bytes(3) + b"\x09" + frames.DONE, False)]
)
def test_a_stop_is_heeded_while_an_answer_goes_on_or_stays_half(
    answers: bytes, again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that sends a byte now and then, or a process that was taken over."""
    monkeypatch.setattr(apart, "_GRACE", 0.1)
    monkeypatch.setattr(apart, "_start", _taken_over(answers, again))
    with remote("http://127.0.0.1:9", "webdav", cancelled=lambda: True) as found, pytest.raises(Cancelled):
        found.get(HEAD)


def test_names_that_no_carrier_has_do_not_come_out_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    name = pack()[0]
    said = msgspec.msgpack.encode({"../../h": 4, "p/x": 1, name: 7, f"{name[:-1]}/": 7})
    answer = len(said).to_bytes(4, "big") + frames.DONE + said
    for ask, expected in (("listing", {name: 7}), ("wants", {name}), ("heads", [])):
        monkeypatch.setattr(apart, "_start", _taken_over(answer if ask == "listing" else _keys(said), False))
        with remote("http://127.0.0.1:9", "webdav") as found:
            assert ASKS[ask](found) == expected


def _keys(said: bytes) -> bytes:
    body = msgspec.msgpack.encode(list(msgspec.msgpack.decode(said)))
    return len(body).to_bytes(4, "big") + frames.DONE + body


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_process_shows_no_secret_and_ends_with_its_carrier() -> None:
    with odd(always(Said(404))) as server, remote(server.url) as found:
        folder = Path(f"/proc/{process(found)}")
        shown = (folder / "cmdline").read_bytes()
        assert b"apart.worker" in shown
        if os.geteuid() == 0:  # nobody else may look
            shown += (folder / "environ").read_bytes()
        assert not [word for word in (SECRET, KEY, "PROXY", "AWS_") if word.encode() in shown]
        found.close()
        assert not folder.exists()


def test_a_process_that_was_ended_is_a_failure_in_words() -> None:
    with odd(always(Said(404))) as server, remote(server.url) as found:
        os.kill(process(found), signal.SIGKILL)
        for _ in range(2):
            with pytest.raises(Endless):
                found.get(HEAD)


def test_a_carrier_that_nobody_closed_leaves_no_process() -> None:
    with odd(always(Said(404))) as server:
        found = ApartRemote(parse(f"{server.url}/dav/x"), GIVEN, REALM, able=ABLE)
        child = found._child
        del found
        gc.collect()
        assert child.returncode is not None


def test_every_failure_crosses_as_itself() -> None:
    named = [(module, kind) for module in (port, failures) for kind in vars(module).values() if isinstance(kind, type)]
    kinds = [kind for module, kind in named if issubclass(kind, IopError) and kind.__module__ == module.__name__]
    assert len({kind.code for kind in kinds}) == len(kinds) > 15
    for kind in kinds:
        found = apart._failure(Failed(kind.code, "It failed.", "Try.", b"came"))
        assert (type(found), found.message, found.hint) == (kind, "It failed.", "Try.")
        assert not isinstance(found, Cut) or found.data == b"came"


def test_a_carrier_does_over_there_what_it_does_here(s3: Served) -> None:
    """Every question and every kind of answer."""
    found = carriers.server(s3.place(s3.fresh()), s3.credentials, REALM)
    assert found.probe() == found.capabilities()
    name, data = pack()
    assert found.bring(name, data)
    found.put(HEAD, b"head")
    assert (found.get(name), found.get(name, 10), found.get(HEAD + "x")) == (data, data[10:], None)
    seen = found.look(HEAD)
    assert seen is not None
    again = found.look(HEAD, seen.tag)
    assert again is not None
    assert again.data is None
    assert (found.size(name), found.size("e/x.req")) == (len(data), None)
    assert found.listing() == {name: len(data)}
    assert (found.heads(), found.tags("h"), found.names("h")) == ([HEAD], {HEAD: seen.tag}, [HEAD])
    found.want(name)
    assert found.wants() == {name}
    found.granted(name)
    assert found.wants() == set()
    tag = found.swap("board", b"one", "")
    assert tag
    assert found.swap("board", b"two", "") is None
    found.close()


def test_charting_goes_on_beside_a_server_that_would_end_the_program(pair: Pair, s3: Served) -> None:
    """The exchange is refused with what to do; what was written stays, and goes over another carrier."""
    one, _, stick = pair
    answers: list[Said] = []

    def answer(asked: Asked) -> Said:
        return answers[0]

    with odd(answer) as server, one.workspace() as ws:
        line = carriers.RemoteLine("clinic", f"s3://{BUCKET}/x?endpoint={server.url}", able=("remote",))
        carriers.note_remote(ws, line, carriers.keep(ws, line, GIVEN))
        answers.append(Said(500, PIECE, XML, promised=10**15))
        with pytest.raises(Endless) as caught:
            exchanging.sync(ws, line)
        assert "another carrier" in caught.value.hint
        written = notes.save(ws, one.program.people["ana"], note(today(ws), "Written beside it.")).revision
        report = exchanging.sync(ws, carriers.RemoteLine("stick", str(stick)))
        assert report.sealed
        assert report.moved.sent
        assert ws.view.one("SELECT 1 FROM version WHERE id = ?", (written,)) is not None
