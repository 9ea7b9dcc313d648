"""Who could read this? Computed from live wraps, never from the policy table; the table only names the rule behind
each. And what would be in or out if one partner alone, a payer or a court asked today.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from iop_tui.access import oncall, policy, roles
from iop_tui.access.asked import WHOLE, Asked, Line, asked
from iop_tui.access.policy import Cell, Kind
from iop_tui.kernel.clock import iso
from iop_tui.kernel.errors import NotFound
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.revisions import Origin
from iop_tui.store.session import Session


@dataclass(frozen=True, slots=True)
class Reader:
    """One user who holds a live wrap: by which primitive, through which act, by which rule, from and until when."""

    user: bytes
    name: str
    roles: tuple[str, ...]
    via: str
    act: str
    rule: str
    since: str
    until: str


@dataclass(frozen=True, slots=True)
class RoleLine:
    """One role of the program: who of them can read the record now, and the rule for the role."""

    role: str
    names: tuple[str, ...]
    inside: bool
    rule: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The whole answer for one record. `kind` is the part of the record it lies in."""

    kind: str
    readers: tuple[Reader, ...]
    roles: tuple[RoleLine, ...]
    asked: tuple[Asked, ...]
    on_call: tuple[str, ...] = ()
    """Who reaches it only by breaking the glass, with an act, a reason and a review (CR-17)."""


def explain(session: Session, record: bytes) -> list[Reader]:
    """Everyone who could open a record now, by name. Raises `NotFound` for who cannot read it themselves."""
    compartment, kind, _ = _place(session, record)
    readers = {reader.user: reader for reader in wrapped(session, compartment, kind)}
    for shared in _shares(session, record):
        for reader in wrapped(session, shared, Kind.SHARE):
            readers.setdefault(reader.user, reader)
    return sorted(readers.values(), key=lambda reader: (reader.name.casefold(), reader.user))


def _shares(session: Session, record: bytes) -> set[bytes]:
    """Compartments with copies of a record: those this user opens, and those the ledger names that lies with it."""
    rows = session.view.rows(
        "SELECT r.compartment FROM record r JOIN compartment c ON c.id = r.compartment WHERE c.kind = 'SHARE' AND"
        " r.origin IS NOT NULL AND instr(r.origin, ?) > 0",
        (record,),
    )
    acts = session.view.rows(
        "SELECT DISTINCT json_extract(d.doc, '$.act') FROM record d, json_each(d.doc, '$.records') e WHERE d.kind ="
        " 'disclosure' AND d.deposit = 0 AND json_extract(d.doc, '$.act') != '' AND e.value LIKE ?",
        (f"{show_id(record)}:%",),
    )
    ids = [parse_id(act) for (act,) in acts]
    marks = ",".join("?" * len(ids))
    rows += session.view.rows(f"SELECT DISTINCT compartment FROM wrap WHERE act IN ({marks})", tuple(ids))
    return {bytes(row[0]) for row in rows}


def who(
    session: Session, record: bytes, *, record_policy: str = "both_signed", payer_consent: bool = False,
    line: Line = WHOLE,
) -> Explanation:  # fmt: skip
    """Every reader, every role, and what four askers would get today. Raises `NotFound` for who cannot read it.

    `record_policy` is what the couple's agreement says of joint records; `payer_consent` whether the person's consent
    for treatment, payment and operations is in force (42 CFR 2.31); `line` the line that is asked about.
    """
    _, _, kind = _place(session, record)
    readers = tuple(explain(session, record))
    answers = asked(kind, record_policy=record_policy, payer_consent=payer_consent, line=line)
    return Explanation(kind, readers, _role_lines(kind, readers), answers, _on_call(session, kind, readers))


def who_would(
    session: Session, compartment: bytes, kind: str, *, record_policy: str = "both_signed",
    payer_consent: bool = False, line: Line = WHOLE,
) -> Explanation:  # fmt: skip
    """The same for what is not stored yet: who would have its key, by the live wraps of the part it will lie in.

    Nobody but its author where that part has no key yet: it comes with the first document in it.
    """
    readers = tuple(sorted(wrapped(session, compartment, kind), key=lambda item: (item.name.casefold(), item.user)))
    answers = asked(kind, record_policy=record_policy, payer_consent=payer_consent, line=line)
    return Explanation(kind, readers, _role_lines(kind, readers), answers, _on_call(session, kind, readers))


def _on_call(session: Session, kind: str, readers: tuple[Reader, ...]) -> tuple[str, ...]:
    if kind != Kind.CRISIS:
        return ()
    known = {reader.user for reader in readers}
    group = wrapped(session, oncall.group(session), Kind.ONCALL)
    return tuple(sorted(reader.name for reader in group if reader.user not in known))


def _role_lines(kind: str, readers: tuple[Reader, ...]) -> tuple[RoleLine, ...]:
    return tuple(_role_line(role, kind, readers) for role in roles.ROLES)


def _place(session: Session, record: bytes) -> tuple[bytes, str, str]:
    """The compartment of a record, its kind, and the kind the words came from (another one for a shared copy)."""
    row = session.view.one(
        "SELECT r.compartment, c.kind, r.origin FROM record r JOIN compartment c ON c.id = r.compartment"
        " WHERE r.record = ?",
        (record,),
    )
    if row is None:
        raise NotFound
    from_kind = row[1]
    if row[2] is not None and from_kind == Kind.SHARE:
        from_kind = msgspec.msgpack.decode(row[2], type=Origin).compartment_kind or from_kind
    return bytes(row[0]), str(row[1]), str(from_kind)


