"""Which attachments this copy keeps here: those of pinned people, and those that were asked for and are not whole yet.

Both are this user's, on this copy only, and sealed to them: they travel nowhere, and who else unlocks this copy learns
nothing of them.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from iop_tui.clinical.attachments import manifest
from iop_tui.clinical.attachments.model import ATTACHMENT, Attachment
from iop_tui.clinical.records import api as records
from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import NotFound, VaultDamaged
from iop_tui.store.chunks import ChunkStore
from iop_tui.vault import envelope
from iop_tui.workspace import Workspace
from iop_tui.workspace.viewplaces import state_key

_STATE, _CONTEXT = "attachments", "iop/attachments/1"


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """People (or couples) whose attachments are kept here, and single attachments that were asked for."""

    pinned: tuple[bytes, ...] = ()
    wanted: tuple[bytes, ...] = ()


def kept(ws: Workspace) -> Kept:
    """What this user keeps on this copy."""
    raw = ws.session.db.state.get(state_key(_STATE, ws.user.user), b"")
    if not raw:
        return Kept()
    return decode(envelope.open_raw(ws.user.self_key, _CONTEXT, (ws.realm, ws.user.user), raw), Kept)


def pin(ws: Workspace, subject: bytes, *, on: bool = True) -> bool:
    """Keep every attachment of a person or couple on this copy, or no longer; whether that changed anything. What is
    here stays here. Raises `NotFound` for somebody this user reads nothing of.
    """
    if ws.view.one("SELECT 1 FROM record WHERE person = ? LIMIT 1", (subject,)) is None:
        raise NotFound
    before = kept(ws)
    others = tuple(item for item in before.pinned if item != subject)
    after = Kept((*others, subject) if on else others, before.wanted)
    return _keep(ws, before, after, "attachments-pin" if on else "attachments-unpin")


def want(ws: Workspace, store: ChunkStore, record: bytes) -> bool:
    """Ask the next exchanges for an attachment; whether it was not asked for already. Raises `NotFound`."""
    records.line_of(ws, record)
    before = kept(ws)
    wanted = tuple(dict.fromkeys((*_open(ws, store, before), record)))
    return _keep(ws, before, Kept(before.pinned, wanted), "attachments-want")


def tidy(ws: Workspace, store: ChunkStore) -> None:
    """Forget what was asked for and is whole now."""
    before = kept(ws)
    _keep(ws, before, Kept(before.pinned, tuple(_open(ws, store, before))), "attachments-here")


def _open(ws: Workspace, store: ChunkStore, now: Kept) -> list[bytes]:
    """What was asked for and is not whole yet."""
    return [record for record in now.wanted if (document := known(ws, record)) and lacking(store, document)]


def _keep(ws: Workspace, before: Kept, after: Kept, action: str) -> bool:
    if after == before:
        return False
    work = ws.work()
    sealed = envelope.seal_raw(ws.user.self_key, _CONTEXT, (ws.realm, ws.user.user), encode(after), ws.rng)
    work.state[state_key(_STATE, ws.user.user)] = sealed
    ws.session.note(work, action)
    ws.commit(work)
    return True


# -- parts ---------------------------------------------------------------------------------


def wanted(ws: Workspace, store: ChunkStore) -> list[dict[str, int]]:
    """Parts to be fetched and their sizes in bytes, file by file: what was asked for, then what pinned people have."""
    now = kept(ws)
    files = [lacking(store, document) for record in now.wanted if (document := known(ws, record)) is not None]
    files += [lacking(store, document) for subject in now.pinned for _, document in documents(ws, subject)]
    return [file for file in files if file]


def known(ws: Workspace, record: bytes) -> Attachment | None:
    """An attachment as the view has it, or None where this user cannot open it (any more)."""
    row = ws.view.one(
        "SELECT doc, version FROM record WHERE record = ? AND kind = ? AND status != 'newer'", (record, ATTACHMENT.kind)
    )
    return ATTACHMENT.decode(row[0], row[1]) if row else None


def lacking(store: ChunkStore, document: Attachment) -> dict[str, int]:
    """The parts of a file that are not here, in order, and their sizes in bytes."""
    return {name: document.part_size for name in known_parts(document) if not store.has(name)}


def order(ws: Workspace) -> list[list[str]]:
    """The parts of every attachment this user can open, oldest first, file by file: the order they are sent in."""
    return [list(known_parts(document)) for _, document in documents(ws)]


def documents(ws: Workspace, subject: bytes | None = None) -> Iterator[tuple[bytes, Attachment]]:
    """(record, document) of the attachments this user can open: of one person or couple, or of all; oldest first."""
    rows = ws.view.rows(
        "SELECT record, doc, version FROM record WHERE kind = ?1 AND status != 'newer' AND (?2 IS NULL OR person = ?2)"
        " ORDER BY created_ms, id",
        (ATTACHMENT.kind, subject),
    )
    for record, doc, version in rows:
        yield bytes(record), ATTACHMENT.decode(doc, version)


def known_parts(document: Attachment) -> tuple[str, ...]:
    """The parts of a file; none where its record is damaged, which the complete check tells."""
    try:
        return manifest.parts(document)
    except VaultDamaged:
        return ()
