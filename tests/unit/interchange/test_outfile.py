"""Files that leave: complete under their name or not there, whatever the disk does."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iop_tui.interchange import outfile
from iop_tui.interchange.outfile import AlreadyThere, staged_file, staged_folder, write_file
from iop_tui.kernel.errors import DiskFull, MediumUnusable, ReadOnlyMedium


@pytest.fixture(params=["nameless", "part"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With files without a name, and on a file system that has none."""
    if request.param == "part":
        monkeypatch.setattr("iop_tui.interchange.outfile._put_without_name", lambda part, content: False)
    return str(request.param)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_complete_private_and_synced(way: str, tmp_path: Path) -> None:
    content = os.urandom(300_000)
    write_file(tmp_path / "out", content)
    assert (tmp_path / "out").read_bytes() == content
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600
    assert names(tmp_path) == ["out"]


def test_without_publishing_nothing_stays(way: str, tmp_path: Path) -> None:
    with staged_file(tmp_path / "out", b"x"):
        assert names(tmp_path) == ["out.part"], "complete, but without its name"
        assert (tmp_path / "out.part").read_bytes() == b"x"
    assert names(tmp_path) == []
    with pytest.raises(KeyError), staged_file(tmp_path / "out", b"x"):
        raise KeyError
    assert names(tmp_path) == []


def test_nothing_is_replaced(way: str, tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"mine")
    with pytest.raises(AlreadyThere):
        write_file(tmp_path / "out", b"yours")
    with staged_file(tmp_path / "late", b"yours") as publish:
        (tmp_path / "late").write_bytes(b"mine")
        with pytest.raises(AlreadyThere):
            publish()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(AlreadyThere):
        write_file(tmp_path / "link", b"yours")
    assert (tmp_path / "late").read_bytes() == (tmp_path / "out").read_bytes() == b"mine"
    assert names(tmp_path) == ["late", "link", "out"]


def _failing(number: int, after: int) -> Callable[[int, bytes], int]:
    write, done = os.write, [0]

    def fail(handle: int, content: bytes) -> int:
        done[0] += 1
        if done[0] > after:
            raise OSError(number, os.strerror(number))
        return write(handle, content[:1000])

    return fail


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EIO, MediumUnusable),
                         (errno.EROFS, ReadOnlyMedium)],
)  # fmt: skip
@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_failing_disk_leaves_nothing(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception], after: int
) -> None:
    monkeypatch.setattr("iop_tui.interchange.outfile.os.write", _failing(number, after))
    with pytest.raises(kind):
        write_file(tmp_path / "out", bytes(20_000))
    with pytest.raises(kind), staged_folder(tmp_path / "folder", [("a", bytes(9_000)), ("b/c", bytes(9_000))]):
        pass
    assert names(tmp_path) == []


def test_a_folder_has_its_name_when_it_is_complete(tmp_path: Path) -> None:
    def contents() -> Iterator[tuple[str, bytes]]:
        yield "a", b"1"
        assert names(tmp_path) == ["out.part"]
        yield "b/c", b"2"

    with staged_folder(tmp_path / "out", contents()) as publish:
        publish()
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out" / "b" / "c").read_bytes() == b"2"
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").rglob("*")} == {0o600, 0o700}


def test_what_an_earlier_try_left_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "out.part").mkdir()
    with pytest.raises(AlreadyThere, match=r"out\.part"), staged_folder(tmp_path / "out", [("a", b"")]):
        pass
    assert names(tmp_path) == ["out.part"]


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(MediumUnusable, match="no folder"):
        outfile.check_free(tmp_path / "nowhere" / "out")
