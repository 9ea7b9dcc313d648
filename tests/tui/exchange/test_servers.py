"""A web folder as carrier by keys: place, name and password, its own authority; exchanged with; a password anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iop_tui.exchange.remotes.credentials import Credentials
from iop_tui.workspace import carriers
from iop_tui.workspace.carriers import RemoteLine
from tests.support.network.odd import Said, odd
from tests.support.network.servers import KEY, SECRET, Served, dav_server
from tests.tui.exchange.conftest import Open, Site
from tests.tui.exchange.test_exchanging import shot, to_exchange


@pytest.fixture(scope="module")
def dav(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with dav_server(tmp_path_factory.mktemp("dav")) as served:
        yield served


async def test_a_web_folder_is_added_by_keys_and_exchanged_with(
    opened: Open, site: Site, dav: Served, tmp_path: Path
) -> None:
    """A secret that is typed is never on the screen; a certificate nobody knows is asked about, never passed over."""
    authority, folder = tmp_path / "ca.pem", dav.fresh()
    authority.write_text(dav.ca)
    async with opened() as desk:
        await to_exchange(desk)
        await desk.open("+")
        await desk.see("Where it is")
        await desk.open(dav.text(folder, tls=True), "<enter>")
        await shot(desk, "server-name", "User name", "Its provider sees")
        await desk.open(KEY, "<enter>")
        await desk.see("Password")
        await desk.press(SECRET)
        await shot(desk, "server-password", "Password")
        assert SECRET not in desk.screen()
        await desk.open("<enter>")
        await desk.see("What you call it")
        await desk.open("<enter>")
        await desk.see("comes from nobody", "File of its own authority")
        await desk.open(str(authority), "<enter>")
        await desk.see(f"{folder} is noted", "on the line")
        await desk.press("j", "x")
        await desk.see(f"{folder}: ", "brought")
        assert list((dav.root / folder / "cwx1" / "p").iterdir())
        assert SECRET not in desk.screen()


@pytest.mark.nightly
async def test_a_wrong_password_is_told_and_entered_anew(opened: Open, site: Site, dav: Served) -> None:
    """Charting goes on; p asks again and keeps only what works."""
    text = dav.text(dav.fresh())
    with site.office.workspace() as ws:
        line = carriers.add_remote(ws, "Cloud", text, credentials=dav.credentials)
        carriers.set_access(ws, line, carriers.keep(ws, line, Credentials.of(KEY.encode(), b"old")))
    async with opened(carrier=False) as desk:
        await desk.press("gy")
        await desk.see("Carriers", "! not now", "does not accept")
        for typed, said in (("also wrong", "does not accept the key or password"), (SECRET, "Cloud accepts it")):
            await desk.open("p")
            await desk.see("User name")
            await desk.open(KEY, "<enter>")
            await desk.see("Password")
            await desk.open(typed, "<enter>")
            await desk.see(said)
        await desk.see("ready")
        await desk.press("t")
        await desk.see("is there and is this program's")


@pytest.mark.nightly
async def test_a_server_that_says_nothing_keeps_nobody_from_writing(opened: Open, site: Site) -> None:
    """It is asked on threads of its own: notes are written and saved, pages open, the program ends."""
    with odd(lambda asked: Said(silent=True)) as server:
        with site.office.workspace() as ws:
            line = RemoteLine("Cloud", f"{server.url}/dav/x", "", ("ranges", "lists", "remote"))
            carriers.note_remote(ws, line, b"")
        async with opened(carrier=False) as desk:
            await desk.press("gy")
            await desk.see("Carriers", "asking")
            await desk.until(lambda: bool(server.asked), "a question to the server")
            await desk.press("x")
            await desk.see("exchanging")
            await desk.press("gc", "/", "bra", "<enter>")
            await desk.see("Max Brandt", "Safe contact")
            await desk.press("n")
            await desk.see("Note: Max Brandt")
            await desk.press("<f4>", "<f4>")
            await desk.paste("Written while the server is silent.")
            await desk.press("<f2>")
            await desk.see("saved")
            assert desk.app.exchange.running
            desk.app.exchange.stop()
