"""Copies for the person: every declared document sets, cards and texts hold what is carried, nothing half written."""

from __future__ import annotations

import errno
import os
from datetime import date, time
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pytest

from iop_tui.access.policy import Kind
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.notes.private import PSYCHOTHERAPY_NOTE, PsychotherapyNote
from iop_tui.clinical.relapse.model import Aftercare, CopingStep, LapseStep, RelapsePlan, Support, Trigger, WarningSign
from iop_tui.clinical.safety.plan import SafetyPlan, begun
from iop_tui.interchange.prints import cards, copies, plans, turning
from iop_tui.interchange.prints.layout import Block, Form, Head, Sheet, blocks_of
from iop_tui.interchange.prints.markdown import body_text, sheet_text
from iop_tui.interchange.prints.pdf import pages_of, pdf_of
from iop_tui.kernel.errors import DiskFull, Refused, RuleRefused
from iop_tui.slices import TYPES
from iop_tui.workspace import Workspace
from tests.support.clinic.documents import filled
from tests.support.clinic.vaults import Program, today

HEAD = Head(
    person="Jürgen Müller", born="1980-02-03", program="Northside", label="Progress note", state="signed",
    date="2026-03-03", printed="Printed 2026-04-01 by Dana", reference="abcdefg",
)  # fmt: skip
NOW = 1_770_000_000_000


def text_of(content: bytes) -> str:
    """What a PDF says, by another implementation."""
    with pdfium.PdfDocument(content) as document:
        return "\n".join(page.get_textpage().get_text_range().replace("\r\n", "\n") for page in document)


def ink_of(content: bytes) -> list[float]:
    """Which part of each page is not white, rendered by another implementation."""
    with pdfium.PdfDocument(content) as document:
        pictures = [page.render(scale=0.5).to_pil().convert("L") for page in document]
    return [sum(picture.histogram()[:200]) / (picture.width * picture.height) for picture in pictures]


def relapse_plan() -> RelapsePlan:
    return RelapsePlan(
        made=date(2026, 3, 1), reasons="My daughter 🌻",
        triggers=tuple(Trigger(name=word, text=f"{word} after work on Fridays") for word in ("Bar", "Pay", "Row")),
        signs=tuple(WarningSign(text=text) for text in ("no sleep", "skipping meals", "counting the days")),
        steps=tuple(CopingStep(action=f"Walk number {n}", where="round the block", minutes=10) for n in range(1, 7)),
        supports=tuple(Support(name=f"Ruth {n}", phone=f"555-010{n}") for n in range(1, 5)),
        lapse_plan=tuple(LapseStep(within=span, action="leave and call") for span in ("10 minutes", "24 hours")),
        tolerance_told=True, naloxone="in the kitchen", aftercare=(Aftercare(name="Meeting", when="Mondays"),),
    )  # fmt: skip


# ---- every document ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.kind)
def test_every_declared_document_becomes_markdown(kind: Any) -> None:
    document = filled(kind)
    blocks = blocks_of(kind, document)
    text = body_text(kind, document)
    for block in blocks:
        assert block.label in text
    assert sheet_text(Sheet(HEAD, blocks)).startswith("# Progress note\n")


def test_every_declared_document_becomes_a_pdf(tmp_path: Path, scale: Any) -> None:
    sheets = [Sheet(HEAD, blocks_of(kind, filled(kind))) for kind in TYPES[:: scale(1, 6)]]
    content = pdf_of(sheets, made_ms=NOW)
    assert pages_of(content) >= len(sheets), "each document begins on a page of its own"
    said = text_of(content)
    assert min(ink_of(content)) > 0.001, "no page is blank"
    assert said.count("Jürgen Müller, born 1980-02-03") == len(sheets)
    assert "Größe, ñ" in said


def test_three_pages_have_numbers_and_a_running_head(tmp_path: Path) -> None:
    long = "Sleeps better since the walk by the quarry. " * 120
    content = pdf_of([Sheet(HEAD, (Block(Form.TEXT, "Presentation", (long,)),))], made_ms=NOW)
    assert pages_of(content) == 3
    ink = ink_of(content)
    assert min(ink[:2]) > 0.02, "full pages are full of text"
    assert 0 < ink[2] < ink[1]
    said = text_of(content)
    assert all(f"{page}/3" in said.replace(" / ", "/") for page in (1, 2, 3))
    assert said.count("Progress note · Jürgen Müller") == 2, "from the second page on"
    assert content == pdf_of([Sheet(HEAD, (Block(Form.TEXT, "Presentation", (long,)),))], made_ms=NOW)


def test_names_from_right_to_left_are_joined_and_turned(tmp_path: Path) -> None:
    from iop_tui.interchange.prints import type as typefaces

    blocks = (Block(Form.TEXT, "Name", ("مرحبا بالعالم",)), Block(Form.TEXT, "Name", ("אברהם בן־דוד",)))
    content = pdf_of([Sheet(HEAD, blocks)], made_ms=NOW)
    said = text_of(content)
    assert "אברהם" in said
    assert "مرحبا" in said
    assert not typefaces.is_plain("مرحبا")
    assert typefaces.is_plain("Größe, Łódź, Ελλάδα – “ok” …")


def _lines(content: bytes) -> list[str]:
    """What stands on the first page from left to right, line by line, whatever order it is kept in."""
    with pdfium.PdfDocument(content) as document:
        page = document[0].get_textpage()
        signs = [(page.get_charbox(at), page.get_text_range(at, 1)) for at in range(page.count_chars())]
    rows: dict[int, list[tuple[float, str]]] = {}
    for (left, bottom, _, top), sign in signs:
        if sign.strip() and top > bottom:
            rows.setdefault(round((top + bottom) / 2 / 8), []).append((left, sign))
    return ["".join(sign for _, sign in sorted(row)) for row in rows.values()]


