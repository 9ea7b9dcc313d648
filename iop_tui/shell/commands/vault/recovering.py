"""`recovery …` and late work: shares, recipients, scheduled backups, the restore drill."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from iop_tui.kernel.canonical import decode
from iop_tui.kernel.clock import iso
from iop_tui.kernel.errors import EXIT_DAMAGED, Refused, Usage
from iop_tui.kernel.ids import show_id
from iop_tui.shell import config
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.output import pairs, table
from iop_tui.shell.commands.unlocking import progress
from iop_tui.shell.commands.vault.backups import closed_lines, closed_value, keys_for, told, unsound
from iop_tui.shell.process.terminal import open_line
from iop_tui.shell.questions import Questions
from iop_tui.vault import recovery
from iop_tui.workspace import Workspace, backingup, drilling, latework, recovering
from iop_tui.workspace.backingup import Schedule
from iop_tui.workspace.drilling import Drill, Means
from iop_tui.workspace.recovering import NewShares

CHECKED_WORDS = 2
_PER_LINE = 6


# -- shares --------------------------------------------------------------------------------


def shares(call: Call) -> Answer:
    """Make recovery shares: at a terminal each is shown once and two of its words are typed back."""
    ws, args = call.ws, call.args
    made = recovering.make_shares(ws, threshold=args.need, count=args.of)
    if call.in_batch or call.opener.options.json or not call.opener.secrets.at_terminal:
        value = {"shares": list(made.shares), "needed": made.threshold, "confirmed": False}
        lines = [*(f"Share {number}: {text}" for number, text in enumerate(made.shares, 1)),
                 "They count once `iop-tui recovery confirm` has seen them again."]  # fmt: skip
        return Answer(value, lines)
    with Questions(open_line()) as ask:
        for number in range(1, len(made.shares) + 1):
            _hand_over(ws, ask, made, number)
    known = recovering.confirm_shares(ws, made.shares[: made.threshold])
    rest = recovering.closed(ws.session, recovering.accounts(ws.session))
    return Answer(
        {"confirmed": True, "needed": known.threshold, "of": known.count, "closed": closed_value(rest)},
        [f"{known.threshold} of these {known.count} shares open your account in every backup from now on.",
         *closed_lines(rest),
         "Make a backup now, and try it: iop-tui recovery drill FILE --shares"],
    )  # fmt: skip


def _hand_over(ws: Workspace, ask: Questions, made: NewShares, number: int) -> None:
    """Show one share to the person who keeps it, until two of its words come back right."""
    words = made.shares[number - 1].split()
    while True:
        ask.alone(_sheet(words, number, made))
        if all(_typed_back(ws, ask, words, number) for _ in range(CHECKED_WORDS)):
            return
        ask.say("That is not the word. The share is shown once more; correct the paper.")


def _sheet(words: list[str], number: int, made: NewShares) -> list[str]:
    rows = [words[start : start + _PER_LINE] for start in range(0, len(words), _PER_LINE)]
    lines = [f"Recovery share {number} of {len(made.shares)}; any {made.threshold} together open the account.",
             "Only the person who keeps it looks now, and writes it down.", ""]  # fmt: skip
    for row, chosen in enumerate(rows):
        lines.append("".join(f"{row * _PER_LINE + at:>3} {word:<9}" for at, word in enumerate(chosen, 1)))
    return [*lines, ""]


def _typed_back(ws: Workspace, ask: Questions, words: list[str], number: int) -> bool:
    place = int.from_bytes(ws.rng.token(4), "big") % len(words)
    return ask.line(f"Share {number}, word {place + 1}").strip().lower() == words[place]


def confirm(call: Call) -> Answer:
    """Take shares back from their papers; from then on the set counts."""
    known = recovering.confirm_shares(call.ws, call.opener.secrets.shares())
    opened = f"{known.threshold} of {known.count} open your account in every backup from now on."
    rest = recovering.closed(call.ws.session, recovering.accounts(call.ws.session))
    return Answer(
        {"confirmed": True, "needed": known.threshold, "of": known.count, "closed": closed_value(rest)},
        [f"The shares fit. {opened}", *closed_lines(rest)],
    )


def join(call: Call) -> Answer:
    """Put one's own account under the program's shares too."""
    known = recovering.join(call.ws)
    return Answer(
        {"joined": True, "needed": known.threshold, "of": known.count},
        [f"{known.threshold} of {known.count} shares and a backup open your account from now on, with all you can"
         " read. Only a new set of shares ends that."],
    )  # fmt: skip


# -- backups -------------------------------------------------------------------------------


def status(call: Call) -> Answer:
    """Shares, recipients, schedule, the newest verified backup and the newest drill."""
    ws, chosen = call.ws, config.load()
    known, newest, drill = recovering.present(ws.session), backingup.last(ws), drilling.last(ws)
    opened = recovering.accounts(ws.session)
    rest = recovering.closed(ws.session, opened) if known else {}
    text, _ = backingup.warning(ws)
    value: dict[str, Any] = {
        "shares": {"needed": known.threshold, "of": known.count, "made": iso(known.made_ms)} if known else None,
        "accounts": [ws.session.card(user).name for user in opened],
        "closed": closed_value(rest),
        "recipients": [item.text for item in backingup.recipients(ws)],
        "schedule": {"folder": chosen.backup_folder, "hours": chosen.backup_hours} if chosen.backup_folder else None,
        "newest": {"at": iso(newest.at_ms), "file": newest.file, "log_entries": newest.audit_seq} if newest else None,
        "drill": _drill_value(drill) if drill else None,
        "warning": text,
    }  # fmt: skip
    lines = pairs([
        ("shares", f"{known.threshold} of {known.count}, made {iso(known.made_ms)}" if known else "none yet"),
        ("open", ", ".join(value["accounts"]) or "nobody's account"),
        ("recipients", ", ".join(value["recipients"]) or "none: backups are not sealed besides"),
        ("schedule", f"every {chosen.backup_hours} h to {chosen.backup_folder}" if chosen.backup_folder else "none"),
        ("newest", backingup.told(newest)),
        ("drill", f"{iso(drill.at_ms)}: {drill.fault or 'whole'}" if drill else "none yet"),
    ])  # fmt: skip
    return Answer(value, [*lines, *closed_lines(rest), *([text] if text else [])])


def recipients(call: Call) -> Answer:
    """Name the offline recipients that backups are sealed to, or nobody."""
    texts = tuple(call.args.keys)
    if bool(texts) == call.args.none:
        raise Usage("Give the public keys (age1…), or --none.", "`iop-tui recovery status` shows those named now.")
    found = backingup.set_recipients(call.ws, texts)
    shown = [item.text for item in found]
    last = "Try it: iop-tui recovery drill FILE --identity KEYFILE" if shown else "Backups are not sealed besides."
    return Answer({"recipients": shown}, [*shown, last])


def schedule(call: Call) -> Answer:
    """Where backups go by themselves, and how often. Settings of this computer's user, not of the vault."""
    chosen, args = config.load(), call.args
    if args.off:
        config.save(replace(chosen, backup_folder=""))
        return Answer({"schedule": None}, ["No backups are made by themselves any more."])
    folder = Path(args.folder).absolute() if args.folder else None
    if folder is None or not 1 <= args.hours <= config.BACKUP_MOST:
        raise Usage(f"Give a folder, and --hours from 1 to {config.BACKUP_MOST}.")
    if not folder.is_dir():
        raise Refused(f"There is no folder {folder}.", "Make it first, on another disk than the vault's.")
    config.save(replace(chosen, backup_folder=str(folder), backup_hours=args.hours))
    near = folder.stat().st_dev == call.opener.options.folder.stat().st_dev
    lines = [f"Every {args.hours} h, after an unlock and its complete check, a backup goes to {folder}."]
    if near:
        lines.append("That is the disk the vault is on: if it fails, both are gone. Choose another disk.")
    return Answer({"schedule": {"folder": str(folder), "hours": args.hours}, "same_disk": near}, lines)


