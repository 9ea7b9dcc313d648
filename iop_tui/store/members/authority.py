"""Who has authority over a compartment at a place in the log: by which founding, and until when.

Everything here is a function of the acts in their order; a reader's clock and what a view closed by itself decide
nothing, so that every reader judges alike. What was given until a date gives authority until that date: an act counts
by its own date, but by no earlier one than the members' acts before it in the log bear. What is derived from such an
authority ends with it, except for whom others had given more before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from iop_tui.store.database import Connection
from iop_tui.store.members.acts import Act, Grant

if TYPE_CHECKING:
    from iop_tui.store.members.membership import Gate

Rows: TypeAlias = Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]
"""How rows are asked for: inside a transaction of the view, or from its reading connection."""
COUNT_BITS = 32
"""A generation's number: what counts stands above these bits, random ones below."""


OWN_SECONDARY = (
    "SELECT k.generation FROM keyring k JOIN wrap w ON w.id = k.wrap WHERE k.compartment = ?1 AND EXISTS (SELECT 1 FROM"
    " wrap f WHERE f.act = w.root AND f.compartment = ?1 AND f.author = ?2) AND NOT EXISTS (SELECT 1 FROM wrap l LEFT"
    " JOIN card c ON c.user = l.recipient WHERE l.compartment = ?1 AND CASE WHEN l.root = w.root THEN l.generation ="
    " k.generation AND (l.revoked_ms > 0 OR c.status = 'removed') ELSE l.recipient = ?2 AND l.revoked_ms > 0 END)"
    " ORDER BY k.generation DESC LIMIT 1"
)
"""A key of compartment `?1` that user `?2` made and that does not count, while nobody who knows it has lost access, and
unless this user had what counts and lost it."""


@dataclass(frozen=True, slots=True)
class Authority:
    """The founding a user's authority descends from, and when it ends (ms; 0: it does not)."""

    root: bytes
    until_ms: int


def _in_force(wrap: str) -> str:
    """SQL: no act had ended a wrap at the place `:pos`, and no date at `:at`."""
    return (
        f"({wrap}.revoked_pos = 0 OR {wrap}.revoked_pos > :pos)"
        f" AND ({wrap}.not_after_ms = 0 OR {wrap}.not_after_ms > :at)"
    )


_HELD = (
    "SELECT h.root, CASE WHEN h.own = 0 THEN h.led WHEN h.led = 0 THEN h.own ELSE min(h.own, h.led) END AS until FROM"
    " (SELECT w.root, w.generation, w.pos, w.id, w.not_after_ms AS own, {led} AS led FROM wrap w WHERE w.compartment ="
    " :compartment AND w.recipient IN ({recipients}) AND w.primitive = 'member' AND w.act != :act AND w.pos < :pos AND"
    f" {_in_force('w')}) h"
    # The founding of the very key that is handed on; for a new key the earliest founding its author belongs to.
    " ORDER BY h.generation = :number DESC, (SELECT min(f.pos) FROM wrap f WHERE f.compartment = :compartment AND f.act"
    " = h.root), until = 0 DESC, until DESC, h.pos, h.id LIMIT 1"
)
_RECIPIENTS = "SELECT DISTINCT recipient FROM wrap WHERE compartment = ?"
_BELONGS = (
    "SELECT w.root, w.not_after_ms FROM wrap w WHERE w.compartment = :compartment AND w.recipient = :who AND"
    f" w.primitive = 'member' AND {_in_force('w')}"
)


