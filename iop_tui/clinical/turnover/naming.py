"""Names as this user may know them, and the words for the parts of a record."""

from __future__ import annotations

from iop_tui.access.policy import Kind
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.errors import NotFound
from iop_tui.workspace import Workspace

PART_WORDS: dict[str, str] = {
    Kind.DIR: "directory entry", Kind.IND: "individual record", Kind.SUD: "substance use record",
    Kind.MED: "medications", Kind.CRISIS: "crisis card", Kind.GRP: "group record", Kind.PAY: "payment",
    Kind.JNT: "joint record",
}  # fmt: skip
"""What the parts of a record that are handed from one to another are called."""
SOMEBODY = "somebody you have no key to"


def person_name(ws: Workspace, subject: bytes) -> str:
    """A person or couple by name; by initials for who has the registry and no directory entry."""
    row = ws.view.one("SELECT name FROM person WHERE id = ?", (subject,))
    if row is None:
        row = ws.view.one(
            "SELECT title FROM record WHERE kind = 'registration' AND person = ? AND deposit = 0 LIMIT 1", (subject,)
        )
    return str(row[0]) if row else couples.names(ws).get(subject, SOMEBODY)


def user_name(ws: Workspace, user: bytes) -> str:
    """A colleague's name."""
    try:
        return ws.session.card(user).name
    except NotFound:
        return "an unknown user"


def is_active(ws: Workspace, user: bytes) -> bool:
    """Whether an account can be given anything."""
    try:
        return ws.session.card(user).status == staff.ACTIVE
    except NotFound:
        return False


def listed(words: tuple[str, ...]) -> str:
    """`a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "nothing"
