"""A declared document as what stands on paper: labelled texts and lists. Its declaration decides, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from iop_tui.kernel.declare import Document, DocumentType, Widget, show_value

_SHORT = 60
PAPER = ("pdf", "markdown")
"""Forms every document has."""
CARRIED = ("page", "card", "text")
"""Forms of plans that a person carries."""


class Form(StrEnum):
    """How a block is set."""

    LINE = "line"
    TEXT = "text"
    LIST = "list"
    STEPS = "steps"
    HEADING = "heading"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Block:
    """One labelled piece of a page. `items` are the lines of a list, or one text."""

    form: Form
    label: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """What stands around a document: who it is about, what it is, where it stands, who signed it."""

    person: str
    born: str
    program: str
    label: str
    state: str
    date: str
    printed: str
    reference: str
    signed: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One document ready to be set."""

    head: Head
    blocks: tuple[Block, ...]


def blocks_of(kind: DocumentType[Any], document: Document) -> tuple[Block, ...]:
    """Every answered field in print order."""
    return tuple(_blocks(kind, document))


def _blocks(kind: DocumentType[Any], document: Document) -> Iterator[Block]:
    for info in kind.fields():
        if info.widget is Widget.HIDDEN:
            continue
        value = getattr(document, info.name)
        if isinstance(value, tuple):
            items = tuple(text for item in value if (text := show_value(item).strip("\n")))
            if items:
                yield Block(Form.LIST, info.label, items)
            continue
        text = show_value(value).strip("\n")
        if text:
            shown = f"{text} {info.unit}" if info.unit and info.unit != "{score}" else text
            short = "\n" not in shown and len(shown) <= _SHORT
            yield Block(Form.LINE if short else Form.TEXT, info.label, (shown,))
