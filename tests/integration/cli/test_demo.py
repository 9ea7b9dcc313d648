"""The demo: every role, couples behind the wall, real signatures, and exactly what it says it made."""

from __future__ import annotations

import json
import time
from datetime import date
from pathlib import Path

import pytest

from iop_tui.access import roles
from iop_tui.kernel.errors import Unexpected
from iop_tui.shell.demo.cast import cast
from iop_tui.shell.demo.dice import Dice
from iop_tui.shell.demo.hands import Sealed, made
from iop_tui.shell.demo.people import Crowd
from iop_tui.shell.demo.secrets import totp_seed
from iop_tui.shell.demo.texts import Writer
from iop_tui.vault import headfile
from iop_tui.vault.totp import code_at
from tests.conftest import Scale
from tests.support.processes.command import Site, command


def test_what_the_command_prints(tmp_path: Path) -> None:
    started = time.monotonic()
    done = command("demo", "--no-open", "--json", "--vault", str(tmp_path / "d"), "--seed", "7")
    took = time.monotonic() - started
    assert done.code == 0, done.err
    value = done.value
    assert set(value) == {"vault", "people", "notes", "users", "couples"}
    assert all(set(user) == {"name", "roles", "passphrase", "totp_uri", "sees"} for user in value["users"])
    keys = {"id", "a", "b", "couples_therapist", "individual_therapist_a", "individual_therapist_b"}
    assert all(set(couple) == keys for couple in value["couples"])
    assert value["people"] == 12
    assert value["notes"] > 100
    assert {role for user in value["users"] for role in user["roles"]} == set(roles.ROLES)
    assert took < 60, "ten seconds on a machine that does nothing else"
    again = command("demo", "--no-open", "--json", "--vault", str(tmp_path / "d"))
    assert (again.code, again.error) == (3, "refused")


def test_the_wall_holds_in_every_couple(site: Site) -> None:
    assert site.built.couples
    sees = {str(user["name"]): set(map(str, user["sees"])) for user in site.built.users}  # type: ignore[call-overload]
    for couple in site.built.couples:
        names = [str(couple[key]) for key in ("couples_therapist", "individual_therapist_a", "individual_therapist_b")]
        assert len(set(names)) == 3
        assert not {couple["b"]} & sees[names[1]]
        assert not {couple["a"]} & sees[names[2]]
        assert {couple["a"], couple["b"]} <= sees[names[0]]


def test_everybody_sees_what_the_demo_says_and_the_views_are_ready(site: Site, scale: Scale) -> None:
    for user in site.built.users[:: scale(1, 4)]:
        name, held = str(user["name"]), list(user["roles"])  # type: ignore[call-overload]
        with site.batch(name) as do:
            listed = do("list", "people")
            assert do("verify", "--deep") == {"ok": True, "findings": []}
            notes = do("list", "notes")
        if held == [roles.ADMINISTRATOR]:
            assert all(row["name"] == row["initials"] for row in listed)
            assert len(listed) == 12
            assert notes == []
        else:
            assert {row["id"] for row in listed} == set(site.people_of(name)), name
        couples = {str(couple["id"]) for couple in site.built.couples}
        assert {note["person"] for note in notes} <= set(site.people_of(name)) | couples


def test_notes_are_signed_by_who_wrote_them(site: Site) -> None:
    with site.batch("Ines Fictional") as do:
        signed = [note for note in do("list", "notes") if note["status"] == "signed"]
        for note in signed[:5]:
            shown = do("show", note["id"])
            assert [item["name"] for item in shown["signatures"]] == ["Ines Fictional"]
            assert shown["signatures"][0]["role"] == roles.COUNSELOR
        assert signed
        assert any(note["status"] == "draft" for note in do("list", "notes"))
        assert do("list", "due")
    with site.batch("Bo Sandbox") as do:
        assert do("list", "notes") == []
        assert do("search", "breathing") == []
        assert {hit["kind"] for hit in do("search", "individual")} == {"service_line"}


