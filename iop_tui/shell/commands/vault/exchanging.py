"""`sync`, `remotes …` and `devices …`: exchange with the other devices of the program."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Any

from iop_tui.clinical.attachments import api as attachments
from iop_tui.exchange import carrying, chunks, enrol
from iop_tui.exchange.carrying import Budget, Moved
from iop_tui.exchange.chunks import MovedParts, Wishes
from iop_tui.exchange.engine import DeviceLine, Report
from iop_tui.exchange.mirror import Mirror
from iop_tui.exchange.remotes import places
from iop_tui.exchange.remotes.bundle import BundleRemote
from iop_tui.exchange.remotes.credentials import Credentials
from iop_tui.exchange.remotes.directory import DirectoryRemote
from iop_tui.exchange.remotes.port import CarrierGone, Remote
from iop_tui.kernel.clock import iso
from iop_tui.kernel.errors import Refused, Usage
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.kernel.rng import Rng, SystemRng
from iop_tui.shell.commands import environment
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.charting.attaching import parts_json
from iop_tui.shell.commands.output import pairs, table
from iop_tui.shell.commands.unlocking import progress, say
from iop_tui.shell.commands.vault.remotes import credentials
from iop_tui.shell.exchange import words
from iop_tui.store.chunks import ChunkStore
from iop_tui.vault import headfile
from iop_tui.workspace import carriers, exchangestate, exchanging, joining

_POLL_SECONDS, _SERVER_POLL_SECONDS = 0.5, 5.0
_SHOWN = {False: "FOLDER", True: "NAME"}


def _label(call: Call) -> str:
    return str(call.args.remote or "")


# -- sync ----------------------------------------------------------------------------------


def sync(call: Call) -> Answer:
    """Exchange with a carrier."""
    if call.args.limit < 0:
        raise Usage("--limit is a number of bytes.")
    if call.args.carry:
        return _carry(call)
    ws = call.ws
    line = exchanging.find_remote(ws, _label(call))
    if call.args.dry_run:
        wishes = attachments.wishes(ws, everything=call.args.attachments)
        estimate, writes = exchanging.plan(ws, line, wishes)
        value = {"send_bytes": sum(estimate.send.values()) + sum(estimate.seal),
                 "receive_bytes": sum(estimate.receive.values()),
                 "packs": len(estimate.send) + len(estimate.seal) + len(estimate.receive), "unsealed_writes": writes,
                 "parts_send_bytes": sum(estimate.parts.send), "parts_receive_bytes": sum(estimate.parts.receive),
                 "around_bytes": estimate.around, "again_bytes": estimate.again, "total_bytes": estimate.total,
                 "seconds": round(exchangestate.seconds_for(ws, line, estimate), 1)}  # fmt: skip
        return Answer(value, pairs([(name.replace("_", " "), shown) for name, shown in value.items()]))
    wishes = attachments.wishes(ws, everything=call.args.attachments)
    budget = _budget(call)
    report = exchanging.sync(ws, line, budget=budget, wishes=wishes, thorough=call.args.thorough)
    attachments.tidy_here(ws)
    value = {**_value(report), "drops": budget.struggle.drops}
    names = {item.device: item.name for item in exchanging.devices(ws)}
    said = [*words.sentences(report, names, ws.clock.now_ms()), words.dropped(budget.struggle)]
    return Answer(value, [*filter(None, said), *pairs([(k.replace("_", " "), v) for k, v in value.items()
                          if k in ("sent_bytes", "received_bytes", "packs", "seconds")])])  # fmt: skip


def _budget(call: Call) -> Budget:
    return Budget(limit=call.args.limit or None, progress=progress("Exchanging (bytes)"))


def _carry(call: Call) -> Answer:
    """Move packs and apply nothing: needs no user and no key."""
    if not _label(call) or places.parse(_label(call)).remote:
        raise Usage("--carry needs a folder or a .cwx file.", "Without a user the vault's own list cannot be read.")
    folder, place = call.opener.options.folder, places.parse(_label(call)).path
    realm, rng = headfile.read(folder / headfile.NAME).header.vault_id, SystemRng()
    remote = exchanging.open_remote(place, realm, rng)
    started = time.monotonic()
    try:
        budget, parts = _budget(call), MovedParts()
        moved = carrying.carry(Mirror(folder, realm, rng), remote, str(place), budget)
        if call.args.attachments:
            # Which parts make a whole file is known to users only, and a file for the mail holds whole files.
            everything = Wishes(everything=True, most=0 if isinstance(remote, BundleRemote) else None)
            chunks.exchange(ChunkStore(folder, rng), remote, str(place), everything, budget, parts)
    finally:
        remote.close()
    value = {**_bytes(moved), **parts_json(parts), "packs": len(moved.received) + len(moved.sent),
             "waiting": moved.left, "seconds": round(time.monotonic() - started, 3)}  # fmt: skip
    said = [f"Carried {value['packs']} packs; nothing was applied.", *words.about(moved), *words.attached(parts)]
    return Answer(value, said)


def _bytes(moved: Moved) -> dict[str, Any]:
    return {"sent_bytes": moved.sent_bytes, "received_bytes": moved.received_bytes}


def _value(report: Report) -> dict[str, Any]:
    return {
        **_bytes(report.moved), **parts_json(report.parts), "packs": len(report.taken) + len(report.sealed),
        "waiting": len(report.waiting) + report.moved.left, "seconds": round(report.seconds, 3),
        "missing": report.missing, "damaged": len(report.moved.damaged), "gone": len(report.moved.gone),
        "went_back": len(report.faces.back), "two_faces": len(report.faces.two),
        "forks": len(report.forks), "restored": report.restored,
        "left": {"packs": report.moved.left, "bytes": report.moved.left_bytes},
        "not_taken": [{"pack": item.name, "why": item.why} for item in report.waiting],
    }  # fmt: skip


# -- devices -------------------------------------------------------------------------------


def devices(call: Call) -> Answer:
    """Every device of the program, with how far it has followed this one."""
    ws = call.ws
    if not exchanging.ready(ws):
        row = {"id": show_id(ws.session.device), "name": "", "status": "active", "this": True, "packs": 0,
               "last": None, "in_step_until": None, "behind": 0, "users": len(ws.header().slots)}  # fmt: skip
        return Answer([row], [f"{row['id']}  this one; the program does not exchange yet."])
    rows = [_device(item) for item in exchanging.devices(ws)]
    shown = [(row["id"], row["name"], row["status"], _step(item)) for row, item in
             zip(rows, exchanging.devices(ws), strict=True)]  # fmt: skip
    return Answer(rows, table(("id", "name", "status", ""), shown, empty="No devices."))


def _device(item: DeviceLine) -> dict[str, Any]:
    return {
        "id": show_id(item.device), "name": item.name, "status": item.status, "this": item.this, "packs": item.packs,
        "last": iso(item.last_ms) if item.last_ms else None,
        "in_step_until": iso(item.step_ms) if item.step_ms else None, "behind": item.behind,
    }  # fmt: skip


def _step(item: DeviceLine) -> str:
    if item.this:
        return "this one"
    if not item.behind:
        return "in step"
    known = f"in step until {iso(item.step_ms)}" if item.step_ms else "has not answered yet"
    return f"{known}, {item.behind} packs wait for it"


def requests(call: Call) -> Answer:
    """New devices that ask on a carrier."""
    ws = call.ws
    line = exchanging.find_remote(ws, _label(call))
    rows = [{"id": show_id(item.device), "name": item.name, "words": shown}
            for item, shown in exchanging.requests(ws, line)]  # fmt: skip
    return Answer(rows, table(("name", "words"), [(r["name"], r["words"]) for r in rows], empty="No device asks."))


def admit(call: Call) -> Answer:
    """Certify the device whose screen shows these words."""
    ws = call.ws
    line = exchanging.find_remote(ws, _label(call))
    card, shown = exchanging.admit(ws, line, " ".join(call.args.words))
    exchanging.sync(ws, line)
    value = {"id": show_id(card.device), "name": card.name, "words": shown}
    return Answer(value, [f"{card.name} is admitted. Type these words there:", "", f"    {shown}", ""])


def enrol_device(call: Call) -> Answer:
    """Make this device's copy of a program's vault."""
    options, place = call.opener.options, places.parse(call.args.place)
    env = environment.for_new()
    if (options.folder / headfile.NAME).exists():
        raise Refused("There is a vault in this folder already.", "Choose another folder with --vault.")
    given = credentials(call, place)
    new = enrol.ask(call.args.name, env.rng)
    with closing(_outside(call, place, given, env.rng)) as outside:
        grant = _granted(call, place, joining.reach(outside, env), new)
        if grant.demo:
            env = environment.for_new(demo=True)
        if not options.user:
            raise Usage("Say who you are with --user NAME.")
        remote = outside if place.remote else DirectoryRemote(place.path, grant.realm, env.rng)
        phrase = call.opener.secrets.passphrase()
        try:
            count = joining.join(options.folder, env, new, grant, remote, name=options.user, phrase=phrase,
                                 progress=progress("Reading in"), wait=call.args.wait)  # fmt: skip
        finally:
            phrase[:] = bytes(len(phrase))
    value = {"id": show_id(new.request.device), "name": call.args.name, "packs": count}
    return Answer(value, [f"This device belongs to the program now ({count} packs read in). Unlock it as everywhere."])


def _granted(call: Call, place: places.Place, outside: Remote, new: enrol.NewDevice) -> enrol.Grant:
    """What the program gives the new device, once an administrator admitted it."""
    name = new.request.device
    outside.put(enrol.request_name(name), new.stored)
    carrier = _SHOWN[place.remote]
    say(f"On a device of the program, as administrator: iop-tui devices admit --remote {carrier} {new.words}")
    pause = _SERVER_POLL_SECONDS if place.remote else _POLL_SECONDS
    sealed = _await(outside, enrol.grant_name(name), call.args.wait, pause)
    return enrol.open_grant(new, sealed, call.opener.secrets.words())


def _outside(call: Call, place: places.Place, given: Credentials | None, rng: Rng) -> Remote:
    """The carrier as a device sees it that has no vault yet."""
    if not place.remote:
        return DirectoryRemote(place.path, None, rng)
    ca = carriers.read_authority(Path(call.args.ca)) if call.args.ca else ""
    if call.args.proxy:
        carriers.check_proxy(place, call.args.proxy)
    return carriers.server(place, given, None, ca=ca, proxy=call.args.proxy)


def _await(remote: Remote, name: str, seconds: int, pause: float) -> bytes:
    """The grant, as soon as somebody brings it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            found = remote.get(name)
        except CarrierGone:
            found = None  # a stick that was pulled, a link that dropped: it may come back
        if found:
            return found
        time.sleep(pause)
    raise Refused("Nobody admitted this device in time.", "Begin again; the words will be others.")


def retire(call: Call) -> Answer:
    """Say that a device is no longer used."""
    return _ended(exchanging.retire(call.ws, parse_id(call.args.id)).name, "is retired; what it wrote stays")


def lost(call: Call) -> Answer:
    """Report a device lost."""
    name = exchanging.lost(call.ws, parse_id(call.args.id)).name
    return _ended(name, "is cut off. Exchange with every carrier now, and let everybody who used it take a new"
                  " passphrase")  # fmt: skip


def _ended(name: str, what: str) -> Answer:
    return Answer({"name": name, "done": what.partition(".")[0].partition(";")[0]}, [f"{name} {what}."])
