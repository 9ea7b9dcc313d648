"""Client lists: sniffed, mapped, every row a person or a reason; a couple's card is two people and a proposal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iop_tui.clinical.people.model import PERSON
from iop_tui.interchange.items import Mapped, Rejection
from iop_tui.interchange.moving import clientlist, columns
from iop_tui.interchange.moving.columns import ColumnMap

SIMPLE = "First Name,Last Name,Date of Birth,Email,Phone\nAna,Quill,04/22/1988,ana@example.org,555-010-1234\n"


def read(text: str | bytes, **chosen: str) -> tuple[ColumnMap, list[Mapped], list[Rejection]]:
    data = text.encode() if isinstance(text, str) else text
    found = list(clientlist.read(data, "list.csv", chosen))
    assert isinstance(found[0], ColumnMap)
    return (
        found[0], [each for each in found if isinstance(each, Mapped)],
        [each for each in found if isinstance(each, Rejection)],
    )  # fmt: skip


def one(text: str, **chosen: str) -> Mapped:
    _, (found,), rejected = read(text, **chosen)
    assert rejected == []
    PERSON.parse(found.fields)
    return found


def test_a_plain_list() -> None:
    found = one(SIMPLE)
    assert (found.fields["given"], found.fields["family"]) == ("Ana", "Quill")
    assert found.fields["birth_date"] == "1988-04-22"
    assert found.fields["phone"] == "555-010-1234"
    assert found.place == "row at line 2"


_WAYS = (str, str.upper, "* {}".format)


@pytest.mark.parametrize("heading", [way(word) for word in columns.FIELDS["family"] for way in _WAYS])
def test_every_synonym_of_a_family_name(heading: str) -> None:
    assert one(f"First name,{heading}\nAna,Quill\n").fields["family"] == "Quill"


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_every_separator(mark: str) -> None:
    assert one(SIMPLE.replace(",", mark)).fields["family"] == "Quill"


def test_a_separator_that_the_list_names_itself() -> None:
    assert one("sep=;\r\nFirst Name;Last Name\r\n\"A,B,C\";Quill\r\n").fields["given"] == "A,B,C"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_encoding(encoding: str) -> None:
    _, (found,), _ = read("Name\nJürgen Größe\n".encode(encoding))
    assert (found.fields["given"], found.fields["family"]) == ("Jürgen", "Größe")


@pytest.mark.parametrize(
    ("written", "day"),
    [("1988-04-02", "1988-04-02"), ("04/22/1988", "1988-04-22"), ("22.4.1988", "1988-04-22"),
     ("4-22-1988", "1988-04-22"), ("04/22/88", None), ("31/31/1988", None), ("soon", None), ("1988-02-30", None)],
)  # fmt: skip
def test_birth_dates(written: str, day: str | None) -> None:
    found = one(f"Name,DOB\nAna Quill,{written}\n")
    assert found.fields["birth_date"] == day
    assert (clientlist.NO_DATE in found.flags) is (day is None)


def test_the_order_of_day_and_month_follows_from_the_list() -> None:
    _, (first, second), _ = read("Name,DOB\nAna Quill,03/04/1988\nBen Odell,25/04/1985\n")
    assert first.fields["birth_date"] == "1988-04-03"
    assert clientlist.AMBIGUOUS not in first.flags
    assert second.fields["birth_date"] == "1985-04-25"
    assert clientlist.AMBIGUOUS in one("Name,DOB\nAna Quill,03/04/1988\n").flags


@pytest.mark.parametrize("phone", ["call me", "12", "555-01", "1" * 40, "<script>"])
def test_a_phone_number_that_is_none_is_left_out_and_flagged(phone: str) -> None:
    found = one(f"Name,Phone\nAna Quill,{phone}\n")
    assert "phone" not in found.fields
    assert clientlist.NO_PHONE in found.flags


def test_an_address_that_is_none() -> None:
    found = one("Name,E-mail\nAna Quill,ana at home\n")
    assert "email" not in found.fields
    assert clientlist.NO_EMAIL in found.flags


def test_a_row_without_a_name_is_refused_by_its_line() -> None:
    _, (found,), (rejected,) = read("First name,Last name,City\nAna,Quill,X\n,,Y\n")
    assert found.fields["given"] == "Ana"
    assert (rejected.place, rejected.reason) == ("row at line 3", "The row names nobody.")


# ---- couples -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Name\nAna Quill & Ben Odell\n", [("Ana", "Quill"), ("Ben", "Odell")]),
        ("Name\nAna & Ben Quill\n", [("Ana", "Quill"), ("Ben", "Quill")]),
        ("First name,Last name\nAna & Ben,Quill\n", [("Ana", "Quill"), ("Ben", "Quill")]),
        ("First name,Last name,Type\nAna and Ben,Quill and Odell,Couple\n", [("Ana", "Quill"), ("Ben", "Odell")]),
    ],
)  # fmt: skip
def test_a_couples_card_is_two_people_and_a_proposal(text: str, names: list[tuple[str, str]]) -> None:
    _, found, _ = read(text)
    people = [each for each in found if each.kind == "person"]
    proposals = [each for each in found if each.kind == "couple_proposal"]
    assert [(each.fields["given"], each.fields["family"]) for each in people] == names
    assert [each.person_key for each in proposals] == [each.person_key for each in people]
    assert [each.fields["partner"] for each in proposals] == [" ".join(name) for name in reversed(names)]
    assert {each.kind for each in found} == {"person", "couple_proposal"}, "nothing links them"


def test_a_shared_card_gives_its_contact_details_to_nobody() -> None:
    row = "Ana & Ben Quill,555-010-1234,both@example.org,1988-04-02,1 Main"
    _, found, _ = read(f"Name,Phone,E-mail,DOB,Street\n{row}\n")
    for each in found:
        assert "555" not in each.raw.decode() + str(each.fields)
        assert "both@" not in each.raw.decode() + str(each.fields)
    ana = found[0]
    assert "Ben" not in ana.raw.decode(), "what is kept beside a person names that person only"
    assert clientlist.COUPLE in ana.flags


def test_an_and_in_a_name_is_no_couple() -> None:
    assert one("First name,Last name\nSandy,Anderson\n").fields["given"] == "Sandy"
    assert one("First name,Last name\nAna and Ben,Quill\n").fields["given"] == "Ana and Ben"


# ---- mapping -----------------------------------------------------------------------------------------------


def test_what_nothing_was_made_of_is_said() -> None:
    mapping, _, _ = read("Name,Shoe size\nAna Quill,39\n")
    assert mapping.unused == ("Shoe size",)
    assert mapping.named == (("Name", "name"),)


def test_a_persons_choice_goes_first() -> None:
    found = one("Kunde,Telefon,Phone\nAna Quill,555-010-1234,no\n", Kunde="name", Telefon="phone", Phone="")
    assert found.fields["phone"] == "555-010-1234"
    assert found.flags == ()


@pytest.mark.parametrize(
    ("text", "chosen", "reason"),
    [
        ("Shoe,Hat\n1,2\n", {}, "No column holds a name"), ("Name\nAna\n", {"Name": "wings"}, "no field called wings"),
        ("Name\n", {}, "no row below"), ("", {}, "no row"), ('Name\n"Ana\n', {}, "no regular CSV"),
        ("Name\n" + "x" * 30_000 + "\n", {}, "no regular CSV"), ("Name\n" + "," * 300 + "x\n", {}, "more than"),
        ("Name\n\x00\n", {}, "no text"), ("Name\n" + "Ana\n" * 20_001, {}, "more than 20,000"),
    ],
)  # fmt: skip
def test_lists_that_cannot_be_read(text: str, chosen: dict[str, str], reason: str) -> None:
    with pytest.raises(clientlist.Refused, match=reason):
        read(text, **chosen)


def test_a_column_named_in_vain() -> None:
    with pytest.raises(clientlist.Refused, match="spelling"):
        list(clientlist.read(SIMPLE.encode(), "x", {"Nmae": "name"}, ("Nmae",)))
    assert list(clientlist.read(SIMPLE.encode(), "x", {"Nmae": "name"})), "a saved mapping may know more columns"


_CELLS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


@given(st.lists(st.lists(_CELLS, min_size=5, max_size=5), min_size=1, max_size=8))
def test_whatever_the_cells_hold_every_row_is_people_or_a_reason(rows: list[list[str]]) -> None:
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["First name", "Last name", "DOB", "Phone", "E-mail"])
    writer.writerows(rows)
    try:
        found: Any = list(clientlist.read(out.getvalue().encode(), "x", {}))
    except clientlist.Refused:
        return
    for each in found:
        if isinstance(each, Mapped) and each.kind == "person":
            PERSON.parse(each.fields)
