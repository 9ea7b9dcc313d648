"""One command in progress: its arguments, the open vault, what it answers."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iop_tui.kernel.errors import DocumentInvalid, Usage
from iop_tui.shell.place import vault_folder

if TYPE_CHECKING:
    from iop_tui.shell.commands.secrets import Secrets
    from iop_tui.workspace import Workspace

DOCUMENT_LIMIT = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command prints: a JSON value, the same for people as plain lines, and the exit code."""

    value: Any
    lines: list[str] = field(default_factory=list)
    code: int = 0


@dataclass(frozen=True, slots=True)
class Options:
    """The common options."""

    vault: str
    user: str
    secrets_fd: int | None
    json: bool
    now: str

    @classmethod
    def of(cls, args: argparse.Namespace) -> Options:
        """From parsed arguments."""
        return cls(args.vault, args.user or getattr(args, "whose", ""), args.secrets_fd, args.json, args.now)

    @property
    def folder(self) -> Path:
        """The vault's folder."""
        return Path(vault_folder(self.vault))


class Opener:
    """Unlocks once, when the first command needs it, and closes at the end."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._secrets: Secrets | None = None
        self._workspace: Workspace | None = None

    @property
    def secrets(self) -> Secrets:
        """Where passphrases, codes and kits come from."""
        if self._secrets is None:
            from iop_tui.shell.commands.secrets import Secrets

            self._secrets = Secrets(self.options.secrets_fd)
        return self._secrets

    def workspace(self) -> Workspace:
        """The unlocked vault. Raises whatever an unlock raises."""
        if self._workspace is None:
            from iop_tui.shell.commands.unlocking import open_vault

            self._workspace = open_vault(self.options, self.secrets)
        return self._workspace

    def adopt(self, workspace: Workspace) -> None:
        """A workspace that a command opened in its own way; it is closed with this."""
        self._workspace = workspace

    def close(self) -> None:
        """Close what was opened."""
        workspace, self._workspace = self._workspace, None
        if workspace is not None:
            workspace.close()


@dataclass(frozen=True, slots=True)
class Call:
    """One command: arguments, the vault behind `opener`, and whether it is a line of a batch."""

    args: argparse.Namespace
    opener: Opener
    in_batch: bool = False

    @property
    def ws(self) -> Workspace:
        """The unlocked vault."""
        return self.opener.workspace()

    def document(self) -> Any:
        """The document: standard input, or `--doc` in a batch line, its texts without control characters.

        Raises `DocumentInvalid`, `Usage`.
        """
        import msgspec

        from iop_tui.kernel.text import clean_all

        raw = self._raw_document()
        try:
            return clean_all(msgspec.json.decode(raw))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise DocumentInvalid("This is no JSON document.", "See `iop-tui schema` for its fields.") from None

    def _raw_document(self) -> bytes:
        given = str(getattr(self.args, "doc", ""))
        if self.in_batch:
            if not given:
                raise Usage("In a batch the document stands in the line.", "Add --doc '{…}'.")
            return given.encode()
        if given:
            raise Usage(
                "--doc is for batch lines; arguments can be seen by others.", "Give the document on standard input."
            )
        data = sys.stdin.buffer.read(DOCUMENT_LIMIT + 1)
        if len(data) > DOCUMENT_LIMIT:
            raise DocumentInvalid("The document is larger than 4 MiB.")
        return data


Handler = Callable[[Call], Answer]


def run(call: Call) -> Answer:
    """Run the handler that the arguments name."""
    module, _, name = str(call.args.handler).partition(":")
    handler: Handler = getattr(importlib.import_module(f"iop_tui.shell.commands.{module}"), name)
    return handler(call)
