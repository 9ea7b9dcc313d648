"""From an opened revision to the rows of a view, by the declarations of its kind.

A kind or payload version this program does not know stays visible as "needs a newer program"; it is
never dropped and never half shown.
"""

from __future__ import annotations

import base64
from dataclasses import replace

import msgspec

from iop_tui.kernel.declare import Document, DocumentType, Registry
from iop_tui.kernel.errors import DocumentInvalid, NeedsNewer, VaultDamaged
from iop_tui.store.revisions import Body, Opened
from iop_tui.store.views.view import Projected, ProjectedSignature

SIGNATURE_KIND = "signature"


class SignatureDoc(Document, frozen=True, kw_only=True):
    """A signature: over which stored bytes, by whom, meaning what, by which method.

    `signature` is base64 of Ed25519 over the canonical context `iop/note/1` and `message` (see formats).
    """

    record: str
    target: str
    sha256: str
    meaning: str
    role: str
    method: str
    signed_at: str
    signature: str


class Projector:
    """Turns opened revisions into view rows with the declared document types."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def home(self, kind: str) -> str:
        """The kind of compartment a kind of record is declared for; empty for one this program does not know."""
        found = self._registry.get(kind)
        return "" if found is None else str(found.compartment)

    def signature(self, opened: Opened) -> ProjectedSignature:
        """The view row of a signature revision."""
        try:
            doc = msgspec.json.decode(opened.body.payload, type=SignatureDoc)
            record, target = base64.b16decode(doc.record, casefold=True), base64.b16decode(doc.target, casefold=True)
        except (msgspec.MsgspecError, ValueError) as error:
            raise VaultDamaged("A stored signature cannot be read.") from error
        return ProjectedSignature(
            opened.id,
            record,
            target,
            opened.body.author,
            doc.meaning,
            opened.body.at_ms,
            opened.body.payload,
            opened.compartment,
        )

    def record(self, opened: Opened, *, deposit: bool = False) -> Projected:
        """The view row of any other revision."""
        body = opened.body
        kind = self._registry.get(body.kind)
        try:
            if kind is None:
                raise NeedsNewer("unknown kind")
            document = kind.decode(body.payload, body.version)
            projected = self._known(opened, kind, document)
        except (NeedsNewer, DocumentInvalid):
            projected = self._unknown(opened)
        return replace(projected, deposit=deposit)

    def _known(self, opened: Opened, kind: DocumentType[Document], document: Document) -> Projected:
        body = opened.body
        date = kind.service_date(document)
        status = "draft" if kind.signable and not body.received and body.origin is None else "kept"
        return Projected(
            opened.id,
            body.record,
            body.kind,
            body.person,
            opened.compartment,
            body.author,
            body.parents,
            body.at_ms,
            status,
            date.isoformat() if date else None,
            kind.title(document),
            body.source,
            body.version,
            body.payload,
            kind.search_text(document),
            kind.facts(document),
            kind.person_line(document) if kind.person_line else None,
            _origin(body),
        )

    @staticmethod
    def _unknown(opened: Opened) -> Projected:
        body = opened.body
        return Projected(
            opened.id,
            body.record,
            body.kind,
            body.person,
            opened.compartment,
            body.author,
            body.parents,
            body.at_ms,
            "newer",
            None,
            "Needs a newer version of iop-tui",
            body.source,
            body.version,
            body.payload,
            "",
            (),
            None,
            _origin(body),
        )


def _origin(body: Body) -> bytes | None:
    return None if body.origin is None else msgspec.msgpack.encode(body.origin)
