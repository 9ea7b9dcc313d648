"""Attaching and opening: every size around the borders of parts, every part of a record, everything that is refused."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.access import charts
from iop_tui.clinical.attachments import api as attachments
from iop_tui.clinical.attachments import service, sources
from iop_tui.clinical.attachments.api import Order
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import service as signing
from iop_tui.kernel.errors import (
    Cancelled,
    DiskFull,
    InputRejected,
    IopError,
    NoKey,
    NotFound,
    NotReady,
    Refused,
    RuleRefused,
    Usage,
    VaultDamaged,
)
from iop_tui.kernel.ids import show_id
from iop_tui.shell.commands.call import Call, Opener, Options, run
from iop_tui.shell.commands.parser import build
from iop_tui.store import chunks as stored
from iop_tui.vault import chunks
from iop_tui.workspace import Workspace
from tests.integration.attachments.conftest import Staff, order
from tests.support.clinic.couples import agree, pair_of
from tests.support.clinic.vaults import Program, today

_BORDERS = sorted({
    max(1, chunks.payload(size) * count + more) for size in (chunks.SMALL, chunks.NARROW) for count in (1, 2)
    for more in (-1, 0, 1)
})  # fmt: skip


def _back(ws: Workspace, record: bytes) -> bytes:
    return b"".join(attachments.open_file(ws, record).pieces())


@given(st.one_of(st.sampled_from(_BORDERS), st.integers(1, 3 * chunks.payload(chunks.NARROW))), st.booleans())
def test_every_size_comes_back_in_parts_of_one_size(size: int, wide: bool) -> None:
    """Without a vault: cut, sealed, opened, joined."""
    whole = chunks.size_for(size, wide=wide)
    count = chunks.rounded(-(-size // chunks.payload(whole)))
    assert whole in chunks.SIZES
    assert chunks.payload(whole) * count >= size
    assert count <= 1.13 * -(-size // chunks.payload(whole)) + 1


@pytest.mark.parametrize("size", _BORDERS)
def test_a_file_comes_back_as_it_was(small: Program, nadia: Workspace, size: int) -> None:
    content = os.urandom(size)
    done = attachments.attach(nadia, order(small, nadia), io.BytesIO(content))
    assert _back(nadia, done.record) == content
    store = attachments.store(nadia)
    assert {store.size(name) for name in attachments.parts(done.document)} == {done.document.part_size}


@given(st.lists(st.integers(0, 40_000), min_size=1, max_size=6))
def test_a_source_may_give_its_bytes_in_any_portions(portions: list[int]) -> None:
    class Dribble:
        def __init__(self, content: bytes) -> None:
            self.file, self.portions = io.BytesIO(content), [*portions, *[1] * 3]

        def read(self, size: int, /) -> bytes:
            return self.file.read(min(size, max(1, self.portions.pop(0))) if self.portions else size)

    content = os.urandom(70_000)
    pieces = list(sources.pieces(Dribble(content), 9_000))
    assert b"".join(pieces) == content
    assert {len(piece) for piece in pieces[:-1]} == {9_000}


def test_the_same_file_twice_has_no_part_in_common(small: Program, nadia: Workspace) -> None:
    """No convergent sealing: who knows a file cannot ask for its parts."""
    content = b"A standard form. " * 9_000
    one, two = (attachments.attach(nadia, order(small, nadia), io.BytesIO(content)) for _ in "ab")
    assert one.document.sha256 == two.document.sha256
    assert not set(attachments.parts(one.document)) & set(attachments.parts(two.document))


@pytest.mark.parametrize("place", ["", "MED", "CRISIS", "PSY", "SAFE"])
def test_the_author_chooses_the_part(small: Program, nadia: Workspace, place: str) -> None:
    done = attachments.attach(nadia, order(small, nadia, place=place), io.BytesIO(b"%PDF-1.7 x"))
    line = records.line_of(nadia, done.record)
    assert (line.compartment_kind, line.status) == (place or "IND", "kept")
    assert done.document.media_type == "application/pdf"


def test_offices_and_couples_attach_in_their_own_parts(small: Program, staff: Staff) -> None:
    for name, place in (("fay", "DIR"), ("bill", "PAY"), ("cleo", "HOLD"), ("sol", "")):
        ws = staff[name]
        done = attachments.attach(ws, order(small, ws, place=place), io.BytesIO(b"x"))
        assert records.line_of(ws, done.record).compartment_kind == (place or "SUD")
        signing.void(ws, done.record, reason="wrong person", explanation="Somebody else's.")
        assert records.line_of(ws, done.record).mark == "void"
        assert _back(ws, done.record) == b"x"


@pytest.mark.parametrize(
    ("who", "person", "place"),
    [("fay", "ana", ""), ("tom", "ana", ""), ("nadia", "ben", "PSY"), ("nadia", "ana", "PAY"), ("tom", "ana", "SAFE")],
)
def test_no_part_in_the_care_no_attachment(small: Program, staff: Staff, who: str, person: str, place: str) -> None:
    ws = staff[who]
    before = attachments.store(ws).names()
    with pytest.raises((NoKey, NotFound)):
        attachments.attach(ws, order(small, ws, person, place=place), io.BytesIO(b"x"))
    assert attachments.store(ws).names() == before


def test_what_is_kept_apart_does_not_enter_the_joint_record(small: Program, staff: Staff) -> None:
    """CR-5, by the file's digest: the wall holds for files as for words."""
    cleo = staff["cleo"]
    couple = next(iter(charts.couple_links(cleo.session)))
    attachments.attach(cleo, order(small, cleo, place="HOLD"), io.BytesIO(b"Only for you."))
    joint = Order(couple, "Both", "letter", today(cleo), place="JNT")
    with pytest.raises(RuleRefused) as refused:
        attachments.attach(cleo, joint, io.BytesIO(b"Only for you."))
    assert refused.value.rule == "attachment.kept_apart"
    done = attachments.attach(cleo, joint, io.BytesIO(b"For both."))
    assert records.line_of(cleo, done.record).compartment_kind == "JNT"


