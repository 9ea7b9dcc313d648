"""The composition root: one user's unlocked vault, and the only place where clock, randomness and KDF cost are
injected.

The terminal program, the command line and the tests all hold a `Workspace` and call the same services with it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from iop_tui.access import charts, program, roles
from iop_tui.access.gate import PolicyGate
from iop_tui.access.policy import Kind
from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.clock import Clock, SystemClock
from iop_tui.kernel.declare import Document, DocumentType, Registry
from iop_tui.kernel.errors import LockedOut, ReauthNeeded, Refused, VaultDamaged, VaultMissing, WrongSecrets
from iop_tui.kernel.rng import Rng, SystemRng
from iop_tui.kernel.secret import Secret
from iop_tui.store import check
from iop_tui.store.acts import UserCard
from iop_tui.store.audit import AuditSession
from iop_tui.store.check import CheckFinding, HeadState
from iop_tui.store.database import refuse_if_in_use, translated
from iop_tui.store.projection import Projector
from iop_tui.store.session import Identity, Session, self_key
from iop_tui.store.vaultdb import Batch, Position, VaultDb
from iop_tui.store.view import Changes, View
from iop_tui.store.work import Work
from iop_tui.vault import envelope, headfile, kdf, keystore, passphrase, recovery, signing, slots, totp
from iop_tui.vault.headfile import HeadWriter, SignedHead

DATABASE, VIEWS = "vault.db", "views"
ISSUER = "iop-tui"
FRESH_SECONDS = 5 * 60


@dataclass(frozen=True, slots=True)
class Environment:
    """What is injected: time, randomness, the cost of the passphrase, the declared documents.

    `code_clock` serves one-time codes and is never moved by `--now`.
    """

    types: tuple[DocumentType[Document], ...]
    clock: Clock = field(default_factory=SystemClock)
    code_clock: Clock = field(default_factory=SystemClock)
    rng: Rng = field(default_factory=SystemRng)
    kdf: kdf.Kdf = field(default_factory=kdf.ProductionKdf)
    use_keyring: bool = False

    def registry(self) -> Registry:
        """All document kinds: those of the slices and those of access."""
        return Registry((*charts.TYPES, *self.types))


@dataclass(frozen=True, slots=True)
class NewUser:
    """What a new user takes away: the code for their phone and the kit for their drawer."""

    user: bytes
    totp_uri: str
    kit: str
    secrets: slots.UserSecrets


class _ViewPlace(msgspec.Struct, frozen=True, array_like=True):
    name: str
    sealed_key: bytes
    revisions: int


def _state_key(kind: str, user: bytes) -> str:
    return f"{kind}:{user.hex()}"


class Workspace:
    """One user's unlocked vault."""

    def __init__(
        self,
        path: Path,
        env: Environment,
        session: Session,
        head: HeadWriter | None,
        findings: list[CheckFinding],
        demo: bool,
        totp_seed: Secret,
    ) -> None:
        self.path = path
        self.env = env
        self.session = session
        self.registry = env.registry()
        self.findings = findings
        self.demo = demo
        self._head = head
        self._totp_seed = totp_seed
        self._closed = False
        self._fresh_at = env.clock.monotonic()

    # -- short names for services ----------------------------------------------------------

    @property
    def clock(self) -> Clock:
        """The workspace's clock."""
        return self.session.clock

    @property
    def rng(self) -> Rng:
        """The workspace's randomness."""
        return self.session.rng

    @property
    def user(self) -> Identity:
        """Who is at the keyboard."""
        return self.session.identity

    @property
    def view(self) -> View:
        """What screens query."""
        return self.session.view

    @property
    def realm(self) -> bytes:
        """The vault's id."""
        return self.session.realm

    def work(self) -> Work:
        """An empty write at the present time."""
        return self.session.work()

    def commit(self, work: Work) -> Changes:
        """Append a write durably and project it."""
        return self.session.commit(work)

    def confirm(self, phrase: bytearray) -> None:
        """Check the passphrase again, for acts that ask for it. Raises `WrongSecrets`, `LockedOut`."""
        open_slot(self.path, self.env, name=self.user.name, phrase=phrase, own=True)
        self._fresh_at = self.clock.monotonic()

    def need_fresh(self) -> None:
        """Raise `ReauthNeeded` where the passphrase was not given within the last five minutes."""
        if self.clock.monotonic() - self._fresh_at > FRESH_SECONDS:
            raise ReauthNeeded(
                "Signing asks for your passphrase again after five minutes.", "Enter your passphrase, then repeat."
            )

    # -- end of a session ------------------------------------------------------------------

    def close(self, action: str = "lock") -> None:
        """Write the closing entry, fold the logs, close the files. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        session = self.session
        if self._head is not None:
            work = session.work()
            session.note(work, action)
            work.clean_close = True
            place = self._place()
            if place is not None:
                fresh = _ViewPlace(place.name, place.sealed_key, session.view.number("applied_revisions"))
                work.state[_state_key("view", session.identity.user)] = encode(fresh)
            session.db.commit(_batch(session, work))
            self._save_anchor()
        session.view.close()
        session.db.close()
        if self._head is not None:
            self._head.close()

    def _place(self) -> _ViewPlace | None:
        raw = self.session.db.state.get(_state_key("view", self.session.identity.user))
        return decode(raw, _ViewPlace) if raw else None

    def _save_anchor(self) -> None:
        if self.env.use_keyring and keystore.available():
            position = self.session.db.position
            keystore.store_anchor(self.realm, self.session.device, encode((position.audit_seq, position.audit_hash)))

    # -- checks ----------------------------------------------------------------------------

    def head_state(self) -> HeadState:
        """What the signed head says now."""
        return _head_state(self.path, self.session.db)

    def verify(
        self, progress: Callable[[int, int], None] | None = None, cancelled: Callable[[], bool] | None = None
    ) -> list[CheckFinding]:
        """The full check: head, chain, every row, every page, and this user's view. Raises `Cancelled`."""
        found = check.full(self.session.db, self.head_state(), progress, cancelled)
        found += [item for item in self.findings if item not in found]
        for where, what in (("cipher_integrity_check", "A page of your view fails its authentication"),):
            if self.view.rows(f"PRAGMA {where}"):
                found.append(CheckFinding(what, self.view.path.name))
        for what, why in self.view.rows("SELECT what, why FROM quarantine"):
            found.append(CheckFinding(f"A {what} was not accepted: {why}", "vault.db"))
        return found

    # -- the view --------------------------------------------------------------------------

    def behind(self) -> int:
        """How many revisions the view has not taken in yet."""
        return self.session.db.position.revisions - self.view.number("applied_revisions")

    def rebuild_view(
        self, progress: Callable[[int, int], None] | None = None, cancelled: Callable[[], bool] | None = None
    ) -> None:
        """Build the view anew under a new key, then destroy the old key and file: what a purge after a lost grant
        ends with.
        """
        session = self.session
        old = session.view
        place, key = _new_place(session.identity, session.realm, session.rng)
        session.view = View.create(self.path / VIEWS / place.name, key)
        try:
            session.catch_up(progress, cancelled)
        except BaseException:
            fresh, session.view = session.view, old
            fresh.close()
            _remove_view(fresh.path)
            raise
        work = session.work()
        session.note(work, "rebuild-view")
        work.state[_state_key("view", session.identity.user)] = encode(place)
        session.db.commit(_batch(session, work))
        old.close()
        _remove_view(old.path)
        session.forget_keys()

    # -- key slots -------------------------------------------------------------------------

    def header(self) -> headfile.Header:
        """The key slots as they stand in `vault.head`."""
        return headfile.read(self.path / headfile.NAME).header

    def change_header(self, work: Work, change: Callable[[headfile.Header], headfile.Header]) -> Changes:
        """Change key slots and record it: first the vault's own copy (with the audit event), then `vault.head`.

        A crash in between leaves the old slots working; the next unlock finishes the change.
        """
        current = self.header()
        fresh = msgspec.structs.replace(change(current), generation=current.generation + 1)
        work.state["header"] = encode(fresh)
        work.state["header_before"] = headfile.header_digest(current)
        changes = self.commit(work)
        with translated(self.path / headfile.NAME):
            headfile.write_header(self.path / headfile.NAME, fresh)
        return changes

    def vault_keys(self) -> slots.VaultKeys:
        """The keys a new slot on this copy needs, opened again from this user's own slot."""
        return slots.unwrap(self.own_slot(), self.own_secrets(), self.realm)

    def own_slot(self) -> slots.Slot:
        """This user's slot. Raises `VaultDamaged` where it is gone."""
        for slot in self.header().slots:
            if slot.user_id == self.user.user:
                return slot
        raise VaultDamaged("Your key slot is missing from vault.head.")

    def own_secrets(self) -> slots.UserSecrets:
        """This user's secrets, for a new passphrase or kit of their own slot."""
        return slots.UserSecrets(self.user.enc_secret, self.user.signer.seed, self._totp_seed)

    def beside(self, secrets: slots.UserSecrets, user: bytes) -> Workspace:
        """A second user's workspace on the same open vault, for the demo generator and for tests of access."""
        own = self.session
        session = _session(self.env, own.db, own.realm, own.device, secrets, user, None, self.path)
        _begin(session, None, "unlock")
        return Workspace(self.path, self.env, session, None, [], self.demo, secrets.totp_seed)


