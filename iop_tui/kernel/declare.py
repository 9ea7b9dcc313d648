"""Documents are declared once; form, validation, read view, diff, search text, schema and help follow.

A document is a frozen `Document` struct whose fields carry labels, help and sources:

    class Weight(Document, frozen=True, kw_only=True):
        kilograms: Annotated[float, F("Weight", unit="kg", ge=1, le=500, source="LOINC 29463-7")]

A `DocumentType` binds the struct to its kind, its place among the compartments and its rules.
Constraints run on conversion (`DocumentType.parse`), never on construction.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from functools import cache
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import msgspec

from iop_tui.kernel.errors import DocumentInvalid, NeedsNewer, VaultDamaged

D = TypeVar("D", bound="Document")


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every declared document: immutable, compared by value."""


@runtime_checkable
class Showing(Protocol):
    """A nested document that says itself how it reads."""

    def shown(self) -> str:
        """The value in plain words; lines where it has several."""
        ...


class Widget(StrEnum):
    """How a field is entered; `auto` lets the type decide. `keys`: one key per answer, then on to the next field."""

    AUTO = "auto"
    LINE = "line"
    TEXT = "text"
    CHOICE = "choice"
    KEYS = "keys"
    HIDDEN = "hidden"


class Severity(StrEnum):
    """What a finding does: refuse the signature, warn, or remind."""

    REFUSE = "refuse"
    WARN = "warn"
    REMIND = "remind"


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a rule: which field, why, and where the rule comes from; `place` is the id of the part of the
    field that it is about, where the field has parts.
    """

    severity: Severity
    code: str
    message: str
    field: str = ""
    source: str = ""
    place: str = ""


def F(  # noqa: N802 - reads as a declaration keyword in every document
    label: str,
    *,
    help: str = "",
    required: bool = False,
    choices: tuple[str, ...] = (),
    unit: str = "",
    source: str = "",
    widget: Widget = Widget.AUTO,
    search: bool = True,
    secret: bool = False,
    order: int = 0,
    ge: float | None = None,
    le: float | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    pattern: str | None = None,
) -> msgspec.Meta:
    """The declaration of one field, for use in `Annotated`.

    `required` means: needed before signing (a draft may lack it). `choices` are the allowed values
    of a text field; an empty string stands for "not answered yet" and is always allowed in a draft.
    `source` is the statute, standard or paper behind the field. `secret`: the field never leaves the vault.
    """
    extra = {
        "required": required,
        "choices": choices,
        "unit": unit,
        "source": source,
        "widget": widget,
        "search": search,
        "secret": secret,
        "order": order,
    }
    bounds: dict[str, Any] = {
        "ge": ge,
        "le": le,
        "min_length": min_length,
        "max_length": max_length,
        "pattern": pattern,
    }
    given = {name: value for name, value in bounds.items() if value is not None}
    return msgspec.Meta(title=label, description=help or None, extra=extra, **given)


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """What the form, the read view, help and search need to know of one field."""

    name: str
    label: str
    help: str
    type: Any
    required: bool
    choices: tuple[str, ...]
    unit: str
    source: str
    widget: Widget
    search: bool
    order: int
    secret: bool = False


def _split(annotation: Any) -> tuple[Any, msgspec.Meta | None]:
    if typing.get_origin(annotation) is typing.Annotated:
        base, *notes = typing.get_args(annotation)
        metas = [note for note in notes if isinstance(note, msgspec.Meta)]
        return base, metas[0] if metas else None
    return annotation, None


@cache
@cache
def fields_of(struct: type[Document]) -> tuple[FieldInfo, ...]:
    """The declared fields of a document, in print order."""
    hints = typing.get_type_hints(struct, include_extras=True)
    infos = []
    for position, name in enumerate(struct.__struct_fields__):
        base, meta = _split(hints[name])
        extra: Mapping[str, Any] = (meta.extra or {}) if meta else {}
        infos.append(
            FieldInfo(
                name=name,
                label=(meta.title if meta and meta.title else name.replace("_", " ").capitalize()),
                help=(meta.description or "") if meta else "",
                type=base,
                required=bool(extra.get("required", False)),
                choices=tuple(extra.get("choices", ())),
                unit=str(extra.get("unit", "")),
                source=str(extra.get("source", "")),
                widget=Widget(extra.get("widget", Widget.AUTO)),
                search=bool(extra.get("search", True)),
                order=int(extra.get("order", 0)) * 1000 + position,
                secret=bool(extra.get("secret", False)),
            )
        )
    return tuple(sorted(infos, key=lambda info: info.order))


def is_empty(value: object) -> bool:
    """Not answered: None, empty text, empty list. Zero and False are answers."""
    return value is None or (isinstance(value, str | tuple) and len(value) == 0)


def show_value(value: object) -> str:
    """A field's value in plain words, for read views, diffs, print and search."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date | time):
        return value.isoformat()[:10] if isinstance(value, date) else value.strftime("%H:%M")
    if isinstance(value, tuple):
        return "\n".join(show_value(item) for item in value)
    if isinstance(value, Showing):
        return value.shown()
    if isinstance(value, msgspec.Struct):
        parts = (show_value(getattr(value, name)) for name in value.__struct_fields__)
        return " · ".join(part for part in parts if part)
    return str(value)


