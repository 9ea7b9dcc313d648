"""Key slots: one per user and device in `vault.head`, opened by passphrase (and device secret), or by a kit.

    A       Argon2id(passphrase, kdf salt, profile)                                            32 bytes
    ikm     joined(A) or joined(A, device secret)
    KEK     HKDF-SHA-256(ikm, kek salt, joined("iop/kek/1", vault, user, device, factors, m, t, p), 64)
            = k_enc ‖ k_commit
    bundle  AES-256-GCM(k_enc, nonce, canonical(enc seed, sig seed, totp seed), aad = every other field ‖ k_commit)
    kit     the same bundle under HKDF-SHA-256(kit key, salt, joined("iop/kit/1", vault, user), 64)
    wrap    HPKE to the user's public key of (vault key, device seed),
            info = joined("iop/vk/1", vault, generation, user)

A suspended user has a slot without wrap: the passphrase still fits, the vault does not open.
Functions return new slots; writing `vault.head` is `headfile`'s work.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import NoReturn

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from iop_tui.kernel import canonical
from iop_tui.kernel.canonical import joined
from iop_tui.kernel.errors import NeedsNewer, Suspended, VaultDamaged, WrongSecrets
from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret
from iop_tui.vault import hpke, kdf, signing, totp
from iop_tui.vault.digest import hkdf, same, sha256
from iop_tui.vault.envelope import Tampered
from iop_tui.vault.forms import (
    FACTOR_DEVICE_SECRET,
    SLOT_SUITE,
    KdfProfile,
    KitPart,
    Slot,
)
from iop_tui.vault.kdf import Kdf
from iop_tui.vault.passphrase import normalise

__all__ = [
    "FACTOR_DEVICE_SECRET", "SLOT_SUITE", "DeviceSecretNeeded", "KitPart", "KitUsed", "Slot", "UserSecrets",
    "VaultKeys", "burn_kit", "check_slot", "decoy", "make_slot", "name_tag", "new_kit", "new_passphrase", "new_secrets",
    "open_slot", "open_with_kit", "unwrap", "with_wrap", "without_wrap",
]

_KNOWN_FACTORS = FACTOR_DEVICE_SECRET
_KEK_SALT, _NONCE, _KEY, _ID = 32, 12, 32, 16


class DeviceSecretNeeded(WrongSecrets):
    """The slot needs the device secret of this computer's keyring, and it is not there."""

    code = "device_secret"
    default_hint = "Unlock the keyring of this computer's user account, or use your recovery kit."


class KitUsed(WrongSecrets):
    """There is no recovery kit for this slot: never made, or used and burnt."""

    code = "kit_used"
    default_hint = "A kit works once. Use the newest kit, or ask the program for a quorum recovery."


@dataclass(frozen=True, slots=True)
class UserSecrets:
    """What a passphrase opens: X25519 seed (32), Ed25519 seed (32), TOTP seed (20)."""

    enc_seed: Secret
    sig_seed: Secret
    totp_seed: Secret

    def enc_public(self) -> bytes:
        """The user's X25519 public key, 32 bytes."""
        return hpke.public_of(self.enc_seed)

    def signer(self) -> signing.SigningKey:
        """The user's signing key."""
        return signing.from_seed(self.sig_seed.reveal())


@dataclass(frozen=True, slots=True)
class VaultKeys:
    """What a slot's wrap opens: the database key of this copy (32) and this device's signing seed (32)."""

    vault_key: Secret
    device_seed: Secret


