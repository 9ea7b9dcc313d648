"""`export`, `packet`, `print`: what leaves the vault. Checked, entered in the ledger, complete or not there at all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from iop_tui.clinical.consents.api import Recipient
from iop_tui.clinical.disclosures.api import CONSENT
from iop_tui.interchange import exports, letterout, packets
from iop_tui.interchange.prints import copies
from iop_tui.kernel.errors import RuleRefused, Usage
from iop_tui.kernel.ids import parse_id, show_id
from iop_tui.shell.commands.call import Answer, Call

_SAFE = ("yes", "no")
OPEN = (
    "It is NOT encrypted: everybody who gets hold of the folder can read it. Keep it where only you can, or export"
    " again with --to KEY."
)
SEALED = "One encrypted file: `age --decrypt --identity KEY FILE | tar --extract` opens it."


def export(call: Call) -> Answer:
    """One person's record, or everyone's in this user's care, as FHIR R4: in a new folder, or sealed in one file."""
    args, ws = call.args, call.ws
    if not args.out:
        raise Usage("Where to?", "Add --out DIR, a folder that does not exist yet; with --to KEY a file.")
    if args.what == "all":
        if args.id or args.consent:
            raise Usage("An export of all takes no id and no consent.", "Or: iop-tui export person ID --out DIR.")
        found = exports.export_all(ws, Path(args.out), to=args.to)
    else:
        if not args.id:
            raise Usage("Whose record?", "iop-tui export person ID --out DIR")
        consent = parse_id(args.consent) if args.consent else None
        found = exports.export_person(
            ws, parse_id(args.id), Path(args.out), consent=consent, recipient=_recipient(args.recipient),
            purpose=args.purpose, to=args.to, passphrase=_given_passphrase(call),
        )  # fmt: skip
    total = sum(found.resources.values())
    value = {
        "out": args.out, "people": found.people, "resources": found.resources, "newer": found.newer,
        "skipped": [show_id(person) for person in found.skipped], "encrypted": bool(args.to.strip()),
    }  # fmt: skip
    lines = [f"Exported {found.people} people, {total:,} resources. {SEALED if args.to.strip() else OPEN}"]
    if found.passphrase:
        value["passphrase"] = found.passphrase
        lines.append(f"Passphrase: {found.passphrase}. It is shown once; tell it by another way than the file goes.")
    return Answer(value, lines)


def packet(call: Call) -> Answer:
    """Chosen documents of one person, sealed to whoever receives them."""
    args, ws = call.args, call.ws
    order = packets.Order(
        person=parse_id(args.person), documents=tuple(parse_id(text) for text in args.documents), purpose=args.purpose,
        to=args.to, out=Path(args.out), recipient_kind=args.recipient_kind,
        consent=parse_id(args.consent) if args.consent else None,
        basis=args.basis or CONSENT, recipient=_recipient(args.recipient), passphrase=_given_passphrase(call),
    )  # fmt: skip
    made = packets.make(ws, order)
    value: dict[str, Any] = {
        "out": args.out, "bytes": made.size, "sha256": made.sha256, "contents": list(made.contents),
        "ledger": [show_id(row) for row in made.rows],
    }  # fmt: skip
    lines = [f"Sealed {len(made.contents)} files. It opens with the age program."]
    if made.passphrase:
        value["passphrase"] = made.passphrase
        lines.append(f"Passphrase: {made.passphrase}. It is shown once; tell it by another way than the packet goes.")
    return Answer(value, lines)


def _given_passphrase(call: Call) -> str:
    """A passphrase the receiver chose, where the descriptor holds one. One is made otherwise."""
    wanted = call.args.to.strip().casefold() == packets.PASSPHRASE
    secrets = call.opener.secrets
    if not wanted or secrets.at_terminal or not secrets.has("recipient_passphrase"):
        return ""
    return secrets.recipient_passphrase()


def _recipient(name: str) -> Recipient | None:
    return Recipient(name=name) if name.strip() else None


def letter(call: Call) -> Answer:
    """A signed letter on the consent it names, into a file that does not exist yet."""
    args = call.args
    sent = letterout.release_letter(call.ws, parse_id(args.id), Path(args.out), form=args.form, method=args.method)
    value = {
        "out": args.out, "bytes": sent.size, "consent": show_id(sent.consent),
        "ledger": [show_id(row) for row in sent.rows],
    }  # fmt: skip
    return Answer(value, [f"Written: {sent.size:,} bytes. It stands in the list of disclosures."])


def print_copy(call: Call) -> Answer:
    """One document for the person, on paper or as a card. Asks first whether the paper is safe with them."""
    args, ws = call.args, call.ws
    record = parse_id(args.id)
    safe = args.safe_to_hold or _asked()
    if safe not in _SAFE:
        raise Usage(
            "Ask first: is it safe for the person to hold this, if somebody at home finds it?",
            "Add --safe-to-hold yes, or --safe-to-hold no.",
        )
    if safe == "no":
        raise RuleRefused(
            "print.not_safe", "It is not safe for the person to hold this.",
            "Nothing was printed. Go through it together, or make a packet only they can open (program rule CR-13).",
        )  # fmt: skip
    made = copies.copy_for_person(ws, record, args.form, Path(args.out))
    return Answer(
        {"out": args.out, "form": args.form, "bytes": made.size, "pages": made.pages, "missing": list(made.missing)},
        [f"Written: {made.size:,} bytes.", *(f"Not printable here: {each}" for each in made.missing)],
    )


def _asked() -> str:
    """The answer of the person at the terminal; empty where nobody is there."""
    if not sys.stdin.isatty():
        return ""
    sys.stderr.write("Is it safe for the person to hold this, if somebody at home finds it? (yes/no) ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold()
