"""How much of a stranger's file is read before it is refused. Bytes unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """The caps of one run.

    `file_bytes` what lies on disk; `inflated_bytes` after decompression; `ratio` inflated : compressed, looked
    at from `ratio_from` on; `document_bytes` one JSON document (a Bundle), which is held in memory;
    `line_bytes` one NDJSON line; `depth` nesting of objects and arrays; `brackets` opening and closing
    brackets of one document; `people` Patient resources of one run; `files` files of one run.
    """

    file_bytes: int = 256 * MIB
    inflated_bytes: int = 512 * MIB
    ratio: int = 200
    ratio_from: int = 16 * MIB
    document_bytes: int = 64 * MIB
    line_bytes: int = 16 * MIB
    depth: int = 64
    brackets: int = 8_000_000
    people: int = 20_000
    files: int = 5_000


DEFAULT = Limits()

CHUNK = 256 * 1024
CPU_SECONDS = 600
ADDRESS_SPACE = 1024 * MIB
READABLE_ENDINGS = (
    ".json", ".ndjson", ".jsonl", ".json.gz", ".ndjson.gz", ".jsonl.gz", ".xml", ".vcf", ".csv", ".ics",
)
