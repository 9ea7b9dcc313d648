"""The way of a couple through the program, by keys in a real terminal: from two imported people to their separation.

Everybody works at one terminal in turn: the front desk assigns and links, the couples therapist writes agreement,
plan and session and later closes the record, A's therapist writes a note, records an authorization, ends it and
answers A's request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iop_tui.clinical.consents.model import CONSENT
from iop_tui.clinical.couples.model import AGREEMENT, PARTNER_SIGNATURE
from iop_tui.clinical.imports import service as imports
from iop_tui.clinical.joint.model import JOINT_NOTE, JOINT_PLAN
from iop_tui.clinical.people import service as people
from iop_tui.interchange.fhir.run import read_run
from iop_tui.kernel.declare import DocumentType, Widget
from tests.support.clinic.vaults import START, Program, empty, hire
from tests.support.processes.process import Codes, start, unlock
from tests.tui.terminal import Terminal

VECTORS = Path(__file__).parents[2] / "vectors" / "fhir" / "synthea"
BUNDLES = (
    "Trey_Leffler_250ebf4a-c818-428c-81a6-c0e46a816512.json.gz",
    "Edythe31_Morar593_9c3df38a-d3b7-2198-3898-51f9153d023d.json.gz",
)
TODAY = START.date()
A, B = "Trey", "Edythe31"
SAID, JOINTLY = "Canaryquarry at the lake", "Canaryjointly described the week."
Keys = str | Callable[[Terminal], object]


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A program with staff and two people who came from FHIR bundles; closed."""
    made, root = empty(tmp_path_factory.mktemp("story") / "vault")
    hire(made, root)
    fay = made.beside(root, "fay")
    with read_run([VECTORS / name for name in BUNDLES]) as run:
        imports.import_items(fay, run)
    names = [line.name for line in people.caseload(fay)]
    assert len(names) == 2, names
    fay.session.view.close()
    root.close()
    return made


class Desk:
    """One terminal at which everybody works in turn."""

    def __init__(self, made: Program) -> None:
        self.made = made
        self.codes = {name: Codes(member) for name, member in made.users.items()}
        self.terminal = start(made.path, 110, 40)

    def take(self, name: str) -> Terminal:
        """Somebody unlocks; whoever was there locks first."""
        if "Passphrase" not in self.terminal.wait_for("Passphrase|Today|.", 20).screen():
            self.terminal.press("<ctrl+l>").wait_for("Locked").wait_for("Passphrase", 20)
        unlock(self.terminal, self.made.users[name], self.codes[name])
        return self.terminal.wait_for("checked", 30)


def fill(terminal: Terminal, kind: DocumentType[Any], first: str, **keys: Keys) -> None:
    """Answer fields of a form in their order from `first` on, where the cursor is; F4 goes from each to the next."""
    terminal.wait_for("F4 next")
    names = [info.name for info in kind.fields() if info.widget is not Widget.HIDDEN]
    for name in names[names.index(first) :]:
        answer = keys.pop(name, "")
        if callable(answer):
            answer(terminal)
        else:
            terminal.press(answer)
        if not keys:
            return
        terminal.press("<f4>")
    raise AssertionError(f"no such field: {keys}")


@pytest.fixture
def desk(imported: Program) -> Iterator[Desk]:
    """The terminal, closed at the end."""
    found = Desk(imported)
    yield found
    found.terminal.close()


@pytest.mark.nightly
def test_a_couple_from_intake_to_separation(desk: Desk, tmp_path: Path) -> None:
    _intake(desk.take("fay"))
    for name in ("tom", "nadia"):  # their programs make the keys of their part of the record
        desk.take(name).press("gc").wait_for("1 person|people")
    cleo = desk.take("cleo")
    _agreement(cleo)
    _plan(cleo)
    _session(cleo)
    _authorize(desk.take("nadia"))
    _use(desk.take("cleo"))
    nadia = desk.take("nadia")
    _end(nadia)
    _request(nadia, tmp_path / "copy")
    cleo = desk.take("cleo")
    _gone(cleo)
    _separation(cleo)
    cleo.press("<ctrl+q>")
    assert cleo.wait_exit() == 0
    for word in (SAID, JOINTLY):
        assert word not in cleo.screen() + cleo.scrollback()


def _chart(terminal: Terminal, name: str) -> None:
    """Open a person's chart from anywhere."""
    terminal.press("gc").wait_for("Caseload").press("/<esc><down>").wait_for("people|person").press("/").type(name)
    terminal.wait_for("1 person found").press("<enter>").wait_for("Safe contact")


