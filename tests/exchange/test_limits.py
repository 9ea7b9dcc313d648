"""What carriers bring fills neither memory nor disk, and what is kept of it is said."""

from __future__ import annotations

import os
import shutil
import tracemalloc
from pathlib import Path

import pytest

from iop_tui.exchange import mirror as mirroring
from iop_tui.exchange import packs
from iop_tui.exchange.mirror import Mirror
from iop_tui.exchange.remotes.bundle import BundleRemote
from iop_tui.exchange.remotes.port import CarrierGone
from iop_tui.kernel.errors import MediumUnusable
from iop_tui.kernel.rng import SeededRng
from iop_tui.shell.exchange import words
from iop_tui.vault.digest import sha256
from iop_tui.workspace import exchangestate, exchanging
from tests.exchange.world.pairs import Pair


def test_a_file_is_read_and_written_pack_by_pack(tmp_path: Path) -> None:
    """However large it is, no more of it is held than its table and one pack; another one in its place is noticed."""
    mail, rng = tmp_path / "large.cwx", SeededRng(3)
    data = [rng.token(1 << 20) for _ in range(12)]
    names = [packs.name_of(b"l" * 16, n, sha256(one)) for n, one in enumerate(data)]
    tracemalloc.start()
    try:
        for half in (slice(0, 6), slice(6, 12)):
            held = BundleRemote(mail, b"r" * 16, rng)
            for name, one in zip(names[half], data[half], strict=True):
                held.put(name, one)
            held.close()
        held = BundleRemote(mail, b"r" * 16, rng)
        assert all(held.get(name) == one for name, one in zip(names, data, strict=True))
        assert tracemalloc.get_traced_memory()[1] < 5 << 20
    finally:
        tracemalloc.stop()
    assert held.listing() == dict.fromkeys(names, 1 << 20)
    assert [item.name for item in tmp_path.iterdir()] == [mail.name]
    shutil.copyfile(mail, tmp_path / "other.cwx")
    (tmp_path / "other.cwx").replace(mail)
    with pytest.raises(CarrierGone, match="replaced"):
        held.get(names[0])


@pytest.mark.parametrize("length", [0xFFFFFFFF, 40 << 20, 100])
def test_a_file_that_announces_an_absurd_table(tmp_path: Path, length: int) -> None:
    mail = tmp_path / "odd.cwx"
    mark = b"CWXF" + sha256(b"cwx/realm", b"r" * 16)[:28]
    with mail.open("wb") as file:
        file.write(mark + length.to_bytes(4, "big"))
        file.truncate(1 << 40)
    tracemalloc.start()
    try:
        with pytest.raises(MediumUnusable, match="cut or damaged"):
            BundleRemote(mail, b"r" * 16, SeededRng(1))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    mail.unlink()
    os.mkfifo(mail)
    with pytest.raises(MediumUnusable, match="no ordinary file"):
        BundleRemote(mail, b"r" * 16, SeededRng(1))


def test_what_carriers_bring_damaged_does_not_fill_the_disk(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what lies on a carrier too only so much is kept, and it is said; the own damaged file is always kept."""
    monkeypatch.setattr(mirroring, "MOST_ASIDE", 3)
    with pair[1].workspace() as ws:
        mirror = exchanging.mirror(ws)
    for number in range(9):
        mirror.set_aside(f"p/x/{number}", bytes([number]), elsewhere=True)
    assert len(mirror.aside()) == 3
    mirror.set_aside("p/x/own", b"own")
    assert len(mirror.aside()) == 4
    with pair[1].workspace() as ws:
        assert any(item.where == "packs/cwx1/q" for item in exchanging.findings(ws))
        [said] = [text for text, _ in words.needs(exchangestate.standing(ws)) if text.startswith("Set aside")]
        assert words.ASIDE_FULL in said


def test_downloads_that_nobody_went_on_with_do_not_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest go, which costs fetching them again; the present one stays, however large it is."""
    monkeypatch.setattr(mirroring, "MOST_PARTS", 4)
    monkeypatch.setattr(mirroring, "MOST_PARTS_BYTES", 1_000)
    mirror = Mirror(tmp_path, b"r" * 16, SeededRng(5))
    for number in range(8):
        mirror.keep_part(f"p/{number}", bytes(10))
    assert [number for number in range(8) if mirror.part(f"p/{number}")] == [4, 5, 6, 7]
    mirror.keep_part("p/large", bytes(990))
    mirror.keep_part("p/7", bytes(20))
    assert [name for name in ("4", "5", "6", "7", "large") if mirror.part(f"p/{name}")] == ["6", "7", "large"]
