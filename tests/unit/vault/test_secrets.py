"""Passphrase rules, one-time codes, recovery kit and shares."""

from __future__ import annotations

import itertools
import urllib.parse
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.kernel.errors import CodeUsed, Refused, Usage, WrongSecrets
from iop_tui.kernel.rng import SeededRng, SystemRng
from iop_tui.kernel.secret import Secret
from iop_tui.vault import passphrase, recovery, totp

NAMES = ("mlopez", "Maria López", "Riverside Couples Program")


def check(text: str) -> None:
    passphrase.check_new(bytearray(text.encode()), names=NAMES)


class TestPassphrase:
    @pytest.mark.parametrize("text", [
        "quiet otters juggle seven lamps", "correct camel ferry staple 9", "x7#Kp!2vQz@9LmW",
        "зелёный трактор поёт ночью",
        "静かなカワウソが七つのランプを回す夜", "😀 otter 🦦 lamp 🪔 seven kites", "planning ahead of the channel",
        "the monkey ate my violin rope", "word " * 3 + "grapefruit violin " * 13,
    ])
    def test_accepted(self, text: str) -> None:
        check(text)

    @pytest.mark.parametrize(("size", "fits"), [(14, False), (15, True), (64, True), (256, True), (257, False)])
    def test_length_is_counted_in_code_points(self, size: int, fits: bool) -> None:
        for alphabet in ("kvjwhtbzgmxpfrn ", "жцщюыэъхфгдлбпёй"):
            text = "".join(itertools.islice(itertools.cycle(alphabet), size))
            if fits:
                check(text)
            else:
                with pytest.raises(Refused, match="characters"):
                    check(text)

    @pytest.mark.parametrize("text", [
        "passwordpassword", "Password123456789", "p@$$w0rd p@$$w0rd", "qwertyuiopasdfgh", "123456789012345",
        "aaaaaaaaaaaaaaaaaaaa", "abcabcabcabcabcabc", "letmein-letmein-2026", "Sunshine Monkey Dragon!",
        "abcdefghijklmnop",
        "correct horse battery staple", "11111111 22222222", "iloveyouiloveyou", "september-2026-summer",
    ])
    def test_common_and_patterned_are_refused(self, text: str) -> None:
        with pytest.raises(passphrase.WeakPassphrase) as caught:
            check(text)
        assert caught.value.hint

    @pytest.mark.parametrize("text", [
        "mlopez owns seven lamps", "MLOPEZ juggles quiet otters", "otters maria lópez lamps",
        "riverside-couples-program 4", "my iop-tui opens now, otter",
    ])
    def test_names_are_refused(self, text: str) -> None:
        with pytest.raises(passphrase.WeakPassphrase, match="name of a user"):
            check(text)

    def test_short_names_are_found_in_too_many_words_to_be_refused(self) -> None:
        passphrase.check_new(bytearray(b"planning ahead of the channel"), names=("Ann", ""))

    def test_the_whole_offline_blocklist_is_refused(self, scale: Callable[[int, int], int]) -> None:
        entries = list(passphrase.blocklist())
        assert len(entries) >= 3000
        stride = scale(1, 23)
        for entry in entries[::stride]:
            with pytest.raises(passphrase.WeakPassphrase):
                check(entry)

    @pytest.mark.parametrize("raw", [b"\xff\xfe quiet otters juggle", b"quiet otters\x07 jug", b"quiet otters\njug"])
    def test_what_cannot_be_typed_is_refused(self, raw: bytes) -> None:
        with pytest.raises(passphrase.WeakPassphrase):
            passphrase.check_new(bytearray(raw), names=())

    def test_ascii_is_not_copied_and_compositions_are_equal(self) -> None:
        plain = bytearray(b"plain")
        assert passphrase.normalise(plain) is plain
        composed, decomposed = bytearray("caf\u00e9".encode()), bytearray("cafe\u0301".encode())
        assert passphrase.normalise(composed) == passphrase.normalise(decomposed)
        broken = bytearray(b"\xff")
        assert passphrase.normalise(broken) is broken

    def test_a_refusal_does_not_repeat_the_passphrase(self) -> None:
        with pytest.raises(Refused) as caught:
            check("Password123456789")
        assert "Password1" not in caught.value.message + caught.value.hint


