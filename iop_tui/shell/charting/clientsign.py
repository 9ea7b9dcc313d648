"""Recording that the client signed: typed in person, on paper, by video, or in a returned packet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from iop_tui.clinical.people import api as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import service as signing
from iop_tui.clinical.signing.model import CLIENT_SIGNATURE, PACKET, PAPER, TYPED, ClientSignature
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import Document, F, Widget, fields_of
from iop_tui.kernel.errors import DocumentInvalid, InputRejected, Refused
from iop_tui.kernel.paths import typed
from iop_tui.shell.charting.signing import with_passphrase
from iop_tui.store.views.view import Changes
from iop_tui.ui.forms.editpage import EditPage
from iop_tui.vault.digest import sha256
from iop_tui.workspace import Workspace

LARGEST = 50 * 1024 * 1024
"""Bytes of a scan or packet, at most."""
_WHY = "Recording the client's signature is signed by you: your passphrase."


class _Scan(Document, frozen=True, kw_only=True):
    """Where the scan or the packet lies; only its digest is kept."""

    file: Annotated[
        str, F("File of the scan or packet", widget=Widget.LINE, max_length=1000,
               help="Needed for paper and packets. Its digest is kept, the file stays where it is."),
    ] = ""  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClientStart:
    """Which document the client signs, and whose it is."""

    record: bytes
    name: str
    label: str
    values: dict[str, Any]


def begin(ws: Workspace, record: bytes) -> ClientStart:
    """The form for a signed document. Raises `Refused` for an unsigned one: the client signs what will not change."""
    line = signing.signed_line(ws, record, "is signed by the client")
    if record in signing.voided(ws, line.person):
        raise Refused("This document is void.", "The client signs the one that counts.")
    name = people.header(ws, line.person).name
    given = ClientSignature(signer="client", name=name, method=TYPED, witness=ws.user.name, signed_on=signing.today(ws))
    values = {**msgspec.to_builtins(given), "file": ""}
    return ClientStart(record, name, records.line_of(ws, record).label.lower(), values)


def digest_of(ws: Workspace, path: str) -> str:
    """SHA-256 of a file, in hex. Raises `InputRejected` for what is not a readable file of at most 50 MB."""
    del ws
    place = typed(path)
    try:
        if not place.is_file():
            raise InputRejected("There is no such file.", "Check the path of the scan.", place="$.file")
        if place.stat().st_size > LARGEST:
            raise InputRejected("The file is larger than 50 MB.", "Scan with fewer dots per inch.", place="$.file")
        return sha256(place.read_bytes()).hex()
    except OSError:
        raise InputRejected("The file cannot be read.", "Check the path and the medium.", place="$.file") from None


def recorded(ws: Workspace, record: bytes, values: dict[str, Any]) -> Changes:
    """Store the signature with the digest of its scan. Raises `DocumentInvalid`, `NotReady`, `ReauthNeeded`."""
    fields = dict(values)
    path = str(fields.pop("file") or "").strip()
    if path and fields.get("method") in (PAPER, PACKET):
        fields["attachment_sha256"] = digest_of(ws, path)
    return signing.record_client_signature(ws, record, CLIENT_SIGNATURE.parse(fields))


def _fields() -> tuple[Any, ...]:
    own = [info for info in fields_of(ClientSignature) if info.name != "attachment_sha256"]
    at = next(place for place, info in enumerate(own) if info.name == "witness") + 1
    return (*own[:at], *fields_of(_Scan), *own[at:])


class ClientSigns(EditPage):
    """Who signed, how, who saw it. Signed by whoever records it; nothing is kept before that."""

    heading = "Client's signature"
    places = ("entry", "form")
    commands = (("s", "record it"), ("i", "go on"), ("q", "leave"))
    promise = "nothing is recorded before it is signed"

    def __init__(self, ws: Workspace, start: ClientStart) -> None:
        self.begun = start
        super().__init__(_fields(), start.values, today=local_date(ws.clock.now_ms()), first="signer")

    def on_mount(self) -> None:
        """Say under what."""
        super().on_mount()
        self.retitle(f"{self.heading}: {self.begun.name}", f"under the {self.begun.label}")

    async def save(self, values: dict[str, Any]) -> bool:
        """Record it, after the passphrase where it is due."""
        try:
            done = await with_passphrase(self, lambda: self._record(values), _WHY)
        except InputRejected as error:
            raise DocumentInvalid(f"{error.message} {error.hint}", place=error.place or "$.file") from None
        if done:
            self.app.notify("The client's signature is recorded.")
        return done

    async def _record(self, values: dict[str, Any]) -> None:
        await self.desk.write(recorded, self.begun.record, values)
