"""`break-glass`, `review-access`, `list emergencies`: crisis cards in an emergency, and who looked at them (CR-17).

Whose card and why come from standard input (in a batch line from `--doc`): arguments can be seen by others.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from iop_tui.clinical.emergency import api as emergency
from iop_tui.clinical.emergency.api import AccessLine, Card, Wish
from iop_tui.kernel.clock import iso, to_ms
from iop_tui.kernel.errors import DocumentInvalid
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.charting.correcting import freshly, texts
from iop_tui.shell.commands.charting.records import view_as_json
from iop_tui.shell.commands.output import pairs, table

NO_PLAN = "No safety plan was written for this person."


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What standard input says: the person by id, or by name and date of birth; ground, reason, minutes."""

    category: str
    reason: str
    person: str = ""
    name: str = ""
    birth_date: date | None = None
    minutes: int = 60


def break_glass(call: Call) -> Answer:
    """Open a crisis card; `--again ID` within its time. Asks for passphrase and code, then for nothing else."""
    if call.args.again:
        use = parse_id(call.args.again)
        return _shown(freshly(call, lambda: emergency.open_again(call.ws, use)))
    try:
        asked = msgspec.convert(call.document(), Asked)
    except msgspec.ValidationError as error:
        hint = "Fields: category, reason, minutes, and person, or name and birth_date."
        raise DocumentInvalid(f"{error}.", hint) from None
    wish = Wish(
        category=asked.category, reason=asked.reason, person=parse_id(asked.person) if asked.person else b"",
        name=asked.name, born=asked.birth_date, minutes=asked.minutes,
    )  # fmt: skip
    ws, secrets = call.ws, call.opener.secrets
    emergency.ready(ws, wish)
    return _shown(emergency.break_glass(ws, wish, secrets.passphrase(), secrets.code()))


def _shown(card: Card) -> Answer:
    value: dict[str, Any] = {
        "use": show_id(card.use), "person": show_id(card.person), "until": iso(card.until_ms),
        "plan": view_as_json(card.plan) if card.plan else None,
    }  # fmt: skip
    lines: list[tuple[str, object]] = [
        ("use", value["use"]), ("open until", value["until"]),
        ("told", "the care team and the privacy officer; the review is due in two business days"),
    ]  # fmt: skip
    if card.plan is None or card.plan.document is None or card.plan.type is None:
        return Answer(value, pairs([*lines, ("plan", NO_PLAN)]))
    state = card.plan.line.mark or card.plan.line.status
    fields = [(info.label, text) for info, text in card.plan.type.shown(card.plan.document) if text]
    return Answer(value, pairs([*lines, ("state", state), *fields]))


def review_access(call: Call) -> Answer:
    """The privacy officer's verdict on an emergency access, from standard input."""
    given = texts(call, ("verdict", "words"))
    record = parse_id(call.args.id)
    emergency.review(call.ws, record, given["verdict"], given["words"])
    return Answer({"id": show_id(record), "verdict": given["verdict"]}, [f"Reviewed: {given['verdict']}."])


def list_emergencies(call: Call) -> Answer:
    """Every emergency access this user is told of, newest first."""
    found = emergency.accesses(call.ws)
    if call.args.person:
        found = [line for line in found if line.person == parse_id(call.args.person)]
    rows = [_as_json(line) for line in found]
    shown = [
        (row["id"], row["at"], row["opened_by"], row["name"] or row["person"], row["category"],
         "reviewed" if row["reviewed"] else "not reviewed") for row in rows
    ]  # fmt: skip
    head = ("id", "when", "who", "whose card", "ground", "review")
    return Answer(rows, table(head, shown, empty="Nobody broke the glass, as far as you are told."))


def _as_json(line: AccessLine) -> dict[str, Any]:
    access = line.access
    return {
        "id": show_id(line.record), "use": access.use, "person": show_id(line.person), "name": line.name or None,
        "opened_by": access.name, "user": access.user, "at": iso(to_ms(access.at)) if access.at else None,
        "minutes": access.minutes, "category": access.category, "reason": access.reason, "reviewed": line.reviewed,
    }  # fmt: skip
