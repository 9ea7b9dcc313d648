"""A signed letter leaves the program: on the consent it names, with the notice and a copy of that consent.

42 CFR 2.31-2.33, 45 CFR 164.508 and 164.528. What goes out is the letter itself, not the record's page about it: no
birth date, no id, no diagnosis, no state of a record.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.api import Ground, Recipient, Released
from iop_tui.clinical.disclosures.api import CONSENT
from iop_tui.clinical.letters.api import Letter, addressee
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import api as signing
from iop_tui.interchange.outfile import check_free, staged_file
from iop_tui.interchange.prints.layout import PAPER, Block, Form, Head, Sheet
from iop_tui.interchange.prints.markdown import sheet_text
from iop_tui.interchange.prints.pdf import pdf_of
from iop_tui.kernel.errors import NotFound, Refused, RuleRefused, Usage
from iop_tui.kernel.ids import parse_id
from iop_tui.workspace import Workspace

METHODS = ("post", "by hand", "fax", "secure e-mail")


@dataclass(frozen=True, slots=True)
class Sent:
    """A letter that was released: the file's size in bytes, the ledger's rows, on which consent."""

    size: int
    rows: tuple[bytes, ...]
    consent: bytes


def release_letter(ws: Workspace, record: bytes, out: Path, *, form: str = "pdf", method: str = METHODS[0]) -> Sent:
    """Check the letter's consent, write the ledger, then give the file its name.

    Raises `RuleRefused` (`letter.no_consent`, `letter.withdrawn`, `release.…`), `Refused` for an unsigned letter,
    `Usage`, `NotFound`, and what `outfile` raises; then there is no file and no row.
    """
    if form not in PAPER or method not in METHODS:
        raise Usage("This form or way of sending is not known.", f"Forms: {', '.join(PAPER)}. Ways: "
                    f"{', '.join(METHODS)}.")  # fmt: skip
    check_free(out)
    ws.session.catch_up()  # what ended since leaves the view first
    line, letter = _signed(ws, record)
    ground = _ground(ws, letter, method)
    work = ws.work()
    released = consents.release(ws, work, line.person, [record], ground)
    sheets = [_letter(ws, record, letter, released), _copy(released)]
    content = pdf_of(sheets, made_ms=ws.clock.now_ms()) if form == "pdf" else _markdown(sheets)
    with staged_file(out, content) as publish:
        ws.session.note(work, "letter", person=line.person, category=line.compartment_kind, subject=record,
                        detail=method)  # fmt: skip
        ws.commit(work)
        publish()
    return Sent(len(content), released.rows, ground.consent or b"")


def _signed(ws: Workspace, record: bytes) -> tuple[records.RecordLine, Letter]:
    view = records.read(ws, record)
    letter = view.document
    if not isinstance(letter, Letter):
        raise Refused("This is no letter.", "Use `iop-tui packet` for other documents.")
    if record in signing.voided(ws, view.line.person):
        raise RuleRefused("letter.withdrawn", "This letter was withdrawn.", "Write a new one.")
    if view.line.status != "signed":
        raise Refused("This letter is not signed.", "Sign it first.")
    current = signing.current(ws, record)
    return view.line, current if isinstance(current, Letter) else letter


def _ground(ws: Workspace, letter: Letter, method: str) -> Ground:
    """The consent that the letter names, and the recipient as that consent names them."""
    try:
        line = consents.consent(ws, parse_id(letter.consent))
    except NotFound:
        raise RuleRefused("letter.no_consent", "This letter names no consent that you can read.",
                          "Record what the person allows, then write the letter on it (42 CFR 2.31).") from None
    name = addressee(letter)
    known = next((item for item in line.open_to if item.name.casefold() == name.casefold()), None)
    recipient = known or Recipient(name=name)
    return Ground(CONSENT, recipient, letter.purpose, f"letter, {method}", consent=line.id)


def _letter(ws: Workspace, record: bytes, letter: Letter, released: Released) -> Sheet:
    day = letter.written_on.isoformat() if letter.written_on else ""
    blocks = (
        Block(Form.TEXT, "", tuple(letter.recipient.splitlines())),
        Block(Form.TEXT, "", tuple(part for part in letter.body.split("\n\n") if part.strip())),
    )
    by = next((item for item in records.signatures(ws, record) if item.meaning == signing.AUTHOR), None)
    signed = (f"{by.name}, {by.at[:10]}",) if by else ()
    notices = () if released.notice in letter.body else (released.notice,)
    return Sheet(Head("", "", "", "Letter", "", day, "", "", signed, notices), blocks)


def _copy(released: Released) -> Sheet:
    blocks = (Block(Form.TEXT, "", tuple(released.consent_copy.splitlines())),)
    return Sheet(Head("", "", "", "The authorization this letter is sent on", "", "", "", ""), blocks)


def _markdown(sheets: list[Sheet]) -> bytes:
    return "\n\n".join(sheet_text(sheet).rstrip() for sheet in sheets).encode() + b"\n"
