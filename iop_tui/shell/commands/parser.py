"""All commands and their options. Handlers are named by text, so that showing help loads nothing of the program."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from iop_tui import __version__
from iop_tui.kernel.errors import Usage

LISTS = ("people", "notes", "plans", "measures", "due", "couples", "sessions")


class Parser(argparse.ArgumentParser):
    """A parser that raises instead of ending the process, since `batch` parses many lines."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **kwargs})

    def error(self, message: str) -> NoReturn:
        """Raise `Usage`."""
        raise Usage(message[:1].upper() + message[1:] + ".", f"See `{self.prog} --help`.")


def _common(*, top: bool, user: str = "user") -> argparse.ArgumentParser:
    """Options that every command takes, before or after its name."""
    common = argparse.ArgumentParser(add_help=False)

    def default(value: object) -> object:
        return value if top else argparse.SUPPRESS

    group = common.add_argument_group("common options")
    group.add_argument("--vault", metavar="DIR", default=default(""), help="the vault's folder (or IOP_TUI_VAULT)")
    group.add_argument("--user", metavar="NAME", dest=user, default=default(""), help="who unlocks")
    group.add_argument(
        "--secrets-fd", metavar="N", type=int, default=default(None), help="read secrets from a descriptor"
    )
    group.add_argument(
        "--json", action="store_true", default=default(False), help="one JSON document on standard output"
    )
    group.add_argument("--now", metavar="ISO8601", default=default(""), help="the time, in demo vaults only")
    return common


class _Commands:
    """Adds commands with the common options and a handler."""

    def __init__(self, sub: Any, common: argparse.ArgumentParser, prefix: str = "") -> None:
        self._sub = sub
        self._common = common
        self._prefix = prefix

    def add(
        self, name: str, help: str, handler: str, *, batch: bool = True, common: argparse.ArgumentParser | None = None
    ) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = self._sub.add_parser(
            name, help=help, description=help, parents=[common or self._common]
        )
        parser.set_defaults(handler=handler, batch=batch, command=f"{self._prefix}{name}")
        return parser

    def group(self, name: str, help: str) -> _Commands:
        parser = self._sub.add_parser(name, help=help, description=help, parents=[self._common])
        return _Commands(parser.add_subparsers(metavar="ACTION", required=True), self._common, f"{name} ")


def build() -> argparse.ArgumentParser:
    """The parser of the program."""
    parser = Parser(
        prog="iop-tui",
        description="Charting for intensive outpatient programs. Without a command: unlock, then the app.",
        parents=[_common(top=True)],
    )
    parser.add_argument("--version", action="version", version=f"iop-tui {__version__}")
    commands = _Commands(parser.add_subparsers(metavar="COMMAND", required=True), _common(top=False))
    _vault_commands(commands)
    _user_commands(commands)
    _record_commands(commands)
    _access_commands(commands)
    _check_commands(commands)
    return parser


def _vault_commands(commands: _Commands) -> None:
    demo = commands.add("demo", "make a demo vault with fictional people and open it", "demo:demo", batch=False)
    demo.add_argument("--size", choices=("small", "clinic", "large"), default="small")
    demo.add_argument("--seed", type=int, default=1, metavar="N", help="another number makes other people")
    demo.add_argument("--no-open", action="store_true", help="print its users instead of opening it")
    init = commands.add("init", "first set-up of a vault of your own", "setup:init", batch=False)
    init.add_argument("--confirm", action="store_true", help="finish with a code and the recovery kit")
    init.add_argument("--role", action="append", default=[], help="your role besides administrator; may be repeated")
    commands.add(
        "batch", "one command per input line, one JSON document per output line, one unlock", "batch:batch", batch=False
    )


