"""Attaching a file, opening it again, and what is here of it.

The bytes go from the file into sealed parts on the disk without ever being whole in memory or in a temporary file, and
come back the same way: as a stream for whoever asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from iop_tui.access import primitives
from iop_tui.clinical.attachments import manifest, placing, sniffing
from iop_tui.clinical.attachments.model import ATTACHING, ATTACHMENT, Attachment, link_to
from iop_tui.clinical.attachments.sources import Readable, opened, pieces
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.declare import RuleContext, Severity
from iop_tui.kernel.errors import Cancelled, DiskFull, InputRejected, MediumUnusable, NotReady, Refused, VaultDamaged
from iop_tui.kernel.secret import Secret
from iop_tui.store.chunks import ChunkStore, Staging
from iop_tui.store.views.view import Changes
from iop_tui.vault import chunks
from iop_tui.vault.chunks import Blob
from iop_tui.vault.digest import Hasher
from iop_tui.workspace import Workspace, exchanging

Progress = Callable[[int], None]
"""Told how many bytes were read."""


class PartsMissing(MediumUnusable):
    """Parts of an attachment are on another device of the program."""

    code = "parts_missing"


@dataclass(frozen=True, slots=True)
class Order:
    """What is attached to whom: the subject is a person, or a couple where `place` is `JNT`."""

    subject: bytes
    title: str
    what: str
    on: date
    sender: str = ""
    place: str = placing.OWN
    record: bytes | None = None


@dataclass(slots=True)
class Sealed:
    """A file whose parts are on the disk and belong to no record yet: `finish` or `give_up` ends it."""

    order: Order
    home: signing.Home
    document: Attachment
    staging: Staging


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that was attached."""

    record: bytes
    revision: bytes
    document: Attachment
    changes: Changes = field(default_factory=Changes)


def store(ws: Workspace) -> ChunkStore:
    """The parts of this copy, what an earlier run left half done ended first."""
    found = ChunkStore(ws.path, ws.rng)
    found.settle(lambda revision: committed(ws, revision))
    return found


def committed(ws: Workspace, revision: bytes) -> bool:
    """Whether a revision is in the vault, whoever may open it."""
    return ws.session.db.revision(revision) is not None


# -- attaching -----------------------------------------------------------------------------


