"""Markdown (CommonMark): what a person wrote is shown as written, never taken for markup."""

from __future__ import annotations

import re
from typing import Any

from iop_tui.interchange.prints.layout import Block, Form, Sheet, blocks_of
from iop_tui.kernel.declare import Document, DocumentType

_INLINE = re.compile(r"([\\`*\[\]<>]|(?<!\w)_|_(?!\w)|&(?=#?\w+;))")
_LEADING = re.compile(r"^(\s*)(?:(#{1,6}|[-+>|=~])|(\d{1,9})([.)]))(?=\s|$|[-=~])", re.MULTILINE)


def escaped(text: str) -> str:
    """Text that a Markdown reader shows as it is."""
    text = _INLINE.sub(r"\\\1", text)
    return _LEADING.sub(lambda m: f"{m[1]}\\{m[2]}" if m[2] else f"{m[1]}{m[3]}\\{m[4]}", text)


def _lines(text: str, indent: str = "") -> str:
    """Several lines as one paragraph that keeps its breaks; blank lines part paragraphs."""
    lines = escaped(text).split("\n")
    out = []
    for number, line in enumerate(lines):
        follows = number + 1 < len(lines) and line.strip() and lines[number + 1].strip()
        out.append(f"{indent if number else ''}{line.rstrip()}" + ("  " if follows else ""))
    return "\n".join(out)


def _block(block: Block) -> str:
    if block.form is Form.LINE:
        return f"**{escaped(block.label)}:** {_lines(block.items[0])}"
    if block.form is Form.NOTE:
        return "\n".join(f"> {line}" for line in _lines("\n".join(block.items)).split("\n"))
    title = f"## {escaped(block.label)}" if block.label else ""
    if block.form is Form.LIST:
        body = "\n".join(f"- {_lines(item, '  ')}" for item in block.items)
    elif block.form is Form.STEPS:
        body = "\n".join(f"{number}. {_lines(item, '   ')}" for number, item in enumerate(block.items, 1))
    else:
        body = "\n\n".join(_lines(item) for item in block.items)
    return f"{title}\n\n{body}".strip("\n")


def body_text(kind: DocumentType[Any], document: Document) -> str:
    """A document's fields alone, without head or signatures."""
    return "\n\n".join(_block(block) for block in blocks_of(kind, document)) + "\n"


def sheet_text(sheet: Sheet) -> str:
    """A whole document: head, fields, signatures, notices. Ends with one new-line."""
    head = sheet.head
    person = f"{head.person}, born {head.born}" if head.born else head.person
    about = (person, f"{head.date} · {head.state}".strip(" ·"), head.program)
    parts = [
        f"# {escaped(head.label)}",
        "  \n".join(escaped(line) for line in about if line),
        *(_block(block) for block in sheet.blocks),
    ]
    if head.signed:
        parts.append("## Signatures\n\n" + "\n".join(f"- {escaped(line)}" for line in head.signed))
    parts += [_block(Block(Form.NOTE, "", (notice,))) for notice in head.notices]
    parts.append(f"---\n\n{escaped(head.printed)} · {head.reference}".rstrip(" ·"))
    return "\n\n".join(parts) + "\n"