# -- creating ------------------------------------------------------------------------------


def create(
    path: Path,
    env: Environment,
    *,
    name: str,
    user_roles: tuple[str, ...],
    phrase: bytearray,
    demo: bool = False,
    realm: bytes | None = None,
    secrets: slots.UserSecrets | None = None,
) -> tuple[Workspace, NewUser]:
    """A new vault with its first user, who is administrator and privacy officer besides the roles asked for.

    Returns the open workspace and what the user takes away. Until the kit was tested the vault says so at every
    unlock. `realm` and `secrets` are given for demo vaults only, whose secrets follow from the vault's id. Raises `Refused` where a vault exists or the passphrase is weak, `MediumUnusable`, `DiskFull`.
    """
    if (path / headfile.NAME).exists() or (path / DATABASE).exists():
        raise Refused("There is a vault in this folder already.", "Choose another folder with --vault.")
    granted = roles.check((*user_roles, roles.ADMINISTRATOR, roles.PRIVACY_OFFICER))
    if not demo:
        passphrase.check_new(phrase, names=(name, ISSUER))
    with translated(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    rng = env.rng
    realm, device, user = realm or rng.token(16), rng.token(16), rng.token(16)
    secrets, kit_key = secrets or slots.new_secrets(rng), recovery.new_kit_key(rng)
    keys = slots.VaultKeys(Secret(rng.token(32)), Secret(rng.token(32)))
    root_seed, device_key = Secret(rng.token(32)), signing.from_seed(keys.device_seed.reveal())
    slot = slots.make_slot(
        vault_id=realm,
        user_id=user,
        device_id=device,
        name=name,
        secrets=secrets,
        passphrase=phrase,
        kdf=env.kdf,
        rng=rng,
        kit_key=kit_key,
        keys=keys,
    )
    header = headfile.Header(vault_id=realm, demo=demo, created_ms=env.clock.now_ms(), slots=(slot,))
    meta = {
        "vault_id": realm,
        "device": device,
        "device_public": device_key.public,
        "root_public": signing.from_seed(root_seed.reveal()).public,
        "demo": b"1" if demo else b"0",
        **program.reserve(rng),
    }
    db = VaultDb.create(path / DATABASE, keys.vault_key, device, meta)
    with translated(path):
        headfile.create(path / headfile.NAME, header)
    session = _session(env, db, realm, device, secrets, user, None, path, name=name, user_roles=granted)
    writer = _head_sink(path, db, header, device, device_key, env.clock)
    work = session.work()
    program.found(
        session,
        work,
        UserCard(user, name, granted, secrets.enc_public(), secrets.signer().public, "active", 1),
        root_seed,
    )
    work.state["header"] = encode(header)
    work.state[_state_key("kit_untested", user)] = b"1"
    _begin(session, work, "found")
    session.catch_up()
    found = NewUser(user, totp.uri(secrets.totp_seed, name, ISSUER), recovery.encode_kit(kit_key), secrets)
    return Workspace(path, env, session, writer, [], demo, secrets.totp_seed), found


# -- unlocking -----------------------------------------------------------------------------


def unlock(
    path: Path,
    env: Environment,
    *,
    name: str,
    phrase: bytearray,
    code: str,
    catch_up: bool = True,
    inspect: bool = False,
) -> Workspace:
    """Open a vault for a user. Raises `WrongSecrets` (whatever was wrong), `LockedOut`, `Suspended`,
    `VaultDamaged`, `VaultInUse`.

    A vault that is older than its signed head is not opened for work; `inspect` opens it to look and writes nothing.
    """
    head, slot, secrets = open_slot(path, env, name=name, phrase=phrase)
    keys = slots.unwrap(slot, secrets, head.header.vault_id)
    db = VaultDb.open(path / DATABASE, keys.vault_key, slot.device_id)
    try:
        return _unlocked(path, env, db, head.header, slot, secrets, keys, code, catch_up=catch_up, inspect=inspect)
    except BaseException:
        db.close()
        raise


def open_slot(
    path: Path, env: Environment, *, name: str, phrase: bytearray, own: bool = False
) -> tuple[headfile.HeadFile, slots.Slot, slots.UserSecrets]:
    """The first step of an unlock: head, slot and the secrets behind the passphrase. Failures make the wait grow."""
    file = path / headfile.NAME
    head = headfile.read(file)
    if not (path / DATABASE).exists():
        raise VaultMissing("vault.db is missing.", "Restore it from the newest verified backup.")
    if not own:
        refuse_if_in_use(path / DATABASE)
    tag = _tag(head.header, name)
    _refuse_early(file, tag, env)
    slot = next((item for item in head.header.slots if item.name_tag == tag), None)
    try:
        if slot is None:
            slots.decoy(phrase, env.kdf, head.header.slots[0].profile if head.header.slots else None)
        secret = None
        if slot.needs_device_secret:
            secret = keystore.load(slot.vault_id, slot.user_id, slot.device_id)
        return head, slot, slots.open_slot(slot, phrase, secret, env.kdf, head.header.vault_id)
    except WrongSecrets:
        headfile.note_failure(file, tag, env.code_clock.now_ms())
        raise


def _tag(header: headfile.Header, name: str) -> bytes:
    """By what a user's slot is found; nobody is asked for a name where there is one user."""
    if not name and len(header.slots) == 1:
        return header.slots[0].name_tag
    return slots.name_tag(header.vault_id, name)


def _refuse_early(file: Path, tag: bytes, env: Environment) -> None:
    wait = headfile.wait_ms(headfile.failures(file, tag), env.code_clock.now_ms())
    if wait > 0:
        raise LockedOut(
            f"Too many failed attempts. Wait {-(-wait // 1000)} seconds.",
            "Then try again; the wait grows with each failure.",
        )


def _unlocked(
    path: Path,
    env: Environment,
    db: VaultDb,
    header: headfile.Header,
    slot: slots.Slot,
    secrets: slots.UserSecrets,
    keys: slots.VaultKeys,
    code: str | None,
    *,
    catch_up: bool,
    inspect: bool,
) -> Workspace:
    user, realm = slot.user_id, header.vault_id
    if db.meta("vault_id") != realm:
        raise VaultDamaged("vault.db and vault.head belong to different vaults.")
    tag = slot.name_tag
    step = _accept_code(path, env, db, secrets, user, tag, code)
    findings = (
        check.quick(db, _head_state(path, db))
        + _header_findings(path, db, header)
        + _anchor_findings(env, db, realm, slot.device_id)
    )
    alarms = [item for item in findings if item.alarm]
    if alarms and not inspect:
        raise VaultDamaged(
            f"{alarms[0].what} ({alarms[0].where}{', since ' + alarms[0].since if alarms[0].since else ''})."
        )
    session = _session(
        env, db, realm, slot.device_id, secrets, user, db.state.get(_state_key("view", user)), path, findings=findings
    )
    if inspect:
        return Workspace(path, env, session, None, findings, header.demo, secrets.totp_seed)
    failed = headfile.failures(path / headfile.NAME, tag).count
    writer = _head_sink(path, db, header, slot.device_id, signing.from_seed(keys.device_seed.reveal()), env.clock)
    work = session.work()
    work.state[_state_key("totp", user)] = step.to_bytes(8, "big")
    _begin(session, work, "unlock", f"after {failed} failures" if failed else "")
    headfile.clear_failures(path / headfile.NAME, tag)
    if catch_up:
        session.catch_up()
    return Workspace(path, env, session, writer, findings, header.demo, secrets.totp_seed)


def _accept_code(
    path: Path,
    env: Environment,
    db: VaultDb,
    secrets: slots.UserSecrets,
    user: bytes,
    tag: bytes,
    code: str | None,
) -> int:
    """The step of an accepted one-time code (RFC 6238); None asks for none: a recovery kit was used instead."""
    last = int.from_bytes(db.state.get(_state_key("totp", user), b"\x00"), "big")
    if code is None:
        return last
    try:
        return totp.accept(secrets.totp_seed, code, env.code_clock.now_ms() // 1000, last)
    except WrongSecrets:
        headfile.note_failure(path / headfile.NAME, tag, env.code_clock.now_ms())
        raise


def open_kit(path: Path, env: Environment, *, name: str, kit: Secret) -> tuple[slots.Slot, slots.UserSecrets]:
    """Slot and secrets by recovery kit instead of passphrase and code. Failures make the wait grow as everywhere."""
    file = path / headfile.NAME
    header = headfile.read(file).header
    refuse_if_in_use(path / DATABASE)
    tag = _tag(header, name)
    _refuse_early(file, tag, env)
    slot = next((item for item in header.slots if item.name_tag == tag), None)
    try:
        if slot is None:
            raise WrongSecrets
        return slot, slots.open_with_kit(slot, kit)
    except WrongSecrets:
        headfile.note_failure(file, tag, env.code_clock.now_ms())
        raise


def unlock_with(path: Path, env: Environment, slot: slots.Slot, secrets: slots.UserSecrets) -> Workspace:
    """Open a vault with secrets a recovery kit gave."""
    header = headfile.read(path / headfile.NAME).header
    keys = slots.unwrap(slot, secrets, header.vault_id)
    db = VaultDb.open(path / DATABASE, keys.vault_key, slot.device_id)
    try:
        return _unlocked(path, env, db, header, slot, secrets, keys, None, catch_up=True, inspect=False)
    except BaseException:
        db.close()
        raise


def _anchor_findings(env: Environment, db: VaultDb, realm: bytes, device: bytes) -> list[CheckFinding]:
    """A head kept outside the folder shows when the whole folder was put back."""
    if not env.use_keyring or not keystore.available():
        return []
    raw = keystore.load_anchor(realm, device)
    if raw is None:
        return []
    seq, chain = decode(raw, tuple[int, bytes])
    rows = db.read("SELECT hash FROM audit WHERE seq = ?", (seq,))
    if not rows or bytes(rows[0][0]) != chain:
        return [CheckFinding("The whole vault was put back to an older state", "vault folder")]
    return []


def _header_findings(path: Path, db: VaultDb, header: headfile.Header) -> list[CheckFinding]:
    """The key slots against the vault's own copy; an interrupted change is finished here."""
    raw = db.state.get("header")
    if raw is None or raw == encode(header):
        return []
    if db.state.get("header_before") == headfile.header_digest(header):
        headfile.write_header(path / headfile.NAME, decode(raw, headfile.Header))
        return [
            CheckFinding(
                "A change of key slots was interrupted, or older key slots were put back; it is finished now",
                "vault.head",
                alarm=False,
            )
        ]
    return [CheckFinding("The key slots are not those this vault last wrote", "vault.head")]


def _head_state(path: Path, db: VaultDb) -> HeadState:
    head = headfile.read(path / headfile.NAME)
    public = db.meta("device_public")
    for stored in head.heads:
        try:
            signed = headfile.verify_head(stored, public)
        except VaultDamaged:
            return HeadState(None, 0, ("A signed head was forged or damaged", *head.problems))
        position = Position(signed.audit_seq, signed.audit_hash, signed.revisions, signed.acts, signed.journal_digest)
        return HeadState(position, signed.at_ms, head.problems)
    return HeadState(None, 0, head.problems)


def _head_sink(
    path: Path, db: VaultDb, header: headfile.Header, device: bytes, signer: signing.SigningKey, clock: Clock
) -> HeadWriter:
    writer = HeadWriter(path / headfile.NAME, signer)
    digest = headfile.header_digest(header)

    def sink(position: Position) -> None:
        writer.write(
            SignedHead(
                vault_id=header.vault_id,
                device_id=device,
                seq=position.audit_seq,
                audit_seq=position.audit_seq,
                audit_hash=position.audit_hash,
                revisions=position.revisions,
                acts=position.acts,
                journal_digest=position.journal,
                header_digest=digest,
                at_ms=clock.now_ms(),
            )
        )

    db.set_head_sink(sink)
    return writer


# -- sessions ------------------------------------------------------------------------------


def _session(
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
) -> Session:
    identity = Identity(user, name, user_roles, secrets.enc_seed, secrets.signer(), self_key(secrets.enc_seed))
    view, fresh = _open_view(identity, realm, env.rng, db, place, path, findings if findings is not None else [])
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
        session.catch_up_acts()
        card = session.card(user)
        session.identity = Identity(
            user, card.name, card.roles, identity.enc_secret, identity.signer, identity.self_key
        )
    return session


def _open_view(
    identity: Identity,
    realm: bytes,
    rng: Rng,
    db: VaultDb,
    raw: bytes | None,
    path: Path,
    findings: list[CheckFinding],
) -> tuple[View, bytes | None]:
    """This user's view: the one on disk where it is sound, else a new and empty one under a new key."""
    if raw is not None:
        place = decode(raw, _ViewPlace)
        key = Secret(
            envelope.open_raw(
                identity.self_key, "iop/view/1", (realm, identity.user, place.name.encode()), place.sealed_key
            )
        )
        file = path / VIEWS / place.name
        try:
            view = View.open(file, key)
        except VaultDamaged as error:
            findings.append(
                CheckFinding(f"Your view is built anew: {error.message}", f"views/{place.name}", alarm=False)
            )
            _remove_view(file)
        else:
            if (
                view.number("applied_revisions") < place.revisions
                or view.number("applied_revisions") > db.position.revisions
            ):
                findings.append(
                    CheckFinding(
                        "Your view was replaced by another state; it is built anew", f"views/{place.name}", alarm=False
                    )
                )
                view.close()
                _remove_view(file)
            else:
                return view, None
    place, key = _new_place(identity, realm, rng)
    return View.create(path / VIEWS / place.name, key), encode(place)


def _new_place(identity: Identity, realm: bytes, rng: Rng) -> tuple[_ViewPlace, Secret]:
    name = base64.b32encode(rng.token(10)).decode().lower() + ".db"
    key = Secret(rng.token(32))
    sealed = envelope.seal_raw(
        identity.self_key, "iop/view/1", (realm, identity.user, name.encode()), key.reveal(), rng
    )
    return _ViewPlace(name, sealed, 0), key


def _remove_view(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        (path.parent / name).unlink(missing_ok=True)


def _batch(session: Session, work: Work) -> Batch:
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


def _begin(session: Session, work: Work | None, action: str, detail: str = "") -> None:
    """The first entry of a session: its audit key, sealed to the auditors and to the user."""
    work = work or session.work()
    session.note(work, action, detail=detail)
    if session.fresh_place is not None:
        work.state[_state_key("view", session.identity.user)] = session.fresh_place
    batch = _batch(session, work)
    auditors = (
        work.publics.get((session.db.meta(f"program:{Kind.AUD}"), 1))
        or session.public_key(session.db.meta(f"program:{Kind.AUD}"))[1]
    )
    batch.sessions.append(session.audit.row(auditors, session.identity.self_key))
    session.db.commit(batch)
