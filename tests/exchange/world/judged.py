"""Who holds what, said once more and as plainly as possible: section 6 of the protocol over lists and sets.

What `members` asks the program's own order and resolver is asked here again, of the same packs, by code that shares
nothing with them: no database, no portions, nothing that waits. It knows one compartment and no dates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from iop_tui.kernel.canonical import decode
from iop_tui.store.members.acts import Act, UserCard, read
from tests.exchange.world.members import BOTH, REMOVED, Pack


@dataclass
class Wrap:
    """A key that was handed to somebody. `ended`: it is no longer theirs."""

    to: bytes
    number: int
    root: bytes
    again: bool
    ended: bool = False


@dataclass
class Outcome:
    """Users as certified last, wraps by id, keys by user: number -> whether nothing new is written under it."""

    cards: dict[bytes, UserCard] = field(default_factory=dict)
    wraps: dict[bytes, Wrap] = field(default_factory=dict)
    keys: dict[bytes, dict[int, bool]] = field(default_factory=dict)
    void: set[bytes] = field(default_factory=set)
    """Acts of people who had been removed."""
    made: set[tuple[int, bytes]] = field(default_factory=set)
    """Generations, by number and founding."""
    foundings: list[bytes] = field(default_factory=list)
    """The foundings that count, the first one first."""

    def live(self, user: bytes) -> list[Wrap]:
        """What somebody holds."""
        return [wrap for wrap in self.wraps.values() if wrap.to == user and not wrap.ended]


def in_order(packs: Iterable[Pack]) -> list[Pack]:
    """Causes first; a removal with all it knew before what it did not know; then by rank and number."""
    left = list(packs)
    there = {pack.entry.hash for pack in left}

    def plain(some: list[Pack]) -> list[Pack]:
        some, found, done = list(some), [], there - {pack.entry.hash for pack in some}
        while some:
            ready = [pack for pack in some if pack.known & there <= done]
            chosen = min(ready, key=lambda pack: (pack.author, pack.entry.n))
            some.remove(chosen)
            found.append(chosen)
            done = done | {chosen.entry.hash}
        return found

    found: list[Pack] = []
    for removal in [pack for pack in plain(left) if _removes(pack)]:
        before = [pack for pack in left if pack.entry.hash in removal.known or pack is removal]
        found += plain([pack for pack in before if pack not in found])
    return found + plain([pack for pack in left if pack not in found])


def _removes(pack: Pack) -> bool:
    return any(card.status == REMOVED for row in pack.rows for card in _cards(read(row)))


def _cards(act: Act) -> list[UserCard]:
    return [decode(signed.card, UserCard) for signed in act.cards]


def outcome(packs: Iterable[Pack]) -> Outcome:
    """What a set of packs gives, where it holds everything that its packs know of."""
    found = Outcome()
    for pack in in_order(packs):
        for row in pack.rows:
            _judge(found, read(row))
    for user, card in found.cards.items():
        if not _may_hold(card):
            found.keys.pop(user, None)
    return found


def _judge(found: Outcome, act: Act) -> None:
    for card in _cards(act):  # certified by the program's key, whoever's act brings them
        known = found.cards.get(card.user)
        if known is None or (known.status != REMOVED and (card.serial > known.serial or card.status == REMOVED)):
            found.cards[card.user] = card
    if found.cards[act.author].status == REMOVED and not any(card.user == act.author for card in _cards(act)):
        found.void.add(act.id)
        return
    made = {item.number for item in act.generations}
    given = [(grant, _root(found, act, grant.generation, made)) for grant in act.grants]
    if any(root == act.id for _, root in given) and not (
        found.foundings and _anybody(found, found.foundings[-1])
    ):
        found.foundings.append(act.id)
    found.made |= {(grant.generation, root) for grant, root in given if root is not None and grant.generation in made}
    for grant, root in given:
        if root is not None:
            found.wraps[grant.id] = Wrap(grant.recipient, grant.generation, root, act.kind == "rotate")
    _end_continued(found)
    for identifier in act.revokes:  # whose office it is to end access: everybody's here
        if identifier in found.wraps:
            found.wraps[identifier].ended = True
            _end_continued(found)
            _forget(found)
    _take(found, act)


def _anybody(found: Outcome, root: bytes) -> bool:
    return any(wrap.root == root and not wrap.ended for wrap in found.wraps.values())


def _root(found: Outcome, act: Act, number: int, made: set[int]) -> bytes | None:
    """The founding whose key its author hands on; its own, where they hold none and make one."""
    held = found.live(act.author)
    same = [wrap.root for wrap in held if wrap.number == number]
    roots = list(dict.fromkeys(wrap.root for wrap in found.wraps.values()))  # the earliest first
    chosen = same or [wrap.root for wrap in held]
    if chosen:
        return min(chosen, key=roots.index)
    return act.id if number in made else None


def _end_continued(found: Outcome) -> None:
    """What continued something that was given ends with it."""
    for wrap in found.wraps.values():
        given = [one for one in found.wraps.values() if (one.to, one.root) == (wrap.to, wrap.root) and not one.again]
        if wrap.again and given and all(one.ended for one in given):
            wrap.ended = True


def _forget(found: Outcome) -> None:
    """Who holds nothing any more keeps no key, not even when they are given a later one."""
    for user, keys in found.keys.items():
        if not found.live(user):
            keys.clear()


def _take(found: Outcome, act: Act) -> None:
    for grant in act.grants:
        wrap = found.wraps.get(grant.id)
        if wrap is not None and not wrap.ended and (wrap.number, wrap.root) in found.made:
            secondary = wrap.root not in found.foundings
            found.keys.setdefault(wrap.to, {}).setdefault(wrap.number, secondary)


def _may_hold(card: UserCard) -> bool:
    return card.roles == BOTH or "counselor" in card.roles[0]
