"""Attempts that a rule refused are audited, although nothing else was written (45 CFR 164.312(b))."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from iop_tui.kernel.errors import ReauthNeeded, Refused, rule_of
from iop_tui.store.session import Session


@contextmanager
def attempted(
    session: Session, action: str, *, person: bytes = b"", subject: bytes = b"", category: str = ""
) -> Iterator[None]:
    """Audit a `Refused` raised inside as an event of its own, then let it go on.

    The event holds the action and the rule's code, never a word of what was asked; `category` is the part of the record
    it was about, where one is known. Being asked for the passphrase again is no refusal.
    """
    try:
        yield
    except ReauthNeeded:
        raise
    except Refused as error:
        work = session.work()
        detail = f"{action}: {rule_of(error)}"
        session.note(work, "refused", person=person, category=category, subject=subject, detail=detail)
        session.commit(work)
        raise
