"""Beginning a consent for a person: which parts of the record this user can release, to whom, and the first values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from iop_tui.access import charts
from iop_tui.access.policy import AUTHOR_KINDS, Kind
from iop_tui.clinical.consents import places
from iop_tui.clinical.consents.model import (
    CONSENT,
    COUNSELING,
    INTERNAL,
    NOTES,
    PSYCHOTHERAPY,
    Consent,
    ConsentSignature,
    Recipient,
    template,
)
from iop_tui.clinical.consents.places import Place
from iop_tui.clinical.consents.rules import JOINT_RECORD
from iop_tui.clinical.people import api as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.errors import NotFound, Refused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.workspace import Workspace

_SINGLE = (Kind.IND, Kind.SUD, Kind.MED, Kind.CRISIS, Kind.GRP, Kind.HOLD, Kind.SAFE)
LABELS: dict[str, str] = {
    Kind.IND: "individual record", Kind.SUD: "substance use record", Kind.MED: "medications",
    Kind.CRISIS: "crisis card", Kind.GRP: "group record", Kind.HOLD: "what was held for this person",
    Kind.SAFE: "safety entries", Kind.JNT: "joint record", Kind.PSY: "private notes",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen before the form opens."""

    variant: str
    source: str = ""
    user: bytes = b""
    records: tuple[bytes, ...] = ()


def sources(ws: Workspace, person: bytes, variant: str) -> list[str]:
    """Parts of a person's record that this user can release by a form; empty where the form names none."""
    if variant == NOTES:
        return [str(Kind.PSY)]
    if variant != INTERNAL:
        return []
    joint = [str(Kind.JNT)] if _couple(ws, person) is not None else []
    return [str(kind) for kind in _SINGLE if _place(ws, person, kind) is not None] + joint


def _place(ws: Workspace, person: bytes, source: str) -> Place | None:
    subject = person
    if source == Kind.JNT:
        subject = _couple(ws, person) or person
    try:
        return places.place_of(ws, Consent(variant=INTERNAL, person=show_id(subject), source=source))
    except (Refused, NotFound):
        return None


def _couple(ws: Workspace, person: bytes) -> bytes | None:
    """The couple of a person whose joint record this user holds."""
    for couple, link in charts.couple_links(ws.session).items():
        if person in (parse_id(link.a), parse_id(link.b)) and ws.session.holds(parse_id(link.joint)):
            return couple
    return None


def colleagues(ws: Workspace, person: bytes, source: str) -> list[tuple[bytes, str]]:
    """Colleagues whom the policy lets have something of a part by an authorization, by name."""
    place = _place(ws, person, source)
    if place is None:
        return []
    lines = [line for line in staff.users(ws) if line.id != ws.user.user and line.status == staff.ACTIVE]
    return [(line.id, line.name) for line in lines if places.foreseen(ws, place, line.id)]


def own_records(ws: Workspace, person: bytes, source: str) -> list[tuple[bytes, str]]:
    """What this user keeps alone about a person, for choosing one by one."""
    if source not in AUTHOR_KINDS:
        return []
    found = records.timeline(ws, person, without=("consent", "revocation"))
    lines = [line for line in found if line.compartment_kind == source and line.author == ws.user.user]
    return [(line.id, f"{line.service_date} {line.label}: {line.title}") for line in lines]


def begin(ws: Workspace, person: bytes, choice: Choice) -> dict[str, Any]:
    """The form's first values: standard statements, names, an empty signature line for each who must sign.

    Raises `RuleRefused`, `NotFound`.
    """
    place = _place(ws, person, choice.source) if choice.source else None
    signers = place.signers if place is not None else (person,)
    entry = people.entry(ws, person)
    consent = template(
        choice.variant,
        person=show_id(place.person if place is not None else person),
        person_name=f"{entry.given} {entry.family}",
        discloser=ws.user.name,
        source=choice.source,
        records=tuple(show_id(record) for record in choice.records),
        signatures=tuple(_signature(ws, signer) for signer in signers),
        **_more(ws, choice),
    )
    return dict(msgspec.to_builtins(consent))


def _signature(ws: Workspace, person: bytes) -> ConsentSignature:
    entry = people.entry(ws, person)
    return ConsentSignature(
        person=show_id(person), signer="client", name=f"{entry.given} {entry.family}", witness=ws.user.name,
        method=signing.TYPED, signed_on=signing.today(ws),
    )  # fmt: skip


def _more(ws: Workspace, choice: Choice) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if choice.variant == INTERNAL:
        name = ws.session.card(choice.user).name if choice.user else JOINT_RECORD
        values["recipients"] = (Recipient(name=name, user=show_id(choice.user) if choice.user else ""),)
    if choice.variant == NOTES:
        counselor = any(records.line_of(ws, record).kind == "counseling_note" for record in choice.records)
        values["categories"] = (COUNSELING,) if counselor else (PSYCHOTHERAPY,)
    return values


def parsed(person: bytes, values: dict[str, Any]) -> Consent:
    """The consent that the form holds; a signature line without an owner is the person's. Raises `DocumentInvalid`."""
    consent: Consent = CONSENT.parse(values)
    owner = consent.person or show_id(person)
    signatures = tuple(
        item if item.person else msgspec.structs.replace(item, person=owner) for item in consent.signatures
    )
    return msgspec.structs.replace(consent, person=owner, signatures=signatures)
