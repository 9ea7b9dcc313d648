"""Coded entries of a C-CDA document that become records of their own when asked for: problems, goals, scores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from iop_tui.clinical.measures.instruments import catalogue
from iop_tui.interchange.fhir import map_measures, sensitivity
from iop_tui.interchange.fhir.map_measures import Answered
from iop_tui.interchange.items import Mapped
from iop_tui.interchange.moving import made
from iop_tui.interchange.moving.xml import Node
from iop_tui.kernel.text import clean_line

_FORM = "C-CDA entry"
_PROBLEM = "2.16.840.1.113883.10.20.22.4.4"
_CONCERN = "2.16.840.1.113883.10.20.22.4.3"
_GOAL = "2.16.840.1.113883.10.20.22.4.121"
_SEVERITY = "2.16.840.1.113883.10.20.22.4.8"
_STATUS = {"active": "active", "completed": "resolved", "suspended": "inactive", "aborted": "inactive"}
_GOAL_STATUS = {"active": "active", "completed": "completed", "aborted": "cancelled", "suspended": "on-hold"}


def picked(root: Node, data: bytes, *, file: str, key: str | None, pick: tuple[str, ...]) -> Iterator[Mapped]:
    """The entries of the wanted kinds, in document order."""
    concerns, told = _statuses(root), set[int]()
    texts = _texts(root)
    for node in root.walk():
        if node.name == "observation" and "problems" in pick and _is(node, _PROBLEM):
            yield _problem(node, concerns.get(id(node), ""), texts, data, file, key)
        elif node.name == "observation" and "goals" in pick and _is(node, _GOAL):
            yield _goal(node, texts, data, file, key)
        elif "scores" in pick and node.name in ("organizer", "observation") and id(node) not in told:
            found = _score(node, data, file, key)
            if found is not None:
                told.update(id(inner) for inner in _parts(node))
                yield found


def _texts(root: Node) -> dict[str, str]:
    """The narrative's passages by the ID that entries point at."""
    return {each.get("ID"): clean_line(each.text()) for each in root.walk() if each.get("ID")}


def _pointed(node: Node, texts: dict[str, str]) -> str:
    """The passage an entry points at with its text."""
    found = node.first("text", "reference")
    return texts.get(found.get("value").removeprefix("#"), "") if found is not None else ""


def _is(node: Node, template: str) -> bool:
    return any(each.get("root") == template for each in node.all("templateId"))


def _statuses(root: Node) -> dict[int, str]:
    """The status of the concern around each problem: the observation itself is always completed."""
    found = {}
    for act in root.walk():
        if act.name == "act" and _is(act, _CONCERN):
            status = act.first("statusCode")
            for inner in act.all("entryRelationship", "observation"):
                found[id(inner)] = status.get("code") if status is not None else ""
    return found


def _item(kind: str, fields: dict[str, Any], node: Node, data: bytes, file: str, key: str | None) -> Mapped:
    raw = data[node.start : node.end]
    labels = sensitivity.word_labels(raw)
    for each in node.walk():
        if each.get("code") and each.get("codeSystem"):
            labels |= sensitivity.code_labels(f"urn:oid:{each.get('codeSystem')}", each.get("code"))
    own = node.first("id")
    identity = f"{own.get('root')}|{own.get('extension')}" if own is not None and own.get("root") else ""
    on = fields.get("onset") or fields.get("started") or fields.get("taken")
    return made.item(
        kind, fields, file=file, place=f"byte {node.start}", raw=raw, form=_FORM, key=key, identity=identity,
        labels=labels, effective=on, flags=tuple(fields.get("warnings", ())),
    )  # fmt: skip


def _codes(node: Node | None) -> list[dict[str, str]]:
    found = [] if node is None else [node, *node.all("translation")]
    return [
        {"system": sensitivity.code_system(f"urn:oid:{each.get('codeSystem')}"), "code": each.get("code"),
         "display": clean_line(each.get("displayName"))}
        for each in found if each.get("code") and each.get("codeSystem")
    ]  # fmt: skip


