"""A write and its projection run side by side: the view keeps what the vault has, no more and no less."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.model import PROGRESS_NOTE
from iop_tui.kernel.errors import DiskFull, IopError, MediumUnusable
from iop_tui.kernel.secret import Secret
from iop_tui.store.members import membership
from iop_tui.store.session import Session
from iop_tui.store.vaultdb import VaultDb
from iop_tui.store.views import catchup
from iop_tui.store.views.view import Changes, View
from iop_tui.workspace import Workspace
from tests.support.clinic.vaults import Program, note, today


def shown(ws: Workspace) -> set[bytes]:
    """The drafts the view lists."""
    return {line.id for line in notes.drafts(ws)}


def write(ws: Workspace, made: Program, text: str) -> bytes:
    return notes.save(ws, made.people["ana"], note(today(ws), text)).record


def caught_up(ws: Workspace) -> bool:
    return ws.behind() == 0 and ws.head_state().position == ws.session.db.position


def test_nothing_is_shown_of_a_write_that_failed(
    ws: Workspace, made: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, position = shown(ws), ws.session.db.position

    def full(self: VaultDb, batch: Any) -> None:
        raise DiskFull("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(VaultDb, "_commit_once", full)
        with pytest.raises(DiskFull):
            write(ws, made, "Never stored.")
    assert shown(ws) == before
    assert ws.session.db.position == position
    kept = write(ws, made, "Stored.")
    assert shown(ws) == before | {kept}
    assert caught_up(ws)


def test_a_head_that_cannot_be_written_is_reported_and_what_is_stored_is_shown(
    ws: Workspace, made: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = shown(ws)

    def broken(self: VaultDb) -> None:
        raise MediumUnusable("The signed head could not be written.")

    with monkeypatch.context() as patch:
        patch.setattr(VaultDb, "_move_head", broken)
        with pytest.raises(MediumUnusable):
            write(ws, made, "Stored, its head not.")
    assert len(shown(ws) - before) == 1
    assert ws.behind() == 0
    write(ws, made, "The head moves past both.")
    assert caught_up(ws)


def test_a_failing_view_waits_for_the_vault_and_takes_the_write_in_later(
    ws: Workspace, made: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, position = shown(ws), ws.session.db.position

    def broken(*_: Any) -> None:
        raise DiskFull("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr("iop_tui.store.views.catchup.put_revisions", broken)
        with pytest.raises(DiskFull):
            write(ws, made, "In the vault.")
    assert ws.session.db.position.revisions == position.revisions + 1
    assert ws.head_state().position == ws.session.db.position
    ws.session.catch_up()
    assert len(shown(ws) - before) == 1


def test_a_write_that_another_one_came_before_is_projected_after_it(ws: Workspace, made: Program) -> None:
    before = shown(ws)
    work = ws.work()
    body = ws.session.body(
        work, record=ws.rng.token(16), person=made.people["ana"], kind=PROGRESS_NOTE.kind,
        version=PROGRESS_NOTE.version, payload=PROGRESS_NOTE.encode(note(today(ws), "Appended, not projected.")),
    )  # fmt: skip
    ws.session.write(work, notes.home(ws, made.people["ana"]).compartment, body)
    ws.session.note(work, "write", person=made.people["ana"])
    ws.session.append(work)
    second = write(ws, made, "Projected for a place that was taken.")
    assert shown(ws) == before | {body.record, second}
    assert caught_up(ws)


def test_writes_of_several_threads_are_all_in_the_view(ws: Workspace, made: Program) -> None:
    before, written, failed = shown(ws), list[bytes](), list[IopError]()

    def several(number: int) -> Callable[[], None]:
        def run() -> None:
            try:
                written.extend(write(ws, made, f"Thread {number}, note {count}.") for count in range(4))
            except IopError as error:
                failed.append(error)

        return run

    threads = [threading.Thread(target=several(number)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert shown(ws) == before | set(written)
    assert len(set(written)) == 12
    assert caught_up(ws)


def test_what_follows_from_membership_is_computed_anew_where_older_acts_only_changed_places(ws: Workspace) -> None:
    """A pack without acts can do that: it says which of two others knew of the other."""
    made = list[int]()
    for _ in range(2):
        ws.session.derived("test", lambda: made.append(1))
    assert len(made) == 1
    ws.view.transaction(lambda db: ws.view.set_number(db, membership.EPOCH, ws.view.number(membership.EPOCH) + 1))
    ws.session.derived("test", lambda: made.append(1))
    assert len(made) == 2


def test_a_view_that_was_built_anew_meanwhile_shows_the_write_too(
    ws: Workspace, made: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, old, take_in = shown(ws), ws.view, catchup.take_in
    fresh = copy.copy(ws.session)
    fresh.view = View.create(tmp_path / "anew.db", Secret(bytes(32)))
    fresh.forget_keys()
    fresh.catch_up()

    def replaced(session: Session, *args: Any) -> Any:
        changes = take_in(session, *args)
        session.view = fresh.view
        return changes

    with monkeypatch.context() as patch:
        patch.setattr(catchup, "take_in", replaced)
        written = write(ws, made, "While the view was built anew.")
    assert ws.view is fresh.view
    assert shown(ws) == before | {written}
    ws.session.view = old
    fresh.view.close()


def test_how_far_the_view_is_never_goes_back(ws: Workspace) -> None:
    """Who reads in slowly what others wrote long ago sets nobody back."""
    catchup._apply_revisions(ws.session, [row for _, row in ws.session.db.revisions_since(0, 1)], Changes(), 1)
    assert ws.behind() == 0
