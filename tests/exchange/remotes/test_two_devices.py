"""Two real vaults over real servers: added, exchanged, failed in every way, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from iop_tui.clinical.notes import service as notes
from iop_tui.exchange import enrol
from iop_tui.exchange.remotes import failures
from iop_tui.exchange.remotes.credentials import Credentials
from iop_tui.exchange.remotes.places import PlaceRefused, parse
from iop_tui.exchange.remotes.port import OtherProgram
from iop_tui.kernel.errors import MediumUnusable, Refused
from iop_tui.kernel.rng import SeededRng
from iop_tui.vault import keystore
from iop_tui.workspace import Workspace, carriers, exchangestate, exchanging, joining
from iop_tui.workspace.carriers import AccessMissing
from tests.exchange.world.pairs import Pair
from tests.support.clinic.devices import Device
from tests.support.clinic.vaults import note, today
from tests.support.network.servers import KEY, SECRET, Served
from tests.unit.vault.test_keystore import Locked, Memory

NAME = "clinic"
WRONG = Credentials.of(KEY.encode(), b"not the secret")


@pytest.fixture(params=["dav", pytest.param("s3", marks=pytest.mark.nightly)])
def server(request: pytest.FixtureRequest) -> Served:
    found: Served = request.getfixturevalue(request.param)
    return found


def write(device: Device, ws: Workspace, text: str) -> bytes:
    """A note about Ana; its revision."""
    return notes.save(ws, device.program.people["ana"], note(today(ws), text)).revision


def has(ws: Workspace, revision: bytes) -> bool:
    return ws.view.one("SELECT 1 FROM version WHERE id = ?", (revision,)) is not None


def sync(ws: Workspace) -> None:
    exchanging.sync(ws, exchanging.find_remote(ws, NAME))


def give(ws: Workspace, line: carriers.RemoteLine, credentials: Credentials) -> None:
    """Enter a key anew, untried."""
    carriers.set_access(ws, line, carriers.keep(ws, line, credentials))


@pytest.mark.parametrize("name", ["s3", "dav"])
def test_a_note_comes_over(pair: Pair, name: str, request: pytest.FixtureRequest) -> None:
    """Behind TLS under an authority of its own, which is kept with the carrier."""
    one, two, _ = pair
    server: Served = request.getfixturevalue(name)
    place = server.text(server.fresh(), tls=True)
    with one.workspace() as ws:
        line = exchanging.add_remote(ws, NAME, place, credentials=server.credentials, ca=server.ca)
        assert line.able
        written = write(one, ws, "Came over the network.")
        sync(ws)
        standing = exchangestate.carrier(ws, exchanging.find_remote(ws, NAME))
        assert (standing.trouble, standing.total > 0) == ("", True)
    with two.workspace() as ws:
        assert not has(ws, written)
        exchanging.add_remote(ws, NAME, place, credentials=server.credentials, ca=server.ca)
        sync(ws)
        assert has(ws, written)


def test_what_failed_is_brought_later(pair: Pair, s3: Served) -> None:
    """A bucket that vanishes and comes back empty, a key that was changed: charting goes on, and everything arrives."""
    one, two, _ = pair
    s3.tell("make", "failing")
    place = s3.text("x", bucket="failing")
    with one.workspace() as ws:
        exchanging.add_remote(ws, NAME, place, credentials=s3.credentials)
        first = write(one, ws, "Before.")
        sync(ws)
        s3.tell("drop", "failing")
        second = write(one, ws, "Meanwhile.")
        with pytest.raises(failures.BucketGone):
            sync(ws)
        third = write(one, ws, "And on.")
        assert "bucket" in exchangestate.carrier(ws, exchanging.find_remote(ws, NAME)).trouble
        s3.tell("make", "failing")
        give(ws, exchanging.find_remote(ws, NAME), WRONG)
        with pytest.raises(failures.CredentialsRefused):
            sync(ws)
        give(ws, exchanging.find_remote(ws, NAME), s3.credentials)
        sync(ws)
        assert all(has(ws, revision) for revision in (first, second, third))
    with two.workspace() as ws:
        exchanging.add_remote(ws, NAME, place, credentials=s3.credentials)
        sync(ws)
        assert all(has(ws, revision) for revision in (first, second, third))


def test_a_device_joins_over_a_server(pair: Pair, tmp_path: Path, server: Served) -> None:
    """Request, grant and packs over a bucket or web folder: no stick is needed."""
    one, _, _ = pair
    text, rng = server.text(server.fresh()), SeededRng(52)
    new = enrol.ask("Third", rng)
    outside = carriers.server(parse(text), server.credentials, None)
    outside.put(enrol.request_name(new.request.device), new.stored)
    with one.workspace() as ws:
        line = exchanging.add_remote(ws, NAME, text, credentials=server.credentials)
        assert [shown for _, shown in exchanging.requests(ws, line)] == [new.words]
        _, shown = exchanging.admit(ws, line, new.words)
        exchanging.sync(ws, line)
    grant = enrol.open_grant(new, outside.get(enrol.grant_name(new.request.device)) or b"", shown)
    member, env = one.program.users["nadia"], replace(one.env, rng=rng)
    carrier = carriers.server(parse(text), server.credentials, grant.realm)
    joining.join(tmp_path / "third", env, new, grant, carrier, name=member.name, phrase=member.typed())
    with Device(one.program, "Third", tmp_path / "third", env, one.clock).workspace() as ws:
        assert {item.name for item in exchanging.devices(ws)} == {one.name, "Laptop", "Third"}


# -- adding --------------------------------------------------------------------------------


def test_only_what_works_is_added(pair: Pair, server: Served) -> None:
    """Refused with a reason: nothing is noted, no key is kept."""
    one, _, _ = pair
    place = server.text(server.fresh())
    with one.workspace() as ws:
        for text, given, kind in (
            (place, WRONG, failures.CredentialsRefused), (place, None, failures.CredentialsRefused),
            ("https://user:word@clinic.example/dav", None, PlaceRefused),
            ("ftp://clinic.example/dav", None, PlaceRefused), ("http://clinic.example/dav", None, PlaceRefused),
        ):  # fmt: skip
            with pytest.raises(kind):
                exchanging.add_remote(ws, NAME, text, credentials=given)
        assert exchanging.remotes(ws) == []
        line = exchanging.add_remote(ws, NAME, place, credentials=server.credentials)
        with pytest.raises(Refused, match="known already"):
            exchanging.add_remote(ws, "again", place, credentials=server.credentials)
        assert exchanging.find_remote(ws, place) == line
        assert exchanging.find_remote(ws, NAME) == line
        exchanging.remove_remote(ws, NAME)
        assert carriers.access(ws, line) is None


def test_another_programs_place_is_refused(pair: Pair, server: Served) -> None:
    one, _, _ = pair
    place = server.place(server.fresh())
    carriers.server(place, server.credentials, b"another program!").close()
    with one.workspace() as ws, pytest.raises(OtherProgram):
        exchanging.add_remote(ws, NAME, place.text, credentials=server.credentials)


def test_what_a_server_can_do_is_tried_anew(pair: Pair, s3: Served) -> None:
    one, _, _ = pair
    with one.workspace() as ws:
        line = exchanging.add_remote(ws, NAME, s3.text(s3.fresh()), credentials=s3.credentials)
        carriers.note_abilities(ws, replace_able(line))
        assert exchanging.find_remote(ws, NAME).able == ("remote",)
        carriers.note_abilities(ws, carriers.retest(ws, replace_able(line)))
        assert exchanging.find_remote(ws, NAME) == line


def replace_able(line: carriers.RemoteLine) -> carriers.RemoteLine:
    """The carrier as if its server could do less."""
    return carriers.RemoteLine(line.name, line.place, line.ca, ("remote",))


# -- keys ----------------------------------------------------------------------------------


def test_without_a_keyring_the_key_lies_sealed_in_the_vault(pair: Pair, s3: Served) -> None:
    """Under the device's secret; neither state nor log nor any file of the vault shows it."""
    one, _, _ = pair
    with one.workspace() as ws:
        line = exchanging.add_remote(ws, NAME, s3.text(s3.fresh()), credentials=s3.credentials)
        kept = carriers.access(ws, line)
        assert kept is not None
        assert (kept.key.reveal(), kept.secret.reveal()) == (KEY.encode(), SECRET.encode())
        state = ws.session.db.state
        assert any(name.startswith("exchange:access:") for name in state)
        assert not [name for name, value in state.items() if SECRET.encode() in value or KEY.encode() in value]
        for told in (repr(line), repr(kept), str(kept)):
            assert SECRET not in told
            assert KEY not in told
        sync(ws)
    for file in filter(Path.is_file, one.path.rglob("*")):
        assert SECRET.encode() not in file.read_bytes(), file.name


