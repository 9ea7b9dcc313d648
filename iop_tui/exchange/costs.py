"""What an exchange costs on the wire beyond its objects: requests and answers around them, and what a bad link repeats.

Measured at the socket against an S3 server and a WebDAV server: bytes of a request and its answer without the object.
Servers differ by some hundred bytes a request. `tests/exchange/remotes/test_bad_links.py` measures again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from iop_tui.exchange.carrying import Estimate
from iop_tui.exchange.remotes import places
from iop_tui.exchange.remotes.link import download_bytes, upload_bytes
from iop_tui.exchange.remotes.parts import in_parts
from iop_tui.exchange.remotes.patient import Patient, Tally
from iop_tui.exchange.remotes.port import Capabilities, Remote

HEAD_BYTES, BOARD_BYTES = 489, 150
"""A head as a file, and the board about."""
_RECORD = 16 * 1024


@dataclass(frozen=True, slots=True)
class Costs:
    """Bytes around one object that is put or fetched, around one question by its name, for one entry of a listing and
    one folder in it, for a connection, and for a record of TLS.
    """

    put: int
    get: int
    questions: Mapping[str, int]
    entry: int
    folder: int = 0
    connect: int = 0
    record: int = 0

    def ask(self, what: str) -> int:
        """Bytes around a question."""
        return self.questions.get(what, self.get)

    def over_tls(self, put: int, listing: int = 0) -> Costs:
        """The same over TLS 1.3; `put` and `listing`: what that adds to bringing an object and to a listing."""
        more = {what: size + _TLS_REQUEST for what, size in self.questions.items()}
        more["listing"] += listing
        return replace(self, put=self.put + put, get=self.get + _TLS_REQUEST, questions=more,
                       connect=_TLS_CONNECT, record=_TLS_RECORD)  # fmt: skip


_TLS_REQUEST, _TLS_RECORD, _TLS_CONNECT = 66, 22, 1_500
S3 = Costs(835, 921, {"look": 750, "tags": 966, "listing": 940, "names": 960, "wants": 966, "size": 922}, 245)
"""One request an object."""
WEBDAV = Costs(1_800, 450, {"look": 410, "tags": 700, "listing": 700, "names": 700, "wants": 695}, 900, 2_000)
"""Three requests an object, besides reading it back: put aside, copy, delete."""
S3_TLS = S3.over_tls(_TLS_REQUEST, _TLS_CONNECT)
"""A listing is read in pages; the connection ends behind the last one."""
WEBDAV_TLS = WEBDAV.over_tls(800)
"""Servers end the connection after some of those requests, and begin it anew with 1.2 kB."""


def of(place: str) -> Costs | None:
    """The costs of a carrier by its place; None for folders and files, around which nothing is moved."""
    found = places.parse(place)
    if not found.remote:
        return None
    safe = found.origin.startswith("https:")
    if found.kind == places.S3:
        return S3_TLS if safe else S3
    return WEBDAV_TLS if safe else WEBDAV


def filled(estimate: Estimate, remote: Remote, place: str) -> Estimate:
    """An estimate with what is around its objects and what the link will repeat. `remote` was just asked what an
    exchange asks first.
    """
    costs = of(place)
    if costs is None or not isinstance(remote, Patient):
        return estimate
    parts = estimate.parts
    up = [*estimate.send.values(), *estimate.seal, *parts.send]
    down = [*estimate.receive.values(), *parts.receive]
    able, mean = remote.capabilities(), remote.link.mean
    pieces = [piece for size in (*up, HEAD_BYTES) for piece in in_parts(size, remote.link.object_size())]
    calm = _moved(costs, able, pieces, down, None)
    rough = _moved(costs, able, pieces, down, mean)
    asked = survey_bytes(costs, remote.tally, able) + len(parts.send) * costs.ask("size")
    asked += costs.ask("wants") if parts.notes else 0
    asked += costs.put + BOARD_BYTES if able.swaps else 0
    around = calm - sum(up) - sum(down) + asked + costs.connect
    again = rough - calm + (costs.connect * (rough + asked) / mean if mean else 0)
    return replace(estimate, around=round(around), again=round(again))


def _moved(costs: Costs, able: Capabilities, up: list[int], down: list[int], mean: float | None) -> float:
    """Bytes of all objects with what is around them. What no answer proves is read back."""
    sent = sum(upload_bytes(size, _around(costs, costs.put, size), mean) for size in up)
    came = [*down, *([] if able.proves else up)]
    return sent + sum(download_bytes(size, _around(costs, costs.get, size), mean) for size in came)


def _around(costs: Costs, request: int, size: int) -> int:
    return request + costs.record * (size // _RECORD)


def survey_bytes(costs: Costs, tally: Tally, able: Capabilities) -> int:
    """What the first questions of an exchange cost that was just planned: heads that were seen are not sent again where
    the carrier can tell.
    """
    listed = tally.asked["listing"] > 0
    asked = Counter(tally.asked)
    heads = tally.head_bytes
    if not listed and able.brief:
        asked["look"] = 1 if able.swaps else 0  # the board
        heads = 0
    elif not listed and able.unchanged:
        heads = 0
    questions = sum(costs.ask(what) * count for what, count in asked.items())
    return questions + costs.entry * tally.entries + costs.folder * tally.folders + heads