def run(call: Call) -> Answer:
    """Make the scheduled backup now, and thin the older ones."""
    planned = planned_by(config.load())
    if planned is None:
        raise Refused("No folder for backups is set.", "`iop-tui recovery schedule FOLDER` sets one.")
    ws = call.ws
    target = backingup.place(ws, planned)
    refused = unsound(ws)
    if refused is not None:
        return refused
    answer = told(backingup.make(ws, target), target, verified=True)
    removed = [str(file) for file in backingup.thin(ws, planned)]
    return Answer({**answer.value, "removed": removed}, [*answer.lines, *(f"Removed {file}." for file in removed)])


def planned_by(chosen: config.Config) -> Schedule | None:
    """The schedule of the configuration, or None."""
    return Schedule(Path(chosen.backup_folder), chosen.backup_hours) if chosen.backup_folder else None


# -- the drill -----------------------------------------------------------------------------


def drill(call: Call) -> Answer:
    """Restore a backup beside the vault, compare it, remove it again; the result is signed."""
    source, ws = Path(call.args.file).absolute(), call.ws
    shares_, identities = keys_for(call, source)
    kit = recovery.decode_kit(call.opener.secrets.kit()) if call.args.kit else None
    signed = drilling.drill(ws, source, Means(identities, shares_, kit), progress("Comparing"))
    found = decode(signed.drill, Drill)
    value = {**_drill_value(found), "signed": signed.drill.hex(), "signature": signed.signature.hex(),
             "public_key": ws.user.signer.public.hex()}  # fmt: skip
    return Answer(value, _drill_lines(found), EXIT_DAMAGED if found.fault else 0)


