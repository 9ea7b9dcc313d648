"""Exchange as use cases of an unlocked vault: setting it up, carriers, one exchange, devices and their end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec

from iop_tui.access import program, roles
from iop_tui.access.settle import settle
from iop_tui.exchange import auditing, cards, chunks, costs, engine, enrol, keys, packs, sealing, taking
from iop_tui.exchange.cards import ACTIVE, LOST, RETIRED, DeviceCard
from iop_tui.exchange.carrying import Budget, Estimate
from iop_tui.exchange.chunks import MovedParts, Wishes
from iop_tui.exchange.engine import DeviceLine, Report, Turns
from iop_tui.exchange.keys import DeviceKeys, TransportKeys
from iop_tui.exchange.ledger import Ledger, stored
from iop_tui.exchange.mirror import Last, Mirror
from iop_tui.exchange.remotes import places
from iop_tui.exchange.remotes.directory import DirectoryRemote
from iop_tui.exchange.remotes.port import Remote
from iop_tui.exchange.sealing import REMOVED
from iop_tui.exchange.taking import Waiting
from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import IopError, NotFound, Refused, RoleRefused
from iop_tui.kernel.text import clean_line
from iop_tui.store.check import CheckFinding
from iop_tui.store.chunks import ChunkStore
from iop_tui.store.exchangelog import DEVICE, KEY, KEYSLOT, RIVAL
from iop_tui.store.rows import ExchangeRow
from iop_tui.store.views.view import Changes
from iop_tui.store.work import Work
from iop_tui.vault import slots, words
from iop_tui.vault.forms import Slot
from iop_tui.vault.signing import SigningKey
from iop_tui.workspace import links, parts
from iop_tui.workspace.carriers import (
    RemoteLine,
    add_remote,
    find_remote,
    note_remote,
    open_remote,
    open_server,
    remotes,
    remove_remote,
    tried,
)
from iop_tui.workspace.pins import BROUGHT
from iop_tui.workspace.viewplaces import state_key
from iop_tui.workspace.workspace import Workspace

__all__ = [
    "RemoteLine", "add_remote", "find_remote", "note_remote", "open_remote", "remotes", "remove_remote", "tried",
]  # fmt: skip


# -- setting up ----------------------------------------------------------------------------


def device_keys(ws: Workspace) -> DeviceKeys:
    """This device's secrets, from the user's own key slot."""
    return DeviceKeys.of(ws.session.device, ws.vault_keys().device_seed)


def ledger(ws: Workspace) -> Ledger:
    """What this copy knows of its exchange. Raises `Refused` where the program has not begun to exchange."""
    return Ledger.read(ws.session, device_keys(ws))


def ready(ws: Workspace) -> bool:
    """Whether the program exchanges already."""
    return keys.STATE in ws.session.db.state


def begin(ws: Workspace, name: str) -> None:
    """Set the exchange up: this device's card and the first transport key. Raises `NoKey` but for administrators."""
    root = _root(ws)
    own = device_keys(ws)
    card = DeviceCard(own.device, clean_line(name) or "First device", own.signer.public, own.box.public, (), ACTIVE, 1,
                      ws.clock.now_ms())  # fmt: skip
    stored = cards.sign(card, root)
    work = ws.work()
    work.state[keys.STATE] = TransportKeys({keys.FIRST: keys.fresh(ws.rng)}).store()
    ws.session.note(work, "exchange-begin", subject=own.device)
    _commit(ws, work, [ExchangeRow(DEVICE, cards.identity(stored), stored)])


def _root(ws: Workspace) -> SigningKey:
    if roles.ADMINISTRATOR not in ws.user.roles:
        raise RoleRefused("Devices are admitted and ended by an administrator.", "Ask an administrator of the program.")
    return program.root_signer(ws.session)


def _commit(ws: Workspace, work: Work, rows: list[ExchangeRow]) -> None:
    batch = ws.session.sealed(work)
    batch.exchange += rows
    ws.session.db.commit(batch)


# -- carriers ------------------------------------------------------------------------------


def open_line(ws: Workspace, line: RemoteLine, budget: Budget | None = None) -> Remote:
    """A carrier this copy knows, with patience for its link where that is a network. Closed, it remembers how the link
    was. Raises `CarrierGone`, `OtherProgram`, `AccessMissing`.
    """
    place, here = places.parse(line.place), mirror(ws)
    if not place.remote:
        return open_remote(place.path, ws.realm, ws.rng)
    budget = budget or Budget()
    patience, kept = links.patience(here, line.place), links.Traces(here, line.place)
    remote = open_server(ws, line, patience, budget.cancelled, kept)
    return links.patient(remote, here, line.place, clock=ws.clock, rng=ws.rng, budget=budget)


