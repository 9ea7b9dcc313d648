"""What is asked before something leaves: who receives it, on which ground, whether it is safe, sealed how, where to.

Each question is one dialog; Esc at any of them leaves everything as it is. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.api import INTERNAL, ConsentLine, Recipient
from iop_tui.clinical.disclosures.api import CONSENT, ORDER, REQUEST
from iop_tui.clinical.people import api as people
from iop_tui.kernel.clock import local_date
from iop_tui.kernel.paths import typed
from iop_tui.ui.ask import AskLine
from iop_tui.ui.dialogs import PickOne
from iop_tui.workspace import Workspace

Ask = Callable[[Any], Awaitable[Any]]
"""Shows a dialog and gives its answer; None for Esc."""
CLIENT, COURT = "client", "court"
RECEIVERS = (
    (CLIENT, "The client"), ("provider", "Another provider"), ("payer", "A payer"), (COURT, "A court"),
    ("other", "Somebody else"),
)  # fmt: skip
OWN_COPY = "copy of the record for the person (45 CFR 164.524)"
SAFE, NOT_SAFE = "yes", "no"
SAFE_QUESTION = "Is it safe for the client to hold this, if somebody at home finds it?"
SAFE_OPTIONS = ((SAFE, "Yes: asked alone, it is safe"), (NOT_SAFE, "No, or not asked alone"))
NOT_MADE = "Nothing was made. Go through it together, or send it to an address only they open (program rule CR-13)."
NO_CONSENT = "No consent is in force for this receiver. Record one first: o in the chart."
SEALED, FOLDER = "sealed", "folder"
KEY = "Key: age1…, an SSH public key, or the word passphrase"
ONLY_KEY = "Key: age1… or an SSH public key"
SAYS_SEALED = "Whoever holds the key opens the file with the age program."
SAYS_WORDS = (
    f"{SAYS_SEALED} With the word passphrase six words are made and shown once: tell them by another way than the file"
    " goes."
)
SAYS_OPEN = "NOT encrypted: everybody who gets hold of the folder reads it. Keep it where only you can."


@dataclass(frozen=True, slots=True)
class Basis:
    """On which ground something leaves, to whom, what for. `consent` where that is the ground."""

    basis: str
    recipient: Recipient
    purpose: str
    kind: str
    consent: bytes | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the questions need to know of a person: their name, today, the consents that let something leave."""

    name: str
    today: date
    consents: tuple[ConsentLine, ...]


def facts(ws: Workspace, person: bytes) -> Facts:
    """Read them. Raises `NotFound`."""
    found = [line for line in consents.consents(ws, person) if line.document.variant != INTERNAL and line.open_to]
    open_now = tuple(line for line in found if line.state == consents.IN_FORCE)
    return Facts(people.header(ws, person).name, local_date(ws.clock.now_ms()), open_now)


async def whom(ask: Ask, known: Facts) -> Basis | str | None:
    """Receiver, ground and purpose; a sentence where nothing can leave; None for Esc."""
    kind = await ask(PickOne("Who receives it?", RECEIVERS))
    if kind is None:
        return None
    return await ground(ask, known, kind)


async def ground(ask: Ask, known: Facts, kind: str) -> Basis | str | None:
    """The ground for one kind of receiver, and the purpose."""
    options = [(line.id.hex(), _said(line)) for line in known.consents]
    if kind == CLIENT:
        options.insert(0, (REQUEST, "Their own request (45 CFR 164.524)"))
    if kind == COURT:
        options.insert(0, (ORDER, "An order of the court (45 CFR 164.512(e); 42 CFR 2.61-2.67)"))
    if not options:
        return NO_CONSENT
    chosen = await ask(PickOne("On which ground?", options))
    if chosen is None:
        return None
    if chosen == REQUEST:
        return Basis(REQUEST, Recipient(name=known.name), OWN_COPY, kind)
    if chosen == ORDER:
        answer = await ask(AskLine("Which court, and what is ordered?", "Both stand in the list of disclosures.",
                                   "Court: what for", done="next"))  # fmt: skip
        if answer is None:
            return None
        name, _, purpose = answer[1].partition(":")
        return Basis(ORDER, Recipient(name=name.strip()), purpose.strip() or "order of the court", kind)
    return await _on_consent(ask, next(line for line in known.consents if line.id.hex() == chosen), kind)


def _said(line: ConsentLine) -> str:
    names = ", ".join(item.name for item in line.open_to)
    what = ", ".join(line.document.topics) or line.document.description
    return f"Consent of {line.starts.isoformat()} to {names}: {what}"


async def _on_consent(ask: Ask, line: ConsentLine, kind: str) -> Basis | None:
    recipient = line.open_to[0]
    if len(line.open_to) > 1:
        options = [(str(place), item.name) for place, item in enumerate(line.open_to)]
        chosen = await ask(PickOne("To whom of them?", options))
        if chosen is None:
            return None
        recipient = line.open_to[int(chosen)]
    answer = await ask(AskLine("What for?", "The purpose stands in the list of disclosures.", "Purpose",
                               value=line.document.purpose, done="next"))  # fmt: skip
    return None if answer is None else Basis(CONSENT, recipient, answer[1], kind, line.id)


async def safe_to_hold(ask: Ask) -> bool | None:
    """The question that goes before whatever a client takes home (CR-13); None for Esc."""
    answer = await ask(PickOne(SAFE_QUESTION, SAFE_OPTIONS))
    return None if answer is None else answer == SAFE


async def key(ask: Ask, *, passphrase: bool = True) -> str | None:
    """What it is sealed to."""
    says, label = (SAYS_WORDS, KEY) if passphrase else (SAYS_SEALED, ONLY_KEY)
    answer = await ask(AskLine("Sealed to whom?", says, label, done="next"))
    return None if answer is None else answer[1]


async def place(ask: Ask, title: str, consequence: str, usual: str) -> Path | None:
    """Where it goes."""
    answer = await ask(AskLine(title, consequence, "File or folder", value=str(Path.home() / usual), done="write it"))
    return None if answer is None else typed(answer[1])