class TestTotp:
    SEED = Secret(b"12345678901234567890")

    @pytest.mark.parametrize(("at", "code"), [
        (59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"),
        (20000000000, "353130"),
    ])
    def test_rfc_6238_appendix_b(self, at: int, code: str) -> None:
        assert totp.code_at(self.SEED, at) == code
        assert totp.accept(self.SEED, code, at, 0) == at // 30

    def test_address_for_the_phone(self) -> None:
        parts = urllib.parse.urlsplit(totp.uri(self.SEED, "mlopez", "Riverside"))
        query = urllib.parse.parse_qs(parts.query)
        assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
        assert query["secret"] == ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"]
        assert query["issuer"] == ["Riverside"]

    @pytest.mark.parametrize(("drift", "fits"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
    def test_window_of_one_step(self, drift: int, fits: bool) -> None:
        code = totp.code_at(self.SEED, 1_700_000_010 + drift)
        if fits:
            assert totp.accept(self.SEED, code, 1_700_000_010, 0) == (1_700_000_010 + drift) // 30
        else:
            with pytest.raises(WrongSecrets) as caught:
                totp.accept(self.SEED, code, 1_700_000_010, 0)
            assert not isinstance(caught.value, CodeUsed)

    def test_a_code_works_once_and_older_ones_not_after_it(self) -> None:
        now = 1_700_000_010
        step = totp.accept(self.SEED, totp.code_at(self.SEED, now), now, 0)
        for at in (now, now - 30):
            with pytest.raises(CodeUsed):
                totp.accept(self.SEED, totp.code_at(self.SEED, at), now, step)
        assert totp.accept(self.SEED, totp.code_at(self.SEED, now + 30), now, step) == step + 1

    def test_a_clock_set_back_is_named_whatever_was_typed(self) -> None:
        now, later = 1_700_000_000, 1_700_000_000 + 3600
        for code in (totp.code_at(self.SEED, now), totp.code_at(self.SEED, later), "000000"):
            with pytest.raises(CodeUsed, match="clock of this computer") as caught:
                totp.accept(self.SEED, code, now, later // 30)
            assert "date and time" in caught.value.hint

    @pytest.mark.parametrize("typed", ["", "1", "28708", "2870820", "abcdef", "２８７０８２", "-87082", "28708\x00"])
    def test_anything_else_is_wrong(self, typed: str) -> None:
        with pytest.raises(WrongSecrets):
            totp.accept(self.SEED, typed, 59, 0)

    def test_blanks_as_phones_show_them_are_accepted(self) -> None:
        assert totp.accept(self.SEED, " 287 082 ", 59, 0) == 1

    def test_seeds_have_the_size_of_the_hash(self) -> None:
        assert len(totp.new_seed(SystemRng())) == 20


class TestKit:
    @given(st.binary(min_size=32, max_size=32))
    def test_round_trip_in_every_handwriting(self, raw: bytes) -> None:
        printed = recovery.encode_kit(raw)
        assert len(printed) == 56 + 13
        sloppy = printed.lower().replace("-", " ").replace("0", "o").replace("1", "l")
        for typed in (printed, sloppy, printed.replace("-", ""), printed.replace("1", "I").replace("-", "  \n")):
            assert recovery.decode_kit(typed).reveal() == raw

    @given(st.binary(min_size=32, max_size=32), st.integers(0, 55), st.integers(1, 31))
    def test_one_wrong_character_is_noticed(self, raw: bytes, at: int, shift: int) -> None:
        alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
        typed = list(recovery.encode_kit(raw).replace("-", ""))
        typed[at] = alphabet[(alphabet.index(typed[at]) + shift) % 32]
        try:
            opened = recovery.decode_kit("".join(typed)).reveal()
        except recovery.KitMistyped:
            return
        # 20 check bits let one typing mistake in a million through; the slot's own seal refuses it then.
        assert opened != raw

    @given(st.text(max_size=80))
    def test_any_text_is_a_kit_or_a_plain_refusal(self, text: str) -> None:
        with pytest.raises(recovery.KitMistyped):
            recovery.decode_kit(text)

    def test_the_place_of_an_impossible_character_is_named(self) -> None:
        typed = recovery.encode_kit(bytes(32)).replace("-", "")
        with pytest.raises(recovery.KitMistyped, match="Group 3"):
            recovery.decode_kit(typed[:9] + "U" + typed[10:])

    def test_padding_bits_must_be_zero(self) -> None:
        typed = recovery.encode_kit(bytes(32)).replace("-", "")
        with pytest.raises(recovery.KitMistyped, match="check letters"):
            recovery.decode_kit(typed[:51] + "1" + typed[52:])

    def test_wrong_size_is_a_programming_error(self) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            recovery.encode_kit(b"x")


class TestShares:
    def test_any_two_of_three_and_no_single_one(self) -> None:
        secret = SeededRng(1).token(32)
        shares = recovery.split(Secret(secret), 2, 3)
        assert [len(share.split()) for share in shares] == [33, 33, 33]
        for pair in itertools.combinations(shares, 2):
            assert recovery.combine([pair[0].upper(), f"  {pair[1]}\n"]) == secret
        for too_few in ([], shares[:1], [shares[0], shares[0]]):
            with pytest.raises(recovery.SharesWrong):
                recovery.combine(too_few)

    def test_shares_of_two_sets_do_not_mix(self) -> None:
        one, two = (recovery.split(SeededRng(seed).token(32), 2, 3) for seed in (1, 2))
        with pytest.raises(recovery.SharesWrong):
            recovery.combine([one[0], two[1]])

    def test_a_mistyped_word_is_refused_without_being_repeated(self) -> None:
        shares = recovery.split(SeededRng(1).token(32), 2, 3)
        words = shares[0].split()
        words[5] = "academic" if words[5] != "academic" else "acid"
        for bad in (" ".join(words), "zebra " * 33, ""):
            with pytest.raises(recovery.SharesWrong) as caught:
                recovery.combine([bad, shares[1]])
            assert not any(word in caught.value.message.split() for word in words)
            assert caught.value.__cause__ is None

    @pytest.mark.parametrize(("threshold", "count"), [(1, 3), (4, 3), (0, 0), (2, 17)])
    def test_impossible_counts(self, threshold: int, count: int) -> None:
        with pytest.raises(Usage):
            recovery.split(bytes(32), threshold, count)

    def test_published_vector(self) -> None:
        # From the vectors of SLIP-0039 (128-bit secret, 2 of 3): the words are understood and fit, here with only
        # a refusal left to check, since secrets of this program have 256 bits.
        shares = [
            "shadow pistol academic always adequate wildlife fancy gross oasis cylinder mustang wrist rescue view "
            "short owner flip making coding armed",
            "shadow pistol academic acid actress prayer class unknown daughter sweater depict flip twice unkind craft "
            "early superior advocate guest smoking",
        ]
        with pytest.raises(recovery.SharesWrong, match="something else"):
            recovery.combine(shares)
