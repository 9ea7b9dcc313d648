"""Wording a clinic brings: in use for everybody, in every form and print, kept with what was given with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from iop_tui.clinical.measures import library
from iop_tui.clinical.measures import service as measures
from iop_tui.clinical.measures.screens import shelf
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import versions
from iop_tui.interchange.prints.markdown import sheet_text
from iop_tui.interchange.prints.sheets import sheet_of
from iop_tui.kernel.errors import InputRejected, NotFound
from iop_tui.workspace import Workspace
from tests.support.clinic.vaults import PHRASE, Program, copied, leave, template

LICENCE = "Permission of 2026-02-01, in the office binder"


def own(stem: str, **more: Any) -> bytes:
    """A clinic's file with its words for the shipped DAST-10, of which the program has none."""
    words = {str(number): f"{stem} {number}?" for number in range(1, 11)}
    return msgspec.json.encode({"extends": "dast-10", "licence": LICENCE, "texts_of": words, **more})


@pytest.fixture
def made(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return copied(template(tmp_path_factory), tmp_path_factory.mktemp("wording"))


@pytest.fixture
def ws(made: Program) -> Iterator[Workspace]:
    """Nadia's workspace: therapist of Ana."""
    with made.workspace() as opened:
        opened.confirm(bytearray(PHRASE))
        yield opened


def test_the_form_the_record_and_the_print_use_the_clinics_words(ws: Workspace, made: Program) -> None:
    ana = made.people["ana"]
    assert not library.instrument(ws, "DAST-10").has_texts, "no unverified wording ships"
    library.install(ws, own("Did you"))
    definition = library.instrument(ws, "DAST-10")
    assert definition.item("4").text == "Did you 4?"
    asked = measures.scored(ws, ana, definition, {str(number): 1 for number in range(1, 11)})
    first = measures.give(ws, ana, definition, asked).record

    library.install(ws, own("Have you ever"))
    assert len(library.loaded(ws)) == 1, "a file of the same id replaces the one before"
    assert library.instrument(ws, "DAST-10").item("4").text == "Have you ever 4?"
    library.retire(ws, "dast-10")
    assert not library.instrument(ws, "DAST-10").has_texts
    with pytest.raises(NotFound):
        library.retire(ws, "dast-10")

    document = records.read(ws, first).document
    assert [item.shown() for item in document.items][3] == "4 Did you 4? Yes (1)", "history keeps its words"
    assert "Did you 4? Yes (1)" in sheet_text(sheet_of(ws, first))


def test_the_file_is_signed_by_who_loaded_it_and_every_colleague_uses_it(ws: Workspace, made: Program) -> None:
    library.install(ws, own("Did you"))
    (mine,) = library.loaded(ws)
    library.install(ws, own("Have you"))
    line = next(line for line in shelf.lines(ws) if line.id == "dast-10")
    assert line.own is not None
    assert (line.own.by, line.own.on is not None, shelf.wording(line).text) == ("Nadia", True, "the clinic's")
    assert len(versions.versions(ws, mine.record)) == 2, "what it was before stays"
    sol = made.beside(ws, "sol")
    try:
        assert library.instrument(sol, "DAST-10").item("1").text == "Have you 1?"
        assert library.loaded(sol)[0].by == "Nadia"
    finally:
        leave(sol)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"extends": "phq-9", "licence": "x", "safety_item": ""}, "safety_item"),
        ({"extends": "phq-9", "licence": "x", "flags": []}, "flags"),
        ({"extends": "c-ssrs", "licence": "x",
          "levels": [{"name": "high", "any": [[{"items": ["1"], "at_least": 1}]]}]},
         "levels"),
        ({"extends": "hark", "licence": "x", "protected": False}, "protected"),
        ({"extends": "phq-9", "licence": "x",
          "flags": [{"id": "item9", "message": "x", "when": [{"items": ["9"], "at_least": 99}], "safety": True}]},
         "flags"),
        ({"extends": "phq-9", "licence": "x",
          "skips": [{"when": [{"items": ["1"], "at_least": 0}], "skip": ["9"]}]}, "skips"),
        ({"extends": "c-ssrs", "licence": "x",
          "levels": [{"name": "high", "any": [[{"items": ["1"], "at_least": 9}]], "safety": True, "action": True}]},
         "levels"),
    ],
)
def test_a_file_takes_no_guard_away(ws: Workspace, value: dict[str, Any], place: str) -> None:
    """PHQ-9 item 9, the triage of C-SSRS and the apartness of HARK hold in whatever words they are asked."""
    before = len(library.loaded(ws))
    with pytest.raises(InputRejected) as refused:
        library.install(ws, msgspec.json.encode(value))
    assert refused.value.place == place
    assert len(library.loaded(ws)) == before, "nothing was changed"
