"""The operating system's keyring: optional home of the device secret, and an anchor for the signed head.

Only real keyrings are used, chosen from a list of classes written here. The `keyring` package's own
choice is not asked: it follows environment variables and configuration files, and picks plaintext
files when nothing else is there. Everything works without a keyring, with less protection.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING

from iop_tui.kernel.errors import MediumUnusable, Usage, WrongSecrets
from iop_tui.kernel.ids import show_id
from iop_tui.kernel.secret import Secret

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "iop-tui"
_REAL = (
    ("keyring.backends.SecretService", "Keyring", "Secret Service"),
    ("keyring.backends.libsecret", "Keyring", "libsecret"),
    ("keyring.backends.kwallet", "DBusKeyring", "KWallet"),
    ("keyring.backends.kwallet", "DBusKeyringKWallet4", "KWallet 4"),
    ("keyring.backends.macOS", "Keyring", "macOS Keychain"),
    ("keyring.backends.Windows", "WinVaultKeyring", "Windows Credential Locker"),
)
_NAMES = {(module, name): label for module, name, label in _REAL}


class DeviceSecretMissing(WrongSecrets):
    """The keyring holds no device secret for this vault, user and device."""

    code = "device_secret"
    default_hint = "Unlock the keyring of this computer's user account, or use your recovery kit."


class KeyringUnusable(MediumUnusable):
    """There is no real keyring here, or it does not answer."""

    code = "keyring"
    default_hint = "The vault works without a keyring; set up or unlock the keyring of this user account to use one."


def available() -> str | None:
    """The name of the keyring that would be used, or None: a question, not a failure."""
    backend = _best()
    return None if backend is None else label_of(backend)


def label_of(backend: object) -> str:
    """The plain name of a backend on the allow-list. Raises `KeyringUnusable` for any other, subclasses included."""
    kind = type(backend)
    label = _NAMES.get((kind.__module__, kind.__qualname__))
    if label is None:
        raise KeyringUnusable("This keyring does not protect what it stores, so it is not used.")
    return label


def store(
    vault_id: bytes, user_id: bytes, device_id: bytes, secret: Secret, backend: KeyringBackend | None = None,
) -> None:
    """Keep a device secret (32 bytes). Raises `KeyringUnusable`. It must never be the only way in: make a kit first."""
    _write(_account(vault_id, user_id, device_id), secret.reveal(), backend)


def load(vault_id: bytes, user_id: bytes, device_id: bytes, backend: KeyringBackend | None = None) -> Secret:
    """The device secret. Raises `DeviceSecretMissing` or `KeyringUnusable`."""
    raw = _read(_account(vault_id, user_id, device_id), backend)
    if raw is None:
        raise DeviceSecretMissing("This account needs a secret from this computer's keyring, which is not there.")
    return Secret(raw)


def delete(vault_id: bytes, user_id: bytes, device_id: bytes, backend: KeyringBackend | None = None) -> None:
    """Forget a device secret; nothing happens when there is none. Raises `KeyringUnusable`."""
    _delete(_account(vault_id, user_id, device_id), backend)


def store_anchor(vault_id: bytes, device_id: bytes, head: bytes, backend: KeyringBackend | None = None) -> None:
    """Keep a signed head outside the vault's folder, so that a replay of the whole folder is noticed."""
    _write(_anchor(vault_id, device_id), head, backend)


def load_anchor(vault_id: bytes, device_id: bytes, backend: KeyringBackend | None = None) -> bytes | None:
    """The last anchored head, or None when nothing was anchored yet."""
    return _read(_anchor(vault_id, device_id), backend)


def store_access(
    vault_id: bytes, device_id: bytes, carrier: bytes, secret: Secret, backend: KeyringBackend | None = None
) -> None:
    """Keep what a carrier's server asks for. `carrier` is a hash of its place. Raises `KeyringUnusable`."""
    _write(_access(vault_id, device_id, carrier), secret.reveal(), backend)


def load_access(
    vault_id: bytes, device_id: bytes, carrier: bytes, backend: KeyringBackend | None = None
) -> Secret | None:
    """What was kept for a carrier, or None. Raises `KeyringUnusable`."""
    raw = _read(_access(vault_id, device_id, carrier), backend)
    return None if raw is None else Secret(raw)


def delete_access(vault_id: bytes, device_id: bytes, carrier: bytes, backend: KeyringBackend | None = None) -> None:
    """Forget what was kept for a carrier; nothing happens when there is none. Raises `KeyringUnusable`."""
    _delete(_access(vault_id, device_id, carrier), backend)


def _account(vault_id: bytes, user_id: bytes, device_id: bytes) -> str:
    return ":".join(("device-secret", show_id(vault_id), show_id(user_id), show_id(device_id)))


def _anchor(vault_id: bytes, device_id: bytes) -> str:
    return ":".join(("head", show_id(vault_id), show_id(device_id)))


def _access(vault_id: bytes, device_id: bytes, carrier: bytes) -> str:
    return ":".join(("carrier", show_id(vault_id), show_id(device_id), show_id(carrier)))


def _delete(account: str, backend: KeyringBackend | None) -> None:
    from keyring.errors import KeyringError, PasswordDeleteError

    try:
        _chosen(backend).delete_password(SERVICE, account)
    except PasswordDeleteError:
        return
    except KeyringError as error:
        raise KeyringUnusable("The keyring of this computer refused to delete.") from error


def _write(account: str, value: bytes, backend: KeyringBackend | None) -> None:
    from keyring.errors import KeyringError

    try:
        _chosen(backend).set_password(SERVICE, account, base64.b64encode(value).decode("ascii"))
    except KeyringError as error:
        raise KeyringUnusable("The keyring of this computer refused to store.") from error


def _read(account: str, backend: KeyringBackend | None) -> bytes | None:
    from keyring.errors import KeyringError

    try:
        text = _chosen(backend).get_password(SERVICE, account)
        return None if text is None else base64.b64decode(text, validate=True)
    except KeyringError as error:
        raise KeyringUnusable("The keyring of this computer does not answer.") from error
    except binascii.Error as error:
        raise KeyringUnusable("What the keyring holds for this vault is not what was stored.") from error


def _chosen(backend: KeyringBackend | None) -> KeyringBackend:
    chosen = backend if backend is not None else _best()
    if chosen is None:
        raise KeyringUnusable("This computer has no keyring that can be used.")
    label_of(chosen)
    return chosen


def _best() -> KeyringBackend | None:
    ranked = sorted(_viable(), key=lambda kind: float(kind.priority), reverse=True)
    return ranked[0]() if ranked else None


def _viable() -> Iterator[type[KeyringBackend]]:
    try:
        import_module("keyring.backend")
    except ImportError as error:
        raise Usage("The package `keyring` is not installed.") from error
    for module, name, _ in _REAL:
        kind: type[KeyringBackend] | None = getattr(import_module(module), name, None)
        if kind is not None and kind.viable:
            yield kind
