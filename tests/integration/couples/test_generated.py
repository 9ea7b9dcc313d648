"""Generated couples with a word planted in every part of every record: nobody's copy holds a word of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from iop_tui.access import roles
from iop_tui.clinical.couples import entries, passing
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.couples.model import HELD_NOTE, LIMITED, HeldNote, SafetyConcern
from iop_tui.clinical.notes import service as notes
from iop_tui.clinical.notes.private import PSYCHOTHERAPY_NOTE, PsychotherapyNote
from iop_tui.clinical.people import service as people
from iop_tui.clinical.people.model import Person
from iop_tui.clinical.requests import api as requests
from iop_tui.clinical.requests.model import DECISIONS, JointDecision
from iop_tui.clinical.signing import service as signing
from iop_tui.kernel.ids import show_id
from iop_tui.workspace import Workspace
from tests.integration.couples.conftest import Clinic
from tests.support.couples import Pair, agree, hold_session
from tests.support.vaults import note, today

ALLOWED = {
    "both_signed": (False, False, False), "own_segments_only": (True, True, False),
    "summary_if_agreed": (False, False, False), "deny_with_reason": (False, False, False),
    "court_order": (True, True, True),
}  # fmt: skip
"""Decision → whether joint, own and the other's segments are in a copy; nobody signed a joint release here."""


@dataclass(frozen=True)
class Words:
    """The words planted for one couple."""

    number: int

    def of(self, side: str) -> tuple[str, ...]:
        """What belongs to one partner alone."""
        return tuple(f"{part}{side}zq{self.number}qz" for part in ("note", "hold", "safe", "private"))

    def said(self, side: str) -> str:
        """What a partner said in joint session."""
        return f"said{side}zq{self.number}qz"

    @property
    def joint(self) -> str:
        """What both said."""
        return f"jointzq{self.number}qz"


def _couple(clinic: Clinic, number: int) -> Pair:
    """Two new people, each with a therapist, linked."""
    nadia, made = clinic.nadia, clinic.made
    a, b = (
        people.register(nadia, Person(given=f"{side}{number}", family="Generated"))[0] for side in ("Uno", "Due")
    )
    people.assign(nadia, a, nadia.user.user, roles.INDIVIDUAL_THERAPIST)
    people.assign(nadia, b, made.users["tom"].user, roles.INDIVIDUAL_THERAPIST)
    identifier, _ = couples.link(nadia, a, b, made.users["cleo"].user)
    return Pair(identifier, a, b)


def _plant(ws: Workspace, cleo: Workspace, person: bytes, words: tuple[str, ...]) -> None:
    """A word into each part of one partner's record."""
    said, held, safe, private = words
    saved = notes.save(ws, person, note(today(ws), said))
    notes.sign(ws, [saved.record])
    entries.save(cleo, person, HELD_NOTE, HeldNote(heard=today(cleo), category="a surprise", text=held, urged=True))
    passing.concern(cleo, person, SafetyConcern(noticed=today(cleo), alone=True, text=safe))
    signing.save(ws, person, PSYCHOTHERAPY_NOTE, PsychotherapyNote(written_on=today(ws), session="s", text=private))


def _copy(ws: Workspace, person: bytes) -> str:
    asked = requests.RecordRequest(requester="the person", asked_on=today(ws), verified="in person", channel="post",
                                   safety_talk=True)  # fmt: skip
    prepared = requests.prepare(ws, person, asked)
    assert prepared.foreign == 0
    return "\n".join(content.decode() for _, content in prepared.files)


def test_t6_no_copy_holds_a_word_of_the_other_partner(scale: Any, clinic: Clinic) -> None:
    pairs = [_couple(clinic, number) for number in range(scale(200, 4))]
    tom, cleo, nadia = (clinic.ws(name) for name in ("tom", "cleo", "nadia"))
    for number, pair in enumerate(pairs):
        words = Words(number)
        for ws in (nadia, tom, cleo):
            ws.confirm(clinic.made.users[ws.user.name.lower()].typed())
        agree(cleo, pair, LIMITED)
        content = f"[J] {words.joint}\n[A>] {words.said('a')}\n[B>] {words.said('b')}"
        hold_session(cleo, pair, content)
        _plant(nadia, cleo, pair.a, words.of("a"))
        _plant(tom, cleo, pair.b, words.of("b"))
        decision = DECISIONS[number % len(DECISIONS)]
        document = JointDecision(decision=decision, reason="r", state_rule="s", order="o", decided_on=today(nadia))
        requests.decide(nadia, pair.a, document)
    for ws in (nadia, tom, cleo):
        ws.session.catch_up()
    for number, pair in enumerate(pairs):
        _check(Words(number), pair, DECISIONS[number % len(DECISIONS)], (nadia, tom, cleo))


def _check(words: Words, pair: Pair, decision: str, staff: tuple[Workspace, Workspace, Workspace]) -> None:
    nadia, tom, cleo = staff
    copies = {"a": (_copy(nadia, pair.a), _copy(cleo, pair.a)), "b": (_copy(tom, pair.b), _copy(cleo, pair.b))}
    for side, other, stranger in (("a", "b", pair.b), ("b", "a", pair.a)):
        own, held = copies[side]
        for word in (*words.of(other), show_id(stranger)):
            assert word not in own
            assert word not in held
        mine = words.of(side)
        assert mine[0] in own
        assert mine[2] not in own  # told by somebody else: after review only
        assert mine[1] in held
        assert mine[3] not in own + held  # private notes are no part of the record
    joint, own_words, others = ALLOWED[decision]
    held = copies["a"][1]
    assert (words.joint in held, words.said("a") in held, words.said("b") in held) == (joint, own_words, others)
    assert words.joint not in copies["b"][1]  # the decision was about A's request
