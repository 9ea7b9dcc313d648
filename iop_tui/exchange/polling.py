"""What a carrier holds and what is new there, without listing it.

Over a network nothing is listed in the normal case: the small heads of the devices are asked, each only where it
changed, and name the last packs of every lane; `Mirror.marks` says what else the carrier was seen to hold. A listing of
all packs is made at the first contact, once a week, when somebody asks for it, and whenever something does not fit: a
head is missing or went back, a pack is gone that was there, or others name packs that no head led to. A carrier that is
here (a folder, a file) is listed every time: that costs nothing. Heads are hints: whatever they say, a listing decides.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

import msgspec

from iop_tui.exchange import packs
from iop_tui.exchange.heads import Head, Reader
from iop_tui.exchange.mirror import Mirror
from iop_tui.exchange.remotes.port import BOARD, Look, Remote, Swapping
from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.errors import IopError
from iop_tui.vault.digest import md5, sha256

DAY_MS = 24 * 3600 * 1000
LIST_EVERY_MS, SWEEP_EVERY_MS, SOON_MS = 7 * DAY_MS, DAY_MS, 3600 * 1000
"""How often all packs are listed; how often the folder of heads where heads are asked one by one, and while there is a
device that was never heard of."""
_ASKS_PER_ENTRY = 3
"""Asking for one pack costs about as much as so many entries of a listing."""
HEADS = "h"
_START, _RING, _RINGS, _TRIES = 8, 12, 24, 3
"""The board: up to 24 entries of 12 bytes, the newest first: how a lane begins, and the counter of its head."""
_POLL = "poll"
_NEVER = -1


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """A head as it was last seen: the carrier's tag of it, its bytes, and the highest counter and number ever seen."""

    lane: bytes
    tag: str
    data: bytes
    counter: int
    n: int
    asks: int


class State(msgspec.Struct, array_like=True):
    """What is remembered of one carrier beside the marks. A hint, kept without a seal; losing it costs one listing.

    `listed_ms`, `swept_ms`: when all packs and all heads were listed; `lacking`: marked packs that were gone and not
    yet brought again; `asked`: packs this device left a note about; `missing`: a digest of what nobody brought;
    `board` as it was when the heads it tells of were looked at.
    """

    listed_ms: int = 0
    swept_ms: int = 0
    heads: tuple[Seen, ...] = ()
    lacking: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    missing: bytes = b""
    board: bytes = b""
    board_tag: str = ""

    @classmethod
    def read(cls, data: bytes) -> State:
        """What was stored; nothing where that is of another version."""
        try:
            return decode(data, cls) if data else cls()
        except IopError:
            return cls()

    def lane(self, lane: bytes) -> Seen | None:
        """The head of a lane as it was last seen."""
        return next((one for one in self.heads if one.lane == lane), None)

    def due(self, now_ms: int) -> bool:
        """Whether all packs are to be listed: never done, long ago, or by a clock that has gone back since."""
        return not 0 <= now_ms - self.listed_ms < LIST_EVERY_MS


@dataclass
class Survey:
    """What one exchange knows of its carrier. `wanted` are names to fetch and their sizes (0: unknown); `ahead` says of
    a lane how many packs its head does not name, and how many bytes they are; `dark` lanes have a head that says
    nothing (yet): they are listed, once for each state of the head.
    """

    state: State
    marks: set[str]
    reader: Reader | None = None
    listed: bool = False
    sizes: dict[str, int] = field(default_factory=dict)
    holds: set[str] = field(default_factory=set)
    wanted: dict[str, int] = field(default_factory=dict)
    ahead: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    wants: set[str] = field(default_factory=set)
    gone: list[str] = field(default_factory=list)
    dark: list[bytes] = field(default_factory=list)
    doubt: bool = False

    @property
    def heads(self) -> dict[bytes, Head | None]:
        """The heads the carrier shows, by lane; None for one that is there and cannot be read."""
        return {one.lane: self.reader.head(one.lane, one.data) for one in self.state.heads} if self.reader else {}

    def follow(self, name: str, data: bytes, here: Container[str]) -> str | None:
        """The pack before one that is here, where nothing else has led to it: it is wanted now."""
        if self.listed or self.reader is None:
            return None
        place = packs.parse_name(name)
        before = self.reader.before(place, data) if place is not None else None
        if before is None or before in here or before in self.wanted or before in self.state.lacking:
            return None
        self.wanted[before] = 0
        return before

    def absent(self, name: str) -> None:
        """A pack was named and is not there: it is asked for again when its device says something new, or when it is
        listed.
        """
        self.doubt = self.doubt or name not in self.state.lacking
        self.holds.discard(name)
        self.state.lacking = tuple(sorted({*self.state.lacking, name}))

    def asking(self, mirror: Mirror) -> int:
        """How many packs this device left a note about and still lacks."""
        here = mirror.listing()
        self.state.asked = tuple(name for name in self.state.asked if name not in here)
        return len(self.state.asked)

    def told(self, head: Head, data: bytes) -> None:
        """Note the head this device has put on the carrier."""
        _set(self.state, head.lane, Seen(head.lane, "", data, head.counter, head.n, head.asks))

    def unsettled(self, missing: Iterable[bytes]) -> bool:
        """Whether something came up that only a listing can tell: it is made once for the same question."""
        digest = _digest(missing)
        asked, self.state.missing = self.state.missing, digest
        return not self.listed and (self.doubt or digest not in (asked, b""))