def _drill_value(found: Drill) -> dict[str, Any]:
    return {
        "ok": not found.fault, "fault": found.fault, "at": iso(found.at_ms), "by": show_id(found.by),
        "file": found.file, "backup_at": iso(found.backup_ms), "log_entries": found.audit_seq,
        "revisions": found.revisions, "acts": found.acts, "opened_with": found.how, "seconds": found.seconds,
    }  # fmt: skip


def _drill_lines(found: Drill) -> list[str]:
    if found.fault:
        return [f"The backup of {iso(found.backup_ms)} did not come back whole: {found.fault}", "Make another one now."]
    return [f"The backup of {iso(found.backup_ms)} came back whole, opened with the {found.how}, in {found.seconds} s:"
            f" {found.revisions:,} versions and {found.acts:,} acts are as they are here."]  # fmt: skip


# -- late work -----------------------------------------------------------------------------


def late(call: Call) -> Answer:
    """What devices wrote that were reported lost, beyond what was known then."""
    ws = call.ws
    found = latework.late_work(ws)
    rows: list[dict[str, Any]] = [
        {
            "pack": item.pack.hex(), "device": show_id(item.device), "name": item.device_name,
            "sealed": iso(item.at_ms), "lost": iso(item.cut_ms), "acts": item.acts, "unreadable": item.closed,
            "entries": [{"kind": one.kind, "author": ws.session.card(one.author).name, "at": iso(one.at_ms),
                         "person": show_id(one.person)} for one in item.entries],
            "decision": None if item.decision is None else "accepted" if item.decision.accepted else "rejected",
            "reason": item.decision.reason if item.decision else "",
        }
        for item in found
    ]  # fmt: skip
    shown = [(row["pack"][:16], row["name"], row["sealed"], _what(row), row["decision"] or "waits") for row in rows]
    return Answer(rows, table(("pack", "device", "sealed", "", ""), shown, empty="There is no late work."))


def _what(row: dict[str, Any]) -> str:
    kinds = sorted({one["kind"] for one in row["entries"]})
    count = len(row["entries"]) + row["unreadable"]
    return f"{count} versions ({', '.join(kinds) or 'none you can read'}), {row['acts']} acts"


def accept(call: Call) -> Answer:
    """Take late work in, with everything its device wrote before it."""
    count = latework.decide(call.ws, _pack(call), accepted=True, reason=call.args.reason)
    return Answer({"accepted": True, "packs": count},
                  [f"{count} packs were taken in. The decision reaches the other devices with the next exchange."])


def reject(call: Call) -> Answer:
    """File late work as not accepted; it stays kept."""
    latework.decide(call.ws, _pack(call), accepted=False, reason=call.args.reason)
    return Answer({"accepted": False}, ["It is filed as not accepted, and kept. It can still be accepted later."])


def _pack(call: Call) -> bytes:
    typed = str(call.args.pack).strip().lower()
    found = {item.pack for item in latework.late_work(call.ws) if len(typed) >= 8 and item.pack.hex().startswith(typed)}
    if len(found) != 1:
        raise Usage("No late work, or more than one, begins like this.", "`iop-tui devices late` shows what waits.")
    return found.pop()
