"""From an open file to its resources, without ever trusting its size, its compression or its brackets.

A file is one of three forms: a Bundle (one JSON document), NDJSON (one resource per line, FHIR Bulk Data
Access), or a single resource. What the bytes look like decides; the name only breaks ties.

`survey` reads the whole container first: compression to its end and checksum, size, brackets, Bundle type.
Any damage there refuses the file (`Damaged`) before a single resource is looked at. `records` then walks
through the resources; a record that is no JSON comes with its `problem`.

Bundle types that are read: transaction, batch, collection, searchset, document. Refused: history (it holds
superseded and deleted versions beside current ones), message (it asks a receiver to act), and the two
response types (they hold outcomes, not records).
"""

from __future__ import annotations

import codecs
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from iop_tui.interchange.limits import CHUNK, MIB, Limits
from iop_tui.interchange.structure import Malformed, check_depth, members, parse

READABLE_BUNDLES = ("transaction", "batch", "collection", "searchset", "document")
_REFUSED_BUNDLES = {
    "history": "A history Bundle mixes superseded and deleted versions with current ones.",
    "message": "A message Bundle asks its receiver to act; it is not a record.",
    "transaction-response": "This Bundle is the answer of a server and holds no record.",
    "batch-response": "This Bundle is the answer of a server and holds no record.",
}
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_WHITE = b" \t\r\n"
_LINE_NAMES = (".ndjson", ".jsonl")
_LOOK_AT = 3
_OWN_MANIFEST = {"format", "made", "files", "left_out"}
_LOG_MEMBERS = ({"exportId", "eventId"}, {"transactionTime", "output"}, _OWN_MANIFEST, {"format", "made", "people"})


class Damaged(Exception):
    """The container is refused as a whole; the message says why in plain words."""


class NoRecords(Exception):
    """A file that belongs to an export but holds no record (its log or its manifest).

    `binds` says that the files beside it are about one person and refer to each other.
    """

    def __init__(self, reason: str, *, binds: bool = False) -> None:
        super().__init__(reason)
        self.binds = binds


@dataclass(frozen=True, slots=True)
class Source:
    """One open file: its number in the run, its name (for its ending only), descriptor and size in bytes."""

    number: int
    name: str
    fd: int
    size: int

    @property
    def plain_name(self) -> str:
        """The name in lower case without a compression ending."""
        return self.name.lower().removesuffix(".gz")


@dataclass(frozen=True, slots=True)
class Survey:
    """What the container check found: the form and the inflated size in bytes."""

    form: str
    inflated: int


@dataclass(frozen=True, slots=True)
class Record:
    """One resource as it stands in the file; `problem` says why it cannot be read at all."""

    place: str
    raw: bytes
    full_url: str = ""
    problem: str = ""
    syntax: bool = False


def _read(source: Source) -> Iterator[bytes]:
    offset = 0
    while piece := os.pread(source.fd, CHUNK, offset):
        offset += len(piece)
        yield piece


def _inflated(source: Source, limits: Limits) -> Iterator[bytes]:
    inflater, fed, made = zlib.decompressobj(wbits=31), 0, 0
    for piece in _read(source):
        fed += len(piece)
        while piece:
            if inflater.eof and not (piece := piece.lstrip(b"\0")):
                break  # padding behind the end, as some tools write it
            if inflater.eof:
                inflater = zlib.decompressobj(wbits=31)
            out = inflater.decompress(piece, CHUNK)
            made += len(out)
            if made > limits.ratio_from and made > fed * limits.ratio:
                raise Damaged(f"It grows more than {limits.ratio}-fold when decompressed.")
            yield out
            piece = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
    while not inflater.eof and (out := inflater.decompress(b"", CHUNK)):
        yield out
    if not inflater.eof:
        raise Damaged("The compressed file is cut off before its end.")


