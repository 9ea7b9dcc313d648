"""Keyed fingerprints: what was taken before is known again, and a stolen list of them says nothing.

HMAC-SHA-256 under a key derived from the registry's compartment key, which everybody who may import holds.
"""

from __future__ import annotations

from collections.abc import Iterable

from iop_tui.access.policy import Kind
from iop_tui.access.primitives import program_compartment
from iop_tui.kernel.canonical import joined
from iop_tui.store.rows import FingerprintRow
from iop_tui.store.session import Session
from iop_tui.store.work import Work
from iop_tui.vault.digest import derive, mac

_CONTEXT = "iop/import/1"


class Fingerprints:
    """Looks up and adds fingerprints; what a write adds is known at once."""

    def __init__(self, session: Session) -> None:
        self._db = session.db
        self._key = derive(session.key(program_compartment(session, Kind.REG), 1).reveal(), "iop/import/key/1")
        self._known: dict[bytes, bytes] = {}
        self._asked: set[bytes] = set()

    def _mac(self, parts: tuple[str, ...]) -> bytes:
        return mac(self._key, _CONTEXT, joined(*parts))

    def look_up(self, many: Iterable[tuple[str, ...]]) -> None:
        """Ask for many at once what `find` will want to know."""
        self._ask([self._mac(parts) for parts in many])

    def _ask(self, wanted: list[bytes]) -> None:
        fresh = [item for item in wanted if item not in self._asked]
        if fresh:
            self._known |= self._db.known_fingerprints(fresh)
            self._asked.update(fresh)

    def find(self, *parts: str) -> bytes | None:
        """What this fingerprint became, or None."""
        wanted = self._mac(parts)
        self._ask([wanted])
        return self._known.get(wanted)

    def first(self, candidates: Iterable[tuple[str, ...]]) -> bytes | None:
        """What the first known of several fingerprints became, or None."""
        return next((found for parts in candidates if (found := self.find(*parts)) is not None), None)

    def add(self, work: Work, target: bytes, *parts: str) -> None:
        """Remember what a fingerprint became; one that is known stays with what it became first."""
        wanted = self._mac(parts)
        self._ask([wanted])
        if wanted not in self._known:
            self._known[wanted] = target
            work.fingerprints.append(FingerprintRow(wanted, target))