def _intake(fay: Terminal) -> None:
    """The front desk assigns both partners' therapists and links the couple."""
    for name, therapist in ((A, "Nadia, individual"), (B, "Tom, individual")):
        _chart(fay, name)
        fay.press("a").wait_for("Assign to").press(therapist[0].lower()).wait_for(therapist).press("<enter>")
        fay.wait_for("Assigned")
    fay.press("gk").wait_for("You know of no couple").press("+").wait_for("partner A").press("t<enter>")
    fay.wait_for("Partner B").press("<enter>").wait_for("Their couples therapist").press("<enter>")
    fay.wait_for(f"Link {A} Leffler.*and {B}").press("y").wait_for("Linked")
    fay.wait_for(f"{A} Leffler +{B} Morar593 +Cleo")


def _agreement(cleo: Terminal) -> None:
    """Agreement, signed by the therapist and both partners."""
    cleo.press("gk").wait_for(A).press("<enter>").wait_for("no agreement yet")
    cleo.press("+").wait_for("New in this couple").press("c").wait_for("Couples agreement").press("<enter>")
    cleo.wait_for("Who is the client")
    fill(cleo, AGREEMENT, "testimony", testimony="<right>", billing="<right>", after_separation="<right>",
         crisis="Separate rooms, then the crisis line.")  # fmt: skip
    cleo.wait_for("Nothing is missing").press("<f8>").wait_for(r"\[s\] sign").press("s").wait_for("Joint")
    for name, partner in ((A, ""), (B, "<right>")):
        cleo.wait_for("03-12 +Agreement").press("p").wait_for("Partner's signature")
        fill(cleo, PARTNER_SIGNATURE, "partner", partner=f"<right>{partner}", name=f"{name} Example")
        cleo.press("<f2>").wait_for("signature is recorded").wait_gone("Partner's signature:")
    cleo.wait_for("Secrets policy +separate-only")


def _goal(terminal: Terminal) -> None:
    """One goal with one objective, in the dialogs of the plan."""
    terminal.press("<enter>").wait_for("Shared problem").press("Silent evenings<f4>We talk again<f4><enter>")
    terminal.wait_for("Baseline").press("Talk every evening<f4>1 of 7<f4>calendar<f4>6 of 7<f4>+60<f2>")
    terminal.wait_for("Talk every evening: from").press("<esc>").wait_for("Shared problem").press("<f2>")
    terminal.wait_for("Silent evenings").press("<esc>").wait_gone("add +.Enter. change")


def marked(word: str) -> Callable[[Terminal], object]:
    """The first of several words, which begins with `word`."""
    return lambda at: at.press("<enter>").wait_for(r"\[Space\] mark").press(" <enter>").wait_for(f"< {word}")


def _plan(cleo: Terminal) -> None:
    """The joint plan, signed by the therapist."""
    cleo.press("gk").wait_for(A).press("<enter>").wait_for("separate-only").press("t").wait_for("Joint plan")
    fill(cleo, JOINT_PLAN, "screened_a", screened_a="today", screened_b="today", goals=_goal, approaches=marked("EFT"),
         contract=marked("daily"), sessions="1", per="<right>", minutes="50", weeks="12", pause=marked("[a-bd-z]"),
         participation="Both named the goal.")  # fmt: skip
    cleo.wait_for("Nothing is missing").press("<f8>").wait_for(r"\[s\] sign").press("s").wait_for("Secrets policy")
    cleo.wait_for("Joint plan")


def _session(cleo: Terminal) -> None:
    """The joint session, signed."""
    cleo.press("gk").wait_for(A).press("<enter>").wait_for("separate-only").press("n").wait_for("Joint session:")
    fill(cleo, JOINT_NOTE, "attended_a", attended_a="<right>", attended_b="<right>", separate_rooms="y",
         content=f"<end>{JOINTLY}<enter>[A>] I kept it.<enter>[B>] I listened.", intervention="Rehearsed the talk.",
         progress="<end>moderate", risk="<right>", plan="Talk every evening.")  # fmt: skip
    cleo.wait_for("Nothing is missing|looks like").press("<f8>").wait_for(r"\[s\] sign").press("s")
    cleo.wait_for("Secrets policy").wait_for("Joint session, 50")