def _digest(missing: Iterable[bytes]) -> bytes:
    return sha256(*sorted(missing))[:16] if (missing := list(missing)) else b""


def survey(
    mirror: Mirror, remote: Remote, label: str, reader: Reader | None = None, *, now_ms: int = 0, thorough: bool = False
) -> Survey:
    """Look what a carrier holds. `reader` opens heads; without one, and where the carrier is here, it is listed.
    Raises `CarrierGone`, `MediumUnusable`.
    """
    if reader is None or not remote.capabilities().remote:
        return listed(mirror, remote, Survey(State(), mirror.marks(label)), now_ms)
    found = Survey(State.read(mirror.hint(label, _POLL)), mirror.marks(label), reader)
    _ask(mirror, remote, found, now_ms)
    if thorough or found.doubt or found.state.due(now_ms):
        return listed(mirror, remote, found, now_ms)
    return found


def listed(mirror: Mirror, remote: Remote, before: Survey, now_ms: int) -> Survey:
    """List a carrier: the whole truth of what it shows now, besides what is known of it."""
    sizes, here = remote.listing(), mirror.listing()
    found = Survey(before.state, before.marks, before.reader, listed=True, sizes=sizes)
    found.holds = {name for name, size in sizes.items() if here.get(name, size) == size}
    found.gone = sorted(found.marks - set(sizes))
    found.wanted = {name: size for name, size in sizes.items() if name not in here}
    found.wants = remote.wants()
    found.state.listed_ms = now_ms
    return found


def remember(mirror: Mirror, label: str, found: Survey) -> None:
    """Note what a carrier is known to hold, besides what it held, and how its heads stood."""
    marks = found.marks | found.holds
    mirror.mark(label, marks)
    if found.reader is not None:
        found.state.lacking = tuple(sorted({*(marks - found.holds), *found.state.lacking} - found.holds))
        mirror.keep_hint(label, _POLL, encode(found.state))


# -- heads ---------------------------------------------------------------------------------


def _ask(mirror: Mirror, remote: Remote, found: Survey, now_ms: int) -> None:
    """Ask the heads, and work out from them what is there and what is new."""
    here, state, reader = mirror.listing(), found.state, found.reader
    found.holds = found.marks - set(state.lacking)
    before = {one.lane: one for one in state.heads}
    for lane, look in _looks(remote, found, now_ms).items():
        _heed(found, here, lane, look, before.get(lane))
    if found.doubt or state.due(now_ms):
        return  # a listing follows
    for lane in found.dark:
        found.holds |= {name for name in remote.names(f"p/{packs.text(lane)}") if packs.parse_name(name) is not None}
    found.wanted |= {name: found.sizes.get(name, 0) for name in sorted(found.holds - here.keys())}
    _holes(mirror, found, here)
    if any(one.asks for one in state.heads if reader is not None and one.lane != reader.own):
        found.wants = remote.wants()
    _unsure(remote, found, here)


def _looks(remote: Remote, found: Survey, now_ms: int) -> dict[bytes, Look | None]:
    """The heads by lane: with their bytes where they changed, None where a head is gone that was there."""
    state, reader = found.state, found.reader
    known = {one.lane: one.tag for one in state.heads}
    able = remote.capabilities()
    every = SOON_MS if reader is not None and reader.unheard() and not able.brief else SWEEP_EVERY_MS
    due = not 0 <= now_ms - state.swept_ms < every
    lanes: set[bytes] | None = None
    if able.swaps:
        lanes = _rung(remote, found, due=due)
    elif reader is not None and not (able.brief or due):
        lanes = reader.lanes() | {lane for lane in known if reader.unknown(lane)}
    if lanes is not None:
        return {lane: remote.look(packs.head_name(lane), known.get(lane, "")) for lane in sorted(lanes)}
    state.swept_ms = now_ms
    tags = {packs.head_lane(name): tag for name, tag in remote.tags(HEADS).items() if packs.is_head(name)}
    looks: dict[bytes, Look | None] = {lane: None for lane in known if lane not in tags}
    for lane, tag in tags.items():
        seen = state.lane(lane)
        same = seen is not None and (tag == seen.tag or (not seen.tag and md5(seen.data).hex() in tag))
        looks[lane] = Look(None, tag) if same and tag else remote.look(packs.head_name(lane), "")
    return looks


