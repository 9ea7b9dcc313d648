"""Breaking the glass on a crisis card, and reviewing that somebody did. Headless; the keys are `access.breakglass`.

The order is fixed: passphrase and code again, the reason, then one write with the act, the audit entry and the notices;
only when that is on the disk is the key opened. What is read stays in the caller's hands: no view holds it, so nothing
can be searched, printed or exported from it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec

from iop_tui.access import breakglass, oncall, roles
from iop_tui.access.attempts import attempted
from iop_tui.access.breakglass import Place, Use
from iop_tui.access.policy import Kind
from iop_tui.access.primitives import program_compartment, put
from iop_tui.clinical.compliance.api import DueLine, add_business_days
from iop_tui.clinical.emergency.model import (
    EMERGENCY_ACCESS,
    EMERGENCY_REVIEW,
    LONGEST_MINUTES,
    REVIEW_DAYS,
    SOURCE,
    TOLD,
    WINDOW_MINUTES,
    EmergencyAccess,
    EmergencyReview,
)
from iop_tui.clinical.records import api as records
from iop_tui.clinical.safety import api as safety
from iop_tui.kernel.clock import local_date, to_datetime
from iop_tui.kernel.declare import Document, DocumentType, RuleContext, Severity
from iop_tui.kernel.errors import NoKey, NotFound, NotReady, Refused, RoleRefused, RuleRefused, Usage
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.views.view import Changes
from iop_tui.store.work import Work
from iop_tui.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Wish:
    """Whose card, on which ground, why, for how many minutes. The person by id, or by name and date of birth."""

    category: str
    reason: str
    person: bytes = b""
    name: str = ""
    born: date | None = None
    minutes: int = WINDOW_MINUTES


@dataclass(frozen=True, slots=True)
class Card:
    """An open crisis card: the use that opened it, until when (ms since 1970), the plan in force or None."""

    use: bytes
    person: bytes
    until_ms: int
    plan: records.RecordView | None


@dataclass(frozen=True, slots=True)
class AccessLine:
    """One emergency access as the care team or the privacy officer sees it."""

    record: bytes
    person: bytes
    name: str
    access: EmergencyAccess
    reviewed: bool
    mine_to_review: bool


def on_call(ws: Workspace) -> bool:
    """Whether this user may break the glass."""
    return ws.session.holds(oncall.group(ws.session))


def of_the_team(ws: Workspace, person: bytes) -> bool:
    """Whether this user holds the key of somebody's crisis card and needs no glass. Raises `NotFound`."""
    return ws.session.holds(breakglass.place_of(ws.session, person).compartment)


def break_glass(ws: Workspace, wish: Wish, phrase: bytearray, code: str) -> Card:
    """Open a crisis card. Raises `WrongSecrets`, `CodeUsed`, `NotReady` without ground or reason, `NoKey` for who is
    not on call, `NotFound`, `RuleRefused` while a review is missing; a refusal is audited.
    """
    ready(ws, wish)
    with attempted(ws.session, "break-glass", person=wish.person, category=Kind.CRISIS):
        ws.confirm(phrase)
        place = _place(ws, wish)
        if ws.session.holds(place.compartment):
            raise Refused("You are of this person's treatment team.", "Open the safety plan in the chart: g x.")
        work = ws.work()
        ws.take_code(work, code)
        until = work.at_ms + wish.minutes * 60_000
        use = breakglass.use(ws.session, work, place, until)
    _tell(ws, work, place, _access(ws, work, wish, use, place))
    ws.commit(work)
    return _read(ws, place, use, until)


def open_again(ws: Workspace, use: bytes) -> Card:
    """The same card once more within its time. Raises `ReauthNeeded`, `NotFound`, `Refused` when its time is over."""
    ws.need_fresh()
    mine = next((one for one in breakglass.uses(ws.session, user=ws.user.user) if one.id == use), None)
    if mine is None:
        raise NotFound
    return _read(ws, breakglass.card_of(ws.session, mine.compartment), use, mine.until_ms)


def lasting(ws: Workspace) -> list[Use]:
    """This user's uses whose time is not over."""
    now = ws.clock.now_ms()
    mine = breakglass.uses(ws.session, user=ws.user.user)
    return [use for use in mine if use.at_ms <= now < use.until_ms and not breakglass.reviewed(ws.session, use.id)]


def ready(ws: Workspace, wish: Wish) -> None:
    """Raise what breaking the glass would raise before anybody is asked for secrets; a refusal is audited."""
    with attempted(ws.session, "break-glass", person=wish.person, category=Kind.CRISIS):
        may_ask(ws)
        _check_reason(wish)


