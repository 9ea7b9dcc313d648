"""The audit entries other devices wrote, as their packs brought them: for reports, and to see where a chain breaks."""

from __future__ import annotations

from collections.abc import Iterator

from iop_tui.exchange.packs import AuditPart
from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import IopError
from iop_tui.store.exchangelog import AUDIT
from iop_tui.store.rows import AuditHeader, audit_hash
from iop_tui.store.session import Session


def others(session: Session) -> Iterator[tuple[AuditHeader, bytes]]:
    """Entries of other devices: header and sealed body. A batch that cannot be read is passed over here."""
    for (data,) in session.db.read("SELECT data FROM exchange WHERE kind = ? ORDER BY seq", (AUDIT,)):
        try:
            device, part = decode(bytes(data), tuple[bytes, AuditPart])
        except IopError:
            continue  # `chains` tells it
        yield from _entries(device, part)


def _entries(device: bytes, part: AuditPart) -> Iterator[tuple[AuditHeader, bytes]]:
    previous = part.previous
    for number, item in enumerate(part.entries):
        header = AuditHeader(
            part.first + number, item.at_ms, device, item.session, previous, item.changes, item.state, item.clean_close
        )
        yield header, item.sealed
        previous = audit_hash(encode(header), item.sealed)


def chains(session: Session) -> dict[bytes, int]:
    """Per device, in how many places its log does not continue what came before it here: 0 where all fits.

    A restored device has one such place for each time it was put back.
    """
    links: dict[bytes, list[tuple[int, bytes, bytes]]] = {}
    broken: dict[bytes, int] = {}
    for (data,) in session.db.read("SELECT data FROM exchange WHERE kind = ? ORDER BY seq", (AUDIT,)):
        try:
            device, part = decode(bytes(data), tuple[bytes, AuditPart])
        except IopError:
            broken[bytes(16)] = broken.get(bytes(16), 0) + 1
            continue
        last = part.previous
        for header, sealed in _entries(device, part):
            last = audit_hash(encode(header), sealed)
        links.setdefault(device, []).append((part.first, part.previous, last))
    for device, parts in links.items():
        ends = {last for _, _, last in parts} | {bytes(32)}
        starts = [previous for _, previous, _ in parts]
        broken[device] = sum(previous not in ends for previous in starts) + len(starts) - len(set(starts))
    return broken
