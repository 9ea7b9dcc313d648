"""What the program knows of its people and of itself: licences, credentials, supervisors, rule packs in force.

Kept in the program's compartment, which everybody reads. A profile counts only from an administrator: nobody gives
themselves a licence or takes away their supervisor.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, TypeVar

from iop_tui.access import roles
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import program_compartment, put
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity, Widget
from iop_tui.kernel.errors import NotReady, RoleRefused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.session import NOBODY
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace

P = TypeVar("P", bound=Document)


class Licence(Document, frozen=True, kw_only=True):
    """A licence to practise in one state."""

    state: Annotated[str, F("State", max_length=2, widget=Widget.LINE)] = ""
    number: Annotated[str, F("Number", max_length=40, widget=Widget.LINE)] = ""
    until: Annotated[date | None, F("Until")] = None

    def shown(self) -> str:
        """`KS 12345 until 2027-01-31`."""
        return f"{self.state} {self.number}" + (f" until {self.until.isoformat()}" if self.until else "")


class StaffProfile(Document, frozen=True, kw_only=True):
    """A user's professional standing."""

    user: Annotated[str, F("User", search=False, widget=Widget.HIDDEN)] = ""
    credential: Annotated[str, F("Credential", required=True, max_length=80, widget=Widget.LINE)] = ""
    licences: Annotated[tuple[Licence, ...], F("Licences")] = ()
    npi: Annotated[str, F("NPI", max_length=10, widget=Widget.LINE)] = ""
    hours: Annotated[str, F("Working hours", max_length=300)] = ""
    supervisor: Annotated[
        str, F("Supervisor", help="Who co-signs; empty for who practises independently.", search=False)
    ] = ""


class ProgramProfile(Document, frozen=True, kw_only=True):
    """The program itself."""

    facility: Annotated[str, F("Facility", required=True, max_length=200, widget=Widget.LINE)] = ""
    states: Annotated[tuple[str, ...], F("States")] = ()
    part2: Annotated[bool, F("Part 2 program", source="42 CFR 2.11")] = False
    medicare: Annotated[bool, F("Bills Medicare", source="42 CFR 424.24(d)")] = False
    rule_packs: Annotated[tuple[str, ...], F("Rule packs in force")] = ()
    untouched_days: Annotated[int, F("Remind of an objective after days", unit="days", ge=1, le=365)] = 14


