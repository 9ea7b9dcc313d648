"""The policy matrix as data: compartment kind × relation of a user to the person.

Sources: 45 CFR 164.502(b) and 164.514(d) (minimum necessary), 164.501 and 164.508 (psychotherapy notes),
42 CFR 2.11, 2.31 and 2.51 (substance use records). What is not listed is nothing: ciphertext.

A cell says which primitive can give access: `F` and `R` a member's key; `K` and `T` a share; `S`, `M` and
`L` fixed fields that an author's program writes elsewhere; `D` write without read; `BG` break-glass.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from iop_tui.access import roles
from iop_tui.kernel.errors import Unexpected


class Kind(StrEnum):
    """Compartment kinds. The first group exists per person, the second per couple, the third once per program."""

    DIR = "DIR"
    IND = "IND"
    SUD = "SUD"
    PSY = "PSY"
    MED = "MED"
    CRISIS = "CRISIS"
    PAY = "PAY"
    GRP = "GRP"
    SAFE = "SAFE"
    JNT = "JNT"
    HOLD = "HOLD"
    DESK = "DESK"
    REG = "REG"
    PROG = "PROG"
    ORG = "ORG"
    AUD = "AUD"
    OPS = "OPS"
    INTAKE = "INTAKE"
    ONCALL = "ONCALL"
    SHARE = "SHARE"


class Cell(StrEnum):
    """What a relation may have."""

    FULL = "F"
    READ = "R"
    CONSENT = "K"
    TIMED = "T"
    FIELDS = "S"
    META = "M"
    LIST = "L"
    DEPOSIT = "D"
    BREAK_GLASS = "BG"
    NOTHING = "-"


MEMBER_CELLS = frozenset({Cell.FULL, Cell.READ})
PERSON_KINDS = (Kind.DIR, Kind.IND, Kind.SUD, Kind.MED, Kind.CRISIS, Kind.PAY, Kind.GRP)
AUTHOR_KINDS = (Kind.PSY, Kind.SAFE, Kind.HOLD)
PROGRAM_KINDS = (Kind.DESK, Kind.REG, Kind.PROG, Kind.ORG, Kind.AUD, Kind.OPS, Kind.INTAKE, Kind.ONCALL)
WALLED_KINDS = frozenset({Kind.IND, Kind.SUD, Kind.PSY, Kind.SAFE})


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the matrix: relation (a role towards the person) -> cell."""

    kind: Kind
    cells: dict[str, Cell]
    source: str


_F, _R, _K, _T, _S, _M, _L, _D, _BG = (
    Cell.FULL,
    Cell.READ,
    Cell.CONSENT,
    Cell.TIMED,
    Cell.FIELDS,
    Cell.META,
    Cell.LIST,
    Cell.DEPOSIT,
    Cell.BREAK_GLASS,
)
_IT, _CT, _DA = roles.INDIVIDUAL_THERAPIST, roles.COUPLES_THERAPIST, roles.COUNSELOR
_SUP, _MD, _ADM = roles.SUPERVISOR, roles.MEDICAL_DIRECTOR, roles.ADMINISTRATOR
_BILL, _DESK, _AUD, _PO = roles.BILLER, roles.FRONT_DESK, roles.AUDITOR, roles.PRIVACY_OFFICER