def mirror(ws: Workspace) -> Mirror:
    """The packs of this copy."""
    return Mirror(ws.path, ws.realm, ws.rng)


# -- one exchange --------------------------------------------------------------------------


def sync(
    ws: Workspace, line: RemoteLine, *, budget: Budget | None = None, turns: Turns | None = None,
    changed: Callable[[Changes], None] = lambda changes: None, wishes: Wishes | None = None, thorough: bool = False,
) -> Report:  # fmt: skip
    """Exchange with a carrier; the view shows what came, and what the program owes after it is done. Parts of
    attachments follow behind all else, as `wishes` say. How it went is noted beside the packs. `thorough` lists a
    carrier over a network, which notices what was lost there, and is done once a week in any case.

    With `turns` it may run beside other work on the same vault: every step that writes is done in a turn, `changed`
    is told what came, and a view that must be built anew (`Workspace.purge_owed`) is left to the caller.
    """
    budget, alone, turns = budget or Budget(), turns is None, turns or Turns()
    turns.take(partial(offer_slots, ws))
    found, here = ledger(ws), mirror(ws)
    began, report = ws.clock.monotonic(), None
    found.target = target(ws, line, here)
    remote = open_line(ws, line, budget)
    try:
        try:
            report = engine.exchange(found, here, remote, line.place, budget=budget, turns=turns, thorough=thorough,
                                     show=lambda: changed(ws.session.catch_up()),
                                     follow=lambda: changed(follow(ws, rebuild=alone)))  # fmt: skip
            parts.exchange(ws, remote, line.place, wishes or Wishes(), report.parts, budget=budget, turns=turns)
        finally:
            remote.close()
    finally:
        left = (0, 0) if report is None else (report.moved.left, report.moved.left_bytes)
        whole = report is not None and not any(left)
        here.note_last(line.place, Last(ws.clock.now_ms(), budget.spent, ws.clock.monotonic() - began, *left, whole))
    return report


def fetch_parts(
    ws: Workspace, line: RemoteLine, file: dict[str, int], *, budget: Budget | None = None
) -> MovedParts:
    """Fetch the parts of one attachment (names and sizes in bytes) from a carrier and nothing else. Raises
    `CarrierGone`, `MediumUnusable`, `DiskFull`, `Cancelled`; what came until then is kept.
    """
    store, moved = ChunkStore(ws.path, ws.rng), MovedParts()
    budget = budget or Budget()
    remote = open_line(ws, line, budget)
    try:
        chunks.fetch(store, remote, chunks.Seen(store, line.place), [file], budget, moved)
    finally:
        remote.close()
    return moved


def follow(ws: Workspace, *, rebuild: bool = True) -> Changes:
    """Bring the view up after packs were taken in, and do what the program owes; what changed."""
    changes = ws.session.catch_up()
    changes.merge(settle(ws.session))
    take_slots(ws)
    match_slots(ws)
    if rebuild and ws.purge_owed():
        ws.rebuild_view()
    return changes


def plan(ws: Workspace, line: RemoteLine, wishes: Wishes | None = None) -> tuple[Estimate, int]:
    """What an exchange would move, and how many writes would be sealed first. Changes nothing on the carrier."""
    found, here = ledger(ws), mirror(ws)
    found.target = target(ws, line, here)
    remote = open_line(ws, line)
    try:
        estimate, writes = engine.plan(found, here, remote, line.place)
        estimate = replace(estimate, parts=parts.estimate(ws, remote, line.place, wishes or Wishes()))
    finally:
        remote.close()
    return costs.filled(estimate, remote, line.place), writes


def target(ws: Workspace, line: RemoteLine, here: Mirror) -> int:
    """About how large packs are to be that are sealed now: what the links of all carriers of this copy need."""
    return links.pack_size(here, {line.place, *(known.place for known in remotes(ws))})


def waiting(ws: Workspace) -> list[Waiting]:
    """Packs that came and were not taken in, and why."""
    return taking.not_taken(ledger(ws), mirror(ws))


