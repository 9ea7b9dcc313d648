"""Key slots: every way in, every way that must stay shut."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from iop_tui.kernel import canonical
from iop_tui.kernel.errors import IopError, NeedsNewer, Suspended, VaultDamaged, WrongSecrets
from iop_tui.kernel.rng import SeededRng
from iop_tui.kernel.secret import Secret
from iop_tui.vault import hpke, kdf, slots, totp
from iop_tui.vault.envelope import Tampered
from iop_tui.vault.kdf import KdfProfile, LightKdf, ProductionKdf
from iop_tui.vault.slots import Slot, UserSecrets
from tests.unit.vault.support import Member

KDF = LightKdf()
replace = msgspec.structs.replace


def same_secrets(one: UserSecrets, two: UserSecrets) -> bool:
    return all(
        getattr(one, name).reveal() == getattr(two, name).reveal() for name in ("enc_seed", "sig_seed", "totp_seed")
    )


def test_passphrase_opens_secrets_and_vault_key(member: Member) -> None:
    typed = member.passphrase()
    opened = slots.open_slot(member.slot, typed, None, KDF, member.vault_id)
    keys = slots.unwrap(member.slot, opened, member.vault_id)
    assert same_secrets(opened, member.secrets)
    assert keys.vault_key.reveal() == member.keys.vault_key.reveal()
    assert keys.device_seed.reveal() == member.keys.device_seed.reveal()
    assert typed == member.passphrase()
    assert opened.signer().public == member.secrets.signer().public


@pytest.mark.parametrize(
    "typed", [b"", b"quiet otters juggle seven lamp", b"quiet otters juggle seven lamps ", b"\xff" * 20],
)
def test_wrong_passphrase(member: Member, typed: bytes) -> None:
    with pytest.raises(WrongSecrets) as caught:
        slots.open_slot(member.slot, bytearray(typed), None, KDF, member.vault_id)
    assert type(caught.value) is WrongSecrets


def test_unicode_passphrase_opens_in_either_composition(member: Member) -> None:
    composed, decomposed = "café otter lamps seven", "cafe\u0301 otter lamps seven"
    slot = slots.new_passphrase(member.slot, member.secrets, bytearray(composed.encode()), None, KDF, SeededRng(5))
    typed = bytearray(decomposed.encode())
    assert same_secrets(slots.open_slot(slot, typed, None, KDF, member.vault_id), member.secrets)
    assert typed == decomposed.encode()


def test_unknown_user_costs_and_looks_the_same(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    costs: list[KdfProfile] = []
    original = kdf.derive

    def counted(passphrase: bytearray, salt: bytes, profile: KdfProfile) -> Secret:
        costs.append(profile)
        return original(passphrase, salt, profile)

    monkeypatch.setattr(kdf, "derive", counted)
    with pytest.raises(WrongSecrets) as unknown:
        slots.decoy(bytearray(b"anything"), KDF, member.slot.profile)
    with pytest.raises(WrongSecrets) as wrong:
        slots.open_slot(member.slot, bytearray(b"anything"), None, KDF, member.vault_id)
    assert costs == [member.slot.profile] * 2
    assert (unknown.value.message, unknown.value.hint, type(unknown.value)) == (
        wrong.value.message, wrong.value.hint, type(wrong.value),
    )


def test_cost_in_the_file_cannot_lower_the_floor(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kdf, "derive", lambda *_: pytest.fail("derived before the cost was checked"))
    greedy = replace(member.slot, profile=KdfProfile(2**21, 3, 4))
    for slot, injected in ((member.slot, ProductionKdf()), (greedy, KDF)):
        with pytest.raises(VaultDamaged, match="key derivation cost"):
            slots.open_slot(slot, member.passphrase(), None, injected, member.vault_id)
        with pytest.raises(VaultDamaged, match="key derivation cost"):
            slots.decoy(member.passphrase(), injected, slot.profile)


class Careless:
    """A cost below its own floor: no composition root should inject it, and no slot is made with it."""

    profile = KdfProfile(8, 1, 1)
    floor = KdfProfile(8192, 1, 1)


def test_no_slot_is_made_below_the_floor(member: Member) -> None:
    with pytest.raises(VaultDamaged, match="key derivation cost"):
        slots.new_passphrase(member.slot, member.secrets, member.passphrase(), None, Careless(), SeededRng(1))


def test_intermediate_secrets_are_wiped(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[bytearray, Secret]] = []
    original = kdf.derive

    def spy(passphrase: bytearray, salt: bytes, profile: KdfProfile) -> Secret:
        seen.append((passphrase, original(passphrase, salt, profile)))
        return seen[-1][1]

    monkeypatch.setattr(kdf, "derive", spy)
    with pytest.raises(WrongSecrets):
        slots.open_slot(member.slot, bytearray("cafe\u0301 otter".encode()), None, KDF, member.vault_id)
    normalised, hardened = seen[0]
    assert set(normalised) == {0}
    assert set(hardened.reveal()) == {0}


class TestDeviceSecret:
    SECRET = Secret(b"d" * 32)

    @pytest.fixture
    def slot(self, member: Member) -> Slot:
        return slots.new_passphrase(member.slot, member.secrets, member.passphrase(), self.SECRET, KDF, SeededRng(6))

    def test_both_are_needed(self, member: Member, slot: Slot) -> None:
        assert slot.needs_device_secret
        opened = slots.open_slot(slot, member.passphrase(), self.SECRET, KDF, member.vault_id)
        assert same_secrets(opened, member.secrets)
        with pytest.raises(slots.DeviceSecretNeeded):
            slots.open_slot(slot, member.passphrase(), None, KDF, member.vault_id)
        with pytest.raises(WrongSecrets):
            slots.open_slot(slot, member.passphrase(), Secret(b"e" * 32), KDF, member.vault_id)

    def test_claiming_it_is_not_needed_opens_nothing(self, member: Member, slot: Slot) -> None:
        for secret in (None, self.SECRET):
            with pytest.raises(WrongSecrets):
                slots.open_slot(replace(slot, factor_set=0), member.passphrase(), secret, KDF, member.vault_id)

    def test_the_kit_opens_without_it(self, member: Member, slot: Slot) -> None:
        assert same_secrets(slots.open_with_kit(slot, member.kit), member.secrets)


class TestKit:
    def test_opens_until_burnt(self, member: Member) -> None:
        assert same_secrets(slots.open_with_kit(member.slot, member.kit), member.secrets)
        with pytest.raises(slots.KitUsed):
            slots.open_with_kit(slots.burn_kit(member.slot), member.kit)

    def test_a_new_kit_ends_the_old_one(self, member: Member) -> None:
        other = Secret(b"k" * 32)
        slot = slots.new_kit(member.slot, member.secrets, other, SeededRng(7))
        assert same_secrets(slots.open_with_kit(slot, other), member.secrets)
        with pytest.raises(WrongSecrets, match="does not fit"):
            slots.open_with_kit(slot, member.kit)

    def test_fits_one_user_only(self, member: Member) -> None:
        with pytest.raises(WrongSecrets):
            slots.open_with_kit(replace(member.slot, user_id=b"u" * 16), member.kit)
        with pytest.raises(WrongSecrets):
            slots.open_with_kit(replace(member.slot, vault_id=b"v" * 16), member.kit)

    def test_travels_to_another_device(self, member: Member) -> None:
        moved = replace(member.slot, device_id=b"n" * 16)
        assert same_secrets(slots.open_with_kit(moved, member.kit), member.secrets)

    def test_every_flip_is_refused(self, member: Member) -> None:
        part = member.slot.kit
        assert part is not None
        for name in part.__struct_fields__:
            for at in range(len(getattr(part, name))):
                changed = replace(part, **{name: _flip(getattr(part, name), at)})
                with pytest.raises((WrongSecrets, Tampered)):
                    slots.open_with_kit(replace(member.slot, kit=changed), member.kit)

    def test_unknown_suite(self, member: Member) -> None:
        with pytest.raises(NeedsNewer):
            slots.open_with_kit(replace(member.slot, suite=2), member.kit)


class TestWrap:
    def test_suspended_knows_the_passphrase_and_gets_no_key(self, member: Member) -> None:
        slot = slots.without_wrap(member.slot)
        opened = slots.open_slot(slot, member.passphrase(), None, KDF, member.vault_id)
        assert slot.suspended
        with pytest.raises(Suspended):
            slots.unwrap(slot, opened, member.vault_id)

    def test_an_administrator_gives_it_back_without_the_passphrase(self, member: Member) -> None:
        bare = slots.without_wrap(member.slot)
        slot = slots.with_wrap(bare, member.secrets.enc_public(), member.keys, vk_generation=2)
        assert slot.vk_generation == 2
        assert slots.unwrap(slot, member.secrets, member.vault_id).vault_key.reveal() == member.keys.vault_key.reveal()

    def test_bound_to_user_vault_and_generation(self, member: Member) -> None:
        for change in ({"user_id": b"u" * 16}, {"vk_generation": 2}, {"vault_id": b"v" * 16}):
            slot = replace(member.slot, **change)
            with pytest.raises(hpke.WrongKey):
                slots.unwrap(slot, member.secrets, slot.vault_id)

    def test_another_vault_or_another_user_is_refused(self, member: Member) -> None:
        with pytest.raises(VaultDamaged, match="another vault"):
            slots.unwrap(member.slot, member.secrets, b"v" * 16)
        with pytest.raises(hpke.WrongKey):
            slots.unwrap(member.slot, slots.new_secrets(SeededRng(99)), member.vault_id)

    def test_keys_of_the_wrong_length_are_refused(self, member: Member) -> None:
        short = slots.VaultKeys(Secret(b"x" * 31), Secret(b"y" * 32))
        slot = slots.with_wrap(member.slot, member.secrets.enc_public(), short)
        with pytest.raises(VaultDamaged, match="wrong length"):
            slots.unwrap(slot, member.secrets, member.vault_id)

    def test_every_flip_is_refused(self, member: Member) -> None:
        for at in range(len(member.slot.wrap)):
            with pytest.raises((hpke.WrongKey, NeedsNewer)):
                slots.unwrap(replace(member.slot, wrap=_flip(member.slot.wrap, at)), member.secrets, member.vault_id)


class TestChanges:
    def test_new_passphrase_ends_the_old_one_and_keeps_kit_and_wrap(self, member: Member) -> None:
        fresh = bytearray(b"eleven violins under the porch")
        slot = slots.new_passphrase(member.slot, member.secrets, fresh, None, KDF, SeededRng(8))
        assert same_secrets(slots.open_slot(slot, fresh, None, KDF, member.vault_id), member.secrets)
        assert (slot.kit, slot.wrap) == (member.slot.kit, member.slot.wrap)
        assert slot.kdf_salt != member.slot.kdf_salt
        assert slot.nonce != member.slot.nonce
        with pytest.raises(WrongSecrets):
            slots.open_slot(slot, member.passphrase(), None, KDF, member.vault_id)

    def test_a_lost_phone_gets_a_new_seed(self, member: Member) -> None:
        secrets = UserSecrets(member.secrets.enc_seed, member.secrets.sig_seed, totp.new_seed(SeededRng(9)))
        slot = slots.new_passphrase(member.slot, secrets, member.passphrase(), None, KDF, SeededRng(10))
        slot = slots.new_kit(slot, secrets, member.kit, SeededRng(11))
        for opened in (
            slots.open_slot(slot, member.passphrase(), None, KDF, member.vault_id),
            slots.open_with_kit(slot, member.kit),
        ):
            assert opened.totp_seed.reveal() == secrets.totp_seed.reveal()

    def test_born_suspended_and_without_kit(self, member: Member) -> None:
        slot = slots.make_slot(
            vault_id=member.vault_id, user_id=b"u" * 16, device_id=b"d" * 16, name="New", secrets=member.secrets,
            passphrase=member.passphrase(), kdf=KDF, rng=SeededRng(1),
        )
        assert slot.suspended
        assert slot.kit is None


class TestChecks:
    @pytest.mark.parametrize("change", [{"suite": 2}, {"factor_set": 2}, {"factor_set": 5}])
    def test_newer_methods(self, member: Member, change: dict[str, int]) -> None:
        with pytest.raises(NeedsNewer):
            slots.check_slot(replace(member.slot, **change), KDF, member.vault_id)

    @pytest.mark.parametrize("name", ["user_id", "device_id", "name_tag", "kdf_salt", "kek_salt", "nonce", "commit"])
    def test_sizes(self, member: Member, name: str) -> None:
        with pytest.raises(VaultDamaged, match="wrong size"):
            slots.check_slot(replace(member.slot, **{name: getattr(member.slot, name)[:-1]}), KDF, member.vault_id)

    def test_a_slot_of_another_vault(self, member: Member) -> None:
        with pytest.raises(VaultDamaged, match="another vault"):
            slots.check_slot(member.slot, KDF, b"v" * 16)

    def test_every_flip_of_the_stored_form_is_refused(self, member: Member, scale: Callable[[int, int], int]) -> None:
        """Whatever byte is changed: no decoding, no opening, or exactly the part that was changed fails."""
        stored = canonical.encode(member.slot)
        for at in range(0, len(stored), scale(1, 7)):
            with pytest.raises(IopError):
                self.open_in_every_way(member, _flip(stored, at))

    @staticmethod
    def open_in_every_way(member: Member, stored: bytes) -> None:
        slot = canonical.decode(stored, Slot)
        opened = slots.open_slot(slot, member.passphrase(), None, KDF, member.vault_id)
        slots.open_with_kit(slot, member.kit)
        slots.unwrap(slot, opened, member.vault_id)


def test_name_tags_forgive_case_and_blanks_only() -> None:
    vault = b"v" * 16
    tag = slots.name_tag(vault, "Maria López")
    assert tag == slots.name_tag(vault, "  maria   LÓPEZ ")
    assert tag == slots.name_tag(vault, "Maria Lo\u0301pez")
    others = {slots.name_tag(vault, "Maria Lopez"), slots.name_tag(b"w" * 16, "Maria López"), slots.name_tag(vault, "")}
    assert tag not in others
    assert len(others) == 3


def test_nothing_secret_prints(member: Member) -> None:
    shown = repr(member.secrets) + repr(member.keys)
    assert shown.count("<redacted>") == 5


def _flip(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 0x01
    return bytes(changed)