@dataclass(frozen=True, slots=True)
class Judge:
    """Asks a view's membership. `programs`: the program-wide compartments, whose members share a key, by id."""

    db: Connection
    gate: Gate
    programs: Mapping[bytes, str]

    def held(
        self, compartment: bytes, user: bytes, *, pos: int, at_ms: int, number: int = 0, act: bytes = b""
    ) -> Authority | None:
        """A user's authority over a compartment at a place in the log and a time, by wraps that another act than `act`
        had given before; `number` is the generation it is about. None where there is none.
        """
        asked = {"compartment": compartment, "who": user, "pos": pos, "at": at_ms, "number": number, "act": act}
        row = self._held(asked)
        if row is not None and row[1]:
            # Authority with an end: no act of it is older than what the members did before it.
            latest = self.db.execute(
                "SELECT max(at_ms) FROM wrap WHERE compartment = ? AND root = ? AND pos < ?", (compartment, row[0], pos)
            ).fetchone()[0]
            if latest > at_ms:
                row = self._held({**asked, "at": latest})
        return None if row is None else Authority(bytes(row[0]), int(row[1]))

    def _held(self, asked: dict[str, Any]) -> tuple[bytes, int] | None:
        recipients = {bytes(row[0]) for row in self.db.execute(_RECIPIENTS, (asked["compartment"],))}
        belongs = self._groups(asked, recipients & self.programs.keys())
        if asked["who"] not in recipients and not belongs:
            return None  # as for every founding
        names = {f"g{place}": group for place, group in enumerate(belongs)}
        ends = "".join(f" WHEN :g{place} THEN {int(end)}" for place, end in enumerate(belongs.values()))
        query = _HELD.format(
            led=f"CASE w.recipient{ends} ELSE 0 END" if ends else "0",
            recipients=", ".join([":who", *(f":{name}" for name in names)]),
        )
        row: tuple[bytes, int] | None = self.db.execute(query, {**asked, **names}).fetchone()
        return row

    def _groups(self, asked: dict[str, Any], groups: Iterable[bytes]) -> dict[bytes, int]:
        """The groups that the user belongs to, with the end of that: by the founding that counts, since anybody can
        found a group once more for themselves.
        """
        found: dict[bytes, int] = {}
        for group in sorted(groups):
            rows = self.db.execute(_BELONGS, {**asked, "compartment": group}).fetchall()
            roots = self.valid_roots(group, self.programs[group]) if rows else []
            ends = [int(end) for root, end in rows if root in roots]
            if ends:
                found[group] = 0 if 0 in ends else max(ends)
        return found

    def valid_roots(self, compartment: bytes, kind: str) -> list[bytes]:
        """See `valid_roots`."""
        return valid_roots(lambda query, values: list(self.db.execute(query, values)), self.gate, compartment, kind)

    def of_act(self, act: Act, compartment: bytes, number: int, pos: int) -> Authority | None:
        """By which authority an act grants a generation of a compartment: its author's, or its own where it founds
        it.
        """
        found = self.held(compartment, act.author, pos=pos, at_ms=act.at_ms, number=number, act=act.id)
        if found is not None:
            return found
        founded = any(item.compartment == compartment and item.number == number for item in act.generations)
        return Authority(act.id, 0) if founded else None


_STANDING = (
    "SELECT w.not_after_ms FROM wrap w WHERE w.compartment = :compartment AND w.recipient = :who AND w.root = :root AND"
    f" w.primitive = 'member' AND w.act != :act AND w.pos < :pos AND {_in_force('w')}"
    " ORDER BY w.not_after_ms = 0 DESC, w.not_after_ms DESC LIMIT 1"
)


def end_of(db: Connection, act: Act, grant: Grant, by: Authority, pos: int) -> int:
    """When a wrap ends (ms; 0: it does not): on the day it names, at the latest with its author's authority. Who had
    more from others before keeps that: a stand-in renews the keys of those they stand in for.
    """
    if by.until_ms == 0:
        return grant.not_after_ms
    row = db.execute(
        _STANDING,
        {
            "compartment": grant.compartment, "who": grant.recipient, "root": by.root, "act": act.id, "pos": pos,
            "at": act.at_ms,
        },
    ).fetchone()  # fmt: skip
    limits = [grant.not_after_ms, 0 if row and row[0] == 0 else max(by.until_ms, row[0] if row else 0)]
    return min((limit for limit in limits if limit), default=0)