def _check_reason(wish: Wish) -> None:
    """Raise `NotReady` without ground or reason, `Usage` for a time that is none."""
    document = EmergencyAccess(category=wish.category, reason=wish.reason)
    _ready(EMERGENCY_ACCESS, document, RuleContext(today=date.min))
    if not 1 <= wish.minutes <= LONGEST_MINUTES:
        raise Usage(f"A card is open for 1 to {LONGEST_MINUTES} minutes.", f"{WINDOW_MINUTES} are usual.")


def may_ask(ws: Workspace) -> None:
    """Raise `NoKey` for who is not on call, `RuleRefused` while the review of an earlier access is missing."""
    if not on_call(ws):
        raise NoKey("You are not on call in this program.", "Call a clinician of the person's care team.")
    owed = _review_owed(ws)
    if owed is not None:
        raise RuleRefused(
            "emergency.review_missing", f"Your emergency access of {owed.isoformat()} was not reviewed.",
            "The privacy officer reviews it first (program rule CR-17). In danger call the emergency services.",
        )  # fmt: skip


def _ready(kind: DocumentType[Any], document: Document, context: RuleContext) -> None:
    refused = [item.message for item in kind.rules(document, context) if item.severity == Severity.REFUSE]
    if refused:
        raise NotReady(refused[0], " ".join(refused[1:]))


def _review_owed(ws: Workspace) -> date | None:
    """The day of this user's oldest access whose review is overdue."""
    today = local_date(ws.clock.now_ms())
    late = [
        local_date(use.at_ms) for use in breakglass.uses(ws.session, user=ws.user.user)
        if add_business_days(local_date(use.at_ms), REVIEW_DAYS) < today
        and not breakglass.reviewed(ws.session, use.id)
    ]  # fmt: skip
    return min(late, default=None)


def _place(ws: Workspace, wish: Wish) -> Place:
    if wish.person:
        return breakglass.place_of(ws.session, wish.person)
    if not wish.name.strip() or wish.born is None:
        raise NotReady("Whose card? Give the person's name and date of birth.", "Both as they are registered.")
    return breakglass.find(ws.session, wish.name, wish.born)


# -- who is told -----------------------------------------------------------------------------------------------


def _access(ws: Workspace, work: Work, wish: Wish, use: bytes, place: Place) -> EmergencyAccess:
    reviewed_by_somebody = _audit_public(ws) is not None
    return EmergencyAccess(
        use=show_id(use), card=show_id(place.compartment), user=show_id(ws.user.user), name=ws.user.name,
        role=", ".join(ws.user.roles), at=to_datetime(work.at_ms), minutes=wish.minutes, category=wish.category,
        reason=" ".join(wish.reason.split()), told=TOLD if reviewed_by_somebody else TOLD[:1],
    )  # fmt: skip


def _audit_public(ws: Workspace) -> bytes | None:
    """The compartment of auditors and privacy officers; None in a program that has appointed neither."""
    place = program_compartment(ws.session, Kind.AUD)
    try:
        ws.session.public_key(place, kind=Kind.AUD)
    except NoKey:
        return None
    return place


def _tell(ws: Workspace, work: Work, place: Place, access: EmergencyAccess) -> None:
    """Deposit the notice with the treatment team, and with who reviews it."""
    targets = [(place.compartment, Kind.CRISIS)]
    reviewers = _audit_public(ws)
    if reviewers is not None:
        targets.append((reviewers, Kind.AUD))
    for compartment, kind in targets:
        _deposit(ws, work, compartment, kind, EMERGENCY_ACCESS, access, place.person)


def _deposit(
    ws: Workspace, work: Work, compartment: bytes, kind: Kind, form: DocumentType[Any], document: Document,
    person: bytes,
) -> None:
    if ws.session.holds(compartment):
        put(ws.session, work, compartment, form, document, person=person)
        return
    body = ws.session.body(
        work, record=ws.rng.token(16), person=person, kind=form.kind, version=form.version,
        payload=form.encode(document),
    )  # fmt: skip
    ws.session.deposit(work, compartment, body, kind)


# -- reading ---------------------------------------------------------------------------------------------------


@contextmanager
def _through(ws: Workspace, place: Place) -> Iterator[Workspace]:
    with breakglass.opened(ws.session, place) as session:
        behind = copy.copy(ws)
        behind.session = session
        yield behind


def _read(ws: Workspace, place: Place, use: bytes, until_ms: int) -> Card:
    with _through(ws, place) as behind:
        held = safety.current(behind, place.person)
        plan = records.read(behind, held.record) if held is not None else None
    return Card(use, place.person, until_ms, plan)


# -- the review ------------------------------------------------------------------------------------------------


