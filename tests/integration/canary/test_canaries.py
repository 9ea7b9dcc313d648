"""Unique words in every kind of document: none lies readable in any file, and nothing is printed or left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from iop_tui import slices
from iop_tui.access import charts, policy, primitives, roles
from iop_tui.access.policy import Kind
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.people import service as people
from iop_tui.clinical.people.model import PERSON
from iop_tui.clinical.records import api as records
from tests.support.clinic.program import PHRASE, Program, note, program
from tests.support.processes import traces


def _value(kind: Any, word: str, meta: msgspec.Meta | None = None) -> Any:
    """A value of a field's type, with the word wherever text can stand."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        metas = [note for note in arguments[1:] if isinstance(note, msgspec.Meta)]
        return _value(arguments[0], word, metas[0] if metas else meta)
    if origin is tuple:
        return (_value(arguments[0], word, meta),)
    if arguments:
        return _value(next(item for item in arguments if item is not type(None)), word, meta)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return filled(kind, word)
    if kind is str:
        choices = (meta.extra or {}).get("choices") if meta else None
        return choices[0] if choices else "" if meta and meta.pattern else word[: meta.max_length if meta else None]
    plain: dict[Any, Any] = {
        int: 30, float: 1.5, bool: True, bytes: word.encode(), date: date(2026, 9, 1), time: time(10),
        datetime: datetime(2026, 9, 1, 10),
    }  # fmt: skip
    value = plain[kind]
    if kind in (int, float) and meta is not None:
        low, high = (value if bound is None else bound for bound in (meta.ge, meta.le))
        value = kind(min(max(value, low), high))
    return value


def filled(struct: type[Any], word: str) -> Any:
    """A document (or a part of one) with the word in every free text."""
    hints = typing.get_type_hints(struct, include_extras=True)
    return struct(**{name: _value(hints[name], word) for name in struct.__struct_fields__})


def _word(kind: str) -> str:
    return f"{kind.replace('_', '').lower()[:14]}zqx"


# What exists in shares only is a copy of something planted here, under another key of the same make.
PLANTED = tuple(kind for kind in slices.TYPES if kind.compartment != Kind.SHARE)


def home(p: Program, chart: charts.ChartMap, kind: str) -> bytes:
    """The compartment a kind of document belongs to, for the therapist who plants it."""
    if kind in policy.PROGRAM_KINDS:
        return primitives.program_compartment(p.root.session, kind)
    if kind in (Kind.JNT, Kind.HOLD):  # the planter keeps no couple's record; it is sealed the same way as this one
        kind = str(Kind.IND)
    alone = kind in policy.AUTHOR_KINDS
    return charts.reserved_id(chart, kind, roles.INDIVIDUAL_THERAPIST if alone else "")


@dataclass
class Planted:
    """An open vault with a word in everything, and the words."""

    program: Program
    words: list[str]
    person: bytes


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    p = program(
        tmp_path_factory.mktemp("canary"), roles.INDIVIDUAL_THERAPIST, roles.MEDICAL_DIRECTOR, name="Userzqx Founder"
    )
    p.add("Colleaguezqx", roles.COUPLES_THERAPIST)
    words = ["userzqx", "colleaguezqx", PHRASE.decode(), "purposezqx", "reasonzqx"]
    first = p.founder
    person, _ = people.register(p.root, filled(PERSON.struct, _word("person")))
    p.register(first, "Partnerzqx", "Familyzqx")
    p.assign(first, person, first, roles.INDIVIDUAL_THERAPIST)
    p.settle()
    work = p.root.work()
    chart = charts.chart_of(p.root.session, person)
    for kind in PLANTED:
        place = home(p, chart, kind.compartment)
        word = _word(kind.kind)
        received = f'{{"text": "{word}received"}}'.encode()
        primitives.put(
            p.root.session,
            work,
            place,
            kind,
            filled(kind.struct, word),
            person=person,
            received=received,
            source="received:IND",
        )
        words += [word, f"{word}received"]
    p.root.session.note(work, "import")
    p.root.commit(work)
    _use(p, person, words)
    yield Planted(p, [*words, "partnerzqx", "familyzqx"], person)
    p.close()


def _use(p: Program, person: bytes, words: list[str]) -> None:
    """Write, sign, add, share, search, type: what a day leaves behind."""
    saved = notes.save(p.root, person, note("draftzqx"))
    notes.sign(p.root, [saved.record])
    added = notes.addend(p.root, saved.record, text="addendumzqx", reason="correction")
    notes.sign(p.root, [added.record])
    notes.keep(p.root, b"slot", notes.Unsaved(person, b"", {"presentation": "unsavedzqx"}, 1))
    colleague = next(who for who in p.staff.values() if who.name == "Colleaguezqx")
    work = p.root.work()
    reader = primitives.user_recipient(p.root.session, colleague.user, roles.COUPLES_THERAPIST)
    primitives.share(
        p.root.session, work, [saved.revision], [reader], purpose="purposezqx", rule="reasonzqx", person=person,
        not_after_ms=work.at_ms + 10_000,
    )  # fmt: skip
    p.root.commit(work)
    assert records.search(p.root, "draftzqx")
    records.log_search(p.root)
    records.read(p.root, saved.record)
    words += ["draftzqx", "addendumzqx", "unsavedzqx"]


