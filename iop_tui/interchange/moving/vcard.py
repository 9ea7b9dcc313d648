"""vCard 2.1, 3.0 and 4.0 (RFC 2426, RFC 6350) in: each card of a person becomes a directory entry.

`RELATED` may name a partner: it is never followed and links nobody; the card says in a flag that it names somebody.
Cards of groups, organisations and places, and those that name nobody, are kept as received. Telephones still write 2.1:
quoted-printable values, types without a name, and the character set of the telephone.
"""

from __future__ import annotations

import base64
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from iop_tui.interchange.items import PERSON, RECEIVED, Mapped
from iop_tui.interchange.moving import made
from iop_tui.kernel.text import clean, clean_line
from iop_tui.vault.digest import sha256

FORM = "vCard"
MOST_BYTES = 16 << 20
_MOST_LINES = 400_000
NAMES_OTHERS = "names a partner or relative: nobody is linked"
_FOLD = re.compile(rb"\r?\n[ \t]")
_QUOTED = re.compile(rb"(?im)^[^:\r\n]*QUOTED-PRINTABLE[^:\r\n]*:(?:[^\r\n]*=\r?\n)+")
_SOFT = re.compile(rb"=\r?\n")
_OLD = re.compile(r"(?im)^VERSION:2\.1\s*$")
_OLD_SIGNS = "cp1252"
_SIGNS = re.compile(
    r"(?i)(utf-?8|us-ascii|iso-8859-\d{1,2}|windows-125\d|koi8-[ru]|shift_jis|big5|gb2312|gbk|gb18030|euc-(jp|kr))"
)
"""The character sets a telephone may name; nothing else is asked of the decoders."""
_LINE = re.compile(r"(?:([A-Za-z0-9-]+)\.)?([A-Za-z0-9-]+)((?:;(?:[^\":;]|\"[^\"]*\")*)*):(.*)", re.DOTALL)
_PARAMETER = re.compile(r";([A-Za-z0-9-]+)=((?:\"[^\"]*\"|[^;\"])*)")
_BARE = re.compile(r";([A-Za-z0-9-]+)(?=;|\Z)")
_ESCAPE = re.compile(r"\\([nN,;:\\])")
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:T.*)?\Z")
_MARK = b"\xef\xbb\xbf"
_NO_TEXT = ("PHOTO", "LOGO", "SOUND", "KEY")
_CHEAP = ("fax", "pager", "textphone", "video")


class Refused(Exception):
    """The file is no vCard file; the message says why."""


@dataclass(frozen=True, slots=True)
class _Property:
    name: str
    types: frozenset[str]
    prefer: int
    value: str


def read(data: bytes, file: str) -> Iterator[Mapped]:
    """The items of one file. Raises `Refused` before the first where the file as a whole is damaged."""
    if len(data) > MOST_BYTES:
        raise Refused(f"It is larger than {MOST_BYTES >> 20} MiB.")
    whole = _QUOTED.sub(lambda found: _SOFT.sub(b"", found[0]), _FOLD.sub(b"", data))
    text = whole.decode("utf-8-sig", "surrogateescape")
    if not text.isascii() and not _OLD.search(text) and text.encode("utf-8", "replace") != whole.removeprefix(_MARK):
        raise Refused("It is not valid UTF-8 text.")
    cards = list(_cards(text))
    for number, lines in enumerate(cards, 1):
        yield _card(lines, f"card {number}", file)


def _cards(text: str) -> Iterator[list[str]]:
    current: list[str] | None = None
    lines = text.splitlines()
    if len(lines) > _MOST_LINES:
        raise Refused("It holds far more lines than an address book can.")
    for line in lines:
        mark = line.strip().upper()
        if mark == "BEGIN:VCARD":
            if current is not None:
                raise Refused("A card begins inside another.")
            current = []
        elif mark == "END:VCARD":
            if current is None:
                raise Refused("A card ends that never began.")
            yield current
            current = None
        elif current is not None:
            current.append(line)
        elif mark:
            raise Refused("There is text outside its cards.")
    if current is not None:
        raise Refused("It ends inside a card: the file is cut off.")


def _properties(lines: list[str]) -> list[_Property]:
    found = []
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        given = {name.upper(): value.strip('"') for name, value in _PARAMETER.findall(match[3])}
        bare = [each.lower() for each in _BARE.findall(match[3])]
        types = frozenset([part.strip().lower() for part in given.get("TYPE", "").split(",") if part.strip()] + bare)
        prefer = given.get("PREF", "")
        rank = int(prefer) if prefer.isdigit() else 1 if "pref" in types else 101
        name = match[2].upper()
        found.append(_Property(name, types, rank, "" if name in _NO_TEXT else _decoded(match[4], given, types)))
    return found