def test_files_follow_what_the_couple_agreed_to(fresh: Program) -> None:
    """CR-7: nothing before both signed, nothing held under separate-only. CR-12: nothing after the end."""
    with fresh.workspace("cleo") as cleo:
        pair = pair_of(fresh, cleo)

        def refused(subject: bytes, place: str) -> str:
            wanted = Order(subject, "A letter", "letter", today(cleo), place=place)
            with pytest.raises(RuleRefused) as error:
                attachments.attach(cleo, wanted, io.BytesIO(b"x"))
            assert not attachments.store(cleo).names()
            return error.value.rule

        assert (refused(pair.id, "JNT"), refused(pair.a, "HOLD")) == ("couple.agreement", "couple.agreement")
        cleo.confirm(fresh.users["cleo"].typed())
        agree(cleo, pair)
        assert refused(pair.a, "HOLD") == "couple.cr7"
        home = attachments.check(cleo, Order(pair.id, "A letter", "letter", today(cleo), place="JNT"))
        couples.dissolve(cleo, pair.id, trigger=couples.TRIGGERS[0])
        assert (refused(pair.id, "JNT"), refused(pair.a, "HOLD")) == ("couple.ended", "couple.ended")
        late = Order(pair.id, "A letter", "letter", today(cleo), place="JNT")
        sealed = attachments.seal(cleo, late, home, io.BytesIO(b"sealed before the end"))
        with pytest.raises(RuleRefused):
            attachments.finish(cleo, sealed)
        assert not attachments.store(cleo).names()


def test_a_link_does_not_cross_parts(small: Program, nadia: Workspace) -> None:
    private = attachments.attach(nadia, order(small, nadia, place="PSY"), io.BytesIO(b"x"))
    with pytest.raises(Refused, match="another part"):
        attachments.attach(nadia, order(small, nadia, record=private.record), io.BytesIO(b"x"))
    own = attachments.attach(nadia, order(small, nadia), io.BytesIO(b"x"))
    linked = attachments.attach(nadia, order(small, nadia, record=own.record), io.BytesIO(b"x"))
    assert linked.document.record


def test_attachments_are_not_typed_in_and_not_changed(small: Program, nadia: Workspace) -> None:
    done = attachments.attach(nadia, order(small, nadia), io.BytesIO(b"x"))
    with pytest.raises(NotReady, match="made from a file"):
        charting.save(nadia, small.people["ana"], attachments.ATTACHMENT, done.document, record=done.record)
    with pytest.raises(Refused, match="not signed"):
        signing.sign(nadia, [done.record])


# -- bad input -----------------------------------------------------------------------------


