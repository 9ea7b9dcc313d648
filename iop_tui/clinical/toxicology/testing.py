"""Drug screens: order, specimen, validity, results, and what follows. Never punitive. Pure.

Validity after the HHS Mandatory Guidelines (10 CFR 26.161), numbers in `data/toxicology`. A specimen that was tampered
with is treated as presumptive positive; a presumptive result is confirmed before anything depends on it (ASAM 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from typing import Annotated, TypeAlias

import msgspec

from iop_tui.clinical.toxicology.words import dates, punitive
from iop_tui.kernel.declare import Document, DocumentType, F, Finding, RuleContext, Severity, Widget

_Degrees: TypeAlias = Annotated[float, msgspec.Meta(ge=32, le=212)]
_Creatinine: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1000)]
_Ph: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=14)]
_Gravity: TypeAlias = Annotated[float, msgspec.Meta(ge=0.9, le=1.2)]
_Cutoff: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=100000)]
SOURCE = "10 CFR 26.161"
ASAM = "ASAM 2017, Appropriate Use of Drug Testing"
REASONS = (
    "scheduled", "random", "clinical change", "client asks", "after a lapse", "before take-home medication", "other",
)  # fmt: skip
URINE = "urine"
MATRICES = (URINE, "oral fluid", "breath", "blood", "hair")
OBSERVED = ("no", "yes", "video")
PRESUMPTIVE = ("negative", "positive", "not tested")
DEFINITIVE = ("not sent", "sent", "negative", "positive")
ACTIONS = (
    "discussed with the client", "sent for definitive testing", "repeat", "plan reviewed", "prescriber informed",
    "none",
)  # fmt: skip
VALID, DILUTE, SUBSTITUTED, ADULTERATED, INVALID = "valid", "dilute", "substituted", "adulterated", "invalid"
NOT_CHECKED = "not checked"
TAMPERED = (SUBSTITUTED, ADULTERATED, INVALID)
EARLIEST = timedelta(days=3)
"""Not more often than every three days, also early in treatment."""


class Validity(msgspec.Struct, frozen=True):
    """The numbers a urine specimen is judged by: degrees Fahrenheit, mg/dL, specific gravity, pH."""

    temperature_low: float
    temperature_high: float
    creatinine_substituted: float
    creatinine_dilute: float
    gravity_low: float
    gravity_dilute: float
    gravity_high: float
    ph_adulterated_low: float
    ph_adulterated_high: float
    ph_invalid_low: float
    ph_invalid_high: float


class Window(msgspec.Struct, frozen=True):
    """How long a way of using a substance is usually detectable in urine, in hours."""

    substance: str
    use: str
    from_hours: float
    to_hours: float
    verified: bool


class UrineFacts(msgspec.Struct, frozen=True):
    """What `data/toxicology/urine.json` holds."""

    reviewed: bool
    source: str
    windows_source: str
    validity: Validity
    windows: tuple[Window, ...]


@cache
def urine_facts() -> UrineFacts:
    """The shipped numbers, read once."""
    return msgspec.json.decode((files("iop_tui.data") / "toxicology" / "urine.json").read_bytes(), type=UrineFacts)


@cache
def substances() -> tuple[str, ...]:
    """The substances a panel may name."""
    return (*dict.fromkeys(window.substance for window in urine_facts().windows), "other")


class Analyte(Document, frozen=True, kw_only=True):
    """One substance of the panel: presumptive and definitive result, and whether a prescription explains it."""

    substance: Annotated[str, F("Substance", max_length=60, widget=Widget.LINE)] = ""
    cutoff: Annotated[_Cutoff | None, F("Cut-off", unit="ng/mL")] = None
    presumptive: Annotated[str, F("Presumptive", choices=PRESUMPTIVE)] = ""
    definitive: Annotated[str, F("Definitive", choices=DEFINITIVE)] = "not sent"
    level: Annotated[_Cutoff | None, F("Level", unit="ng/mL")] = None
    prescribed: Annotated[bool, F("Explained by a prescription")] = False

    def shown(self) -> str:
        """`opiates: positive (definitive: negative)`."""
        later = f" (definitive: {self.definitive})" if self.definitive in ("sent", "negative", "positive") else ""
        reason = ", prescribed" if self.prescribed else ""
        return f"{self.substance}: {self.presumptive or 'no result'}{later}{reason}"

    @property
    def positive(self) -> bool:
        """The definitive result where there is one, else the presumptive."""
        decided = self.definitive if self.definitive in ("negative", "positive") else self.presumptive
        return decided == "positive"


class DrugScreen(Document, frozen=True, kw_only=True):
    """One specimen: why it was taken, whether it can be believed, what it showed, what was done."""

    reason: Annotated[str, F("Reason for the order", choices=REASONS, required=True, source=ASAM)] = ""
    matrix: Annotated[str, F("Specimen", choices=MATRICES, required=True)] = ""
    collected: Annotated[date | None, F("Collected on", required=True)] = None
    collected_at: Annotated[time | None, F("at")] = None
    collected_by: Annotated[str, F("Collected by", required=True, max_length=120, widget=Widget.LINE)] = ""
    observed: Annotated[str, F("Observed", choices=OBSERVED, required=True)] = ""
    temperature: Annotated[
        _Degrees | None, F("Temperature", unit="°F", help="Within 4 minutes; 90 to 100.", source=SOURCE)
    ] = None
    creatinine: Annotated[_Creatinine | None, F("Creatinine", unit="mg/dL", source=SOURCE)] = None
    ph: Annotated[_Ph | None, F("pH", source=SOURCE)] = None
    gravity: Annotated[_Gravity | None, F("Specific gravity", help="For example 1.015.", source=SOURCE)] = None
    oxidants: Annotated[bool | None, F("Oxidants found", source=SOURCE)] = None
    panel: Annotated[tuple[Analyte, ...], F("Results", required=True)] = ()
    lab: Annotated[str, F("Laboratory", max_length=200, widget=Widget.LINE)] = ""
    resulted: Annotated[date | None, F("Resulted on", required=True)] = None
    explanation: Annotated[
        str, F("The client's explanation", required=True, widget=Widget.TEXT, help="Asked before anything is decided.")
    ] = ""
    reading: Annotated[str, F("Clinician's reading", required=True, widget=Widget.TEXT)] = ""
    action: Annotated[str, F("What follows", choices=ACTIONS, required=True)] = ""
    next_steps: Annotated[str, F("Next steps", max_length=2000)] = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether a specimen can be believed, with the reasons in words."""

    status: str
    reasons: tuple[str, ...]

    @property
    def tampered(self) -> bool:
        """Treated as presumptive positive."""
        return self.status in TAMPERED


