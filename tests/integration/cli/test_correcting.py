"""`cosign`, `return`, `amend`, `void` as scripts use them: the rules, refusals and exit codes of the screens."""

from __future__ import annotations

from typing import Any

from iop_tui import workspace
from iop_tui.clinical.staff import api as staff
from iop_tui.clinical.staff import profiles
from iop_tui.clinical.staff.profiles import StaffProfile
from iop_tui.kernel.ids import show_id
from iop_tui.shell.commands.environment import make
from iop_tui.shell.demo.secrets import passphrase
from tests.integration.cli.test_charting import doc, today
from tests.support.processes.command import Site, command

AUTHOR, SUPERVISOR, ADMINISTRATOR = "Dana Example", "Sam Placeholder", "Lee Proforma"


def supervised(site: Site) -> None:
    """The author works under supervision, by the administrator's word."""
    typed = site.secrets(ADMINISTRATOR)
    ws = workspace.unlock(
        site.path, make(site.path), name=ADMINISTRATOR, phrase=passphrase(site.realm, ADMINISTRATOR),
        code=str(typed[1]["totp"]),
    )  # fmt: skip
    try:
        by = staff.user_by_name(ws, SUPERVISOR).id
        profiles.set_profile(ws, staff.user_by_name(ws, AUTHOR).id, StaffProfile(credential="LPC-A",
                                                                                supervisor=show_id(by)))  # fmt: skip
    finally:
        ws.close()


def signed_note(do: Any, person: str, **more: Any) -> str:
    record = do("new", "progress_note", "--person", person, "--doc", doc({**today(), **more}))["id"]
    assert do("sign", record) == {"signed": [record]}
    return str(record)


def test_a_supervisor_reads_co_signs_and_returns(site: Site) -> None:
    supervised(site)
    person = site.people_of(AUTHOR)[0]
    with site.batch(AUTHOR) as do:
        first = signed_note(do, person)
        second = signed_note(do, person, start="01:05:00", stop="01:25:00", presentation="Slept well",
                             response="Laughed", plan="Walk on Sunday")  # fmt: skip
        asked = {line["record"]: line for line in do("list", "cosignatures")}
        assert {asked[first]["state"], asked[second]["state"]} == {"pending"}
        assert not asked[first]["to_sign"]
        for command in (("cosign", first), ("return", first, "--doc", doc({"reason": "Shorter."}))):
            assert do(*command)["error"]["code"] == "not_found"  # one's own request is not one's to answer
    with site.batch(SUPERVISOR) as do:
        waiting = {line["record"]: line["id"] for line in do("list", "cosignatures") if line["to_sign"]}
        assert set(waiting) >= {first, second}
        shown = do("show", waiting[first])
        assert (shown["kind"], shown["presentation"]) == ("progress_note", today()["presentation"])
        assert do("show", first)["error"]["code"] == "not_found"  # a share of the signed bytes, no key to the chart
        assert do("return", second, "--doc", doc({"reason": " "}))["error"]["code"] == "refused"
        assert do("return", second, "--doc", doc({"why": "x"}))["error"]["code"] == "document_invalid"
        assert do("return", second, "--doc", doc({"reason": "Name the intervention."})) == {"returned": second}
        void = ("void", first, "--reason", "other", "--doc", doc({"explanation": "x"}))
        assert do(*void)["error"]["code"] == "not_found", "nobody withdraws what they hold no key to"
        assert do("cosign", waiting[first], second)["error"]["code"] == "refused"  # one is answered: none is signed
        assert {line["state"] for line in do("list", "cosignatures") if line["record"] == first} == {"pending"}
        assert do("cosign", waiting[first]) == {"cosigned": [first]}
        assert do("cosign", first)["error"]["message"] == "This request is answered already."
    with site.batch(AUTHOR) as do:
        assert [s["meaning"] for s in do("show", first)["signatures"] if s["name"] == SUPERVISOR] == ["cosign"]
        answers = {line["record"]: (line["state"], line["reason"]) for line in do("list", "cosignatures")}
        assert answers[second] == ("returned", "Name the intervention.")


def test_a_correction_stands_beside_the_signed_text_and_a_withdrawal_says_why(site: Site) -> None:
    person = site.people_of(AUTHOR)[0]
    why = {"reason": "correction", "explanation": "Heard wrong."}
    with site.batch(AUTHOR) as do:
        draft = do("new", "progress_note", "--person", person, "--doc", doc(today()))["id"]
        assert do("amend", draft, "--doc", doc({**why, "document": {"plan": "x"}}))["error"]["code"] == "refused"
        assert do("sign", draft) == {"signed": [draft]}
        wrong = {
            "document": {**why}, "refused": {**why, "document": {"plan": today()["plan"]}},
            "document_invalid": {**why, "document": {"no_such_field": "x"}},
        }  # fmt: skip
        assert do("amend", draft, "--doc", doc(wrong["document"]))["error"]["code"] == "document_invalid"
        assert do("amend", draft, "--doc", doc(wrong["document_invalid"]))["error"]["code"] == "document_invalid"
        unchanged = do("amend", draft, "--doc", doc(wrong["refused"]))["error"]
        assert unchanged["message"] == "Nothing was changed."
        made = do("amend", draft, "--doc", doc({**why, "document": {"plan": "Call on Saturday"}}))
        again = do("amend", draft, "--doc", doc({**why, "document": {"plan": "Call on Sunday"}}))
        assert made["id"] == again["id"], "a correction that was begun is gone on with"
        assert do("sign", made["id"]) == {"signed": [made["id"]]}
        beside = do("show", made["id"])
        assert [(change["name"], change["after"]) for change in beside["changes"]] == [("plan", "Call on Sunday")]
        assert do("show", draft)["plan"] == today()["plan"]
        assert do("show", draft)["mark"] == "amended"
        # A withdrawal needs a reason of the list, and words from standard input.
        words, record = doc({"explanation": "Belongs to somebody else."}), draft
        assert do("void", record, "--reason", "because", "--doc", words)["error"]["code"] == "usage"
        assert do("void", record, "--reason", "wrong person", "--doc", doc({}))["error"]["code"] == "document_invalid"
    void = ("--vault", str(site.path), "--json", "--user", AUTHOR, "void", record, "--reason", "wrong person")
    said = command(*void, "--doc", words, secrets=[])
    assert (said.code, said.error) == (2, "usage"), "arguments can be seen by others"
    done = site.run("void", record, "--reason", "wrong person", user=AUTHOR, stdin=words)
    assert (done.code, done.value["state"]) == (0, "void")
    again = site.run("void", record, "--reason", "duplicate", user=AUTHOR, stdin=words)
    assert (again.code, again.error) == (3, "refused")
