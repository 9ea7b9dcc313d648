"""One user's open vault: identity, keys, log and view, and the one write path through them.

service → rules → seal → append and audit → COMMIT → signed head → acknowledge → view → `Changes`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from iop_tui.kernel.clock import Clock
from iop_tui.kernel.errors import IopError, NoKey, NotFound, VaultDamaged
from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret
from iop_tui.store import basing, revisions
from iop_tui.store.audit import AuditSession, Event
from iop_tui.store.members import acts, authority, membership
from iop_tui.store.members.acts import Act, Generation, Grant, SealedKey, UserCard
from iop_tui.store.revisions import Body, Opened, Origin
from iop_tui.store.vaultdb import Batch, VaultDb
from iop_tui.store.views import catchup
from iop_tui.store.views.projection import Projector
from iop_tui.store.views.view import Changes, View
from iop_tui.store.work import Work
from iop_tui.vault import envelope, signing
from iop_tui.vault.digest import derive

T = TypeVar("T")
NOBODY = bytes(16)
_DERIVED_FROM = (membership.APPLIED, membership.EPOCH, membership.AUTHORITY, "purge_owed")
"""The view's counters of which one moves with membership: the epoch, too, where older acts only changed places."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is at the keyboard: keys stay inside, names and roles are public to the program's staff."""

    user: bytes
    name: str
    roles: tuple[str, ...]
    enc_secret: Secret
    signer: signing.SigningKey
    self_key: Secret

    @property
    def short(self) -> str:
        """The name for status lines."""
        return self.name


def self_key(enc_seed: Secret) -> Secret:
    """The key only this user has: for their journal, their view key, their own audit events."""
    return Secret(derive(enc_seed.reveal(), "iop/self/1"))


class Session:
    """The open vault of one user. Every write of the program passes `commit`."""

    def __init__(
        self,
        *,
        realm: bytes,
        device: bytes,
        identity: Identity,
        db: VaultDb,
        view: View,
        clock: Clock,
        rng: Rng,
        audit: AuditSession,
        projector: Projector,
        gate: membership.Gate,
        root_public: bytes,
    ) -> None:
        self.realm = realm
        self.device = device
        self.identity = identity
        self.db = db
        self.view = view
        self.clock = clock
        self.rng = rng
        self.audit = audit
        self.projector = projector
        self.gate = gate
        self.root_public = root_public
        self.fresh_place: bytes | None = None
        self._keys: dict[tuple[bytes, int], tuple[Secret, int]] = {}
        self.programs: dict[bytes, str] = db.program_compartments()
        self._derived: tuple[tuple[int, ...], dict[str, Any]] = ((), {})
        self.seals_seen: set[tuple[bytes, int]] = set()
        """(compartment, generation) sealed for an emergency by colleagues, opened here and right: acts never change."""

    # -- keys and reading ------------------------------------------------------------------

    def key(self, compartment: bytes, generation: int) -> Secret:
        """The key of a compartment generation. Raises `NoKey` where this user has none, or none any more: what was
        given until a date ends then, also in a session that stayed open.
        """
        place = (compartment, generation)
        secret, end_ms = self._keys.get(place) or self._keys.setdefault(place, self._key(compartment, generation))
        if 0 < end_ms <= self.clock.now_ms():
            raise NoKey("Your access to this part of the record has ended.", "Ask who gave it to you.")
        return secret

    def _key(self, compartment: bytes, generation: int) -> tuple[Secret, int]:
        """A key and when it ends (ms; 0: it does not): with the last wrap that this user or a group of theirs has."""
        row = self.view.one(
            "SELECT k.key, coalesce(w.not_after_ms, 0) FROM keyring k LEFT JOIN wrap w ON w.id = k.wrap"
            " WHERE k.compartment = ? AND k.generation = ?",
            (compartment, generation),
        )
        if row is None:
            raise NoKey(
                "You hold no key to this part of the record.", "Ask for an authorization, or for the right clinician."
            )
        end_ms = int(row[1])
        if end_ms > 0:
            without, last = self._ends(compartment)
            end_ms = 0 if without else max(end_ms, last)
        return Secret(row[0]), end_ms

    def _ends(self, compartment: bytes) -> tuple[int, int]:
        """How many of this user's live wraps of a compartment have no end, and the last end of the others (ms)."""
        (row,) = self.view.rows(
            "SELECT coalesce(sum(not_after_ms = 0), 0), coalesce(max(not_after_ms), 0) FROM wrap WHERE compartment"
            " = ? AND revoked_ms = 0 AND (recipient = ? OR recipient IN (SELECT compartment FROM keyring))",
            (compartment, self.identity.user),
        )
        return int(row[0]), int(row[1])

    def until(self, compartment: bytes) -> int:
        """When this user's access to a compartment ends (ms; 0: it does not): nothing they give lasts longer."""
        without, last = self._ends(compartment)
        return 0 if without else last

    def newest(self, compartment: bytes, work: Work | None = None) -> int:
        """The newest generation of a compartment this user can write. Raises `NoKey`.

        A secondary key opens what was written under it. Nothing new is, except by who made it and got no other yet:
        who else made it may have no part in the compartment any more, and who made it after theirs had ended has none.
        """
        if work is not None and compartment in work.latest:
            return work.latest[compartment]
        row = self.view.one(
            "SELECT generation FROM keyring WHERE compartment = ? AND secondary = 0 ORDER BY generation DESC LIMIT 1",
            (compartment,),
        ) or self.view.one(authority.OWN_SECONDARY, (compartment, self.identity.user))
        if row is None:
            raise NoKey("You hold no key to this part of the record.")
        return int(row[0])

    def writes(self, compartment: bytes) -> bool:
        """Whether this user has a key of a compartment to write under."""
        try:
            self.newest(compartment)
        except NoKey:
            return False
        return True

    def holds(self, compartment: bytes) -> bool:
        """Whether this user has any key to a compartment."""
        return self.view.one("SELECT 1 FROM keyring WHERE compartment = ? LIMIT 1", (compartment,)) is not None

    def derived(self, name: str, make: Callable[[], T]) -> T:
        """A value computed from membership and from records of the kinds in `catchup.AUTHORITY_KINDS` only, again after
        one of these changed. The caller does not change it.
        """
        view = self.view
        at = (view.serial, *map(view.number, _DERIVED_FROM))
        known_at, values = self._derived
        if known_at != at:
            values = {}
            self._derived = (at, values)
        if name not in values:
            values[name] = make()
        found: T = values[name]
        return found

    def forget_keys(self) -> None:
        """Drop cached keys: they are read again from the view where they are still there."""
        self._keys = {}

    def open_revision(self, identifier: bytes) -> Opened:
        """One revision, decrypted and its author's signature checked. Raises `NotFound` without a key."""
        row = self.db.revision(identifier)
        if row is None:
            raise NotFound
        try:
            key = self.key(row.compartment, row.generation)
        except NoKey:
            raise NotFound from None
        opened = revisions.open_row(row, realm=self.realm, key=key, rows=self.db.revision)
        opened.verify(self.card(opened.body.author).sig_public)
        return opened

    def card(self, user: bytes) -> UserCard:
        """The certified card of a user. Raises `NotFound`."""
        known: dict[bytes, UserCard] = self.derived("cards", dict)
        if user not in known:
            known[user] = self._card(user)
        return known[user]

    def _card(self, user: bytes) -> UserCard:
        row = self.view.one(
            "SELECT user, name, roles, enc_public, sig_public, status, serial FROM card WHERE user = ?", (user,)
        )
        if row is None:
            raise NotFound
        return UserCard(row[0], row[1], tuple(row[2].split("|")) if row[2] else (), row[3], row[4], row[5], row[6])

    # -- building a write ------------------------------------------------------------------

    def work(self) -> Work:
        """An empty write at the present time."""
        return Work(self.clock.now_ms())

    def note(
        self,
        work: Work,
        action: str,
        *,
        person: bytes = b"",
        category: str = "",
        subject: bytes = b"",
        detail: str = "",
    ) -> None:
        """Add an audit event to a write."""
        work.events.append(
            Event(action, self.identity.user, self.device, work.at_ms, person, category, subject, detail)
        )

    def body(
        self,
        work: Work,
        *,
        record: bytes,
        person: bytes,
        kind: str,
        version: int,
        payload: bytes,
        parents: tuple[bytes, ...] = (),
        source: str = "",
        received: bytes = b"",
        origin: Origin | None = None,
        at_ms: int | None = None,
        author: bytes | None = None,
    ) -> Body:
        """A revision body by this user, blinded with fresh randomness."""
        return Body(
            self.rng.token(16),
            record,
            person,
            kind,
            version,
            parents,
            author or self.identity.user,
            self.device,
            work.at_ms if at_ms is None else at_ms,
            source,
            payload,
            received,
            origin,
        )

    def write(self, work: Work, compartment: bytes, body: Body) -> bytes:
        """Seal a body into a compartment as a member; its revision id."""
        generation = self.newest(compartment, work)
        key = work.keys.get((compartment, generation))
        secret = Secret(key) if key is not None else self.key(compartment, generation)
        base = basing.base(self, compartment, generation, secret, body)
        row = revisions.seal_member(
            body, realm=self.realm, compartment=compartment, generation=generation, key=secret,
            signer=self.identity.signer, rng=self.rng, base=base,
        )  # fmt: skip
        work.revisions.append(row)
        return row.id

    def deposit(self, work: Work, compartment: bytes, body: Body, kind: str = "", maker: bytes = b"") -> bytes:
        """Seal a body into a compartment without being able to read it again; its revision id. Raises `NoKey`.

        `kind` of the compartment, where known: then only a key that somebody entitled to it made is sealed to;
        with `maker` only that user's own, where authors keep keys of their own in one place.
        """
        number, public = self.public_key(compartment, work, kind=kind, maker=maker)
        row = revisions.seal_deposit(
            body, realm=self.realm, compartment=compartment, generation=number, public=public,
            signer=self.identity.signer, rng=self.rng,
        )  # fmt: skip
        work.revisions.append(row)
        return row.id

    def valid_roots(self, compartment: bytes, kind: str) -> list[bytes]:
        """The founding acts of a compartment whose keys count, if it is of this kind; oldest first."""
        known: dict[tuple[bytes, str], list[bytes]] = self.derived("valid_roots", dict)
        if (compartment, kind) not in known:
            known[compartment, kind] = authority.valid_roots(self.view.rows, self.gate, compartment, kind)
        return known[compartment, kind]

    def public_key(
        self, compartment: bytes, work: Work | None = None, *, kind: str, maker: bytes = b""
    ) -> tuple[int, bytes]:
        """Newest generation of a compartment of this kind and its deposit key: of those somebody entitled founded.

        Raises `NoKey` where no member made one yet, or nobody holds it any more: what is deposited must be read; and
        where authors keep keys of their own, without a `maker`: others may have made one there, too.
        """
        if self.gate.alone(kind) and not maker:
            raise NoKey("What one author keeps alone is deposited with a named author only.")
        if work is not None and compartment in work.latest:
            number = work.latest[compartment]
            return number, work.publics[(compartment, number)]
        roots = self.valid_roots(compartment, kind) if kind else []
        for number, public, root in self.view.rows(
            "SELECT g.number, g.public, g.root FROM generation g WHERE g.compartment = ?1 AND EXISTS"
            " (SELECT 1 FROM wrap w WHERE w.compartment = g.compartment AND w.generation = g.number AND"
            " w.root = g.root AND w.revoked_ms = 0) AND (?2 = x'' OR g.author = ?2)"
            " ORDER BY g.number DESC",
            (compartment, maker),
        ):
            if root in roots:
                return int(number), bytes(public)
        raise NoKey("Nobody has opened this part of the record yet.", "A clinician must be assigned first.")

    def new_generation(self, work: Work, compartment: bytes, number: int) -> tuple[Generation, bytes]:
        """A fresh key for a compartment: its public entry and the key itself, usable in this write at once."""
        key = self.rng.token(32)
        public = revisions.deposit_keys(Secret(key)).public
        work.keys[(compartment, number)] = key
        work.latest[compartment] = number
        work.publics[(compartment, number)] = public
        return Generation(compartment, number, public), key

    def act(
        self,
        work: Work,
        kind: str,
        *,
        seals: dict[bytes, list[SealedKey]] | None = None,
        publics: dict[bytes, bytes] | None = None,
        primitive: str = "member",
        not_after_ms: int = 0,
        revokes: tuple[bytes, ...] = (),
        generations: tuple[Generation, ...] = (),
        cards: tuple[acts.SignedCard, ...] = (),
        grants: tuple[Grant, ...] = (),
    ) -> bytes:
        """Add a signed act. `seals` maps a recipient (user or group compartment) to keys, `publics` to its public
        key. `grants` name further recipients without a key: whose a share is.
        """
        identifier = self.rng.token(16)
        given = seals or {}
        sealed_grants = tuple(
            Grant(key.grant, recipient, key.compartment, key.generation, primitive, not_after_ms)
            for recipient, keys in given.items()
            for key in keys
        )
        sealed = tuple(
            acts.seal_keys(
                tuple(keys), realm=self.realm, act=identifier, recipient=recipient, public=(publics or {})[recipient]
            )
            for recipient, keys in given.items()
        )
        act = Act(
            identifier, self.realm, kind, self.identity.user, work.at_ms, (*sealed_grants, *grants), revokes,
            generations, cards, sealed,
        )  # fmt: skip
        work.acts.append(acts.sign(act, self.identity.signer))
        work.ended.update(revokes)
        return identifier

    # -- committing ------------------------------------------------------------------------

    def commit(self, work: Work) -> Changes:
        """Append a write and project it. On return the write is durable and the view shows it.

        The view is made ready while the disk flushes the vault, and keeps nothing before the vault has it.
        """
        view, (placed, headed) = self.view, self.db.start(self.sealed(work))
        try:
            with view.near():
                changes = self._caught_up(lambda: catchup.take_in(self, work, placed))
            if self.view is not view:  # built anew meanwhile, perhaps from what was there before this write
                changes.merge(self.catch_up())
            return changes
        finally:
            headed.result()  # whatever the view met: an error of the vault comes first

    def append(self, work: Work) -> int:
        """Append a write durably and leave the view where it is: for many writes in a row, with one `catch_up`
        after. The vault sequence of its first revision.
        """
        return self.db.commit(self.sealed(work))[0]

    def sealed(self, work: Work) -> Batch:
        """A write as the vault takes it, its audit events sealed."""
        if not work.events:
            raise VaultDamaged("A change without an audit event was refused.")
        return Batch(
            self.audit.id, work.at_ms, [self.audit.seal(event) for event in work.events], work.acts, work.revisions, [],
            work.fingerprints, work.state, [(self.identity.user, slot) for slot in work.clear_journal],
            work.clean_close,
        )  # fmt: skip

    def catch_up(
        self,
        progress: Callable[[int, int], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Changes:
        """Bring the view to the end of the log."""
        return self._caught_up(lambda: catchup.catch_up(self, progress, cancelled))

    def _caught_up(self, catching_up: Callable[[], Changes]) -> Changes:
        """Keys that ended are forgotten, also where reading in stopped midway or failed after they had ended."""
        lost = True
        try:
            changes = catching_up()
            lost = changes.access
        finally:
            if lost:
                self.forget_keys()
        return changes

    def catch_up_acts(self) -> None:
        """Take in membership only: enough to know who this user is and what they hold."""
        try:
            catchup.catch_up_acts(self)
        finally:
            self.forget_keys()

    # -- journal ---------------------------------------------------------------------------

    def journal_put(self, slot: bytes, text: bytes) -> None:
        """Keep unsaved typing, sealed to its author, on this copy only."""
        sealed = envelope.seal_raw(
            self.identity.self_key, "iop/journal/1", (self.realm, self.identity.user, slot), text, self.rng
        )
        self.db.journal_put(self.identity.user, slot, sealed)

    def journal(self) -> dict[bytes, bytes]:
        """Slot -> unsaved typing of this user; entries that do not open are left out (`journal_unreadable`)."""
        return self._journal()[0]

    def journal_unreadable(self) -> list[bytes]:
        """Slots of entries in this user's name that do not open: damaged, or put there by somebody else."""
        return self._journal()[1]

    def _journal(self) -> tuple[dict[bytes, bytes], list[bytes]]:
        opened: dict[bytes, bytes] = {}
        unreadable: list[bytes] = []
        for slot, sealed in self.db.journal_of(self.identity.user).items():
            ids = (self.realm, self.identity.user, slot)
            try:
                opened[slot] = envelope.open_raw(self.identity.self_key, "iop/journal/1", ids, sealed)
            except IopError:
                unreadable.append(slot)
        return opened, unreadable