def validity(screen: DrugScreen) -> Judged:
    """The specimen's validity by its numbers; only urine has rules. The gravest finding wins."""
    if screen.matrix != URINE:
        return Judged(NOT_CHECKED, ())
    limits = urine_facts().validity
    found = [*_adulterated(screen, limits), *_creatinine(screen, limits), *_invalid(screen, limits)]
    for status in (ADULTERATED, SUBSTITUTED, INVALID, DILUTE):
        reasons = tuple(reason for each, reason in found if each == status)
        if reasons:
            return Judged(status, reasons)
    measured = any(value is not None for value in (screen.temperature, screen.creatinine, screen.ph, screen.gravity))
    return Judged(VALID if measured else NOT_CHECKED, ())


def _adulterated(screen: DrugScreen, limits: Validity) -> list[tuple[str, str]]:
    found = []
    if screen.ph is not None and (screen.ph < limits.ph_adulterated_low or screen.ph >= limits.ph_adulterated_high):
        found.append((ADULTERATED, f"pH {screen.ph:g}"))
    if screen.oxidants:
        found.append((ADULTERATED, "oxidants found"))
    return found


def _creatinine(screen: DrugScreen, limits: Validity) -> list[tuple[str, str]]:
    level, gravity = screen.creatinine, screen.gravity
    if level is None or level >= limits.creatinine_dilute:
        return []
    said = f"creatinine {level:g} mg/dL" + (f", specific gravity {gravity:.4g}" if gravity is not None else "")
    odd = gravity is not None and (gravity <= limits.gravity_low or gravity >= limits.gravity_high)
    if level < limits.creatinine_substituted:
        return [(SUBSTITUTED if odd else INVALID, said)]
    if gravity is None or limits.gravity_low < gravity < limits.gravity_dilute:
        return [(DILUTE, said)]
    return [(INVALID, said)] if gravity <= limits.gravity_low else []


