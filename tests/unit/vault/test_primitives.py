"""Digest, signatures, HPKE, Argon2id against published vectors and independent implementations."""

from __future__ import annotations

import hashlib
import hmac
import struct
import threading

import pytest
from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.kernel.canonical import joined
from iop_tui.kernel.errors import IopError, MediumUnusable, NeedsNewer, VaultDamaged
from iop_tui.kernel.rng import SeededRng, SystemRng
from iop_tui.kernel.secret import Secret
from iop_tui.vault import digest, hpke, kdf, signing
from iop_tui.vault.kdf import CEILING, FLOOR, PRODUCTION, KdfProfile, LightKdf, ProductionKdf


class TestDigest:
    def test_hkdf_matches_rfc_5869_case_1(self) -> None:
        okm = digest.hkdf(bytes([0x0B] * 22), bytes(range(13)), bytes(range(0xF0, 0xFA)), 42)
        assert okm.hex() == (
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
        )

    @given(st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=80), st.integers(1, 200))
    def test_hkdf_agrees_with_another_implementation(self, ikm: bytes, salt: bytes, info: bytes, size: int) -> None:
        assert digest.hkdf(ikm, salt, info, size) == HKDF(SHA256(), size, salt, info).derive(ikm)

    @pytest.mark.parametrize("size", [0, -1, 255 * 32 + 1])
    def test_hkdf_refuses_sizes_it_cannot_give(self, size: int) -> None:
        with pytest.raises(ValueError, match="HKDF"):
            digest.hkdf(b"k", b"", b"", size)

    def test_sha256_is_plain_concatenation(self) -> None:
        assert digest.sha256(b"a", b"bc") == hashlib.sha256(b"abc").digest()

    def test_mac_is_hmac_over_the_joined_context(self) -> None:
        assert digest.mac(b"k", "ctx", b"m") == hmac.digest(b"k", joined("ctx", b"m"), "sha256")
        assert digest.mac(b"k", "ctxm", b"") != digest.mac(b"k", "ctx", b"m")

    def test_derived_keys_depend_on_every_part(self) -> None:
        keys = {
            digest.derive(b"k", "a"), digest.derive(b"k2", "a"), digest.derive(b"k", "b"),
            digest.derive(b"k", "a", b"x"), digest.derive(b"k", "a", b"x", b""), digest.derive(b"k", "ax"),
        }
        assert len(keys) == 6


