"""`init`: the first set-up of a vault of one's own, at a terminal or in two rounds without one."""

from __future__ import annotations

import io
from collections.abc import Callable

from iop_tui.access import roles
from iop_tui.clinical.staff import service
from iop_tui.kernel.errors import Usage, WrongSecrets
from iop_tui.kernel.ids import show_id
from iop_tui.kernel.text import clean_line
from iop_tui.shell.commands import environment
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.output import pairs
from iop_tui.shell.commands.unlocking import unlock_once
from iop_tui.shell.process.terminal import open_line
from iop_tui.shell.questions import Questions
from iop_tui.vault import totp
from iop_tui.workspace import NewUser, Workspace, create

SOLO = (roles.INDIVIDUAL_THERAPIST, roles.MEDICAL_DIRECTOR)
"""What the first user is besides administrator and privacy officer when nothing else is said: a clinic of one."""


def init(call: Call) -> Answer:
    """Make a vault and its first user, and have the recovery kit tested before the set-up counts as done."""
    if call.args.confirm:
        return _confirm(call)
    secrets, options = call.opener.secrets, call.opener.options
    env = environment.for_new(now=options.now)
    name = clean_line(options.user or _ask_name(call))
    granted = tuple(call.args.role) or SOLO
    phrase = secrets.new_passphrase("New passphrase (at least 15 characters)")
    try:
        ws, new = create(options.folder, env, name=name, user_roles=granted, phrase=phrase)
    finally:
        phrase[:] = bytes(len(phrase))
    call.opener.adopt(ws)
    if secrets.at_terminal:
        _test_at_terminal(ws, new)
    value = {
        "vault": str(options.folder), "user": show_id(new.user), "name": name, "roles": list(ws.user.roles),
        "totp_uri": new.totp_uri, "kit": new.kit, "state": "done" if secrets.at_terminal else "kit untested",
    }  # fmt: skip
    if secrets.at_terminal and not options.json:
        return Answer(value, [f"The vault is ready: {options.folder}. Start it with `iop-tui`."])
    return Answer(value, pairs([("authenticator", new.totp_uri), ("recovery kit", new.kit), ("state", "kit untested"),
                                ("next", "iop-tui init --confirm, with a code and the kit")]))  # fmt: skip


def _ask_name(call: Call) -> str:
    if not call.opener.secrets.at_terminal:
        raise Usage("The first user needs a name.", "Add --user NAME.")
    with Questions(open_line()) as ask:
        return ask.line("Your name")


def _test_at_terminal(ws: Workspace, new: NewUser) -> None:
    with Questions(open_line()) as ask:
        ask.say("\nScan this with an authenticator app, or type the address into it:\n")
        ask.say(_qr(new.totp_uri))
        ask.say(f"{new.totp_uri}\n")
        ask.say(f"Recovery kit. Write it down or print it; it is shown once:\n\n  {new.kit}\n")
        ask.say("An untested kit is no kit: now type a code from the app and the kit from the paper.")
        _until_right(ask, "Code", lambda text: _check_code(ws, new, text))
        _until_right(ask, "Recovery kit", lambda text: service.confirm_kit(ws, text))


def _until_right(ask: Questions, label: str, check: Callable[[str], object]) -> None:
    while True:
        try:
            check(ask.line(label))
        except WrongSecrets as error:
            ask.say(f"{error.message} {error.hint}")
        else:
            return


def _check_code(ws: Workspace, new: NewUser, text: str) -> None:
    totp.accept(new.secrets.totp_seed, text, ws.env.code_clock.now_ms() // 1000, 0)


def _qr(uri: str) -> str:
    import segno

    out = io.StringIO()
    segno.make(uri, error="l").terminal(out=out, compact=True, border=2)
    return out.getvalue()


def _confirm(call: Call) -> Answer:
    """The second round: passphrase and code open the vault, the kit is tested."""
    options, secrets = call.opener.options, call.opener.secrets
    ws = unlock_once(options.folder, environment.make(options.folder, options.now), options.user, secrets)
    call.opener.adopt(ws)
    service.confirm_kit(ws, secrets.kit())
    return Answer({"state": "done"}, ["Set-up is finished. Start with `iop-tui`."])