def test_the_joint_record_is_listed_for_its_therapist_and_by_its_couple(site: Site) -> None:
    couple = str(site.built.couples[0]["id"])
    with site.batch("Tomas Pretend") as do:
        for what, kind in (("notes", "joint_note"), ("plans", "joint_plan"), ("measures", "couple_measure")):
            rows = do("list", what)
            assert {(row["kind"], row["person"]) for row in rows} == {(kind, couple)}
            assert rows == do("list", what, "--person", couple)
            assert all("score" not in row for row in rows), "partners' answers do not stand side by side"
        assert do("show", couple)["couple"] == couple
        assert do("explain", couple)["part"] == "JNT"
    with site.batch("Dana Example") as do:
        assert {"safety_plan", "relapse_plan"} <= {row["kind"] for row in do("list", "plans")}


def test_a_seed_makes_the_same_people_and_texts() -> None:
    day = date(2026, 1, 5)

    def made(seed: int) -> list[object]:
        crowd, writer = Crowd(Dice(seed), day), Writer(Dice(seed))
        return [crowd.person() for _ in range(30)] + [writer.note(day, turn) for turn in range(30)]

    assert made(3) == made(3)
    assert made(3) != made(4)
    assert len({(person.given, person.family) for person in made(3)[:30]}) == 30  # type: ignore[attr-defined]


def test_larger_programs_have_the_same_core() -> None:
    small, clinic, large = (cast(size) for size in ("small", "clinic", "large"))
    assert small == clinic[: len(small)] == large[: len(small)]
    assert len({member.name for member in large}) == len(large)


def test_nothing_of_the_demo_lies_in_plain_text(site: Site) -> None:
    names = {str(user["name"]) for user in site.built.users}
    words = [word.encode() for name in names for word in name.split() if len(word) > 5] + [
        b"otpauth",
        b"paced breathing",
        b"Fictionville",
    ]
    for path in site.path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not [word for word in words if word in data], path.name


def test_doctor_needs_no_unlock(site: Site) -> None:
    done = command("--vault", str(site.path), "--json", "doctor")
    assert done.code == 0
    controls = {item["name"]: item for item in done.value["controls"]}
    assert {"no core dump", "key slots", "key derivation", "vault.db", "vault.head", "disk space", "keyring"} <= set(
        controls
    )
    assert all(item["citation"] and item["evidence"] for item in controls.values())
    assert controls["no core dump"]["ok"]
    json.dumps(done.value)


def _some(job: int) -> list[Sealed]:
    return [Sealed(job, job * 10 + turn, [bytes([job])], []) for turn in range(job % 4)]


def test_helpers_give_the_same_in_the_same_order() -> None:
    alone = list(made(range(12), _some, 1))
    assert alone == list(made(range(12), _some, 3))
    assert [sealed.at_ms for _, sealed in alone] == sorted(sealed.at_ms for _, sealed in alone)


def test_a_helper_that_ends_early_is_a_failure() -> None:
    def fail(job: int) -> list[Sealed]:
        if job == 5:
            raise SystemExit(1)
        return _some(job)

    with pytest.raises(Unexpected):
        list(made(range(12), fail, 2))


@pytest.mark.nightly
def test_a_clinic(tmp_path: Path) -> None:
    done = command("demo", "--size", "clinic", "--no-open", "--json", "--vault", str(tmp_path / "d"), timeout=900)
    assert done.code == 0, done.err
    assert done.value["people"] == 200
    assert 9_900 <= done.value["notes"] <= 10_100
    assert len(done.value["couples"]) == 20
    name, phrase, uri = (done.value["users"][1][key] for key in ("name", "passphrase", "totp_uri"))
    assert uri.startswith("otpauth://")
    code = code_at(totp_seed(headfile.read(tmp_path / "d" / "vault.head").header.vault_id, name), int(time.time()))
    verified = command("--vault", str(tmp_path / "d"), "--user", name, "--json", "verify", "--deep",
                       secrets=[{"passphrase": phrase, "totp": code}], timeout=900)  # fmt: skip
    assert (verified.code, verified.value) == (0, {"ok": True, "findings": []})
