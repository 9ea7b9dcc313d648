"""`export --to`: the whole export as one encrypted stream; nothing of it ever lies on the disk unsealed."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

import pyrage
import pytest

from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.interchange import exports
from iop_tui.interchange.tarstream import tar_pieces
from iop_tui.kernel.errors import DiskFull, InputRejected, Usage
from iop_tui.vault import age
from iop_tui.workspace import Workspace
from tests.support.clinic.vaults import Program


@pytest.fixture(scope="module")
def identity() -> pyrage.x25519.Identity:
    return pyrage.x25519.Identity.generate()


def opened(file: Path, identity: pyrage.x25519.Identity) -> dict[str, bytes]:
    """The files of a sealed export."""
    with tarfile.open(fileobj=io.BytesIO(pyrage.decrypt(file.read_bytes(), [identity]))) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]


def test_one_person_sealed_holds_the_same_as_the_folder(
    ws: Workspace, small: Program, tmp_path: Path, identity: pyrage.x25519.Identity
) -> None:
    ana = small.people["ana"]
    exports.export_person(ws, ana, tmp_path / "folder")
    exports.export_person(ws, ana, tmp_path / "one.age", to=str(identity.to_public()))
    found = opened(tmp_path / "one.age", identity)
    assert set(found) == {path.name for path in (tmp_path / "folder").iterdir()}
    for name, content in found.items():
        if name not in ("manifest.json", "README.txt"):
            assert content == (tmp_path / "folder" / name).read_bytes(), name
    assert stat.S_IMODE((tmp_path / "one.age").stat().st_mode) == 0o600
    assert len(disclosures.accounting(ws, ana).rows) >= 2


def test_everyone_sealed_to_one_key(
    ws: Workspace, small: Program, tmp_path: Path, identity: pyrage.x25519.Identity
) -> None:
    made = exports.export_all(ws, tmp_path / "all.age", to=str(identity.to_public()))
    found = opened(tmp_path / "all.age", identity)
    manifest = json.loads(found["manifest.json"])
    assert len(manifest["people"]) == made.people == len(small.people)
    assert "Quill" not in (tmp_path / "all.age").read_bytes().decode("latin-1")


def test_nothing_unsealed_is_ever_written(
    ws: Workspace, small: Program, tmp_path: Path, identity: pyrage.x25519.Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything that is written to the disk for it, piece by piece: no name, no header of a tar, no JSON."""
    real, pieces = os.write, list[bytes]()

    def noted(handle: int, content: bytes) -> int:
        pieces.append(bytes(content))
        return real(handle, content)

    with monkeypatch.context() as patch:
        patch.setattr("iop_tui.interchange.outfile.os.write", noted)
        exports.export_all(ws, tmp_path / "all.age", to=str(identity.to_public()))
    written = b"".join(pieces)
    assert written == (tmp_path / "all.age").read_bytes()
    for word in (b"Quill", b"resourceType", b"ustar", b"Patient"):
        assert word not in written
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.age", "vault"]


def test_six_words_for_one_person_and_never_for_everyone(ws: Workspace, small: Program, tmp_path: Path) -> None:
    made = exports.export_person(ws, small.people["ana"], tmp_path / "one.age", to="passphrase")
    assert len(made.passphrase.split("-")) == 6
    assert pyrage.passphrase.decrypt((tmp_path / "one.age").read_bytes(), made.passphrase)
    with pytest.raises(Usage):
        exports.export_all(ws, tmp_path / "all.age", to="passphrase")
    assert not (tmp_path / "all.age").exists()


@pytest.mark.parametrize("to", ["age1nobody", "ssh-ed25519 AAAA", "somebody@example.org"])
def test_an_age_recipient_that_is_none(ws: Workspace, small: Program, tmp_path: Path, to: str) -> None:
    before = len(disclosures.accounting(ws, small.people["ana"]).rows)
    for call in (
        lambda: exports.export_person(ws, small.people["ana"], tmp_path / "out.age", to=to),
        lambda: exports.export_all(ws, tmp_path / "out.age", to=to),
    ):
        with pytest.raises(InputRejected, match="no key that a packet can be encrypted to"):
            call()
    assert not (tmp_path / "out.age").exists()
    assert len(disclosures.accounting(ws, small.people["ana"]).rows) == before


def test_a_full_disk_in_the_middle_of_the_stream(
    ws: Workspace, small: Program, tmp_path: Path, identity: pyrage.x25519.Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr("iop_tui.interchange.outfile.os.write", full)
        with pytest.raises(DiskFull, match="was not written"):
            exports.export_all(ws, tmp_path / "all.age", to=str(identity.to_public()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["vault"]
    assert disclosures.accounting(ws, small.people["ana"], internal=True).rows == ()


def test_a_stream_is_taken_piece_by_piece(identity: pyrage.x25519.Identity) -> None:
    """Forty MiB of files while nothing above a few hundred KiB waits."""
    waiting, most = 0, 0

    def files() -> object:
        nonlocal waiting, most
        for number in range(40):
            waiting += 1 << 20
            most = max(most, waiting)
            yield f"{number}.txt", bytes(1 << 20)

    def sink(piece: bytes) -> None:
        nonlocal waiting
        waiting = max(0, waiting - len(piece))

    age.encrypt_stream(tar_pieces(files(), 0), sink, [age.recipient(str(identity.to_public()))])  # type: ignore[arg-type]
    assert most <= 3 << 20


@pytest.mark.tools
def test_the_age_program_and_tar_open_it(ws: Workspace, small: Program, tmp_path: Path) -> None:
    age_program, keygen = shutil.which("age"), shutil.which("age-keygen")
    assert age_program, "install the age package"
    assert keygen
    subprocess.run([keygen, "-o", str(tmp_path / "key.txt")], check=True, capture_output=True)
    public = (tmp_path / "key.txt").read_text().partition("public key: ")[2].splitlines()[0]
    exports.export_all(ws, tmp_path / "all.age", to=public)
    plain = subprocess.run(
        [age_program, "--decrypt", "--identity", str(tmp_path / "key.txt"), str(tmp_path / "all.age")],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    listed = subprocess.run(["tar", "--list"], input=plain, check=True, capture_output=True).stdout.decode()
    assert "manifest.json" in listed
