"""Copies a person takes home: the document as Markdown or PDF, a wallet card, a text message's worth of words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from iop_tui.access.policy import Kind
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.api import Ground, Recipient
from iop_tui.clinical.disclosures.api import REQUEST
from iop_tui.clinical.people import api as people
from iop_tui.clinical.records import api as records
from iop_tui.interchange.outfile import check_free, staged_file
from iop_tui.interchange.prints import cards, plans
from iop_tui.interchange.prints.layout import PAPER, Sheet
from iop_tui.interchange.prints.markdown import sheet_text
from iop_tui.interchange.prints.pdf import not_covered, pages_of, pdf_of
from iop_tui.interchange.prints.sheets import sheet_of
from iop_tui.kernel.errors import Refused, RuleRefused, Usage
from iop_tui.workspace import Workspace

_PURPOSE = "copy for the person (45 CFR 164.524)"


@dataclass(frozen=True, slots=True)
class Made:
    """A printed copy: its size in bytes, pages, and characters that no bundled typeface has."""

    size: int
    pages: int
    missing: tuple[str, ...]


def copy_for_person(ws: Workspace, record: bytes, form: str, out: Path) -> Made:
    """One document for the person it is about. Raises `RuleRefused`, `NotFound`, `Refused`, what `outfile` raises."""
    check_free(out)
    ws.session.catch_up()  # what ended since leaves the view first
    line = records.line_of(ws, record)
    if line.status == "draft":
        raise Refused("A draft is no part of the record.", "Sign it first, then print.")
    if line.compartment_kind == Kind.JNT:
        raise RuleRefused(
            "print.joint", "Joint records leave by a record request, which keeps each partner's words apart.",
            "Use `iop-tui record-request` (program rule CR-10).",
        )  # fmt: skip
    work = ws.work()
    ground = Ground(REQUEST, Recipient(name=people.header(ws, line.person).name), _PURPOSE, "print")
    consents.release(ws, work, line.person, [record], ground)
    sheet = sheet_of(ws, record)
    content, pages = _set(ws, record, sheet, form)
    with staged_file(out, content) as publish:
        ws.session.note(work, "print", person=line.person, category=line.compartment_kind, subject=record, detail=form)
        ws.commit(work)
        publish()
    return Made(len(content), pages, not_covered(sheet) if form in ("pdf", "page", "card") else ())


def _set(ws: Workspace, record: bytes, sheet: Sheet, form: str) -> tuple[bytes, int]:
    now = ws.clock.now_ms()
    if form == "pdf":
        content = pdf_of([sheet], made_ms=now)
        return content, pages_of(content)
    if form == "markdown":
        return sheet_text(sheet).encode(), 0
    view = records.read(ws, record)
    carried = plans.carried(view.document)
    if carried is None:
        raise Usage("Only plans a person carries have a page, a card and a text.", f"Forms: {', '.join(PAPER)}.")
    if form == "text":
        return f"{plans.text_message(carried)}\n".encode(), 0
    content = cards.page(carried, sheet.head, now) if form == "page" else cards.wallet(carried, sheet.head, now)
    return content, pages_of(content)