def _shown(node: Node | None) -> str:
    if node is None:
        return ""
    names = [node.get("displayName"), *(each.get("displayName") for each in node.all("translation"))]
    return next((clean_line(name) for name in names if name), "") or clean_line(node.text())


def _time(node: Node, *path: str) -> str | None:
    found = node.first(*path)
    return made.hl7_day(found.get("value")) if found is not None else None


def _problem(node: Node, concern: str, texts: dict[str, str], data: bytes, file: str, key: str | None) -> Mapped:
    value = node.first("value")
    severity = next((inner for inner in node.all("entryRelationship", "observation") if _is(inner, _SEVERITY)), None)
    ended = _time(node, "effectiveTime", "high")
    fields = {
        "text": _shown(value) or _pointed(node, texts) or _shown(node.first("code")) or "Problem without a name",
        "codes": _codes(value),
        "clinical_status": "resolved" if ended else _STATUS.get(concern, ""), "category": "problem list item",
        "severity": _shown(severity.first("value")) if severity is not None else "",
        "onset": _time(node, "effectiveTime", "low") or _time(node, "effectiveTime"), "ended": ended,
    }  # fmt: skip
    if node.get("negationInd") == "true":
        fields["verification"] = "refuted"
    return _item("condition", fields, node, data, file, key)


def _goal(node: Node, texts: dict[str, str], data: bytes, file: str, key: str | None) -> Mapped:
    status, value = node.first("statusCode"), node.first("value")
    wanted = _measured(value)
    fields = {
        "text": _pointed(node, texts) or _shown(node.first("code")) or _shown(node.first("text"))
        or "Goal without a text",
        "status": _GOAL_STATUS.get(status.get("code") if status is not None else "", ""),
        "started": _time(node, "effectiveTime", "low") or _time(node, "effectiveTime"),
        "due": _time(node, "effectiveTime", "high"), "targets": [wanted] if wanted else [],
    }  # fmt: skip
    return _item("received_goal", fields, node, data, file, key)


def _measured(value: Node | None) -> str:
    if value is None:
        return ""
    number = f"{value.get('value')} {value.get('unit')}".strip()
    return clean_line(number) or _shown(value)


# ---- scores ------------------------------------------------------------------------------------------------


def _number(node: Node) -> float | None:
    """The number of an observation: its value, or the score that stands in its coded value's translation."""
    value = node.first("value")
    if value is None:
        return None
    try:
        return float(value.get("value"))
    except ValueError:
        code = node.first("code")
        facts = catalogue().item(code.get("code") if code is not None else "")
        answers = catalogue().answers[facts.answers] if facts else ()
        wanted = {value.get("code"), *(each.get("code") for each in value.all("translation"))}
        return next((float(each.value) for each in answers if each.code in wanted), None)


def _parts(node: Node) -> list[Node]:
    return [*node.all("component", "observation"), *node.all("entryRelationship", "observation")]


def _score(node: Node, data: bytes, file: str, key: str | None) -> Mapped | None:
    """A panel with its items, or a total that stands alone outside one."""
    code = node.first("code")
    name = code.get("code") if code is not None else ""
    instrument = catalogue().by_panel(name) or catalogue().by_total(name)
    parts = _parts(node)
    if instrument is None:
        return None
    numbers = [(inner.first("code"), _number(inner)) for inner in parts]
    answers = [Answered(each.get("code"), "", value) for each, value in numbers if each is not None]
    stated = _number(node) if node.name == "observation" else None
    stated = next((each.value for each in answers if each.code == instrument.total), stated)
    if stated is None and not answers:
        return None
    fields = map_measures.score(instrument, [each for each in answers if each.code != instrument.total], stated)
    taken = _time(node, "effectiveTime") or _time(node, "effectiveTime", "low")
    dates = (_time(inner, "effectiveTime") for inner in parts)
    fields |= {"taken": taken or next((each for each in dates if each), None), "status": "final"}
    return _item("measure", fields, node, data, file, key)