class _Bundle(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    enc_seed: bytes
    sig_seed: bytes
    totp_seed: bytes


class _Wrapped(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    vault_key: bytes
    device_seed: bytes


def new_secrets(rng: Rng) -> UserSecrets:
    """Fresh secrets of a new user."""
    return UserSecrets(Secret(rng.token(_KEY)), Secret(rng.token(_KEY)), totp.new_seed(rng))


def name_tag(vault_id: bytes, name: str) -> bytes:
    """16 bytes by which a slot is found from a typed user name (case, width and outer blanks do not matter).

    It keeps names out of plain sight; whoever holds the file can still try likely names.
    """
    folded = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    return sha256(joined("iop/name/1", vault_id, folded))[:16]


def make_slot(
    *,
    vault_id: bytes,
    user_id: bytes,
    device_id: bytes,
    name: str,
    secrets: UserSecrets,
    passphrase: bytearray,
    kdf: Kdf,
    rng: Rng,
    device_secret: Secret | None = None,
    kit_key: Secret | None = None,
    keys: VaultKeys | None = None,
    vk_generation: int = 1,
) -> Slot:
    """A new slot; without `keys` it is born suspended, without `kit_key` it has no kit.

    The caller has checked the passphrase (`passphrase.check_new`) and wipes it.
    """
    blank = Slot(
        suite=SLOT_SUITE, vault_id=vault_id, user_id=user_id, device_id=device_id, name_tag=name_tag(vault_id, name),
        kdf_salt=b"", profile=kdf.profile, kek_salt=b"", factor_set=0, nonce=b"", ciphertext=b"", commit=b"",
        kit=None, vk_generation=vk_generation, wrap=b"",
    )
    slot = new_passphrase(blank, secrets, passphrase, device_secret, kdf, rng)
    if kit_key is not None:
        slot = new_kit(slot, secrets, kit_key, rng)
    return slot if keys is None else with_wrap(slot, secrets.enc_public(), keys, vk_generation)


def new_passphrase(
    slot: Slot, secrets: UserSecrets, passphrase: bytearray, device_secret: Secret | None, kdf: Kdf, rng: Rng,
) -> Slot:
    """The slot under another passphrase, device secret or cost; kit and wrap stay.

    Also re-seals changed `secrets` (a new TOTP seed); then `new_kit` must follow, since the kit holds the old ones.
    """
    fresh = msgspec.structs.replace(
        slot, kdf_salt=rng.token(16), profile=kdf.profile, kek_salt=rng.token(_KEK_SALT), nonce=rng.token(_NONCE),
        factor_set=0 if device_secret is None else FACTOR_DEVICE_SECRET,
    )
    key, commit = _kek(fresh, passphrase, device_secret, kdf)
    fresh = msgspec.structs.replace(fresh, commit=commit)
    return msgspec.structs.replace(fresh, ciphertext=AESGCM(key).encrypt(fresh.nonce, _pack(secrets), _slot_aad(fresh)))


def open_slot(
    slot: Slot, passphrase: bytearray, device_secret: Secret | None, kdf: Kdf, vault_id: bytes,
) -> UserSecrets:
    """The user's secrets. One Argon2id derivation, after the checks of suite and cost.

    Raises `WrongSecrets` (passphrase or device secret do not fit), `DeviceSecretNeeded`, `Tampered`, `NeedsNewer`,
    `VaultDamaged` (cost out of range, slot of another vault). The caller wipes the passphrase.
    """
    check_slot(slot, kdf, vault_id)
    if slot.needs_device_secret and device_secret is None:
        raise DeviceSecretNeeded("This account needs a secret from this computer's keyring, which is not there.")
    key, commit = _kek(slot, passphrase, device_secret if slot.needs_device_secret else None, kdf)
    if not same(commit, slot.commit):
        raise WrongSecrets
    return _unpack(key, slot.nonce, slot.ciphertext, _slot_aad(slot))


def check_slot(slot: Slot, kdf: Kdf, vault_id: bytes) -> None:
    """Everything about a slot that can be refused before a passphrase is asked for."""
    if slot.suite != SLOT_SUITE or slot.factor_set & ~_KNOWN_FACTORS:
        raise NeedsNewer("A key slot in vault.head uses a method that this version of iop-tui does not know.")
    if slot.vault_id != vault_id:
        raise VaultDamaged("A key slot in vault.head belongs to another vault.")
    sizes = (len(slot.user_id), len(slot.device_id), len(slot.name_tag), len(slot.kdf_salt), len(slot.kek_salt))
    if sizes != (_ID, _ID, 16, 16, _KEK_SALT) or len(slot.nonce) != _NONCE or len(slot.commit) != _KEY:
        raise VaultDamaged("A key slot in vault.head has fields of the wrong size.")
    _check_profile(slot, kdf)


def _check_profile(slot: Slot, injected: Kdf) -> None:
    kdf.check(slot.profile, injected.floor)


def decoy(passphrase: bytearray, kdf: Kdf, profile: KdfProfile | None = None) -> NoReturn:
    """Do for an unknown user what `open_slot` does for a known one with a wrong passphrase, and raise the same.

    `profile`: the cost of the vault's other slots, so that time does not tell them apart. Always raises `WrongSecrets`.
    """
    blank = Slot(
        SLOT_SUITE, bytes(_ID), bytes(_ID), bytes(_ID), bytes(16), bytes(16), profile or kdf.profile, bytes(_KEK_SALT),
        0, bytes(_NONCE), b"", bytes(_KEY), None, 1, b"",
    )
    _check_profile(blank, kdf)
    _, commit = _kek(blank, passphrase, None, kdf)
    same(commit, blank.commit)
    raise WrongSecrets


def new_kit(slot: Slot, secrets: UserSecrets, kit_key: Secret, rng: Rng) -> Slot:
    """The slot with a new personal kit; an older kit of this slot stops working."""
    salt, nonce = rng.token(32), rng.token(_NONCE)
    key, commit = _kit_keys(slot, kit_key, salt)
    ciphertext = AESGCM(key).encrypt(nonce, _pack(secrets), _kit_aad(slot, salt, commit))
    return msgspec.structs.replace(slot, kit=KitPart(salt, nonce, ciphertext, commit))


def open_with_kit(slot: Slot, kit_key: Secret) -> UserSecrets:
    """The user's secrets by kit. Raises `WrongSecrets`, `KitUsed` (no kit), `Tampered`.

    A kit works once: burn it, set a new passphrase and make a new kit in the same change of the header.
    """
    if slot.suite != SLOT_SUITE:
        raise NeedsNewer("A key slot in vault.head uses a method that this version of iop-tui does not know.")
    if slot.kit is None:
        raise KitUsed("This recovery kit was used or replaced before.")
    key, commit = _kit_keys(slot, kit_key, slot.kit.salt)
    if not same(commit, slot.kit.commit):
        raise WrongSecrets("This recovery kit does not fit this user.", "Use the newest kit of this user.")
    return _unpack(key, slot.kit.nonce, slot.kit.ciphertext, _kit_aad(slot, slot.kit.salt, slot.kit.commit))


def burn_kit(slot: Slot) -> Slot:
    """The slot without its kit."""
    return msgspec.structs.replace(slot, kit=None)


def with_wrap(slot: Slot, enc_public: bytes, keys: VaultKeys, vk_generation: int | None = None) -> Slot:
    """The slot with the vault key sealed to `enc_public`: the user's *certified* key, never one read from this file."""
    generation = slot.vk_generation if vk_generation is None else vk_generation
    wrapped = canonical.encode(_Wrapped(keys.vault_key.reveal(), keys.device_seed.reveal()))
    sealed = hpke.seal(enc_public, _wrap_info(slot, generation), wrapped)
    return msgspec.structs.replace(slot, vk_generation=generation, wrap=sealed)


def without_wrap(slot: Slot) -> Slot:
    """The slot of a suspended user."""
    return msgspec.structs.replace(slot, wrap=b"")


def unwrap(slot: Slot, secrets: UserSecrets, vault_id: bytes) -> VaultKeys:
    """The vault key and device seed. Raises `Suspended` when taken away, `hpke.WrongKey` when damaged."""
    if slot.vault_id != vault_id:
        raise VaultDamaged("A key slot in vault.head belongs to another vault.")
    if slot.suspended:
        raise Suspended("This account is suspended on this copy of the vault.")
    opened = hpke.open_(secrets.enc_seed, _wrap_info(slot, slot.vk_generation), slot.wrap)
    wrapped = canonical.decode(opened, _Wrapped)
    if len(wrapped.vault_key) != _KEY or len(wrapped.device_seed) != _KEY:
        raise VaultDamaged("The vault key in vault.head has the wrong length.")
    return VaultKeys(Secret(wrapped.vault_key), Secret(wrapped.device_seed))


def _wrap_info(slot: Slot, generation: int) -> bytes:
    return joined("iop/vk/1", slot.vault_id, generation, slot.user_id)


def _kek(slot: Slot, passphrase: bytearray, device_secret: Secret | None, injected: Kdf) -> tuple[bytes, bytes]:
    _check_profile(slot, injected)
    normal = normalise(passphrase)
    hardened = kdf.derive(normal, slot.kdf_salt, slot.profile)
    if normal is not passphrase:
        normal[:] = bytes(len(normal))
    factors = (hardened.reveal(),) if device_secret is None else (hardened.reveal(), device_secret.reveal())
    cost = slot.profile
    info = joined(
        "iop/kek/1", slot.vault_id, slot.user_id, slot.device_id, slot.factor_set,
        cost.memory_kib, cost.passes, cost.lanes,
    )
    stream = hkdf(joined(*factors), slot.kek_salt, info, 2 * _KEY)
    hardened.wipe()
    return stream[:_KEY], stream[_KEY:]


def _kit_keys(slot: Slot, kit_key: Secret, salt: bytes) -> tuple[bytes, bytes]:
    # Bound to vault and user, not to the device: a kit on paper must work on every copy it was carried to.
    stream = hkdf(kit_key.reveal(), salt, joined("iop/kit/1", slot.vault_id, slot.user_id), 2 * _KEY)
    return stream[:_KEY], stream[_KEY:]


def _slot_aad(slot: Slot) -> bytes:
    cost = slot.profile
    return joined(
        "iop/slot/1", slot.suite, slot.vault_id, slot.user_id, slot.device_id, slot.name_tag, slot.kdf_salt,
        cost.memory_kib, cost.passes, cost.lanes, slot.kek_salt, slot.factor_set, slot.commit,
    )


def _kit_aad(slot: Slot, salt: bytes, commit: bytes) -> bytes:
    return joined("iop/kit/1", slot.suite, slot.vault_id, slot.user_id, salt, commit)


def _pack(secrets: UserSecrets) -> bytes:
    return canonical.encode(
        _Bundle(secrets.enc_seed.reveal(), secrets.sig_seed.reveal(), secrets.totp_seed.reveal()),
    )


def _unpack(key: bytes, nonce: bytes, ciphertext: bytes, associated: bytes) -> UserSecrets:
    try:
        opened = AESGCM(key).decrypt(nonce, ciphertext, associated)
    except (InvalidTag, ValueError) as error:
        raise Tampered("A key slot in vault.head was changed.") from error
    bundle = canonical.decode(opened, _Bundle)
    return UserSecrets(Secret(bundle.enc_seed), Secret(bundle.sig_seed), Secret(bundle.totp_seed))
