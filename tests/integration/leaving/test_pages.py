"""Each document as pages: umlauts, emoji and names from right to left, over three pages, rendered and looked at."""

from __future__ import annotations

from typing import Any

import pypdfium2 as pdfium
import pytest

from iop_tui.interchange.prints.layout import Block, Form, Head, Sheet, blocks_of
from iop_tui.interchange.prints.pdf import not_covered, pages_of, pdf_of
from iop_tui.slices import TYPES
from tests.support.clinic.documents import filled

NOW = 1_770_000_000_000
LONG = "Schläft besser, seit die Großmutter da ist; נועה kommt mit, 🌻 auf dem Tisch. " * 110
NAMES = ("Jürgen Groß-Müller", "نور الدين", "נועה כהן", "Zoë 🌻 Ångström")


def _pictures(content: bytes) -> list[Any]:
    with pdfium.PdfDocument(content) as document:
        return [page.render(scale=0.4).to_pil().convert("L") for page in document]


def _text(content: bytes) -> str:
    with pdfium.PdfDocument(content) as document:
        return "\n".join(page.get_textpage().get_text_range() for page in document)


def _ink(picture: Any) -> float:
    dark: int = sum(picture.histogram()[:200])
    return dark / (picture.width * picture.height)


def _margin_ink(picture: Any) -> float:
    """Ink in the outermost millimetres, where nothing may stand: what runs off a page shows there."""
    edge = 6
    strips = [
        (0, 0, edge, picture.height), (picture.width - edge, 0, picture.width, picture.height),
        (0, 0, picture.width, edge), (0, picture.height - edge, picture.width, picture.height),
    ]  # fmt: skip
    return max(_ink(picture.crop(strip)) for strip in strips)


def _sheet(kind: Any, name: str) -> Sheet:
    head = Head(
        person=name, born="1980-02-03", program="Nördliche Klinik", label=kind.label, state="signed",
        date="2026-03-03", printed="Printed 2026-04-01 by Dana", reference="abcdefg",
    )  # fmt: skip
    return Sheet(head, (*blocks_of(kind, filled(kind)), Block(Form.TEXT, "Verlauf", (LONG,))))


def _check(kind: Any, name: str) -> None:
    sheet = _sheet(kind, name)
    assert not_covered(sheet) == (), "every sign has a typeface"
    content = pdf_of([sheet], made_ms=NOW)
    assert pages_of(content) >= 3
    pictures = _pictures(content)
    assert len(pictures) == pages_of(content)
    assert min(_ink(picture) for picture in pictures) > 0.0005, "no page is blank"
    assert min(_ink(picture) for picture in pictures[:2]) > 0.015, "full pages are full of text"
    assert max(_margin_ink(picture) for picture in pictures) == 0, "nothing runs off the paper"
    said = _text(content)
    assert "Großmutter" in said
    assert said.count(f"/ {len(pictures)}") + said.count(f"/{len(pictures)}") >= len(pictures)


def test_some_documents_over_three_pages() -> None:
    """A plan and a note; all kinds go through the same at night."""
    for number, kind in enumerate(kind for kind in TYPES if kind.kind in ("safety_plan", "progress_note")):
        _check(kind, NAMES[1 + number])


@pytest.mark.nightly
@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.kind)
def test_every_document_over_three_pages(kind: Any) -> None:
    _check(kind, NAMES[len(kind.kind) % len(NAMES)])
