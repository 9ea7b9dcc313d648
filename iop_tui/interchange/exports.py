"""Exports that leave: built, staged, entered in the ledger, then named. `fhirout` says what is inside."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from iop_tui import __version__
from iop_tui.access import policy, roles
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.api import Ground, Recipient
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.disclosures.api import CONSENT, OPERATIONS, REQUEST, Disclosure, Place
from iop_tui.clinical.people import api as people
from iop_tui.clinical.staff import api as staff
from iop_tui.interchange.fhirout.elsewhere import Elsewhere
from iop_tui.interchange.fhirout.export import (
    FORMAT,
    MANIFEST,
    PersonExport,
    digest_of,
    format_description,
    person_export,
    readme,
)
from iop_tui.interchange.outfile import Publish, check_free, staged_file, staged_folder, staged_stream
from iop_tui.interchange.tarstream import tar_pieces
from iop_tui.kernel.clock import iso
from iop_tui.kernel.errors import NotFound, Refused, RoleRefused, Usage
from iop_tui.kernel.ids import show_id
from iop_tui.kernel.streamed import Content
from iop_tui.store.work import Work
from iop_tui.vault import age
from iop_tui.workspace import Workspace

PASSPHRASE = "passphrase"
ACCESS = "copy of the record for the person (45 CFR 164.524)"
_TREATING = frozenset({*policy.CARE_ROLES, roles.MEDICAL_DIRECTOR})
MOVING = "the program's own copy, for keeping or moving its records (45 CFR 170.315(b)(10))"


@dataclass(slots=True)
class Exported:
    """What an export holds: people, resources by type, records a newer program wrote, who could not be exported; the
    passphrase where one was made for it.
    """

    people: int = 0
    resources: dict[str, int] = field(default_factory=dict)
    newer: int = 0
    skipped: list[bytes] = field(default_factory=list)
    passphrase: str = ""

    def add(self, found: PersonExport) -> None:
        """Count one person's."""
        self.people += 1
        self.newer += found.newer
        for kind, count in found.counts.items():
            self.resources[kind] = self.resources.get(kind, 0) + count


def export_person(
    ws: Workspace, person: bytes, out: Path, *, consent: bytes | None = None, recipient: Recipient | None = None,
    purpose: str = "", to: str = "", passphrase: str = "",
) -> Exported:
    """One person's record: on the person's own request, or on a consent that covers all of it. Into a new folder, or
    with `to` (an age or SSH public key, or the word `passphrase`) as one sealed file.

    Raises `RuleRefused`, `NotFound`, `NoRecipient`, and what `outfile` raises; then there is nothing and no row.
    """
    sealing = _sealing(ws, to, passphrase)
    check_free(out)
    ws.session.catch_up()  # what ended since leaves the view before anything is chosen from it
    ground = _ground(ws, person, consent, recipient, purpose)
    found = person_export(ws, person, f"{ground.basis}: {ground.purpose}; to {ground.recipient.name}")
    work = ws.work()
    released = consents.release(ws, work, person, found.records, ground)
    more = {"NOTICE.txt": f"{released.notice}\n".encode()} if consent is not None else {}
    more |= {"CONSENT.txt": f"{released.consent_copy}\n".encode()} if released.consent_copy else {}
    with _staged(ws, out, (found.files | more).items(), sealing) as publish:
        ws.session.note(work, "export", person=person, detail=f"{len(found.records)} records")
        ws.commit(work)
        publish()
    counted = Exported(passphrase="" if passphrase or sealing is None else sealing.passphrase)
    counted.add(found)
    return counted


@dataclass(frozen=True, slots=True)
class _Sealing:
    """What a sealed export opens with: a key, or a passphrase."""

    key: age.Recipient | None = None
    passphrase: str = ""


def _sealing(ws: Workspace, to: str, passphrase: str = "") -> _Sealing | None:
    """How it is sealed; None for a folder that is not. Raises `NoRecipient`."""
    if not to.strip():
        return None
    if to.strip().casefold() == PASSPHRASE:
        return _Sealing(passphrase=passphrase or age.new_passphrase(ws.rng))
    return _Sealing(key=age.recipient(to))