def _decoded(value: str, given: dict[str, str], types: frozenset[str]) -> str:
    """A value of a 2.1 or 3.0 card that is written in another alphabet, as text; any other as it is."""
    said = {given.get("ENCODING", "").lower(), *types}
    quoted, packed = "quoted-printable" in said, bool(said & {"b", "base64"})
    if not quoted and not packed and value.isprintable():
        return value
    raw = value.encode("utf-8", "surrogateescape")
    if quoted:
        raw = quopri.decodestring(raw)
    elif packed:
        try:
            raw = base64.b64decode(raw, validate=True)
        except ValueError:
            return value  # it is not what the card says
    signs = given.get("CHARSET", "")
    for name in (*([signs] if _SIGNS.fullmatch(signs) else []), "utf-8", _OLD_SIGNS):
        try:
            return raw.decode(name)
        except (LookupError, UnicodeDecodeError):
            continue  # it is not what the card says
    return raw.decode(_OLD_SIGNS, "replace")


def _plain(value: str) -> str:
    return clean(_ESCAPE.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)).strip()


def _parts(value: str, separator: str = ";") -> list[str]:
    pieces, current, escaped = [], "", False
    for char in value:
        if char == separator and not escaped:
            pieces.append(current)
            current = ""
        else:
            current += char
        escaped = char == "\\" and not escaped
    return [clean_line(_plain(piece)) for piece in (*pieces, current)]


def _best(found: list[_Property], name: str) -> _Property | None:
    named = [each for each in found if each.name == name and not each.types & set(_CHEAP)]
    return min(named, key=lambda each: (each.prefer, "home" not in each.types), default=None)


def _text(found: list[_Property], name: str) -> str:
    best = _best(found, name)
    return clean_line(_plain(best.value)) if best else ""


def _card(lines: list[str], place: str, file: str) -> Mapped:
    found = _properties(lines)
    raw = "\r\n".join(("BEGIN:VCARD", *lines, "END:VCARD", "")).encode("utf-8", "surrogateescape")
    own = _text(found, "UID")
    face = sha256("\x1f".join(sorted(lines)).encode("utf-8", "surrogateescape")).hex()[:16]
    kind = _text(found, "KIND").lower() or "individual"
    fields = _person(found)
    if kind == "individual" and not fields["given"] and not fields["family"]:
        kind = "without a name"
    if kind != "individual":
        fields = {"resource_type": f"vCard {kind}"[:40], "text": _text(found, "FN") or _text(found, "ORG")}
        return made.item(
            RECEIVED, fields, file=file, place=place, raw=raw, form=FORM, key=None, identity=own, usual="ORG"
        )
    flags = [NAMES_OTHERS] if any(each.name == "RELATED" for each in found) else []
    return made.item(
        PERSON, fields, file=file, place=place, raw=raw, form=FORM, key=f"vCard/{own or face}", identity=own or face,
        usual="DIR", flags=tuple(flags), aliases=(f"vCard|{own}",) if own else (),
    )  # fmt: skip


def _person(found: list[_Property]) -> dict[str, Any]:
    family, given, middle = ((*_parts(_value(found, "N")), "", "", ""))[:3]
    if not family and not given:
        given, _, family = _text(found, "FN").rpartition(" ")
    nickname = _parts(_value(found, "NICKNAME"), ",")[0]
    phone = _text(found, "TEL")
    return {
        "given": f"{given} {middle}".strip()[:120], "family": family[:120], "preferred_name": nickname[:120],
        "birth_date": _day(_value(found, "BDAY")), "phone": phone.removeprefix("tel:")[:60],
        "email": _text(found, "EMAIL").removeprefix("mailto:")[:200], "address": _address(found)[:500],
        "language": _text(found, "LANG")[:60], "pronouns": _text(found, "PRONOUNS")[:40],
    }  # fmt: skip


def _value(found: list[_Property], name: str) -> str:
    best = _best(found, name)
    return best.value if best else ""


def _address(found: list[_Property]) -> str:
    _box, extended, street, city, region, code, country = ((*_parts(_value(found, "ADR")), *[""] * 7))[:7]
    town = f"{region} {code}".strip()
    return ", ".join(part for part in (extended, street, city, town, country) if part)


def _day(value: str) -> str | None:
    match = _DAY.match(value.strip())
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[2]), int(match[3])).isoformat()
    except ValueError:
        return None