def chunks(source: Source, limits: Limits) -> Iterator[bytes]:
    """The plain bytes of a file, piece by piece. Raises `Damaged` at the first sign of damage or excess."""
    if source.size > limits.file_bytes:
        raise Damaged(f"It is larger than {limits.file_bytes // MIB} MiB.")
    if source.size == 0:
        raise Damaged("It is empty.")
    packed = os.pread(source.fd, 2, 0) == _GZIP
    total = 0
    try:
        for piece in _inflated(source, limits) if packed else _read(source):
            total += len(piece)
            if total > limits.inflated_bytes:
                raise Damaged(f"It holds more than {limits.inflated_bytes // MIB} MiB.")
            if piece:
                yield piece
    except zlib.error:
        raise Damaged("The compressed file is damaged.") from None


def lines(source: Source, limits: Limits) -> Iterator[tuple[int, bytes, bool]]:
    """Number from 1, bytes and whether a line end follows, for every line that is not blank."""
    number, waiting, held = 1, list[bytes](), 0
    for piece in chunks(source, limits):
        *whole, rest = piece.split(b"\n")
        for part in whole:
            line = _clean(b"".join((*waiting, part)), number)
            waiting, held = [], 0
            if line:
                yield number, line, True
            number += 1
        waiting.append(rest)
        held += len(rest)
        if held > limits.line_bytes:
            raise Damaged(f"Line {number} is longer than {limits.line_bytes // MIB} MiB.")
    if line := _clean(b"".join(waiting), number):
        yield number, line, False


def _clean(line: bytes, number: int) -> bytes:
    return (line.removeprefix(_BOM) if number == 1 else line).strip(_WHITE)


def document(source: Source, limits: Limits) -> bytes:
    """The whole text of a file that is one JSON document, without a byte order mark."""
    parts, total = [], 0
    for piece in chunks(source, limits):
        total += len(piece)
        if total > limits.document_bytes:
            raise Damaged(
                f"One JSON document may hold {limits.document_bytes // MIB} MiB; ask for a bulk export (NDJSON)."
            )
        parts.append(piece)
    return b"".join(parts).removeprefix(_BOM)


def _check_start(source: Source, limits: Limits) -> None:
    start = next(chunks(source, limits), b"").removeprefix(_BOM).lstrip(_WHITE)[:2]
    if start[:1] == b"{":
        return
    if start in (b"\xff\xfe", b"\xfe\xff"):
        raise Damaged("It is UTF-16 text: save it as UTF-8.")
    if start[:1] == b"<":
        raise Damaged("It is XML; only FHIR JSON is read here.")
    if start[:1] == b"[":
        raise Damaged("It is a bare JSON list; a Bundle or NDJSON is expected.")
    raise Damaged("It is no FHIR JSON.")


def _is_object(line: bytes) -> bool:
    try:
        parse(line, dict[str, msgspec.Raw])
    except Malformed:
        return False
    return True


def _form(source: Source, limits: Limits) -> str:
    named_lines = source.plain_name.endswith(_LINE_NAMES)
    try:
        some = []
        for _, line, _ in lines(source, limits):
            some.append(line)
            if len(some) == 2 or line == b"{":
                break
    except Damaged:
        if named_lines:
            raise
        return "document"
    if some == [b"{"]:
        return "document"
    if named_lines:
        return "ndjson"
    return "ndjson" if len(some) == 2 and _is_object(some[0]) else "document"


def _survey_lines(source: Source, limits: Limits) -> Survey:
    total, last, ended, logs, count = 0, b"", True, 0, 0
    for number, line, line_ended in lines(source, limits):
        ended = line_ended
        total, last, count = total + len(line) + 1, line, count + 1
        if count <= _LOOK_AT and _is_log(line):
            logs += 1
        try:
            check_depth(line, limits)
        except Malformed as error:
            raise Damaged(f"At line {number}: {error}") from None
    if not ended and not _is_object(last):
        raise Damaged("Its last line is cut off.")
    if logs and logs == min(count, _LOOK_AT):
        raise NoRecords("The log of a bulk export.")
    return Survey("ndjson", total)


def _is_log(line: bytes) -> bool:
    try:
        names = set(parse(line, dict[str, msgspec.Raw]))
    except Malformed:
        return False
    return any(known <= names for known in _LOG_MEMBERS)


def _check_text(text: bytes) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(text), MIB):
            decoder.decode(text[start : start + MIB])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise Damaged("It is not valid UTF-8 text.") from None


