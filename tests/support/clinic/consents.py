"""An open program and forms that nothing speaks against, for tests of consents, disclosures and turnover."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from iop_tui.clinical.compliance import service as compliance
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consents.api import Consent, ConsentSignature, Recipient
from iop_tui.kernel.errors import RuleRefused
from iop_tui.kernel.ids import show_id
from iop_tui.workspace import Workspace
from tests.support.clinic.oracle import Log, Row, Seen
from tests.support.clinic.vaults import PERSONS, Program, copied, refresh, today


@dataclass
class Clinic:
    """The small program with one vault open and everybody's workspace on it."""

    made: Program
    root: Workspace
    _others: dict[str, Workspace] = field(default_factory=dict)
    _seen: Seen = field(default_factory=Seen)

    def ws(self, name: str) -> Workspace:
        """Somebody's workspace, caught up and settled, with a fresh passphrase."""
        found = self.root if name == "nadia" else self._others.get(name)
        if found is None:
            found = self._others[name] = self.made.beside(self.root, name)
        self.made.clock.advance(1)  # no two acts of a history happen at once
        refresh(found)
        found._fresh_at = found.clock.monotonic()
        return found

    def stale(self, name: str) -> Workspace:
        """Somebody's workspace as it was when it was last asked for."""
        return self._others[name]

    def user(self, name: str) -> bytes:
        """A user's id."""
        return self.made.users[name].user

    @property
    def day(self) -> date:
        """Today."""
        return today(self.root)

    def readable(self, name: str) -> dict[bytes, Row]:
        """Every row of the vault that this user's keys open now, by decrypting each."""
        log = Log.of(self.root.session.db, self.root.realm, self._seen)
        member = self.made.users[name]
        keys = log.keys(member.user, member.secrets.enc_seed, self.root.clock.now_ms())
        return log.readable(keys)

    def payloads(self, name: str, word: str) -> int:
        """How many rows that this user can open hold a word."""
        return sum(word.encode() in row.payload for row in self.readable(name).values())

    def pass_days(self, days: float) -> None:
        """Time passes."""
        self.made.clock.advance(days * 86_400)

    def events(self, action: str) -> list[str]:
        """Details of every audited event of an action."""
        return [line.detail for line in compliance.audit_report(self.root) if line.action == action]

    # -- forms -------------------------------------------------------------------------------

    def signature(self, who: str, **more: Any) -> ConsentSignature:
        """The person's own signature."""
        person = PERSONS[who]
        values = {
            "person": show_id(self.made.people[who]), "signer": "client", "name": f"{person.given} {person.family}",
            "method": "typed in person", "witness": "Witness Example", "signed_on": self.day,
        }  # fmt: skip
        return ConsentSignature(**{**values, **more})

    def colleague(self, name: str) -> Recipient:
        """A colleague as recipient."""
        return Recipient(name=self.made.users[name].name, user=show_id(self.user(name)))

    def internal(self, who: str = "ana", to: str = "cleo", **more: Any) -> Consent:
        """An internal authorization that nothing speaks against: progress notes from the individual record."""
        values: dict[str, Any] = {
            "person": show_id(self.made.people[who]), "person_name": PERSONS[who].given, "discloser": "The therapist",
            "source": "IND", "recipients": (self.colleague(to),), "description": "Progress notes about sleep",
            "topics": ("progress notes",), "purpose": "Coordination of care", "copy_given": True,
            "covers_from": self.day - timedelta(days=100), "covers_to": self.day + timedelta(days=90),
            "expires_on": self.day + timedelta(days=60), "signatures": (self.signature(who),),
        }  # fmt: skip
        return consents.template(consents.INTERNAL, **{**values, **more})

    def outward(self, variant: str, who: str = "ana", to: str = "Dr Lee", **more: Any) -> Consent:
        """A consent for somebody outside that nothing speaks against."""
        values: dict[str, Any] = {
            "person": show_id(self.made.people[who]), "person_name": PERSONS[who].given, "discloser": "The program",
            "recipients": (Recipient(name=to, address="1 Main St"),), "description": "Progress notes of this year",
            "purpose": "Coordination of care", "copy_given": True, "expires_on": self.day + timedelta(days=200),
            "signatures": (self.signature(who),),
        }  # fmt: skip
        return consents.template(variant, **{**values, **more})


@contextmanager
def opened(made: Program, folder: Path) -> Iterator[Clinic]:
    """A copy of a small program, open."""
    copy = copied(made, folder)
    clinic = Clinic(copy, copy.unlock("nadia"))
    try:
        yield clinic
    finally:
        for other in clinic._others.values():
            other.session.view.close()
        clinic.root.close()


@contextmanager
def refused(rule: str) -> Iterator[None]:
    """A named rule refuses what happens inside."""
    with pytest.raises(RuleRefused) as caught:
        yield
    assert caught.value.rule == rule, f"{caught.value.rule}: {caught.value.message}"
    assert caught.value.message.endswith((".", "correct.")), caught.value.message
