"""The membership log applied to a view: a set of acts in, live wraps and this user's keys out.

What the log says (cards, generations, wraps, revokes) is taken in first; keys are taken from it afterwards. An
act that cannot be judged yet, because its author's card or authority stands in a later row, waits and is
tried again whenever something new arrives, so that the result does not depend on the order of rows.

Rules, in the order of their checks:
- an act counts where its author's certified key signed it, and nothing of an author who had left when it was logged;
  a card never changes a user's keys;
- what came first is what the log says came first; an act's own date decides only whether what was given until a date
  had ended (`authority`);
- a wrap counts where its author held a live wrap of the compartment when the act was made, or where the same
  act founds the compartment (`root` names the founding act, so that rival foundings stay apart); it ends with its
  author's authority, where that has an end (`authority`);
- a revoke counts where its author received the wrap, gave it and still has authority, or holds a role that ends care; a
  share's where its author made it, or is a member of the compartment that was named as its owner when it was made;
- a key is taken where the policy lets this author give it to this user, and where its wrap descends from the
  first founding by somebody whose roles may found that kind (or the next one, once nobody was left).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import msgspec

from iop_tui.kernel.errors import IopError
from iop_tui.kernel.secret import Secret
from iop_tui.store import exchangelog, revisions
from iop_tui.store.database import Connection
from iop_tui.store.members import acts, anew, authority, sealedapart
from iop_tui.store.members.acts import Act, Generation, Grant, SealedKey, UserCard
from iop_tui.store.members.authority import Authority
from iop_tui.store.rows import ActRow
from iop_tui.store.views.view import Changes, drop_compartments

if TYPE_CHECKING:
    from iop_tui.store.session import Session

APPLIED, EPOCH = "applied_acts", "log_epoch"
AUTHORITY = "authority"
"""The view's counter that moves when a record of `catchup.AUTHORITY_KINDS` came or a share ended at its date."""
ACTIVE, DIRECTORY = "active", "DIR"
# Whether a wrap w went to a user, or to a group that user is a member of. Asked from the wrap's side, since a user of a
# large program holds thousands of wraps and a compartment has a few.
_EVER_FOR_USER = (
    "(w.recipient = :who OR EXISTS (SELECT 1 FROM wrap g WHERE g.compartment = w.recipient AND g.recipient = :who"
    " AND g.primitive = 'member'))"
)


class Gate(Protocol):
    """What the policy says of keys that are offered, of foundings and of revokes."""

    def refuses(self, key: SealedKey, author: UserCard, recipient: UserCard, primitive: str) -> str | None:
        """None, or why this author may not give this key to this recipient."""
        ...

    def may_found(self, kind: str, roles: tuple[str, ...]) -> bool:
        """Whether somebody of these roles may make the first key of a compartment of this kind."""
        ...

    def alone(self, kind: str) -> bool:
        """Whether every author keeps a key of their own in compartments of this kind."""
        ...

    def may_end(self, roles: tuple[str, ...]) -> bool:
        """Whether these roles end other people's access without holding the key."""
        ...

    def misplaced(
        self, kind: str, compartment_kind: str, *, deposit: bool, home: str = "", about: bool = False,
        copied: bool = False,
    ) -> bool:  # fmt: skip
        """Whether a kind of record has no business in a kind of compartment, or may not come as a deposit there."""
        ...


def catch_up_acts(session: Session, changes: Changes) -> set[bytes]:
    """Apply every act after the view's position; the compartments this user gained keys to."""
    done, epoch = session.view.number(APPLIED), exchangelog.epoch(session.db)
    again = session.view.number(EPOCH) != epoch
    rows = session.db.acts_since(0 if again else done) if again or done < session.db.position.acts else []
    applying = _Applying(session, changes)
    if rows:

        def work(db: Connection) -> None:
            before = anew.forget(db) if again else None
            applying.positions = {row.id: place for place, row in rows}
            applying.run(db, [row for _, row in rows])
            if before is not None:
                applying.gained = anew.settle(db, before, changes) | (applying.gained & applying.dropped)
                if before - anew.held(db):
                    session.view.set_number(db, "purge_owed", session.view.number("purge_owed") + 1)
            session.view.set_number(db, APPLIED, rows[-1][0])
            session.view.set_number(db, EPOCH, epoch)

        session.view.transaction(work)
        changes.access = True
    return applying.gained