def npi_is_valid(npi: str) -> bool:
    """The check digit of a National Provider Identifier (45 CFR 162.406): Luhn over 80840 and the ten digits."""
    if len(npi) != 10 or not npi.isdecimal():
        return False
    total = 0
    for position, digit in enumerate(reversed("80840" + npi)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def profile_rules(profile: StaffProfile, context: RuleContext) -> tuple[Finding, ...]:
    """A wrong NPI is refused; licences that ended or end soon are named."""
    found = []
    if profile.npi and not npi_is_valid(profile.npi):
        found.append(Finding(Severity.REFUSE, "npi", "This is not a valid NPI.", "npi", "45 CFR 162.406"))
    for item in profile.licences:
        if item.until is not None and item.until < context.today:
            message = f"The licence for {item.state} ended on {item.until.isoformat()}."
            found.append(Finding(Severity.WARN, "licence", message, "licences", "state licensing law"))
    return tuple(found)


STAFF_PROFILE: DocumentType[StaffProfile] = DocumentType(
    kind="staff_profile",
    label="Staff profile",
    struct=StaffProfile,
    compartment="PROG",
    title=lambda profile: profile.credential,
    rules=profile_rules,
    help="Licences, credential, supervisor. Kept by the administrator.",
)
PROGRAM_PROFILE: DocumentType[ProgramProfile] = DocumentType(
    kind="program_profile",
    label="Program profile",
    struct=ProgramProfile,
    compartment="PROG",
    title=lambda profile: profile.facility,
    help="Facility, Part 2 status, rule packs in force. Kept by the administrator.",
)
TYPES: tuple[DocumentType[Any], ...] = (STAFF_PROFILE, PROGRAM_PROFILE)


def _believed(ws: Workspace, kind: DocumentType[P], author: bytes | None = None) -> list[tuple[bytes, bytes, P]]:
    """(record, leaf, profile) of a kind written by administrators or one of them, newest first."""
    rows = ws.view.rows(
        "SELECT r.record, r.leaf, r.doc, r.version FROM record r WHERE r.kind = ?1 AND r.compartment = ?2 AND"
        " r.deposit = 0 AND (?4 IS NULL OR r.author = ?4) AND EXISTS"
        " (SELECT 1 FROM role o WHERE o.user = r.author AND o.role = ?3) ORDER BY r.changed_ms DESC, r.id DESC",
        (kind.kind, program_compartment(ws.session, Kind.PROG), roles.ADMINISTRATOR, author),
    )
    return [(bytes(row[0]), bytes(row[1]), kind.decode(row[2], row[3])) for row in rows]


def program_profile(ws: Workspace) -> ProgramProfile:
    """The program's profile; an empty one before an administrator wrote it."""
    return next((profile for _, _, profile in _believed(ws, PROGRAM_PROFILE)), ProgramProfile())


def staff_profile(ws: Workspace, user: bytes) -> StaffProfile | None:
    """A user's profile, or None while nobody wrote one."""
    return next((item for _, _, item in _believed(ws, STAFF_PROFILE) if item.user == show_id(user)), None)


def licences(ws: Workspace, user: bytes) -> Mapping[str, date | None]:
    """State → end of the licence; empty without a profile."""
    profile = staff_profile(ws, user)
    return {item.state.upper(): item.until for item in profile.licences} if profile else {}


def supervisor_of(ws: Workspace, user: bytes) -> bytes | None:
    """Who co-signs what a user writes, or None for who practises independently."""
    profile = staff_profile(ws, user)
    return parse_id(profile.supervisor) if profile and profile.supervisor else None


def set_profile(ws: Workspace, user: bytes, profile: StaffProfile) -> Changes:
    """Write a user's profile. Raises `RoleRefused`, `NotReady`, `NotFound` for an unknown user or supervisor."""
    ws.session.card(user)
    if profile.supervisor:
        ws.session.card(parse_id(profile.supervisor))
    value = STAFF_PROFILE.parse({**_plain(profile), "user": show_id(user)})
    mine = _believed(ws, STAFF_PROFILE, ws.user.user)  # what another one wrote stays theirs; the newest counts
    before = next(((r, leaf) for r, leaf, item in mine if item.user == show_id(user)), None)
    return _write(ws, STAFF_PROFILE, value, before)


def set_program(ws: Workspace, profile: ProgramProfile) -> Changes:
    """Write the program's profile. Raises `RoleRefused`, `NotReady`."""
    before = next(((record, leaf) for record, leaf, _ in _believed(ws, PROGRAM_PROFILE, ws.user.user)), None)
    return _write(ws, PROGRAM_PROFILE, PROGRAM_PROFILE.parse(_plain(profile)), before)


def _plain(document: Document) -> dict[str, Any]:
    return {name: getattr(document, name) for name in document.__struct_fields__}


def _write(ws: Workspace, kind: DocumentType[Any], value: Document, before: tuple[bytes, bytes] | None) -> Changes:
    if roles.ADMINISTRATOR not in ws.user.roles:
        raise RoleRefused("Profiles are kept by the administrator.")
    refused = [
        item for item in kind.findings(value, RuleContext(local_date(ws.clock.now_ms())))
        if item.severity is Severity.REFUSE
    ]  # fmt: skip
    if refused:
        raise NotReady(refused[0].message, "Complete the profile, then save again.")
    work = ws.work()
    record, parents = (before[0], (before[1],)) if before else (None, ())
    place = program_compartment(ws.session, Kind.PROG)
    written, _ = put(ws.session, work, place, kind, value, person=NOBODY, record=record, parents=parents)
    ws.session.note(work, "write", category=Kind.PROG, subject=written, detail=kind.kind)
    return ws.commit(work)
