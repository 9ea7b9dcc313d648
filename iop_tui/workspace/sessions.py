"""Making the session of an unlocked user and writing its first entry."""

from __future__ import annotations

from pathlib import Path

from iop_tui.access.gate import PolicyGate
from iop_tui.access.policy import Kind
from iop_tui.kernel.errors import VaultDamaged
from iop_tui.store.audit import AuditSession
from iop_tui.store.check import CheckFinding
from iop_tui.store.session import Identity, Session, self_key
from iop_tui.store.vaultdb import Batch, VaultDb
from iop_tui.store.views.projection import Projector
from iop_tui.store.views.view import ViewDamaged
from iop_tui.store.work import Work
from iop_tui.vault import slots
from iop_tui.workspace.environment import Environment
from iop_tui.workspace.pins import rewritten
from iop_tui.workspace.viewplaces import open_view, replace_view, state_key


def open_session(
    env: Environment,
    db: VaultDb,
    realm: bytes,
    device: bytes,
    secrets: slots.UserSecrets,
    user: bytes,
    place: bytes | None,
    path: Path,
    *,
    name: str = "",
    user_roles: tuple[str, ...] = (),
    findings: list[CheckFinding] | None = None,
    look: bool = False,
) -> Session:
    identity = Identity(user, name, user_roles, secrets.enc_seed, secrets.signer(), self_key(secrets.enc_seed))
    view, fresh = open_view(identity, realm, env.rng, db, place, path, findings if findings is not None else [])
    try:
        alarm = rewritten(view, db)
    except ViewDamaged as error:
        (view, fresh), alarm = replace_view(view, identity, realm, env.rng, findings, error), None
    if alarm is not None and findings is not None:
        if not look:
            view.abandon()
            raise VaultDamaged(
                f"{alarm.what} ({alarm.where}).",
                "Ask your privacy officer. Where an older backup was restored on purpose, move the folder `views` away"
                " first.",
            )
        findings.append(alarm)
    registry = env.registry()
    session = Session(
        realm=realm,
        device=device,
        identity=identity,
        db=db,
        view=view,
        clock=env.clock,
        rng=env.rng,
        audit=AuditSession(realm, user, device, env.rng),
        projector=Projector(registry),
        gate=PolicyGate(),
        root_public=db.meta("root_public"),
    )
    session.fresh_place = fresh
    if not name:
        try:
            session.catch_up_acts()
        except ViewDamaged as error:
            (session.view, session.fresh_place) = replace_view(view, identity, realm, env.rng, findings, error)
            session.catch_up_acts()
        card = session.card(user)
        session.identity = Identity(
            user, card.name, card.roles, identity.enc_secret, identity.signer, identity.self_key
        )
    return session


def batch_of(session: Session, work: Work) -> Batch:
    return Batch(
        session.audit.id,
        work.at_ms,
        [session.audit.seal(event) for event in work.events],
        work.acts,
        work.revisions,
        [],
        work.fingerprints,
        work.state,
        [],
        work.clean_close,
    )


def begin(session: Session, work: Work | None, action: str, detail: str = "") -> None:
    """The first entry of a session: its audit key, sealed to the auditors and to the user."""
    work = work or session.work()
    session.note(work, action, detail=detail)
    if session.fresh_place is not None:
        work.state[state_key("view", session.identity.user)] = session.fresh_place
    batch = batch_of(session, work)
    auditors = (
        work.publics.get((session.db.meta(f"program:{Kind.AUD}"), 1))
        or session.public_key(session.db.meta(f"program:{Kind.AUD}"), kind=Kind.AUD)[1]
    )
    batch.sessions.append(session.audit.row(auditors, session.identity.self_key, session.identity.signer))
    session.db.commit(batch)
