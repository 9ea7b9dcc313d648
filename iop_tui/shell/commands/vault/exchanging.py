"""`sync`, `remotes …` and `devices …`: exchange with the other devices of the program."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from iop_tui.exchange import carrying, enrol
from iop_tui.exchange.carrying import Budget, Moved
from iop_tui.exchange.engine import DeviceLine, Report
from iop_tui.exchange.mirror import Mirror
from iop_tui.exchange.remotes.directory import DirectoryRemote
from iop_tui.kernel.clock import iso
from iop_tui.kernel.errors import Refused, Usage
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.kernel.rng import SystemRng
from iop_tui.shell.commands import environment
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.output import pairs, table
from iop_tui.shell.commands.unlocking import progress, say
from iop_tui.shell.exchange import words
from iop_tui.vault import headfile
from iop_tui.workspace import exchanging, joining

_POLL_SECONDS = 0.5
_SECONDS_PER_BYTE = 1 / 5_000_000  # a slow stick; the estimate is only there to say "seconds" or "minutes"


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
        estimate, writes = exchanging.plan(ws, line)
        value = {"send_bytes": sum(estimate.send.values()), "receive_bytes": sum(estimate.receive.values()),
                 "packs": len(estimate.send) + len(estimate.receive), "unsealed_writes": writes,
                 "seconds": round(estimate.total * _SECONDS_PER_BYTE, 1)}  # fmt: skip
        return Answer(value, pairs([(name.replace("_", " "), shown) for name, shown in value.items()]))
    report = exchanging.sync(ws, line, budget=_budget(call))
    value = _value(report)
    names = {item.device: item.name for item in exchanging.devices(ws)}
    return Answer(value, [*words.sentences(report, names), *pairs([(k.replace("_", " "), v) for k, v in value.items()
                          if k in ("sent_bytes", "received_bytes", "packs", "seconds")])])  # fmt: skip


def _budget(call: Call) -> Budget:
    return Budget(limit=call.args.limit or None, progress=progress("Exchanging (bytes)"))


def _carry(call: Call) -> Answer:
    """Move packs and apply nothing: needs no user and no key."""
    folder, place = call.opener.options.folder, Path(_label(call)).absolute()
    if not _label(call):
        raise Usage("--carry needs a folder or a .cwx file.", "Without a user the vault's own list cannot be read.")
    realm, rng = headfile.read(folder / headfile.NAME).header.vault_id, SystemRng()
    remote = exchanging.open_remote(place, realm, rng)
    started = time.monotonic()
    try:
        moved = carrying.carry(Mirror(folder, realm, rng), remote, str(place), _budget(call))
    finally:
        remote.close()
    value = {**_bytes(moved), "packs": len(moved.received) + len(moved.sent), "waiting": moved.left,
             "seconds": round(time.monotonic() - started, 3)}  # fmt: skip
    return Answer(value, [f"Carried {value['packs']} packs; nothing was applied.", *words.about(moved)])


def _bytes(moved: Moved) -> dict[str, Any]:
    return {"sent_bytes": moved.sent_bytes, "received_bytes": moved.received_bytes}


def _value(report: Report) -> dict[str, Any]:
    return {
        **_bytes(report.moved), "packs": len(report.taken) + len(report.sealed),
        "waiting": len(report.waiting) + report.moved.left, "seconds": round(report.seconds, 3),
        "missing": report.missing, "damaged": len(report.moved.damaged), "gone": len(report.moved.gone),
        "forks": len(report.forks), "restored": report.restored,
        "left": {"packs": report.moved.left, "bytes": report.moved.left_bytes},
        "not_taken": [{"pack": item.name, "why": item.why} for item in report.waiting],
    }  # fmt: skip


# -- remotes -------------------------------------------------------------------------------


def remotes(call: Call) -> Answer:
    """The carriers this copy knows."""
    rows = [{"name": line.name, "place": line.place} for line in exchanging.remotes(call.ws)]
    shown = [(row["name"], row["place"]) for row in rows]
    return Answer(rows, table(("name", "place"), shown, empty="No carriers yet: `iop-tui remotes add FOLDER`."))


def add_remote(call: Call) -> Answer:
    """Note a carrier; the first one sets the program's exchange up."""
    ws, place = call.ws, Path(call.args.place)
    if "://" in call.args.place:
        raise Usage("This version exchanges over folders and .cwx files.", "Give a folder, for example of a stick.")
    if not exchanging.ready(ws):
        exchanging.begin(ws, call.args.device)
    line = exchanging.add_remote(ws, call.args.name, place)
    return Answer({"name": line.name, "place": line.place}, [f"{line.name}: {line.place}"])


def test_remote(call: Call) -> Answer:
    """Whether a carrier is there and belongs to this program."""
    ws = call.ws
    line = exchanging.find_remote(ws, _label(call))
    remote = exchanging.open_remote(Path(line.place), ws.realm, ws.rng)
    found = remote.listing()
    value = {"name": line.name, "packs": len(found), "bytes": sum(found.values())}
    return Answer(value, pairs(list(value.items())))


def remove_remote(call: Call) -> Answer:
    """Forget a carrier."""
    exchanging.remove_remote(call.ws, call.args.name)
    return Answer({"removed": call.args.name}, [f"{call.args.name} is forgotten; nothing on it was changed."])


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
            for item, shown in exchanging.requests(ws, Path(line.place))]  # fmt: skip
    return Answer(rows, table(("name", "words"), [(r["name"], r["words"]) for r in rows], empty="No device asks."))


def admit(call: Call) -> Answer:
    """Certify the device whose screen shows these words."""
    ws = call.ws
    line = exchanging.find_remote(ws, _label(call))
    card, shown = exchanging.admit(ws, Path(line.place), " ".join(call.args.words))
    exchanging.sync(ws, line)
    value = {"id": show_id(card.device), "name": card.name, "words": shown}
    return Answer(value, [f"{card.name} is admitted. Type these words there:", "", f"    {shown}", ""])


def enrol_device(call: Call) -> Answer:
    """Make this device's copy of a program's vault."""
    options, folder = call.opener.options, Path(call.args.place).absolute()
    env = environment.for_new()
    if (options.folder / headfile.NAME).exists():
        raise Refused("There is a vault in this folder already.", "Choose another folder with --vault.")
    outside = DirectoryRemote(folder, None, env.rng)
    new = enrol.ask(call.args.name, env.rng)
    outside.put(enrol.request_name(new.request.device), new.stored)
    say(f"On a device of the program, as administrator: iop-tui devices admit --remote FOLDER {new.words}")
    sealed = _await(outside, enrol.grant_name(new.request.device), call.args.wait)
    secrets = call.opener.secrets
    grant = enrol.open_grant(new, sealed, secrets.words())
    if grant.demo:
        env = environment.for_new(demo=True)
    if not options.user:
        raise Usage("Say who you are with --user NAME.")
    phrase = secrets.passphrase()
    try:
        count = joining.join(options.folder, env, new, grant, DirectoryRemote(folder, grant.realm, env.rng),
                             name=options.user, phrase=phrase, progress=progress("Reading in"))  # fmt: skip
    finally:
        phrase[:] = bytes(len(phrase))
    value = {"id": show_id(new.request.device), "name": call.args.name, "packs": count}
    return Answer(value, [f"This device belongs to the program now ({count} packs read in). Unlock it as everywhere."])


def _await(remote: DirectoryRemote, name: str, seconds: int) -> bytes:
    """The grant, as soon as somebody brings it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = remote.get(name) if remote.folder.is_dir() else None
        if found:
            return found
        time.sleep(_POLL_SECONDS)
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
