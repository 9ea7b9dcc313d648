"""Letters leave on the consent they name: checked at the signature and at the release, with notice, copy and row."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from iop_tui.clinical.charting import lettering
from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.api import HIPAA, SPECIFIC
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.letters.api import LETTER, Letter
from iop_tui.clinical.signing import service as signing
from iop_tui.interchange.letterout import release_letter
from iop_tui.kernel.errors import NotReady, Refused, Usage
from iop_tui.kernel.ids import show_id
from iop_tui.workspace import Workspace
from tests.support.clinic.consents import Clinic, opened, refused
from tests.support.clinic.vaults import template


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """One clinic for all tests of this file."""
    with opened(template(tmp_path_factory), tmp_path_factory.mktemp("letters")) as found:
        yield found


def allow(clinic: Clinic, to: str, **more: Any) -> bytes:
    """Ana allows a letter to somebody; the consent."""
    values = {"topics": ("letters",), "source": "IND", "description": "That she takes part", **more}
    form = clinic.outward(SPECIFIC, to=to, purpose="Confirm absences", **values)
    return consents.authorize(clinic.ws("nadia"), form).id


def begun(clinic: Clinic, to: str, kind: str = "employer", **more: Any) -> Letter:
    """A letter on the consent that names somebody."""
    nadia, ana = clinic.ws("nadia"), clinic.made.people["ana"]
    chosen = next(item for item in lettering.need(nadia, ana) if item.recipient.name == to)
    letter = lettering.on_consent(charting.begin(nadia, ana, LETTER, kind), chosen, nadia)  # type: ignore[arg-type]
    return msgspec.structs.replace(letter, **more)


def written(clinic: Clinic, letter: Letter) -> bytes:
    """A signed letter."""
    nadia = clinic.ws("nadia")
    record = charting.save(nadia, clinic.made.people["ana"], LETTER, letter).record
    charting.sign(nadia, [record])
    return record


def rows(ws: Workspace, clinic: Clinic) -> list[tuple[str, str]]:
    """Recipient and way of everything that left about Ana."""
    return [(row.recipient, row.method) for row in disclosures.accounting(ws, clinic.made.people["ana"]).rows]


def test_without_a_consent_there_is_nobody_to_write_to(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with opened(template(tmp_path_factory), tmp_path) as clinic:
        nadia, ana = clinic.ws("nadia"), clinic.made.people["ana"]
        with refused("letter.no_consent"):
            lettering.need(nadia, ana)
        # An internal authorization, one about something else, and one for somebody in the program let no letter out.
        consents.authorize(nadia, clinic.internal())
        about_measures = clinic.outward(SPECIFIC, to="Dr Lee", topics=("measures",), source="IND")
        consents.authorize(clinic.ws("nadia"), about_measures)
        with refused("letter.no_consent"):
            lettering.need(clinic.ws("nadia"), ana)
        letter = msgspec.structs.replace(
            charting.begin(nadia, ana, LETTER, "employer"), recipient="Mill Street", purpose="Absences",
            authorization="said so", authorized_until=clinic.day,
        )  # fmt: skip
        record = charting.save(clinic.ws("nadia"), ana, LETTER, letter).record
        with pytest.raises(NotReady, match=r"No consent in force covers this letter.*42 CFR 2.31"):
            charting.sign(clinic.ws("nadia"), [record])


def test_a_letter_names_its_consent_and_leaves_with_notice_copy_and_row(clinic: Clinic, tmp_path: Path) -> None:
    consent = allow(clinic, "Mill Works")
    letter = begun(clinic, "Mill Works")
    assert letter.consent == show_id(consent)
    assert letter.recipient == "Mill Works\n1 Main St"
    assert (letter.purpose, letter.authorized_until) == ("Confirm absences", clinic.day + timedelta(days=200))
    record = written(clinic, letter)
    nadia, out = clinic.ws("nadia"), tmp_path / "letter.md"
    sent = release_letter(nadia, record, out, form="markdown", method="by hand")
    text = out.read_text()
    assert sent.consent == consent
    assert text.count("Mill Works") >= 2
    assert "takes part in scheduled health services" in text
    assert "The authorization this letter is sent on" in text
    assert "Purpose: Confirm absences" in text
    assert consents.notice(nadia, "IND", {"IND"}).split(".")[0] in " ".join(text.split())
    assert show_id(record) not in text, "no id of the record"
    assert "1988" not in text.partition("The authorization")[0], "no birth date in the letter"
    assert ("Mill Works", "letter, by hand") in rows(nadia, clinic)


def test_a_letter_as_pdf(clinic: Clinic, tmp_path: Path) -> None:
    allow(clinic, "School Board")
    record = written(clinic, begun(clinic, "School Board", "school"))
    out = tmp_path / "letter.pdf"
    assert release_letter(clinic.ws("nadia"), record, out).size == out.stat().st_size
    assert out.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("way", ["revoked", "expired"])
def test_a_consent_that_ended_lets_nothing_out(clinic: Clinic, tmp_path: Path, way: str) -> None:
    to, out = f"Court of {way}", tmp_path / "letter.pdf"
    consent = allow(clinic, to, expires_on=clinic.day + timedelta(days=2))
    record = written(clinic, begun(clinic, to, "court"))
    if way == "revoked":
        consents.revoke(clinic.ws("nadia"), consent)
    else:
        clinic.pass_days(4)
    before = rows(clinic.ws("nadia"), clinic)
    with refused(f"release.consent_{way}"):
        release_letter(clinic.ws("nadia"), record, out)
    assert not out.exists()
    assert rows(clinic.ws("nadia"), clinic) == before
    assert f"release: release.consent_{way}" in clinic.events("refused")


def test_the_consent_decides_who_receives_it(clinic: Clinic, tmp_path: Path) -> None:
    allow(clinic, "Right Works")
    nadia = clinic.ws("nadia")
    wrong = begun(clinic, "Right Works", recipient="Wrong Works\n1 Main St")
    record = charting.save(nadia, clinic.made.people["ana"], LETTER, wrong).record
    with pytest.raises(NotReady, match="names another recipient: Right Works"):
        charting.sign(nadia, [record])
    # Signed by a plain signature all the same: the gate stands by itself.
    signing.sign(nadia, [record])
    with refused("release.other_recipient"):
        release_letter(clinic.ws("nadia"), record, tmp_path / "letter.pdf")
    blind = begun(clinic, "Right Works", consent=show_id(b"x" * 16))
    other = charting.save(clinic.ws("nadia"), clinic.made.people["ana"], LETTER, blind).record
    signing.sign(clinic.ws("nadia"), [other])
    with refused("letter.no_consent"):
        release_letter(clinic.ws("nadia"), other, tmp_path / "letter.pdf")
    assert not list(tmp_path.iterdir())


def test_only_a_signed_letter_leaves(clinic: Clinic, tmp_path: Path) -> None:
    allow(clinic, "Draft Works")
    nadia, out = clinic.ws("nadia"), tmp_path / "letter.pdf"
    record = charting.save(nadia, clinic.made.people["ana"], LETTER, begun(clinic, "Draft Works")).record
    with pytest.raises(Refused, match="not signed"):
        release_letter(nadia, record, out)
    with pytest.raises(Refused, match="no letter"):
        release_letter(nadia, clinic.made.notes["ana0"], out)
    charting.sign(clinic.ws("nadia"), [record])
    with pytest.raises(Usage):
        release_letter(clinic.ws("nadia"), record, out, method="pigeon")
    signing.void(clinic.ws("nadia"), record, reason="entered in error", explanation="Wrong month.")
    with refused("letter.withdrawn"):
        release_letter(clinic.ws("nadia"), record, out)
    assert not out.exists()


def test_a_hipaa_form_lets_no_substance_use_letter_out(clinic: Clinic) -> None:
    """42 CFR 2.31: what the counselor writes needs a consent under Part 2."""
    sol, ana = clinic.ws("sol"), clinic.made.people["ana"]
    form = clinic.outward(HIPAA, to="Hip Works", topics=("letters",), source="SUD")
    consents.authorize(sol, form)
    with refused("letter.no_consent"):
        lettering.need(clinic.ws("sol"), ana)
