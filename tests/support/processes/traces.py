"""Looking for planted words where none may be: files, folders, the memory of a process."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

CHUNK = 1 << 22


def spellings(word: str) -> tuple[bytes, ...]:
    """A word as programs keep it: UTF-8, UTF-16, UTF-32, and as written backwards from hex dumps."""
    return (word.encode(), word.encode("utf-16-le"), word.encode("utf-32-le"), word.encode().hex().encode())


def in_bytes(data: bytes, words: Iterable[str]) -> set[str]:
    """Which words occur, in any spelling and any case."""
    lowered = data.lower()
    return {word for word in words if any(form.lower() in lowered for form in spellings(word))}


def in_file(path: Path, words: Iterable[str]) -> set[str]:
    """Which words occur in a file, read in overlapping pieces."""
    wanted, found, tail = set(words), set[str](), b""
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            found |= in_bytes(tail + part, wanted - found)
            tail = part[-512:]
    return found


def in_folder(folder: Path, words: Iterable[str]) -> dict[str, set[str]]:
    """File -> words, for every file below a folder that holds any; names of files count too."""
    wanted = set(words)
    found = {}
    for path in sorted(item for item in folder.rglob("*") if item.is_file()):
        hits = in_file(path, wanted) | in_bytes(path.name.encode(), wanted)
        if hits:
            found[str(path.relative_to(folder))] = hits
    return found


def _regions(pid: int) -> Iterator[tuple[int, int]]:
    pattern = re.compile(r"([0-9a-f]+)-([0-9a-f]+) r")
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        match = pattern.match(line)
        if match and "[vvar" not in line and "[vsyscall" not in line:
            yield int(match[1], 16), int(match[2], 16)


def in_memory(pid: int, words: Iterable[str]) -> set[str]:
    """Which words occur in the readable memory of a process (Linux; needs the right to read it)."""
    wanted, found = set(words), set[str]()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end in _regions(pid):
            tail, at = b"", start
            while at < end:
                try:
                    part = os.pread(memory.fileno(), min(CHUNK, end - at), at)
                except OSError:
                    break  # guard pages and device memory cannot be read
                if not part:
                    break
                found |= in_bytes(tail + part, wanted - found)
                tail, at = part[-512:], at + len(part)
    return found
