"""What a person carries on paper: a one-page plan, and a wallet card to be cut out."""

from __future__ import annotations

from collections.abc import Sequence

from fpdf.enums import Align, MethodReturnValue, XPos, YPos

from iop_tui.interchange.prints import type as typefaces
from iop_tui.interchange.prints.layout import Head
from iop_tui.interchange.prints.pdf import Paper, put
from iop_tui.interchange.prints.plans import LIFELINE, Carried, some
from iop_tui.interchange.prints.turning import headline, steadied

CARD = (85.6, 54.0)
"""Width and height of a wallet card in millimetres (ISO/IEC 7810 ID-1)."""
_SMALLEST, _LARGEST = 8.0, 13.0
_STEPS_ON_CARD, _PEOPLE_ON_CARD, _SIGNS_ON_CARD = 4, 4, 3


# ---- one page ----------------------------------------------------------------------------------------------


def page(plan: Carried, head: Head, made_ms: int) -> bytes:
    """The whole plan on one page, as large as fits. No program's name, no diagnosis, no date of birth."""
    size = _LARGEST
    while True:
        content, pages = _page(plan, head, made_ms, size)
        if pages == 1 or size <= _SMALLEST:
            return content
        size -= 1.0


def _page(plan: Carried, head: Head, made_ms: int, size: float) -> tuple[bytes, int]:
    paper = Paper(made_ms, margin=15.0)
    paper.set_title(plan.title)
    paper.add_page()
    paper.say(plan.title, size=size + 6, bold=True)
    whose = " · ".join(part for part in (head.person.split(" ")[0], head.date) if part)
    paper.say(headline(whose), size=size - 2)
    paper.rule()
    for block in plan.blocks:
        put(paper, block, size=size)
    return bytes(paper.output()), paper.page


# ---- wallet card -------------------------------------------------------------------------------------------


def wallet(plan: Carried, head: Head, made_ms: int) -> bytes:
    """Front and back of a wallet card on one sheet, to be cut out and folded along the line between them."""
    del head
    paper = Paper(made_ms)
    paper.set_title(plan.title)
    paper.set_auto_page_break(auto=False)
    paper.add_page()
    left, top = (paper.w - 2 * CARD[0]) / 2, 30.0
    front = (*(f"{number}. {step}" for number, step in enumerate(plan.steps[:_STEPS_ON_CARD], 1)),)
    signs = f"Signs: {'; '.join(plan.signs[:_SIGNS_ON_CARD])}" if plan.signs else ""
    calls = tuple(f"{name}  {phone}" for name, phone in plan.people[:_PEOPLE_ON_CARD])
    _side(paper, (left, top), plan.title, some((signs, *front)))
    _side(paper, (left + CARD[0], top), "Call", (*calls, f"Crisis line  {LIFELINE}", *plan.emergency[-2:]))
    paper.set_xy(left, top + CARD[1] + 4)
    paper.set_font(typefaces.MAIN, "", 8)
    paper.cell(2 * CARD[0], 4, "Cut along the outer line, fold in the middle.", align=Align.C)
    return bytes(paper.output())


def _side(paper: Paper, corner: tuple[float, float], title: str, lines: Sequence[str]) -> None:
    paper.set_draw_color(120)
    paper.rect(*corner, *CARD)
    size = 9.5
    while size > 5.5 and _height(paper, lines, size) > CARD[1] - 12:
        size -= 0.5
    paper.set_xy(corner[0] + 4, corner[1] + 3)
    paper.set_font(typefaces.MAIN, "B", 10)
    paper.cell(CARD[0] - 8, 5, title, new_x=XPos.LEFT, new_y=YPos.NEXT)
    bottom = corner[1] + CARD[1] - 2
    for line in lines:
        needed = _height(paper, (line,), size)
        if paper.get_y() + needed > bottom:
            break  # what does not fit stays on the page: a card that cannot be read helps nobody
        paper.set_x(corner[0] + 4)
        _line(paper, line, size, dry_run=False)


def _height(paper: Paper, lines: Sequence[str], size: float) -> float:
    return sum(_line(paper, line, size, dry_run=True) for line in lines)


def _line(paper: Paper, line: str, size: float, *, dry_run: bool) -> float:
    text = steadied(typefaces.printable(line))
    paper.set_font(typefaces.MAIN, "", size)
    paper.set_text_shaping(use_shaping_engine=not typefaces.is_plain(text))
    align = Align.R if typefaces.reads_right_to_left(text) else Align.L
    before = paper.get_y()
    found = paper.multi_cell(
        CARD[0] - 8, size * 0.45, text, align=align, dry_run=dry_run, new_x=XPos.LEFT, new_y=YPos.NEXT,
        output=MethodReturnValue.HEIGHT if dry_run else MethodReturnValue.PAGE_BREAK,
    )  # fmt: skip
    return found if isinstance(found, float) else paper.get_y() - before
