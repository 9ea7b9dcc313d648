"""C-CDA 2.1 in: the document kept and readable, its patient as a person; problems, goals and scores on request.

Whole documents name their patient. Sections and entries that stand alone are taken, too, and say that they name
nobody. Codes and words decide the part of the chart as they do for FHIR.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from iop_tui.interchange.fhir import sensitivity
from iop_tui.interchange.items import PERSON, Mapped
from iop_tui.interchange.moving import entries, made
from iop_tui.interchange.moving.narrative import block_text, section_texts
from iop_tui.interchange.moving.xml import Node, Refused, parse
from iop_tui.kernel.text import clean, clean_line
from iop_tui.vault.digest import sha256

FORM = "C-CDA"
_PARTS = frozenset({
    "section", "component", "entry", "structuredBody", "organizer", "act", "observation", "encounter", "procedure",
    "substanceAdministration", "supply",
})  # fmt: skip
_LONGEST = 120
NOT_TEXT = "attachment is not text"
ONLY_A_PART = "part of a document"
ELSEWHERE = "its content lies elsewhere and was not fetched"
NO_TEXT = "no readable text"


def read(data: bytes, file: str, pick: tuple[str, ...]) -> Iterator[Mapped]:
    """The items of one file: its person, the document, what was picked. Raises `xml.Refused`."""
    root = parse(data)
    if root.name != "ClinicalDocument" and root.name not in _PARTS:
        raise Refused("It is XML, but no C-CDA document; only FHIR JSON and C-CDA are read here.")
    if len(root.all("recordTarget")) > 1:
        raise Refused("It is about several people; a record is about one.")
    key = ""
    patient = root.first("recordTarget", "patientRole")
    if patient is not None:
        found = _person(patient, data, file)
        key = found.person_key or ""
        yield found
    yield _document(root, data, file, key or None)
    yield from entries.picked(root, data, file=file, key=key or None, pick=pick)


def _document(root: Node, data: bytes, file: str, key: str | None) -> Mapped:
    text, others = section_texts(root), []
    body = root.first("component", "nonXMLBody", "text")
    if body is not None:
        if body.get("representation") == "B64":
            others.append(clean_line(body.get("mediaType")) or "attachment")
        else:
            text = "\n\n".join(part for part in (text, clean(block_text(body))) if part)
    on = made.hl7_day(_value(root, "effectiveTime"))
    fields: dict[str, Any] = {
        "title": _title(root), "date": on, "status": "", "authors": _authors(root), "organisation": _custodian(root),
        "text": text, "attachments": others,
    }  # fmt: skip
    flags = [NOT_TEXT] if others else []
    if not text.strip() and not others:
        flags.append(ELSEWHERE if body is not None and body.all("reference") else NO_TEXT)
    flags += [] if root.name == "ClinicalDocument" else [ONLY_A_PART]
    return made.item(
        "received_note", fields, file=file, place="the file", raw=data, form=FORM, key=key, identity=_identity(root),
        labels=labels_of(root, data), flags=tuple(flags), effective=on,
    )  # fmt: skip


def labels_of(root: Node, data: bytes) -> frozenset[str]:
    """The sensitivity labels that codes and words in a document call for."""
    found = sensitivity.word_labels(data)
    for node in root.walk():
        if node.get("code") and node.get("codeSystem"):
            found |= sensitivity.code_labels(f"urn:oid:{node.get('codeSystem')}", node.get("code"))
    return found


def _identity(root: Node) -> str:
    own = root.first("id")
    return f"{own.get('root')}|{own.get('extension')}" if own is not None and own.get("root") else ""


def _value(node: Node, *path: str) -> str:
    found = node.first(*path)
    return found.get("value") if found is not None else ""


def _title(root: Node) -> str:
    title = root.first("title") or root.first("section", "title")
    code = root.first("code") or root.first("section", "code")
    shown = clean_line(title.text()) if title is not None else ""
    return shown or (clean_line(code.get("displayName")) if code is not None else "") or "C-CDA document"


def _authors(root: Node) -> list[str]:
    found = [name_of(node) for node in root.all("author", "assignedAuthor", "assignedPerson", "name")]
    return list(dict.fromkeys(each for each in found if each))


def _custodian(root: Node) -> str:
    node = root.first("custodian", "assignedCustodian", "representedCustodianOrganization", "name")
    return clean_line(node.text()) if node is not None else ""


def name_of(node: Node) -> str:
    """A personal name in one line."""
    parts = [clean_line(each.text()) for each in node.children if each.name in ("prefix", "given", "family", "suffix")]
    return " ".join(part for part in parts if part) or clean_line(node.text())


# ---- the patient -------------------------------------------------------------------------------------------


def _person(role: Node, data: bytes, file: str) -> Mapped:
    name = _best_name(role)
    given = [clean_line(each.text()) for each in name.all("given")] if name else []
    family = [clean_line(each.text()) for each in name.all("family")] if name else []
    born = made.hl7_day(_value(role, "patient", "birthTime"))
    fields: dict[str, Any] = {
        "given": " ".join(given)[:_LONGEST], "family": " ".join(family)[:_LONGEST], "birth_date": born,
        "phone": _telecom(role, "tel:")[:60], "email": _telecom(role, "mailto:")[:200],
        "address": _address(role)[:500], "language": _language(role)[:60],
    }  # fmt: skip
    aliases = tuple(
        f"urn:oid:{each.get('root')}|{each.get('extension')}" for each in role.all("id") if each.get("extension")
    )
    face = sha256("\x1f".join((*given, *family, born or "")).encode()).hex()[:16]
    key = f"C-CDA/{aliases[0]}" if aliases else f"C-CDA/{face}"
    flags = [] if given or family else ["no name"]
    flags += [] if born else ["birth date incomplete"]
    return made.item(
        PERSON, fields, file=file, place="recordTarget", raw=data[role.start : role.end], form=FORM, key=key,
        identity=key, usual="DIR", flags=tuple(flags), aliases=aliases,
    )  # fmt: skip


def _best_name(role: Node) -> Node | None:
    names = role.all("patient", "name")
    legal = [each for each in names if each.get("use") in ("L", "")]
    return next(iter([*legal, *names]), None)


def _telecom(role: Node, scheme: str) -> str:
    found = [each.get("value") for each in role.all("telecom") if each.get("value").lower().startswith(scheme)]
    return clean_line(found[0].partition(":")[2]) if found else ""


def _address(role: Node) -> str:
    where = role.first("addr")
    if where is None:
        return ""
    street = " ".join(clean_line(each.text()) for each in where.all("streetAddressLine"))
    town = [clean_line(each.text()) for name in ("city", "state", "postalCode", "country") for each in where.all(name)]
    return ", ".join(part for part in (street, *town) if part) or clean_line(where.text())


def _language(role: Node) -> str:
    found = role.first("patient", "languageCommunication", "languageCode")
    return clean_line(found.get("code")) if found is not None else ""
