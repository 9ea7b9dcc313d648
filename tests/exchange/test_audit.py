"""What was done on one device stands in the report on another; a device that was put back shows in its log."""

from __future__ import annotations

import shutil
from pathlib import Path

from iop_tui.clinical.compliance import service as compliance
from iop_tui.clinical.notes import service as notes
from iop_tui.exchange import auditing
from iop_tui.workspace import exchanging
from tests.exchange.world.pairs import Pair
from tests.support.clinic.devices import Device
from tests.support.clinic.vaults import note, today


def test_the_report_tells_what_was_done_elsewhere(pair: Pair) -> None:
    one, two, stick = pair
    with two.workspace() as ws:
        notes.save(ws, two.program.people["ana"], note(today(ws), "On the laptop."))
    two.sync(stick)
    one.sync(stick)
    with one.workspace() as ws:
        lines = [item for item in compliance.audit_report(ws) if item.device == _device(two)]
        assert {"join-device", "write", "unlock"} <= {item.action for item in lines}
        assert "unreadable" not in {item.action for item in lines}
        assert not any(auditing.chains(ws.session).values())
        assert exchanging.findings(ws) == []


def _device(device: Device) -> bytes:
    with device.workspace() as ws:
        return ws.session.device


def test_a_log_that_was_put_back_is_told_on_the_others(pair: Pair, tmp_path: Path) -> None:
    one, two, stick = pair
    shutil.copytree(two.path, tmp_path / "image")
    two.sync(stick)
    shutil.rmtree(two.path)
    shutil.copytree(tmp_path / "image", two.path)
    for device in (two, one, two, one):
        device.sync(stick)
    with one.workspace() as ws:
        assert auditing.chains(ws.session)[_device(two)] > 0
        assert [item.alarm for item in exchanging.findings(ws)] == [False]


def test_a_damaged_mirror_is_found_and_mended(pair: Pair) -> None:
    one, _, stick = pair
    with one.workspace() as ws:
        name = sorted(exchanging.mirror(ws).listing())[0]
        file = ws.path / "packs" / "cwx1" / name
        file.write_bytes(b"rotten")
        assert any(name in item.where for item in exchanging.findings(ws))
        exchanging.sync(ws, exchanging.find_remote(ws, str(stick)))
        assert not any(name in item.where for item in exchanging.findings(ws))