MATRIX: tuple[Rule, ...] = (
    Rule(
        Kind.DIR,
        {_IT: _R, _CT: _R, _DA: _R, _SUP: _T, _MD: _R, _ADM: _M, _BILL: _R, _DESK: _F, _AUD: _S, _PO: _R},
        "45 CFR 164.514(d)",
    ),
    Rule(Kind.IND, {_IT: _F, _CT: _K, _DA: _K, _SUP: _T, _MD: _R, _BILL: _S, _AUD: _T, _PO: _T}, "45 CFR 164.502(b)"),
    Rule(
        Kind.SUD,
        {_IT: _K, _CT: _K, _DA: _F, _SUP: _T, _MD: _R, _BILL: _S, _AUD: _T, _PO: _T},
        "42 CFR 2.12, 2.31, 2.53",
    ),
    Rule(Kind.PSY, {_IT: _F, _CT: _F, _DA: _F, _SUP: _K}, "45 CFR 164.508(a)(2); 42 CFR 2.11"),
    Rule(Kind.MED, {_IT: _R, _CT: _K, _DA: _R, _SUP: _T, _MD: _F, _BILL: _S, _AUD: _T, _PO: _T}, "45 CFR 164.502(b)"),
    Rule(Kind.CRISIS, {_IT: _F, _CT: _K, _DA: _F, _SUP: _T, _MD: _R, _AUD: _M, _PO: _T}, "42 CFR 2.51"),
    Rule(Kind.PAY, {_IT: _D, _CT: _D, _DA: _D, _BILL: _F, _DESK: _L, _AUD: _T, _PO: _R}, "45 CFR 164.514(d)"),
    Rule(Kind.GRP, {_IT: _F, _DA: _F, _SUP: _T, _MD: _R, _BILL: _S, _DESK: _L, _AUD: _T, _PO: _T}, "45 CFR 164.502(b)"),
    Rule(Kind.SAFE, {_IT: _F, _CT: _F, _DA: _F, _SUP: _T, _MD: _BG, _PO: _T}, "program rule CR-13"),
    Rule(
        Kind.JNT,
        {_CT: _F, _IT: _K, _DA: _K, _SUP: _T, _MD: _S, _BILL: _S, _DESK: _L, _AUD: _T, _PO: _T},
        "program rules CR-5, CR-8",
    ),
    Rule(Kind.HOLD, {_CT: _F, _SUP: _T, _PO: _T}, "program rule CR-7"),
    Rule(Kind.DESK, {_DESK: _F, _MD: _R, _PO: _R, _BILL: _R}, "holders of every directory entry"),
    Rule(Kind.REG, {_DESK: _F, _MD: _F, _PO: _F, _ADM: _F, _SUP: _R}, "ids, initials and care teams"),
    Rule(Kind.PROG, dict.fromkeys(roles.ROLES, _F), "templates and phrases, no client's words"),
    Rule(Kind.ORG, {_ADM: _F}, "certifies users"),
    Rule(Kind.AUD, {_AUD: _R, _PO: _R}, "45 CFR 164.312(b); ASTM E2147-18"),
    Rule(Kind.OPS, {_PO: _F, _ADM: _F, _AUD: _R}, "45 CFR 164.308(a)(6)"),
    Rule(Kind.INTAKE, {_MD: _F, _PO: _R}, "received records of people without a clinician"),
    Rule(Kind.ONCALL, {_IT: _F, _CT: _F, _DA: _F, _MD: _F}, "program rule CR-17: who may break the glass"),
)
_BY_KIND = {rule.kind: rule for rule in MATRIX}


def rule(kind: str) -> Rule:
    """The matrix row of a kind. Shares have none: their readers are named one by one."""
    try:
        return _BY_KIND[Kind(kind)]
    except (KeyError, ValueError):
        raise Unexpected(f"No policy is defined for {kind}.") from None


def cell(kind: str, relation: str) -> Cell:
    """What a relation may have in a kind; `NOTHING` where the matrix is silent."""
    return rule(kind).cells.get(relation, Cell.NOTHING)


def best_cell(kind: str, relations: tuple[str, ...]) -> Cell:
    """The strongest cell of several relations: F, then R, then the first of the others."""
    cells = [cell(kind, relation) for relation in relations]
    for wanted in (Cell.FULL, Cell.READ):
        if wanted in cells:
            return wanted
    return next((item for item in cells if item is not Cell.NOTHING), Cell.NOTHING)


def may_be_member(kind: str, relations: tuple[str, ...]) -> bool:
    """Whether any of these relations may hold the compartment key itself."""
    return kind != Kind.SHARE and best_cell(kind, relations) in MEMBER_CELLS


# Whose program makes the first key of a person's compartment, most fitting relation first.
FIRST_MEMBERS: dict[Kind, tuple[str, ...]] = {
    Kind.IND: (_IT,),
    Kind.SUD: (_DA,),
    Kind.MED: (_MD, _IT, _DA),
    Kind.CRISIS: (_IT, _DA),
    Kind.GRP: (_IT, _DA),
    Kind.PAY: (_BILL, _PO),
}
CARE_ROLES = (_IT, _CT, _DA)
