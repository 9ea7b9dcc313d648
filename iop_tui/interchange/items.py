"""What crosses the pipe between the reading process and the program: plain, typed, already sanitised."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

RECEIVED = "received"
PERSON = "person"


class Rejection(msgspec.Struct, frozen=True):
    """Something that was refused: which file, where in it, why. Never a word of the record itself.

    An empty `place` means the whole file.
    """

    file: str
    place: str
    reason: str


class Mapped(msgspec.Struct, frozen=True):
    """One resource, ready to be stored.

    `kind` names a declared document type; `fields` are builtins for its `DocumentType.parse`.
    `person_key` is the source's name for the person (`Patient/<id>`, or the reference as written when the
    Patient is not among the files: flag `person not in these files`); None for records about no single
    person (organisations, practitioners, places). `compartment` is where the item belongs by its type and
    its sensitivity labels: DIR IND SUD MED SAFE PAY, ORG for records about no person, INTAKE for
    clinical records whose person the file does not name.
    `fingerprint_parts` identify the content: (type, person key, source id, digest of the JSON value).
    `raw` is the resource byte for byte as it stood in the file; `vault` the printed id of the vault it was
    exported from, where it says one.
    """

    kind: str
    fields: dict[str, Any]
    person_key: str | None
    compartment: str
    source_type: str
    source_id: str
    fingerprint_parts: tuple[str, ...]
    effective: date | None
    labels: tuple[str, ...]
    flags: tuple[str, ...]
    file: str
    place: str
    raw: bytes
    aliases: tuple[str, ...] = ()
    vault: str = ""

    @property
    def identity(self) -> tuple[str, ...]:
        """The fingerprint without the content: the same record, perhaps in a newer version."""
        return self.fingerprint_parts[:3]

    @property
    def kept(self) -> bool:
        """Stored verbatim, not mapped."""
        return self.kind == RECEIVED


class FileReport(msgspec.Struct, frozen=True):
    """One file that was read: its form (`bundle`, `ndjson`, `resource`), how many resources, inflated bytes."""

    file: str
    form: str
    resources: int
    bytes: int


class Ignored(msgspec.Struct, frozen=True):
    """A file or line that holds no resource and never meant to (export logs, licences, read-me files)."""

    file: str
    place: str
    reason: str


class Progress(msgspec.Struct, frozen=True):
    """How far a run is. `stage` is `checking` (containers and content) or `mapping`."""

    stage: str
    file: str
    done_bytes: int
    total_bytes: int
    items: int


class Item(msgspec.Struct, frozen=True, tag="item"):
    """Frame: a mapped resource."""

    item: Mapped


class Rejected(msgspec.Struct, frozen=True, tag="rejected"):
    """Frame: a refusal."""

    rejection: Rejection


class Skipped(msgspec.Struct, frozen=True, tag="skipped"):
    """Frame: something without content for us."""

    ignored: Ignored


class Read(msgspec.Struct, frozen=True, tag="read"):
    """Frame: a file has passed the container check."""

    report: FileReport


class Step(msgspec.Struct, frozen=True, tag="step"):
    """Frame: progress."""

    progress: Progress


class Done(msgspec.Struct, frozen=True, tag="done"):
    """Frame: the run is complete; without it the reading process died."""


class Columns(msgspec.Struct, frozen=True, tag="columns"):
    """Frame: how the columns of a client list were understood: heading → field, and headings left out."""

    file: str
    fields: dict[str, str]
    unused: tuple[str, ...]


Frame = Item | Rejected | Skipped | Read | Step | Columns | Done
