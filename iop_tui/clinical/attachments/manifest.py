"""From a record to the parts of its file, and back."""

from __future__ import annotations

import base64
import binascii

from iop_tui.clinical.attachments.model import Attachment
from iop_tui.kernel.errors import VaultDamaged
from iop_tui.kernel.secret import Secret
from iop_tui.vault import chunks
from iop_tui.vault.chunks import Blob


def joined(names: list[str]) -> str:
    """The names of a file's parts as the record holds them."""
    return base64.b64encode(b"".join(chunks.digest_of(name) for name in names)).decode("ascii")


def parts(document: Attachment) -> tuple[str, ...]:
    """The names of a file's parts, in order. Raises `VaultDamaged`."""
    raw = _raw(document.parts)
    if not raw or len(raw) % chunks.HASH_BYTES:
        raise VaultDamaged("An attachment does not say which parts it has.")
    return tuple(chunks.show_name(raw[at : at + chunks.HASH_BYTES]) for at in range(0, len(raw), chunks.HASH_BYTES))


def blob(document: Attachment, realm: bytes) -> Blob:
    """What opens the parts. Raises `VaultDamaged`."""
    key, file = _raw(document.key), _raw(document.file)
    if len(key) != chunks.KEY_BYTES or document.part_size not in chunks.SIZES:
        raise VaultDamaged("An attachment does not say how its parts are opened.")
    if not 0 < document.size <= chunks.payload(document.part_size) * len(parts(document)):
        raise VaultDamaged("An attachment is larger than its parts.")
    return Blob(realm, file, Secret(key), document.part_size)


def shown(raw: bytes) -> str:
    """Bytes as the record holds them."""
    return base64.b64encode(raw).decode("ascii")


def _raw(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
