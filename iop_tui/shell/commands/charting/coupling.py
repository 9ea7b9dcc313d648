"""`dissolve` and `record-request`: the end of joint work, and a person's request for their own record."""

from __future__ import annotations

from pathlib import Path

import msgspec

from iop_tui.access.settle import settle
from iop_tui.clinical.couples import api as couples
from iop_tui.clinical.requests import api as requests
from iop_tui.interchange.outfile import staged_folder
from iop_tui.kernel.errors import ReauthNeeded, Usage
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.shell.commands.call import Answer, Call


def dissolve(call: Call) -> Answer:
    """Joint work of a couple ends: its record closes, its authorizations end, each partner is asked again alone."""
    ws, couple = call.ws, parse_id(call.args.id)
    done = couples.dissolve(ws, couple, trigger=call.args.by, code=call.args.code)
    settle(ws.session)
    value = {
        "id": show_id(couple), "ended": done.ended.isoformat(), "authorizations_ended": done.authorizations_ended,
        "shared_contacts": list(done.shared_contacts), "reconfirm": list(done.reconfirm),
    }  # fmt: skip
    shared = [f"Both entries name the same {name}: ask each alone." for name in done.shared_contacts]
    again = f"Ask each of them alone, again: {', '.join(done.reconfirm)}."
    return Answer(value, [f"Joint work ended on {done.ended.isoformat()}.", *shared, again])


def partner_signature(call: Call) -> Answer:
    """A partner's signature under the couple's document that `--record` names; signed by who records it."""
    if not call.args.record:
        raise Usage("Under which document?", "Add --record ID, the agreement's or the plan's.")
    ws, record = call.ws, parse_id(call.args.record)
    signature = couples.PARTNER_SIGNATURE.parse(call.document())
    try:
        couples.record_signature(ws, record, signature)
    except ReauthNeeded:
        ws.confirm(call.opener.secrets.passphrase())
        couples.record_signature(ws, record, signature)
    value = {"record": show_id(record), "partner": signature.partner, "outcome": signature.outcome}
    return Answer(value, [f"P{signature.partner[1:]} {signature.outcome}."])


def record_request(call: Call) -> Answer:
    """A person's own record in a new folder with its manifest; with `--decide`, what of the joint record goes out."""
    person = parse_id(call.args.person)
    if call.args.decide:
        return _decide(call, person)
    if not call.args.out:
        raise Usage("Where to?", "Add --out DIR, a folder that does not exist yet; or --decide.")
    request = requests.RECORD_REQUEST.parse(call.document())
    prepared = requests.prepare(call.ws, person, request)
    with staged_folder(Path(call.args.out), prepared.files) as publish:
        requests.finish(call.ws, prepared)
        publish()
    value = {"out": call.args.out, **prepared.as_json()}
    withheld = [f"{what} ({rule})" for what, rule in prepared.withheld]
    head = f"{len(prepared.items)} objects. Not encrypted: keep it where only the person can read it."
    return Answer(value, [head, *withheld])


def _decide(call: Call, person: bytes) -> Answer:
    decision = requests.JOINT_DECISION.parse(call.document())
    requests.decide(call.ws, person, decision)
    value = {"person": show_id(person), **dict(msgspec.to_builtins(decision))}
    return Answer(value, [f"Decided: {decision.decision}."])
