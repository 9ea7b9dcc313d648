"""Make `iop_tui/data/dictionary/revisions-1.zdict` again: `python .ci/train_dictionary.py [FILE]`.

What a new vault's text looks like before it is sealed, from public and synthetic text only: every document of the small
demo (fictional people, sentences from `shell/demo`), the wording of the shipped instruments, and English words in the
frequency of the spelling list that this program installs. No clinic's text was ever near it, and none may be added.

The same inputs and the same zstandard give the same bytes. A released dictionary never changes: a better one gets the
next number and a coding of its own (`vault/coding.py`), since every stored revision needs the one it was made with.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import zstandard

sys.path.insert(0, str(Path(__file__).parents[1]))

from iop_tui import slices
from iop_tui.kernel.clock import FixedClock
from iop_tui.kernel.rng import SeededRng
from iop_tui.shell.demo.build import build
from iop_tui.shell.demo.dice import Dice
from iop_tui.store import revisions
from iop_tui.vault.kdf import LightKdf
from iop_tui.workspace import Environment

DOCUMENTS = 24 * 1024
"""Bytes of phrases that documents share; they stand last, where a match costs least."""
WORDS = 12_000
WINDOWS = 900
WINDOW = 2048
START_MS = 1_790_000_000_000
IDENTITY = 0x494F5001
_OFFSETS = b"".join(number.to_bytes(4, "little") for number in (1, 4, 8))
"""What stands between the statistics and the content of every trained dictionary (RFC 8878, section 5)."""
TARGET = Path(__file__).parents[1] / "iop_tui" / "data" / "dictionary" / "revisions-1.zdict"


def documents() -> Iterator[bytes]:
    """Every revision of the small demo as it stands before it is compressed."""
    found: list[bytes] = []
    pack = revisions._pack

    def kept(*arguments: object) -> tuple[bytes, bytes]:
        identifier, packed = pack(*arguments)  # type: ignore[arg-type]
        found.append(packed)
        return identifier, packed

    revisions._pack = kept  # type: ignore[assignment]
    try:
        with tempfile.TemporaryDirectory() as folder:
            clock = FixedClock(START_MS)
            env = Environment(types=slices.TYPES, clock=clock, code_clock=clock, rng=SeededRng(1), kdf=LightKdf())
            build(Path(folder) / "vault", env, size="small", seed=1)
    finally:
        revisions._pack = pack
    return iter(found)


def wording() -> Iterator[bytes]:
    """The sentences of the shipped instruments."""
    for path in sorted((Path(__file__).parents[1] / "iop_tui" / "data" / "instruments").glob("*.json")):
        yield " ".join(re.findall(r'"((?:[^"\\]|\\.){12,})"', path.read_text("utf-8"))).encode()


def frequent() -> list[str]:
    """English words, the most frequent one first."""
    raw = gzip.decompress((files("spellchecker") / "resources" / "en.json.gz").read_bytes())
    counts: dict[str, int] = json.loads(raw)
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return [word for word in ranked if re.fullmatch("[a-z]{4,}", word)][:WORDS]


def windows(listed: list[str]) -> Iterator[bytes]:
    """Frequent words, the frequent ones more often, in no order that means anything: for the statistics of letters."""
    dice = Dice(7)
    for _ in range(WINDOWS):
        chosen: list[str] = []
        while sum(map(len, chosen)) + len(chosen) < WINDOW:
            chosen.append(listed[dice.below(dice.below(len(listed)) + 1)])
        yield " ".join(chosen).encode()


def trained(size: int, samples: list[bytes], spread: int) -> tuple[bytes, bytes]:
    """The statistics and the content of a dictionary trained on samples."""
    made = zstandard.train_dictionary(size, samples, k=spread, d=8, steps=1, level=9, dict_id=IDENTITY).as_bytes()
    at = made.index(_OFFSETS) + len(_OFFSETS)
    return made[:at], made[at:]


def main() -> None:
    """Write the dictionary."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    written, listed = [*documents(), *wording()], frequent()
    statistics, _ = trained(64 * 1024, [*written, *windows(listed)], 64)
    _, phrases = trained(DOCUMENTS, written, 256)
    data = statistics + " ".join(reversed(listed)).encode() + b" " + phrases
    target.write_bytes(data)
    print(f"{target.name}: {len(data)} bytes; {len(written)} documents and texts, {len(listed)} words")


if __name__ == "__main__":
    main()
