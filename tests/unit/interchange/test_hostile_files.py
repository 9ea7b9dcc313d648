"""Files made to hurt: each refused whole, quickly, in little memory, with a plain reason and no items."""

from __future__ import annotations

import gzip
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from iop_tui.interchange.fhir.run import read_run
from iop_tui.kernel.errors import Cancelled, InputRejected, MediumUnusable
from tests.support.clinic.fhir import SYNTHEA, bundle, patient, read_here

GOOD = json.dumps(bundle(patient())).encode()
DEEP = b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","extension":'


def _sparse(path: Path, size: int, head: bytes = b"") -> None:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)


def _bomb(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(b'{"resourceType":"Bundle","type":"collection","entry":[' + b" " * (80 << 20))


def _flipped() -> bytes:
    packed = bytearray(gzip.compress(GOOD * 50))
    packed[len(packed) // 2] ^= 0xFF
    return bytes(packed)


def _typed(kind: object) -> bytes:
    return json.dumps(bundle(patient()) | {"type": kind}).encode()


FILES: dict[str, tuple[bytes | Callable[[Path], None], str]] = {
    "truncated.json.gz": (gzip.compress(GOOD)[:-20], "cut off"),
    "without-checksum.json.gz": (gzip.compress(GOOD)[:-4], "cut off"),
    "flipped.json.gz": (_flipped(), "damaged"),
    "trailing.json.gz": (gzip.compress(GOOD) + b"xxxx", "damaged"),
    "bomb.json.gz": (_bomb, "200-fold"),
    "wrong-type.json": (_typed("wrong"), "type does not exist"),
    "history.json": (_typed("history"), "superseded"),
    "message.json": (_typed("message"), "asks its receiver"),
    "response.json": (_typed("transaction-response"), "answer of a server"),
    "type-is-a-number.json": (_typed(7), "not the kind"),
    "no-type.json": (b'{"resourceType":"Bundle","entry":[]}', "does not say its type"),
    "two-types.json": (b'{"resourceType":"Bundle","type":"x","type":"batch"}', "twice"),
    "unknown.json": (b'{"resourceType":"Bundel","type":"batch"}', "does not exist in FHIR R4"),
    "deep.json": (DEEP + b"[" * 100_000 + b"]" * 100_000 + b"}}]}", "deeper than 64"),
    "deep-objects.json": (DEEP + b'[{"extension":' * 3_000 + b"[]" + b"}]" * 3_000 + b"}}]}", "deeper than 64"),
    "deep.ndjson": (b'{"resourceType":"Patient"}\n{"a":' + b"[" * 99 + b"]" * 99 + b"}\n", "line 2.*deeper than 64"),
    "sparse.json": (lambda path: _sparse(path, 2 << 30), "larger than 256 MiB"),
    "sparse.json.gz": (lambda path: _sparse(path, 2 << 30, b"\x1f\x8b\x08"), "larger than 256 MiB"),
    "sparse-small.json": (lambda path: _sparse(path, 200 << 20), "no FHIR JSON"),
    "empty.json": (b"", "empty"),
    "blank.json": (b" \n \n", "no FHIR JSON"),
    "binary.json": (bytes(range(256)), "no FHIR JSON"),
    "utf-16.json": (GOOD.decode().encode("utf-16"), "UTF-16"),
    "latin-1.json": (GOOD.replace(b"Nobody", b"Nob\xf6dy"), "UTF-8"),
    "nul.json": (GOOD.replace(b"Nobody", b"Nob\0dy"), "not valid JSON"),
    "cut.json": (GOOD[:-10], "too early"),
    "cut.ndjson": (b'{"resourceType":"Patient"}\n{"resourceType":"Pat', "last line is cut off"),
    "twice.json": (GOOD + GOOD, "more text"),
    "xml.json": (b"<Bundle/>", "XML"),
    "list.json": (b"[" + GOOD + b"]", "bare JSON list"),
    "no-resource.json": (b'{"a":1}', "no FHIR resource"),
    "fifo.json": (lambda path: os.mkfifo(path), "no ordinary file"),
}


@pytest.mark.parametrize("name", FILES)
def test_refused_whole_with_a_reason(name: str, tmp_path: Path) -> None:
    content, reason = FILES[name]
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content(path)
    with read_run([path]) as run:
        assert list(run) == []
    (refused,) = run.rejected
    assert (refused.file, refused.place) == (str(path), "")
    assert re.search(reason, refused.reason), refused.reason
    assert "Nob" not in refused.reason


@pytest.mark.parametrize("name", ["truncated.json.gz", "wrong-type.json", "deep.json", "sparse.json", "bomb.json.gz"])
def test_within_two_seconds_and_300_mib(name: str, tmp_path: Path) -> None:
    content, _ = FILES[name]
    path = tmp_path / name
    path.write_bytes(content) if isinstance(content, bytes) else content(path)
    program = (
        "import resource, sys\n"
        "from iop_tui.interchange.fhir.run import read_run\n"
        "with read_run(sys.argv[1:]) as run: items = list(run)\n"
        "assert not items and len(run.rejected) == 1\n"
        "used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]\n"
        "print(max(each.ru_maxrss for each in used), sum(each.ru_utime + each.ru_stime for each in used))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    memory, seconds = done.stdout.split()
    unit = 1 if sys.platform == "darwin" else 1024
    # A fork's peak is inherited from the test process itself, so that is the least a child can report.
    inherited = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    assert int(memory) * unit <= max(300 << 20, inherited)
    assert float(seconds) < 2.0  # processor time: wall time would measure the neighbours


def test_damaged_files_leave_the_others_alone(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(GOOD[:-10])
    (tmp_path / "b.json").write_bytes(GOOD)
    with read_run([tmp_path]) as run:
        assert [each.kind for each in run] == ["person"]
    assert [(each.file, each.place) for each in run.rejected] == [(str(tmp_path / "a.json"), "")]


def test_harmless_oddities_are_read(tmp_path: Path) -> None:
    files = {
        "bom.json": b"\xef\xbb\xbf" + GOOD,
        "members.json.gz": gzip.compress(GOOD[:30]) + gzip.compress(GOOD[30:]),
        "padded.json.gz": gzip.compress(GOOD) + bytes(512),
        "not-called.json": gzip.compress(GOOD),
        "windows.ndjson": b'\xef\xbb\xbf{"resourceType":"Patient","id":"p"}\r\n\r\n{"resourceType":"Patient","id":"q"}',
    }
    for name, content in files.items():
        path = tmp_path / name
        path.write_bytes(content)
        result = read_here(path)
        assert (name, result.rejected) == (name, [])
        assert result.of("person"), name


def test_a_child_that_dies_is_a_plain_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iop_tui.interchange.sandbox._PROGRAM", "raise SystemExit(1)")
    with pytest.raises(InputRejected, match="could not be read"):
        read_run([SYNTHEA / "Chet_Thompson_eda17701-070d-4fae-9f7d-c8cd6263b63a.json"])


def test_cancelling_ends_the_child_within_a_moment() -> None:
    asked: list[float] = []

    def cancelled() -> bool:
        asked.append(time.monotonic())
        return len(asked) > 2

    with pytest.raises(Cancelled):
        list(read_run([SYNTHEA], cancelled=cancelled))
    assert time.monotonic() - asked[2] < 1.0


def test_a_missing_file_is_no_damage(tmp_path: Path) -> None:
    with pytest.raises(MediumUnusable):
        read_run([tmp_path / "nowhere.json"])


def test_the_reading_process_may_not_write_files_or_start_programs(tmp_path: Path) -> None:
    program = (
        "import os, sys\n"
        "from iop_tui.interchange.worker import drop_abilities\n"
        "drop_abilities()\n"
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)\n"
        "try:\n"
        "    with open(sys.argv[1], 'wb') as file: file.write(b'x')\n"
        "except OSError: print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "refused\n"
