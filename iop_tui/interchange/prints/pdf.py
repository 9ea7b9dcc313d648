"""PDF: large type, one running head and page numbers, typefaces inside, right-to-left names the right way round.

Made in memory by fpdf2; what is written where is the caller's business.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

from fpdf import FPDF
from fpdf.enums import Align, XPos, YPos

from iop_tui.interchange.prints import type as typefaces
from iop_tui.interchange.prints.layout import Block, Form, Head, Sheet
from iop_tui.interchange.prints.turning import headline, steadied
from iop_tui.kernel.clock import to_datetime

BODY, SMALL, TITLE, HEADING = 13.0, 9.5, 19.0, 14.0
MARGIN = 20.0
_LINE = 0.5
_PAGE = re.compile(rb"/Type\s*/Page\b")


class Paper(FPDF):
    """A document in the making: typefaces loaded, header and footer of the sheet that is being set."""

    def __init__(self, made_ms: int, size: str | tuple[float, float] = "letter", margin: float = MARGIN) -> None:
        super().__init__(unit="mm", format=size)
        logging.getLogger("fpdf").setLevel(logging.ERROR)
        logging.getLogger("fontTools").setLevel(logging.ERROR)
        self.head: Head | None = None
        self.set_margin(margin)
        self.set_auto_page_break(auto=True, margin=margin)
        for name, file in typefaces.FACES.items():
            self.add_font(name, "", typefaces.face(file))
        self.add_font(typefaces.MAIN, "B", typefaces.face(typefaces.BOLD))
        self.set_fallback_fonts([name for name in typefaces.FACES if name != typefaces.MAIN], exact_match=False)
        self.set_creation_date(to_datetime(made_ms))
        self.set_creator("iop-tui")
        self.set_producer("iop-tui")

    def header(self) -> None:
        """The running head from the second page of a sheet on."""
        if self.head is None or self.first_page:
            return
        self.say(f"{self.head.label} · {self.head.person}", size=SMALL)
        self.ln(2)

    def footer(self) -> None:
        """Printed when and by whom, reference, page of pages."""
        if self.head is None:
            return
        self.set_y(-MARGIN + 5)
        self.set_font(typefaces.MAIN, "", SMALL)
        self.set_text_shaping(use_shaping_engine=False)
        left = typefaces.printable(f"{self.head.printed} · {self.head.reference}".strip(" ·"))
        self.cell(0, 5, left, align=Align.L, new_x=XPos.LMARGIN)
        self.cell(0, 5, f"{self.page_no()} / {{nb}}", align=Align.R)

    first_page = True

    def say(self, text: str, *, size: float = BODY, bold: bool = False, indent: float = 0.0) -> None:
        """One paragraph, its line breaks kept, set from the side its first letter asks for."""
        self.set_font(typefaces.MAIN, "B" if bold else "", size)
        height = size * _LINE
        for line in typefaces.printable(text).split("\n"):
            self.set_text_shaping(use_shaping_engine=not typefaces.is_plain(line))
            if not line.strip():
                self.ln(height / 2)
                continue
            align = Align.R if typefaces.reads_right_to_left(line) else Align.L
            self.set_x(self.l_margin + indent)
            self.multi_cell(0, height, steadied(line), align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def item(self, mark: str, text: str, *, size: float = BODY, indent: float = 0.0) -> None:
        """One item of a list, hanging behind its mark."""
        width = max(7.0, size * 0.5)
        self.set_font(typefaces.MAIN, "", size)
        if self.will_page_break(size * _LINE):
            self.add_page()
        top = self.get_y()
        turned = typefaces.reads_right_to_left(text)
        self.set_x(self.w - self.r_margin - width if turned else self.l_margin + indent)
        self.cell(width, size * _LINE, mark, align=Align.R if turned else Align.L)
        self.set_y(top)
        if turned:
            self.set_right_margin(self.r_margin + width)
        self.say(text, size=size, indent=indent if turned else indent + width)
        if turned:
            self.set_right_margin(self.r_margin - width)

    def rule(self) -> None:
        """A thin line across."""
        self.ln(1.5)
        self.set_draw_color(160)
        self.line(self.l_margin, self.get_y(), self.w - self.r_margin, self.get_y())
        self.ln(2)


def pdf_of(sheets: Sequence[Sheet], *, made_ms: int) -> bytes:
    """The sheets one after the other, each beginning on a page of its own."""
    paper = Paper(made_ms)
    paper.set_title(", ".join(dict.fromkeys(sheet.head.label for sheet in sheets)))
    for sheet in sheets:
        _sheet(paper, sheet)
    return bytes(paper.output())


def _sheet(paper: Paper, sheet: Sheet) -> None:
    head = sheet.head
    paper.first_page = True
    paper.head = head if paper.page == 0 else paper.head
    paper.add_page()
    paper.head, paper.first_page = head, False
    paper.say(head.label, size=TITLE, bold=True)
    for line in (headline(f"{head.person}, born {head.born}") if head.born else head.person,
                 f"{head.date} · {head.state}".strip(" ·"), head.program):  # fmt: skip
        if line:
            paper.say(line)
    paper.rule()
    for block in sheet.blocks:
        put(paper, block)
    if head.signed:
        put(paper, Block(Form.LIST, "Signatures", head.signed))
    gaps = not_covered(sheet)
    if gaps:
        words = f"{typefaces.MARK} stands for characters this paper cannot show: {'; '.join(gaps)}."
        put(paper, Block(Form.NOTE, "", (words,)))
    for notice in head.notices:
        put(paper, Block(Form.NOTE, "", (notice,)))


def put(paper: Paper, block: Block, *, size: float = BODY) -> None:
    """One block at the present place."""
    if block.form is Form.LINE:
        paper.say(f"{block.label}: {block.items[0]}", size=size)
        paper.ln(1)
        return
    if block.form is Form.NOTE:
        paper.rule()
        paper.say("\n".join(block.items), size=SMALL)
        return
    if block.label:
        paper.ln(1.5)
        if paper.will_page_break(3 * size * _LINE):
            paper.add_page()  # no heading alone at the foot of a page
        paper.say(block.label, size=min(HEADING, size + 1), bold=True)
    for number, item in enumerate(block.items, 1):
        if block.form is Form.TEXT:
            paper.say(item, size=size)
        else:
            paper.item(f"{number}." if block.form is Form.STEPS else "•", item, size=size)
    paper.ln(1)


def texts_of(sheet: Sheet) -> str:
    """Everything a sheet says, for a look at its characters."""
    head = sheet.head
    parts = [head.person, head.program, head.label, *head.signed, *head.notices]
    return "\n".join([*parts, *(text for block in sheet.blocks for text in (block.label, *block.items))])


def not_covered(sheet: Sheet) -> tuple[str, ...]:
    """Characters of a sheet that no typeface here has, in words."""
    return typefaces.names_of(typefaces.missing(texts_of(sheet)))


def pages_of(content: bytes) -> int:
    """How many pages a PDF made here has."""
    return len(_PAGE.findall(content))
