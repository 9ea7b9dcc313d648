"""Versions stored against an earlier one: small, readable from any one pack, and never against what a pack holds."""

from __future__ import annotations

import pytest

from iop_tui.clinical.notes import service as notes
from iop_tui.exchange import packs
from iop_tui.exchange.remotes.directory import ROOT
from iop_tui.store import revisions
from iop_tui.workspace import Workspace, exchanging, links
from tests.exchange.world.pairs import Pair
from tests.support.clinic.devices import line
from tests.support.clinic.vaults import note, today


def base_of(ws: Workspace, revision: bytes) -> bytes:
    row = ws.session.db.revision(revision)
    assert row is not None
    return revisions.base_of(row)


def packed(ws: Workspace) -> dict[str, list[bytes]]:
    """The packs of this session that hold rows, and which."""
    found, here = exchanging.ledger(ws), exchanging.mirror(ws)
    rows: dict[str, list[bytes]] = {}
    for item in found.sealed[-6:]:
        name = packs.name_of(item.entry.lane, item.entry.n, item.entry.hash)
        pack = packs.open_pack(here.get(name) or b"", ws.realm, found.transport.get(item.key))
        ids = [row.id for row in packs.content(pack.body).revisions]
        if ids:
            rows[name] = ids
    return rows


def test_every_pack_is_read_without_another_one(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Note and edit in two packs; the carrier loses the first one, and the edit is read all the same."""
    one, two, stick = pair
    monkeypatch.setattr(links, "pack_size", lambda *_: 1)
    with one.workspace() as ws:
        ana = one.program.people["ana"]
        first = notes.save(ws, ana, note(today(ws), "A first version."))
        second = notes.save(ws, ana, note(today(ws), "A first version, edited."), record=first.record)
        third = notes.save(ws, ana, note(today(ws), "A first version, edited twice."), record=first.record)
        assert (base_of(ws, second.revision), base_of(ws, third.revision)) == (first.revision, first.revision)
        exchanging.sync(ws, line(stick))
        held = packed(ws)
        assert sorted(map(sorted, held.values())) == sorted(
            map(sorted, ([first.revision], [first.revision, second.revision], [first.revision, third.revision]))
        )
        again = notes.save(ws, ana, note(today(ws), "Edited after the exchange."), record=first.record)
        assert base_of(ws, again.revision) == b"", "a version is stored against what a pack holds"
        assert [item for item in ws.verify() if item.alarm] == []
        ws.rebuild_view()
    (stick / ROOT / next(name for name, rows in held.items() if rows == [first.revision])).unlink()
    with two.workspace() as ws:
        exchanging.sync(ws, line(stick))
        for revision in (second.revision, third.revision):
            assert ws.view.one("SELECT 1 FROM version WHERE id = ?", (revision,)) is not None
            assert ws.session.open_revision(revision).id == revision
        assert ws.view.rows("SELECT * FROM quarantine") == []