def test_the_words_are_really_there(planted: Planted) -> None:
    """Otherwise a scan that finds nothing says nothing."""
    text = " ".join(row[0] for row in planted.program.root.view.rows("SELECT body FROM searchtext"))
    worded = [
        word
        for kind in PLANTED
        if (word := _word(kind.kind)) in kind.search_text(filled(kind.struct, word))  # some have choices and dates only
    ]
    assert len(worded) > len(PLANTED) / 2
    assert not [word for word in worded if word not in text]
    assert traces.in_bytes("xx CanaryZQX xx".encode("utf-16-le"), ["canaryzqx"]) == {"canaryzqx"}


def test_no_word_lies_readable_while_the_vault_is_open(planted: Planted) -> None:
    """The write-ahead logs are full and nothing is folded in: as a killed process leaves it."""
    assert traces.in_folder(planted.program.path, planted.words) == {}


def test_no_word_lies_readable_after_closing_and_rebuilding(planted: Planted, tmp_path: Path) -> None:
    p = planted.program
    p.root.rebuild_view()
    assert p.root.verify() == []
    p.close()
    try:
        assert traces.in_folder(p.path, planted.words) == {}
        names = {path.name for path in p.path.rglob("*") if path.is_file()}
        assert not [name for name in names if name.endswith((".tmp", ".new", "-journal", "~"))]
        modes = {path.stat().st_mode & 0o077 for path in [p.path, *p.path.rglob("*")]}
        assert modes == {0}
    finally:
        p.unlock()


def test_secrets_do_not_print(planted: Planted) -> None:
    root = planted.program.root
    texts = [repr(root.user), str(root.user), repr(root.session), repr(root.own_secrets()), repr(root.vault_keys())]
    hexed = [root.user.enc_secret.reveal().hex(), root.vault_keys().vault_key.reveal().hex()]
    raw = [repr(root.user.enc_secret.reveal()), repr(root.vault_keys().vault_key.reveal())]
    assert not any(secret in text for secret in [*hexed, *raw] for text in texts)


_DAY = """
import sys
from pathlib import Path
from tests.support.clinic.program import *
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.records import api as records
p = program(Path(sys.argv[1]), "individual therapist", "medical director")
person = p.register(p.founder, "Givenzqx", "Familyzqx")
p.assign(p.founder, person, p.founder, "individual therapist")
p.settle()
saved = notes.save(p.root, person, note("draftzqx"))
notes.sign(p.root, [saved.record])
records.search(p.root, "draftzqx")
p.root.verify()
p.root.rebuild_view()
p.close()
p.unlock()
try:
    p.root.session.open_revision(b"draftzqx")
except Exception as error:
    print(error.message)
(p.path / "vault.db-wal").write_bytes(b"x" * 4096)
try:
    p.root.close()
finally:
    print("done")
"""


def test_nothing_is_printed_logged_or_left_in_temporary_files(tmp_path: Path) -> None:
    for name in ("temp", "home", "vault", "work"):
        (tmp_path / name).mkdir()
    folders = {name: str(tmp_path / name) for name in ("temp", "home")}
    env = {**os.environ, "TMPDIR": folders["temp"], "SQLITE_TMPDIR": folders["temp"], "HOME": folders["home"]}
    env["PYTHONPATH"] = os.getcwd()
    done = subprocess.run(
        [sys.executable, "-c", _DAY, str(tmp_path / "vault")],
        capture_output=True, env=env, cwd=tmp_path / "work", timeout=120, check=False,
    )  # fmt: skip
    assert b"done" in done.stdout
    words = ["givenzqx", "familyzqx", "draftzqx", PHRASE.decode()]
    # A traceback may name its source line (this script's), never a value.
    printed = done.stdout + done.stderr
    assert not traces.in_bytes(printed.replace(_DAY.encode(), b""), words), printed[-2000:]
    assert list((tmp_path / "temp").iterdir()) == []
    assert list((tmp_path / "work").iterdir()) == []
    assert traces.in_folder(tmp_path, words) == {}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_memory_reader_finds_what_is_there() -> None:
    """Used by the tests of locking: it must find a word in a process that holds one, and none where there is none."""
    script = "import sys; kept = [''.join(sys.argv[1:]).upper().lower()]; print('ready', flush=True); sys.stdin.read()"
    for parts, expected in ((["heldin", "memoryzqx"], {"heldinmemoryzqx"}), (["some", "thing"], set())):
        with subprocess.Popen(
            [sys.executable, "-c", script, *parts], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            assert traces.in_memory(process.pid, ["heldinmemoryzqx"]) == expected
            process.kill()


def test_a_copied_vault_is_worth_nothing_without_secrets(planted: Planted, tmp_path: Path) -> None:
    from iop_tui import workspace
    from iop_tui.kernel.errors import WrongSecrets

    p = planted.program
    p.close()
    try:
        path = shutil.copytree(p.path, tmp_path / "copy")
    finally:
        p.unlock()
    with pytest.raises(WrongSecrets):
        workspace.unlock(path, p.env, name=p.founder.name, phrase=bytearray(b"guess"), code="000000")
