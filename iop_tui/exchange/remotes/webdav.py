"""A folder of a web server as carrier (WebDAV, RFC 4918): sent beside its place, moved there, read back.

Several servers show a cut upload as a whole file, and none of them can be trusted to lock. So nothing is decided by
what a server says about names: a reader believes a pack by its hash.
"""

from __future__ import annotations

from iop_tui.exchange.names import LARGEST, parse_name
from iop_tui.exchange.remotes import failures
from iop_tui.exchange.remotes.clients import Patience, dav_store, opened
from iop_tui.exchange.remotes.credentials import Credentials
from iop_tui.exchange.remotes.objects import NO_TRACES, ObjectRemote, Traces
from iop_tui.exchange.remotes.places import Place
from iop_tui.exchange.remotes.port import Capabilities, changes
from iop_tui.kernel.rng import Rng


class WebDavRemote(ObjectRemote):
    """The tree `cwx1/` in a folder of a web server."""

    def __init__(
        self, place: Place, credentials: Credentials | None, realm: bytes | None, rng: Rng, *,
        able: Capabilities | None = None, ca: str = "", patience: Patience | None = None, traces: Traces = NO_TRACES,
        proxy: str = "",
    ) -> None:  # fmt: skip
        store, gate = opened(dav_store, place, credentials, ca, patience or Patience(), proxy)
        super().__init__(store, place.host, realm, rng, able, gate, traces)

    def listing(self) -> dict[str, int]:
        """Packs in the folder, one lane at a time: servers refuse to list a whole tree."""
        found: dict[str, int] = {}
        for lane in self._level("p")[1]:
            for name, item in self._level(lane)[0].items():
                if parse_name(name) is not None:
                    found[name] = min(int(item["size"]), LARGEST)
        return found

    def bring(self, name: str, data: bytes) -> bool:
        """Send to a temporary name and move to the place. A file that is there already stays if it is the same."""
        temporary = self._temporary()
        self._left.add(temporary)
        self._send(temporary, data)
        same = False
        try:
            self._move(temporary, name, overwrite=changes(name))
        except failures.Taken:
            same = self._read(name, {}) == data
            if same:
                self._delete(temporary)
            else:
                self._move(temporary, name, overwrite=True)
        self._left.discard(temporary)
        return same

    def _move(self, source: str, name: str, *, overwrite: bool) -> None:
        import obstore

        with self._told(failures.Taken):
            obstore.rename(self._store, self._path(source), self._path(name), overwrite=overwrite)
