"""How the exchange over an S3 bucket grows with a program: a working day is played through, a year follows from it.

The costs of single requests are those measured at the socket (`remotes/test_wire.py`), the bytes of a note those of
`test_bytes.py`; `test_scale.py` holds them together. Prices: S3 Standard, US East (N. Virginia), as the public list
(aws.amazon.com/s3/pricing) had them in 2025; the first 100 GB a month that leave are free.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

TLS, LIST, ENTRY, PUT, GET, SAME = 1_560, 830, 242, 860, 950, 790
"""Bytes both ways: a handshake; a listing, and each name in it; what is around an object that is put or fetched; a look
at one that did not change."""
HEAD, BOARD, PACK, NOTE = 489, 288, 601, 1_810
"""Bytes of a head, the board, a pack with a few entries of the log, a note of 2 KB with one edit and its log."""
RINGS = 24
"""So many heads the board tells of: more than that since the last look, and the heads are listed."""
DAYS, EXCHANGES, NOTES = 250, 4, 25_000
"""Working days a year, exchanges of a device on each of them, notes of the whole program in a year."""
STORE, WRITES, READS, OUT = 0.023, 0.005, 0.0004, 0.09
"""Dollars: a GB a month, a thousand PUTs or LISTs, a thousand GETs, a GB that leaves."""
SLOW = 2_875
"""Bytes a second of a line of 23 kbit/s."""
PAGE = 1_000
"""Names in one answer to a listing."""


@dataclass
class Day:
    """What one working day costs. `moved`: bytes at the socket of all devices; `out`: those that leave the bucket."""

    exchanges: int = 0
    puts: int = 0
    gets: int = 0
    lists: int = 0
    moved: int = 0
    out: int = 0
    stored: int = 0
    counted: bool = False


def day(devices: int) -> Day:
    """Every device exchanges at four times of its own; the notes of the day are spread over all exchanges. The second
    of two days is counted, in which what the first one left is fetched too.
    """
    dice, found = random.Random(devices), Day()
    visits = [(at, device) for at in (0, 1) for device in range(devices) for _ in range(EXCHANGES)]
    times = sorted((at + dice.random(), device) for at, device in visits)
    packs: list[list[int]] = [[] for _ in range(devices)]
    known = [[0] * devices for _ in range(devices)]
    left, per_exchange = 0.0, NOTES / DAYS / (devices * EXCHANGES)
    told, listed = [0] * devices, [False] * devices
    for now, (at, device) in enumerate(times):
        if at >= 1 and not found.counted:
            found = Day(counted=True)
        due = found.counted and not listed[device]  # once a day the heads are listed in any case
        _look(found, devices, since=now - told[device] - 1, due=due)
        told[device], listed[device] = now, listed[device] or due
        for other in range(devices):
            fresh = packs[other][known[device][other] :]
            if other != device and fresh:
                fetched = HEAD + sum(fresh)
                found.gets += 1 + len(fresh)
                found.moved += fetched + GET * (1 + len(fresh))
                found.out += fetched
                known[device][other] = len(packs[other])
        left += per_exchange
        notes, left = int(left), left - int(left)
        packs[device].append(PACK + notes * NOTE)
        found.exchanges += 1
        found.puts += 3
        found.moved += 3 * PUT + HEAD + BOARD + packs[device][-1]
        found.stored += packs[device][-1]
    return found


def _look(found: Day, devices: int, *, since: int, due: bool) -> None:
    """A connection, the board, and the list of heads where the board does not reach back; `since`: told since."""
    found.gets += 1
    found.moved += TLS + (GET + BOARD if since else SAME)
    found.out += BOARD if since else 0
    if due or since >= RINGS:
        pages = -(-devices // PAGE)
        found.lists += pages
        found.moved += pages * LIST + devices * ENTRY
        found.out += devices * ENTRY


@dataclass(frozen=True)
class Year:
    """A line of the table."""

    devices: int
    daily: int
    listing: int
    requests: int
    packs: int
    first: int
    stored: int
    dollars: float


def year(devices: int) -> Year:
    """What a year costs a program of so many devices, and a new device at its end."""
    one = day(devices)
    packs, stored = one.exchanges * DAYS, one.stored * DAYS
    listing = packs * ENTRY + -(-packs // PAGE) * LIST
    first = listing + stored + packs * GET
    requests = (one.puts + one.lists + one.gets) * DAYS
    month_out = one.out * DAYS / 12 / 1e9
    dollars = 12 * (
        stored / 1e9 * STORE + (one.puts + one.lists) * DAYS / 12 / 1e3 * WRITES + one.gets * DAYS / 12 / 1e3 * READS
        + max(0.0, month_out - 100) * OUT
    )  # fmt: skip
    return Year(devices, one.moved // devices, listing, requests, packs, first, stored, dollars)


FRONT = (
    "| devices | a device's day | packs a year | listing all of them once | first sync of a year | at 23 kbit/s |"
    " requests a year | stored a year | dollars in that year |",
    "| ---: " * 9 + "|",
)


def line(one: Year) -> str:
    """A line of the table of the page."""
    return (
        f"| {one.devices:,} | {_size(one.daily)} | {one.packs:,} | {_size(one.listing)} | {_size(one.first)} |"
        f" {one.first / SLOW / 3600:.1f} h | {one.requests:,} | {_size(one.stored)} | {one.dollars:,.2f} |"
    )


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.1f} kB"


if __name__ == "__main__":
    print("\n".join([*FRONT, *(line(year(devices)) for devices in (1, 10, 100, 1_000))]))