def test_a_keyring_keeps_the_key_and_the_vault_nothing(
    pair: Pair, s3: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _, _ = pair
    ring = Memory()
    use(monkeypatch, ring)
    with keyed(one).workspace() as ws:
        line = carriers.tried(ws, NAME, s3.text(s3.fresh()), credentials=s3.credentials)
        kept = carriers.keep(ws, line, s3.credentials)
        assert carriers.where(kept) == "keyring"
        carriers.note_remote(ws, line, kept)
        assert [name for _, name in ring.kept if name.startswith("carrier:")]
        assert ws.session.db.state["exchange:access:" + line.place] == b"keyring"
        sync(ws)
        ring.kept.clear()
        with pytest.raises(AccessMissing) as caught:
            sync(ws)
        assert "remotes key" in caught.value.hint
        give(ws, line, s3.credentials)
        sync(ws)
        carriers.drop_access(ws, exchanging.remove_remote(ws, NAME))
        assert not [name for _, name in ring.kept if name.startswith("carrier:")]


def test_a_keyring_that_is_locked_is_passed_over(pair: Pair, s3: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    one, _, _ = pair
    use(monkeypatch, Memory())
    with keyed(one).workspace() as ws:
        line = carriers.tried(ws, NAME, s3.text(s3.fresh()), credentials=s3.credentials)
        use(monkeypatch, Locked())
        kept = carriers.keep(ws, line, s3.credentials)
        assert carriers.where(kept) == "vault"
        carriers.note_remote(ws, line, kept)
        sync(ws)
        use(monkeypatch, Memory())


def test_another_device_cannot_open_the_key(pair: Pair, s3: Served) -> None:
    """Whoever copies the row to another device's vault has nothing: it is sealed for this device."""
    one, two, _ = pair
    with one.workspace() as ws:
        line = exchanging.add_remote(ws, NAME, s3.text(s3.fresh()), credentials=s3.credentials)
        row = ws.session.db.state["exchange:access:" + line.place]
    with two.workspace() as ws:
        work = ws.work()
        work.state["exchange:access:" + line.place] = row
        ws.session.note(work, "remote-key")
        ws.session.db.commit(ws.session.sealed(work))
        with pytest.raises(Exception, match=r"key|opened|damaged"):
            carriers.access(ws, line)


def use(monkeypatch: pytest.MonkeyPatch, ring: Memory) -> None:
    """Let this keyring be the one of the computer."""
    names = {(kind.__module__, kind.__qualname__): kind.__name__ for kind in (Memory, Locked)}
    monkeypatch.setattr(keystore, "_NAMES", names)
    monkeypatch.setattr(keystore, "_best", lambda: ring)


def keyed(device: Device) -> Device:
    """The device as a program with a keyring sees it."""
    return replace(device, env=replace(device.env, use_keyring=True))


def test_a_folder_asks_for_no_key(pair: Pair, tmp_path: Path) -> None:
    one, _, stick = pair
    with one.workspace() as ws:
        line = exchanging.add_remote(ws, "stick", stick)
        assert (line.able, line.ca) == ((), "")
        with pytest.raises(Refused):
            give(ws, line, WRONG)


def test_an_authority_is_a_file_of_certificates(tmp_path: Path, s3: Served) -> None:
    (tmp_path / "good.pem").write_text(s3.ca)
    assert carriers.read_authority(tmp_path / "good.pem") == s3.ca
    (tmp_path / "key.pem").write_text(s3.ca + "-----BEGIN {} KEY-----\n".format("PRIVATE"))
    (tmp_path / "other.pem").write_text("hello")
    for name in ("key.pem", "other.pem", "missing.pem"):
        with pytest.raises(MediumUnusable):
            carriers.read_authority(tmp_path / name)