def _refused(made: Program, ws: Workspace, path: Path) -> InputRejected:
    before, people = attachments.store(ws).names(), len(attachments.lines(ws, made.people["ana"]))
    wanted = order(made, ws)
    with pytest.raises(InputRejected) as refused:
        service.seal_file(ws, wanted, attachments.check(ws, wanted), path)
    assert attachments.store(ws).names() == before
    assert not list((ws.path / "chunks" / "new").glob("*"))
    assert len(attachments.lines(ws, made.people["ana"])) == people
    assert refused.value.hint
    return refused.value


def test_what_is_no_file_is_refused_in_words(
    small: Program, nadia: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * 100)
    said = {name: _refused(small, nadia, tmp_path / name).message for name in ("empty", "absent", "pipe", ".")}
    assert said == {
        "empty": "The file is empty.", "absent": "There is no such file.", "pipe": "This is no ordinary file.",
        ".": "This is a folder, not a file.",
    }  # fmt: skip
    monkeypatch.setattr(sources, "LARGEST", 99)
    assert "larger than" in _refused(small, nadia, tmp_path / "large").message
    with pytest.raises(InputRejected, match="larger than"):
        attachments.attach(nadia, order(small, nadia), io.BytesIO(b"x" * 100))


def test_a_file_that_cannot_be_read_is_refused_in_words(
    small: Program, nadia: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "locked").write_bytes(b"x")

    def denied(*_args: object, **_more: object) -> int:
        raise PermissionError(errno.EACCES, "denied", str(tmp_path / "locked"))

    monkeypatch.setattr("iop_tui.clinical.attachments.sources.os.open", denied)
    assert "permissions" in _refused(small, nadia, tmp_path / "locked").message


