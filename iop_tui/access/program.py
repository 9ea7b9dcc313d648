"""Founding a program: its root key and the compartments that exist once."""

from __future__ import annotations

from iop_tui.access import policy
from iop_tui.access.policy import PROGRAM_KINDS, Kind
from iop_tui.access.primitives import Recipient, Target, give_member, program_compartment
from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret
from iop_tui.store.members.acts import SealedKey, UserCard, sign_card
from iop_tui.store.session import Session
from iop_tui.store.work import Work
from iop_tui.vault import signing


def reserve(rng: Rng) -> dict[str, bytes]:
    """Fresh ids of the program-wide compartments, as unchanging facts of the vault."""
    return {f"program:{kind}": rng.token(16) for kind in PROGRAM_KINDS}


def found(session: Session, work: Work, card: UserCard, root_seed: Secret) -> None:
    """Admit the first user and open every program-wide compartment their roles allow.

    The program's root signing key is kept as the content of `ORG`, so that only administrators certify users.
    """
    root = signing.from_seed(root_seed.reveal())
    session.act(work, "admit", cards=(sign_card(card, root),))
    me = Recipient(card.user, card.enc_public, card.roles[0])
    for kind in PROGRAM_KINDS:
        if policy.may_be_member(kind, card.roles):
            open_program_compartment(session, work, kind, me)
    session.note(work, "found-program", subject=card.user, category=Kind.ORG)
    body = session.body(
        work,
        record=program_compartment(session, Kind.ORG),
        person=bytes(16),
        kind="root_key",
        version=1,
        payload=root_seed.reveal(),
    )
    session.write(work, program_compartment(session, Kind.ORG), body)


def open_program_compartment(session: Session, work: Work, kind: Kind, me: Recipient, number: int = 1) -> None:
    """Make a key of a program-wide compartment that nobody holds, wrapped to the user who makes it."""
    target = Target(program_compartment(session, kind), kind)
    generation, key = session.new_generation(work, target.id, number)
    sealed = SealedKey(
        session.rng.token(16),
        target.id,
        number,
        key,
        kind,
        target.person,
        target.owner,
        me.role,
        "program",
        policy.rule(kind).source,
    )
    session.act(work, "open-program", seals={me.id: [sealed]}, publics={me.id: me.public}, generations=(generation,))


def root_signer(session: Session) -> signing.SigningKey:
    """The program's root signing key. Raises `NoKey` for everybody but administrators."""
    compartment = program_compartment(session, Kind.ORG)
    session.newest(compartment)
    row = session.view.one("SELECT leaf FROM record WHERE record = ?", (compartment,))
    revision = bytes(row[0]) if row else b""
    return signing.from_seed(session.open_revision(revision).body.payload)


def programs_owed(session: Session, user: bytes, user_roles: tuple[str, ...]) -> list[Target]:
    """Program-wide compartments that a user's roles allow, this user holds, and nobody has given yet."""
    owed = []
    for kind in PROGRAM_KINDS:
        if not policy.may_be_member(kind, user_roles):
            continue
        identifier = program_compartment(session, kind)
        missing = session.view.one(
            "SELECT 1 FROM keyring k WHERE k.compartment = ?1 AND NOT EXISTS (SELECT 1 FROM wrap w WHERE"
            " w.compartment = ?1 AND w.generation = k.generation AND w.recipient = ?2 AND w.revoked_ms = 0 AND w.root ="
            " (SELECT o.root FROM wrap o WHERE o.id = k.wrap)) LIMIT 1",
            (identifier, user),
        )
        if missing is not None:
            owed.append(Target(identifier, kind))
    return owed


def give_programs(session: Session, work: Work, user: bytes, public: bytes, user_roles: tuple[str, ...]) -> list[str]:
    """Wrap those compartments to a user; their kinds."""
    owed = programs_owed(session, user, user_roles)
    if owed:
        give_member(session, work, owed, [Recipient(user, public, user_roles[0])], act="admit", purpose="program")
    return [target.kind for target in owed]