def follows(db: Connection, compartment: bytes, number: int, pos: int) -> bool:
    """Whether a new generation's number leaves the next one room: it counts at most one further than those before."""
    row = db.execute(
        "SELECT coalesce(max(number), 0) FROM generation WHERE compartment = ? AND pos < ?", (compartment, pos)
    ).fetchone()
    return number >> COUNT_BITS <= (int(row[0]) >> COUNT_BITS) + 1


def valid_roots(rows: Rows, gate: Gate, compartment: bytes, kind: str) -> list[bytes]:
    """The founding acts whose keys count for a compartment of a kind: the first eligible one in the log, then each
    later one that came when every wrap of the one before had ended.
    """
    foundings = rows(
        "SELECT DISTINCT root, pos, author, at_ms FROM wrap WHERE compartment = ? AND act = root ORDER BY pos, root",
        (compartment,),
    )
    chain: list[bytes] = []
    for root, pos, author, at_ms in foundings:
        granted = tuple(row[0] for row in rows("SELECT role FROM role WHERE user = ?", (author,)))
        free = not chain or gate.alone(kind) or _ended(rows, compartment, chain[-1], pos, at_ms)
        if free and gate.may_found(kind, granted):
            chain.append(root)
    return chain


def _ended(rows: Rows, compartment: bytes, root: bytes, pos: int, at_ms: int) -> bool:
    """Whether nobody was left of a founding at a place and a time that has come here, too."""
    return not rows(
        "SELECT 1 FROM wrap WHERE compartment = ? AND root = ? AND (revoked_ms = 0 OR ((revoked_pos = 0 OR revoked_pos"
        " > ?) AND (not_after_ms = 0 OR not_after_ms > ?))) LIMIT 1",
        (compartment, root, pos, at_ms),
    )


_KEEPS = (
    "SELECT 1 FROM wrap g JOIN wrap m ON m.compartment = g.recipient AND m.recipient = :who AND m.primitive = 'member'"
    f" AND m.pos < :pos AND {_in_force('m')} WHERE g.compartment = :compartment"
    " AND g.root = :root AND g.act = g.root AND m.root = (SELECT f.root FROM wrap f WHERE f.compartment = g.recipient"
    " AND f.recipient = g.author AND f.primitive = 'member' AND f.pos < g.pos AND (f.revoked_pos = 0 OR f.revoked_pos"
    " > g.pos) ORDER BY f.pos, f.id LIMIT 1) LIMIT 1"
)


def keeps(db: Connection, user: bytes, compartment: bytes, root: bytes, pos: int, at_ms: int) -> bool:
    """Whether a share was founded with its source's members among its owners, and this user is one of them by the
    same founding as whoever shared it."""
    asked = {"who": user, "compartment": compartment, "root": root, "pos": pos, "at": at_ms}
    return db.execute(_KEEPS, asked).fetchone() is not None


_GIVEN = (
    "g.compartment = wrap.compartment AND g.recipient = wrap.recipient AND g.root = wrap.root AND g.act_kind !="
    " 'rotate'"
)


def end_rotated(db: Connection, compartment: bytes, recipient: bytes) -> None:
    """A new key continues what was given before: it ends with that, even where its maker did not know of the end."""
    db.execute(
        "UPDATE wrap SET revoked_ms = min((SELECT max(g.revoked_ms) FROM wrap g WHERE " + _GIVEN + "),"
        " CASE not_after_ms WHEN 0 THEN 9007199254740992 ELSE not_after_ms END),"
        " revoked_pos = (SELECT max(g.revoked_pos) FROM wrap g WHERE " + _GIVEN + ")"
        " WHERE compartment = ? AND recipient = ? AND act_kind = 'rotate' AND revoked_pos = 0"
        " AND EXISTS (SELECT 1 FROM wrap g WHERE " + _GIVEN + ")"
        " AND NOT EXISTS (SELECT 1 FROM wrap g WHERE " + _GIVEN + " AND g.revoked_pos = 0)",
        (compartment, recipient),
    )
