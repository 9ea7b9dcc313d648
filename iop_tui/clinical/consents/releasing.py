"""Before anything leaves the program: is there a ground for it, and what goes along. No row in the ledger, no release.

45 CFR 164.508, 164.512 and 164.522, 42 CFR 2.31-2.33, 2.51 and 2.61-2.67; program rules CR-10, CR-11, CR-13, CR-15.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from iop_tui.access import charts
from iop_tui.access.attempts import attempted
from iop_tui.access.policy import Kind
from iop_tui.clinical.consents import queries, wording
from iop_tui.clinical.consents.model import CONSENT, HIPAA, INTERNAL, NOTES, SPECIFIC, TPO, Recipient
from iop_tui.clinical.consents.queries import IN_FORCE, ConsentLine
from iop_tui.clinical.consents.topics import kinds_of
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.disclosures.api import Disclosure
from iop_tui.clinical.people import api as people
from iop_tui.clinical.records import api as records
from iop_tui.clinical.restrictions import api as restrictions
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.errors import NotFound, RuleRefused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.work import Work
from iop_tui.workspace import Workspace

APART = (Kind.SAFE, Kind.HOLD)
"""What is kept apart: that somebody tried to release it stands in nobody else's report."""
_REPORT_FILE, _ATTACHMENT = "report_file", "attachment"  # the slices that declare them build on this one


@dataclass(frozen=True, slots=True)
class Released:
    """What goes along with a release: the ledger's rows, the notice, a copy of the consent (empty without one)."""

    rows: tuple[bytes, ...]
    notice: str
    consent_copy: str


@dataclass(frozen=True, slots=True)
class Ground:
    """Why something may leave: the basis, the consent where that is the basis, purpose, recipient and way.

    A consent belongs to the basis `consent` and to no other. `joint_allowed`: what was decided for the couple lets
    the joint records out without both signatures (the record request decides). `authority`: by what authority the
    recipient of a request asks in the person's place (45 CFR 164.502(g)); who takes the request verified it.
    """

    basis: str
    recipient: Recipient
    purpose: str
    method: str = "packet"
    consent: bytes | None = None
    joint_allowed: bool = False
    authority: str = ""


@dataclass(frozen=True, slots=True)
class _Item:
    record: bytes
    compartment: bytes
    kind: str
    document_kind: str
    label: str
    person: bytes
    day: str


def release(ws: Workspace, work: Work, person: bytes, chosen: Sequence[bytes], ground: Ground) -> Released:
    """Check the ground for some records of one person and write the ledger's rows into `work`.

    Raises `RuleRefused` naming the rule (audited), `NotFound`; then nothing may leave. The caller commits the same
    work it was given, before the bytes leave.
    """
    with attempted(ws.session, "release", person=person):
        items = [_item(ws, record) for record in dict.fromkeys(chosen)]
    apart = next((item.kind for item in items if item.kind in APART), "")
    with attempted(ws.session, "release", person=person, category=apart):
        if not items:
            raise RuleRefused("release.nothing", "Choose what is to be released.")
        line = queries.consent(ws, ground.consent) if ground.consent is not None else None
        _check_ground(ground, line)
        for item in items:
            _check(ws, item, person, ground, line)
        _check_asked(ws, person, ground)
        asked = _check_restricted(ws, person, items, ground)
    rows = [
        row for group in _grouped(items).values() for row in _write(ws, work, person, group, ground, line)
    ]
    said = notice(ws, items[0].kind, {item.kind for item in items})
    return Released(tuple(rows), f"{said}\n{asked}" if asked else said, copy_text(line))


def _item(ws: Workspace, record: bytes) -> _Item:
    line = records.line_of(ws, record)
    row = ws.view.one("SELECT compartment FROM record WHERE record = ?", (record,))
    place = bytes(row[0]) if row else b""
    return _Item(record, place, line.compartment_kind, line.kind, line.label, line.person, line.service_date)