def test_a_file_that_changes_while_it_is_read_is_refused(small: Program, nadia: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "growing"
    path.write_bytes(os.urandom(1_000_000))
    wanted = order(small, nadia)
    before = attachments.store(nadia).names()

    def more(done: int, total: int) -> None:
        if done < total:
            with path.open("ab") as file:
                file.write(b"more")

    with pytest.raises(InputRejected, match="changed"):
        service.seal_file(nadia, wanted, attachments.check(nadia, wanted), path, progress=more)
    assert attachments.store(nadia).names() == before
    assert not list((nadia.path / "chunks" / "new").glob("*"))


def test_nothing_in_it_and_nothing_said_of_it(small: Program, nadia: Workspace) -> None:
    with pytest.raises(InputRejected, match="nothing in it"):
        attachments.attach(nadia, order(small, nadia), io.BytesIO(b""))
    for missing in ({"title": ""}, {"what": ""}):
        with pytest.raises(NotReady):
            attachments.attach(nadia, order(small, nadia, **missing), io.BytesIO(b"x"))


@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, "full"), OSError(errno.EIO, "broken"), Cancelled("Stopped.")]
)
def test_a_full_disk_and_a_stop_leave_nothing(
    small: Program, nadia: Workspace, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    write, count = stored._write, []

    def failing(place: Path, data: bytes) -> None:
        count.append(place)
        if len(count) == 3:
            raise failure
        write(place, data)

    before, lines = attachments.store(nadia).names(), len(attachments.lines(nadia, small.people["ana"]))
    monkeypatch.setattr(stored, "_write", failing)
    with pytest.raises(IopError) as told:
        attachments.attach(nadia, order(small, nadia), io.BytesIO(os.urandom(1_000_000)))
    monkeypatch.undo()
    if isinstance(failure, OSError) and failure.errno == errno.ENOSPC:
        assert isinstance(told.value, DiskFull)
        assert "nothing was attached" in told.value.message
    assert attachments.store(nadia).names() == before
    assert not list((nadia.path / "chunks" / "new").glob("*"))
    assert len(attachments.lines(nadia, small.people["ana"])) == lines


# -- what lies on the disk -----------------------------------------------------------------


def test_a_changed_or_swapped_part_is_never_shown(small: Program, nadia: Workspace) -> None:
    content = os.urandom(400_000)
    done = attachments.attach(nadia, order(small, nadia), io.BytesIO(content))
    store, names = attachments.store(nadia), attachments.parts(done.document)
    place = store.root / names[0][0] / names[0]
    raw = bytearray(place.read_bytes())
    raw[1_000] ^= 1
    place.write_bytes(raw)
    with pytest.raises(attachments.PartsMissing):
        _back(nadia, done.record)
    assert store.aside() == [names[0]]
    found = attachments.findings(nadia)
    assert [item.alarm for item in found] == [True]
    assert "1 of 2 parts of an attachment are missing here. It was attached on this device" in found[0].what
    raw[1_000] ^= 1
    store.put(names[0], bytes(raw))
    assert _back(nadia, done.record) == content
    assert attachments.findings(nadia, deep=True) == []


def test_a_part_opens_in_its_place_only(small: Program, nadia: Workspace) -> None:
    from iop_tui.clinical.attachments import manifest

    done = attachments.attach(nadia, order(small, nadia), io.BytesIO(os.urandom(400_000)))
    names, store = attachments.parts(done.document), attachments.store(nadia)
    blob = manifest.blob(done.document, nadia.realm)
    chunk = store.sound(names[0]) or b""
    blob.open_(0, chunk)
    with pytest.raises(VaultDamaged):
        blob.open_(1, chunk)


def test_reading_is_in_the_log_before_the_first_byte(small: Program, nadia: Workspace) -> None:
    from iop_tui.clinical.compliance import service as compliance

    done = attachments.attach(nadia, order(small, nadia), io.BytesIO(b"x"))
    attachments.open_file(nadia, done.record)
    mine = [event for event in compliance.audit_report(nadia) if event.subject == done.record]
    assert [event.action for event in mine] == ["attach", "read", "attachment-opened"]


# -- on the command line -------------------------------------------------------------------


def _call(ws: Workspace, *words: str, in_batch: bool = False) -> Call:
    opener = Opener(Options("", "", None, json=False, now=""))
    opener.adopt(ws)
    return Call(build().parse_args(list(words)), opener, in_batch)


def test_a_file_goes_in_by_name_and_is_listed(small: Program, nadia: Workspace, tmp_path: Path) -> None:
    """What it is, is read from its bytes; the file stays, and the answer says so. No answer holds a key."""
    path, ana = tmp_path / "report.docx", show_id(small.people["ana"])
    path.write_bytes(b"%PDF-1.7 report")
    options = ("--title", "Panel", "--what", "lab report", "--from", "St. Luke", "--on", "2026-03-01")
    done = run(_call(nadia, "attach", ana, str(path), *options))
    assert (done.value["media_type"], done.value["bytes"]) == ("application/pdf", 15)
    assert f"stays where it was, unsealed: {path}" in done.lines[1]
    rows = run(_call(nadia, "attachment", "list", ana)).value
    (row,) = [row for row in rows if row["id"] == done.value["id"]]
    assert (row["missing"], row["part"], row["date"]) == (0, "IND", "2026-03-01")
    shown = run(_call(nadia, "show", done.value["id"])).value
    assert (shown["key"], shown["parts"], shown["title"], shown["sender"]) == ("", "", "Panel", "St. Luke")
    assert run(_call(nadia, "attachment", "pin", ana)).value["pinned"]
    assert not run(_call(nadia, "attachment", "unpin", ana)).value["pinned"]
    with pytest.raises(Refused, match="not entered by hand"):
        run(_call(nadia, "new", "attachment", "--person", ana))
    for words in (("attach", ana, "-", "--title", "x"), ("attach", ana, str(path), "--title=x", "--on", "May")):
        with pytest.raises(Usage):
            run(_call(nadia, *words, in_batch=True))


def test_the_bytes_go_to_a_pipe_and_never_raw_to_a_terminal(
    small: Program, nadia: Workspace, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"%PDF-1.7 " + os.urandom(70_000)
    scan = attachments.attach(nadia, order(small, nadia), io.BytesIO(content)).record
    letter = attachments.attach(nadia, order(small, nadia), io.BytesIO(b"Dear\x1b[2J all,\n")).record
    with os.fdopen(os.dup(1), "w") as out:
        monkeypatch.setattr("sys.stdout", out)
        assert run(_call(nadia, "attachment", "show", show_id(scan))).lines == []
    assert capfdbinary.readouterr().out == content
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdout", terminal)
    with pytest.raises(Refused, match="a terminal cannot show it"):
        run(_call(nadia, "attachment", "show", show_id(scan)))
    assert run(_call(nadia, "attachment", "show", show_id(letter))).lines == ["Dear[2J all,", ""]