def _nested(struct: type[Document]) -> tuple[type[Document], ...]:
    """A document and every document type that occurs inside it."""
    found = [struct]
    for current in found:
        for info in fields_of(current):
            parts = (info.type, *typing.get_args(info.type))
            found += [
                part for part in parts if isinstance(part, type) and issubclass(part, Document) and part not in found
            ]
    return tuple(found)


def _enrich(properties: dict[str, Any], struct: type[Document]) -> None:
    """Add to a schema's properties what the declaration knows beyond JSON Schema."""
    for info in fields_of(struct):
        entry = properties[info.name]
        if info.choices:
            entry.get("items", entry)["enum"] = ["", *(choice for choice in info.choices if choice)]
        extra = {
            "x-required-to-sign": info.required, "x-unit": info.unit, "x-source": info.source,
            "examples": ["14:30:00"] if time in typing.get_args(info.type) else [],
        }  # fmt: skip
        entry.update({name: value for name, value in extra.items() if value})


def _no_rules(_document: Any, _context: RuleContext) -> tuple[Finding, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class RuleContext:
    """What rules may look at besides the document: today's date and facts the service looked up."""

    today: date
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fact:
    """A number that lists and trends show: what, when, how much (`key` as `PHQ-9`, value in the instrument's units)."""

    key: str
    on: date
    value: float


@dataclass(frozen=True, slots=True)
class PersonLine:
    """What the caseload shows of a person."""

    name: str
    sort_key: str
    initials: str
    birth_date: date | None = None
    pronouns: str = ""
    safe_contact: str = ""
    deceased: bool = False


def _no_facts(_document: Any) -> tuple[Fact, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class DocumentType(Generic[D]):
    """A declared document kind.

    `compartment` names the policy row the kind belongs to (`IND`, `SUD`, `PSY`, …).
    `signable` kinds are locked by their author's signature; they and `voidable` ones are withdrawn with a reason.
    `title` and `service_date` feed lists.
    `upgrades[n]` turns the builtins of payload version n into those of version n + 1. `facts` are the
    numbers trends are drawn from; `person_line` is set for the one kind that registers a person.
    """

    kind: str
    label: str
    struct: type[D]
    compartment: str
    title: Callable[[D], str]
    service_date: Callable[[D], date | None] = lambda document: None
    rules: Callable[[D, RuleContext], tuple[Finding, ...]] = _no_rules
    signable: bool = False
    voidable: bool = False
    version: int = 1
    upgrades: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = field(default_factory=dict)
    help: str = ""
    facts: Callable[[D], tuple[Fact, ...]] = _no_facts
    person_line: Callable[[D], PersonLine] | None = None

    def fields(self) -> tuple[FieldInfo, ...]:
        """Declared fields in print order."""
        return fields_of(self.struct)

    def parse(self, value: Any) -> D:
        """A document from plain builtins (JSON values). Raises `DocumentInvalid` naming the field."""
        try:
            document = msgspec.convert(value, self.struct, strict=True)
        except msgspec.ValidationError as error:
            message, _, place = str(error).partition(" - at ")
            raise DocumentInvalid(
                f"{self.label}: {message}.",
                f"See `iop-tui schema {self.kind}`.",
                place=place.strip("`"),
            ) from None
        self._check_choices(document)
        return document

    def decode(self, data: bytes, version: int) -> D:
        """A stored payload, upgraded to the current version. Raises `NeedsNewer` for a newer one."""
        if version > self.version:
            raise NeedsNewer(f"This {self.label.lower()} was written by a newer version of iop-tui.")
        try:
            if version == self.version:
                return msgspec.json.decode(data, type=self.struct)
            value = msgspec.json.decode(data, type=dict[str, Any])
            for step in range(version, self.version):
                value = self.upgrades[step](value)
            return msgspec.convert(value, self.struct, strict=True)
        except (msgspec.MsgspecError, KeyError) as error:
            raise VaultDamaged(f"A stored {self.label.lower()} does not fit its declaration.") from error

    def encode(self, document: D) -> bytes:
        """The stored payload of a document. Raises `DocumentInvalid` for one that could not be read again."""
        data = msgspec.json.encode(document)
        try:
            msgspec.json.decode(data, type=self.struct)
        except msgspec.ValidationError as error:
            message, _, place = str(error).partition(" - at ")
            raise DocumentInvalid(
                f"{self.label}: {message}.", f"See `iop-tui schema {self.kind}`.", place=place.strip("`")
            ) from None
        return data

    def findings(self, document: D, context: RuleContext) -> tuple[Finding, ...]:
        """Missing required fields first, then what the rules say."""
        missing = tuple(
            Finding(Severity.REFUSE, "required", f"{info.label} is missing.", info.name, info.source)
            for info in self.fields()
            if info.required and is_empty(getattr(document, info.name))
        )
        return missing + self.rules(document, context)

    def search_text(self, document: D) -> str:
        """All searchable words of a document: free text, not dates, numbers or fixed choices."""
        found = []
        for info in self.fields():
            value = getattr(document, info.name)
            if info.search and not info.choices and value and isinstance(value, str | tuple | msgspec.Struct):
                found.append(value if isinstance(value, str) else show_value(value))
        return "\n".join(found)

    def shown(self, document: D) -> Iterator[tuple[FieldInfo, str]]:
        """Every field with its value in plain words, in print order."""
        for info in self.fields():
            if info.widget is not Widget.HIDDEN:
                yield info, show_value(getattr(document, info.name))

    def bare(self, document: D) -> D:
        """The document with its secret fields (texts) empty: what may be printed, exported or handed to a script."""
        secret = {info.name: "" for info in self.fields() if info.secret}
        return msgspec.structs.replace(document, **secret) if secret else document

    def json_schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of the document, with labels, help, choices, units and sources.

        `x-required-to-sign` marks what a draft may lack and a signature needs.
        """
        schema = msgspec.json.schema(self.struct)
        others: dict[str, Any] = schema["$defs"]
        root = others.pop(self.struct.__name__)
        for struct in _nested(self.struct):
            _enrich((root if struct is self.struct else others[struct.__name__])["properties"], struct)
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema", **root, "title": self.label,
            **({"$defs": others} if others else {}),
        }  # fmt: skip

    def _check_choices(self, document: Document, place: str = "$") -> None:
        for info in fields_of(type(document)):
            value = getattr(document, info.name)
            given = value if isinstance(value, tuple) else (value,)
            for position, item in enumerate(given):
                if isinstance(item, Document):
                    inner = f"{place}.{info.name}" + (f"[{position}]" if isinstance(value, tuple) else "")
                    self._check_choices(item, inner)
                if info.choices and item not in info.choices and not is_empty(item):
                    raise DocumentInvalid(
                        f"{self.label}: {info.label} must be one of: {', '.join(info.choices)}.",
                        place=f"{place}.{info.name}",
                    )


class Registry:
    """All declared document kinds of an installation, by kind."""

    def __init__(self, types: tuple[DocumentType[Any], ...]) -> None:
        self._types = {item.kind: item for item in types}
        if len(self._types) != len(types):
            raise ValueError("two document types share a kind")

    def get(self, kind: str) -> DocumentType[Any] | None:
        """The declared type of a kind, or None for a kind this version does not know."""
        return self._types.get(kind)

    def need(self, kind: str) -> DocumentType[Any]:
        """The declared type of a kind. Raises `DocumentInvalid` naming the known kinds."""
        found = self._types.get(kind)
        if found is None:
            raise DocumentInvalid(
                f"There is no document kind called {kind!r}.", f"Known kinds: {', '.join(sorted(self._types))}."
            )
        return found

    def __iter__(self) -> Iterator[DocumentType[Any]]:
        return iter(self._types.values())
