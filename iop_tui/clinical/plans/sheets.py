"""The plan as small forms: one sheet per part of its head and per node of its tree. Pure.

Rows of the outline and sheets share their keys: `=dates`, `=level`, … for the head, a node's id for the tree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import msgspec

from iop_tui.clinical.plans import tree
from iop_tui.clinical.plans.checks import is_substance_use
from iop_tui.clinical.plans.treatment import (
    DIMENSIONS,
    DISPOSITIONS,
    ENDED,
    LEVELS,
    Certification,
    DimensionRating,
    Disposition,
    Goal,
    Intervention,
    Objective,
    Problem,
    Review,
    TreatmentPlan,
)
from iop_tui.kernel.declare import Document, FieldInfo, Widget, fields_of
from iop_tui.kernel.errors import DocumentInvalid, Refused

D = TypeVar("D", bound=Document)
PROBLEMS = "=problems"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the plan's head: its key, its name and the declared fields it holds."""

    key: str
    name: str
    fields: tuple[str, ...]


SECTIONS = (
    Section("=dates", "Dates", ("admitted", "planned", "effective", "next_review", "target_end", "late_reason")),
    Section("=diagnoses", "Diagnoses", ("diagnoses", "part2")),
    Section("=level", "Level of care", ("edition", "level", "hours", "hours_reason", "transition")),
    Section("=dimensions", "Dimensions", ("dimensions",)),
    Section("=person", "Person", ("strengths", "needs", "abilities", "preferences", "barriers", "culture")),
    Section(
        "=around", "Around it",
        ("discharge_criteria", "family", "safety_plan", "relapse_plan", "medications", "referrals"),
    ),
    Section("=physician", "Physician", ("certification",)),
    Section("=client", "Client", ("participation", "copy_offered", "agreement", "refusal")),
    Section("=review", "Review", ("review",)),
    Section("=end", "End", ("closed_on",)),
)  # fmt: skip
OF_FIELD = {name: section.key for section in SECTIONS for name in section.fields} | {"problems": PROBLEMS}
"""Field of a plan → key of the row that shows it."""
_BY_KEY = {section.key: section for section in SECTIONS}
_INFO = {info.name: info for info in fields_of(TreatmentPlan)}
_OPEN = ("new", "active", "partly")
_LABEL = 20
_NODE_FIELDS: dict[type[Document], tuple[str, ...]] = {
    Problem: ("text",),
    Goal: ("text",),
    Objective: ("text", "baseline", "measure", "target", "target_date", "status"),
    Intervention: ("text", "modality", "type", "minutes", "times", "per", "weeks", "responsible"),
}
_CLOSED_FIELDS: dict[type[Document], tuple[str, ...]] = {
    Problem: ("outcome",), Goal: ("outcome",), Objective: ("outcome", "status", "closed_on"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form about one row: its title, fields and values (builtins), and the field to begin with."""

    title: str
    fields: tuple[FieldInfo, ...]
    values: dict[str, Any]
    first: str


def sections(plan: TreatmentPlan) -> tuple[Section, ...]:
    """The parts of the head that this plan has: a review only where it came from one, dimensions by its edition."""
    gone = set()
    if plan.review is None:
        gone.add("=review")
    if not DIMENSIONS.get(plan.edition, ()):
        gone.add("=dimensions")
    return tuple(section for section in SECTIONS if section.key not in gone)


# -- reading -------------------------------------------------------------------------------


def sheet(plan: TreatmentPlan, key: str, ended: frozenset[str] = frozenset()) -> Sheet:
    """The form of a row. `ended` holds what a signed plan closed: that is read, not written. Raises `Refused`."""
    if key not in _BY_KEY:
        return _node_sheet(plan, key, ended)
    name = _BY_KEY[key].name
    if key == "=dimensions":
        fields, values = _dimension_fields(plan)
        return Sheet(name, fields, values, fields[0].name)
    if key == "=physician":
        return _part(name, Certification, plan.certification or Certification())
    if key == "=review":
        return _part(name, Review, plan.review or Review(), without=("dispositions",))
    fields = tuple(_with_choices(plan, _INFO[field]) for field in _BY_KEY[key].fields)
    whole = msgspec.to_builtins(plan)
    values = {info.name: whole[info.name] for info in fields}
    return Sheet(name, fields, values, _first_empty(fields, values))


def _part(name: str, struct: type[D], value: D, without: tuple[str, ...] = ()) -> Sheet:
    fields = tuple(info for info in fields_of(struct) if info.name not in without)
    values = msgspec.to_builtins(value)
    kept = {info.name: values[info.name] for info in fields}
    return Sheet(name, fields, kept, _first_empty(fields, kept))


def _first_empty(fields: tuple[FieldInfo, ...], values: Mapping[str, Any]) -> str:
    empty = [info.name for info in fields if info.required and values[info.name] in (None, "", [], ())]
    return empty[0] if empty else fields[0].name


def _with_choices(plan: TreatmentPlan, info: FieldInfo) -> FieldInfo:
    if info.name == "level" and plan.edition:
        return replace(info, choices=LEVELS[plan.edition])
    return info


def _dimension_fields(plan: TreatmentPlan) -> tuple[tuple[FieldInfo, ...], dict[str, Any]]:
    rating, reason = (info for info in fields_of(DimensionRating) if info.name in ("rating", "reason"))
    given = {item.dimension: item for item in plan.dimensions}
    fields: list[FieldInfo] = []
    values: dict[str, Any] = {}
    for place, name in enumerate(DIMENSIONS[plan.edition]):
        item = given.get(name, DimensionRating())
        fields += [
            replace(rating, name=f"rating{place}", label=_short(name), help=name, required=True),
            replace(reason, name=f"reason{place}", label=f"{name[0]} why", help=name, widget=Widget.LINE),
        ]
        values |= {f"rating{place}": item.rating, f"reason{place}": item.reason}
    return tuple(fields), values


def _short(name: str) -> str:
    """A label of one line; the whole name stands in the help of the field."""
    return name if len(name) <= _LABEL else f"{name[: _LABEL - 2].rstrip(' ,')}.."


def _node_sheet(plan: TreatmentPlan, key: str, ended: frozenset[str]) -> Sheet:
    placed = tree.find(plan, key)
    node = placed.node
    name = f"{tree.NAMES[type(node)].capitalize()} {placed.number}"
    is_closed = getattr(node, "closed_on", None) is not None
    title = f"{name} closed: its outcome" if is_closed else name
    if is_closed and key in ended:
        raise Refused(f"{name} was closed in a signed plan.", "Add a new one, or amend that plan.")
    names = (_CLOSED_FIELDS if is_closed else _NODE_FIELDS)[type(node)]
    infos = {info.name: info for info in fields_of(type(node))}
    fields = [_status_choices(infos[name], is_closed) for name in names]
    whole = msgspec.to_builtins(node)
    values = {name: whole[name] for name in names}
    if isinstance(node, Intervention):
        others = _other_objectives(plan, placed)
        if others:
            fields.append(replace(infos["also_for"], choices=tuple(others), widget=Widget.AUTO,
                                  help="Further objectives this serves; its minutes count once."))  # fmt: skip
            numbers = {identifier: number for number, identifier in others.items()}
            values["also_for"] = [numbers[item] for item in node.also_for if item in numbers]
    first = next((name for name in names if values[name] in (None, "")), names[0])
    return Sheet(title, tuple(fields), values, first)


def _status_choices(info: FieldInfo, is_closed: bool) -> FieldInfo:
    if info.name != "status":
        return info
    return replace(info, choices=(*ENDED, "partly") if is_closed else _OPEN)


def _other_objectives(plan: TreatmentPlan, placed: tree.Placed) -> dict[str, str]:
    return {number: item.id for number, item in tree.objectives(plan) if item.is_open and item.id != placed.path[-1]}


def decision_sheet(number: str, objective: Objective, decision: Disposition) -> Sheet:
    """The form of what a review decides about one objective."""
    infos = {info.name: info for info in fields_of(Disposition)}
    names = ("decision", "standing", "comment")
    values = {"decision": decision.decision, "standing": decision.standing, "comment": decision.comment}
    fields = tuple(replace(infos[name], choices=DISPOSITIONS if name == "decision" else ()) for name in names)
    first = "decision" if not decision.decision else "standing"
    return Sheet(f"Objective {number}: {objective.text}", fields, values, first)


# -- writing -------------------------------------------------------------------------------


def put(plan: TreatmentPlan, key: str, values: Mapping[str, Any]) -> TreatmentPlan:
    """The plan with a sheet's values. Raises `DocumentInvalid` naming the field that cannot be, `Refused`."""
    if key not in _BY_KEY:
        return _put_node(plan, key, values)
    if key == "=dimensions":
        return msgspec.structs.replace(plan, dimensions=_dimensions(plan, values))
    if key == "=physician":
        given = converted(values, Certification)
        return msgspec.structs.replace(plan, certification=None if given == Certification() else given)
    if key == "=review":
        before = msgspec.to_builtins(plan.review or Review())
        return msgspec.structs.replace(plan, review=converted({**before, **values}, Review))
    part = converted(values, TreatmentPlan)
    plan = msgspec.structs.replace(plan, **{name: getattr(part, name) for name in _BY_KEY[key].fields})
    return _labelled(plan) if key == "=diagnoses" else plan


def _labelled(plan: TreatmentPlan) -> TreatmentPlan:
    """One diagnosis alone is the primary one; a substance use diagnosis brings the Part 2 label (42 CFR 2.12)."""
    diagnoses = plan.diagnoses
    if len(diagnoses) == 1:
        diagnoses = (msgspec.structs.replace(diagnoses[0], primary=True),)
    part2 = plan.part2 or any(is_substance_use(item.code) for item in diagnoses)
    return msgspec.structs.replace(plan, diagnoses=diagnoses, part2=part2)


def _dimensions(plan: TreatmentPlan, values: Mapping[str, Any]) -> tuple[DimensionRating, ...]:
    found = []
    for place, name in enumerate(DIMENSIONS[plan.edition]):
        rating, reason = values.get(f"rating{place}") or "", values.get(f"reason{place}") or ""
        if rating or reason:
            try:
                found.append(converted({"dimension": name, "rating": rating, "reason": reason}, DimensionRating))
            except DocumentInvalid as error:
                field = error.place.removeprefix("$.")
                raise DocumentInvalid(error.message, error.hint, place=f"$.{field}{place}") from None
    return tuple(found)


def _put_node(plan: TreatmentPlan, key: str, values: Mapping[str, Any]) -> TreatmentPlan:
    placed = tree.find(plan, key)
    node, fields = placed.node, dict(values)
    if "also_for" in fields:
        others = _other_objectives(plan, placed)
        fields["also_for"] = [others[number] for number in fields["also_for"] if number in others]
    whole = converted({**msgspec.to_builtins(node), **fields}, type(node))
    return tree.change(plan, key, **{name: getattr(whole, name) for name in fields})


_LIMIT = re.compile(r"(of length )?(<=|>=) (\d+(?:\.\d+)?)")


def converted(values: Mapping[str, Any], struct: type[D]) -> D:
    """Builtins as a declared value. Raises `DocumentInvalid` with the limit in plain words."""
    try:
        return msgspec.convert(dict(values), struct, strict=True)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        raise DocumentInvalid(_in_words(message), "The text before it stays.", place=place.strip("`")) from None


def _in_words(message: str) -> str:
    limit = _LIMIT.search(message)
    if limit is None:
        return "This cannot be read."
    number = f"{float(limit[3]):,.0f}"
    if limit[1]:
        return f"This is too long: at most {number} characters."
    return f"At most {number}." if limit[2] == "<=" else f"At least {number}."
