"""`batch`: one command per input line, one JSON document per output line, one unlock.

A line is written as in a shell, or as a JSON list of words. `new` and `addend` take their document in the line:
`new progress_note --person ID --doc '{"service_date": …}'`. Empty lines and lines that begin with # are passed over.
A failing line prints its error and the next one runs.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys

from iop_tui.kernel.errors import Usage
from iop_tui.shell.commands import failures
from iop_tui.shell.commands.call import Answer, Call, Options, run
from iop_tui.shell.commands.output import dump
from iop_tui.shell.commands.parser import build

_NOT_HERE = frozenset({"-h", "--help", "--version"})


def batch(call: Call) -> Answer:
    """Run the lines of standard input; the exit code is the first of 5, 4, 3, 8, 7 that occurred."""
    parser = build()
    call.opener.workspace()
    codes = []
    for line in sys.stdin:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        document, code = _one(call, parser, line)
        codes.append(code)
        sys.stdout.write(document + "\n")
        sys.stdout.flush()
    return Answer(None, [], failures.first_of(codes))


def _one(call: Call, parser: argparse.ArgumentParser, line: str) -> tuple[str, int]:
    try:
        args = _parse(parser, line)
        if not args.batch:
            raise Usage(f"`{args.command}` does not run in a batch.")
        _refuse_other(args, call.opener.options)
        answer = run(Call(args, call.opener, in_batch=True))
    except Exception as error:  # one line's failure is that line's answer; it never holds a record's text
        return dump(failures.as_dict(error)), failures.exit_code(error)
    return dump(answer.value), answer.code


def _parse(parser: argparse.ArgumentParser, line: str) -> argparse.Namespace:
    words = _words(line)
    if _NOT_HERE & set(words):
        raise Usage("Help and version are not for batch lines.")
    return parser.parse_args(words)


def _refuse_other(given: argparse.Namespace, own: Options) -> None:
    """One unlock serves all lines: a line may repeat the vault, user and time of the batch, but not change them."""
    for name, theirs, ours in (("--vault", given.vault, own.vault), ("--user", given.user, own.user),
                               ("--now", given.now, own.now)):  # fmt: skip
        if theirs and theirs != ours:
            raise Usage(f"All lines of a batch share one unlock: {name} differs.", "Leave it out, or begin another.")
    if given.secrets_fd is not None:
        raise Usage("A batch line brings no secrets of its own.", "Leave --secrets-fd out.")


def _words(line: str) -> list[str]:
    try:
        if line.lstrip().startswith("["):
            words = json.loads(line)
            if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
                raise Usage("A JSON line must be a list of texts.")
            return words
        words = shlex.split(line)
    except ValueError:
        raise Usage("This line cannot be read.", "Check its quotes; or write it as a JSON list of texts.") from None
    return words[1:] if words[:1] == ["iop-tui"] else words
