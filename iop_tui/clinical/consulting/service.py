"""Looking into a case by shares only: asking, answering, what one may read, what one gave, ending it.

A supervisor, medical director, privacy officer or auditor holds no key for it. A request travels as a share of its own
between the two; the answer is a consultation (`consents.consult`): named records, a reason, an end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from iop_tui.access import charts, policy, primitives, roles, settle
from iop_tui.access.attempts import attempted
from iop_tui.clinical.compliance.api import DueLine
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.consulting.model import CONSULT_ANSWER, CONSULT_REQUEST, ConsultAnswer, ConsultRequest
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.disclosures import api as disclosures
from iop_tui.clinical.records import api as records
from iop_tui.clinical.signing import api as signing
from iop_tui.clinical.staff import api as staff
from iop_tui.kernel.clock import day_start, local_date
from iop_tui.kernel.errors import NotFound, RoleRefused, RuleRefused
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.store.views.view import Changes
from iop_tui.workspace import Workspace

READERS = (roles.SUPERVISOR, roles.MEDICAL_DIRECTOR, roles.PRIVACY_OFFICER, roles.AUDITOR)
"""Who may be shown a case by a consultation, and who may ask for one."""
RULE = "a request to look into a case, program rule CR-1"
WAITS, SHARED, DECLINED, OVER = "waits", "shared", "declined", "over"
ANSWER = "reviews"
"""The action of a request's line in the work queue."""
PART_WORDS: dict[str, str] = {
    policy.Kind.IND: "individual record", policy.Kind.SUD: "substance use record", policy.Kind.MED: "medications",
    policy.Kind.CRISIS: "crisis card", policy.Kind.GRP: "group record", policy.Kind.JNT: "joint record",
    policy.Kind.SAFE: "safety entries", policy.Kind.HOLD: "what was told in confidence",
}  # fmt: skip
"""The parts of a record that can be shown, one at a time."""
_DAYS = consents.LONGEST_CONSULT


@dataclass(frozen=True, slots=True)
class RequestLine:
    """A request as both sides list it; `mine` for who is asked."""

    record: bytes
    compartment: bytes
    person: bytes
    name: str
    asker: bytes
    asker_name: str
    clinician: bytes
    clinician_name: str
    what: str
    reason: str
    until: date
    asked_on: date
    state: str
    declined: str
    mine: bool


@dataclass(frozen=True, slots=True)
class ShareIn:
    """What this user may read of a case until a day."""

    compartment: bytes
    act: bytes
    person: bytes
    name: str
    giver_name: str
    reason: str
    until: date
    records: tuple[records.RecordLine, ...]


@dataclass(frozen=True, slots=True)
class ShareOut:
    """What somebody else may read of a case, by a consultation whose ledger row this user can read."""

    act: bytes
    person: bytes
    name: str
    reader_name: str
    giver_name: str
    what: str
    reason: str
    until: date


# -- asking --------------------------------------------------------------------------------


def ask(ws: Workspace, person: bytes, clinician: bytes, *, what: str, reason: str, until: date) -> Changes:
    """Ask a clinician of a person's care to be shown something.

    Raises `RoleRefused` for who is shown no cases; `RuleRefused` without words, for a day out of reach, for somebody
    who does not treat the person, and where this supervisor stands over both sides of a couple (CR-16); audited.
    """
    with attempted(ws.session, "ask-consultation", person=person, subject=clinician):
        if not set(READERS) & set(ws.user.roles):
            raise RoleRefused("Cases are shown to supervisors, directors, privacy officers and auditors.",
                              "Ask the person for an authorization instead.")  # fmt: skip
        if not what.strip() or not reason.strip():
            raise RuleRefused("consult.reason", "Say what you have to read, and why.")
        today = signing.today(ws)
        if not today <= until <= today + timedelta(days=_DAYS):
            raise RuleRefused("consult.until", f"A consultation ends within {_DAYS} days.")
        if clinician == ws.user.user:
            raise RuleRefused("consult.self", "Choose a colleague.")
        if clinician not in {fact.user for fact in charts.care_facts(ws.session, person) if _treats(fact.role)}:
            raise RuleRefused("consult.clinician", "They do not treat this person.", "Ask who is in the care team.")
        consents.check_consult_conflict(ws, person, ws.user.user)
        work = ws.work()
        recipient = primitives.user_recipient(ws.session, clinician, ws.session.card(clinician).roles[0])
        shared = primitives.share(
            ws.session, work, [], [recipient], purpose="request", not_after_ms=_end(until), person=person, rule=RULE
        )
        document = ConsultRequest(
            clinician=show_id(clinician), what=what.strip(), reason=reason.strip(), until=until, asked_on=today
        )
        primitives.put(ws.session, work, shared.compartment, CONSULT_REQUEST, document, person=person)
        ws.session.note(work, "ask-consultation", person=person, category="SHARE", subject=clinician)
        return ws.commit(work)