@contextmanager
def _staged(
    ws: Workspace, out: Path, files: Iterable[tuple[str, Content]], sealing: _Sealing | None
) -> Iterator[Publish]:
    """The files as a folder, or as one tar archive that is sealed as it comes and never lies anywhere unsealed."""
    if sealing is None:
        with staged_folder(out, files) as publish:
            yield publish
        return
    pieces, key = tar_pieces(files, ws.clock.now_ms()), sealing.key
    if key is None:  # the library seals to a passphrase in one piece only: in memory
        with staged_file(out, age.encrypt_with_passphrase(b"".join(pieces), sealing.passphrase)) as publish:
            yield publish
        return
    with staged_stream(out, lambda write: age.encrypt_stream(pieces, write, [key])) as publish:
        yield publish


def _ground(
    ws: Workspace, person: bytes, consent: bytes | None, recipient: Recipient | None, purpose: str
) -> Ground:
    if consent is None:
        name = people.header(ws, person).name
        return Ground(REQUEST, recipient or Recipient(name=name), purpose or ACCESS, "electronic")
    line = consents.consent(ws, consent)
    if recipient is None and len(line.open_to) == 1:
        recipient = line.open_to[0]
    named = recipient or Recipient()
    return Ground(CONSENT, named, purpose or line.document.purpose, "electronic", consent)


def export_all(ws: Workspace, out: Path, *, to: str = "") -> Exported:
    """Everyone in this user's care, one folder each, for the program itself. With `to` (an age or SSH public key) as
    one sealed file. Raises like `export_person`, and `RoleRefused` for who treats nobody: the desk holds every
    directory entry, and all of them together are the whole program, which no single person exports.
    """
    if not _TREATING & set(ws.user.roles):
        raise RoleRefused(
            "You treat nobody; all directory entries together are a whole-program export, which needs the custodians.",
            "A clinician exports everyone in their care; one person's record: `iop-tui export person ID`.",
        )
    if to.strip().casefold() == PASSPHRASE:
        raise Usage("An export of everyone is sealed to a key.", "An age key (age1…) or an SSH public key.")
    sealing = _sealing(ws, to)
    check_free(out)
    ws.session.catch_up()
    whom = [bytes(row[0]) for row in ws.view.rows("SELECT id FROM person ORDER BY sort_key, id")]
    if not whom:
        raise Refused("There is nobody in your care to export.")
    counted, work = Exported(), ws.work()
    with _staged(ws, out, _everybody(ws, work, whom, counted), sealing) as publish:
        ws.session.note(work, "export", detail=f"{counted.people} people")
        ws.commit(work)
        publish()
    return counted


def _everybody(ws: Workspace, work: Work, whom: list[bytes], counted: Exported) -> Iterator[tuple[str, Content]]:
    elsewhere, entries = Elsewhere(ws), []
    for person in whom:
        try:
            found = person_export(ws, person, f"{OPERATIONS}: {MOVING}", elsewhere)
        except NotFound:
            counted.skipped.append(person)
            continue
        counted.add(found)
        _keep_row(ws, work, found)
        folder = show_id(person)
        entries.append({"folder": folder, "sha256": digest_of(found.files[MANIFEST])})
        for name, content in found.files.items():
            yield f"{folder}/{name}", content
    made = iso(ws.clock.now_ms())
    yield "README.txt", readme(made, f"{OPERATIONS}: {MOVING}", counted.newer)
    yield "FORMAT.md", format_description()
    manifest = {"format": FORMAT, "program": f"iop-tui {__version__}", "made": made, "people": entries}
    yield MANIFEST, json.dumps(manifest, indent=1).encode() + b"\n"


def _keep_row(ws: Workspace, work: Work, found: PersonExport) -> None:
    """A row where each part of the record lies: the program's own copy is a use, and it is kept in the ledger."""
    places: dict[bytes, Place] = {}
    for record in found.records:
        row = ws.view.one(
            "SELECT r.compartment, m.kind FROM record r JOIN compartment m ON m.id = r.compartment WHERE r.record = ?",
            (record,),
        )
        if row is not None:
            places.setdefault(bytes(row[0]), Place(bytes(row[0]), str(row[1]), found.person))
    facility = staff.program_profile(ws).facility or "this program"
    disclosures.record(ws, work, places.values(), Disclosure(
        recipient=facility, what=f"{len(found.records)} records", purpose=MOVING, basis=OPERATIONS,
        method="electronic", internal=True,
    ))  # fmt: skip
