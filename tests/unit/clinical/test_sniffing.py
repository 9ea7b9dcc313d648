"""What a file is, by its bytes: names and endings are not asked."""

from __future__ import annotations

import pytest

from iop_tui.clinical.attachments.sniffing import TEXT, UNKNOWN, ending, is_readable, media_type

_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"II*\x00....", "image/tiff"),
        (b"RIFF....WEBPVP8 ", "image/webp"),
        (b"....ftypheic", "image/heic"),
        (bytes(128) + b"DICM", "application/dicom"),
        (b"PK\x03\x04....word/document.xml", _WORD),
        (b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.text",
         "application/vnd.oasis.opendocument.text"),
        (b"PK\x03\x04....other", "application/zip"),
        (b"MZ\x90\x00\x03", "application/x-msdownload"),
        (b"\x7fELF\x02", "application/x-executable"),
        (b"BM\x00\x00\x10\x00", "image/bmp"),
        (b"<?xml version='1.0'?><ClinicalDocument/>", "application/xml"),
        (b"  <!DOCTYPE html><html>", "text/html"),
        ("Grüße aus der Klinik".encode(), TEXT),
        (b"\xef\xbb\xbf# Title\n", TEXT),
        (b"BMI 23, MZ none", TEXT),
        (b"BMI 23", TEXT),
        (b"MZ is a place", TEXT),
        (b"caf\xc3", TEXT),
        (b"caf\xe9 noir", UNKNOWN),
        (b"a\x00b", UNKNOWN),
        (bytes(64), UNKNOWN),
    ],
)
def test_kinds(head: bytes, kind: str) -> None:
    assert media_type(head) == kind


def test_only_plain_text_is_shown_here() -> None:
    """A page of the web is never drawn; it is text for a program of its own."""
    assert is_readable(TEXT)
    assert not is_readable("text/html")
    assert (ending("application/pdf"), ending("application/x-executable")) == ("pdf", "bin")
