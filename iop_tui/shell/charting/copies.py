"""A copy for the person from the record page: first whether it is safe with them, then where it goes."""

from __future__ import annotations

from pathlib import Path

from iop_tui.interchange.prints.layout import CARRIED, PAPER
from iop_tui.interchange.prints.plans import carried
from iop_tui.kernel.declare import Document
from iop_tui.kernel.paths import typed
from iop_tui.ui.ask import AskLine
from iop_tui.ui.page import Page
from iop_tui.workspace import Workspace

SAFE, NOT_SAFE = "yes, safe with them", "no, or not asked alone"
_QUESTION = "Is it safe for the person to hold this, if somebody at home finds it? Ask when they are alone."
_CONSEQUENCE = (
    "The copy leaves the vault unencrypted, for the person it is about, and is entered in the list of disclosures."
)
_FORMS = {"pdf": ".pdf", "markdown": ".md", "page": ".pdf", "card": ".pdf", "text": ".txt"}


def forms_of(document: Document | None) -> tuple[str, ...]:
    """The forms a document has: plans that are carried also as a page, a card and a text."""
    return (*PAPER, *CARRIED) if carried(document) is not None else PAPER


def make(ws: Workspace, record: bytes, form: str, path: Path) -> int:
    """Write the copy; how many pages it has. Raises what `copy_for_person` raises."""
    # Typefaces and their library are loaded by who prints, not by everybody who opens a record.
    from iop_tui.interchange.prints.copies import copy_for_person

    return copy_for_person(ws, record, form, path).pages


async def give_copy(page: Page, record: bytes, document: Document | None) -> None:
    """Ask, make the copy, say where it is. Nothing is made where it is not safe."""
    asked = await page.app.push_screen_wait(
        AskLine(_QUESTION, "", "Remark (optional)", choices=(SAFE, NOT_SAFE), needed=False, done="next")
    )
    if asked is None:
        return
    if asked[0] != SAFE:
        page.app.notify("Nothing was made. Go through it together, or make a packet only they can open.")
        return
    where = await page.app.push_screen_wait(
        AskLine("A copy for the person", _CONSEQUENCE, "File", choices=forms_of(document), done="write it")
    )
    if where is None:
        return
    form, name = where
    path = typed(name)
    path = path if path.suffix else path.with_suffix(_FORMS[form])
    count = await page.desk.write(make, record, form, path)
    pages = f", {count} page{'' if count == 1 else 's'}" if count else ""
    page.app.notify(f"Written to {path.name}{pages}.")


def release(ws: Workspace, record: bytes, method: str, path: Path) -> int:
    """Release a letter; the file's size in bytes. Raises what `release_letter` raises."""
    from iop_tui.interchange.letterout import release_letter

    return release_letter(ws, record, path, method=method).size


async def send_letter(page: Page, record: bytes) -> None:
    """Ask how it is sent and where the file goes; the consent decides whether it may."""
    from iop_tui.interchange.letterout import METHODS

    consequence = "The letter leaves on the consent it names, with a copy of it, and is entered in the disclosures."
    answer = await page.app.push_screen_wait(
        AskLine("Send this letter", consequence, "File", choices=METHODS, done="write it")
    )
    if answer is None:
        return
    method, name = answer
    path = typed(name)
    path = path if path.suffix else path.with_suffix(".pdf")
    await page.desk.write(release, record, method, path)
    page.app.notify(f"Written to {path.name}. It stands in the list of disclosures.")
