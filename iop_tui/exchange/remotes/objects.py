"""What bucket and web folder have in common: the tree `cwx1/` as objects of a server, read through one library.

Every request is tried once and fails with a sentence (`failures.py`); trying again is for who calls. Objects are put
whole, in one request each, and count as there only when they were seen to have arrived whole.
"""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from iop_tui.exchange.names import ROOT, is_head, is_part, most, parse_name, text
from iop_tui.exchange.remotes import failures
from iop_tui.exchange.remotes.gate import Gate
from iop_tui.exchange.remotes.port import Capabilities, Cut, Look, OtherProgram
from iop_tui.kernel.errors import IopError, MediumUnusable
from iop_tui.kernel.rng import Rng
from iop_tui.vault.digest import md5, sha256

if TYPE_CHECKING:
    from obstore.store import HTTPStore, S3Store

_REALM, _MARK = "realm", b"CWX1"
_NOTE, _NOTES = 200, 1_000
"""Most bytes that are looked at of a note, and how many are read: those that are granted make room for the others."""
_PROBE = 1024
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Traces:
    """Temporary names of this copy: how those of this session begin (empty: by chance), and those of earlier ones that
    did not end as they should. Names that begin otherwise are other devices' and stay.
    """

    present: str = ""
    earlier: tuple[str, ...] = ()


NO_TRACES = Traces()