def _bundle_type(found: dict[str, msgspec.Raw]) -> None:
    if "type" not in found:
        raise Damaged("The Bundle does not say its type.")
    kind = parse(found["type"], str)
    if kind in READABLE_BUNDLES:
        return
    raise Damaged(_REFUSED_BUNDLES.get(kind, "The Bundle's type does not exist in FHIR R4."))


def open_document(source: Source, limits: Limits, *, again: bool = False) -> dict[str, msgspec.Raw]:
    """The members of the one JSON object in a file; their bytes stay as they are. Raises `Damaged`.

    `again`: the file was surveyed before, so only its values are wanted.
    """
    text = document(source, limits)
    if again:
        return {**_values(text), "": msgspec.Raw(text)}
    _check_text(text)
    try:
        check_depth(text, limits)
        found = members(text)
        kind = parse(found["resourceType"], str) if "resourceType" in found else ""
        if kind == "Bundle":
            _bundle_type(found)
    except Malformed as error:
        raise Damaged(str(error)) from None
    if not kind:
        if any(known <= set(found) for known in _LOG_MEMBERS):
            raise NoRecords("The manifest of an export.", binds=set(found) >= _OWN_MANIFEST)
        raise Damaged("It holds no FHIR resource.")
    found[""] = msgspec.Raw(text)
    return found


def _values(text: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    try:
        return parse(text, dict[str, msgspec.Raw])
    except Malformed as error:
        raise Damaged(str(error)) from None


def survey(source: Source, limits: Limits) -> Survey:
    """Check the whole container. Raises `Damaged` or `NoRecords`."""
    _check_start(source, limits)
    if _form(source, limits) == "ndjson":
        return _survey_lines(source, limits)
    found = open_document(source, limits)
    return Survey("bundle" if "type" in found and _kind(found) == "Bundle" else "resource", len(bytes(found[""])))


def _kind(found: dict[str, msgspec.Raw]) -> str:
    return parse(found["resourceType"], str)


def _entry(raw: msgspec.Raw, place: str, *, again: bool) -> Record:
    try:
        found = parse(raw, dict[str, msgspec.Raw]) if again else members(raw)
        full_url = parse(found["fullUrl"], str) if "fullUrl" in found else ""
        request = members(found["request"]) if "request" in found else {}
        method = parse(request["method"], str) if "method" in request else ""
    except Malformed as error:
        return Record(place, bytes(raw), problem=str(error), syntax=error.syntax)
    if method in ("DELETE", "PATCH", "GET", "HEAD"):
        return Record(place, bytes(raw), problem=f"The entry asks for {method}; only records are taken.")
    if "resource" not in found:
        return Record(place, bytes(raw), problem="The entry holds no resource.")
    return Record(f"{place}.resource", bytes(found["resource"]), full_url)


def entries(found: dict[str, msgspec.Raw], before: str = "", *, again: bool = False) -> Iterator[Record]:
    """The resources of an opened Bundle."""
    for number, raw in enumerate(parse(found["entry"], list[msgspec.Raw]) if "entry" in found else []):
        yield _entry(raw, f"{before}entry[{number}]", again=again)


def _line_records(source: Source, limits: Limits, *, again: bool) -> Iterator[Record]:
    for number, line, _ in lines(source, limits):
        place = f"line {number}"
        try:
            found = parse(line, dict[str, msgspec.Raw]) if again else members(line)
            kind = parse(found["resourceType"], str) if "resourceType" in found else ""
            if kind != "Bundle":
                yield Record(place, line)
                continue
            _bundle_type(found)
            inside = list(entries(found, f"{place}, ", again=again))
        except Malformed as error:
            yield Record(place, line, problem=str(error))
        except Damaged as error:
            yield Record(place, line, problem=str(error))
        else:
            yield from inside


def records(source: Source, form: str, limits: Limits, *, again: bool = False) -> Iterator[Record]:
    """The resources of a surveyed file, in file order. `again`: they were all walked through before."""
    if form == "ndjson":
        yield from _line_records(source, limits, again=again)
        return
    found = open_document(source, limits, again=True)
    if form == "bundle":
        try:
            yield from entries(found, again=again)
        except Malformed as error:
            raise Damaged(str(error)) from None
    else:
        yield Record("the file", bytes(found[""]))
