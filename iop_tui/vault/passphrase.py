"""Rules for passphrases: NIST SP 800-63B-4, 3.1.1.2 (length, Unicode, blocklist, no composition rules).

Passphrases travel as `bytearray` of UTF-8. ASCII, the common case, is never turned into a string
on the way to the key derivation; other text must be, because normalisation works on strings.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise

from iop_tui.kernel.errors import Refused

MIN_CODE_POINTS = 15
MAX_CODE_POINTS = 256
_PROGRAM_NAMES = ("iop-tui", "intensive outpatient")
_MIN_NAME = 4
_MIN_DISTINCT = 5
_MAX_PERIOD = 7
_WALK_SHARE = 0.7
_MIN_OWN_LETTERS = 5
_LEET = str.maketrans("013457@$!", "oieastasi")
_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qazwsxedcrfvtgbyhnujmikolp", "abcdefghijklmnopqrstuvwxyz")
_NEW_HINT = "Four or five words that do not belong together work well."


class WeakPassphrase(Refused):
    """A new passphrase breaks one of the rules; the sentence says which."""

    code = "weak_passphrase"
    default_hint = _NEW_HINT


def normalise(passphrase: bytearray) -> bytearray:
    """NFKC of a UTF-8 passphrase. ASCII and undecodable bytes come back as the same object, untouched.

    Undecodable bytes can be in no passphrase that `check_new` accepted, so they simply open nothing.
    """
    if passphrase.isascii():
        return passphrase
    try:
        text = passphrase.decode("utf-8")
    except UnicodeDecodeError:
        return passphrase
    return bytearray(unicodedata.normalize("NFKC", text).encode("utf-8"))


def check_new(passphrase: bytearray, *, names: Sequence[str]) -> None:
    """Raise `WeakPassphrase` (a `Refused`) unless a new passphrase is acceptable.

    `names`: user name, personal name, program (clinic) name; none of at least 4 letters may occur in it.
    """
    try:
        text = unicodedata.normalize("NFKC", passphrase.decode("utf-8"))
    except UnicodeDecodeError:
        raise WeakPassphrase("The passphrase is not valid text (UTF-8).", "Check the keyboard settings.") from None
    _check_length(text)
    folded = _fold(text)
    for name in (*names, *_PROGRAM_NAMES):
        short = _fold(name)
        if len(short) >= _MIN_NAME and short in folded:
            raise WeakPassphrase("The passphrase contains the name of a user or of the program.", _NEW_HINT)
    if _is_pattern(folded):
        raise WeakPassphrase("The passphrase is a repetition or a row of keys, which is guessed first.")
    if _is_common(text):
        raise WeakPassphrase("The passphrase is made of the most common passwords, which are guessed first.")


def _check_length(text: str) -> None:
    if len(text) < MIN_CODE_POINTS:
        raise WeakPassphrase(f"The passphrase has {len(text)} characters; at least {MIN_CODE_POINTS} are needed.")
    if len(text) > MAX_CODE_POINTS:
        raise WeakPassphrase(f"The passphrase has {len(text)} characters; at most {MAX_CODE_POINTS} are possible.")
    if any(unicodedata.category(char) == "Cc" for char in text):
        raise WeakPassphrase("The passphrase contains a control character that cannot be typed at the prompt.")


def _fold(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())


def _is_pattern(folded: str) -> bool:
    if len(set(folded)) < _MIN_DISTINCT:
        return True
    size = len(folded)
    if any(folded == (folded[:period] * size)[:size] for period in range(1, _MAX_PERIOD + 1)):
        return True
    steps = sum(pair in _walk_steps() for pair in pairwise(folded))
    return steps >= _WALK_SHARE * (size - 1)


@cache
def _walk_steps() -> frozenset[tuple[str, str]]:
    forward = {pair for row in _ROWS for pair in pairwise(row)}
    same = {(char, char) for row in _ROWS for char in row}
    return frozenset(forward | {(right, left) for left, right in forward} | same)


def _is_common(text: str) -> bool:
    """True when, common passwords and digits taken away, fewer than five letters are left."""
    return any(_own_letters(_fold(form)) < _MIN_OWN_LETTERS for form in (text, text.translate(_LEET)))


def _own_letters(folded: str) -> int:
    """The fewest letters that no choice of common words and digits covers.

    Tried over all choices: taking the longest word first leaves letters over where two words share some.
    """
    words, lengths = _words_by_length()
    fewest = [0]
    for end in range(1, len(folded) + 1):
        covered = (fewest[end - size] for size in lengths if size <= end and folded[end - size:end] in words)
        fewest.append(min((fewest[-1] + (not folded[end - 1].isdigit()), *covered)))
    return fewest[-1]


@cache
def _words_by_length() -> tuple[frozenset[str], tuple[int, ...]]:
    words = frozenset(common_words())
    return words, tuple(sorted({len(word) for word in words}))


@cache
def common_words() -> tuple[str, ...]:
    """The words and phrases that lists of leaked passwords begin with, folded, longest first."""
    lines = (files("iop_tui") / "data" / "common-passwords.txt").read_text(encoding="utf-8").splitlines()
    words = {_fold(word) for line in lines if not line.startswith("#") for word in line.split()}
    return tuple(sorted(words, key=lambda word: (-len(word), word)))


def blocklist() -> Iterator[str]:
    """The passphrases of at least 15 characters that the rules are sure to refuse: words × words and words × digits.

    Nothing is looked up in this list: the rule covers it and more. Tests and the manual count it.
    """
    words = common_words()
    tails = ("123", "1234", "12345", "123456", "1234567", "12345678", "123456789", "1234567890", "2024", "2025", "2026")
    for first in words:
        for second in (*words, *tails):
            if len(first + second) >= MIN_CODE_POINTS:
                yield first + second