@pytest.mark.parametrize("name", ["نور الدين", "נועה כהן", "Jürgen נועה", "Zoë"])
def test_a_phone_number_reads_the_same_beside_any_name(name: str) -> None:
    """An Arabic name turned `(555) 010-1200` into `1200-010 (555)`: another number, on a card for an emergency."""
    plan = plans.carried(RelapsePlan(supports=(Support(name=name, phone="(555) 019-8723"),)))
    assert plan is not None
    for content in (cards.page(plan, HEAD, NOW), cards.wallet(plan, HEAD, NOW)):
        assert any("019-8723" in line and "(555)" in line for line in _lines(content)), name
        assert any(line.find("555") < line.find("019-8723") for line in _lines(content) if "8723" in line), name
    assert turning.steadied("no turned word: (555) 010") == "no turned word: (555) 010"
    assert turning.LEFT_TO_RIGHT + "(555) 019-8723" in plans.text_message(plan) or name == "Zoë"


def test_what_no_typeface_has_is_said(tmp_path: Path) -> None:
    content = pdf_of([Sheet(HEAD, (Block(Form.LINE, "Name", ("佐藤",)),))], made_ms=NOW)
    said = text_of(content)
    assert "U+4F50" in said
    assert "佐" in sheet_text(Sheet(HEAD, (Block(Form.LINE, "Name", ("佐藤",)),)))


def test_words_are_never_taken_for_markup() -> None:
    hostile = "# not a heading\n- not a list\n1. no\n*no* _no_ `no` <b>no</b> [no](http://x) &amp; a\\b"
    text = sheet_text(Sheet(HEAD, (Block(Form.TEXT, "Presentation", (hostile,)),)))
    assert "\\# not a heading" in text
    assert "\\- not" in text
    assert "1\\. no" in text
    assert "\\*no\\* \\_no\\_ \\`no\\` \\<b\\>no" in text


# ---- what is carried ---------------------------------------------------------------------------------------


def test_one_page_however_long_the_plan(tmp_path: Path) -> None:
    plan = plans.carried(relapse_plan())
    assert plan is not None
    content = cards.page(plan, HEAD, NOW)
    assert pages_of(content) == 1
    said = text_of(content)
    for words in ("Walk number 6", "Ruth 4", "555-0104", "kitchen", "988", "My daughter", "counting the days"):
        assert words in said
    for words in ("Müller", "1980", "Northside", "substance"):
        assert words not in said, "paper is found by others"


def test_a_wallet_card_is_one_sheet(tmp_path: Path) -> None:
    plan = plans.carried(relapse_plan())
    assert plan is not None
    content = cards.wallet(plan, HEAD, NOW)
    assert pages_of(content) == 1
    said = text_of(content)
    for words in ("Walk number 1", "Ruth 1", "555-0101", "988"):
        assert words in said
    assert "Müller" not in said


def test_a_text_message_holds_the_first_step_and_a_number() -> None:
    plan = plans.carried(relapse_plan())
    assert plan is not None
    text = plans.text_message(plan)
    assert len(text) <= plans.TEXT_LENGTH
    assert "1 Walk number 1" in text
    assert "555-0101" in text
    assert text.endswith("988")
    endless = plans.Carried("", "", (), ("x" * 900,), (("y" * 900, "1"),), (), ())
    assert len(plans.text_message(endless)) == plans.TEXT_LENGTH


def test_safety_plan_card_never_says_who_holds_what() -> None:
    plan = begun(date(2026, 3, 1))
    made = plans.carried(plan)
    assert isinstance(plan, SafetyPlan)
    assert made is not None
    assert ("988 Suicide & Crisis Lifeline", "988") in made.people


def test_only_plans_are_carried() -> None:
    assert plans.carried(None) is None


# ---- copies ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["pdf", "markdown"])
def test_a_copy_is_entered_in_the_ledger(ws: Workspace, small: Program, tmp_path: Path, form: str) -> None:
    made = copies.copy_for_person(ws, small.notes["ana0"], form, tmp_path / "copy")
    content = (tmp_path / "copy").read_bytes()
    assert made.size == len(content)
    said = content.decode() if form == "markdown" else text_of(content)
    assert "quarry walk" in said
    assert "Nadia, individual therapist" in said
    (row,) = disclosures.accounting(ws, small.people["ana"]).rows
    assert (row.recipient, row.method, row.what) == ("Ana Quill", "print", "1 × progress note")


def test_drafts_and_private_notes_are_not_printed(ws: Workspace, small: Program, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="draft"):
        copies.copy_for_person(ws, small.notes["draft"], "pdf", tmp_path / "x.pdf")
    note = PsychotherapyNote(written_on=today(ws), session="s", text="mine alone")
    saved = charting.save(ws, small.people["ana"], PSYCHOTHERAPY_NOTE, note)
    with pytest.raises((RuleRefused, Refused)):
        copies.copy_for_person(ws, saved.record, "pdf", tmp_path / "x.pdf")
    assert not (tmp_path / "x.pdf").exists()
    assert str(Kind.PSY) == "PSY"


def test_a_full_disk_while_printing_leaves_nothing(
    ws: Workspace, small: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int, _content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("iop_tui.interchange.outfile.os.write", full)
        with pytest.raises(DiskFull):
            copies.copy_for_person(ws, small.notes["ana0"], "markdown", tmp_path / "copy.md")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["vault"]
    assert disclosures.accounting(ws, small.people["ana"]).rows == ()
    assert time(0) is not None
