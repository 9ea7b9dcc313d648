"""A carrier in memory that fails as it is told, and what makes simulated histories cheap without changing them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, ClassVar
from unittest import mock

import sqlcipher3.dbapi2 as sqlcipher
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from iop_tui.exchange import packs
from iop_tui.exchange.remotes.directory import looked, tag_of
from iop_tui.exchange.remotes.port import LOCAL, Capabilities, Look
from iop_tui.kernel.errors import MediumUnusable
from iop_tui.kernel.secret import Secret
from iop_tui.store import ballast, vaultdb
from iop_tui.vault import signing

_PACKS = 4096


class Crash(Exception):
    """The process ends here."""


class Fault(MediumUnusable):
    """A carrier fails."""


class Here:
    """The writer's queue without its thread: nobody else works on these vaults."""

    waited_for = False

    def __init__(self) -> None:
        self.closed = False

    def run(self, job: Callable[[], Any]) -> Any:
        """Do the job."""
        return job()

    def submit_two(self, first: Callable[[], Any], then: Callable[[], Any]) -> tuple[Future[Any], Future[None]]:
        """Do both steps; what fails is in the futures."""
        early, done = Future[Any](), Future[None]()
        try:
            early.set_result(first())
            then()
        except Exception as error:  # whatever it is, whoever asks for the result gets it
            for future in (early, done):
                if not future.done():
                    future.set_exception(error)
        else:
            done.set_result(None)
        return early, done

    def close(self) -> None:
        self.closed = True


class Shelf:
    """A carrier, or a mirror, in memory. `fail` is asked before each put."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.wanted: set[str] = set()
        self.fail: Callable[[], str] = lambda: ""
        self._marks: dict[str, set[str]] = {}
        self._kept: dict[str, bytes] = {}

    def copy(self) -> Shelf:
        """As it stands now."""
        found = Shelf()
        found.files, found.wanted = dict(self.files), set(self.wanted)
        found._marks = {name: set(marks) for name, marks in self._marks.items()}
        found._kept = dict(self._kept)
        return found

    def listing(self) -> dict[str, int]:
        return {name: len(data) for name, data in self.files.items() if packs.parse_name(name) is not None}

    def sound(self) -> set[str]:
        """Packs whose bytes are what their names promise."""
        return {name for name, data in self.files.items() if packs.fits_name(name, data)}

    def capabilities(self) -> Capabilities:
        return LOCAL

    def names(self, folder: str, suffix: str = "") -> list[str]:
        return sorted(name for name in self.files if name.rpartition("/")[0] == folder and name.endswith(suffix))

    def get(self, name: str, start: int = 0) -> bytes | None:
        data = self.files.get(name)
        return None if data is None else data[start:]

    def look(self, name: str, tag: str = "") -> Look | None:
        data = self.files.get(name)
        return None if data is None else looked(data, tag)

    def size(self, name: str) -> int | None:
        return len(self.files[name]) if name in self.files else None

    def tags(self, folder: str) -> dict[str, str]:
        return {name: tag_of(self.files[name]) for name in self.names(folder)}

    def put(self, name: str, data: bytes) -> None:
        how = self.fail()
        if how == "cut":
            self.files[name] = data[: len(data) // 2]
        elif how == "lost answer":
            self.files[name] = data
        if how == "crash":
            raise Crash
        if how:
            raise Fault("The carrier failed.")
        self.files[name] = data

    def want(self, name: str) -> None:
        self.wanted.add(name)

    def wants(self) -> set[str]:
        return set(self.wanted)

    def granted(self, name: str) -> None:
        self.wanted.discard(name)

    def heads(self) -> list[str]:
        return sorted(name for name in self.files if packs.is_head(name))

    def close(self) -> None:
        """Nothing."""

    # -- what a mirror can besides

    def set_aside(self, name: str, data: bytes, *, elsewhere: bool = False) -> None:
        """Kept elsewhere."""

    def drop(self, name: str) -> None:
        self.files.pop(name, None)

    def marks(self, remote: str) -> set[str]:
        return set(self._marks.get(remote, ()))

    def mark(self, remote: str, names: set[str]) -> None:
        self._marks[remote] = set(names)

    def part(self, name: str) -> bytes:
        return self._kept.get(f"part {name}", b"")

    def keep_part(self, name: str, data: bytes) -> None:
        self._kept[f"part {name}"] = data

    def hint(self, remote: str, what: str) -> bytes:
        return self._kept.get(f"{what} {remote}", b"")

    def keep_hint(self, remote: str, what: str, data: bytes) -> None:
        self._kept[f"{what} {remote}"] = data


class _Remembering:
    """A public key that checks each signature once: many devices check the same ones, and a check has no memory."""

    known: ClassVar[set[tuple[bytes, bytes, bytes]]] = set()

    def __init__(self, public: bytes) -> None:
        self._public = public

    @classmethod
    def from_public_bytes(cls, public: bytes) -> _Remembering:
        return cls(public)

    def verify(self, signature: bytes, message: bytes) -> None:
        asked = (self._public, signature, message)
        if asked not in self.known:
            Ed25519PublicKey.from_public_bytes(self._public).verify(signature, message)
            self.known.add(asked)


class _Unwiped(sqlcipher.Connection):  # type: ignore[misc]
    """A database that does not wipe the memory it gives back: an eighth of its time, and nothing it stores differs."""

    def execute(self, query: str, *parameters: Any) -> Any:
        asked = query.replace("cipher_memory_security = ON", "cipher_memory_security = OFF")
        return super().execute(asked, *parameters)


@contextmanager
def light() -> Iterator[None]:
    """Histories of thousands of steps: jobs run where they are asked for, signatures are checked once and packs opened
    once, memory is not wiped, the reserve for a full disk is small. Nothing that is written or read differs.
    """
    connect = sqlcipher.connect
    real = packs.open_pack
    opened = lru_cache(_PACKS)(lambda data, realm, key: real(data, realm, Secret(key)))
    with (
        mock.patch.object(packs, "open_pack", lambda data, realm, key: opened(data, realm, key.reveal())),
        mock.patch.object(vaultdb, "Writer", Here),
        mock.patch.object(ballast, "BYTES", 4096),
        mock.patch.object(signing, "Ed25519PublicKey", _Remembering),
        mock.patch.object(sqlcipher, "connect", lambda *given, **named: connect(*given, factory=_Unwiped, **named)),
    ):
        _Remembering.known.clear()
        yield