def _user_commands(commands: _Commands) -> None:
    users = commands.group("users", "the program's users")
    users.add("list", "all users", "users:list_users")
    add = users.add("add", "admit a user, who types the passphrase", "users:add")
    add.add_argument("name")
    add.add_argument("--role", action="append", required=True, help="may be repeated")
    roles = users.add("roles", "change a user's roles", "users:roles")
    roles.add_argument("who")
    roles.add_argument("--role", action="append", required=True, help="may be repeated")
    for name, help in (
        ("suspend", "take a user's vault key away on this copy"), ("resume", "end a suspension"),
        ("remove", "remove a user: every key is revoked"), ("complete", "give a user keys their roles are owed"),
    ):  # fmt: skip
        users.add(name, help, f"users:{name}").add_argument("who")
    users.add("passphrase", "a new passphrase for yourself", "users:passphrase")
    users.add("kit", "a new recovery kit for yourself", "users:kit")
    users.add("confirm-kit", "test your recovery kit", "users:confirm_kit")
    users.add("lost-phone", "open with the kit: new passphrase, code and kit", "users:lost_phone", batch=False)
    users.add("used-kit", "the same as lost-phone, after a kit was used elsewhere", "users:lost_phone", batch=False)
    devices = commands.group("devices", "the copies of this vault")
    devices.add("list", "devices with a key slot in this copy", "users:devices")


def _record_commands(commands: _Commands) -> None:
    importing = commands.add("import", "FHIR R4 bundles and NDJSON, plain or gzip", "importing:import_files")
    importing.add_argument("paths", nargs="+", metavar="PATH")
    importing.add_argument("--dry-run", action="store_true", help="say what would happen and change nothing")
    listing = commands.add("list", "what you may read", "records:list_records")
    listing.add_argument("what", choices=LISTS)
    listing.add_argument("--person", metavar="ID", default="", help="of one person only")
    listing.add_argument("--limit", type=int, default=0, metavar="N", help="at most N lines")
    show = commands.add("show", "one record, opened and verified", "records:show")
    show.add_argument("id")
    show.add_argument("--received", action="store_true", help="the record byte for byte as it was received")
    search = commands.add("search", "words in everything you may read", "records:search")
    search.add_argument("text", nargs="+")
    search.add_argument("--limit", type=int, default=50, metavar="N")
    commands.add("schema", "the JSON schema of a kind of document", "documents:schema").add_argument("kind")
    new = commands.add("new", "a document from standard input: the same checks as the form", "documents:new")
    new.add_argument("kind")
    new.add_argument("--person", metavar="ID", default="")
    new.add_argument("--record", metavar="ID", default="", help="a further version of an unsigned note")
    sign = commands.add("sign", "sign finished documents in one act", "documents:sign")
    sign.add_argument("ids", nargs="+", metavar="ID")
    addend = commands.add("addend", "an addendum to a signed note from standard input", "documents:addend")
    addend.add_argument("id")
    for parser in (new, addend):
        parser.add_argument("--doc", metavar="JSON", default="", help="the document itself, in batch lines only")


def _access_commands(commands: _Commands) -> None:
    assign = commands.add("assign", "make a user part of a person's care", "access:assign")
    assign.add_argument("person", metavar="PERSON")
    assign.add_argument("who", metavar="USER", help="name or id")
    assign.add_argument("--role", default="", help="needed where the user has several")
    assign.add_argument("--end", action="store_true", help="end the user's part instead")
    link = commands.add("link-couple", "link two people and their couples therapist", "access:link_couple")
    link.add_argument("a", metavar="PERSON")
    link.add_argument("b", metavar="PARTNER")
    link.add_argument("--therapist", required=True, metavar="USER", help="name or id")
    revoke = commands.add("revoke", "end what an act gave; final", "access:revoke")
    revoke.add_argument("id", metavar="ACT")
    explain = commands.add("explain", "who could read this, and by which rule", "access:explain")
    explain.add_argument("id")


def _check_commands(commands: _Commands) -> None:
    # `audit --user` names whose events are meant; it also says who unlocks where nothing before the command does.
    audit = commands.add(
        "audit", "the audit report; your own events without the auditors' key", "checking:audit",
        common=_common(top=False, user="whose"),
    )  # fmt: skip
    audit.add_argument("--from", dest="start", metavar="DATE", default="")
    audit.add_argument("--to", dest="end", metavar="DATE", default="")
    audit.add_argument("--person", metavar="ID", default="")
    verify = commands.add("verify", "check the vault", "checking:verify")
    verify.add_argument("--deep", action="store_true", help="open everything you may read and compare your view")
    commands.add("doctor", "what this machine does and lacks, with evidence", "doctor:doctor")
