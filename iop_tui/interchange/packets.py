"""A packet: chosen documents for a client or another provider, checked against its ground, sealed to its receiver.

Inside the age file is one ZIP archive: the documents as PDF and Markdown, the same as data (FHIR R4), the notice, the
consent, a list with hashes. Nothing clinical is ever written unsealed.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from iop_tui import __version__
from iop_tui.access.policy import Kind
from iop_tui.clinical.attachments import api as attachments
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.api import Ground, Recipient, Released
from iop_tui.clinical.disclosures.api import CONSENT, OPERATIONS, ORDER, REQUEST
from iop_tui.clinical.people import api as people
from iop_tui.clinical.records import api as records
from iop_tui.interchange.fhirout.catalogue import resources_of
from iop_tui.interchange.fhirout.collect import record_of
from iop_tui.interchange.fhirout.records import Around
from iop_tui.interchange.outfile import check_free, staged_file
from iop_tui.interchange.prints.markdown import sheet_text
from iop_tui.interchange.prints.pdf import pdf_of
from iop_tui.interchange.prints.sheets import sheet_of
from iop_tui.kernel.clock import iso, to_datetime
from iop_tui.kernel.errors import Refused, RuleRefused, Usage
from iop_tui.kernel.ids import show_id
from iop_tui.vault import age
from iop_tui.vault.digest import sha256
from iop_tui.workspace import Workspace

CLIENT, PROVIDER, PAYER, COURT, OTHER = "client", "provider", "payer", "court", "other"
RECIPIENT_KINDS = (CLIENT, PROVIDER, PAYER, COURT, OTHER)
"""Who a receiver is. Said for each packet: what may be inside depends on it."""
_PAYER = re.compile(
    r"\b(?:payment|payers?|payors?|reimburs\w*|utili[sz]ation|claims?|insur\w*|benefits?|prior auth\w*|health plan|"
    r"coverage|medicare|medicaid)\b",
    re.IGNORECASE,
)
"""Words of a purpose or a name that show a payer whom nobody called one."""
_APART = (Kind.PSY, Kind.SAFE, Kind.HOLD)
PASSPHRASE = "passphrase"
LARGEST_FILES = 32 * 2**20
"""How large the attachments of one packet are in all, in bytes."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: whose records, which, on which ground, to whom, sealed how.

    `recipient_kind` is one of `RECIPIENT_KINDS`, or empty where nobody said: then the packet is judged as if a payer
    received it.
    `to` is an age or SSH public key, or the word `passphrase`; `passphrase` is used where it is given.
    """

    person: bytes
    documents: tuple[bytes, ...]
    purpose: str
    to: str
    out: Path
    recipient_kind: str = ""
    consent: bytes | None = None
    basis: str = CONSENT
    recipient: Recipient | None = None
    passphrase: str = ""


@dataclass(frozen=True, slots=True)
class Packet:
    """What was made: the file's size and digest, what lies inside, the passphrase where one was made."""

    size: int
    sha256: str
    contents: tuple[str, ...]
    passphrase: str
    rows: tuple[bytes, ...]


def make(ws: Workspace, order: Order) -> Packet:
    """Check, seal, write the ledger, then give the file its name. Raises `RuleRefused`, `NoRecipient`, `Refused`,
    `NotFound`, and what `outfile` raises; then there is no file and no row.
    """
    key = age.recipient(order.to) if order.to.strip().casefold() != PASSPHRASE else None
    phrase = "" if key else order.passphrase or age.new_passphrase(ws.rng)
    check_free(order.out)
    ws.session.catch_up()  # what ended since leaves the view first
    _check(ws, order)
    work = ws.work()
    released = consents.release(ws, work, order.person, order.documents, _ground(ws, order))
    contents = _contents(ws, order, released)
    archive = _archive(contents, ws.clock.now_ms())
    sealed = age.encrypt(archive, [key]) if key else age.encrypt_with_passphrase(archive, phrase)
    with staged_file(order.out, sealed) as publish:
        detail = f"{len(order.documents)} documents to {order.recipient_kind or 'a receiver of unknown kind'}"
        ws.session.note(work, "packet", person=order.person, category=_category(ws, order), detail=detail)
        ws.commit(work)
        publish()
    return Packet(len(sealed), sha256(sealed).hex(), tuple(contents), "" if order.passphrase else phrase, released.rows)


def check(ws: Workspace, order: Order) -> None:
    """Raise what making this packet would raise for what it holds, for whom and on which ground; a refusal is audited.
    Nothing is made, and what it is sealed to and where it goes is not looked at.
    """
    ws.session.catch_up()
    _check(ws, order)
    consents.release(ws, ws.work(), order.person, order.documents, _ground(ws, order))