def _treats(role: str) -> bool:
    return role in (*policy.CARE_ROLES, roles.MEDICAL_DIRECTOR)


def _end(until: date) -> int:
    return day_start(until + timedelta(days=1))


def may_ask_about(ws: Workspace) -> list[tuple[bytes, str]]:
    """People whose care teams this user knows, by name or initials: whom they can ask about."""
    treated = {fact.person for fact in charts.care_facts(ws.session) if _treats(fact.role)}
    named = [(person, _name(ws, person)) for person in treated]
    return sorted(named, key=lambda item: (item[1].casefold(), item[0]))


def treated(ws: Workspace) -> list[tuple[bytes, str]]:
    """People and couples in this user's care, by name: whose records they may have to show."""
    found = {(fact.person, _name(ws, fact.person)) for fact in settle.my_care(ws.session) if _treats(fact.role)}
    found |= {
        (couple, name) for couple, name in couples.names(ws).items()
        if couples.couple(ws, couple).therapist == ws.user.user
    }  # fmt: skip
    return sorted(found, key=lambda item: (item[1].casefold(), item[0]))


def clinicians(ws: Workspace, person: bytes) -> list[tuple[bytes, str]]:
    """Who treats a person, with the part, as far as this user knows."""
    found = {
        (fact.user, f"{_user(ws, fact.user)}, {fact.role}")
        for fact in charts.care_facts(ws.session, person)
        if fact.user != ws.user.user and _treats(fact.role)
    }
    return sorted(found, key=lambda item: item[1].casefold())


# -- answering -----------------------------------------------------------------------------


def requests(ws: Workspace) -> list[RequestLine]:
    """Requests to this user that wait, then all others they can read, newest first."""
    rows = ws.view.rows(
        "SELECT q.record, q.compartment, q.person, q.author, q.doc, q.version, a.doc, a.version FROM record q LEFT JOIN"
        " record a ON a.compartment = q.compartment AND a.kind = 'consult_answer' AND a.deposit = 0 WHERE"
        " q.kind = 'consult_request' AND q.deposit = 0 ORDER BY q.created_ms DESC, q.id DESC"
    )
    found = [_request(ws, row) for row in rows]
    return sorted(found, key=lambda line: not (line.mine and line.state == WAITS))


def _request(ws: Workspace, row: tuple[Any, ...]) -> RequestLine:
    record, compartment, person, author, doc, version, answer, answer_version = row
    asked = CONSULT_REQUEST.decode(doc, version)
    said = CONSULT_ANSWER.decode(answer, answer_version) if answer else None
    clinician, state = parse_id(asked.clinician), WAITS
    if said is not None:
        state = DECLINED if said.declined else SHARED
    if state != DECLINED and asked.until < signing.today(ws):
        state = OVER
    return RequestLine(
        record, compartment, person, _name(ws, person), author, _user(ws, author), clinician, _user(ws, clinician),
        asked.what, asked.reason, asked.until, asked.asked_on, state, said.declined if said else "",
        clinician == ws.user.user,
    )  # fmt: skip


def to_share(ws: Workspace, person: bytes) -> list[records.RecordLine]:
    """What of a person's record this user could show to a reader, newest first: signed, and theirs to share."""
    found = records.timeline(ws, person, without=("consent", "revocation", "restriction", "person"))
    return [line for line in found if _may_show(line)]


def _may_show(line: records.RecordLine) -> bool:
    return line.compartment_kind in PART_WORDS and line.status != "draft" and not line.mark


def readers(ws: Workspace) -> list[tuple[bytes, str]]:
    """Colleagues whom a case can be shown to, by name."""
    return [
        (line.id, f"{line.name}, {', '.join(role for role in line.roles if role in READERS)}")
        for line in staff.users(ws)
        if line.id != ws.user.user and line.status == staff.ACTIVE and set(READERS) & set(line.roles)
    ]


def show(
    ws: Workspace, chosen: Sequence[bytes], reader: bytes, *, reason: str, until: date, request: bytes = b""
) -> consents.ShareLine:
    """Show some records of one person to a reader; `request` is answered by it. Raises as `consents.consult`."""
    asked = _mine(ws, request) if request else None
    made = consents.consult(ws, chosen, reader, reason=reason, until=until)
    if asked is not None:
        today = signing.today(ws)
        _answer(ws, asked, ConsultAnswer(request=show_id(request), act=show_id(made.act), answered_on=today))
    return made


def decline(ws: Workspace, request: bytes, reason: str) -> Changes:
    """Answer a request with the reason why nothing is shown. Raises `RuleRefused` without one, `NotFound`."""
    with attempted(ws.session, "decline-consultation", subject=request):
        if not reason.strip():
            raise RuleRefused("consult.reason", "Say why, so that they know what to do.")
        asked = _mine(ws, request)
        document = ConsultAnswer(request=show_id(request), declined=reason.strip(), answered_on=signing.today(ws))
        return _answer(ws, asked, document)