def attach(
    ws: Workspace, order: Order, source: Readable, *, progress: Progress = lambda done: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Attached:  # fmt: skip
    """Attach what a source gives until its end. Nothing is left of it where anything raises.

    Raises `NoKey`, `NotFound`, `NotReady` for what the rules refuse, `RuleRefused` at a wall, `InputRejected` for an
    empty or too large source, `DiskFull`, `MediumUnusable`, `Cancelled`.
    """
    home = check(ws, order)
    return finish(ws, seal(ws, order, home, source, progress=progress, cancelled=cancelled))


def check(ws: Workspace, order: Order) -> signing.Home:
    """Where it will lie; raises what speaks against it before a byte is read."""
    home = placing.home(ws, order.subject, order.place)
    placing.check_couple(ws, order.subject, home.kind)
    if order.record is not None:
        placing.check_link(ws, order.record, home, order.subject)
    _refuse(ws, _document(order))
    return home


def seal(
    ws: Workspace, order: Order, home: signing.Home, source: Readable, *, progress: Progress = lambda done: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Sealed:  # fmt: skip
    """Write the sealed parts. Touches neither database nor view, so that it may run beside other work."""
    staging = store(ws).staging()
    try:
        document = _seal(ws, order, source, staging, progress, cancelled)
        return Sealed(order, home, document, staging)
    except DiskFull:
        staging.end(_never)
        raise DiskFull("The disk is full; nothing was attached.", "Free some space, then attach it again.") from None
    except BaseException:  # stopped or failed, half a file is never left; what it was is raised on
        staging.end(_never)
        raise


def seal_file(
    ws: Workspace, order: Order, home: signing.Home, path: Path, *,
    progress: Callable[[int, int], None] = lambda done, total: None, cancelled: Callable[[], bool] = lambda: False,
) -> Sealed:  # fmt: skip
    """As `seal`, of a file: refused and undone where it changed while it was read. `progress` is told bytes read and
    bytes in all. The file stays where it is.
    """
    sealed = None
    try:
        with opened(path) as (source, size):
            sealed = seal(ws, order, home, source, progress=lambda done: progress(done, size), cancelled=cancelled)
    except BaseException:  # also when it is stopped: what was sealed so far goes
        if sealed is not None:
            give_up(sealed)
        raise
    return sealed


def _seal(
    ws: Workspace, order: Order, source: Readable, staging: Staging, progress: Progress,
    cancelled: Callable[[], bool],
) -> Attachment:  # fmt: skip
    wide = not any("://" in line.place for line in exchanging.remotes(ws))
    first = next(pieces(source, chunks.payload(chunks.NARROW) + 1), b"")
    if not first:
        raise InputRejected("There is nothing in it.", "Check that the file was copied or scanned completely.")
    size = chunks.size_for(len(first), wide=wide)
    blob = Blob(ws.realm, ws.rng.token(16), Secret(ws.rng.token(chunks.KEY_BYTES)), size)
    hasher, names = Hasher(), list[str]()
    for piece in pieces(_Rest(first, source), chunks.payload(size)):
        if cancelled():
            raise Cancelled("Stopped. Nothing was attached.")
        hasher.update(piece)
        names.append(staging.add(blob.seal(len(names), piece, ws.rng)))
        progress(hasher.size)
    while len(names) < chunks.rounded(len(names)):
        names.append(staging.add(blob.seal(len(names), b"", ws.rng)))
    return _document(order, blob, hasher, names, sniffing.media_type(first))


class _Rest:
    """A source some of which was read already."""

    def __init__(self, first: bytes, source: Readable) -> None:
        self._first, self._source = first, source

    def read(self, size: int, /) -> bytes:
        """What was read, then the rest."""
        found, self._first = self._first[:size], self._first[size:]
        return found or self._source.read(size)


def _document(
    order: Order, blob: Blob | None = None, hasher: Hasher | None = None, names: list[str] | None = None,
    kind: str = "",
) -> Attachment:  # fmt: skip
    described = Attachment(
        title=order.title, what=order.what, on=order.on, sender=order.sender, record=link_to(order.record)
    )
    if blob is None or hasher is None or names is None:
        return described
    return Attachment(
        title=described.title, what=described.what, on=described.on, sender=described.sender, record=described.record,
        media_type=kind, size=hasher.size, sha256=hasher.digest().hex(), file=manifest.shown(blob.file),
        part_size=blob.size, parts=manifest.joined(names), key=manifest.shown(blob.key.reveal()),
    )  # fmt: skip


def _refuse(ws: Workspace, document: Attachment) -> None:
    cleaned = signing.cleaned(ATTACHMENT, document)
    found = ATTACHMENT.findings(cleaned, RuleContext(signing.today(ws), {ATTACHING: True}))
    refused = [item.message for item in found if item.severity is Severity.REFUSE]
    if refused:
        raise NotReady(" ".join(refused), "Say what the file is, then attach it.")


def finish(ws: Workspace, sealed: Sealed) -> Attached:
    """Write the record beside the parts; they get their places once it is in the vault."""
    staging, order, home = sealed.staging, sealed.order, sealed.home
    try:
        document = signing.cleaned(ATTACHMENT, sealed.document)
        placing.check_couple(ws, order.subject, home.kind)
        placing.check_wall(ws, document.sha256, home)
        work = ws.work()
        record, revision = primitives.put(
            ws.session, work, home.compartment, ATTACHMENT, document, person=order.subject, source="file"
        )
        ws.session.note(
            work, "attach", person=order.subject, category=home.kind, subject=record, detail=ATTACHMENT.kind
        )
        staging.promise(revision)
        changes = ws.commit(work)
    finally:
        staging.end(lambda revision: committed(ws, revision))
    return Attached(record, revision, document, changes)


def give_up(sealed: Sealed) -> None:
    """Remove the parts of a file that is not attached after all."""
    sealed.staging.end(_never)


def _never(_revision: bytes) -> bool:
    return False


# -- opening -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """An attachment somebody may read now: what it is, and its bytes as a stream."""

    line: records.RecordLine
    document: Attachment
    _store: ChunkStore
    _realm: bytes

    def pieces(self) -> Iterator[bytes]:
        """The file, piece by piece, as of `stream`."""
        return stream(self._store, self.document, self._realm)


def stream(here: ChunkStore, document: Attachment, realm: bytes) -> Iterator[bytes]:
    """The bytes of a file, each piece checked. Raises `PartsMissing` where a part is not here (any more),
    `VaultDamaged` where it is not the file that was attached.
    """
    blob, hasher = manifest.blob(document, realm), Hasher()
    for number, name in enumerate(manifest.parts(document)):
        left = document.size - hasher.size
        if left <= 0:
            break
        chunk = here.sound(name)
        if chunk is None:
            raise PartsMissing("A part of this attachment is damaged or missing.", "The next exchange fetches it.")
        piece = blob.open_(number, chunk)[:left]
        hasher.update(piece)
        yield piece
    if hasher.digest().hex() != document.sha256:
        raise VaultDamaged("This attachment is not the file that was attached.")


def read(ws: Workspace, record: bytes) -> tuple[records.RecordLine, Attachment]:
    """What an attachment is; logged as a reading of the record. Raises `NotFound`, `Refused` for another kind."""
    view = records.read(ws, record)
    if not isinstance(view.document, Attachment):
        raise Refused(f"A {view.line.label.lower()} is no attachment.", "`iop-tui show` shows it.")
    return view.line, view.document


def open_file(ws: Workspace, record: bytes) -> Opened:
    """An attachment whose parts are all here, ready to be read; logged before the first byte. Raises `NotFound`,
    `PartsMissing` naming who has the rest.
    """
    line, document = read(ws, record)
    here = store(ws)
    lacking = [name for name in manifest.parts(document) if not here.has(name)]
    if lacking:
        total = len(manifest.parts(document))
        raise PartsMissing(
            f"{len(lacking)} of {total} parts of this attachment are not on this device. {who_has(ws, record)}",
            "Fetch it from a carrier: `iop-tui attachment fetch ID`, or exchange while the person is pinned.",
        )
    work = ws.work()
    ws.session.note(
        work, "attachment-opened", person=line.person, category=line.compartment_kind, subject=record,
        detail=document.media_type,
    )  # fmt: skip
    ws.commit(work)
    return Opened(line, document, here, ws.realm)


def attached_here(ws: Workspace, record: bytes) -> bool:
    """Whether a file was attached on this device. Raises `NotFound`."""
    return _device(ws, record) == ws.session.device


def who_has(ws: Workspace, record: bytes) -> str:
    """In words: on which device it was attached. Raises `NotFound`."""
    device = _device(ws, record)
    if device == ws.session.device:
        return "It was attached on this device."
    known = exchanging.devices(ws) if exchanging.ready(ws) else []
    name = next((line.name for line in known if line.device == device), "")
    return f"It was attached on {name}." if name else "It was attached on a device that this copy does not know."


def _device(ws: Workspace, record: bytes) -> bytes:
    found, _, _ = signing.opened_document(ws, record)
    return found.body.device
