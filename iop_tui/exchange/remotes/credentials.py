"""What a server asks for: a key and its secret (S3), or a name and a password (WebDAV)."""

from __future__ import annotations

from dataclasses import dataclass

from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.secret import Secret


@dataclass(frozen=True, slots=True)
class Credentials:
    """`key` is the access key id or the user name, `secret` what proves it. Both print as nothing."""

    key: Secret
    secret: Secret

    @classmethod
    def of(cls, key: bytes | bytearray, secret: bytes | bytearray) -> Credentials:
        """From what was typed; spaces and line ends around it are not part of either."""
        return cls(Secret(bytes(key).strip()), Secret(bytes(secret).strip()))

    def pack(self) -> bytes:
        """The bytes that are kept, always sealed or in a keyring."""
        return encode((self.key.reveal(), self.secret.reveal()))

    @classmethod
    def unpack(cls, raw: bytes) -> Credentials:
        """From the bytes that were kept. Raises `VaultDamaged`."""
        key, secret = decode(raw, tuple[bytes, bytes])
        return cls(Secret(key), Secret(secret))
