"""A bucket as carrier (S3 and what speaks like it): one PUT per object, read back unless the answer proves it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from iop_tui.exchange.names import LARGEST, ROOT, parse_name
from iop_tui.exchange.remotes.clients import Patience, opened, s3_store
from iop_tui.exchange.remotes.credentials import Credentials
from iop_tui.exchange.remotes.failures import Rewritten
from iop_tui.exchange.remotes.objects import NO_TRACES, ObjectRemote, Traces, proves, under
from iop_tui.exchange.remotes.places import Place
from iop_tui.exchange.remotes.port import Capabilities
from iop_tui.kernel.rng import Rng

_IDLE_PAGES, _MOST = 100, 500_000
"""Pages of a list in a row with nothing new, and names in all: more is no list of an exchange. A hundred devices make
so many packs in five years.
"""


class S3Remote(ObjectRemote):
    """The tree `cwx1/` under a prefix of a bucket."""

    brief: ClassVar[bool] = True

    def __init__(
        self, place: Place, credentials: Credentials | None, realm: bytes | None, rng: Rng, *,
        able: Capabilities | None = None, ca: str = "", patience: Patience | None = None, traces: Traces = NO_TRACES,
        proxy: str = "",
    ) -> None:  # fmt: skip
        store, gate = opened(s3_store, place, credentials, ca, patience or Patience(), proxy)
        super().__init__(store, place.host, realm, rng, able, gate, traces)

    def listing(self) -> dict[str, int]:
        """Packs in the bucket, a page of a thousand names at a time."""
        items = self._pages("p", lambda path: path.removeprefix(f"{ROOT}/"))
        found = {name: item["size"] for name, item in items.items() if parse_name(name) is not None}
        if not found:
            self._witness()
        return found

    def _level(self, folder: str) -> tuple[dict[str, Any], list[str]]:
        """Page by page, for the library takes in a list of a level as a whole; folders in it are not asked for."""
        found = self._pages(folder, lambda path: under(folder, path))
        return {name: item for name, item in sorted(found.items()) if name}, []

    def _pages(self, folder: str, named: Callable[[str], str]) -> dict[str, Any]:
        """What is listed in a folder and below. Raises `Rewritten` for a list without an end."""
        import obstore

        found, idle = dict[str, Any](), 0
        with self._told():
            for page in obstore.list(self._store, f"{ROOT}/{folder}"):
                before = len(found)
                found |= {named(str(item["path"])): _brief(item) for item in page}
                if len(found) > before:
                    self.heard()
                idle = 0 if len(found) > before else idle + 1
                if idle > _IDLE_PAGES or len(found) > _MOST:
                    raise Rewritten(f"The list that {self._host} gives has no end.")
        return found

    def bring(self, name: str, data: bytes) -> bool:
        """One PUT, signed over its bytes. True where this server was seen to answer with the hash of what arrived."""
        return proves(self._send(name, data), data) and self._able.proves


def _brief(item: Any) -> dict[str, Any]:
    """What is needed of an entry of a list: there may be many. Sizes are what the server says, within reason."""
    return {"size": min(int(item["size"]), LARGEST), "e_tag": item.get("e_tag")}