def _check_ground(ground: Ground, line: ConsentLine | None) -> None:
    named = any(sign.isalnum() for sign in ground.recipient.name)  # nothing but signs would match no restriction
    if not named or not ground.purpose.strip():
        raise RuleRefused("release.recipient", "Say to whom and for what purpose.", "45 CFR 164.528(b)(2).")
    if ground.basis not in disclosures.BASES:
        raise RuleRefused("release.basis", "Say on which ground it is released.",
                          f"One of: {', '.join(disclosures.BASES)}.")  # fmt: skip
    if ground.basis != disclosures.CONSENT:
        if ground.consent is not None:
            raise RuleRefused("release.basis", "A consent is the ground, or something else is: not both.",
                              "Leave the consent out, or release on the consent.")  # fmt: skip
        return
    if line is None:
        raise RuleRefused("release.no_consent", "There is no consent for this.", "Record the person's consent first.")
    if line.state != IN_FORCE:
        raise RuleRefused(f"release.consent_{line.state.replace(' ', '_')}", f"The consent is {line.state}.")
    if line.document.variant == INTERNAL:
        raise RuleRefused("release.internal_only", "An internal authorization lets nothing leave the program.")
    names = {item.name.casefold() for item in line.open_to}
    if line.document.variant != TPO and ground.recipient.name.casefold() not in names:
        raise RuleRefused("release.other_recipient", "The consent names another recipient.")


def _check_asked(ws: Workspace, person: bytes, ground: Ground) -> None:
    """A request gives the person their own copy, or who asks in their place. Whoever else they want to have it is
    named by what they sign: 45 CFR 164.524(c)(3)(ii).
    """
    if ground.basis != disclosures.REQUEST or ground.authority.strip() or is_self(ws, person, ground.recipient.name):
        return
    raise RuleRefused("release.request_recipient", "On a person's own request the copy goes to that person.",
                      "To somebody else it goes on the person's signed authorization that names them: record it first"
                      " (45 CFR 164.524(c)(3)(ii)).")  # fmt: skip


def directions(ws: Workspace, person: bytes, chosen: Sequence[bytes], recipient: str) -> dict[bytes, bytes]:
    """Which of some records may go to somebody else whom the person named in writing: record → the authorization.

    45 CFR 164.524(c)(3)(ii), 164.508(c)(1)(iii). Records that no authorization in force covers are left out.
    """
    lines = [line for line in queries.in_force(ws, person) if line.document.variant != TPO]
    found: dict[bytes, bytes] = {}
    for record in chosen:
        item = _item(ws, record)
        under = next((line.id for line in lines if _may_go(ws, item, person, line, recipient)), None)
        if under is not None:
            found[record] = under
    return found


_LINK = "SELECT kind, CASE kind WHEN ? THEN json_extract(doc, '$.record') END FROM record WHERE record = ?"


def attached_to(ws: Workspace, record: bytes) -> str:
    """The kind of the record that an attachment belongs to, over others of its kind; empty for anything else."""
    kind, seen = "", set[bytes]()
    while record not in seen:
        seen.add(record)
        row = ws.view.one(_LINK, (_ATTACHMENT, record))
        if row is None:
            return ""
        if not row[1]:
            return kind and str(row[0])
        try:
            kind, record = _ATTACHMENT, parse_id(row[1])
        except NotFound:
            break  # a link that nobody can follow
    return ""


def reaches(ws: Workspace, consent: bytes, record: bytes) -> bool:
    """Whether an authorization covers a record, as `release` will ask. Raises `NotFound`."""
    try:
        _check_covered(_item(ws, record), queries.consent(ws, consent))
    except RuleRefused:
        return False
    return True


def _may_go(ws: Workspace, item: _Item, person: bytes, line: ConsentLine, recipient: str) -> bool:
    ground = Ground(disclosures.CONSENT, Recipient(name=recipient), "direction of the person", consent=line.id)
    try:
        _check_ground(ground, line)
        _check(ws, item, person, ground, line)
    except RuleRefused:
        return False
    return True