def expire(session: Session, changes: Changes) -> None:
    """A share ends at its date: the wrap is closed, the key and everything it opened leave the view."""
    due = session.view.rows(
        "SELECT id FROM wrap WHERE not_after_ms > 0 AND not_after_ms <= ? AND revoked_ms = 0", (session.clock.now_ms(),)
    )
    if due:

        def work(db: Connection) -> None:
            db.executemany("UPDATE wrap SET revoked_ms = not_after_ms WHERE id = ?", due)
            session.view.set_number(db, AUTHORITY, session.view.number(AUTHORITY) + 1)
            drop_lost(session, db, changes)

        session.view.transaction(work)


def drop_lost(session: Session, db: Connection, changes: Changes) -> None:
    """Compartments whose last live wrap to this user is gone leave the view at once, and what they led to."""
    while lost := db.execute(
        "SELECT DISTINCT k.compartment FROM keyring k WHERE NOT EXISTS (SELECT 1 FROM wrap w WHERE"
        " w.compartment = k.compartment AND w.revoked_ms = 0 AND (w.recipient = ? OR w.recipient IN"
        " (SELECT compartment FROM keyring)))",
        (session.identity.user,),
    ).fetchall():
        _drop(session, db, [row[0] for row in lost], changes)


def _drop(session: Session, db: Connection, compartments: list[bytes], changes: Changes) -> None:
    drop_compartments(db, compartments, changes)
    session.view.set_number(db, "purge_owed", session.view.number("purge_owed") + 1)


def roles_ever(db: Connection, user: bytes) -> tuple[str, ...]:
    """Every role a user was ever certified for: what they gave while they held it stays given."""
    return tuple(row[0] for row in db.execute("SELECT role FROM role WHERE user = ? ORDER BY role", (user,)))


def card_of(db: Connection, user: bytes) -> UserCard | None:
    """The newest certified card of a user."""
    row = db.execute(
        "SELECT user, name, roles, enc_public, sig_public, status, serial FROM card WHERE user = ?", (user,)
    ).fetchone()
    if row is None:
        return None
    return UserCard(row[0], row[1], tuple(row[2].split("|")) if row[2] else (), row[3], row[4], row[5], row[6])


