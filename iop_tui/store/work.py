"""What one use case is about to write: collected first, committed in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field

from iop_tui.store.audit import Event
from iop_tui.store.rows import ActRow, FingerprintRow, RevisionRow


@dataclass(slots=True)
class Work:
    """Rows and events of one use case. Nothing is visible before `Session.commit`."""

    at_ms: int
    events: list[Event] = field(default_factory=list)
    acts: list[ActRow] = field(default_factory=list)
    revisions: list[RevisionRow] = field(default_factory=list)
    fingerprints: list[FingerprintRow] = field(default_factory=list)
    state: dict[str, bytes] = field(default_factory=dict)
    clear_journal: list[bytes] = field(default_factory=list)
    keys: dict[tuple[bytes, int], bytes] = field(default_factory=dict)
    latest: dict[bytes, int] = field(default_factory=dict)
    publics: dict[tuple[bytes, int], bytes] = field(default_factory=dict)
    clean_close: bool = False
    ended: set[bytes] = field(default_factory=set)
    """Wraps that this write revokes: a new key made in the same write is not wrapped to them again."""