def _check(ws: Workspace, item: _Item, person: bytes, ground: Ground, line: ConsentLine | None) -> None:
    """One record against the ground. What came as a share is its author's to release."""
    if item.kind in (Kind.SHARE, Kind.INTAKE):
        raise RuleRefused("release.not_yours", "What was shared with you is released by who shared it.")
    if item.kind == Kind.JNT:
        _check_joint(ws, item, person, ground, line)
    elif item.person != person:
        raise RuleRefused("release.other_person", "A record of somebody else was chosen.", "program rule CR-10.")
    of_report = _REPORT_FILE in (item.document_kind, attached_to(ws, item.record))
    if of_report and ground.basis not in (disclosures.REPORT, disclosures.ORDER):
        raise RuleRefused("release.report_file", "The file of a report goes to who takes reports, or to a court.",
                          "Whom it is about does not learn from it who spoke: 45 CFR 164.524(a)(2)(v).")  # fmt: skip
    if item.kind in APART and ground.basis == disclosures.REQUEST and ground.authority.strip():
        raise RuleRefused("release.person_alone", "What is kept apart goes to the person alone, when they ask.",
                          "Whoever asks in their place does not get it: program rules CR-10, CR-13;"
                          " 45 CFR 164.502(g)(5).")  # fmt: skip
    if item.kind == Kind.PSY and ground.basis in (disclosures.REQUEST, disclosures.OPERATIONS):
        raise RuleRefused("release.private_note", "Private notes need an authorization of their own.",
                          "45 CFR 164.508(a)(2); 42 CFR 2.31(b).")  # fmt: skip
    if item.kind in (Kind.SAFE, Kind.HOLD, Kind.JNT) and ground.basis == disclosures.OPERATIONS:
        raise RuleRefused("release.never_billed", "This part of the record never goes to a payer.",
                          "program rules CR-13, CR-20.")  # fmt: skip
    if item.kind == Kind.SUD and ground.basis == disclosures.OPERATIONS:
        raise RuleRefused("release.part2", "Substance use records need the person's consent.", "42 CFR 2.31.")
    if ground.basis == disclosures.CONSENT and line is not None:
        _check_covered(item, line)


def _check_joint(ws: Workspace, item: _Item, person: bytes, ground: Ground, line: ConsentLine | None) -> None:
    link = charts.couple_links(ws.session).get(item.person)
    if link is None or show_id(person) not in (link.a, link.b):
        raise RuleRefused("release.other_person", "A record of somebody else was chosen.", "program rule CR-10.")
    signed = ground.basis == disclosures.CONSENT and line is not None and line.joint and line.person == item.person
    if not (ground.joint_allowed or signed):
        raise RuleRefused(
            "release.both_sign", "Both partners sign before anything of the joint record leaves.",
            "AAMFT Code of Ethics 2.3; program rule CR-10.",
        )  # fmt: skip


_UNHINDERED = (disclosures.ORDER, disclosures.REPORT)


def _check_restricted(ws: Workspace, person: bytes, items: Sequence[_Item], ground: Ground) -> str:
    """Refuse what a restriction keeps from this recipient (45 CFR 164.522(a)(1)(iii) and (vi)); what to ask of who
    gets it all the same in an emergency (iv), empty else. Required disclosures are not hindered (v); a person's own
    copy is not either.
    """
    name = ground.recipient.name
    own_copy = ground.basis == disclosures.REQUEST and is_self(ws, person, name)
    if own_copy or ground.basis in _UNHINDERED:
        return ""
    concerned = {item.record: _concerned(ws, item, person) for item in items}
    binding = {about: restrictions.lines(ws, about) for some in concerned.values() for about in some}
    for item in items:
        day = date.fromisoformat(item.day) if item.day else None
        against = [line for about in concerned[item.record] for line in binding[about] if line.stops(name, day)]
        if against and ground.basis == disclosures.EMERGENCY:
            return wording.RESTRICTED_EMERGENCY
        if against:
            raise RuleRefused("release.restricted", wording.RESTRICTED[against[0].document.ground],
                              f"{against[0].section}. If the person wants it otherwise, the privacy officer ends the"
                              " restriction with their word first.")  # fmt: skip
    return ""


def _concerned(ws: Workspace, item: _Item, person: bytes) -> tuple[bytes, ...]:
    link = charts.couple_links(ws.session).get(item.person) if item.kind == Kind.JNT else None
    return (person,) if link is None else (parse_id(link.a), parse_id(link.b))


def is_self(ws: Workspace, person: bytes, name: str) -> bool:
    """Whether a name is the person's own, as the directory has it: with the given or the preferred name.

    Raises `NotFound` for who does not have the person's entry.
    """
    entry = people.entry(ws, person)
    own = {_plain(people.header(ws, person).name), _plain(f"{entry.given} {entry.family}")}
    if entry.preferred_name and entry.family:
        own.add(_plain(f"{entry.preferred_name} {entry.family}"))
    return bool(name.strip()) and _plain(name) in own


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