@dataclass
class _Applying:
    session: Session
    changes: Changes
    gained: set[bytes] = field(default_factory=set)
    dropped: set[bytes] = field(default_factory=set)
    reached: set[bytes] = field(default_factory=set)
    positions: dict[bytes, int] = field(default_factory=dict)
    known: dict[tuple[bytes, int], Authority | None] = field(default_factory=dict)
    """Of the act at hand: what it grants often, it asks for once."""

    def run(self, db: Connection, rows: list[ActRow]) -> None:
        """Apply new and waiting acts until nothing moves any more; what is left waits on."""
        before = card_of(db, self.session.identity.user)
        waiting = [row[0] for row in db.execute("SELECT act FROM waiting ORDER BY act")]
        pending = {row.id: row for row in [*self._stored(waiting), *rows]}
        moved = True
        while moved and pending:
            at = db.total_changes
            for row in list(pending.values()):
                if self._apply(db, row):
                    del pending[row.id]
            moved = db.total_changes != at
            reached = self._stored(sorted(self.reached))
            pending |= {row.id: row for row in sorted(reached, key=lambda row: self.positions[row.id])}
            moved = moved or bool(self.reached)
            self.reached.clear()
        db.execute("DELETE FROM waiting")
        db.executemany("INSERT INTO waiting VALUES (?)", [(identifier,) for identifier in pending])
        me = card_of(db, self.session.identity.user)
        if me is not None and (before is None or before.roles != me.roles):
            self._outgrown(db, me)  # in a view that is built anew, too: roles may have changed after a key was given
        drop_lost(self.session, db, self.changes)

    def _stored(self, identifiers: list[bytes]) -> list[ActRow]:
        found = []
        for identifier in identifiers:
            rows = self.session.db.read("SELECT id, signed FROM act WHERE id = ?", (identifier,))
            found += [ActRow(row[0], row[1]) for row in rows]
            self.positions |= {row[0]: self.session.db.order.place(row[0]) for row in rows}
        return found

    # -- one act ---------------------------------------------------------------------------

    def _apply(self, db: Connection, row: ActRow) -> bool:
        """Whether nothing of the act is left to be judged."""
        try:
            act = acts.read(row)
            self._cards(db, act)
            author = card_of(db, act.author)
            if author is None:
                quarantine(db, row.id, "act", "its author was never admitted", act.at_ms)
                return False
            acts.verify(row, author.sig_public)
            if author.status != ACTIVE and self.positions[row.id] > _certified_at(db, act.author):
                quarantine(db, row.id, "act", "its author had left or was suspended", act.at_ms)
                self._numbers(db, act)
                return True
        except IopError as error:
            quarantine(db, row.id, "act", error.message, self.session.clock.now_ms())
            return True
        release(db, row.id)
        self.known.clear()
        self._generations(db, act)
        wrapped = [self._wrap(db, act, grant) for grant in act.grants]
        revoked = [self._revoke(db, act, identifier) for identifier in act.revokes]
        return all([*wrapped, *revoked]) & self._seals(db, act, author)

    def _cards(self, db: Connection, act: Act) -> None:
        for signed in act.cards:
            card = acts.read_card(signed, self.session.root_public)
            known = card_of(db, card.user)
            if known is not None and (known.enc_public, known.sig_public) != (card.enc_public, card.sig_public):
                quarantine(db, signed.signature[:16], "card", f"it would replace the keys of {known.name}", act.at_ms)
                continue
            _put_card(db, card, act.at_ms, self.positions[act.id])

    def _generations(self, db: Connection, act: Act) -> None:
        """Generations of one founding are numbered by themselves, so that nobody takes a number from its members."""
        for item in act.generations:
            by = self._authority(db, act, item.compartment, item.number)
            if by is not None:
                self._number(db, act, item, by.root)

    def _numbers(self, db: Connection, act: Act) -> None:
        """The numbers of keys made by an act that does not count are taken all the same, by a founding nobody holds a
        wrap of: colleagues who did not know yet that its author had left counted on from there.
        """
        for item in act.generations:
            self._number(db, act, item, act.id)

    def _number(self, db: Connection, act: Act, item: Generation, root: bytes) -> None:
        pos = self.positions[act.id]
        if not authority.follows(db, item.compartment, item.number, pos):
            why = "its number would leave no room for the next one"
            quarantine(db, item.public[:16], "generation", why, act.at_ms)
            return
        db.execute(
            "INSERT OR IGNORE INTO generation VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (item.compartment, item.number, item.public, act.author, act.id, act.at_ms, root, pos),
        )

    def _judge(self, db: Connection) -> authority.Judge:
        return authority.Judge(db, self.session.gate, self.session.programs)

    def _authority(self, db: Connection, act: Act, compartment: bytes, number: int) -> Authority | None:
        key = (compartment, number)
        if key not in self.known:
            self.known[key] = self._judge(db).of_act(act, compartment, number, self.positions[act.id])
        return self.known[key]

    def _wrap(self, db: Connection, act: Act, grant: Grant) -> bool:
        if db.execute("SELECT 1 FROM wrap WHERE id = ?", (grant.id,)).fetchone():
            return True
        pos = self.positions[act.id]
        use = Authority(b"", 0) if sealedapart.is_use(act, grant) else None
        by = use or self._authority(db, act, grant.compartment, grant.generation)
        if by is None:
            quarantine(db, grant.id, "wrap", "its author holds no key to what it grants", act.at_ms)
            return False
        release(db, grant.id)
        if grant.primitive == sealedapart.PRIMITIVE:
            sealedapart.keep(db, act, grant, by.root, pos)
            return True
        end = authority.end_of(db, act, grant, by, pos)
        over = end if 0 < end <= self.session.clock.now_ms() else 0
        db.execute(
            "INSERT INTO wrap VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (
                grant.id, grant.recipient, grant.compartment, grant.generation, grant.primitive, end,
                act.id, act.kind, act.author, act.at_ms, over, by.root, pos,
            ),
        )  # fmt: skip
        authority.end_rotated(db, grant.compartment, grant.recipient)
        for author, at_ms, pos in db.execute(
            "SELECT author, at_ms, pos FROM pending_revoke WHERE id = ?", (grant.id,)
        ).fetchall():
            self._judge_revoke(db, grant.id, author, at_ms, pos)
        return True

    def _revoke(self, db: Connection, act: Act, identifier: bytes) -> bool:
        pos = self.positions[act.id]
        db.execute("INSERT OR IGNORE INTO pending_revoke VALUES (?, ?, ?, ?)", (identifier, act.author, act.at_ms, pos))
        if not db.execute("SELECT 1 FROM wrap WHERE id = ?", (identifier,)).fetchone():
            return True
        return self._judge_revoke(db, identifier, act.author, act.at_ms, pos)

    def _judge_revoke(self, db: Connection, identifier: bytes, author: bytes, at_ms: int, pos: int) -> bool:
        wrap = db.execute(
            "SELECT compartment, author, recipient, primitive, root FROM wrap WHERE id = ?", (identifier,)
        ).fetchone()
        compartment, giver, recipient, primitive, root = wrap
        # Holding the key is not enough: whoever shares a group's key could lock everybody else out. Nor is it to have
        # given the key, once one's own has ended: a successor would lose what was handed over.
        entitled = author == recipient or self.session.gate.may_end(roles_ever(db, author))
        if primitive == "share":
            entitled = entitled or author == giver or authority.keeps(db, author, compartment, root, pos, at_ms)
        elif author == giver:
            entitled = entitled or self._judge(db).held(compartment, author, pos=pos, at_ms=at_ms) is not None
        if not entitled:
            quarantine(db, identifier, "revoke", "its author may not end this access", at_ms)
            return False
        release(db, identifier)
        db.execute(
            "UPDATE wrap SET revoked_ms = CASE not_after_ms WHEN 0 THEN ?1 ELSE min(?1, not_after_ms) END,"
            " revoked_pos = ?2 WHERE id = ?3 AND (revoked_pos = 0 OR revoked_pos > ?2)",
            (max(1, at_ms), pos, identifier),
        )
        authority.end_rotated(db, compartment, recipient)
        self._lose(db, compartment)
        return True

    def _lose(self, db: Connection, compartment: bytes) -> None:
        """Where this was the last live wrap to this user, the key goes now, not when the portion ends: whoever gets a
        later key of the compartment does not get the earlier one back, however the acts were portioned.
        """
        lost = db.execute(
            "SELECT 1 FROM keyring k WHERE k.compartment = ?1 AND NOT EXISTS (SELECT 1 FROM wrap w WHERE"
            " w.compartment = ?1 AND w.revoked_ms = 0 AND (w.recipient = ?2 OR w.recipient IN"
            " (SELECT compartment FROM keyring))) LIMIT 1",
            (compartment, self.session.identity.user),
        ).fetchone()
        if lost is not None:
            self.dropped.add(compartment)
            if db.execute("SELECT 1 FROM record WHERE compartment = ? LIMIT 1", (compartment,)).fetchone():
                _drop(self.session, db, [compartment], self.changes)
            else:
                drop_compartments(db, [compartment], self.changes)
            if compartment in self.session.programs:
                drop_lost(self.session, db, self.changes)

    # -- keys ------------------------------------------------------------------------------

    def _seals(self, db: Connection, act: Act, author: UserCard) -> bool:
        me = card_of(db, self.session.identity.user)
        primitive = {grant.id: grant.primitive for grant in act.grants}
        if me is None:
            return not any(seal.recipient == self.session.identity.user for seal in act.seals)
        closed = sealedapart.recipients(act)
        taken = [
            self._take(db, key, author, me, primitive.get(key.grant, ""), act.at_ms)
            for seal in act.seals
            if seal.recipient not in closed
            for key in self._open(db, act, seal)
        ]
        return all(taken)

    def _open(self, db: Connection, act: Act, seal: acts.Seal) -> tuple[SealedKey, ...]:
        secrets = self._secrets(db, seal.recipient)
        for secret in secrets:
            try:
                return acts.open_keys(seal, realm=self.session.realm, act=act.id, secret=secret)
            except IopError:
                continue  # sealed to another generation of the group's key
        if secrets and seal.recipient == self.session.identity.user:
            quarantine(db, act.id, "seal", "it is not sealed to this user's key", act.at_ms)
        return ()

    def _secrets(self, db: Connection, recipient: bytes) -> list[Secret]:
        if recipient == self.session.identity.user:
            return [self.session.identity.enc_secret]
        rows = db.execute("SELECT key FROM keyring WHERE compartment = ? ORDER BY generation DESC", (recipient,))
        return [revisions.deposit_keys(Secret(row[0])).secret for row in rows]

    def _take(self, db: Connection, key: SealedKey, author: UserCard, me: UserCard, primitive: str, at_ms: int) -> bool:
        """Whether the key is taken, or can never be: only a key that somebody may still hand over properly waits."""
        place = (key.compartment, key.generation)
        wrap = db.execute(
            "SELECT not_after_ms, revoked_ms, root FROM wrap WHERE id = ? AND compartment = ? AND generation = ?",
            (key.grant, *place),
        ).fetchone()
        if wrap is None:
            return False
        over = wrap[1] or (wrap[0] and wrap[0] <= self.session.clock.now_ms())
        if over or db.execute("SELECT 1 FROM keyring WHERE compartment = ? AND generation = ?", place).fetchone():
            return True
        if not self._accepts(db, key, author, me, primitive, at_ms, wrap[2]):
            return False
        release(db, key.grant)
        secondary = wrap[2] not in self._judge(db).valid_roots(key.compartment, key.kind)
        db.execute("INSERT INTO keyring VALUES (?, ?, ?, ?, ?)", (*place, key.key, key.grant, secondary))
        db.execute(
            "INSERT OR IGNORE INTO compartment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key.compartment,
                key.kind,
                key.person,
                key.owner,
                key.role,
                key.purpose,
                key.rule,
                primitive,
                author.user,
                at_ms,
            ),
        )
        self.gained.add(key.compartment)
        rows = db.execute("SELECT DISTINCT act FROM wrap WHERE recipient = ?", (key.compartment,))
        self.reached.update(row[0] for row in rows)
        return True

    def _accepts(
        self, db: Connection, key: SealedKey, author: UserCard, me: UserCard, primitive: str, at_ms: int, root: bytes
    ) -> bool:
        giver = msgspec.structs.replace(author, roles=roles_ever(db, author.user))
        public = db.execute(
            "SELECT public FROM generation WHERE compartment = ? AND number = ? AND root = ?",
            (key.compartment, key.generation, root),
        ).fetchone()
        reason = None
        if public is None or revisions.deposit_keys(Secret(key.key)).public != public[0]:
            reason = "its key is not the published one"
        elif not self._counts(db, key, root):
            reason = "its key does not descend from the one that counts"
        elif not self._as_known(db, key, root):
            reason = "it is said to be something else than it was"
        else:
            reason = self.session.gate.refuses(key, giver, me, primitive)
        if reason is None:
            return True
        once = msgspec.structs.replace(me, roles=roles_ever(db, me.user))
        if reason != self.session.gate.refuses(key, giver, me, primitive) or self.session.gate.refuses(
            key, giver, once, primitive
        ):
            quarantine(db, key.grant, "key", reason, at_ms)
        return False

    def _as_known(self, db: Connection, key: SealedKey, root: bytes) -> bool:
        """Whether a key agrees with what is known of its compartment: its kind, whose it is, the founding it comes
        from.

        A person has one directory entry, the one founded first; a program-wide kind has the id the vault was made with.
        """
        programs = self.session.programs
        if programs.get(key.compartment, key.kind) != key.kind or (
            key.kind in programs.values() and key.compartment not in programs
        ):
            return False
        known = db.execute("SELECT kind, person, owner FROM compartment WHERE id = ?", (key.compartment,)).fetchone()
        if known is not None:
            roots = db.execute(
                "SELECT w.root FROM keyring k JOIN wrap w ON w.id = k.wrap WHERE k.compartment = ? AND k.secondary = 0",
                (key.compartment,),
            ).fetchall()
            known_root = not roots or (root,) in roots or self._rival(db, key, root)
            return tuple(known) == (key.kind, key.person, key.owner) and known_root
        return key.kind != DIRECTORY or self._first_directory(db, key, root)

    def _counts(self, db: Connection, key: SealedKey, root: bytes) -> bool:
        valid = self._judge(db).valid_roots(key.compartment, key.kind)
        return root in valid or self._rival(db, key, root)

    def _rival(self, db: Connection, key: SealedKey, root: bytes) -> bool:
        """Whether a founding that another one precedes may still be read: two devices that knew nothing of each other
        both made the first key. It may where this user made it, or a member by the founding that counts.
        """
        (founder,) = db.execute("SELECT author FROM wrap WHERE act = ? AND root = act LIMIT 1", (root,)).fetchone()
        if not self.session.gate.may_found(key.kind, roles_ever(db, founder)) or key.kind == DIRECTORY:
            return False
        if founder == self.session.identity.user:
            return True
        return any(
            db.execute(
                "SELECT 1 FROM wrap w WHERE w.compartment = :place AND w.root = :root AND w.primitive = 'member' AND "
                + _EVER_FOR_USER,
                {"place": key.compartment, "root": valid, "who": founder},
            ).fetchone()
            for valid in self._judge(db).valid_roots(key.compartment, key.kind)
        )

    def _first_directory(self, db: Connection, key: SealedKey, root: bytes) -> bool:
        """Whether no directory entry of this person was founded earlier; a later one that was taken before gives
        way.
        """
        rivals = db.execute(
            "SELECT c.id, min(f.pos) FROM compartment c JOIN keyring k ON k.compartment = c.id JOIN wrap w ON"
            " w.id = k.wrap"
            " JOIN wrap f ON f.act = w.root AND f.compartment = c.id WHERE c.kind = ? AND c.person = ? GROUP BY c.id",
            (DIRECTORY, key.person),
        ).fetchall()
        founding = (root, key.compartment)
        mine = db.execute("SELECT min(pos) FROM wrap WHERE act = ? AND compartment = ?", founding).fetchone()
        if any(pos < mine[0] for _, pos in rivals):
            return False
        if rivals:
            _drop(self.session, db, [identifier for identifier, _ in rivals], self.changes)
        return True

    def _outgrown(self, db: Connection, me: UserCard) -> None:
        """After a change of this user's roles: keys their roles no longer allow leave the view, their acts wait."""
        for identifier, kind, primitive in db.execute("SELECT id, kind, primitive FROM compartment").fetchall():
            key = SealedKey(b"", identifier, 0, b"", kind, b"", b"", "", "", "")
            if self.session.gate.refuses(key, me, me, primitive) is not None:
                db.execute(
                    "INSERT OR IGNORE INTO waiting SELECT DISTINCT w.act FROM wrap w JOIN keyring k ON k.wrap = w.id"
                    " WHERE k.compartment = ?",
                    (identifier,),
                )
                _drop(self.session, db, [identifier], self.changes)