_CELLS = {
    Cell.FULL: "writes and signs their own, where they take part in the care",
    Cell.READ: "reads, where they take part in the care",
    Cell.CONSENT: "only by the client's authorization",
    Cell.TIMED: "only by a share of named records, with a reason and an end",
    Cell.FIELDS: "fixed fields only, written elsewhere",
    Cell.META: "that it exists, never what it says",
    Cell.LIST: "a line in a list, never what it says",
    Cell.DEPOSIT: "may write into it and not read it",
    Cell.BREAK_GLASS: "in an emergency, with a reason, audited and reviewed",
    Cell.NOTHING: "nothing: holds no key",
}


_MEMBER_CELLS = frozenset({Cell.FULL, Cell.READ})


def _role_line(role: str, kind: str, readers: tuple[Reader, ...]) -> RoleLine:
    names = tuple(reader.name for reader in readers if role in _by_which(reader, kind))
    if kind == Kind.SHARE:
        return RoleLine(role, names, bool(names), "only who is named in the share")
    rule = policy.rule(kind)
    words = _CELLS[rule.cells.get(role, Cell.NOTHING)]
    return RoleLine(role, names, bool(names), f"{words} ({rule.source})")


def _by_which(reader: Reader, kind: str) -> tuple[str, ...]:
    """The roles by which somebody with several reads it: those the policy gives what they have; else all of them."""
    if kind == Kind.SHARE or len(reader.roles) == 1:
        return reader.roles
    member = reader.via.startswith("member")
    fitting = tuple(
        role for role in reader.roles
        if (cell := policy.cell(kind, role)) is not Cell.NOTHING and (cell in _MEMBER_CELLS) == member
    )  # fmt: skip
    return fitting or reader.roles


def wrapped(session: Session, compartment: bytes, kind: str) -> list[Reader]:
    """Users with a live wrap of a compartment, directly or as members of a group it is wrapped to."""
    found: dict[bytes, Reader] = {}
    for recipient, primitive, act, since, until in _live(session, compartment, kind):
        card = session.view.one("SELECT name, roles, status FROM card WHERE user = ?", (recipient,))
        if card is None and kind == Kind.SHARE:
            continue  # whose the share is, not who reads it
        if card is None:
            for member in _members(session, recipient, primitive):
                found.setdefault(member.user, member)
        elif card[2] == "active":
            rule = _rule(session, compartment, kind)
            names = tuple(card[1].split("|"))
            found[recipient] = Reader(recipient, card[0], names, primitive, act, rule, _iso(since), _iso(until))
    return list(found.values())


def _live(session: Session, compartment: bytes, kind: str) -> list[tuple[bytes, str, str, int, int]]:
    """Live wraps of a compartment by recipient: an open end goes before any date."""
    roots = session.valid_roots(compartment, kind)
    rows = session.view.rows(
        "SELECT recipient, primitive, act_kind, min(at_ms), CASE min(not_after_ms) WHEN 0 THEN 0 ELSE"
        " max(not_after_ms) END FROM wrap WHERE compartment = ? AND revoked_ms = 0 AND (not_after_ms = 0 OR"
        f" not_after_ms > ?) AND root IN ({','.join('?' * len(roots))}) GROUP BY recipient",
        (compartment, session.clock.now_ms(), *roots),
    )
    return [(bytes(row[0]), str(row[1]), str(row[2]), int(row[3]), int(row[4])) for row in rows]


def _iso(ms: int) -> str:
    return iso(ms) if ms else ""


def _rule(session: Session, compartment: bytes, kind: str) -> str:
    """The rule behind a key: the policy's source, or what the share was made for, as far as this user may know."""
    if kind != Kind.SHARE:
        return policy.rule(kind).source
    row = session.view.one("SELECT rule, purpose FROM compartment WHERE id = ?", (compartment,))
    if row is None:
        row = _ledger_says(session, compartment)
    return ": ".join(part for part in row if part) if row else "authorization"


def _ledger_says(session: Session, compartment: bytes) -> tuple[str, str] | None:
    """Ground and purpose of a share whose copies are others', from the ledger that lies with the originals."""
    act = session.view.one("SELECT act FROM wrap WHERE compartment = ? LIMIT 1", (compartment,))
    row = act and session.view.one(
        "SELECT json_extract(doc, '$.basis'), json_extract(doc, '$.purpose') FROM record WHERE kind = 'disclosure' AND"
        " deposit = 0 AND json_extract(doc, '$.act') = ?",
        (show_id(act[0]),),
    )
    return (str(row[0]), str(row[1])) if row else None


def _members(session: Session, group: bytes, primitive: str) -> list[Reader]:
    """The members of a group as readers of what is wrapped to it."""
    kind = session.programs.get(group, "")
    if not kind:
        row = session.view.one("SELECT kind FROM compartment WHERE id = ?", (group,))
        kind = str(row[0]) if row else ""
    if not kind:
        return []
    name = "front desk's" if kind == Kind.DESK else f"{kind} part's"
    return [replace(reader, via=f"{primitive}, through the {name} key") for reader in wrapped(session, group, kind)]