def _authorize(nadia: Terminal) -> None:
    """A's therapist writes a note and records that A lets the couples therapist read the progress notes."""
    _chart(nadia, A)
    nadia.press("n").wait_for("Note: Trey").press("<f4>").wait_for("What the client said").type(SAID)
    nadia.press("<f4>1").type("Before the plan").press("<f4><enter>").wait_for(r"\[Space\] mark").press(" <enter>")
    nadia.wait_gone(r"\[Space\] mark").press("<f4>").type("Listened").press("<f4>").type("Calmer").press("<f4>212")
    nadia.type("Walk daily").press("<f8>").wait_for("missing +Modality").press("<enter>").wait_for("! Modality")
    nadia.press("1").type("Clinic").press("<f8>").wait_for(r"\[s\] sign").press("s").wait_for(f"{SAID}.*signed")
    nadia.press("o").wait_for("Nothing is authorized").press("+").wait_for("Which form").press("<end><enter>")
    nadia.wait_for("From which part").press("<enter>").wait_for("For whom").wait_for("Cleo").press("<enter>")
    nadia.wait_for("What, specifically")
    fill(nadia, CONSENT, "description", description="Notes about sleep", topics=marked("progress notes"),
         covers_from="-60", covers_to="today", purpose="Coordination", expires_on="+30", copy_given="y")  # fmt: skip
    nadia.press("<f2>").wait_for("Nothing is missing").press("s").wait_for("in force +Cleo").wait_for("1 record")


def _use(cleo: Terminal) -> None:
    """The couples therapist reads what was shared, and nothing of B."""
    cleo.press("gk").wait_for(A).press("<enter>").wait_for("separate-only").wait_for("Canaryquarry")
    cleo.press("[").press("<end><enter>").wait_for("Shared under an authorization").wait_for(SAID)


def _end(nadia: Terminal) -> None:
    """A ends the authorization."""
    _chart(nadia, A)
    nadia.press("o").wait_for("in force +Cleo").press("d").wait_for("End this consent").press("<enter>")
    nadia.wait_for("revoked +Cleo")


def _gone(cleo: Terminal) -> None:
    """The couples therapist's column is the constant line again, and no search finds a word."""
    cleo.press("gk").wait_for(A).press("<enter>").wait_for("separate-only").wait_for("Other protected records")
    assert "Canaryquarry" not in cleo.screen()
    cleo.press("/").wait_for("Words to look for").type("canaryquarry").wait_for("nothing found|has these words")
    cleo.press("<esc>").wait_gone("^ Search")


def _request(nadia: Terminal, folder: Path) -> None:
    """A's therapist answers A's request for the record: identity, safety, the joint part as decided, the copy."""
    _chart(nadia, A)
    nadia.press("G").wait_for("Guides").press("<end><enter>").wait_for("Who asks").wait_for("F4 next")
    nadia.press("<right><f4><f4>Passport, in person<f4>Her own post box<f2>").wait_for("Talk it over alone")
    nadia.wait_for("step 2 of").wait_for("F4 next").press("y<f2>").wait_for("step 3 of").wait_for("The joint record")
    nadia.wait_for("F4 next").press("<right><f4>Asked by A, weighed.<f4>Example Code 1.2<f2>").wait_for("step 4 of")
    nadia.wait_for("Make the copy").wait_for("F4 next").press("<f4>").type(str(folder)).press("<f2>")
    nadia.wait_for("objects written", 30)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert manifest["other_partner_objects"] == 0
    assert set(manifest["compartments"]) <= {"IND", "MED", "CRISIS", "GRP", "PAY"}
    copied = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert SAID.encode() in copied
    assert JOINTLY.encode() not in copied
    assert B.encode() not in copied


def _separation(cleo: Terminal) -> None:
    """The couples therapist ends joint work: the record closes, nothing new is written in it."""
    cleo.press("gk").wait_for(A).press("<enter>").wait_for("separate-only").press("G").wait_for("Guides")
    cleo.press("s").wait_for("Separation or").press("ss<enter>").wait_for("Who ends it").wait_for("F4 next")
    cleo.press("<right><f4><f4><right><f2>").wait_for("What happens now").wait_for("F4 next")
    cleo.press("y<f2>").wait_for("Partner A, asked alone").press("<esc>").wait_for("step back").press("q")
    cleo.wait_for("joint work ended 2026-03-12").wait_for("Joint session, 50")
    cleo.press("n").wait_for("ended|over")
    assert "Joint session:" not in cleo.screen()
