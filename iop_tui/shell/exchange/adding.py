"""Adding a carrier by keys, and the key of a server anew: place, key, name; tried where nobody waits; then noted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from iop_tui.exchange.remotes import places
from iop_tui.exchange.remotes.credentials import Credentials
from iop_tui.exchange.remotes.failures import CertificateRefused
from iop_tui.exchange.remotes.places import Place
from iop_tui.kernel.errors import Refused
from iop_tui.kernel.paths import typed as typed_path
from iop_tui.shell.exchange import servers
from iop_tui.ui.ask import AskLine
from iop_tui.ui.forms.review import AskPassphrase
from iop_tui.workspace import carriers
from iop_tui.workspace.carriers import RemoteLine

_AUTHORITY = ("If the server has an authority of its own, give the file of its certificate. If it has none, somebody"
              " may be in between: leave it.")  # fmt: skip
ADD = "Add a carrier"
_WHERE = ("A folder of a stick or of a share, a .cwx file, a bucket (s3://…) or a web folder (https://…). Only packs"
          " that nobody without a key can read are put there.")  # fmt: skip


def typed_place(text: str) -> Place:
    """The place somebody typed. Raises `PlaceRefused`."""
    return places.parse(text if "://" in text else typed_path(text))


async def credentials(page: Any, place: Place) -> Credentials | None:
    """Ask for what a server asks for. Raises `_Left` for Esc; None where the first line is left empty."""
    key_label, secret_label = servers.access_labels(place.kind)
    says = f"{servers.SEES} Leave it empty if it asks for nothing."
    answer = await page.app.push_screen_wait(AskLine(place.host, says, key_label, needed=False, done="go on"))
    if answer is None:
        raise _Left
    if not answer[1]:
        return None
    asks = AskPassphrase(f"{key_label}: {answer[1]}", label=secret_label, done="go on")
    secret = await page.app.push_screen_wait(asks)
    if secret is None:
        raise _Left
    try:
        return Credentials.of(answer[1].encode(), secret)
    finally:
        secret[:] = bytes(len(secret))


class _Left(Exception):
    """Somebody pressed Esc: nothing happens."""


async def add(page: Any, begin: Callable[[], Awaitable[bool]]) -> RemoteLine | None:
    """Ask for a place and what belongs to it, try it, set the exchange up where that is due (`begin`), note it.

    The carrier noted, or None where somebody left. Raises what trying raises.
    """
    try:
        return await _added(page, begin)
    except _Left:
        return None


async def _added(page: Any, begin: Callable[[], Awaitable[bool]]) -> RemoteLine | None:
    text = await _asked(page, ADD, _WHERE, "Where it is", "go on")
    place = typed_place(text)
    given = await credentials(page, place) if place.remote else None
    name = await _asked(page, ADD, place.text, "What you call it", "add", place.name.removesuffix(places.SUFFIX))
    try:
        line: RemoteLine = await page.runner.ask(carriers.tried, page.desk.subject, name, place.text, credentials=given)
    except CertificateRefused as refused:
        line = await _with_authority(page, place, name, given, refused)
    if not await begin():
        return None
    kept = await page.runner.ask(carriers.keep, page.desk.subject, line, given)
    await page.desk.write(carriers.note_remote, line, kept)
    return line


async def _with_authority(
    page: Any, place: Place, name: str, given: Credentials | None, refused: CertificateRefused
) -> RemoteLine:
    """A server may have an authority of its own, whose certificate is a file. Raises the refusal where none is."""
    says = f"{refused.message} {_AUTHORITY}"
    asks = AskLine(ADD, says, "File of its own authority (PEM), or empty", needed=False, done="try it")
    answer = await page.app.push_screen_wait(asks)
    if answer is None or not answer[1]:
        raise refused
    ca = carriers.read_authority(typed_path(answer[1]))
    line: RemoteLine = await page.runner.ask(
        carriers.tried, page.desk.subject, name, place.text, credentials=given, ca=ca
    )
    return line


async def _asked(page: Any, title: str, consequence: str, label: str, done: str, value: str = "") -> str:
    answer = await page.app.push_screen_wait(AskLine(title, consequence, label, value=value, done=done))
    if answer is None:
        raise _Left
    text: str = answer[1]
    return text


async def enter_key(page: Any, line: RemoteLine) -> bool:
    """Ask for the key of a carrier's server anew, try it, keep it; whether it was. Raises what trying raises."""
    place = places.parse(line.place)
    if not place.remote:
        raise Refused(f"{line.name} asks for no key.", "Only buckets and web folders do.")
    try:
        given = await credentials(page, place)
    except _Left:
        return False
    found = await page.runner.ask(carriers.probed, page.desk.subject, line, given)
    kept = await page.runner.ask(carriers.keep, page.desk.subject, line, given)
    await page.desk.write(carriers.set_access, line, kept)
    await page.desk.write(carriers.note_abilities, found)
    return True


async def test(page: Any, line: RemoteLine) -> None:
    """Try what a carrier's server can do and remember it; a folder or file is asked by who calls."""
    if places.parse(line.place).remote:
        found = await page.runner.ask(carriers.retest, page.desk.subject, line)
        await page.desk.write(carriers.note_abilities, found)


async def forget(page: Any, line: RemoteLine) -> None:
    """Forget a carrier, then what the keyring holds for it."""
    await page.desk.write(carriers.remove_remote, line.name)
    await page.runner.ask(carriers.drop_access, page.desk.subject, line)
