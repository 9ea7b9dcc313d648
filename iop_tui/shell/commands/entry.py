"""From a command line to its exit code."""

from __future__ import annotations

from iop_tui.shell.commands import failures
from iop_tui.shell.commands.call import Answer, Call, Opener, Options, run
from iop_tui.shell.commands.parser import build
from iop_tui.shell.process import harden


def run_command(argv: list[str]) -> int:
    """Parse, run, print. Every failure becomes a sentence or, under `--json`, a document, and an exit code."""
    as_json = "--json" in argv
    try:
        args = build().parse_args(argv)
        harden.start()
        harden.protect()
        harden.quiet_libraries()
        options = Options.of(args)
        opener = Opener(options)
        try:
            answer: Answer = run(Call(args, opener))
        finally:
            opener.close()
        from iop_tui.shell.commands import output

        if args.command != "batch":
            output.show(answer, as_json=options.json)
    except (
        Exception,
        KeyboardInterrupt,
    ) as error:  # the boundary of a command: what is told never holds a record's text
        return failures.report(error, as_json=as_json)
    return answer.code
