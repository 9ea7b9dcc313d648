"""DocumentReference and DiagnosticReport with a text → received_note.

Only what is inside the file is read; an attachment that is an address stays an address. Text is decoded by
its declared character set, markup is taken off HTML, and everything goes through the sanitizer. PDF, images
and other formats stay in the received JSON; the note names them.
"""

from __future__ import annotations

import base64
import binascii
import re
from html.parser import HTMLParser
from typing import Any

from iop_tui.interchange.fhir import values
from iop_tui.interchange.fhir.draft import Context, Draft
from iop_tui.interchange.fhir.values import Json
from iop_tui.vault.digest import sha1, sha256

UNREADABLE = "attachment cannot be decoded"
NOT_TEXT = "attachment is not text"
ELSEWHERE = "attachment is stored elsewhere"
DIFFERENT = "attachment differs from its checksum"
_PLAIN = ("text/plain", "text/markdown", "text/x-markdown", "application/x-markdown")
_MARKUP = ("text/html", "application/xhtml+xml")
_CHARSETS = {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252", "cp1252", "utf-16"}
_CHARSET = re.compile(r'charset="?([\w-]+)"?', re.IGNORECASE)


class _Words(HTMLParser):
    """The text of an HTML page, block elements as lines, scripts and styles left out."""

    _LINES = frozenset({"p", "br", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "pre"})
    _SILENT = frozenset({"script", "style", "head", "title", "template"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in self._SILENT:
            self._silent.append(tag)
        elif tag in self._LINES:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._silent and self._silent[-1] == tag:
            self._silent.pop()
        elif tag in self._LINES:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def without_markup(page: str) -> str:
    """The words of an HTML page."""
    reader = _Words()
    reader.feed(page)
    reader.close()
    lines = (" ".join(each.split()) for each in "".join(reader.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _decoded(attachment: Json, flags: list[str]) -> bytes | None:
    data = attachment.get("data")
    if not isinstance(data, str):
        flags.append(ELSEWHERE)
        return None
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        flags.append(UNREADABLE)
        return None
    stated = attachment.get("hash")
    if isinstance(stated, str) and stated != base64.b64encode(sha1(content)).decode():
        flags.append(DIFFERENT)
    return content


def _text(content: bytes, kind: str, flags: list[str]) -> str:
    found = _CHARSET.search(kind)
    charset = found.group(1).lower() if found and found.group(1).lower() in _CHARSETS else "utf-8"
    try:
        text = content.decode(charset)
    except UnicodeDecodeError:
        text = content.decode("latin-1")
        flags.append(UNREADABLE)
    return values.block(without_markup(text) if kind.startswith(_MARKUP) else text)


def read_attachments(attachments: list[Json]) -> tuple[str, list[str], list[str]]:
    """The readable text of attachments, the names of the others, and flags."""
    texts: list[str] = []
    others: list[str] = []
    flags: list[str] = []
    for each in attachments:
        kind = values.line(each.get("contentType")).lower()
        name = values.line(each.get("title")) or kind or "attachment"
        content = _decoded(each, flags)
        if content is not None and (kind.startswith((*_PLAIN, *_MARKUP)) or not kind):
            texts.append(_text(content, kind, flags))
        else:
            others.append(name)
            if content is not None:
                flags.append(NOT_TEXT)
    return "\n\n".join(dict.fromkeys(texts)), others, list(dict.fromkeys(flags))


def _attachments(resource: Json) -> list[Json]:
    if resource["resourceType"] == "DiagnosticReport":
        return values.objects(resource.get("presentedForm"))
    found = [each.get("attachment") for each in values.objects(resource.get("content"))]
    return [each for each in found if isinstance(each, dict)]


def note_text(resource: Json) -> str:
    """The readable text of a note resource."""
    return read_attachments(_attachments(resource))[0]


def texts_inside(resource: Json) -> list[str]:
    """Every readable text that is packed into a resource as base64, wherever it stands."""
    found: list[Json] = []
    stack: list[Any] = [resource]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if isinstance(node.get("data"), str):
                found.append(node)
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return [text for each in found if (text := read_attachments([each])[0])]


def text_digest(text: str) -> bytes:
    """To tell whether two resources carry the same note."""
    return sha256(text.encode("utf-8", "replace"))[:16]


def _organisation(resource: Json) -> str:
    return next(iter(values.displays(resource.get("custodian"))), "")


def _note(resource: Json, title: Any, when: str | None, authors: list[str]) -> Draft:
    text, others, flags = read_attachments(_attachments(resource))
    fields = {
        "title": values.line(title) or "Note",
        "date": when,
        "status": values.line(resource.get("docStatus") or resource.get("status")),
        "authors": list(dict.fromkeys(authors)),
        "organisation": _organisation(resource),
        "text": text,
        "attachments": others,
    }
    return Draft("received_note", fields, when, "IND", flags)


def document_reference(resource: Json, context: Context) -> Draft:
    """DocumentReference → received_note, dated by the visit it is about, else by its own date."""
    del context
    period = (resource.get("context") or {}).get("period") or {}
    when = values.iso_day(period.get("start")) or values.iso_day(resource.get("date"))
    title = values.concept(resource.get("type")) or values.line(resource.get("description"))
    return _note(resource, title, when, values.displays(resource.get("author")))


def diagnostic_report(resource: Json, context: Context) -> Draft | None:
    """DiagnosticReport → received_note when it carries a text that no DocumentReference of the person has."""
    text = note_text(resource)
    if not text or (context.person or "", text_digest(text)) in context.index.note_texts:
        return None
    effective = values.choice(resource, "effective")
    start = effective.get("start") if isinstance(effective, dict) else effective
    title = values.concept(resource.get("code"))
    authors = values.displays(resource.get("performer"))
    return _note(resource, title, values.iso_day(start) or values.iso_day(resource.get("issued")), authors)
