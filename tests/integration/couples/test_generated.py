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
from tests.support.clinic.couples import Pair, agree, hold_session, joint_release
from tests.support.clinic.vaults import note, today

ALLOWED = {
    "both_signed": (False, False, False), "own_segments_only": (True, True, False),
    "summary_if_agreed": (False, False, False), "deny_with_reason": (False, False, False),
    "court_order": (True, True, True),
}  # fmt: skip
"""Decision → whether joint, own and the other's segments are in a copy, where nobody signed a joint release."""


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

    @property
    def decision(self) -> str:
        """What the privacy officer decided about A's request."""
        return DECISIONS[self.number % len(DECISIONS)]

    @property
    def signed(self) -> bool:
        """Whether both signed that each gets a copy of the joint record."""
        return self.number % 3 == 2

    def name(self, side: str) -> str:
        """A partner's name."""
        return f"{'Uno' if side == 'a' else 'Due'}{self.number} Generated"


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


def _copy(ws: Workspace, person: bytes, recipient: str) -> str:
    asked = requests.RecordRequest(requester="the person", asked_on=today(ws), verified="in person", channel="post",
                                   safety_talk=True, recipient=recipient)  # fmt: skip
    prepared = requests.prepare(ws, person, asked)
    assert prepared.foreign == 0
    assert prepared.as_json()["other_partner_objects"] == 0
    return "\n".join(content.decode() for _, content in prepared.files)


def test_t6_no_copy_holds_a_word_of_the_other_partner(scale: Any, clinic: Clinic) -> None:
    pairs = [_couple(clinic, number) for number in range(scale(200, 10))]
    tom, cleo, nadia = (clinic.ws(name) for name in ("tom", "cleo", "nadia"))
    for number, pair in enumerate(pairs):
        words = Words(number)
        for ws in (nadia, tom, cleo):
            ws._fresh_at = ws.clock.monotonic()
        agree(cleo, pair, LIMITED)
        content = f"[J] {words.joint}\n[A>] {words.said('a')}\n[B>] {words.said('b')}"
        hold_session(cleo, pair, content)
        _plant(nadia, cleo, pair.a, words.of("a"))
        _plant(tom, cleo, pair.b, words.of("b"))
        order = "Family court 7, 2026-03-01" if words.decision == "court_order" else ""
        document = JointDecision(decision=words.decision, reason="r", state_rule="s", order=order,
                                 decided_on=today(nadia))  # fmt: skip
        requests.decide(nadia, pair.a, document)
        if words.signed:
            for side in ("a", "b"):
                joint_release(cleo, pair, words.name(side), (words.name("a"), words.name("b")))
    for ws in (nadia, tom, cleo):
        ws.session.catch_up()
    for number, pair in enumerate(pairs):
        _check(Words(number), pair, (nadia, tom, cleo))


def _check(words: Words, pair: Pair, staff: tuple[Workspace, Workspace, Workspace]) -> None:
    nadia, tom, cleo = staff
    copies = {
        side: [_copy(ws, person, words.name(side)) for ws in (own, cleo)]
        for side, person, own in (("a", pair.a, nadia), ("b", pair.b, tom))
    }
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
    spoken = (words.joint, words.said("a"), words.said("b"))
    everything, nothing = (True, True, True), (False, False, False)
    allowed = ALLOWED[words.decision] if words.decision != "both_signed" or not words.signed else everything
    assert tuple(word in copies["a"][1] for word in spoken) == allowed, words.decision
    # The decision was about A's request: B's follows what both signed, and nothing else.
    assert tuple(word in copies["b"][1] for word in spoken) == (everything if words.signed else nothing)
