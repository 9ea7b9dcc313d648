"""Late work: what a device wrote that was reported lost, beyond the packs that were known then.

It is kept, offered on and told, and not taken in until a person looked at it. Who may end a device may decide.
"""

from __future__ import annotations

from dataclasses import dataclass

from iop_tui.exchange import deciding, taking
from iop_tui.exchange.deciding import Decision
from iop_tui.exchange.ledger import Ledger
from iop_tui.exchange.taking import Opened
from iop_tui.kernel.errors import IopError, NotFound, Refused
from iop_tui.kernel.text import clean_line
from iop_tui.store import revisions
from iop_tui.store.exchangelog import LATE
from iop_tui.store.rows import ExchangeRow, RevisionRow
from iop_tui.vault.digest import sha256
from iop_tui.workspace import exchanging, recovering
from iop_tui.workspace.workspace import Workspace

LEAST_REASON = 10


@dataclass(frozen=True, slots=True)
class LateEntry:
    """One version in late work that this user can read: its kind, author, person, and when its device says it was
    written.
    """

    kind: str
    author: bytes
    person: bytes
    at_ms: int


@dataclass(frozen=True, slots=True)
class LateLine:
    """A pack of late work. `closed`: versions this user holds no key to; `reason` and `accepted` where decided.

    `at_ms` is the device's claim of when it was sealed, `cut_ms` when the device was reported lost.
    """

    pack: bytes
    device: bytes
    device_name: str
    at_ms: int
    cut_ms: int
    entries: tuple[LateEntry, ...]
    closed: int
    acts: int
    decision: Decision | None


def late_work(ws: Workspace) -> list[LateLine]:
    """The late work that lies here, oldest first, with what was decided of it. Changes nothing."""
    if not exchanging.ready(ws):
        return []
    found = exchanging.ledger(ws)
    return [_line(ws, found, item) for item in taking.late_packs(found, exchanging.mirror(ws))]


def _line(ws: Workspace, found: Ledger, item: Opened) -> LateLine:
    beside = {row.id: row for row in item.content.revisions}

    def find(identifier: bytes) -> RevisionRow | None:
        return beside.get(identifier) or ws.session.db.revision(identifier)

    read = [_entry(ws, row, find) for row in item.content.revisions]
    entries = tuple(entry for entry in read if entry is not None)
    card = found.devices.cards[item.entry.device]
    return LateLine(
        item.entry.hash, card.device, card.name, item.entry.clock_ms, card.at_ms, entries, len(read) - len(entries),
        len(item.content.acts), found.decisions.get(item.entry.hash),
    )  # fmt: skip


def _entry(ws: Workspace, row: RevisionRow, find: revisions.Rows) -> LateEntry | None:
    """What this user may know of a version that is not in the vault yet; None without its key."""
    try:
        key = ws.session.key(row.compartment, row.generation)
        body = revisions.open_row(row, realm=ws.realm, key=key, rows=find).body
    except IopError:
        return None  # no key to it, or nothing that its compartment would take
    return LateEntry(body.kind, body.author, body.person, body.at_ms)


def decide(ws: Workspace, pack: bytes, *, accepted: bool, reason: str) -> int:
    """Accept late work with everything its device wrote before it, or file it as not accepted; how many packs were
    taken in. Administrators only. A rejected pack can be accepted later, an accepted one stays.

    Raises `RoleRefused`, `NotFound`, `Refused` without a reason.
    """
    root = recovering.need_administrator(ws)
    shown = clean_line(reason)
    if len(shown) < LEAST_REASON:
        raise Refused("A decision needs its reason.", f"Say in {LEAST_REASON} characters or more why, with --reason.")
    found, here = exchanging.ledger(ws), exchanging.mirror(ws)
    if all(item.entry.hash != pack for item in taking.late_packs(found, here)):
        raise NotFound("`iop-tui devices late` shows what waits for a decision.")
    data = deciding.sign(Decision(ws.realm, pack, accepted, shown, ws.user.user, ws.clock.now_ms()), root)
    work = ws.work()
    ws.session.note(work, "late-accepted" if accepted else "late-rejected", subject=pack[:16])
    batch = ws.session.sealed(work)
    batch.exchange.append(ExchangeRow(LATE, sha256(data)[:16], data))
    ws.session.db.commit(batch)
    if not accepted:
        return 0
    taken = taking.take(exchanging.ledger(ws), here)
    exchanging.follow(ws)
    return len(taken.packs)
