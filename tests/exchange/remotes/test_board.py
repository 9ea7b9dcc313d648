"""The board on real servers: replaced only where nobody was first, and only where that was seen to work."""

from __future__ import annotations

from iop_tui.exchange.remotes.port import BOARD, Swapping
from iop_tui.exchange.remotes.s3 import S3Remote
from iop_tui.exchange.remotes.webdav import WebDavRemote
from iop_tui.kernel.rng import SeededRng
from tests.support.network.servers import Served

REALM = b"b" * 16


def test_a_bucket_replaces_the_board_for_the_first_one_only(s3: Served) -> None:
    remote = S3Remote(s3.place(s3.fresh()), s3.credentials, REALM, SeededRng(1))
    assert remote.probe().swaps
    assert isinstance(remote, Swapping)
    first = remote.swap(BOARD, b"first", "")
    assert first
    assert remote.swap(BOARD, b"second", "") is None
    second = remote.swap(BOARD, b"third", first)
    assert second not in (None, first)
    assert remote.swap(BOARD, b"fourth", first) is None
    look = remote.look(BOARD, first)
    assert look is not None
    assert (look.data, look.tag) == (b"third", second)
    assert remote.swap("nothing", b"there", second or "") is None


def test_a_web_folder_has_no_board(dav: Served) -> None:
    remote = WebDavRemote(dav.place(dav.fresh()), dav.credentials, REALM, SeededRng(2))
    assert not remote.probe().swaps