def _check(ws: Workspace, order: Order) -> None:
    """What no ground allows: notes kept apart in a packet for a payer (45 CFR 164.508(a)(2)), and unsigned drafts."""
    if not order.documents:
        raise Usage("A packet needs documents.", "Add --documents ID.")
    if order.recipient_kind not in (*RECIPIENT_KINDS, ""):
        raise Usage("Who is the receiver?", f"Add --recipient-kind: {', '.join(RECIPIENT_KINDS)}.")
    lines = [records.line_of(ws, record) for record in dict.fromkeys(order.documents)]
    if _to_payer(ws, order) and any(line.compartment_kind in _APART for line in lines):
        raise RuleRefused(
            "packet.private_note", "A packet for a payer holds no private note and nothing kept apart for safety.",
            "45 CFR 164.508(a)(2); 42 CFR 2.31(b); program rule CR-13. Leave it out, or say who receives it where that"
            " is no payer: --recipient-kind.",
        )  # fmt: skip
    if order.basis not in (CONSENT, ORDER) and any(line.compartment_kind == Kind.PSY for line in lines):
        raise RuleRefused(
            "packet.private_note", "A private note leaves on an authorization of its own, or on a court's order.",
            "45 CFR 164.508(a)(2); 42 CFR 2.31(b).",
        )  # fmt: skip
    if any(line.status == "draft" for line in lines):
        raise Refused("A draft is no part of the record.", "Sign it first, or leave it out.")


def _to_payer(ws: Workspace, order: Order) -> bool:
    """Whether it goes to a payer: said so, on a payer's ground, or shown by the purpose or a name."""
    words = [order.purpose, _ground(ws, order).recipient.name]
    if order.consent is not None:
        words.append(consents.consent(ws, order.consent).document.purpose)
    said = order.recipient_kind in (PAYER, "") or order.basis == OPERATIONS
    return said or any(_PAYER.search(text) for text in words)


def _category(ws: Workspace, order: Order) -> str:
    """The part kept apart that a packet is from, so that it stands in nobody else's report; else empty."""
    kinds = {records.line_of(ws, record).compartment_kind for record in order.documents}
    return next((str(kind) for kind in consents.APART if kind in kinds), "")


def _ground(ws: Workspace, order: Order) -> Ground:
    recipient = order.recipient
    if recipient is None and order.consent is not None:
        named = consents.consent(ws, order.consent).open_to
        recipient = named[0] if len(named) == 1 else None
    if recipient is None and order.basis == REQUEST:
        recipient = Recipient(name=people.header(ws, order.person).name)
    if recipient is None:
        raise Usage("Who receives the packet?", "Add --recipient NAME as the consent names them.")
    return Ground(order.basis, recipient, order.purpose, "packet", order.consent)


# ---- what lies inside --------------------------------------------------------------------------------------


def _contents(ws: Workspace, order: Order, released: Released) -> dict[str, bytes]:
    chosen = tuple(dict.fromkeys(order.documents))
    sheets = [sheet_of(ws, record, notices=(released.notice,)) for record in chosen]
    found = {
        "documents.pdf": pdf_of(sheets, made_ms=ws.clock.now_ms()),
        "documents.md": "\n\n".join(sheet_text(sheet) for sheet in sheets).encode(),
        **_data(ws, order.person, chosen),
        **_files(ws, chosen),
        "NOTICE.txt": f"{released.notice}\n".encode(),
    }
    if released.consent_copy:
        found["CONSENT.txt"] = f"{released.consent_copy}\n".encode()
    manifest = {
        "format": "iop-tui packet 1", "program": f"iop-tui {__version__}", "made": iso(ws.clock.now_ms()),
        "purpose": order.purpose, "documents": [show_id(record) for record in chosen],
        "files": [{"name": name, "bytes": len(content), "sha256": sha256(content).hex()}
                  for name, content in found.items()],
    }  # fmt: skip
    return found | {"manifest.json": json.dumps(manifest, indent=1, ensure_ascii=False).encode() + b"\n"}


def _files(ws: Workspace, chosen: Sequence[bytes]) -> dict[str, bytes]:
    """The files of attachments. A packet is made in memory, so they are limited; what is not here is not left out."""
    copies = [copy for record in chosen if (copy := attachments.copy_of(ws, record)) is not None]
    if sum(copy.document.size for copy in copies) > LARGEST_FILES:
        raise Refused(
            f"The attachments are larger than {LARGEST_FILES // 2**20} MiB in all.",
            "Make several packets, or an export of the whole record.",
        )
    found = {}
    for copy in copies:
        if copy.content is None:
            raise attachments.PartsMissing(f"An attachment is not whole here: {copy.missing}", "Fetch it first.")
        found[copy.name] = copy.content.whole()
    return found


def _data(ws: Workspace, person: bytes, chosen: Sequence[bytes]) -> dict[str, bytes]:
    """The documents as FHIR R4, one file per resource type."""
    around = Around(
        f"Patient/{show_id(person)}", show_id(ws.realm),
        lambda user: {"display": ws.session.card(user).name},
    )  # fmt: skip
    lines: dict[str, list[bytes]] = {}
    for record in chosen:
        for resource in resources_of(record_of(ws, record), around):
            lines.setdefault(f"data/{resource['resourceType']}.ndjson", []).append(msgspec.json.encode(resource))
    return {name: b"\n".join(found) + b"\n" for name, found in sorted(lines.items())}


def _archive(contents: dict[str, bytes], now_ms: int) -> bytes:
    stamp = max(to_datetime(now_ms).timetuple()[:6], (1980, 1, 1, 0, 0, 0))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            info = zipfile.ZipInfo(name, stamp)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            archive.writestr(info, content)
    return buffer.getvalue()