def _invalid(screen: DrugScreen, limits: Validity) -> list[tuple[str, str]]:
    found = []
    low, high = limits.ph_invalid_low, limits.ph_invalid_high
    if screen.ph is not None and (
        limits.ph_adulterated_low <= screen.ph < low or high <= screen.ph < limits.ph_adulterated_high
    ):
        found.append((INVALID, f"pH {screen.ph:g}"))
    heat = screen.temperature
    if heat is not None and not limits.temperature_low <= heat <= limits.temperature_high:
        found.append((INVALID, f"temperature {heat:g} °F"))
    return found


def positive(screen: DrugScreen) -> bool:
    """Whether a screen asks for a review of the plan: something unexpected is positive, or the specimen was tampered
    with.
    """
    return validity(screen).tampered or any(each.positive and not each.prescribed for each in screen.panel)


def windows_of(substance: str) -> tuple[Window, ...]:
    """The detection windows known for a substance, shortest first."""
    wanted = substance.strip().casefold()
    found = (window for window in urine_facts().windows if window.substance.casefold() == wanted)
    return tuple(sorted(found, key=lambda window: window.to_hours))


def could_be_from(substance: str, collected: datetime) -> tuple[datetime, datetime] | None:
    """Between when a positive result may stem: the longest window back from the collection; None if none is known."""
    known = windows_of(substance)
    if not known:
        return None
    return collected - timedelta(hours=known[-1].to_hours), collected


def rules(screen: DrugScreen, context: RuleContext) -> tuple[Finding, ...]:
    """Dates, validity, wording, and how often."""
    found = [*dates(screen.collected, "collected", context), *dates(screen.resulted, "resulted", context)]
    if screen.collected and screen.resulted and screen.resulted < screen.collected:
        message = "The result lies before the collection."
        found.append(Finding(Severity.REFUSE, "order", message, "resulted"))
    found += _said(screen)
    for name in ("explanation", "reading", "next_steps"):
        found += punitive(name, getattr(screen, name))
    earlier = context.facts.get("last_screen")
    if isinstance(earlier, date) and screen.collected and timedelta(0) < screen.collected - earlier < EARLIEST:
        message = f"The last screen was on {earlier.isoformat()}: not more often than every three days."
        found.append(Finding(Severity.WARN, "too_often", message, "collected", ASAM))
    return tuple(found)


def _said(screen: DrugScreen) -> list[Finding]:
    found = []
    judged = validity(screen)
    if judged.tampered:
        message = f"The specimen is {judged.status} ({'; '.join(judged.reasons)}): treated as presumptive positive."
        found.append(Finding(Severity.WARN, "tampered", message, "panel", SOURCE))
    if judged.status == DILUTE:
        message = f"The specimen is dilute ({'; '.join(judged.reasons)}): a negative result says little."
        found.append(Finding(Severity.WARN, "dilute", message, "panel", SOURCE))
    for each in screen.panel:
        if not each.substance.strip() or not each.presumptive:
            found.append(Finding(Severity.REFUSE, "result", "Every line has a substance and a result.", "panel"))
        if each.presumptive == "positive" and each.definitive == "not sent" and screen.action == "none":
            message = f"{each.substance}: presumptive only; nothing depends on it before it is confirmed."
            found.append(Finding(Severity.WARN, "presumptive", message, "panel", ASAM))
    names = [each.substance.strip().casefold() for each in screen.panel]
    if len(set(names)) != len(names):
        found.append(Finding(Severity.REFUSE, "doubled", "A substance stands in the results twice.", "panel"))
    return found


def title(screen: DrugScreen) -> str:
    """Specimen and what it showed, in neutral words."""
    shown = [each.substance for each in screen.panel if each.positive and not each.prescribed]
    status = validity(screen).status
    said = f"positive: {', '.join(shown)}" if shown else "nothing unexpected" if screen.panel else "no results yet"
    return f"{screen.matrix or 'specimen'}, {said}" + (f", {status}" if status in (*TAMPERED, DILUTE) else "")


DRUG_SCREEN: DocumentType[DrugScreen] = DocumentType(
    kind="drug_screen",
    label="Drug screen",
    struct=DrugScreen,
    compartment="IND",
    title=title,
    service_date=lambda screen: screen.collected,
    rules=rules,
    signable=True,
    help="Belongs to one person: no partner and no couples record ever shows it (42 CFR part 2).",
)
