"""The telehealth block of a session: asked once, reused for the next, judged against the clinician's licences. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

import msgspec

from iop_tui.kernel.declare import Document, F, Finding, Severity, Widget

VIRTUAL = ("video", "audio only")
IDENTITY = ("known to the clinician", "photo ID shown", "two identifiers confirmed")
SOURCE = "program rule: telehealth block; state licensing law"
STATES = (
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY", "LA",
    "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR",
    "PA", "PR", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY",
)  # fmt: skip


class Telehealth(Document, frozen=True, kw_only=True):
    """What is asked at the start of every virtual session."""

    identity: Annotated[str, F("Identity", choices=IDENTITY, required=True)] = ""
    location: Annotated[
        str, F("Physical location", required=True, help="Where to send help.", max_length=200, widget=Widget.LINE)
    ] = ""
    state: Annotated[str, F("State", choices=STATES, required=True)] = ""
    callback: Annotated[str, F("Callback number", required=True, max_length=60, widget=Widget.LINE)] = ""
    consent_on_file: Annotated[bool | None, F("Telehealth consent on file", required=True, widget=Widget.KEYS)] = None
    present: Annotated[
        str, F("Who else is present", required=True, help="“nobody” is an answer.", max_length=200, widget=Widget.LINE)
    ] = ""
    private: Annotated[
        bool | None, F("Private place", required=True, widget=Widget.KEYS, help="Can nobody overhear or walk in?")
    ] = None
    problems: Annotated[str, F("Technical problems", max_length=500, widget=Widget.LINE)] = ""

    def shown(self) -> str:
        """One line for read views."""
        private = "private" if self.private else "not private" if self.private is False else ""
        parts = (self.identity, f"{self.location} {self.state}".strip(), self.callback, self.present, private)
        return " · ".join(part for part in parts if part)


_NEEDED = ("identity", "location", "state", "callback", "present", "private", "consent_on_file")
_ASKED_EACH_TIME = {"present": "", "private": None, "problems": ""}


def reused(block: Telehealth) -> Telehealth:
    """The block of the last session as a start for the next: who is present and privacy are asked every time."""
    return msgspec.structs.replace(block, **_ASKED_EACH_TIME)


def findings(
    modality: str, block: Telehealth | None, *, on: date, licences: Mapping[str, date | None]
) -> tuple[Finding, ...]:
    """What is missing or not allowed. `licences` maps the clinician's states to their expiry (None: no end known)."""
    if modality not in VIRTUAL:
        return ()
    if block is None:
        message = "A virtual session needs the telehealth block."
        return (Finding(Severity.REFUSE, "telehealth", message, "telehealth", SOURCE),)
    found = [
        Finding(Severity.REFUSE, f"telehealth_{name}", f"Telehealth: {_label(name)} is missing.", "telehealth", SOURCE)
        for name in _NEEDED
        if getattr(block, name) in ("", None)
    ]
    if block.private is False:
        message = "The client was not alone in private."
        found.append(Finding(Severity.WARN, "not_private", message, "telehealth", SOURCE))
    if block.consent_on_file is False:
        message = "There is no telehealth consent on file."
        found.append(Finding(Severity.WARN, "no_consent", message, "telehealth", SOURCE))
    return (*found, *_licence(block, on, licences))


def _label(name: str) -> str:
    return {"consent_on_file": "consent", "present": "who else is present", "private": "privacy"}.get(name, name)


def _licence(block: Telehealth, on: date, licences: Mapping[str, date | None]) -> tuple[Finding, ...]:
    if not block.state or not licences:
        return ()
    if block.state not in licences:
        message = f"You hold no licence for {block.state}, where the client was."
        return (Finding(Severity.REFUSE, "licence_state", message, "telehealth", SOURCE),)
    until = licences[block.state]
    if until is not None and until < on:
        message = f"Your licence for {block.state} expired on {until.isoformat()}."
        return (Finding(Severity.REFUSE, "licence_expired", message, "telehealth", SOURCE),)
    return ()