def _mine(ws: Workspace, request: bytes) -> RequestLine:
    found = next((line for line in requests(ws) if line.record == request and line.mine), None)
    if found is None:
        raise NotFound
    if found.state != WAITS:
        raise RuleRefused("consult.answered", f"This request is {found.state}.")
    return found


def _answer(ws: Workspace, asked: RequestLine, document: ConsultAnswer) -> Changes:
    work = ws.work()
    primitives.put(ws.session, work, asked.compartment, CONSULT_ANSWER, document, person=asked.person)
    ws.session.note(work, "answer-consultation", person=asked.person, category="SHARE", subject=asked.record)
    return ws.commit(work)


# -- what is open --------------------------------------------------------------------------


def received(ws: Workspace) -> list[ShareIn]:
    """What colleagues show this user now, what ends first on top."""
    rows = ws.view.rows(
        "SELECT c.id, c.person, c.purpose, c.author, w.act, w.not_after_ms FROM compartment c JOIN wrap w ON"
        " w.compartment = c.id AND w.recipient = ?1 AND w.revoked_ms = 0 WHERE c.kind = 'SHARE' AND c.rule = ?2 AND"
        " w.not_after_ms > ?3 ORDER BY w.not_after_ms, c.id",
        (ws.user.user, consents.CONSULT_RULE, ws.clock.now_ms()),
    )
    found = []
    for place, person, reason, author, act, end_ms in rows:
        inside = tuple(line for line in records.timeline(ws, person) if _lies_in(ws, line.id, place))
        found.append(ShareIn(place, act, person, _name(ws, person), _user(ws, author), reason, _last(end_ms), inside))
    return found


def _lies_in(ws: Workspace, record: bytes, place: bytes) -> bool:
    row = ws.view.one("SELECT 1 FROM record WHERE record = ? AND compartment = ?", (record, place))
    return row is not None


def _last(end_ms: int) -> date:
    return local_date(end_ms) - timedelta(days=1)


def given(ws: Workspace) -> list[ShareOut]:
    """Consultations that still open for their reader, by the ledger's rows this user can read."""
    found = []
    for row in disclosures.rows(ws):
        document = row.document
        if document.basis != disclosures.OPERATIONS or document.method != "share" or not document.act:
            continue
        live = ws.view.one(
            "SELECT not_after_ms FROM wrap WHERE act = ? AND author = ? AND revoked_ms = 0 AND not_after_ms > ?",
            (parse_id(document.act), row.author, ws.clock.now_ms()),
        )
        if live is not None:
            found.append(ShareOut(
                parse_id(document.act), row.person, _name(ws, row.person), document.recipient, document.discloser,
                document.what, document.purpose, _last(live[0]),
            ))  # fmt: skip
    return sorted(found, key=lambda item: (item.until, item.name.casefold(), item.act))


def end_share(ws: Workspace, act: bytes) -> int:
    """End a consultation, or take a request back: the reader's key ends at once. How many keys ended.

    By who gave it, a member of the part it came from, or whose office it is. Raises `NotFound` for anybody else;
    audited. What was read stays read (program rule CR-22).
    """
    with attempted(ws.session, "end-consultation", subject=act):
        work = ws.work()
        ended = primitives.revoke(ws.session, work, act)
        ws.session.note(work, "revoke", subject=act)
        ws.commit(work)
    return ended


@dataclass(frozen=True, slots=True)
class Shared:
    """A supervisor over more than one side of a couple, with the exception where there is one (CR-16)."""

    supervisor: bytes
    supervisor_name: str
    couple: bytes
    couple_name: str
    authors: tuple[str, ...]
    option: str


def conflicts(ws: Workspace) -> list[Shared]:
    """Conflicts and exceptions, open ones first."""
    names = couples.names(ws)
    found = [
        Shared(
            item.supervisor, _user(ws, item.supervisor), item.couple, names.get(item.couple, "a couple"),
            tuple(sorted(_user(ws, author) for author in item.authors)), item.excepted,
        )
        for item in staff.conflicts(ws)
    ]  # fmt: skip
    return sorted(found, key=lambda item: (bool(item.option), item.supervisor_name.casefold(), item.couple))


def due_lines(ws: Workspace) -> list[DueLine]:
    """Requests that wait for this user's answer."""
    return [
        DueLine(line.person, line.name, f"Answer {line.asker_name}: {line.what}", line.asked_on, "consultation",
                "program rule CR-1", line.record, ANSWER)
        for line in requests(ws)
        if line.mine and line.state == WAITS
    ]  # fmt: skip


def _name(ws: Workspace, person: bytes) -> str:
    row = ws.view.one("SELECT name FROM person WHERE id = ?", (person,)) or ws.view.one(
        "SELECT title FROM record WHERE kind = 'registration' AND person = ? AND deposit = 0 LIMIT 1", (person,)
    )
    return str(row[0]) if row else "somebody"


def _user(ws: Workspace, user: bytes) -> str:
    try:
        return ws.session.card(user).name
    except NotFound:
        return "an unknown user"
