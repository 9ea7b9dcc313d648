"""`remotes …`: the carriers this copy knows, what their servers can do, and what those ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from iop_tui.exchange.remotes import places
from iop_tui.exchange.remotes.credentials import Credentials
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.output import pairs, table
from iop_tui.shell.exchange import servers
from iop_tui.workspace import carriers, exchanging
from iop_tui.workspace.carriers import RemoteLine


def listed(call: Call) -> Answer:
    """The carriers this copy knows."""
    rows = [{"name": line.name, "place": line.place} for line in carriers.remotes(call.ws)]
    shown = [(row["name"], row["place"]) for row in rows]
    return Answer(rows, table(("name", "place"), shown, empty="No carriers yet: `iop-tui remotes add PLACE`."))


def add(call: Call) -> Answer:
    """Note a carrier after trying it; the first one sets the program's exchange up."""
    ws, place = call.ws, places.parse(call.args.place)
    ca = carriers.read_authority(Path(call.args.ca)) if call.args.ca else ""
    if call.args.proxy:
        carriers.check_proxy(place, call.args.proxy)
    line = carriers.tried(ws, call.args.name, call.args.place, credentials=(given := credentials(call, place)), ca=ca,
                          proxy=call.args.proxy)  # fmt: skip
    if not exchanging.ready(ws):
        exchanging.begin(ws, call.args.device)
    kept = carriers.keep(ws, line, given)
    carriers.note_remote(ws, line, kept)
    answer, where = _answer(line), carriers.where(kept)
    return Answer({**answer.value, "kept": where}, [*answer.lines, servers.kept(where)]) if where else answer


def credentials(call: Call, place: places.Place) -> Credentials | None:
    """What the server of a place asks for, from the terminal or the descriptor; None for folders, files and servers
    that ask for nothing (an empty name).
    """
    if not place.remote:
        return None
    key, secret = call.opener.secrets.access(*servers.access_labels(place.kind))
    try:
        return Credentials.of(key, secret) if key.strip() else None
    finally:
        key[:], secret[:] = bytes(len(key)), bytes(len(secret))


def test(call: Call) -> Answer:
    """Whether a carrier is there and belongs to this program; what its server does is tried anew."""
    ws = call.ws
    line = carriers.find_remote(ws, call.args.remote)
    place = places.parse(line.place)
    if place.remote:
        line = carriers.retest(ws, line)
        carriers.note_abilities(ws, line)
        return _answer(line)
    remote = exchanging.open_line(ws, line)
    found = remote.listing()
    value = {"name": line.name, "packs": len(found), "bytes": sum(found.values())}
    return Answer(value, pairs(list(value.items())))


def key(call: Call) -> Answer:
    """Replace what the server of a carrier asks for, after trying it."""
    ws = call.ws
    line = carriers.find_remote(ws, call.args.remote)
    given = credentials(call, places.parse(line.place))
    carriers.probed(ws, line, given)
    kept = carriers.keep(ws, line, given)
    carriers.set_access(ws, line, kept)
    where = carriers.where(kept)
    return Answer({"name": line.name, "kept": where}, [f"{line.name} accepts it. {servers.kept(where)}"])


def remove(call: Call) -> Answer:
    """Forget a carrier."""
    carriers.drop_access(call.ws, carriers.remove_remote(call.ws, call.args.name))
    return Answer({"removed": call.args.name}, [f"{call.args.name} is forgotten; nothing on it was changed."])


def _answer(line: RemoteLine) -> Answer:
    value: dict[str, Any] = {"name": line.name, "place": line.place}
    said = [f"{line.name}: {line.place}"]
    if line.proxy:
        value["proxy"] = line.proxy
        said.append(f"It is reached over the proxy {line.proxy}.")
    if line.able:
        value["able"] = [name for name in line.able if name != "remote"]
        said += servers.abilities(line.able)
    return Answer(value, said)