def findings(ws: Workspace) -> list[CheckFinding]:
    """What does not fit in what was exchanged: for the complete check. Nothing is changed."""
    if not ready(ws):
        return []
    found, here = ledger(ws), mirror(ws)
    listed = here.listing()
    lines = [
        CheckFinding("A pack in the mirror is damaged; the next exchange brings it again", f"packs {name}", alarm=False)
        for name in listed
        if not packs.fits_name(name, here.get(name) or b"")
    ]
    lines += [
        CheckFinding("A pack that was sealed here cannot be made again as it was", f"vault.db pack {item.entry.n}")
        for item in found.sealed
        if not sealing.intact(found, item)
    ]
    if not here.room_aside():
        what = "Damaged files of carriers fill their folder and are not kept any more; look at them, then delete it"
        lines.append(CheckFinding(what, "packs/cwx1/q", alarm=False))
    if stored(ws.session, RIVAL):
        lines.append(CheckFinding("Two rows that other devices brought bear one number", "vault.db exchange"))
    for device, count in sorted(auditing.chains(ws.session).items()):
        if count:
            what = f"The log of {found.devices.name(device)} does not follow on in {count} places"
            lines.append(CheckFinding(what, "vault.db exchange", alarm=False))
    return lines


def devices(ws: Workspace) -> list[DeviceLine]:
    """Every device of the program, with how far it has followed this one."""
    return engine.device_lines(ledger(ws))


# -- key slots -----------------------------------------------------------------------------


def offer_slots(ws: Workspace) -> None:
    """Let users' key slots travel, so that they can unlock on other devices. A slot is offered once and never replaced:
    a passphrase is changed on each device by itself.
    """
    db = ws.session.db
    known = {bytes(row[0]) for row in db.read("SELECT id FROM exchange WHERE kind = ?", (KEYSLOT,))}
    rows = []
    for slot in ws.header().slots:
        pin = db.state.get(state_key("pin", slot.user_id), b"")
        if slot.user_id not in known and pin:
            bare = slots.without_wrap(slot)
            rows.append(ExchangeRow(KEYSLOT, slot.user_id, slot.user_id + encode((bare, pin))))
    if rows:
        work = ws.work()
        ws.session.note(work, "offer-slots", detail=f"{len(rows)} slots")
        _commit(ws, work, rows)


def take_slots(ws: Workspace) -> list[bytes]:
    """Give users from other devices a key slot here: the vault key of this copy sealed to their certified key."""
    there = {slot.user_id for slot in ws.header().slots}
    fresh: list[Slot] = []
    work = ws.work()
    for identifier, data in ws.session.db.read("SELECT id, data FROM exchange WHERE kind = ?", (KEYSLOT,)):
        if identifier in there:
            continue
        try:
            slot, pin = decode(bytes(data)[16:], tuple[Slot, bytes])
            card = ws.session.card(bytes(identifier))
        except IopError:
            continue  # not a user of this program (yet)
        tag = slots.name_tag(ws.realm, card.name)
        fits = (slot.user_id, slot.vault_id, slot.name_tag) == (card.user, ws.realm, tag)
        if card.status == ACTIVE and fits:
            fresh.append(slots.with_wrap(slot, card.enc_public, ws.vault_keys()))
            work.state[state_key(BROUGHT, card.user)] = pin
    if fresh:
        ws.session.note(work, "take-slots", detail=f"{len(fresh)} slots")
        ws.change_header(work, lambda header: msgspec.structs.replace(header, slots=(*header.slots, *fresh)))
    return [slot.user_id for slot in fresh]


def match_slots(ws: Workspace) -> int:
    """Let the key slots of this copy say what the cards say: who was removed or suspended elsewhere is it here too, and
    who was let in again gets the vault key back. How many slots changed.
    """
    before = ws.header().slots
    after = tuple(slot for slot in (_matched(ws, one) for one in before) if slot is not None)
    if after == before:
        return 0
    work = ws.work()
    ws.session.note(work, "match-slots")
    ws.change_header(work, lambda header: msgspec.structs.replace(header, slots=after))
    return sum(slot not in before for slot in after) + len(before) - len(after)


def _matched(ws: Workspace, slot: Slot) -> Slot | None:
    try:
        card = ws.session.card(slot.user_id)
    except NotFound:
        return slot
    if card.user == ws.user.user:
        return slot
    if card.status == REMOVED:
        return None
    if card.status == ACTIVE:
        return slots.with_wrap(slot, card.enc_public, ws.vault_keys()) if slot.suspended else slot
    return slot if slot.suspended else slots.without_wrap(slot)


# -- devices -------------------------------------------------------------------------------


def requests(ws: Workspace, carrier: Path | RemoteLine) -> list[tuple[enrol.Request, str]]:
    """New devices that ask on a carrier, with the words their screens show."""
    with closing(_asked_at(ws, carrier)) as remote:
        asking = [remote.get(name) or b"" for name in remote.names("e", ".req")]
    found = []
    for data in asking:
        try:
            found.append(enrol.read_request(data))
        except IopError:
            continue  # not a request of this version
    known = ledger(ws).devices.cards if ready(ws) else {}
    return [item for item in found if item[0].device not in known]


