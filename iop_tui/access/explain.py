"""Who could read this? Computed from live wraps, never from the policy table; the table only names the rule behind
each.
"""

from __future__ import annotations

from dataclasses import dataclass

from iop_tui.access import policy
from iop_tui.kernel.clock import iso
from iop_tui.kernel.errors import NotFound
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


def explain(session: Session, record: bytes) -> list[Reader]:
    """Everyone who could open a record now, by name. Raises `NotFound` for who cannot read it themselves."""
    row = session.view.one(
        "SELECT r.compartment, c.kind FROM record r JOIN compartment c ON c.id = r.compartment WHERE r.record = ?",
        (record,),
    )
    if row is None:
        raise NotFound
    readers = {reader.user: reader for reader in wrapped(session, row[0], row[1])}
    for shared, kind in session.view.rows(
        "SELECT DISTINCT r.compartment, c.kind FROM record r JOIN compartment c ON c.id = r.compartment WHERE"
        " c.kind = 'SHARE' AND r.origin IS NOT NULL"
        " AND instr(r.origin, ?) > 0",
        (record,),
    ):
        for reader in wrapped(session, shared, kind):
            readers.setdefault(reader.user, reader)
    return sorted(readers.values(), key=lambda reader: reader.name.casefold())


def wrapped(session: Session, compartment: bytes, kind: str) -> list[Reader]:
    """Users with a live wrap of a compartment, directly or as members of a group it is wrapped to."""
    now, roots = session.clock.now_ms(), session.valid_roots(compartment, kind)
    rows = session.view.rows(
        "SELECT recipient, primitive, act_kind, min(at_ms), max(not_after_ms) FROM wrap WHERE compartment = ?"
        f" AND revoked_ms = 0 AND (not_after_ms = 0 OR not_after_ms > ?) AND root IN ({','.join('?' * len(roots))})"
        " GROUP BY recipient",
        (compartment, now, *roots),
    )
    rule = policy.rule(kind).source if kind != policy.Kind.SHARE else "authorization"
    found: dict[bytes, Reader] = {}
    for recipient, primitive, act, since, until in rows:
        card = session.view.one("SELECT name, roles, status FROM card WHERE user = ?", (recipient,))
        if card is None:
            for member in wrapped(session, recipient, policy.Kind.DESK):
                found.setdefault(
                    member.user,
                    Reader(
                        member.user,
                        member.name,
                        member.roles,
                        f"{primitive}, through the front desk's key",
                        act,
                        rule,
                        iso(since),
                        iso(until) if until else "",
                    ),
                )
        elif card[2] == "active":
            found[recipient] = Reader(
                recipient,
                card[0],
                tuple(card[1].split("|")),
                primitive,
                act,
                rule,
                iso(since),
                iso(until) if until else "",
            )
    return list(found.values())
