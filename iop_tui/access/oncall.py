"""The crisis key sealed for the clinicians on call (CR-17): by the treatment team, opened only by breaking the glass.

On call are all the program's clinicians: they hold the key of the program-wide compartment `ONCALL`. Every key of a
crisis compartment is sealed to it, beside the team's own wraps and apart from them (`store.emergency`).
"""

from __future__ import annotations

from iop_tui.access import groups, policy
from iop_tui.access.policy import Kind
from iop_tui.kernel.errors import NoKey
from iop_tui.store.members import sealedapart
from iop_tui.store.members.acts import SealedKey
from iop_tui.store.session import NOBODY, Session
from iop_tui.store.work import Work

RULE = "program rule CR-17"


def group(session: Session) -> bytes:
    """The id of the compartment whose members are on call."""
    return session.db.meta(f"program:{Kind.ONCALL}")


def seal(session: Session, work: Work, compartment: bytes, person: bytes, number: int, key: bytes) -> None:
    """Seal one generation of a crisis compartment's key for who is on call; nothing while nobody is (the next settling
    of a program does it then).
    """
    on_call = group(session)
    try:
        _, public = session.public_key(on_call, work, kind=Kind.ONCALL)
    except NoKey:
        return
    sealed = SealedKey(
        session.rng.token(16), compartment, number, key, Kind.CRISIS, person, NOBODY, "on call", "break-glass", RULE
    )
    session.act(
        work, "seal-emergency", seals={on_call: [sealed]}, publics={on_call: public}, primitive=sealedapart.PRIMITIVE
    )


def unsealed(session: Session) -> list[tuple[bytes, bytes, int]]:
    """(compartment, person, generation) of the crisis keys this user holds as a member and nobody sealed yet."""
    rows = session.view.rows(
        "SELECT c.id, c.person, k.generation FROM compartment c JOIN keyring k ON k.compartment = c.id WHERE"
        " c.kind = ? AND c.primitive = 'member' AND NOT EXISTS (SELECT 1 FROM emergency e JOIN wrap o ON o.id = k.wrap"
        " AND o.root = e.root WHERE e.compartment = c.id AND e.generation = k.generation AND e.recipient = ?)"
        " ORDER BY c.id, k.generation",
        (Kind.CRISIS, group(session)),
    )
    return [(bytes(row[0]), bytes(row[1]), int(row[2])) for row in rows]


def known_outside(session: Session, compartment: bytes) -> bool:
    """Whether somebody who left the call still knows the key that a compartment's newest key was sealed to: then a new
    one is owed before anything new is written.
    """
    rows = session.view.rows(
        "SELECT DISTINCT e.pos FROM emergency e JOIN generation g ON g.compartment = e.compartment AND g.number ="
        " e.generation AND g.root = e.root WHERE e.compartment = ?1 AND e.recipient = ?2 AND e.generation = (SELECT"
        " max(generation) FROM keyring WHERE compartment = ?1 AND secondary = 0)",
        (compartment, group(session)),
    )
    return any(groups.known_to_former(session, group(session), pos) for (pos,) in rows)


def may_be_on_call(roles: tuple[str, ...]) -> bool:
    """Whether somebody of these roles may break the glass."""
    return policy.may_be_member(Kind.ONCALL, roles)