def _rung(remote: Remote, found: Survey, *, due: bool) -> set[bytes] | None:
    """The lanes whose heads are new by the board since it was read last; None where the heads are to be listed. It is
    read before they are, so that what is told meanwhile is seen the next time.
    """
    state, before = found.state, _rings(found.state.board)
    look = remote.look(BOARD, state.board_tag)
    if look is None:
        found.doubt = found.doubt or bool(before)
        state.board, state.board_tag = b"", ""
        return None
    if look.data is not None:
        state.board, state.board_tag = look.data, look.tag
    now = _rings(state.board)
    if due or not before or before[0] not in now or found.reader is None:
        return None
    known = {lane[:_START]: lane for lane in (*found.reader.heard(), *(one.lane for one in state.heads))}
    fresh = {ring[:_START] for ring in now[: now.index(before[0])]}
    return {known[start] for start in fresh} if fresh <= known.keys() else None


def _rings(board: bytes) -> list[bytes]:
    return [board[at : at + _RING] for at in range(0, len(board) - _RING + 1, _RING)][:_RINGS]


def ring(remote: Remote, found: Survey, head: Head) -> None:
    """Tell on the board that a head is new, where the carrier can: so that others need not list the heads."""
    if not (remote.capabilities().swaps and isinstance(remote, Swapping)):
        return
    state = found.state
    mine = head.lane[:_START] + (head.counter % 2**32).to_bytes(_RING - _START, "big")
    board, tag = state.board, state.board_tag
    for attempt in range(_TRIES):
        fresh = (mine + board)[: _RINGS * _RING]
        told = remote.swap(BOARD, fresh, tag)
        look = Look(fresh, told) if told is not None else remote.look(BOARD)
        if look is not None and look.data == fresh:
            if not attempt:  # else somebody told something in between, which is seen the next time
                state.board, state.board_tag = fresh, look.tag
            return
        board, tag = (look.data or b"", look.tag) if look is not None else (b"", "")


def _heed(
    found: Survey, here: dict[str, int], lane: bytes, look: Look | None, seen: Seen | None
) -> None:
    """Take what a head says into account; whatever does not fit is a doubt."""
    if look is None:
        found.doubt = found.doubt or seen is not None
        _set(found.state, lane, None)
        return
    fresh = look.data is not None
    data = look.data if look.data is not None else seen.data if seen is not None else b""
    head = found.reader.head(lane, data) if found.reader is not None else None
    counter, n = (seen.counter, seen.n) if seen is not None else (_NEVER, _NEVER)
    if head is None:
        if fresh:
            found.dark.append(lane)
        _set(found.state, lane, Seen(lane, look.tag, data, counter, n, 0))
        return
    found.doubt = found.doubt or went_back(head, counter, n)
    _set(found.state, lane, Seen(lane, look.tag, data, head.counter, head.n, head.asks))
    _believe(found, here, head, fresh=fresh)


def went_back(head: Head, counter: int, n: int) -> bool:
    """Whether a head is older than the one this carrier showed before: both only grow."""
    return (head.counter, head.n) < (counter, n)


def _believe(found: Survey, here: dict[str, int], head: Head, *, fresh: bool) -> None:
    """The packs a head names are there, until one is asked for and is not."""
    named = head.named()
    found.sizes |= named
    for name, size in named.items():
        if name not in found.state.lacking:
            found.holds.add(name)
        elif fresh and name not in here:
            found.wanted[name] = size
    if head.total > sum(named.values()) > 0:
        found.ahead[head.lane] = (min((place.n for place in map(packs.parse_name, named) if place), default=0),
                                  head.total - sum(named.values()))  # fmt: skip


def _set(state: State, lane: bytes, seen: Seen | None) -> None:
    kept = [one for one in state.heads if one.lane != lane]
    state.heads = tuple(sorted([*kept, *([seen] if seen is not None else [])], key=lambda one: one.lane))


def _holes(mirror: Mirror, found: Survey, here: dict[str, int]) -> None:
    """Where a lane of the mirror lacks packs, the one behind the hole names the one before."""
    reached = {(place.lane, place.n) for name in (*here, *found.wanted) if (place := packs.parse_name(name))}
    for name in here:
        place = packs.parse_name(name)
        if place is not None and place.n and (place.lane, place.n - 1) not in reached:
            found.follow(name, mirror.get(name) or b"", here)


def _unsure(remote: Remote, found: Survey, here: dict[str, int]) -> None:
    """Packs of others that are here, and maybe there: they are asked for one by one, unless a listing costs less."""
    own = packs.text(found.reader.own) if found.reader is not None else ""
    asked = [name for name in here if name not in found.holds and name not in found.state.lacking
             and name.split("/")[1] != own]  # fmt: skip
    if len(asked) * _ASKS_PER_ENTRY > len(found.marks) + len(asked):
        found.doubt = True
        return
    for name in asked:
        if remote.size(name) == here[name]:
            found.holds.add(name)
