"""What a file is, by its first bytes. Names and endings are not asked: they say what somebody wished it were.

Signatures: the formats' own specifications; media types: IANA.
"""

from __future__ import annotations

import codecs
import re

HEAD = 64 * 1024
"""How many first bytes are looked at."""
UNKNOWN = "application/octet-stream"
TEXT = "text/plain"
_STARTS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftyphei", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftyp", "video/mp4"),
    (0, b"BM", "image/bmp"),
    (128, b"DICM", "application/dicom"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"ID3", "audio/mpeg"),
    (8, b"WAVE", "audio/wav"),
    (0, b"OggS", "application/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"MZ", "application/x-msdownload"),
)
_OFFICE = (
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_OPEN_DOCUMENT = re.compile(rb"mimetype(application/vnd\.oasis\.opendocument\.[a-z]+)")
_WEAK = 2
"""Signatures of two letters also begin ordinary words."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_MARKUP = (("<?xml", "application/xml"), ("<!doctype html", "text/html"), ("<html", "text/html"))
_ENDINGS = {
    "application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/tiff": "tif",
    "image/webp": "webp", "application/xml": "xml", "text/html": "html", TEXT: "txt", "application/rtf": "rtf",
    "application/dicom": "dcm",
}  # fmt: skip


def media_type(head: bytes) -> str:
    """The media type of a file that begins with these bytes (at most `HEAD`); `UNKNOWN` where nothing fits."""
    for at, signature, kind in _STARTS:
        if head[at : at + len(signature)] == signature and not (len(signature) == _WEAK and _is_text(head)):
            return kind
    if head.startswith(b"PK\x03\x04"):
        return _zipped(head)
    return _text(head) if _is_text(head) else UNKNOWN


def ending(kind: str) -> str:
    """The usual ending of a file of a media type, for files that leave; `bin` for the rest."""
    return _ENDINGS.get(kind, "bin")


def is_readable(kind: str) -> bool:
    """Whether the program shows such a file itself, as plain text."""
    return kind == TEXT


def _zipped(head: bytes) -> str:
    found = _OPEN_DOCUMENT.search(head[:200])
    if found:
        return found[1].decode("ascii")
    return next((kind for inside, kind in _OFFICE if inside in head), "application/zip")


def _is_text(head: bytes) -> bool:
    """UTF-8 without control characters; the last character may be cut."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        text = decoder.decode(head)
    except UnicodeDecodeError:
        return False
    return bool(text) and _CONTROL.search(text) is None


def _text(head: bytes) -> str:
    start = head[:1024].decode("utf-8", "ignore").lstrip("\ufeff \t\r\n").lower()
    return next((kind for mark, kind in _MARKUP if start.startswith(mark)), TEXT)
