"""CR-5: copied text keeps its label. What one partner said alone reaches the joint record only under that person's
authorization of the joint record, whose id then stands in the text and in the log. It reaches nobody else's record.

A paste from outside the program has no label: its words are compared with everything restricted that was opened since
the unlock and with what this user holds of the couple. Retyping cannot be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from iop_tui.access.attempts import attempted
from iop_tui.access.policy import Kind
from iop_tui.clinical.consents import api as consents
from iop_tui.clinical.couples import terms
from iop_tui.clinical.couples.terms import Couple
from iop_tui.kernel.errors import NotFound, RuleRefused
from iop_tui.kernel.ids import show_id
from iop_tui.kernel.labeled import REFUSED_FROM, Clip, Label, Speaker, overlap, relabeled, shingles
from iop_tui.workspace import Workspace

RESTRICTED = (
    Kind.IND, Kind.SUD, Kind.PSY, Kind.MED, Kind.CRISIS, Kind.GRP, Kind.SAFE, Kind.HOLD, Kind.SHARE,
)  # fmt: skip
"""What belongs to one person alone. Joint text belongs to both; directories and bills hold no conversation."""
NEVER = (Kind.SAFE, Kind.PSY)
"""What no authorization lets into a joint record (CR-13, 45 CFR 164.508(a)(2))."""
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody pastes: a person, or a couple with `JNT`."""

    subject: bytes
    kind: str


@dataclass(frozen=True, slots=True)
class Pasted:
    """What may be inserted, and by which authorization where it took one."""

    text: str
    authorization: str = ""


def label_of(ws: Workspace, record: bytes) -> Label:
    """Where a record's text comes from, as a copy of it carries. Raises `NotFound`."""
    row = ws.view.one(
        "SELECT r.person, r.source, m.kind FROM record r JOIN compartment m ON m.id = r.compartment WHERE r.record = ?",
        (record,),
    )
    if row is None:
        raise NotFound
    return Label(row[2], row[0], record, row[1], _speaker(ws, row[0], row[2]))


def place_label(ws: Workspace, place: Place, record: bytes = b"") -> Label:
    """The label of what is being written at a place."""
    return Label(place.kind, place.subject, record, "client in session", _speaker(ws, place.subject, place.kind))


def _speaker(ws: Workspace, person: bytes, kind: str) -> str:
    pair = terms.couple_of(ws, person) if kind in RESTRICTED else None
    return str(_alone(pair, person)) if pair is not None else ""


def _alone(pair: Couple, person: bytes) -> Speaker:
    return Speaker.A_ALONE if person == pair.a else Speaker.B_ALONE


def vet(ws: Workspace, place: Place, clip: Clip) -> Pasted:
    """What of a copied text may be inserted at a place. Raises `RuleRefused` (audited)."""
    if not _crosses(place, clip.label):
        return Pasted(clip.text)
    return _under(ws, place, clip.text, clip.label.record, clip.label.kind, clip.label.person)


def vet_unlabeled(ws: Workspace, place: Place, text: str) -> Pasted:
    """The same for a paste from outside the program: its words decide where it came from."""
    for record, kind, person, body in _candidates(ws, place):
        if overlap(text, shingles(body)) >= REFUSED_FROM:
            return _under(ws, place, text, record, kind, person)
    return Pasted(text)


def _crosses(place: Place, label: Label) -> bool:
    """Whether a text leaves the one record it belongs to."""
    if label.kind not in RESTRICTED:
        return False
    return place.kind == Kind.JNT or label.person != place.subject


def _under(ws: Workspace, place: Place, text: str, record: bytes, kind: str, person: bytes) -> Pasted:
    """A text that crosses: with its authorization, or not at all."""
    with attempted(ws.session, "paste", person=place.subject):
        pair = terms.couple_of(ws, person)
        joint = place.kind == Kind.JNT and pair is not None and pair.id == place.subject
        consent = consents.covering(ws, record) if record and joint and kind not in NEVER else None
        if consent is None or pair is None:
            raise RuleRefused(
                "couple.paste", "This was said by one person alone: it does not go into another record.",
                "Into the joint record it goes when that person authorizes the joint record as the recipient.",
            )  # fmt: skip
    work = ws.work()
    ws.session.note(work, "paste", person=person, category=kind, subject=consent, detail="authorized")
    ws.commit(work)
    identifier = show_id(consent)
    return Pasted(relabeled(text, _alone(pair, person), identifier), identifier)


def _candidates(ws: Workspace, place: Place) -> Iterator[tuple[bytes, str, bytes, str]]:
    """Restricted text a paste could come from: of the couple, and whatever was opened since the unlock."""
    people = _couple_of(ws, place)
    if people:
        marks = ",".join("?" * len(people))
        yield from _texts(ws, place, f"r.person IN ({marks})", people)
    opened = sorted(ws.opened)
    for start in range(0, len(opened), _CHUNK):
        part = tuple(opened[start : start + _CHUNK])
        yield from _texts(ws, place, f"r.record IN ({','.join('?' * len(part))})", part)


def _couple_of(ws: Workspace, place: Place) -> tuple[bytes, ...]:
    try:
        pair = terms.about(ws, place.subject)
    except NotFound:
        return ()
    return (pair.a, pair.b) if place.kind == Kind.JNT else (pair.other(place.subject),)


def _texts(
    ws: Workspace, place: Place, where: str, parameters: tuple[bytes, ...]
) -> Iterator[tuple[bytes, str, bytes, str]]:
    rows = ws.view.rows(
        "SELECT r.record, m.kind, r.person, t.body FROM record r JOIN searchtext t ON t.id = r.id JOIN compartment m ON"
        f" m.id = r.compartment WHERE m.kind IN ({','.join('?' * len(RESTRICTED))}) AND {where}"
        " AND (? OR r.person != ?)",
        (*(str(kind) for kind in RESTRICTED), *parameters, int(place.kind == Kind.JNT), place.subject),
    )
    yield from ((row[0], row[1], row[2], row[3]) for row in rows)
