"""The readable text of a C-CDA document: section titles, paragraphs, lists and tables as plain lines.

A receiver must be able to show what the author attested: that is the narrative, not the coded entries (CDA R2, 1.3).
"""

from __future__ import annotations

import re

from iop_tui.interchange.moving.xml import Node
from iop_tui.kernel.text import clean

_BLOCKS = frozenset({"paragraph", "list", "item", "table", "caption", "thead", "tbody", "tfoot", "tr", "footnote"})
_MANY = re.compile(r"\n{3,}")
_SPACES = re.compile(r"[ \t\r\n\f]+")


def section_texts(root: Node) -> str:
    """Every section below an element, in order, its title above its text."""
    parts = []
    for section in (node for node in root.walk() if node.name == "section"):
        title, text = section.first("title"), section.first("text")
        heading = _words(title) if title is not None else _label(section)
        body = block_text(text) if text is not None else ""
        if heading or body:
            parts.append(f"{heading}\n{body}".strip())
    return clean("\n\n".join(parts)).strip()


def _label(section: Node) -> str:
    code = section.first("code")
    return code.get("displayName") if code is not None else ""


def _words(node: Node) -> str:
    return _SPACES.sub(" ", node.text()).strip()


def block_text(node: Node) -> str:
    """A narrative block: lists with dashes, table rows with bars between their cells."""
    lines: list[str] = []
    _lay(node, lines, "")
    text = "\n".join(line.rstrip() for line in lines)
    return _MANY.sub("\n\n", text).strip()


def _lay(node: Node, lines: list[str], lead: str) -> None:
    inline: list[str] = []

    def flush() -> None:
        words = _SPACES.sub(" ", "".join(inline)).strip()
        inline.clear()
        if words:
            lines.append(f"{lead}{words}")

    for each in node.content:
        if isinstance(each, str):
            inline.append(each)
        elif each.name == "br":
            flush()
        elif each.name == "tr":
            flush()
            lines.append(lead + " | ".join(_words(cell) for cell in each.children))
        elif each.name == "item":
            flush()
            _item(each, lines, lead)
        elif each.name in _BLOCKS:
            flush()
            _lay(each, lines, lead)
        else:
            inline.append(each.text())
    flush()


def _item(node: Node, lines: list[str], lead: str) -> None:
    inner: list[str] = []
    _lay(node, inner, "")
    lines += [f"{lead}{'- ' if not number else '  '}{line}" for number, line in enumerate(inner)]