def _asked_at(ws: Workspace, carrier: Path | RemoteLine) -> Remote:
    return open_line(ws, carrier) if isinstance(carrier, RemoteLine) else DirectoryRemote(carrier, ws.realm, ws.rng)


def admit(ws: Workspace, carrier: Path | RemoteLine, typed: str) -> tuple[DeviceCard, str]:
    """Certify a new device whose screen shows the words typed, and leave its grant on the carrier; the words it is to
    be given in turn. Raises `WordsDiffer`, `NoKey` but for administrators.
    """
    _root(ws)
    card, sealed, shown = certify(ws, meant(requests(ws, carrier), typed))
    leave_grant(ws, carrier, card, sealed)
    return card, shown


def meant(asking: list[tuple[enrol.Request, str]], typed: str) -> enrol.Request:
    """The request whose words were typed. Raises `WordsDiffer`."""
    for request, shown in asking:
        if words.same_words(typed, shown):
            return request
    raise enrol.WordsDiffer("No device that asks on this carrier shows these words.")


def certify(ws: Workspace, request: enrol.Request) -> tuple[DeviceCard, bytes, str]:
    """Certify a new device: its card, its sealed grant, the words it is to be given. Asks no carrier. Raises `NoKey`
    but for administrators.
    """
    root, found = _root(ws), ledger(ws)
    own = found.own_card()
    children = sum(card.rank[: len(own.rank)] == own.rank for card in found.devices.cards.values())
    rank = (*own.rank, max(0, len(found.sealed)), children)
    card = DeviceCard(request.device, clean_line(request.name), request.sig_public, request.enc_public, rank, ACTIVE, 1,
                      ws.clock.now_ms())  # fmt: skip
    stored = cards.sign(card, root)
    work = ws.work()
    ws.session.note(work, "device-admit", subject=card.device)
    _commit(ws, work, [ExchangeRow(DEVICE, cards.identity(stored), stored)])
    return card, *enrol.seal_grant(request, _grant(ws))


def leave_grant(ws: Workspace, carrier: Path | RemoteLine, card: DeviceCard, sealed: bytes) -> None:
    """Leave the grant of a certified device on the carrier on which it asks."""
    with closing(_asked_at(ws, carrier)) as remote:
        remote.put(enrol.grant_name(card.device), sealed)


def _grant(ws: Workspace) -> enrol.Grant:
    db, found = ws.session.db, ledger(ws)
    facts = tuple(sorted((name, value) for name, value in db.facts.items() if name not in ("device", "device_public")))
    given = tuple(
        (slots.without_wrap(slot), db.state.get(state_key("pin", slot.user_id), b""))
        for slot in ws.header().slots
        if not slot.suspended
    )
    return enrol.Grant(
        enrol.VERSION, ws.realm, ws.demo, facts, tuple(found.cards), found.transport.store(), given
    )


def retire(ws: Workspace, device: bytes) -> DeviceCard:
    """Say that a device is no longer used. What it wrote stays."""
    return _end(ws, device, RETIRED)


def lost(ws: Workspace, device: bytes) -> DeviceCard:
    """Report a device lost: it is cut off after its last known packs, and the program gets a new transport key."""
    return _end(ws, device, LOST)


def _end(ws: Workspace, device: bytes, status: str) -> DeviceCard:
    root, found = _root(ws), ledger(ws)
    known = found.devices.cards.get(device)
    if known is None:
        raise NotFound("`iop-tui devices list` shows the devices.")
    if device == ws.session.device:
        raise Refused("This is the device you are using.", "Do this on another device of the program.")
    if known.status != ACTIVE:
        raise Refused(f"This device is {known.status} already.")
    theirs = [entry for entry in found.entries.values() if entry.device == device]
    named = {cause for entry in theirs for cause in entry.parents}
    cut = tuple(sorted(entry.hash for entry in theirs if entry.hash not in named))
    card = msgspec.structs.replace(known, status=status, serial=known.serial + 1, at_ms=ws.clock.now_ms(), cut=cut)
    stored = cards.sign(card, root)
    found.learn([stored])
    fresh = max(found.transport.by_number) + 1
    transport = TransportKeys({**found.transport.by_number, fresh: keys.fresh(ws.rng)})
    key = keys.make(ws.realm, fresh, transport.get(fresh), found.devices, root)
    work = ws.work()
    work.state[keys.STATE] = transport.store()
    ws.session.note(work, f"device-{status}", subject=device)
    rows = [ExchangeRow(DEVICE, cards.identity(stored), stored), ExchangeRow(KEY, keys.identity(key), key)]
    _commit(ws, work, rows)
    return card
