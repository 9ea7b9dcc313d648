"""The same contract on servers that people run: Apache's mod_dav and `rclone serve webdav` (`-m tools`).

Both are needed for these tests: where they are absent, the tests fail.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from iop_tui.exchange.remotes.credentials import Credentials
from iop_tui.exchange.remotes.failures import BucketGone, CredentialsRefused
from iop_tui.exchange.remotes.port import Capabilities
from iop_tui.exchange.remotes.webdav import WebDavRemote
from iop_tui.kernel.rng import SystemRng
from tests.exchange.remotes.contract import EVERY, REALM, WHOLE, Check, Opens, pack
from tests.support.network import distribution
from tests.support.network.distribution import Installed

pytestmark = pytest.mark.tools
APACHE = Capabilities(ranges=True, unchanged=True, lists=True, remote=True)
RCLONE = Capabilities(ranges=True, unchanged=True, lists=True, remote=True)
SERVERS = {"apache": (distribution.apache, APACHE), "rclone": (distribution.rclone, RCLONE)}


@pytest.fixture(scope="module", params=sorted(SERVERS))
def server(request: pytest.FixtureRequest) -> Iterator[tuple[Installed, Capabilities]]:
    start, able = SERVERS[request.param]
    with start() as installed:
        yield installed, able


def carrier(server: tuple[Installed, Capabilities]) -> Opens:
    """An empty carrier on it."""
    installed, able = server
    place = installed.fresh()

    def open_(realm: bytes | None) -> WebDavRemote:
        known = able if realm == REALM else None
        return WebDavRemote(place, installed.credentials, realm, SystemRng(), able=known)

    WebDavRemote(place, installed.credentials, REALM, SystemRng())
    return Opens(open_, able)


@pytest.mark.parametrize("check", [*EVERY, *WHOLE], ids=lambda check: check.__name__)
def test_contract(server: tuple[Installed, Capabilities], check: Check) -> None:
    check(carrier(server))


def test_what_it_does_is_tried(server: tuple[Installed, Capabilities]) -> None:
    installed, able = server
    remote = WebDavRemote(installed.fresh(), installed.credentials, REALM, SystemRng())
    assert remote.probe() == able
    assert remote.names("t") == []


def test_wrong_password(server: tuple[Installed, Capabilities]) -> None:
    installed, _ = server
    with pytest.raises(CredentialsRefused):
        WebDavRemote(installed.fresh(), Credentials.of(b"CLINICKEY0", b"wrong"), REALM, SystemRng())


def test_a_folder_that_vanished(server: tuple[Installed, Capabilities]) -> None:
    installed, _ = server
    place = installed.fresh()
    remote = WebDavRemote(place, installed.credentials, REALM, SystemRng())
    (installed.root / place.name / "cwx1" / "realm").unlink()
    for folder in sorted((installed.root / place.name).rglob("*"), reverse=True):
        folder.rmdir()
    (installed.root / place.name).rmdir()
    with pytest.raises(BucketGone):
        remote.put(*pack())
