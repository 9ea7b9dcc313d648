"""The crisis key sealed for the clinicians on call (CR-17): by the treatment team, opened only by breaking the glass.

On call are all the program's clinicians: they hold the key of the program-wide compartment `ONCALL`. Every key of a
crisis compartment is sealed to it, beside the team's own wraps and apart from them (`store.emergency`).
"""

from __future__ import annotations

from iop_tui.access import groups, policy
from iop_tui.access.policy import Kind
from iop_tui.kernel.errors import NoKey
from iop_tui.store.members import emergency, sealedapart
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
    """(compartment, person, generation) of the crisis keys this user holds as a member and nobody sealed yet.

    What this user sealed is sealed. Of what colleagues say they sealed, who is on call opens it and looks: a grant
    without a key would leave the card shut in an emergency, and nobody would know before.
    """
    rows = session.view.rows(
        "SELECT c.id, c.person, k.generation, EXISTS (SELECT 1 FROM emergency e WHERE e.compartment = c.id AND"
        " e.generation = k.generation AND e.recipient = ?2 AND e.root = o.root) AS told, EXISTS (SELECT 1 FROM"
        " emergency e WHERE e.compartment = c.id AND e.generation = k.generation AND e.recipient = ?2 AND e.root ="
        " o.root AND e.author = ?3) AS own FROM compartment c JOIN keyring k ON k.compartment = c.id JOIN wrap o ON"
        " o.id = k.wrap WHERE c.kind = ?1 AND c.primitive = 'member' ORDER BY c.id, k.generation",
        (Kind.CRISIS, group(session), session.identity.user),
    )
    return [
        (bytes(place), bytes(person), int(number))
        for place, person, number, told, own in rows
        if not own and not (told and _is_sealed(session, bytes(place), int(number)))
    ]


def _is_sealed(session: Session, compartment: bytes, number: int) -> bool:
    """Whether a colleague's seal holds the key, as far as this user can tell: who is not on call opens none."""
    if not session.holds(group(session)):
        return True
    known = session.seals_seen
    if (compartment, number) not in known:
        try:
            found = emergency.unseal(session, group(session), compartment, Kind.CRISIS)
        except NoKey:
            return False
        known.update((compartment, generation) for generation in found)
    return (compartment, number) in known


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
