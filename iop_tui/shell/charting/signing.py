"""Signing from any screen: what speaks against it, the passphrase where it is due, every rule, one act for several."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from iop_tui.clinical.charting import service as charting
from iop_tui.clinical.signing import service as signing
from iop_tui.kernel.declare import Finding
from iop_tui.ui.forms.review import LOCKS, Review, freshly
from iop_tui.ui.page import Page
from iop_tui.workspace import Workspace

WHY = "Signing needs your passphrase."


def findings_of(ws: Workspace, record: bytes) -> tuple[Finding, ...]:
    """What every rule says of a stored document now. Raises `NotFound`."""
    opened, kind, document = signing.opened_document(ws, record)
    return charting.findings(ws, opened.body.person, kind, document, record)


def of_several(ws: Workspace, named: Sequence[tuple[bytes, str]]) -> list[Finding]:
    """The same for several, each finding after the document's name."""
    if len(named) == 1:
        return list(findings_of(ws, named[0][0]))
    return [
        Finding(item.severity, item.code, f"{name}: {item.message}", "", item.source)
        for record, name in named
        for item in findings_of(ws, record)
    ]


async def with_passphrase(page: Page, act: Callable[[], Awaitable[Any]], why: str = WHY) -> bool:
    """Do something that a signature is part of; asks for the passphrase where it was not given lately."""

    async def confirm(phrase: bytearray) -> None:
        await page.desk.keep(Workspace.confirm, phrase)

    return await freshly(page, act, confirm, why=why)


async def sign(page: Page, ids: Sequence[bytes]) -> bool:
    """Sign with every rule. Whether it was signed; raises refusals."""
    return await with_passphrase(page, lambda: page.desk.write(charting.sign, ids))


async def review_and_sign(page: Page, named: Sequence[tuple[bytes, str]]) -> bool:
    """Show what the rules say of some documents, then sign them in one act. Whether they were signed."""
    found = await page.desk.read(of_several, named)
    title = f"Sign the {named[0][1]}?" if len(named) == 1 else f"Sign {len(named)} documents in one act?"
    if not await page.app.push_screen_wait(Review(title, found, consequence=LOCKS)):
        return False
    signed = await sign(page, [record for record, _ in named])
    if signed:
        page.app.notify("Signed." if len(named) == 1 else f"{len(named)} documents signed.")
    return signed
