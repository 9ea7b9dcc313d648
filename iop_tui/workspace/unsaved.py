"""Unsaved typing, sealed to its author in the journal of this copy: at most a second behind the keyboard.

One shape for every editor; `KIND` among the fields says which kind of document they belong to.
"""

from __future__ import annotations

import msgspec

from iop_tui.workspace.workspace import Workspace

KIND = "$kind"
"""The mark among the fields: the kind of document. Without it they are a progress note's."""


class Unsaved(msgspec.Struct, frozen=True):
    """A document as it was being typed: whose, of which record, which form fields."""

    person: bytes
    record: bytes
    fields: dict[str, object]
    at_ms: int


def keep(ws: Workspace, slot: bytes, unsaved: Unsaved) -> None:
    """Seal unsaved typing into the journal of this copy."""
    ws.session.journal_put(slot, msgspec.msgpack.encode(unsaved))


def kept(ws: Workspace) -> dict[bytes, Unsaved]:
    """Unsaved typing of this user by slot."""
    return {slot: msgspec.msgpack.decode(raw, type=Unsaved) for slot, raw in ws.session.journal().items()}


def give_up(ws: Workspace, slot: bytes) -> None:
    """Drop unsaved typing that its author discards."""
    ws.session.db.journal_clear(ws.user.user, slot)
