"""What the plan's screens ask of the rest of the program. Every rule stands behind these; the shell hands them over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from iop_tui.clinical.signing.api import Saved
from iop_tui.kernel.declare import Document, DocumentType, Finding
from iop_tui.ui.page import Page
from iop_tui.workspace import Workspace


class Save(Protocol):
    """Stores a version of a document, with every rule."""

    def __call__(
        self, ws: Workspace, person: bytes, kind: DocumentType[Any], document: Document, *,
        record: bytes | None = None, slot: bytes = b"",
    ) -> Saved:  # fmt: skip
        """See `charting.service.save`."""


@dataclass(frozen=True, slots=True)
class Doors:
    """`save` and `findings` are the charting service's; `sign` shows what the rules say and asks for the passphrase;
    `phrases` gives (shortcut, text) of the program's library.
    """

    save: Save
    findings: Callable[[Workspace, bytes, DocumentType[Any], Document], tuple[Finding, ...]]
    sign: Callable[[Page, Sequence[tuple[bytes, str]]], Awaitable[bool]]
    phrases: Callable[[Workspace], Sequence[tuple[str, str]]]
