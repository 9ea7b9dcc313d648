"""A couple in care, from the agreement to a signed joint session: values and steps any test may take.

    with made.workspace("nadia") as ws: pair = couple(made, ws)
    cleo = made.beside(ws, "cleo"); agree(cleo, pair)
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.couples import entries
from iop_tui.clinical.couples import service as couples
from iop_tui.clinical.couples.model import (
    AGREEMENT,
    CONTACT_OF,
    LIMITED,
    PARTNERS,
    SEPARATE,
    CouplesAgreement,
    PartnerSignature,
)
from iop_tui.clinical.joint.model import JOINT_NOTE, JOINT_PLAN, JointNote, JointPlan, SharedGoal, SharedObjective
from iop_tui.clinical.joint.service import sign
from iop_tui.kernel.clock import FixedClock
from iop_tui.kernel.ids import show_id
from iop_tui.kernel.rng import SeededRng
from iop_tui.workspace import Workspace
from tests.support.clinic.vaults import Program, today

A, B = PARTNERS


@dataclass(frozen=True)
class Pair:
    """Ana and Ben, linked, in Cleo's care."""

    id: bytes
    a: bytes
    b: bytes


def copied(made: Program, to: Path) -> Program:
    """A copy of a closed program with clocks and a random stream of its own, all where the original stood."""
    shutil.copytree(made.path, to)
    clock, codes = FixedClock(made.clock.now_ms()), FixedClock(made.code_clock.now_ms())
    env = replace(made.env, clock=clock, code_clock=codes, rng=SeededRng(7))
    return replace(made, path=to, env=env, clock=clock, code_clock=codes)


def pair_of(made: Program, ws: Workspace) -> Pair:
    """The couple of the test program."""
    line = couples.couples(ws)[0]
    return Pair(line.id, line.a, line.b)


def agreement(day: date, secrets: str = SEPARATE, **more: Any) -> CouplesAgreement:
    """An agreement that may be signed."""
    values: dict[str, Any] = {
        "agreed": day, "client": "the couple, and each partner", "providers": ("Cleo, couples therapist",),
        "secrets": secrets, "contact_rule": CONTACT_OF[secrets], "release": "both sign every release",
        "testimony": "neither asks the therapist to testify", "not_recorded": True, "billing": A,
        "after_separation": "joint record closes; the therapist sees neither alone", "exceptions": True,
        "individual_care": True, "crisis": "Pause, separate rooms, call the crisis line.",
    }  # fmt: skip
    if secrets == LIMITED:
        values |= {"held_categories": ("a surprise",), "blocking_categories": ("an ongoing affair",),
                   "deadline_sessions": 3, "may_end": True}  # fmt: skip
    return CouplesAgreement(**(values | more))


def signature(partner: str, day: date, **more: Any) -> PartnerSignature:
    """A partner's signature typed in person."""
    values: dict[str, Any] = {"partner": partner, "name": partner, "method": "typed in person", "witness": "Fay",
                              "signed_on": day}  # fmt: skip
    return PartnerSignature(**(values | more))


def agree(cleo: Workspace, pair: Pair, secrets: str = SEPARATE, **more: Any) -> bytes:
    """An agreement signed by the therapist and both partners; its record."""
    saved = entries.save(cleo, pair.id, AGREEMENT, agreement(today(cleo), secrets, **more))
    sign(cleo, [saved.record])
    for partner in PARTNERS:
        entries.record_signature(cleo, saved.record, signature(partner, today(cleo)))
    return saved.record


def joint_plan(day: date, **more: Any) -> JointPlan:
    """A joint plan that may be signed."""
    objective = SharedObjective(
        text="Trust talk every evening", baseline="1 of 7 days", measure="contract calendar", target="6 of 7 days",
        target_date=day + timedelta(days=60), status="active",
    )  # fmt: skip
    goal = SharedGoal(problem="Evenings end in silence", text="We talk again", objectives=(objective,))
    values: dict[str, Any] = {
        "planned": day, "next_review": day + timedelta(days=30), "role_a": "patient", "role_b": "patient",
        "screened_a": day, "screened_b": day, "goals": (goal,), "approaches": ("BCT",),
        "contract": ("daily statement", "trust discussion"), "sessions": 1, "per": "week", "minutes": 50, "weeks": 12,
        "attends": "both partners", "contact_rule": CONTACT_OF[SEPARATE], "billing": A, "pause": ("schedule",),
        "participation": "Both named the goal.",
    }  # fmt: skip
    return JointPlan(**(values | more))


def joint_note(day: date, content: str = "[J] Described the week.\n[A>] I kept the talk.\n[B>] I listened.",
               **more: Any) -> JointNote:  # fmt: skip
    """A joint session that may be signed."""
    values: dict[str, Any] = {
        "service_date": day, "start": time(15), "stop": time(15, 50), "modality": "video", "service_code": "90847",
        "attended_a": "present", "attended_b": "present", "separate_rooms": True, "content": content,
        "approaches": ("BCT",), "intervention": "Rehearsed the trust talk.", "progress": ("1.1 moderate",),
        "risk": "none voiced", "plan": "Talk every evening.",
    }  # fmt: skip
    return JointNote(**(values | more))


def hold_session(cleo: Workspace, pair: Pair, content: str = "", **more: Any) -> bytes:
    """A signed joint session; its record."""
    note = joint_note(today(cleo), content, **more) if content else joint_note(today(cleo), **more)
    saved = entries.save(cleo, pair.id, JOINT_NOTE, note)
    sign(cleo, [saved.record])
    return saved.record


def plan_together(cleo: Workspace, pair: Pair, **more: Any) -> bytes:
    """A signed joint plan; its record."""
    saved = entries.save(cleo, pair.id, JOINT_PLAN, joint_plan(today(cleo), **more))
    sign(cleo, [saved.record])
    return saved.record


def internal(ws: Workspace, person: bytes, name: str, recipient: consents.Recipient, **more: Any) -> bytes:
    """An internal authorization of a person's progress notes, recorded by their therapist; its id."""
    day = today(ws)
    signed = consents.ConsentSignature(
        person=show_id(person), signer="client", name=name, method="typed in person", witness="Fay", signed_on=day
    )
    values: dict[str, Any] = {
        "person": show_id(person), "person_name": name, "discloser": ws.user.name, "source": "IND",
        "recipients": (recipient,), "description": "Progress notes", "topics": ("progress notes",),
        "covers_from": day - timedelta(days=365), "covers_to": day, "purpose": "couples work",
        "expires_on": day + timedelta(days=30), "copy_given": True, "signatures": (signed,),
    }  # fmt: skip
    return consents.authorize(ws, consents.template(consents.INTERNAL, **(values | more))).id


def joint_release(cleo: Workspace, pair: Pair, recipient: str, names: tuple[str, str], **more: Any) -> bytes:
    """An authorization of the joint record for somebody outside, signed by both; its id."""
    day = today(cleo)
    signed = tuple(
        consents.ConsentSignature(person=show_id(person), signer="client", name=name, method="typed in person",
                                  witness="Fay", signed_on=day)
        for person, name in zip((pair.a, pair.b), names, strict=True)
    )  # fmt: skip
    values: dict[str, Any] = {
        "person": show_id(pair.id), "person_name": " and ".join(names), "discloser": cleo.user.name, "source": "JNT",
        "recipients": (consents.Recipient(name=recipient),), "description": "The joint record",
        "purpose": "at the request of both", "expires_on": day + timedelta(days=30), "copy_given": True,
        "signatures": signed,
    }  # fmt: skip
    return consents.authorize(cleo, consents.template(consents.HIPAA, **(values | more))).id
