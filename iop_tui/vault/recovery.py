"""Recovery on paper: the personal kit (Crockford base32) and quorum shares (SLIP-0039).

A kit is 32 random bytes printed as 52 characters and 4 checksum characters in groups of four.
The alphabet has no I, L, O or U; reading accepts small letters, blanks, dashes and those mix-ups.
"""

from __future__ import annotations

from collections.abc import Sequence

from iop_tui.kernel.canonical import joined
from iop_tui.kernel.errors import Usage, WrongSecrets
from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret
from iop_tui.vault.digest import same, sha256

KIT_BYTES = 32
KIT_CHARACTERS = 56
_BODY = 52
_CHECK = 4
_GROUP = 4
_PADDING_BITS = _BODY * 5 - KIT_BYTES * 8
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {char: value for value, char in enumerate(_ALPHABET)}
_MIX_UPS = str.maketrans({"O": "0", "I": "1", "L": "1"})
_KIT_HINT = "Compare it with the paper group by group; the groups have four characters each."


class KitMistyped(WrongSecrets):
    """What was typed is no recovery kit: wrong length, character or checksum."""

    code = "kit_mistyped"
    default_hint = _KIT_HINT


class SharesWrong(WrongSecrets):
    """Recovery shares do not fit together: mistyped, of different sets, or too few."""

    code = "shares_wrong"
    default_hint = "Check every word against the paper; all shares must come from the same set."


def new_kit_key(rng: Rng) -> Secret:
    """32 random bytes for a new personal kit."""
    return Secret(rng.token(KIT_BYTES))


def encode_kit(key: Secret | bytes) -> str:
    """The printed form: 14 groups of four characters joined by dashes."""
    raw = key.reveal() if isinstance(key, Secret) else key
    if len(raw) != KIT_BYTES:
        raise ValueError(f"a kit has {KIT_BYTES} bytes")
    text = _to_base32(int.from_bytes(raw, "big") << _PADDING_BITS, _BODY) + _checksum(raw)
    return "-".join(text[at:at + _GROUP] for at in range(0, len(text), _GROUP))


def decode_kit(text: str) -> Secret:
    """The 32 bytes of a typed kit. Raises `KitMistyped` saying what is wrong with it."""
    typed = "".join(char for char in text.upper() if not char.isspace() and char not in "-–—_.").translate(_MIX_UPS)
    if len(typed) != KIT_CHARACTERS:
        raise KitMistyped(f"A recovery kit has {KIT_CHARACTERS} letters and digits; {len(typed)} were typed.")
    for position, char in enumerate(typed):
        if char not in _VALUES:
            raise KitMistyped(f"Group {position // _GROUP + 1} of the kit has a character that kits never use.")
    number = _from_base32(typed[:_BODY])
    raw = (number >> _PADDING_BITS).to_bytes(KIT_BYTES, "big")
    padded = number & ((1 << _PADDING_BITS) - 1)
    if padded or not same(_checksum(raw).encode(), typed[_BODY:].encode()):
        raise KitMistyped("The recovery kit has a typing mistake: its check letters do not fit.")
    return Secret(raw)


def split(secret: Secret | bytes, threshold: int, count: int) -> list[str]:
    """SLIP-0039 shares (33 words each) of a 32-byte secret: any `threshold` of `count` give it back.

    Raises `Usage` for counts that make no sense (2 ≤ threshold ≤ count ≤ 16).
    """
    from shamir_mnemonic import generate_mnemonics

    raw = secret.reveal() if isinstance(secret, Secret) else secret
    if len(raw) != KIT_BYTES:
        raise ValueError(f"shares are made of {KIT_BYTES} bytes")
    if not 2 <= threshold <= count <= 16:
        raise Usage(f"{threshold} of {count} shares is not possible: at least 2, at most 16 shares.")
    return list(generate_mnemonics(1, [(threshold, count)], raw)[0])


def combine(shares: Sequence[str]) -> bytes:
    """The 32-byte secret behind enough SLIP-0039 shares. Raises `SharesWrong` without repeating a word of them.

    More shares than needed are all looked at, and the first ones are used.
    """
    from shamir_mnemonic import MnemonicError, combine_mnemonics

    cleaned = [" ".join(share.lower().split()) for share in shares]
    needed = _check_shares(cleaned)
    try:
        raw = combine_mnemonics(cleaned[:needed])
    except (MnemonicError, ValueError):
        raise SharesWrong(f"These {len(cleaned)} recovery shares do not fit together.") from None
    if len(raw) != KIT_BYTES:
        raise SharesWrong("These recovery shares belong to something else.")
    return bytes(raw)


def needed(share: str) -> int:
    """How many shares of its set are needed, as one of them says. Raises `SharesWrong` for a mistyped one."""
    from shamir_mnemonic import MnemonicError, Share

    try:
        return int(Share.from_mnemonic(" ".join(share.lower().split())).member_threshold)
    except (MnemonicError, ValueError):
        raise SharesWrong("This is no recovery share, or it has a typing mistake.") from None


def _check_shares(shares: Sequence[str]) -> int:
    """How many shares are needed, after each was read. Raises `SharesWrong` naming the share, never its words."""
    from shamir_mnemonic import MnemonicError, Share
    from shamir_mnemonic.wordlist import WORDLIST

    found: dict[tuple[object, int], int] = {}
    needed = 2
    for number, text in enumerate(shares, 1):
        strange = [place for place, word in enumerate(text.split(), 1) if word not in WORDLIST]
        if strange:
            raise SharesWrong(f"Word {strange[0]} of share {number} is not one of those recovery shares use.")
        try:
            share = Share.from_mnemonic(text)
        except (MnemonicError, ValueError):
            raise SharesWrong(f"Share {number} has a typing mistake: its checksum does not fit.") from None
        key = (share.common_parameters(), share.index)
        if key in found:
            raise SharesWrong(f"Shares {found[key]} and {number} are the same one.", "Each must be a different one.")
        found[key], needed = number, share.member_threshold
    if len({parameters for parameters, _ in found}) > 1:
        raise SharesWrong("These recovery shares come from different sets.", "Take all of them from the newest set.")
    if len(found) < needed:
        raise SharesWrong(f"{needed} recovery shares are needed; {len(found)} {_was(len(found))} given.",
                          "Ask the next person who keeps one.")  # fmt: skip
    return needed


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _checksum(raw: bytes) -> str:
    digest = sha256(joined("iop/kit-check/1", raw))
    return _to_base32(int.from_bytes(digest[:3], "big") >> 4, _CHECK)


def _to_base32(number: int, length: int) -> str:
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(length)))


def _from_base32(text: str) -> int:
    number = 0
    for char in text:
        number = number << 5 | _VALUES[char]
    return number
