"""The couple chart as each role sees it, writing with speakers, pasting with labels, guides step by step."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.couples.conftest import HELD, Open
from tests.tui.screens.goldens import compare

GOLDENS = Path(__file__).parent / "goldens"
LINE = "Other protected records may exist for this person."


async def _chart(desk: object) -> None:
    await desk.press("g", "k")  # type: ignore[attr-defined]
    await desk.see("Couples", "Partner A")  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["nadia", "tom", "cleo", "sol", "fay"])
async def test_cr3_the_couple_chart_of_each_role(opened: Open, name: str) -> None:
    async with opened(name) as desk:
        await _chart(desk)
        await desk.see("Odell" if name == "tom" else "Ana Quill")
        await desk.press("<enter>")
        await desk.see("Joint", LINE)
        await desk.settled()
        compare(f"couple-{name}", (80, 24), desk.screen(), GOLDENS)


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["bill", "abe", "uma"])
async def test_who_has_no_part_sees_no_couple_or_no_content(opened: Open, name: str) -> None:
    async with opened(name) as desk:
        await desk.press("g", "k")
        await desk.see("Couples")
        await desk.settled()
        compare(f"couples-{name}", (80, 24), desk.screen(), GOLDENS)


async def test_the_couple_chart_is_wide(opened: Open) -> None:
    async with opened("cleo", (120, 40)) as desk:
        await _chart(desk)
        await desk.press("<enter>")
        await desk.see("Secrets policy", "limited-secrets", "Joint session, 50 min")
        await desk.settled()
        compare("couple-cleo", (120, 40), desk.screen(), GOLDENS)


async def test_a_new_joint_note_carries_the_policy_and_says_what_is_missing(opened: Open) -> None:
    async with opened("cleo", (120, 40)) as desk:
        await _editor(desk)
        await desk.see("Before signing", "Risk is missing")
        assert "policy" not in desk.screen()
        await desk.settled()
        compare("joint-note", (120, 40), desk.screen(), GOLDENS)


async def _editor(desk: object) -> None:
    await _chart(desk)
    await desk.press("<enter>")  # type: ignore[attr-defined]
    await desk.see("limited-secrets")  # type: ignore[attr-defined]
    await desk.press("n")  # type: ignore[attr-defined]
    await desk.see("Joint session: Ana Quill")  # type: ignore[attr-defined]


async def test_cr5_a_paste_of_what_a_said_alone_stays_out_of_the_joint_note(opened: Open) -> None:
    async with opened("cleo") as desk:
        await _editor(desk)
        desk.app.screen.form.focus_field("content")  # type: ignore[attr-defined]
        await desk.paste("Both spoke about the week and laughed a little.")
        await desk.see("laughed a little")
        await desk.paste(HELD)
        await desk.see("said by one person alone")
        assert "flat of her own" not in desk.screen()


async def test_cr5_a_copy_inside_the_program_keeps_its_label(opened: Open) -> None:
    async with opened("cleo") as desk:
        await _chart(desk)
        await desk.press("<enter>")
        await desk.see("limited-secrets")
        await desk.press("[", "<enter>")
        await desk.see("Held note")
        await desk.press("y")
        await desk.see("Copied inside the program")
        assert "flat of her own" in desk.app.clipboard
        await desk.press("q")
        await desk.see("limited-secrets")
        await desk.press("n")
        await desk.see("Joint session: Ana Quill")
        desk.app.screen.form.focus_field("plan")  # type: ignore[attr-defined]
        await desk.press("<ctrl+v>")
        await desk.see("said by one person alone")
        assert "flat of her own" not in desk.screen()


async def test_a_guide_is_left_and_resumed(opened: Open) -> None:
    async with opened("nadia") as desk:
        await desk.press("g", "c")
        await desk.see("4 people")
        await desk.press("/", "ana")
        await desk.see("1 person found")
        await desk.press("<enter>")
        await desk.see("Safe contact", "Due")
        await desk.open("G")
        await desk.see("Guides", "Screening alone")
        await desk.press("<enter>")
        await desk.see("Who is with you?", "step 1 of")
        compare("guide-alone", (80, 24), desk.screen(), GOLDENS)
        await desk.press("<f4>", "y", "<f4>", "parcel", "<f2>")
        await desk.see("HITS", "step 2 of")
        await desk.press("<escape>")
        await desk.see("answer, go on")
        await desk.press("b")
        await desk.see("Who is with you?", "parcel")
        await desk.press("<f2>")
        await desk.see("step 2 of")
        await desk.press("<escape>", "q")
        await desk.see("Safe contact")
        await desk.open("G")
        await desk.see("Go on: Screening alone")
        await desk.press("<enter>")
        await desk.see("step 2 of")


async def test_cr13_a_guide_refuses_where_somebody_may_hear(opened: Open) -> None:
    async with opened("tom") as desk:
        await desk.press("g", "c")
        await desk.see("Odell")
        await desk.press("<enter>")
        await desk.see("Safe contact")
        await desk.open("G")
        await desk.see("Screening alone")
        await desk.press("<enter>")
        await desk.see("Who is with you?")
        await desk.press("<f4>", "n", "<f2>")
        await desk.see("do not ask")


async def test_partner_signature_needs_the_right_line(opened: Open) -> None:
    async with opened("cleo") as desk:
        await _chart(desk)
        await desk.press("<enter>")
        await desk.see("limited-secrets")
        await desk.press("p")
        await desk.see("Put the cursor on a signed agreement")
        await desk.press("<end>", "p")
        await desk.see("Partner's signature: Ana Quill")
        await desk.press("<escape>", "q")
        await desk.see("limited-secrets")
        await desk.press("v")
        await desk.see("Recovery contract")


@pytest.mark.nightly
async def test_files_of_the_joint_record_are_reached_from_its_column(opened: Open, tmp_path: Path) -> None:
    """80×24 and by keys alone: attached to the joint record from its column, to a partner's from theirs."""
    file = tmp_path / "mediation.txt"
    file.write_text("Both agreed to talk on Tuesdays.\n", "utf-8")
    async with opened("cleo") as desk:
        await _chart(desk)
        await desk.press("<enter>")
        await desk.see("limited-secrets", "[2 Joint]")
        await desk.open("A")
        await desk.see("Attachments: Ana Quill & Benjamin", "No files yet")
        await desk.open("+")
        await desk.see("Attach a file: Ana Quill & Benjamin", "Joint record of the couple")
        await desk.paste(str(file))
        await desk.press("<tab>")
        await desk.paste("Mediation report")
        await desk.press("<tab>", "l", "<f2>")
        await desk.see("Mediation report", "here")
        await desk.open("<enter>")
        await desk.see("Both agreed to talk on Tuesdays.")
        await desk.press("<escape>", "<escape>")
        await desk.see("Mediation report", "[2 Joint]")
        await desk.press("1")
        await desk.see("[1 A Ana Quill]")
        await desk.open("A")
        await desk.see("Attachments: Ana Quill", "No files yet")
        assert "Mediation" not in desk.screen()
        await desk.open("+")
        await desk.see("Attach a file: Ana Quill", "Held for this person: you alone")


@pytest.mark.nightly
async def test_who_keeps_no_joint_record_sees_the_constant_line_instead_of_its_files(opened: Open) -> None:
    async with opened("nadia") as desk:
        await _chart(desk)
        await desk.press("<enter>")
        await desk.see("[1 A Ana Quill]")
        await desk.press("2")
        await desk.see("[2 Joint]")
        await desk.open("A")
        await desk.see("Attachments: Ana Quill & Benjamin", LINE)
        await desk.open("+")
        await desk.see("You are not the couples therapist of this couple.")
