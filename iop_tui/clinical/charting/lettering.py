"""Which consent a letter goes out on: chosen before a word is written, checked at the signature and at the release.

42 CFR 2.31 and 2.33, 45 CFR 164.508: a letter to an employer, court or school is a disclosure.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from iop_tui.access.policy import Kind
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.api import HIPAA, SPECIFIC, TPO, ConsentLine, Recipient
from iop_tui.clinical.letters.api import LETTER, Letter
from iop_tui.clinical.signing import api as signing
from iop_tui.kernel.errors import RuleRefused
from iop_tui.kernel.ids import show_id
from iop_tui.workspace import Workspace

_OUTWARD = (TPO, SPECIFIC, HIPAA)
_PART2 = (TPO, SPECIFIC)


@dataclass(frozen=True, slots=True)
class Allowed:
    """One recipient of one consent that covers letters."""

    consent: ConsentLine
    recipient: Recipient

    @property
    def key(self) -> str:
        """How a choice among several names it."""
        return f"{show_id(self.consent.id)}|{self.recipient.name}"

    @property
    def label(self) -> str:
        """What a person reads in a list."""
        until = f"until {self.consent.until.isoformat()}" if self.consent.until else "no end date"
        return f"{self.recipient.name}, {self.consent.document.purpose[:40]}, {until}"


def allowed(ws: Workspace, person: bytes) -> list[Allowed]:
    """To whom a letter about a person may go: by consents in force that cover letters from this user's own part of the
    record, newest first.
    """
    home = signing.home(ws, person).kind
    forms = _PART2 if home == Kind.SUD else _OUTWARD
    return [
        Allowed(line, recipient)
        for line in consents.in_force(ws, person)
        if line.document.variant in forms and _covers(line, home)
        for recipient in line.open_to
        if not recipient.user
    ]


def _covers(line: ConsentLine, home: str) -> bool:
    document = line.document
    if document.source not in ("", home) or (document.records and not document.topics):
        return False
    return not document.topics or any(LETTER.kind in consents.TOPICS.get(topic, ()) for topic in document.topics)


def need(ws: Workspace, person: bytes) -> list[Allowed]:
    """The same. Raises `RuleRefused` where there is none: then there is nobody to write to."""
    found = allowed(ws, person)
    if not found:
        raise RuleRefused("letter.no_consent", "No consent in force covers a letter about this person.",
                          "Record what they allow first: o in the chart, topic letters (42 CFR 2.31).")  # fmt: skip
    return found


def on_consent(letter: Letter, chosen: Allowed, ws: Workspace) -> Letter:
    """A letter that names its consent: recipient, purpose and authorization as the consent has them."""
    line, recipient = chosen.consent, chosen.recipient
    signed = ", ".join(
        f"signed by {item.name}" + (f" on {item.signed_on.isoformat()}" if item.signed_on else "")
        for item in line.document.signatures
    )
    return msgspec.structs.replace(
        letter, consent=show_id(line.id), purpose=line.document.purpose[:300], authorization=signed[:300],
        recipient="\n".join(part for part in (recipient.name, recipient.address) if part)[:400],
        authorized_until=line.until or signing.today(ws),
    )  # fmt: skip


def facts(ws: Workspace, person: bytes) -> dict[str, tuple[str, ...]]:
    """What the rules of a letter compare it with: printed consent id → the recipients it is open to."""
    found: dict[str, tuple[str, ...]] = {}
    for item in allowed(ws, person):
        identifier = show_id(item.consent.id)
        found[identifier] = (*found.get(identifier, ()), item.recipient.name)
    return found
