"""All commands and their options. Handlers are named by text, so that showing help loads nothing of the program."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from iop_tui import __version__
from iop_tui.kernel.errors import Usage

LISTS = ("people", "notes", "plans", "measures", "due", "couples", "sessions", "consents", "disclosures",
         "cosignatures", "emergencies", "schedule")  # fmt: skip


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
    _leaving_commands(commands)
    _check_commands(commands)
    _exchange_commands(commands)
    return parser


def _vault_commands(commands: _Commands) -> None:
    demo = commands.add("demo", "make a demo vault with fictional people and open it", "demo:demo", batch=False)
    demo.add_argument("--size", choices=("small", "clinic", "large"), default="small", help="12, 200 or 2,000 people")
    demo.add_argument("--seed", type=int, default=1, metavar="N", help="another number makes other people")
    demo.add_argument("--no-open", action="store_true", help="print its users instead of opening it")
    init = commands.add("init", "first set-up of a vault of your own", "vault.setup:init", batch=False)
    init.add_argument("--confirm", action="store_true", help="finish with a code and the recovery kit")
    init.add_argument("--role", action="append", default=[], help="your role besides administrator; may be repeated")
    commands.add(
        "batch", "one command per input line, one JSON document per output line, one unlock", "batch:batch", batch=False
    )


def _user_commands(commands: _Commands) -> None:
    users = commands.group("users", "the program's users")
    users.add("list", "all users", "vault.users:list_users")
    add = users.add("add", "admit a user, who types the passphrase", "vault.users:add")
    add.add_argument("name")
    add.add_argument("--role", action="append", required=True, help="may be repeated")
    roles = users.add("roles", "change a user's roles", "vault.users:roles")
    roles.add_argument("who")
    roles.add_argument("--role", action="append", required=True, help="may be repeated")
    for name, help in (
        ("suspend", "take a user's vault key away on this copy"), ("resume", "end a suspension"),
        ("remove", "remove a user: every key is revoked"), ("complete", "give a user keys their roles are owed"),
    ):  # fmt: skip
        users.add(name, help, f"vault.users:{name}").add_argument("who")
    users.add("passphrase", "a new passphrase for yourself", "vault.users:passphrase")
    users.add("kit", "a new recovery kit for yourself", "vault.users:kit")
    users.add("confirm-kit", "test your recovery kit", "vault.users:confirm_kit")
    users.add("lost-phone", "open with the kit: new passphrase, code and kit", "vault.users:lost_phone", batch=False)
    users.add(
        "used-kit", "the same as lost-phone, after a kit was used elsewhere", "vault.users:lost_phone", batch=False,
    )


def _record_commands(commands: _Commands) -> None:
    importing = commands.add(
        "import", "FHIR R4, C-CDA, client lists (CSV), vCard, calendars (.ics)", "transfer.importing:import_files"
    )
    importing.add_argument("paths", nargs="+", metavar="PATH")
    importing.add_argument("--dry-run", action="store_true", help="say what would happen and change nothing")
    importing.add_argument("--person", metavar="ID", default="", help="whose it is, where a file names nobody")
    importing.add_argument("--clinician", metavar="NAME", default="", help="whose calendar it is, where not yours")
    importing.add_argument(
        "--pick", metavar="PARTS", default="", help="from C-CDA: problems,goals,scores as records of their own"
    )
    importing.add_argument(
        "--map", metavar="COLUMN=FIELD", action="append", default=[], help="what a column of a client list is"
    )
    importing.add_argument("--mapping", metavar="NAME", default="", help="a saved mapping of a client list")
    importing.add_argument("--save-mapping", metavar="NAME", default="", help="keep the mapping under this name")
    _calendar_commands(commands)
    listing = commands.add("list", "what you may read", "charting.records:list_records")
    listing.add_argument("what", choices=LISTS)
    listing.add_argument("--person", metavar="ID", default="", help="of one person only")
    listing.add_argument("--limit", type=int, default=0, metavar="N", help="at most N lines")
    listing.add_argument("--from", dest="start", metavar="DATE", default="", help="of the schedule: the first day")
    listing.add_argument("--to", dest="end", metavar="DATE", default="", help="of the schedule: the last day")
    show = commands.add("show", "one record, opened and verified", "charting.records:show")
    show.add_argument("id")
    show.add_argument("--received", action="store_true", help="the record byte for byte as it was received")
    search = commands.add("search", "words in everything you may read", "charting.records:search")
    search.add_argument("text", nargs="+")
    search.add_argument("--limit", type=int, default=50, metavar="N", help="at most N lines")
    commands.add("schema", "the JSON schema of a kind of document", "charting.documents:schema").add_argument("kind")
    new = commands.add("new", "a document from standard input: the same checks as the form", "charting.documents:new")
    new.add_argument("kind")
    new.add_argument("--person", metavar="ID", default="", help="whose it is: a person, or a couple")
    new.add_argument("--record", metavar="ID", default="", help="a further version of an unsigned note")
    _attachment_commands(commands)
    _measure_commands(commands)
    sign = commands.add("sign", "sign finished documents in one act", "charting.documents:sign")
    sign.add_argument("ids", nargs="+", metavar="ID")
    reminders = commands.add(
        "reminders", "what is due as a calendar file of busy times", "charting.reminding:reminders",
    )
    reminders.add_argument("file", metavar="FILE")
    addend = commands.add("addend", "an addendum to a signed note from standard input", "charting.documents:addend")
    addend.add_argument("id")
    amend, void, back = _correction_commands(commands)
    for parser in (new, addend, amend, void, back):
        parser.add_argument("--doc", metavar="JSON", default="", help="the document itself, in batch lines only")


def _calendar_commands(commands: _Commands) -> None:
    calendar = commands.group("calendar", "lines of an imported calendar that wait for you")
    calendar.add("list", "the lines, word for word", "charting.scheduling:calendar_lines").add_argument(
        "--all", action="store_true", help="those that were decided, too"
    )
    plan = calendar.add("plan", "plan the times of some lines with one person", "charting.scheduling:calendar_plan")
    plan.add_argument("--person", metavar="ID", required=True, help="whose sessions these are")
    plan.add_argument("--modality", choices=("in person", "video", "audio only"), required=True, help="how you meet")
    plan.add_argument("--kind", choices=("individual", "family", "case management", "crisis"), default="individual",
                      help="what kind of sessions")  # fmt: skip
    aside = calendar.add("aside", "say that some lines are no sessions", "charting.scheduling:calendar_aside")
    for parser in (plan, aside):
        parser.add_argument("ids", nargs="+", metavar="LINE")


def _attachment_commands(commands: _Commands) -> None:
    attach = commands.add("attach", "a file into a chart: letter, scanned form, report", "charting.attaching:attach")
    attach.add_argument("person", metavar="PERSON", help="or a couple, with --part JNT")
    attach.add_argument("file", metavar="FILE", help="or - for standard input")
    attach.add_argument("--title", required=True, help="what the chart calls it")
    attach.add_argument("--what", default="other", help="what kind of document",
                        choices=("letter", "scanned consent", "lab report", "identification", "other"))  # fmt: skip
    attach.add_argument("--on", metavar="DATE", default="", help="the day on the document; else today")
    attach.add_argument("--from", dest="sender", metavar="NAME", default="", help="who wrote or sent it")
    attach.add_argument("--part", default="", choices=("DIR", "MED", "CRISIS", "PAY", "PSY", "SAFE", "JNT", "HOLD"),
                        help="part of the record; else your own charting")  # fmt: skip
    attach.add_argument("--record", metavar="ID", default="", help="the record it belongs to, such as a consent")
    group = commands.group("attachment", "files of a chart: read, fetch, keep here")
    group.add("list", "all of a person or couple", "charting.attaching:listing").add_argument("person", metavar="ID")
    show = group.add("show", "the bytes, for a program behind a pipe", "charting.attaching:show", batch=False)
    show.add_argument("id", metavar="ID")
    fetch = group.add("fetch", "get the missing parts from a carrier now", "charting.attaching:fetch")
    fetch.add_argument("id", metavar="ID")
    fetch.add_argument("remote", nargs="?", default="", metavar="REMOTE")
    for name, help in (("pin", "keep all of a person on this copy"), ("unpin", "fetch only what is opened")):
        group.add(name, help, f"charting.attaching:{name}").add_argument("person", metavar="ID")


def _measure_commands(commands: _Commands) -> None:
    instruments = commands.group("instruments", "the program's questionnaires")
    instruments.add("list", "all questionnaires", "charting.measuring:list_instruments")
    load = instruments.add("load", "a file of the clinic's own, with its wording", "charting.measuring:load")
    load.add_argument("file", metavar="FILE")
    instruments.add(
        "retire", "no longer use the clinic's file", "charting.measuring:retire",
    ).add_argument("id", metavar="ID")
    score = commands.add("score", "what answers from standard input come to; keeps nothing", "charting.measuring:score")
    score.add_argument("--person", metavar="ID", default="", help="for cut-offs and changes of this person")
    score.add_argument("--doc", metavar="JSON", default="", help="the document itself, in batch lines only")


def _correction_commands(commands: _Commands) -> tuple[argparse.ArgumentParser, ...]:
    cosign = commands.add(
        "cosign", "co-sign what colleagues under your supervision signed", "charting.correcting:cosign",
    )
    cosign.add_argument("ids", nargs="+", metavar="ID", help="of the request or of the document")
    back = commands.add(
        "return", "return a document for changes; what, from standard input", "charting.correcting:give_back",
    )
    amend = commands.add("amend", "a correction of a signed document from standard input", "charting.correcting:amend")
    void = commands.add("void", "withdraw a document; the explanation from standard input", "charting.correcting:void")
    void.add_argument("--reason", required=True, metavar="REASON",
                      help="wrong person, duplicate, did not take place, entered in error, other")  # fmt: skip
    for parser in (back, amend, void):
        parser.add_argument("id", metavar="ID")
    return amend, void, back


def _access_commands(commands: _Commands) -> None:
    assign = commands.add("assign", "make a user part of a person's care", "charting.access:assign")
    assign.add_argument("person", metavar="PERSON")
    assign.add_argument("who", metavar="USER", help="name or id")
    assign.add_argument("--role", default="", help="needed where the user has several")
    assign.add_argument(
        "--partner-agreed", metavar="HOW", default="",
        help="privacy officer, after joint work ended: how the other partner agreed in writing",
    )
    assign.add_argument("--end", action="store_true", help="end the user's part instead")
    link = commands.add("link-couple", "link two people and their couples therapist", "charting.access:link_couple")
    link.add_argument("a", metavar="PERSON")
    link.add_argument("b", metavar="PARTNER")
    link.add_argument("--therapist", required=True, metavar="USER", help="name or id")
    dissolve = commands.add("dissolve", "end joint work of a couple", "charting.coupling:dissolve")
    dissolve.add_argument("id", metavar="COUPLE")
    dissolve.add_argument("--by", default="couples therapist", help="who ends it: partner A, partner B, court paper …")
    dissolve.add_argument("--code", default="other, neutral", help="a neutral code; never a safety reason")
    request = commands.add(
        "record-request", "a person's own record, by a request from standard input", "charting.coupling:record_request"
    )
    request.add_argument("person", metavar="PERSON")
    request.add_argument("--out", metavar="DIR", default="", help="a folder that does not exist yet")
    request.add_argument("--decide", action="store_true", help="privacy officer: what of the joint record goes out")
    request.add_argument("--doc", metavar="JSON", default="", help="the document itself, in batch lines only")
    authorize = commands.add(
        "authorize", "record a client's consent from standard input and carry it out", "charting.consenting:authorize"
    )
    authorize.add_argument("--doc", metavar="JSON", default="", help="the document itself, in batch lines only")
    revoke = commands.add("revoke", "end a consent, or what an act gave; final", "charting.consenting:revoke")
    revoke.add_argument("id", metavar="CONSENT|ACT")
    revoke.add_argument("--recipient", action="append", default=[], help="for this recipient only; may be repeated")
    revoke.add_argument("--received", metavar="DATE", default="", help="when the revocation was received")
    revoke.add_argument("--method", default="in writing", help="how it was received")
    explain = commands.add("explain", "who could read this, and by which rule", "charting.consenting:explain")
    explain.add_argument("id")
    _restriction_commands(commands)
    _emergency_commands(commands)
    _turnover_commands(commands)


def _restriction_commands(commands: _Commands) -> None:
    restrict = commands.group("restrict", "whom a person asked us not to tell: 45 CFR 164.522(a)")
    restrict.add("list", "requests and how they stand", "charting.restricting:listing").add_argument(
        "--person", metavar="ID", default="", help="of one person only"
    )
    asked = restrict.add("request", "take a request down, from standard input", "charting.restricting:request")
    asked.add_argument("person", metavar="PERSON")
    asked.add_argument("--doc", metavar="JSON", default="", help="the document itself, in batch lines only")
    agree = restrict.add("agree", "privacy officer: agree to a request", "charting.restricting:agree")
    refuse = restrict.add("refuse", "privacy officer: refuse a request, and why", "charting.restricting:refuse")
    end = restrict.add("end", "privacy officer: end one, with the person's word or by the program",
                       "charting.restricting:end")  # fmt: skip
    for parser in (agree, refuse, end):
        parser.add_argument("id", metavar="ID", help="as `restrict list` prints it")
        parser.add_argument("--reason", default="", help="needed for a refusal")
    end.add_argument("--how", required=True, metavar="HOW",
                     help="in-writing, by-word (of the person), by-program (the person was told)")  # fmt: skip


def _emergency_commands(commands: _Commands) -> None:
    glass = commands.add(
        "break-glass",
        "open a crisis card in an emergency; whose and why, from standard input",
        "charting.emergency:break_glass",
    )
    glass.add_argument("--again", metavar="USE", default="", help="the same card once more, within its time")
    review = commands.add(
        "review-access", "privacy officer: verdict on an emergency access, from standard input",
        "charting.emergency:review_access",
    )  # fmt: skip
    review.add_argument("id", metavar="ID", help="as `list emergencies` prints it")
    for parser in (glass, review):
        parser.add_argument("--doc", metavar="JSON", default="", help="the document itself, in batch lines only")


def _turnover_commands(commands: _Commands) -> None:
    transfer = commands.add(
        "transfer", "move a caseload to a colleague, or let one stand in", "charting.consenting:transfer",
    )
    transfer.add_argument("frm", metavar="FROM", help="name or id")
    transfer.add_argument("to", metavar="TO", help="name or id")
    transfer.add_argument("--person", action="append", default=[], metavar="ID", help="only this person or couple")
    transfer.add_argument("--role", default="", help="only this part")
    transfer.add_argument("--until", metavar="DATE", default="", help="stand in until this day")
    succession = commands.group("succession", "who takes over a caseload without notice")
    named = succession.add("name", "your successor, and whose second signature it needs", "charting.succession:name")
    named.add_argument("successor", metavar="USER")
    named.add_argument("second", metavar="SECOND", help="a privacy officer or medical director")
    approve = succession.add(
        "approve", "the second signature for a clinician who is gone", "charting.succession:approve",
    )
    approve.add_argument("who", metavar="USER")
    approve.add_argument("--reason", required=True, help="why they are gone without notice")
    consult = commands.add("consult", "let a supervisor read some records until a day", "charting.succession:consult")
    consult.add_argument("ids", nargs="+", metavar="ID")
    consult.add_argument("--reader", required=True, metavar="USER", help="who reads")
    consult.add_argument("--reason", required=True, help="why; kept with the access")
    consult.add_argument("--until", metavar="DATE", default="", help="at most 30 days; 7 where left out")
    supervision = commands.group("supervision", "supervisors over both sides of a couple")
    supervision.add("conflicts", "who supervises more than one side", "charting.succession:conflicts")
    allow = supervision.add("except", "record an exception and what is done instead", "charting.succession:allow")
    allow.add_argument("who", metavar="USER")
    allow.add_argument("couple", metavar="COUPLE")
    allow.add_argument("--instead", required=True, help="what is done instead",
                       choices=("second supervisor", "redacted consult", "documented exception"))  # fmt: skip
    allow.add_argument("--reason", required=True, help="why; kept with the exception")


def _leaving_commands(commands: _Commands) -> None:
    export = commands.add("export", "everything you may export, as FHIR R4 in a new folder", "transfer.leaving:export")
    export.add_argument("what", choices=("person", "all"))
    export.add_argument("id", nargs="?", default="", metavar="ID")
    export.add_argument("--out", metavar="PATH", default="", help="a folder (with --to a file) that is not there yet")
    export.add_argument("--to", metavar="KEY", default="",
                        help="encrypt it as one file: age1…, an SSH public key; for one person also passphrase")
    export.add_argument("--consent", metavar="ID", default="", help="the consent it leaves on; else: their own request")
    export.add_argument("--recipient", metavar="NAME", default="", help="who receives it, as the consent names them")
    export.add_argument("--purpose", metavar="TEXT", default="", help="what for, as the list of disclosures says it")
    packet = commands.add("packet", "chosen documents, sealed to who receives them", "transfer.leaving:packet")
    packet.add_argument("--person", metavar="ID", required=True, help="whose documents")
    packet.add_argument("--documents", metavar="ID", nargs="+", required=True, help="what goes in")
    packet.add_argument("--consent", metavar="ID", default="", help="the consent that covers them")
    packet.add_argument("--basis", default="", help="the ground, where it is not a consent")
    packet.add_argument("--purpose", metavar="TEXT", required=True, help="what for, as the consent says it")
    packet.add_argument("--recipient", metavar="NAME", default="", help="needed where the consent names several")
    packet.add_argument("--recipient-kind", default="", choices=("client", "provider", "payer", "court", "other"),
                        help="who receives it; not said, it is judged as if a payer did")  # fmt: skip
    packet.add_argument("--to", metavar="KEY", required=True, help="age1…, an SSH public key, or the word passphrase")
    packet.add_argument("--out", metavar="FILE", required=True, help="a file that is not there yet")
    letter = commands.add("letter", "a signed letter, on the consent it names, into a file", "transfer.leaving:letter")
    letter.add_argument("id")
    letter.add_argument("--form", choices=("pdf", "markdown"), default="pdf", help="what the file is")
    letter.add_argument("--method", choices=("post", "by hand", "fax", "secure e-mail"), default="post",
                        help="how it is sent")  # fmt: skip
    letter.add_argument("--out", metavar="FILE", required=True, help="a file that is not there yet")
    copy = commands.add("print", "a copy of one document for the person", "transfer.leaving:print_copy")
    copy.add_argument("id")
    copy.add_argument("--form", choices=("pdf", "markdown", "page", "card", "text"), default="pdf", help="what it is")
    copy.add_argument("--safe-to-hold", choices=("yes", "no"), default="", help="asked of the person, alone")
    copy.add_argument("--out", metavar="FILE", required=True, help="a file that is not there yet")


def _check_commands(commands: _Commands) -> None:
    # `audit --user` names whose events are meant; it also says who unlocks where nothing before the command does.
    audit = commands.add(
        "audit", "the audit report; your own events without the auditors' key", "vault.checking:audit",
        common=_common(top=False, user="whose"),
    )  # fmt: skip
    audit.add_argument("--from", dest="start", metavar="DATE", default="", help="the first day")
    audit.add_argument("--to", dest="end", metavar="DATE", default="", help="the last day")
    audit.add_argument("--person", metavar="ID", default="", help="about one person only")
    verify = commands.add("verify", "check the vault", "vault.checking:verify")
    verify.add_argument("--deep", action="store_true", help="open everything you may read and compare your view")
    commands.add("doctor", "what this machine does and lacks, with evidence", "vault.doctor:doctor")


def _exchange_commands(commands: _Commands) -> None:
    sync = commands.add("sync", "exchange with the other devices over a carrier", "vault.exchanging:sync")
    sync.add_argument("remote", nargs="?", default="", metavar="REMOTE", help="name, folder or .cwx file")
    sync.add_argument("--dry-run", action="store_true", help="say how many bytes and seconds, and move nothing")
    sync.add_argument("--limit", type=int, default=0, metavar="BYTES", help="stop cleanly after this many bytes")
    sync.add_argument("--thorough", action="store_true", help="list all that lies there, as once a week: finds losses")
    sync.add_argument("--attachments", action="store_true", help="fetch every part that a folder or stick holds")
    sync.add_argument("--carry", action="store_true", help="move packs and apply nothing; needs no user")
    remotes = commands.group("remotes", "the carriers this copy exchanges over")
    remotes.add("list", "all carriers", "vault.remotes:listed")
    add = remotes.add(
        "add", "note a folder, .cwx file, bucket or web folder; the first one begins the exchange", "vault.remotes:add",
    )
    add.add_argument("place", metavar="PLACE", help="FOLDER, FILE.cwx, s3://bucket/folder?endpoint=…&region=…, https://…")
    add.add_argument("--ca", default="", metavar="FILE", help="certificate (PEM) of the server's own authority")
    add.add_argument("--proxy", default="", metavar="URL", help="the network's proxy, http://host:port, if needed")
    add.add_argument("--name", default="", help="a short name for it")
    add.add_argument("--device", default="", metavar="NAME", help="what this device is called, the first time")
    test = remotes.add("test", "whether a carrier is there and is this program's", "vault.remotes:test")
    test.add_argument("remote", nargs="?", default="", metavar="REMOTE")
    key = remotes.add("key", "enter the key or password of a carrier's server anew", "vault.remotes:key")
    key.add_argument("remote", nargs="?", default="", metavar="REMOTE")
    remotes.add(
        "remove", "forget a carrier; nothing on it changes", "vault.remotes:remove",
    ).add_argument("name")
    _device_commands(commands)
    backup = commands.add("backup", "a verified copy of the vault in one file", "vault.backups:backup", batch=False)
    backup.add_argument("--out", required=True, metavar="FILE", help="a file that is not there yet")
    backup.add_argument("--sealed", action="store_true", help="copy it as it is, unverified; needs no user")
    restore = commands.add("restore", "bring a backup back into an empty place", "vault.backups:restore", batch=False)
    _backup_keys(restore)
    _recovery_commands(commands)


def _backup_keys(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--kit", action="store_true", help="open it with a recovery kit: new passphrase, code and kit")
    parser.add_argument("--shares", action="store_true", help="open it with recovery shares: the same, by their papers")
    parser.add_argument("--identity", default="", metavar="KEYFILE", help="private age key of a named recipient")


def _recovery_commands(commands: _Commands) -> None:
    recovery = commands.group("recovery", "recovery shares, recipients of backups, scheduled backups, drills")
    recovery.add("status", "shares, recipients, schedule, newest backup and drill", "vault.recovering:status")
    shares = recovery.add("shares", "make recovery shares; each is shown once", "vault.recovering:shares")
    shares.add_argument("--need", type=int, default=2, metavar="N", help="how many open the account")
    shares.add_argument("--of", type=int, default=3, metavar="N", help="how many are made")
    recovery.add("confirm", "take shares back from their papers; then they count", "vault.recovering:confirm")
    recovery.add("join", "put your own account under the program's shares too", "vault.recovering:join")
    keys = recovery.add("recipients", "seal backups to these public age keys", "vault.recovering:recipients")
    keys.add_argument("keys", nargs="*", metavar="KEY", help="age1… or an SSH public key")
    keys.add_argument("--none", action="store_true", help="seal backups to nobody besides")
    plan = recovery.add("schedule", "backups by themselves, into this folder", "vault.recovering:schedule")
    plan.add_argument("folder", nargs="?", default="", metavar="FOLDER")
    plan.add_argument("--hours", type=int, default=24, metavar="N", help="how often")
    plan.add_argument("--off", action="store_true", help="none any more")
    recovery.add("run", "make the scheduled backup now and thin the older ones", "vault.recovering:run")
    drill = recovery.add(
        "drill", "restore a backup beside the vault, compare, sign the result", "vault.recovering:drill",
    )
    _backup_keys(drill)


def _device_commands(commands: _Commands) -> None:
    devices = commands.group("devices", "the copies of this vault")
    devices.add("list", "all devices, and how far each has followed this one", "vault.exchanging:devices")
    asking = devices.add("requests", "new devices that ask on a carrier, with their words", "vault.exchanging:requests")
    admit = devices.add("admit", "admit the device whose screen shows these six words", "vault.exchanging:admit")
    admit.add_argument("words", nargs=6, metavar="WORD")
    for parser in (asking, admit):
        parser.add_argument("--remote", default="", metavar="REMOTE", help="name or folder")
    enrol = devices.add(
        "enrol", "make this device's copy of a program's vault", "vault.exchanging:enrol_device", batch=False,
    )
    enrol.add_argument("place", metavar="PLACE", help="the carrier: a folder, a bucket or a web folder")
    enrol.add_argument("--ca", default="", metavar="FILE", help="certificate (PEM) of the server's own authority")
    enrol.add_argument("--proxy", default="", metavar="URL", help="the network's proxy, http://host:port")
    enrol.add_argument("--name", required=True, help="what this device is called")
    enrol.add_argument("--wait", type=int, default=3600, metavar="SECONDS", help="to be admitted, or for a lost link")
    for name, help in (
        ("retire", "a device is no longer used"), ("lost", "a device is lost: cut it off, new transport key"),
    ):  # fmt: skip
        devices.add(name, help, f"vault.exchanging:{name}").add_argument("id", metavar="DEVICE")
    devices.add("late", "what a lost device wrote beyond what was known then", "vault.recovering:late")
    for name, help in (
        ("accept", "take late work in, with all its device wrote before"), ("reject", "file late work as not accepted"),
    ):  # fmt: skip
        decided = devices.add(name, help, f"vault.recovering:{name}")
        decided.add_argument("pack", metavar="PACK", help="the first 8 or more of its characters")
        decided.add_argument("--reason", required=True, help="why; kept with the decision")