class TestSigning:
    def test_public_key_matches_rfc_8032_test_1(self) -> None:
        key = signing.from_seed(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
        assert key.public.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"

    def test_round_trip_and_every_flip_refused(self) -> None:
        key = signing.generate(SeededRng(1))
        signature = key.sign("iop/test/1", b"text")
        signing.verify(key.public, "iop/test/1", b"text", signature)
        for at in range(len(signature)):
            with pytest.raises(signing.BadSignature):
                signing.verify(key.public, "iop/test/1", b"text", _flip(signature, at))

    def test_context_message_and_signer_are_bound(self) -> None:
        key, other = signing.generate(SeededRng(1)), signing.generate(SeededRng(2))
        signature = key.sign("iop/test/1", b"text")
        for public, context, message in (
            (other.public, "iop/test/1", b"text"), (key.public, "iop/test/2", b"text"),
            (key.public, "iop/test/1", b"Text"), (key.public, "iop/test/1t", b"ext"), (b"short", "iop/test/1", b"text"),
        ):
            with pytest.raises(signing.BadSignature):
                signing.verify(public, context, message, signature)

    def test_seed_of_wrong_length_is_refused_and_nothing_prints(self) -> None:
        with pytest.raises(VaultDamaged):
            signing.from_seed(b"x" * 31)
        assert repr(signing.generate(SystemRng())) == "<signing key>"


def _labeled_extract(salt: bytes, suite: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256")


def _labeled_expand(prk: bytes, suite: bytes, label: bytes, info: bytes, size: int) -> bytes:
    message, out, block = struct.pack(">H", size) + b"HPKE-v1" + suite + label + info, b"", b""
    for count in range(1, -(-size // 32) + 1):
        block = hmac.digest(prk, block + message + bytes([count]), "sha256")
        out += block
    return out[:size]


def _reference_seal(ephemeral: bytes, public: bytes, info: bytes, aad: bytes, plaintext: bytes, aead: int) -> bytes:
    """RFC 9180 base mode from sections 4.1 and 5.1, written for this test from primitives only."""
    key_size = {1: 16, 2: 32}[aead]
    secret = X25519PrivateKey.from_private_bytes(ephemeral)
    enc = secret.public_key().public_bytes_raw()
    shared = secret.exchange(X25519PublicKey.from_public_bytes(public))
    kem = b"KEM" + struct.pack(">H", 0x20)
    prk = _labeled_extract(b"", kem, b"eae_prk", shared)
    shared_secret = _labeled_expand(prk, kem, b"shared_secret", enc + public, 32)
    suite = b"HPKE" + struct.pack(">HHH", 0x20, 1, aead)
    schedule = (
        b"\x00" + _labeled_extract(b"", suite, b"psk_id_hash", b"") + _labeled_extract(b"", suite, b"info_hash", info)
    )
    prk = _labeled_extract(shared_secret, suite, b"secret", b"")
    key = _labeled_expand(prk, suite, b"key", schedule, key_size)
    nonce = _labeled_expand(prk, suite, b"base_nonce", schedule, 12)
    return enc + AESGCM(key).encrypt(nonce, plaintext, aad)


class TestHpke:
    def test_reference_matches_rfc_9180_a_1_1(self) -> None:
        sealed = _reference_seal(
            bytes.fromhex("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736"),
            bytes.fromhex("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d"),
            b"Ode on a Grecian Urn", b"Count-0", b"Beauty is truth, truth beauty", aead=1,
        )
        assert sealed.hex() == (
            "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"
            "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"
        )

    @given(st.binary(max_size=200), st.binary(max_size=60))
    def test_opens_what_the_reference_sealed(self, plaintext: bytes, info: bytes) -> None:
        pair = hpke.generate(SeededRng(3))
        sealed = _reference_seal(SystemRng().token(32), pair.public, info, b"", plaintext, aead=2)
        assert hpke.open_(pair.secret, info, b"\x01" + sealed) == plaintext

    def test_round_trip_size_and_randomness(self) -> None:
        pair = hpke.generate(SystemRng())
        one, two = (hpke.seal(pair.public, b"info", b"key material") for _ in range(2))
        assert one != two
        assert len(one) == hpke.OVERHEAD + len(b"key material")
        assert hpke.open_(pair.secret, b"info", one) == b"key material"

    def test_every_flip_is_refused(self) -> None:
        pair = hpke.generate(SeededRng(4))
        sealed = hpke.seal(pair.public, b"info", b"key")
        for at in range(len(sealed)):
            with pytest.raises((hpke.WrongKey, NeedsNewer)):
                hpke.open_(pair.secret, b"info", _flip(sealed, at))

    def test_wrong_meaning_wrong_key_and_short_input(self) -> None:
        pair, other = hpke.generate(SeededRng(5)), hpke.generate(SeededRng(6))
        sealed = hpke.seal(pair.public, b"info", b"key")
        for secret, info, data in ((pair.secret, b"inf0", sealed), (other.secret, b"info", sealed)):
            with pytest.raises(hpke.WrongKey):
                hpke.open_(secret, info, data)
        for length in range(hpke.OVERHEAD):
            with pytest.raises(hpke.WrongKey):
                hpke.open_(pair.secret, b"info", sealed[:length])

    def test_unknown_suite_asks_for_a_newer_program(self) -> None:
        pair = hpke.generate(SeededRng(5))
        with pytest.raises(NeedsNewer):
            hpke.open_(pair.secret, b"", b"\x02" + bytes(80))

    @pytest.mark.parametrize("public", [b"", b"x" * 31, bytes(32)])
    def test_unusable_public_keys_are_refused(self, public: bytes) -> None:
        with pytest.raises(hpke.WrongKey):
            hpke.seal(public, b"", b"key")


class TestKdf:
    def test_agrees_with_the_library_s_own_binding(self) -> None:
        ours = kdf.derive(bytearray(b"a passphrase"), bytes(range(16)), LightKdf().profile)
        theirs = hash_secret_raw(b"a passphrase", bytes(range(16)), 1, 8192, 1, 32, Type.ID)
        assert ours.reveal() == theirs

    def test_passphrase_buffer_is_left_alone(self) -> None:
        passphrase = bytearray(b"a passphrase")
        kdf.derive(passphrase, bytes(16), LightKdf().profile)
        assert passphrase == b"a passphrase"
        passphrase.clear()  # still resizable: no view of it is left behind

    @pytest.mark.parametrize("profile", [
        KdfProfile(65_535, 3, 4), KdfProfile(65_536, 2, 4), KdfProfile(65_536, 3, 3), KdfProfile(8192, 1, 1),
        KdfProfile(1_048_577, 3, 4), KdfProfile(65_536, 11, 4), KdfProfile(65_536, 3, 17), KdfProfile(0, 0, 0),
        KdfProfile(-1, 3, 4), KdfProfile(2**40, 3, 4),
    ])
    def test_costs_outside_floor_and_ceiling_are_refused(self, profile: KdfProfile) -> None:
        with pytest.raises(VaultDamaged, match="derivation cost"):
            kdf.check(profile)
        with pytest.raises(VaultDamaged):
            ProductionKdf(profile)

    def test_accepted_costs(self) -> None:
        for profile in (FLOOR, PRODUCTION, CEILING):
            kdf.check(profile)
        kdf.check(LightKdf().profile, LightKdf().floor)
        assert ProductionKdf().floor == FLOOR

    def test_calibration_never_goes_below_production(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(kdf, "derive", lambda *_: Secret(b""))
        assert kdf.calibrate(0.0) == PRODUCTION
        assert kdf.calibrate(1000.0) == KdfProfile(PRODUCTION.memory_kib, CEILING.passes, PRODUCTION.lanes)

    def test_memory_that_cannot_be_had_is_a_plain_sentence(self) -> None:
        with pytest.raises(MediumUnusable, match="MiB of free memory"):
            kdf._raise_for(-22, PRODUCTION)
        with pytest.raises(VaultDamaged, match="Argon2 status"):
            kdf._raise_for(-1, PRODUCTION)

    def test_short_salt_is_refused(self) -> None:
        with pytest.raises(IopError):
            kdf.derive(bytearray(b"x"), b"short", LightKdf().profile)

    def test_other_threads_run_while_it_hardens(self) -> None:
        ticks = 0
        done = threading.Event()

        def work() -> None:
            kdf.derive(bytearray(b"x"), bytes(16), KdfProfile(32_768, 3, 1))
            done.set()

        thread = threading.Thread(target=work)
        thread.start()
        while not done.is_set():
            ticks += 1
        thread.join()
        assert ticks > 100


def _flip(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 0x01
    return bytes(changed)
