"""Profiles of staff and program: licences, credential, supervisor, facility, rule packs in force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import msgspec

from iop_tui.access import roles
from iop_tui.clinical.compliance import packs
from iop_tui.clinical.staff import api as staff
from iop_tui.clinical.staff import profiles
from iop_tui.clinical.staff.profiles import PROGRAM_PROFILE, STAFF_PROFILE, ProgramProfile, StaffProfile
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.declare import Document, DocumentType, Finding, RuleContext
from iop_tui.kernel.errors import NotFound, RoleRefused
from iop_tui.kernel.ids import show_id
from iop_tui.shell.charting.documents import DocumentEditor, Sheet, declared_only
from iop_tui.store.session import NOBODY
from iop_tui.ui.text.readview import ReadView
from iop_tui.workspace import Workspace, unsaved

_ALONE = "nobody: practises independently"


@dataclass(frozen=True, slots=True)
class ProfileSheet:
    """A profile to write on: the form's values, whose it is (nobody's for the program), who may supervise."""

    sheet: Sheet
    user: bytes
    supervisors: dict[str, str]
    """Name with a number where two share one → printed id."""


def staff_sheet(ws: Workspace, user: bytes) -> ProfileSheet:
    """A user's profile. Raises `RoleRefused` for who does not keep profiles, `NotFound`."""
    _may(ws)
    card = ws.session.card(user)
    profile = profiles.staff_profile(ws, user) or StaffProfile()
    known = _supervisors(ws, user)
    values = msgspec.to_builtins(profile)
    names = {identifier: name for name, identifier in known.items()}
    values["supervisor"] = names.get(profile.supervisor, "" if profile.supervisor else _ALONE)
    return ProfileSheet(_sheet(ws, STAFF_PROFILE, user, card.name, values), user, known)


def program_sheet(ws: Workspace) -> ProfileSheet:
    """The program's profile. Raises `RoleRefused`."""
    _may(ws)
    values = msgspec.to_builtins(profiles.program_profile(ws))
    return ProfileSheet(_sheet(ws, PROGRAM_PROFILE, NOBODY, "the program", values), NOBODY, {})


def _may(ws: Workspace) -> None:
    if roles.ADMINISTRATOR not in ws.user.roles:
        raise RoleRefused("Profiles are kept by the administrator.", "Ask them to change it.")


def _sheet(ws: Workspace, kind: DocumentType[Any], user: bytes, name: str, values: dict[str, Any]) -> Sheet:
    """The values, with what was typed and not saved over them."""
    for slot, kept in unsaved.kept(ws).items():
        if kept.fields.get(unsaved.KIND) == kind.kind and kept.record == user:
            fields = {field: value for field, value in kept.fields.items() if not field.startswith("$")}
            return Sheet(NOBODY, name, kind, user, slot, {**values, **fields}, kept.at_ms)
    return Sheet(NOBODY, name, kind, user, ws.rng.token(16), values)


def _supervisors(ws: Workspace, user: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in staff.users(ws):
        if line.status == staff.ACTIVE and roles.SUPERVISOR in line.roles and line.id != user:
            name = line.name if line.name not in found else f"{line.name} ({show_id(line.id)[:6]})"
            found[name] = show_id(line.id)
    return found


def restored(ws: Workspace, slot: bytes) -> ProfileSheet:
    """The profile that unsaved text belongs to. Raises `NotFound`."""
    kept = unsaved.kept(ws).get(slot)
    if kept is None:
        raise NotFound
    return program_sheet(ws) if kept.record == NOBODY else staff_sheet(ws, kept.record)


def profile_lines(ws: Workspace, user: bytes) -> list[tuple[str, str, str]]:
    """A user's profile in words, for the pane beside the list of users."""
    profile = profiles.staff_profile(ws, user)
    if profile is None:
        return [("Profile", "none yet: e writes it", "warn")]
    today = local_date(ws.clock.now_ms())
    found = [("Credential", profile.credential, "text")]
    for item in profile.licences:
        ended = item.until is not None and item.until < today
        found.append(("Licence", f"! {item.shown()}, ended" if ended else item.shown(), "danger" if ended else "text"))
    found += [("NPI", profile.npi, "text"), ("Hours", profile.hours, "text")]
    supervisor = profiles.supervisor_of(ws, user)
    found.append(("Supervisor", ws.session.card(supervisor).name if supervisor else "none", "text"))
    return found


class ProfileEditor(DocumentEditor):
    """A profile: saved, never signed."""

    heading = "Profile"
    commands: ClassVar[Sequence[tuple[str, str]]] = (("s", "save"), ("i", "go on"), ("d", "discard"), ("q", "leave"))

    def __init__(self, ws: Workspace, given: ProfileSheet) -> None:
        self.given = given
        super().__init__(ws, given.sheet)

    def fields_shown(self) -> Sequence[Any]:
        """The declared fields; who supervises and which rule packs hold are chosen, not typed."""
        choices = {
            "supervisor": (_ALONE, *self.given.supervisors), "rule_packs": tuple(packs.shipped()),
        }  # fmt: skip
        return [
            replace(info, choices=choices[info.name]) if info.name in choices else info
            for info in self.sheet.kind.fields()
        ]

    def _document(self, values: dict[str, Any]) -> Document:
        plain = declared_only(self.sheet.kind, values)
        if "supervisor" in plain:
            plain["supervisor"] = self.given.supervisors.get(str(plain["supervisor"] or ""), "")
        document: Document = self.sheet.kind.parse(plain)
        return document

    def _look(self) -> None:
        """Profiles have few rules; they speak when it is saved."""
        self.query_one(".side", ReadView).display = False

    async def save(self, values: dict[str, Any]) -> bool:
        """Write it; done."""
        document = self._document(values)
        if isinstance(document, StaffProfile):
            await self.desk.write(profiles.set_profile, self.given.user, document)
        elif isinstance(document, ProgramProfile):
            await self.desk.write(profiles.set_program, document)
        await self.desk.write(unsaved.give_up, self.sheet.slot)
        self.shell.set_status("draft", "")
        self.app.notify(" ".join(["Saved.", *(item.message for item in self._warnings(document))]))
        return True

    def _warnings(self, document: Document) -> tuple[Finding, ...]:
        today = local_date(self.desk.subject.clock.now_ms())
        return self.sheet.kind.findings(document, RuleContext(today))
