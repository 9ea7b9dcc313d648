"""Address books: people in, partners never linked, damage refused as a whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.interchange.fhir.mapping import DOCUMENTS
from iop_tui.interchange.items import Mapped
from iop_tui.interchange.moving import vcard

VECTOR = Path(__file__).parents[3] / "vectors" / "vcard" / "vcard40_full.vcf"


def read(text: str) -> list[Mapped]:
    return list(vcard.read(text.encode(), "book.vcf"))


def card(*lines: str) -> str:
    return "\r\n".join(("BEGIN:VCARD", "VERSION:4.0", *lines, "END:VCARD", ""))


def test_the_shared_card() -> None:
    (found,) = vcard.read(VECTOR.read_bytes(), "x")
    assert (found.kind, found.fields["given"], found.fields["family"]) == ("person", "John Quinlan", "Public")
    assert found.fields["preferred_name"] == "Johnny"
    assert found.fields["birth_date"] == "1985-04-15"
    assert (found.fields["phone"], found.fields["email"]) == ("+1-555-555-5555", "johnny@personal.example.org")
    assert found.fields["address"] == "456 Oak Lane, Somewhere, NY 10001, U.S.A."
    assert found.flags == (vcard.NAMES_OTHERS,)
    assert "b8767877" not in str(found.fields), "the spouse's identifier goes nowhere"


def test_older_cards_folded_lines_and_escapes() -> None:
    (found,) = read("BEGIN:VCARD\r\nVERSION:3.0\r\nitem1.N:Quill\\;X;Ana\r\n  Maria;;;\r\nTEL;TYPE=FAX:1\r\n"
                    "TEL;TYPE=CELL,PREF:555-0101\r\nBDAY:1988-04-02\r\nEND:VCARD\r\n")  # fmt: skip
    assert (found.fields["given"], found.fields["family"]) == ("Ana Maria", "Quill;X")
    assert (found.fields["phone"], found.fields["birth_date"]) == ("555-0101", "1988-04-02")


def test_a_name_alone_and_a_day_that_is_none() -> None:
    (found,) = read(card("FN:Ana Maria Quill", "BDAY:--0402", "TEL:"))
    assert (found.fields["given"], found.fields["family"]) == ("Ana Maria", "Quill")
    assert found.fields["birth_date"] is None


def test_groups_are_nobody() -> None:
    (found,) = read(card("KIND:group", "FN:Team North"))
    assert (found.kind, found.person_key, found.compartment) == ("received", None, "ORG")
    assert found.fields["text"] == "Team North"


def test_the_same_card_has_the_same_fingerprint() -> None:
    one, two = read(card("FN:Ana Quill")), read(card("FN:Ana Quill"))
    assert one[0].fingerprint_parts == two[0].fingerprint_parts
    assert one[0].raw == two[0].raw


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("BEGIN:VCARD\nFN:x\n", "cut off"), ("END:VCARD\n", "never began"), (card("FN:x") + "hello\n", "outside"),
        ("BEGIN:VCARD\nBEGIN:VCARD\n", "inside another"), ("BEGIN:VCARD\n" + "A:b\n" * 400_001, "far more lines"),
    ],
)  # fmt: skip
def test_damage_refuses_the_file(text: str, reason: str) -> None:
    with pytest.raises(vcard.Refused, match=reason):
        read(text)


def test_not_utf_8_and_too_large() -> None:
    with pytest.raises(vcard.Refused, match="UTF-8"):
        list(vcard.read(b"BEGIN:VCARD\nFN:\xff\nEND:VCARD\n", "x"))
    with pytest.raises(vcard.Refused, match="larger"):
        list(vcard.read(b" " * (16 << 20) + b"x", "x"))


def old(*lines: bytes) -> bytes:
    return b"\r\n".join((b"BEGIN:VCARD", b"VERSION:2.1", *lines, b"END:VCARD", b""))


@pytest.mark.parametrize(
    "name",
    [
        b"N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=BCrgen;;;", "N:Müller;Jürgen".encode(),
        b"N;ENCODING=QUOTED-PRINTABLE:M=C3=BC=\r\nller;J=C3=BCrgen", b"N:M\xfcller;J\xfcrgen",
        b"N;QUOTED-PRINTABLE:M=FCller;J=FCrgen", b"N;BASE64:TcO8bGxlcjtKw7xyZ2Vu",
        b"N;ENCODING=b:TcO8bGxlcjtKw7xyZ2Vu",
        b"N;CHARSET=ISO-8859-1:M\xfcller;J\xfcrgen", b"N;CHARSET=martian:M\xfcller;J\xfcrgen",
    ],
)  # fmt: skip
def test_a_telephones_cards_are_read_in_whatever_signs_it_wrote(name: bytes) -> None:
    data = old(name, b"TEL;FAX:1", b"TEL;CELL:+1 555 0100")
    (found,) = vcard.read(data, "x")
    assert (found.fields["given"], found.fields["family"], found.fields["phone"]) == ("Jürgen", "Müller", "+1 555 0100")
    assert name.replace(b"=\r\n", b"") in found.raw, "kept as it came"
    assert [each.fingerprint_parts for each in vcard.read(data, "y")] == [found.fingerprint_parts]


def test_who_has_no_name_is_nobody() -> None:
    (found,) = read(card("ORG:Acme Clinic", "TEL:1"))
    assert (found.kind, found.person_key, found.fields["text"]) == ("received", None, "Acme Clinic")


@given(st.integers(0, 400), st.binary(max_size=6))
def test_whatever_is_put_into_an_old_card_is_read_or_refused(place: int, more: bytes) -> None:
    data = old(b"N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BC=\r\nller;J", b"TEL;CELL:1", b"NOTE:\xfc")
    place %= len(data)
    try:
        for each in vcard.read(data[:place] + more + data[place:], "x"):
            DOCUMENTS[each.kind].parse(each.fields)
            assert str(each.fields).isprintable() or "\\" in str(each.fields)
    except vcard.Refused:
        return
