"""XML from strangers: no document type, no entities, no external references, bounded depth and size.

A thin tree over expat, because the bounds have to hold while parsing: a library's tree is complete before it can be
counted. Names lose their prefix: fragments of documents come without the declarations of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

MOST_BYTES = 16 << 20
MOST_ELEMENTS = 150_000
DEEPEST = 100
_MOST_ATTRIBUTES = 60


class Refused(Exception):
    """The XML is not read; the message says why in plain words, without quoting it."""


@dataclass(slots=True)
class Node:
    """An element: local name, attributes by local name, children and texts in order, its place in the bytes."""

    name: str
    attributes: dict[str, str]
    start: int
    end: int = 0
    content: list[Node | str] = field(default_factory=list)

    @property
    def children(self) -> list[Node]:
        """Elements inside."""
        return [each for each in self.content if isinstance(each, Node)]

    def all(self, *path: str) -> list[Node]:
        """Every element down this path of names."""
        found = [self]
        for name in path:
            found = [child for node in found for child in node.children if child.name == name]
        return found

    def first(self, *path: str) -> Node | None:
        """The first element down this path, or None."""
        return next(iter(self.all(*path)), None)

    def get(self, name: str) -> str:
        """An attribute, or an empty text."""
        return self.attributes.get(name, "")

    def walk(self) -> Iterator[Node]:
        """This element and everything inside, in document order."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))

    def text(self) -> str:
        """All text inside."""
        parts: list[str] = []
        stack: list[Node | str] = [self]
        while stack:
            each = stack.pop()
            if isinstance(each, str):
                parts.append(each)
            else:
                stack.extend(reversed(each.content))
        return "".join(parts)


class _Builder:
    def __init__(self, data: bytes) -> None:
        self.root: Node | None = None
        self._data = data
        self._open: list[Node] = []
        self._count = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = _no_document_type
        self._parser.EntityDeclHandler = _no_document_type
        self._parser.ExternalEntityRefHandler = _no_document_type

    def run(self) -> Node:
        try:
            self._parser.Parse(self._data, True)
        except expat.ExpatError as error:
            raise Refused(_sentence(error)) from None
        except UnicodeError:
            raise Refused("Its text is not in the encoding it names.") from None
        if self.root is None:
            raise Refused("It holds no element.")
        return self.root

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MOST_ELEMENTS:
            raise Refused("It holds far more elements than a clinical document can.")
        if len(self._open) >= DEEPEST:
            raise Refused(f"It nests deeper than {DEEPEST} levels.")
        if len(attributes) > _MOST_ATTRIBUTES:
            raise Refused("An element has far too many attributes.")
        own = {_local(key): value for key, value in attributes.items()}
        node = Node(_local(name), own, self._parser.CurrentByteIndex)
        if self._open:
            self._open[-1].content.append(node)
        else:
            self.root = node
        self._open.append(node)

    def _end(self, name: str) -> None:
        del name
        close = self._data.find(b">", self._parser.CurrentByteIndex)
        self._open.pop().end = close + 1

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].content.append(text)


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _no_document_type(*_: object) -> int:
    raise Refused("It declares a document type or entities; such XML is not read.")


def _sentence(error: expat.ExpatError) -> str:
    if error.code == expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS]:
        return "It ends too early: the file is cut off."
    cut = (expat.errors.XML_ERROR_UNCLOSED_TOKEN, expat.errors.XML_ERROR_PARTIAL_CHAR,
           expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION)  # fmt: skip
    if error.code in {expat.errors.codes[each] for each in cut}:
        return "It ends too early: the file is cut off."
    return f"It is not well-formed XML (line {error.lineno})."


def parse(data: bytes) -> Node:
    """The root element of an XML document. Raises `Refused`."""
    if len(data) > MOST_BYTES:
        raise Refused(f"It is larger than {MOST_BYTES >> 20} MiB.")
    return _Builder(data).run()