def _certified_at(db: Connection, user: bytes) -> int:
    row = db.execute("SELECT pos FROM card WHERE user = ?", (user,)).fetchone()
    return int(row[0]) if row else 0


def _put_card(db: Connection, card: UserCard, at_ms: int, pos: int) -> None:
    db.execute(
        "INSERT INTO card VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user) DO UPDATE SET name = excluded.name,"
        " roles = excluded.roles, status = excluded.status, serial = excluded.serial, at_ms = excluded.at_ms,"
        " pos = excluded.pos WHERE card.status != 'removed' AND (excluded.serial > card.serial"
        " OR excluded.status = 'removed')",
        (
            card.user,
            card.name,
            "|".join(card.roles),
            card.enc_public,
            card.sig_public,
            card.status,
            card.serial,
            at_ms,
            pos,
        ),
    )
    db.executemany("INSERT OR IGNORE INTO role VALUES (?, ?)", [(card.user, role) for role in card.roles])


def quarantine(db: Connection, identifier: bytes, what: str, why: str, at_ms: int) -> None:
    """Set aside what was not accepted, for a person to see."""
    db.execute("INSERT OR IGNORE INTO quarantine VALUES (?, ?, ?, ?)", (identifier, what, why, at_ms))


def release(db: Connection, identifier: bytes) -> None:
    """What was set aside for lack of something else is accepted now."""
    db.execute("DELETE FROM quarantine WHERE id = ?", (identifier,))
