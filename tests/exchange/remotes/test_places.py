"""Where a carrier can be: understood, shown as it is kept, refused with a reason, and never with a secret in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from iop_tui.exchange.remotes.places import DAV, FILE, FOLDER, S3, PlaceRefused, parse


@pytest.mark.parametrize(
    ("text", "kind", "kept", "name"),
    [
        ("/media/stick", FOLDER, "/media/stick", "stick"),
        ("/tmp/all.cwx", FILE, "/tmp/all.cwx", "all.cwx"),
        ("s3://clinic", S3, "s3://clinic", "clinic"),
        ("s3://clinic/iop/?region=eu-west-1", S3, "s3://clinic/iop?region=eu-west-1", "iop"),
        (
            "S3://clinic/iop?region=eu&endpoint=https://objects.example:9000/", S3,
            "s3://clinic/iop?endpoint=https://objects.example:9000&region=eu", "iop",
        ),
        ("https://cloud.example/dav/files/iop/", DAV, "https://cloud.example/dav/files/iop", "iop"),
        ("HTTPS://Cloud.Example", DAV, "https://cloud.example", "cloud.example"),
        ("davs://cloud.example/my%20files", DAV, "https://cloud.example/my%20files", "my files"),
        ("http://localhost:8080/dav", DAV, "http://localhost:8080/dav", "dav"),
        ("http://[::1]:8080/dav", DAV, "http://[::1]:8080/dav", "dav"),
    ],
)  # fmt: skip
def test_places(text: str, kind: str, kept: str, name: str) -> None:
    found = parse(text)
    assert (found.kind, found.text, found.name) == (kind, kept, name)
    assert parse(found.text) == found


def test_a_folder_is_kept_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse("stick").path == tmp_path / "stick"
    assert parse(Path("stick")) == parse("stick")


def test_the_server_of_a_bucket_without_one_is_amazons() -> None:
    assert parse("s3://clinic?region=eu-west-1").origin == "https://s3.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "No place"),
        ("ftp://host/x", "not known"),
        ("http://clinic.example/dav", "https"),
        ("http://127.0.0.1.clinic.example/dav", "https"),
        ("s3://clinic?endpoint=http://objects.example", "https"),
        ("s3://Clinic", "bucket"),
        ("s3://", "bucket"),
        ("s3://clinic?profile=x", "profile"),
        ("s3://clinic?region=eu/../x", "region"),
        ("s3://clinic?endpoint=objects.example", "https://host"),
        ("s3://clinic?endpoint=https://objects.example/path", "https://host"),
        ("https://host/a/../b", "steps up"),
        ("https://host/a%00b", "odd characters"),
        ("https://host/dav?x=1", "behind a ?"),
        ("https://host/dav#x", "behind #"),
        ("https://host:port/dav", "address"),
        ("https://[::1/dav", "address"),
    ],
)
def test_refused(text: str, why: str) -> None:
    with pytest.raises(PlaceRefused) as caught:
        parse(text)
    assert why in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "https://user:hunter2@host/dav", "https://hunter2@host/dav", "s3://hunter2:x@clinic", "s3://clinic?secret=hunter2",
        "s3://clinic?secret_access_key=hunter2", "https://host/dav?password=hunter2", "https://host/?token=hunter2",
    ],
)  # fmt: skip
def test_a_place_with_a_secret_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(PlaceRefused) as caught:
        parse(text)
    assert "no password and no key" in caught.value.message
    assert "hunter2" not in caught.value.message + caught.value.hint


def test_a_secret_in_the_endpoint_is_refused_without_repeating_it() -> None:
    with pytest.raises(PlaceRefused) as caught:
        parse("s3://clinic?endpoint=https://hunter2:x@objects.example")
    assert "hunter2" not in caught.value.message + caught.value.hint
