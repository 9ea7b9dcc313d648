"""A carrier behind a link that drops: tries again, waits longer each time, goes on behind what came, ends in words.

Wraps any `Remote`. Only what another try may cure is tried again (`CarrierGone`, `Cut`): a wrong password stays wrong.
What came of a download that was cut is kept as sealed bytes; the next try, or the next exchange, asks for the rest,
and the hash in the name decides over the whole. An upload begins anew: the same name and the same bytes, so one that
arrived although its answer was lost does no harm.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from iop_tui.exchange import packs
from iop_tui.exchange.remotes import parts
from iop_tui.exchange.remotes.failures import Rewritten, Unable
from iop_tui.exchange.remotes.link import LinkMemory
from iop_tui.exchange.remotes.parts import Drawer
from iop_tui.exchange.remotes.port import Capabilities, CarrierGone, Cut, Look, Remote, Swapping
from iop_tui.kernel.clock import Clock
from iop_tui.kernel.errors import Cancelled
from iop_tui.kernel.rng import Rng
from iop_tui.vault.digest import sha256

T = TypeVar("T")
TRIES = 8
"""So many in a row that brought nothing new end it; more where the link is known to need more."""
_FIRST_TRIES = 3
"""As long as nothing was ever answered: who is offline is told soon."""
_MOST_TRIES = 60
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_STEP = 0.5
"""Seconds after which a wait looks whether somebody asked to stop."""
_AROUND = 1_000
"""Bytes of a request and its answer besides the object, about."""
_HASHED = ("p/", "b/")
"""Names that end in the hash of what they name."""


@dataclass(slots=True)
class Struggle:
    """How it goes on a bad link, for people: how often it dropped, and how far the present object is (bytes)."""

    drops: int = 0
    done: int = 0
    size: int = 0


class LinkLost(CarrierGone):
    """The link dropped too often in a row."""

    code = "link_lost"
    default_hint = "Exchange again when the link is better; it goes on where it stopped."


@dataclass(slots=True)
class Tally:
    """What was asked of a carrier, besides objects: how often by name of the question, entries and folders of what was
    listed, bytes of heads that came.
    """

    asked: Counter[str] = field(default_factory=Counter)
    entries: int = 0
    folders: int = 0
    head_bytes: int = 0


@dataclass(slots=True)
class Waits:
    """Time for back-off: whose clock, how to wait, and whether somebody asked to stop."""

    clock: Clock
    rng: Rng
    pause: Callable[[float], None] = time.sleep
    cancelled: Callable[[], bool] | None = None

    def check(self) -> None:
        """Raise `Cancelled` where somebody asked to stop."""
        if self.cancelled is not None and self.cancelled():
            raise Cancelled("Stopped. What was moved is safe; the rest follows next time.")

    def back_off(self, failures: int) -> None:
        """Wait after so many failures in a row: twice as long each time, half of it by chance. Raises `Cancelled`."""
        longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(failures, 10))
        left = longest * (0.5 + int.from_bytes(self.rng.token(2), "big") / 2**17)
        while left > 0:
            self.check()
            step = min(left, _STEP)
            self.pause(step)
            left -= step
        self.check()


def promised(name: str, data: bytes) -> bool | None:
    """Whether bytes are those a name promises; None where a name promises nothing."""
    if not name.startswith(_HASHED):
        return None
    return packs.text(sha256(data)).startswith(name.rpartition("/")[2].rpartition("-")[2])


class _Tries:
    """The tries of one operation: how many in a row brought nothing new, and what to note of the link at the end."""

    def __init__(self, size: int, most: int) -> None:
        self.size, self.most = size, most
        self.failures = self.drops = self.moved = self.told = 0


class Patient:
    """See above. `link` is what is known of the link and learns, `remember` keeps it at the end; `drawer` keeps what
    came of objects that are not whole, and for `place` how far an upload in parts is; `struggle` is told how it goes.
    """

    def __init__(
        self, remote: Remote, *, link: LinkMemory, drawer: Drawer, waits: Waits, struggle: Struggle | None = None,
        remember: Callable[[bytes], None] = lambda data: None, place: str = "",
    ) -> None:  # fmt: skip
        self._remote = remote
        self.link = link
        self._drawer = drawer
        self._waits = waits
        self._ranges = remote.capabilities().ranges
        self.struggle = struggle or Struggle()
        self._remember = remember
        self._place = place
        self._answered = False
        self.tally = Tally()

    def find_out(self) -> None:
        """Try what a server can do that nobody tried yet: without ranges every download would begin anew."""
        probe: Callable[[], Capabilities] | None = getattr(self._remote, "probe", None)
        if probe is not None and not self._ranges:
            self._ranges = self._asked("probe", probe).ranges

    # -- moving --------------------------------------------------------------------------------

    def get(self, name: str, start: int = 0) -> bytes | None:
        """The bytes behind a name. Where their hash is not that of the name they are asked for once more as a whole."""
        if start or promised(name, b"") is None:
            return self._asked("get", lambda: self._remote.get(name, start))
        whole = self._whole(name)
        return whole if whole is None or promised(name, whole) else self._whole(name)

    def _whole(self, name: str) -> bytes | None:
        """The bytes behind a name, those of its parts where it lies in parts; what stands there, where one is gone."""
        found = self._fetched(name)
        plan = None if found is None else parts.Plan.read(found)
        if plan is None:
            return found
        self.struggle.size = plan.total
        return parts.get(name, plan, self._drawer, self._fetched, self._told) or found

    def _told(self, done: int) -> None:
        self.struggle.done = done

    def _fetched(self, name: str) -> bytes | None:
        """The bytes behind a name, put together from what came in all tries."""
        have = self._drawer.part(name) if self._ranges else b""
        if have and promised(name, have):
            self._drawer.keep_part(name, b"")
            return have
        tries = _Tries(0, TRIES)

        def once() -> bytes | None:
            nonlocal have
            try:
                return self._remote.get(name, len(have))
            except Cut as cut:
                tries.told = len(cut.data)
                if len(have) + len(cut.data) > packs.LARGEST:
                    self._drawer.keep_part(name, b"")
                    raise Unable("This carrier sends more than any object has.") from None
                if self._ranges and cut.data:
                    have += cut.data
                    self._drawer.keep_part(name, have)
                    tries.failures = 0
                raise

        more = self._tried(once, tries)
        if have or more is None:
            self._drawer.keep_part(name, b"")
        return None if more is None else have + more

    def put(self, name: str, data: bytes) -> None:
        """Store bytes under a name, as often as it takes; in parts where they are many for this link."""
        self.struggle.done, self.struggle.size = 0, len(data)
        wanted = self.link.object_size()
        if promised(name, data) and parts.suits(len(data), wanted):
            begun = parts.Begun(self._drawer, f"up {self._place} {name}")
            parts.put(name, data, wanted, begun, self._put, self._told)
        else:
            self._put(name, data)

    def _put(self, name: str, data: bytes) -> None:
        expected = self.link.expected_tries(len(data) + _AROUND)
        tries = _Tries(len(data), min(_MOST_TRIES, int(TRIES * expected)))
        bring: Callable[[str, bytes], bool] | None = getattr(self._remote, "bring", None)
        if bring is None:
            self._tried(lambda: self._remote.put(name, data), tries)
        elif not self._tried(lambda: bring(name, data), tries):
            self._check(name, data)

    def _check(self, name: str, data: bytes) -> None:
        """Read back what was sent, going on where a read was cut: only what is really missing is sent again."""
        found = self._fetched(name) if promised(name, data) else self._asked("get", lambda: self._remote.get(name))
        if found != data:
            what = "is gone again" if found is None else "reads back as something else"
            raise Rewritten(f"What was sent {what}.")

    def _asked(self, what: str, call: Callable[[], T]) -> T:
        found = self._tried(call, _Tries(0, TRIES))
        self.tally.asked[what] += 1
        if isinstance(found, dict | list | set):
            self.tally.entries += len(found)
        elif isinstance(found, Look):
            self.tally.head_bytes += len(found.data or b"")
        return found

    def _tried(self, call: Callable[[], T], tries: _Tries) -> T:
        """What a call returns, in as many tries as it takes. Raises `LinkLost`, `Cancelled`, and what no try cures."""
        began = self._waits.clock.monotonic()
        waited = 0.0
        if not self._answered:
            tries.most = -(-tries.most * _FIRST_TRIES // TRIES)
        while True:
            try:
                found = call()
            except CarrierGone as gone:
                self._failed(tries, gone)
                before = self._waits.clock.monotonic()
                self._waits.back_off(tries.failures)
                waited += self._waits.clock.monotonic() - before
                continue
            self._answered = True
            size = len(found) if isinstance(found, bytes) else tries.size
            self._note(tries, began, waited, size)
            return found

    def _failed(self, tries: _Tries, gone: CarrierGone) -> None:
        """Count a try that failed. Raises `LinkLost` after too many in a row."""
        tries.drops += 1
        tries.failures += 1
        tries.moved += tries.told or (tries.size + _AROUND) // 2  # nobody knows how much of an upload passed
        tries.told = 0
        self.struggle.drops += 1
        if tries.failures >= tries.most:
            self.link.add(tries.moved, 0.0, tries.drops)
            raise LinkLost(_lost(tries.failures, gone)) from gone

    def _note(self, tries: _Tries, began: float, waited: float, size: int) -> None:
        seconds = max(0.0, self._waits.clock.monotonic() - began - waited)
        self.link.add(tries.moved + size + _AROUND, seconds, tries.drops)

    # -- the rest of a carrier -----------------------------------------------------------------

    def capabilities(self) -> Capabilities:
        """Those of the carrier."""
        return self._remote.capabilities()

    def listing(self) -> dict[str, int]:
        """Names of packs and their sizes in bytes."""
        found = self._asked("listing", self._remote.listing)
        self.tally.folders += len({name.rpartition("/")[0] for name in found})
        return {name: self._real(name) or size if size == parts.SIZE else size for name, size in found.items()}

    def _real(self, name: str) -> int | None:
        """The size of an object that lies in parts."""
        data = self._asked("get", lambda: self._remote.get(name))
        plan = None if data is None else parts.Plan.read(data)
        return None if plan is None else plan.total

    def names(self, folder: str, suffix: str = "") -> list[str]:
        """Names directly in a folder."""
        return self._asked("names", lambda: self._remote.names(folder, suffix))

    def look(self, name: str, tag: str = "") -> Look | None:
        """The bytes behind a short name and their tag."""
        return self._asked("look", lambda: self._remote.look(name, tag))

    def swap(self, name: str, data: bytes, tag: str) -> str | None:
        """Store bytes where nobody was first. Where an answer was lost the next try finds the bytes of this one."""
        if not isinstance(self._remote, Swapping):
            return None
        remote = self._remote
        return self._asked("swap", lambda: remote.swap(name, data, tag))

    def size(self, name: str) -> int | None:
        """How many bytes are behind a name."""
        found = self._asked("size", lambda: self._remote.size(name))
        return self._real(name) or found if found == parts.SIZE else found

    def want(self, name: str) -> None:
        """Leave a note that a pack is damaged."""
        self._asked("want", lambda: self._remote.want(name))

    def wants(self) -> set[str]:
        """Packs that somebody found damaged."""
        return self._asked("wants", self._remote.wants)

    def granted(self, name: str) -> None:
        """Take such a note away."""
        self._asked("granted", lambda: self._remote.granted(name))

    def heads(self) -> list[str]:
        """Names of heads."""
        return self._asked("heads", self._remote.heads)

    def tags(self, folder: str) -> dict[str, str]:
        """Names directly in a folder and the tag of each."""
        return self._asked("tags", lambda: self._remote.tags(folder))

    def close(self) -> None:
        """Finish, and remember how the link was."""
        self._remember(self.link.store())
        self._remote.close()


def _lost(failures: int, gone: CarrierGone) -> str:
    if failures < 2:
        return gone.message
    return f"The link dropped {failures} times in a row without anything new ({gone.message.rstrip('.')})."