class ObjectRemote(ABC):
    """The objects of one server under a prefix. `able` is what the server was seen to do; None where it was not tried:
    then it is asked for the program it belongs to, and `probe` finds out.

    A device that does not belong to a program yet gives no realm: it may leave a request there.
    """

    brief: ClassVar[bool] = False

    def __init__(
        self, store: S3Store | HTTPStore, host: str, realm: bytes | None, rng: Rng, able: Capabilities | None,
        gate: Gate | None, traces: Traces,
    ) -> None:  # fmt: skip
        self._store, self._rng = store, rng
        self._present = traces.present or fresh_trace(rng)
        self._earlier = set(traces.earlier)
        self._left: set[str] = set()
        self._count = 0
        self._gate = gate
        if gate is not None:
            weakref.finalize(self, gate.close)
        self._able = able or Capabilities(remote=True)
        self._reader = failures.Reader(host)
        self._host = host
        self.heard: Callable[[], None] = lambda: None
        """Called whenever more of an answer came."""
        if realm is not None and able is None:
            self._claim(_MARK + sha256(b"cwx/realm", realm)[:28])

    def _claim(self, mark: bytes) -> None:
        found = self.get(_REALM) or b""
        if len(found) == len(mark) and found[: len(_MARK)] == _MARK and found != mark:
            raise OtherProgram("This place holds the exchange of another program.", "Choose an empty one.")
        if found != mark:
            self.put(_REALM, mark)

    def capabilities(self) -> Capabilities:
        """What the server was seen to do."""
        return self._able

    # -- reading ---------------------------------------------------------------------------

    def get(self, name: str, start: int = 0) -> bytes | None:
        """The bytes of an object from `start` on, as many as its name allows, or None. Raises `Cut` with what came."""
        if start and self._able.ranges:
            try:
                return self._read(name, {"range": {"offset": start}})
            except failures.BeyondEnd:
                return b""
            except failures.NoRange:
                pass  # it could when it was tried; everything is read instead
        data = self._read(name, {})
        return data if data is None else data[start:]

    def _read(self, name: str, options: dict[str, Any]) -> bytes | None:
        found = self._look(name, options)
        return None if found is None else found.data

    def look(self, name: str, tag: str = "") -> Look | None:
        """The bytes of an object and its entity tag; no bytes where the server says that the tag still holds."""
        try:
            return self._look(name, {"if_none_match": f'"{tag}"'} if tag and self._able.unchanged else {})
        except failures.Unchanged:
            return Look(None, tag)

    def _look(self, name: str, options: dict[str, Any]) -> Look | None:
        import obstore

        received = bytearray()
        try:
            with self._told(failures.NotHere, failures.Unchanged, failures.NoRange, failures.BeyondEnd):
                answer = obstore.get(self._store, self._path(name), options=options)  # type: ignore[arg-type]
                for chunk in answer.stream(min_chunk_size=1):
                    received += chunk
                    self.heard()
                    if len(received) > most(name):
                        break
                return Look(bytes(received), _tag(answer.meta))
        except failures.NotHere:
            return None
        except Cut as error:
            raise Cut(error.message, error.hint, data=bytes(received)) from None

    def size(self, name: str) -> int | None:
        """The size the server tells, or None."""
        import obstore

        try:
            with self._told(failures.NotHere):
                return int(obstore.head(self._store, self._path(name))["size"])
        except failures.NotHere:
            return None

    def names(self, folder: str, suffix: str = "") -> list[str]:
        """Names directly in a folder."""
        return sorted(name for name in self.tags(folder) if name.endswith(suffix))

    def tags(self, folder: str) -> dict[str, str]:
        """Names directly in a folder with their entity tags; without where the server's were seen to say nothing."""
        found = self._level(folder)[0]
        if not found and folder == "h":
            self._witness()
        return {name: _tag(item) if self._able.unchanged else "" for name, item in found.items()}

    def _witness(self) -> None:
        """Where a list is empty: whether it is the carrier that answered. The library takes any page for an empty list.

        Raises `Rewritten`.
        """
        found = self.get(_REALM)
        if found is not None and found[: len(_MARK)] != _MARK:
            raise failures.Rewritten(f"What answers under the name {self._host} is not this carrier's server.")

    def heads(self) -> list[str]:
        """Names of heads."""
        return [name for name in self.names("h") if is_head(name)]

    def wants(self) -> set[str]:
        """The names in the objects under `w/`."""
        found = {(self.get(name) or b"")[:_NOTE] for name in self.names("w")[:_NOTES]}
        names = {raw.decode("ascii", "replace") for raw in found}
        return {name for name in names if parse_name(name) is not None or is_part(name)}

    def _level(self, folder: str) -> tuple[dict[str, Any], list[str]]:
        """Objects directly in a folder by their names, and the folders in it.

        Servers give paths from their own root, and name the folder itself among the folders in it.
        """
        import obstore

        try:
            with self._told(failures.NotHere):
                found = obstore.list_with_delimiter(self._store, self._path(folder))
        except failures.NotHere:
            return {}, []
        self.heard()
        objects = {under(folder, str(item["path"])): item for item in found["objects"]}
        folders = {under(folder, str(path)) for path in found["common_prefixes"]}
        return {name: item for name, item in sorted(objects.items()) if name}, sorted(folders - {""})

    @abstractmethod
    def listing(self) -> dict[str, int]:
        """Names of packs and their sizes in bytes."""

    # -- writing ---------------------------------------------------------------------------

    @abstractmethod
    def bring(self, name: str, data: bytes) -> bool:
        """Send an object whole. Whether the answer proved that it arrived so; else it is to be read back."""

    def put(self, name: str, data: bytes) -> None:
        """Store an object whole and see that it arrived so."""
        if not self.bring(name, data):
            self._check(name, data)

    def want(self, name: str) -> None:
        """An object under `w/` that holds the name."""
        self.put(self._note(name), name.encode("ascii"))

    def granted(self, name: str) -> None:
        """Delete the note."""
        self._delete(self._note(name))

    def close(self) -> None:
        """Delete what sendings that broke off left behind, now and in earlier sessions, as far as that works."""
        with suppress(MediumUnusable):  # other devices pass over it, and it is small
            for name in sorted(self._left):
                self._delete(name)
                self._left.discard(name)
            for name in self.names("t") if self._earlier else ():
                if _trace(name) in self._earlier:
                    self._delete(name)
            self._earlier.clear()

    def traces(self) -> list[str]:
        """How the temporary names begin of which some may still be there."""
        return sorted({*self._earlier, *map(_trace, self._left)})

    def _note(self, name: str) -> str:
        return f"w/{text(sha256(name.encode('ascii')))[:12]}"

    def _temporary(self) -> str:
        self._count += 1
        return f"t/{self._present}-{self._count}.tmp"

    def _send(self, name: str, data: bytes) -> str:
        """One request with all bytes; the entity tag of what arrived."""
        import obstore

        with self._told():
            return _tag(obstore.put(self._store, self._path(name), data, use_multipart=False))

    def swap(self, name: str, data: bytes, tag: str) -> str | None:
        """One request, with the tag as its condition."""
        import obstore

        try:
            with self._told(failures.Taken, failures.NotHere):
                mode: Any = {"e_tag": f'"{tag}"'} if tag else "create"
                return _tag(obstore.put(self._store, self._path(name), data, mode=mode, use_multipart=False))
        except (failures.Taken, failures.NotHere):
            return None

    def _delete(self, name: str) -> None:
        import obstore

        try:
            with self._told(failures.NotHere):
                obstore.delete(self._store, self._path(name))
        except failures.NotHere:
            return

    def _check(self, name: str, data: bytes) -> None:
        """Read back what was sent. Raises `Rewritten`."""
        found = self._read(name, {})
        if found != data:
            what = "is gone again" if found is None else "reads back as something else"
            raise failures.Rewritten(f"What was sent to {self._host} {what}.")

    # -- finding out -----------------------------------------------------------------------

    def probe(self) -> Capabilities:
        """Try what the server can do, under a name of its own that is deleted afterwards, and remember it.

        Raises `Unable`, `Rewritten` where it cannot be a carrier at all, and what every request raises.
        """
        name = self._temporary()
        self._left.add(name)
        self._able = Capabilities(remote=True)
        payload = [self._rng.token(_PROBE) for _ in range(_TRIES)]
        tags: list[str] = []
        for data in payload:  # the same size within a second: tags made of size and time stay the same
            self.put(name, data)
            found = self.look(name)
            tags.append(found.tag if found is not None else "")
        self._able = Capabilities(
            ranges=self._ranges(name, payload[-1]),
            unchanged=len(set(tags)) == _TRIES and self._unchanged(name, tags[-1]),
            lists=name in self.names("t"),
            proves=all(proves(tag, data) for tag, data in zip(tags, payload, strict=True)),
            remote=True,
            brief=self.brief,
            swaps=self.brief and self._swaps(name, tags[-1]),
        )
        self._delete(name)
        self._left.discard(name)
        return self._able

    def _ranges(self, name: str, data: bytes) -> bool:
        half = len(data) // 2
        try:
            return self._read(name, {"range": {"offset": half}}) == data[half:]
        except (failures.NoRange, failures.BeyondEnd):
            return False

    def _swaps(self, name: str, tag: str) -> bool:
        """Whether conditions are heeded: some servers replace all the same, some refuse the request."""
        other = md5(tag.encode()).hex()
        try:
            kept = self.swap(name, b"", other) is None and self.swap(name, b"", "") is None
            return kept and bool(self.swap(name, b"swapped", tag)) and self._read(name, {}) == b"swapped"
        except IopError:
            return False

    def _unchanged(self, name: str, tag: str) -> bool:
        try:
            self._look(name, {"if_none_match": f'"{tag}"'})
        except failures.Unchanged:
            return bool(tag)
        return False

    # -- the library -----------------------------------------------------------------------

    def _path(self, name: str) -> str:
        return f"{ROOT}/{name}"

    @contextmanager
    def _told(self, *expected: type[Exception]) -> Iterator[None]:
        """Errors of the library as sentences, or as those markers of `failures` that are expected here."""
        from obstore.exceptions import BaseError

        if self._gate is not None:
            self._gate.failure = None
        try:
            yield
        except (BaseError, ValueError, OSError) as error:
            found = (self._gate and self._gate.failure) or self._reader.read(error)
            error.args = ()  # the library's text holds addresses and answers of servers, of any size
        else:
            return
        if isinstance(found, (IopError, expected)):
            raise found from None
        raise self._reader.unexpected(found) from None


def _tag(answer: Any) -> str:
    """The entity tag of an answer without its quotes (RFC 9110, 8.8.3): lists give it bare, other answers do not."""
    return str(answer.get("e_tag") or "").removeprefix("W/").strip('"')


def fresh_trace(rng: Rng) -> str:
    """How the temporary names of a session begin."""
    return text(rng.token(5))


def _trace(name: str) -> str:
    return name.removeprefix("t/").partition("-")[0]


def under(folder: str, path: str) -> str:
    """The name of what a list shows directly in a folder; empty for anything else."""
    name = path.rpartition(f"{ROOT}/{folder}/")[2]
    return f"{folder}/{name}" if name != path and name and "/" not in name else ""


def proves(tag: str, data: bytes) -> bool:
    """Whether an entity tag is the MD5 of the bytes, as object stores give it for what was put in one request."""
    return tag == md5(data).hex()
