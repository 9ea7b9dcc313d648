"""Proof outside the program: the signed bytes, the signatures and the public keys, for a short script anybody can read.

See docs/verify_signed.py. What an author keeps alone is refused: it leaves in no form.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import msgspec

from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing.service import CONTEXT, amendments, is_private, leaf_of
from iop_tui.kernel.errors import Refused
from iop_tui.store.revisions import SIGN_CONTEXT
from iop_tui.store.views.projection import SignatureDoc
from iop_tui.workspace import Workspace

FORMAT = "iop-tui signed documents 1"


def proof(ws: Workspace, ids: Sequence[bytes]) -> dict[str, Any]:
    """Signed documents with their amendments, every signature under them and the signers' public keys, as plain JSON.

    Every signature is verified first. Raises `Refused` for unsigned and private documents, `NotFound`, `VaultDamaged`.
    """
    wanted = list(dict.fromkeys(ids))
    for record in wanted:
        if is_private(ws, record):
            raise Refused("What its author keeps alone is exported in no form.")
    beside = [line.id for record in wanted for line in amendments(ws, record)]
    documents = [_document(ws, record) for record in dict.fromkeys([*wanted, *beside])]
    signers = sorted({item["signer"] for document in documents for item in document["signatures"]})
    signers = sorted({*signers, *(document["author"] for document in documents)})
    work = ws.work()
    for record in wanted:
        line = records.line_of(ws, record)
        ws.session.note(
            work, "export", person=line.person, category=line.compartment_kind, subject=record, detail="signature proof"
        )
    ws.commit(work)
    return {"format": FORMAT, "keys": [_key(ws, signer) for signer in signers], "documents": documents}


def _key(ws: Workspace, signer: str) -> dict[str, Any]:
    card = ws.session.card(bytes.fromhex(signer))
    return {"id": signer, "name": card.name, "roles": list(card.roles), "ed25519": card.sig_public.hex()}


def _document(ws: Workspace, record: bytes) -> dict[str, Any]:
    line = records.line_of(ws, record)
    if line.status != "signed":
        raise Refused("Only signed documents can be verified outside the program.")
    records.signatures(ws, record)
    opened = ws.session.open_revision(leaf_of(ws, record))
    rows = ws.view.rows(
        "SELECT s.signer, s.doc FROM signature s JOIN record r ON r.record = s.record AND r.compartment = s.compartment"
        " WHERE s.record = ? ORDER BY s.at_ms, s.id",
        (record,),
    )
    return {
        "kind": line.kind,
        "author": opened.body.author.hex(),
        "stored": base64.b64encode(opened.stored).decode(),
        "text": opened.body.payload.decode(),
        "written": {"context": SIGN_CONTEXT, "signature": opened.signature.hex()},
        "signatures": [_signature(signer, doc) for signer, doc in rows],
    }


def _signature(signer: bytes, raw: bytes) -> dict[str, Any]:
    doc = msgspec.json.decode(raw, type=SignatureDoc)
    return {"signer": signer.hex(), "context": CONTEXT, **msgspec.to_builtins(doc)}
