"""One user's unlocked vault."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from iop_tui.kernel.canonical import decode, encode
from iop_tui.kernel.clock import Clock
from iop_tui.kernel.errors import ReauthNeeded, VaultDamaged
from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret
from iop_tui.store import check
from iop_tui.store.check import CheckFinding, HeadState
from iop_tui.store.database import translated
from iop_tui.store.session import Identity, Session
from iop_tui.store.views.view import Changes, View
from iop_tui.store.work import Work
from iop_tui.vault import headfile, keystore, slots
from iop_tui.vault.headfile import HeadWriter
from iop_tui.workspace.environment import FRESH_SECONDS, VIEWS, Environment
from iop_tui.workspace.heads import head_state_of
from iop_tui.workspace.pins import note_seen
from iop_tui.workspace.sessions import batch_of, begin, open_session
from iop_tui.workspace.slotaccess import accept_again, open_slot
from iop_tui.workspace.viewplaces import ViewPlace, new_place, remove_view, stamp_view, state_key

Service = TypeVar("Service", bound=Callable[..., Any])


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
        self._beside = False
        self._fresh_at = env.clock.monotonic()
        self.opened: set[bytes] = set()
        """Records read since this unlock: what a paste is compared with."""

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

    def take_code(self, work: Work, code: str) -> None:
        """Check a one-time code for an act that asks for the second factor again; it is used up by the act's own write.

        Raises `WrongSecrets`, `CodeUsed`, `LockedOut`; a wrong code counts like one at the prompt.
        """
        accept_again(self.path, self.env, self.session, self._totp_seed, code, work)

    # -- end of a session ------------------------------------------------------------------

    def close(self, action: str = "lock") -> None:
        """Write the closing entry, fold the logs, close the files. A second call does nothing.

        A vault found damaged takes no entry any more: it would fail, and hide what was found.
        """
        if self._closed:
            return
        self._closed = True
        with ExitStack() as files:  # closed whatever the closing entry meets
            if self._head is not None:
                files.callback(self._head.close)
            if not self._beside:
                files.callback(self.session.db.close)
            files.callback(self.session.view.close)
            if self._head is not None and not self.session.db.damaged:
                self._closing_entry(action)
                self._save_anchor()

    def _closing_entry(self, action: str) -> None:
        session, work = self.session, self.session.work()
        session.note(work, action)
        work.clean_close = True
        place = self._place()
        if place is not None:
            stamp = stamp_view(session.view, session.rng)
            note_seen(session.view, session.db.position)
            fresh = ViewPlace(place.name, place.sealed_key, session.view.number("applied_revisions"), stamp)
            work.state[state_key("view", session.identity.user)] = encode(fresh)
        session.db.commit(batch_of(session, work))

    def _place(self) -> ViewPlace | None:
        raw = self.session.db.state.get(state_key("view", self.session.identity.user))
        return decode(raw, ViewPlace) if raw else None

    def _save_anchor(self) -> None:
        """Keep the head in the keyring too, best effort: a keyring that refuses must not keep a session from
        closing.
        """
        if not self.env.use_keyring or not keystore.available():
            return
        position = self.session.db.position
        try:
            keystore.store_anchor(self.realm, self.session.device, encode((position.audit_seq, position.audit_hash)))
        except keystore.KeyringUnusable:
            return  # the older anchor stays, and still shows a vault put back to before it

    # -- checks ----------------------------------------------------------------------------

    def head_state(self) -> HeadState:
        """What the signed head says now."""
        return head_state_of(self.path, self.session.db)

    def verify(
        self, progress: Callable[[int, int], None] | None = None, cancelled: Callable[[], bool] | None = None
    ) -> list[CheckFinding]:
        """The full check: head, chain, every row, every page, and this user's view. Raises `Cancelled`."""
        found = check.full(self.session.db, self.head_state(), progress, cancelled)
        found += [item for item in self.findings if item not in found]
        if self.view.has_damaged_pages():
            found.append(CheckFinding("A page of your view fails its authentication", f"views/{self.view.path.name}"))
        for what, why in self.view.rows("SELECT what, why FROM quarantine"):
            found.append(CheckFinding(f"A {what} was not accepted: {why}", "vault.db"))
        return found

    # -- the view --------------------------------------------------------------------------

    def behind(self) -> int:
        """How many revisions the view has not taken in yet."""
        return self.session.db.position.revisions - self.view.number("applied_revisions")

    def purge_owed(self) -> bool:
        """Whether a key was lost since this view was built: its traces go with the file."""
        return self.view.number("purge_owed") > 0

    def rebuild_view(
        self,
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        """Build the view anew under a new key, then destroy the old key and file: how a purge after a lost key ends.

        The old view, from which lost compartments are already gone, serves until the new one is complete.
        Raises `Cancelled`; then the old view stays.
        """
        session, old = self.session, self.session.view
        place, key = new_place(session.identity, session.realm, session.rng)
        shadow = copy.copy(session)
        shadow.view = View.create(self.path / VIEWS / place.name, key)
        try:
            shadow.forget_keys()
            shadow.catch_up(progress, cancelled)
            # What was given and ended since never had a row here: keys come before contents.
            shadow.view.transaction(lambda db: shadow.view.set_number(db, "purge_owed", 0))
        except BaseException:  # also a stop by the user: the second view holds clear rows and goes
            shadow.view.close()
            remove_view(shadow.view.path)
            raise
        work = session.work()
        session.note(work, "rebuild-view")
        work.state[state_key("view", session.identity.user)] = encode(place)
        session.db.commit(batch_of(session, work))
        note_seen(shadow.view, session.db.position)
        session.view = shadow.view
        session.forget_keys()
        session.catch_up()
        old.abandon()
        remove_view(old.path)

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
        work.state["header_at"] = encode(self.session.db.position.audit_seq + len(work.events))
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
        session = open_session(self.env, own.db, own.realm, own.device, secrets, user, None, self.path)
        begin(session, None, "unlock")
        guest = Workspace(self.path, self.env, session, None, [], self.demo, secrets.totp_seed)
        guest._beside = True  # closing it leaves the vault open
        return guest


def writing(service: Service) -> Service:
    """A service that reads, then writes: it asks the view where that is quickest for both (see `View.near`)."""

    @wraps(service)
    def run(ws: Workspace, *args: Any, **kwargs: Any) -> Any:
        with ws.view.near():
            return service(ws, *args, **kwargs)

    return cast(Service, run)
