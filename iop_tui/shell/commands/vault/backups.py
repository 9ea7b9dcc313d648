"""`backup` and `restore`: a verified copy of the vault in one file, and the way back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from iop_tui.clinical.staff import service as staff
from iop_tui.exchange import backup as backups
from iop_tui.exchange.backup import Manifest, Source
from iop_tui.kernel.clock import iso
from iop_tui.kernel.errors import EXIT_DAMAGED, Refused, VaultDamaged
from iop_tui.kernel.ids import show_id
from iop_tui.shell.commands import environment
from iop_tui.shell.commands.call import Answer, Call
from iop_tui.shell.commands.output import pairs
from iop_tui.shell.commands.unlocking import progress, unlock_once
from iop_tui.store.database import refuse_if_in_use
from iop_tui.vault import agekeys, headfile
from iop_tui.vault.totp import code_at
from iop_tui.workspace import DATABASE, Environment, NewUser, Workspace, backingup, recovering, unlock
from iop_tui.workspace.recovering import Closed
from iop_tui.workspace.restoring import restore as bring_back

_KEY_FILE_LIMIT = 64 * 1024
_ADVICE = "Keep it apart from this computer, and recovery kit and shares apart from both."


def backup(call: Call) -> Answer:
    """Check the vault completely, then copy it into one file; with --sealed copy it as it is, without a user."""
    target, folder = Path(call.args.out).absolute(), call.opener.options.folder
    if target.exists():
        raise Refused(f"{target.name} exists already.", "Choose another name: a backup is never overwritten.")
    if call.args.sealed:
        return told(_copy(target, folder), target, verified=False)
    refused = unsound(call.ws)
    return refused or told(backingup.make(call.ws, target), target, verified=True)


def unsound(ws: Workspace) -> Answer | None:
    """The answer where the complete check finds something: of such a vault no backup is made."""
    found = [item for item in ws.verify(progress("Checking")) if item.alarm]
    if not found:
        return None
    return Answer(
        {"ok": False, "findings": [{"what": item.what, "where": item.where} for item in found]},
        ["The vault does not fit, so no backup was made. See `iop-tui verify`."],
        EXIT_DAMAGED,
    )


def _copy(target: Path, folder: Path) -> backups.Copied:
    refuse_if_in_use(folder / DATABASE)
    log = folder / f"{DATABASE}-wal"
    if log.exists() and log.stat().st_size:
        raise Refused("The vault was not closed properly.", "Unlock and lock it once, then repeat the backup.")
    head = headfile.read(folder / headfile.NAME)
    if head.newest is None:
        raise VaultDamaged("vault.head holds no signed head.")
    signed = head.newest.head  # a claim here; restoring verifies it
    return backups.write(
        target, Source.closed(folder), realm=head.header.vault_id, device=signed.device_id, at_ms=signed.at_ms,
        audit_seq=signed.audit_seq, audit_hash=signed.audit_hash,
    )  # fmt: skip


def told(copied: backups.Copied, target: Path, *, verified: bool) -> Answer:
    """A backup that was made."""
    value: dict[str, Any] = {
        "file": str(target), "bytes": copied.size, "verified": verified, "at": iso(copied.manifest.at_ms),
        "log_entries": copied.manifest.audit_seq, "sealed_to_recipients": copied.sealed,
    }  # fmt: skip
    return Answer(value, [*pairs([(key.replace("_", " "), shown) for key, shown in value.items()]), _ADVICE])


# -- the way back --------------------------------------------------------------------------


def restore(call: Call) -> Answer:
    """Bring a backup back into an empty place, open it and check it completely before it counts."""
    options, source = call.opener.options, Path(call.args.file).absolute()
    folder = options.folder
    shares, identities = keys_for(call, source)
    manifest, new = bring_back(
        folder, source, identities, lambda staging, found: _open(call, staging, found, shares)
    )
    rest = new.pop("closed")
    value = {"restored": str(folder), "device": show_id(manifest.device), "at": iso(manifest.at_ms),
             "log_entries": manifest.audit_seq, **new}  # fmt: skip
    return Answer({**value, "closed": closed_value(rest)}, [
        *pairs(list(value.items())), *closed_lines(rest),
        "It equals what was backed up. Exchange now: what was written since comes from the other devices.",
    ])  # fmt: skip


def closed_value(rest: Closed) -> list[dict[str, Any]]:
    """Parts of records that some accounts cannot read, for JSON: who can, and how many parts."""
    return [{"users": list(users), "parts": parts} for users, parts in sorted(rest.items())]


def closed_lines(rest: Closed) -> list[str]:
    """The same in sentences."""
    return [
        f"{parts} part{'' if parts == 1 else 's'} of records come{'s' if parts == 1 else ''} back only with the"
        f" passphrase or kit of {' or '.join(users)}, unless they `iop-tui recovery join`."
        if users
        else f"{parts} part{'' if parts == 1 else 's'} of records can be opened by nobody who is still here."
        for users, parts in sorted(rest.items())
    ]


def keys_for(call: Call, source: Path) -> tuple[list[str], list[str]]:
    """Recovery shares where they are to be used, and the private age keys that open a sealed backup.

    Without an option, shares are asked for where nothing else opens the file.
    """
    args, sealed = call.args, backups.is_sealed(source)
    shares = call.opener.secrets.shares() if args.shares or (sealed and not args.identity) else []
    if not sealed:
        return shares, []
    return shares, [*_key_file(args.identity), *(recovering.identities(shares) if shares else [])]


def _key_file(name: str) -> list[str]:
    if not name:
        return []
    path = Path(name)
    with backups.outside(path), path.open("rb") as file:
        return agekeys.keys_of(file.read(_KEY_FILE_LIMIT).decode("utf-8", "replace"))


def _open(call: Call, staging: Path, manifest: Manifest, shares: list[str]) -> dict[str, Any]:
    options, secrets = call.opener.options, call.opener.secrets
    env = environment.make(staging, options.now)
    quiet = replace(env, use_keyring=False)  # the keyring remembers a later state, which is what was lost
    first = "kit" if call.args.kit else "shares" if shares else secrets.first("passphrase", "kit", "shares")
    if first == "passphrase":
        return {"closed": _prove(unlock_once(staging, quiet, options.user, secrets), env)}
    if first == "kit":
        kit, phrase = secrets.kit(), secrets.new_passphrase()
        fresh = staff.lost_phone(staging, quiet, name=options.user, kit=kit, phrase=bytearray(phrase))
    else:
        shares = shares or secrets.shares()
        slot, known = recovering.open_account(staging, manifest.recovery, shares, name=options.user)
        phrase = secrets.new_passphrase()
        fresh = recovering.renew(staging, quiet, slot, known, name=options.user, phrase=bytearray(phrase),
                                 action="shares-used")  # fmt: skip
    return _proved_anew(staging, quiet, env, fresh, phrase)


def _proved_anew(
    staging: Path, quiet: Environment, env: Environment, fresh: NewUser, phrase: bytearray
) -> dict[str, Any]:
    """Open what was restored with the new passphrase and code, and check it."""
    try:
        code = code_at(fresh.secrets.totp_seed, quiet.code_clock.now_ms() // 1000)
        rest = _prove(unlock(staging, quiet, name=fresh.name, phrase=phrase, code=code), env)
    finally:
        phrase[:] = bytes(len(phrase))
    return {"totp_uri": fresh.totp_uri, "kit": fresh.kit, "closed": rest}


def _prove(ws: Workspace, env: Environment) -> Closed:
    """Check everything; the parts of records that this account alone cannot read."""
    try:
        found = [item for item in ws.verify(progress("Checking")) if item.alarm]
        if found:
            raise VaultDamaged(f"{found[0].what} ({found[0].where}).", "Take another backup.")
        rest = recovering.closed(ws.session, [ws.user.user])
    except BaseException:  # also a stop by the user: keys are wiped before it goes on
        ws.close()
        raise
    ws.env = env
    ws.close("restore")
    return rest
