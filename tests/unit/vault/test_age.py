"""The age wrapper: recipients, passphrases of equally likely words, files that other programs open."""

from __future__ import annotations

from collections import Counter

import pyrage
import pytest

from iop_tui.kernel.rng import SeededRng
from iop_tui.vault import age
from iop_tui.vault.age import NoRecipient

SSH = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN"


def test_an_age_key_with_white_space_around() -> None:
    identity = pyrage.x25519.Identity.generate()
    found = age.recipient(f"  {identity.to_public()}\n")
    assert found == age.Recipient(str(identity.to_public()), "age")
    assert pyrage.decrypt(age.encrypt(b"words", [found]), [identity]) == b"words"


def test_an_ssh_key_loses_its_comment() -> None:
    assert age.recipient(f"{SSH} ana@example") == age.Recipient(SSH, "ssh")


@pytest.mark.parametrize("text", ["", " ", "age1", "age1x", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-dss AAAA", "ana"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(NoRecipient):
        age.recipient(text)


def test_a_private_key_is_named_as_one() -> None:
    with pytest.raises(NoRecipient, match="private key"):
        age.recipient(str(pyrage.x25519.Identity.generate()))


def test_nobody_to_encrypt_to() -> None:
    with pytest.raises(NoRecipient):
        age.encrypt(b"", [])


def test_six_words_of_the_list() -> None:
    listed = set(age._words())
    assert len(listed) == 7776
    phrase = age.new_passphrase(SeededRng(7))
    assert phrase == age.new_passphrase(SeededRng(7))
    assert phrase != age.new_passphrase(SeededRng(8))
    rest = phrase
    for word in sorted(listed, key=len, reverse=True):
        rest = rest.replace(word, "")
    assert set(rest) <= {"-"}


def test_words_are_spread_over_the_whole_list() -> None:
    rng = SeededRng(3)
    seen = Counter(age.new_passphrase(rng, 1) for _ in range(4_000))
    assert len(seen) > 2_900
    assert max(seen.values()) < 10