def accesses(ws: Workspace) -> list[AccessLine]:
    """Every emergency access this user is told of, newest first; once each.

    A notice counts for the use of the glass that the log knows, by who used it, and the first one for each: card, time
    and name are the log's, whatever the notice says.
    """
    rows = ws.view.rows(
        "SELECT r.record, r.person, coalesce(p.name, ''), r.doc, r.author, m.kind, m.id FROM record r JOIN compartment"
        " m ON m.id = r.compartment LEFT JOIN person p ON p.id = r.person WHERE r.kind = ? AND r.status != 'newer'"
        " ORDER BY m.kind != 'AUD', r.id",
        (EMERGENCY_ACCESS.kind,),
    )
    uses = {show_id(use.id): use for use in breakglass.uses(ws.session)}
    found: dict[str, tuple[int, AccessLine]] = {}
    office = roles.PRIVACY_OFFICER in ws.user.roles
    for record, person, name, doc, author, place, home in rows:
        access = msgspec.json.decode(doc, type=EmergencyAccess)
        use = uses.get(access.use)
        if access.use in found or use is None or not _notice_of(use, bytes(author), access, place, bytes(home)):
            continue
        told = msgspec.structs.replace(
            access, name=ws.session.card(use.user).name, at=to_datetime(use.at_ms),
            minutes=max(0, use.until_ms - use.at_ms) // 60_000,
        )  # fmt: skip
        done = breakglass.reviewed(ws.session, use.id)
        mine = office and place == Kind.AUD and not done and use.user != ws.user.user
        shown = str(name) if _is_card_of(ws, bytes(person), use) else "Not the person whom the notice names"
        found[access.use] = (use.at_ms, AccessLine(bytes(record), bytes(person), shown, told, done, mine))
    return [line for _, line in sorted(found.values(), key=lambda item: item[0], reverse=True)]


def _notice_of(use: Use, author: bytes, access: EmergencyAccess, place: str, home: bytes) -> bool:
    """Whether a notice is of this use: by who used the glass, about that card, and in no other card's place."""
    same = author == use.user == parse_id(access.user) and parse_id(access.card) == use.compartment
    return same and (place == Kind.AUD or home == use.compartment)


def _is_card_of(ws: Workspace, person: bytes, use: Use) -> bool:
    """Whether the card is that person's, as far as this user has the person's entry."""
    try:
        return breakglass.place_of(ws.session, person).compartment == use.compartment
    except NotFound:
        return True


def review(ws: Workspace, record: bytes, verdict: str, words: str) -> Changes:
    """The privacy officer's verdict on an access; it is closed, its author may use the glass again, the team is told.

    Raises `RoleRefused`, `NotFound`, `NotReady`, `Refused` for one's own access or one that is reviewed already.
    """
    with attempted(ws.session, "review-emergency", subject=record, category=Kind.AUD):
        line = next((one for one in accesses(ws) if one.record == record), None)
        if line is None:
            raise NotFound
        if roles.PRIVACY_OFFICER not in ws.user.roles:
            raise RoleRefused("Emergency accesses are reviewed by the privacy officer.")
        if line.access.user == show_id(ws.user.user):
            raise Refused("Nobody reviews their own emergency access.", "Another privacy officer reviews it.")
        if line.reviewed:
            raise Refused("This access was reviewed already.")
        today = local_date(ws.clock.now_ms())
        document = EmergencyReview(
            use=line.access.use, name=line.access.name, verdict=verdict, words=" ".join(words.split()),
            reviewer=ws.user.name, reviewed_on=today,
        )  # fmt: skip
        _ready(EMERGENCY_REVIEW, document, RuleContext(today=today))
    work = ws.work()
    for compartment, kind in (
        (program_compartment(ws.session, Kind.AUD), Kind.AUD), (parse_id(line.access.card), Kind.CRISIS),
    ):  # fmt: skip
        _deposit(ws, work, compartment, kind, EMERGENCY_REVIEW, document, line.person)
    breakglass.close(ws.session, work, parse_id(line.access.use))
    ws.session.note(work, "review-emergency", person=line.person, category=Kind.CRISIS, subject=record, detail=verdict)
    return ws.commit(work)


def due_lines(ws: Workspace) -> list[DueLine]:
    """Reviews the privacy officer owes, and what a care team must know of: until it was reviewed."""
    found = []
    for line in accesses(ws):
        if line.reviewed or line.access.at is None:
            continue
        day = local_date(int(line.access.at.timestamp() * 1000))
        if line.mine_to_review:
            what = f"Review the emergency access of {line.access.name}"
            due = add_business_days(day, REVIEW_DAYS)
            found.append(DueLine(line.person, line.name, what, due, "two business days", SOURCE, line.record,
                                 "glassreview"))  # fmt: skip
        elif line.access.user != show_id(ws.user.user):
            what = f"{line.access.name} opened the crisis card"
            found.append(DueLine(line.person, line.name, what, day, line.access.category, SOURCE, line.record, "open"))
    return found