_PART2 = frozenset({TPO, SPECIFIC, NOTES})


def _check_covered(item: _Item, line: ConsentLine) -> None:
    document = line.document
    if line.person != item.person:
        raise RuleRefused("release.other_person", "The consent is somebody else's.")
    if item.kind == Kind.PSY and document.variant != NOTES:
        raise RuleRefused("release.private_note", "Private notes need an authorization of their own.",
                          "45 CFR 164.508(a)(2); 42 CFR 2.31(b).")  # fmt: skip
    if item.kind != Kind.PSY and document.variant == NOTES:
        raise RuleRefused("release.notes_only", "This authorization is for private notes and nothing else.")
    if item.kind == Kind.SUD and document.variant not in _PART2:
        raise RuleRefused("release.part2", "Substance use records need a consent under Part 2.", "42 CFR 2.31.")
    if document.source and document.source != item.kind:
        raise RuleRefused("release.not_covered", "The consent is about another part of the record.")
    named = {parse_id(text) for text in document.records}
    if item.record not in named and not _by_topic(item, line):
        raise RuleRefused("release.not_covered", f"The consent does not cover this {item.label.lower()}.")


def _by_topic(item: _Item, line: ConsentLine) -> bool:
    """A form that names neither topics nor records is as wide as its description: a person judges that."""
    document = line.document
    day = date.fromisoformat(item.day) if item.day else line.starts
    inside = (document.covers_from is None or document.covers_from <= day) and (
        document.covers_to is None or day <= document.covers_to
    )
    if document.topics:
        return inside and item.document_kind in kinds_of(document.topics)
    return inside and not document.records and document.variant in (TPO, SPECIFIC, HIPAA)


def _grouped(items: list[_Item]) -> dict[bytes, list[_Item]]:
    groups: dict[bytes, list[_Item]] = {}
    for item in items:
        groups.setdefault(item.compartment, []).append(item)
    return groups


def _write(
    ws: Workspace, work: Work, person: bytes, group: list[_Item], ground: Ground, line: ConsentLine | None
) -> tuple[bytes, ...]:
    row = Disclosure(
        recipient=ground.recipient.name, address=ground.recipient.address, what=_what(group), purpose=ground.purpose,
        basis=ground.basis, method=ground.method, consent=show_id(line.id) if line else "", notice=line is not None,
        records=tuple(show_id(item.record) for item in group),
    )  # fmt: skip
    return disclosures.record(ws, work, _places(ws, group[0], person, ground.basis), row)


def _what(group: list[_Item]) -> str:
    counts: dict[str, int] = {}
    for item in group:
        counts[item.label.lower()] = counts.get(item.label.lower(), 0) + 1
    return ", ".join(f"{count} × {label}" for label, count in sorted(counts.items()))


def _places(ws: Workspace, item: _Item, person: bytes, basis: str) -> tuple[disclosures.Place, ...]:
    """Where the rows go. Joint records concern both partners: a row for each, where only the couples therapist reads;
    what one partner gets on their own request stands in that partner's list alone, or the other's would name them.
    """
    if item.kind != Kind.JNT:
        return (disclosures.Place(item.compartment, item.kind, person),)
    link = charts.couple_links(ws.session)[item.person]
    both = (
        disclosures.Place(parse_id(link.hold_a), Kind.HOLD, parse_id(link.a)),
        disclosures.Place(parse_id(link.hold_b), Kind.HOLD, parse_id(link.b)),
    )
    return tuple(place for place in both if basis != disclosures.REQUEST or place.person == person)


def notice(ws: Workspace, kind: str, kinds: set[str]) -> str:
    """The statement that travels along: 42 CFR 2.32 for what Part 2 protects, else what redisclosure means."""
    part2 = staff.program_profile(ws).part2 or Kind.SUD in kinds | {kind}
    return wording.NOTICE_2_32 if part2 else wording.REDISCLOSURE


def copy_text(line: ConsentLine | None) -> str:
    """The consent in plain words, as it travels along; empty without one."""
    if line is None:
        return ""
    fields = [f"{info.label}: {text}" for info, text in CONSENT.shown(line.document) if text]
    return "\n".join((f"Recorded {line.starts.isoformat()} by {line.author_name}", *fields))
