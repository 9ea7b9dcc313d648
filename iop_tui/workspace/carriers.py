"""The carriers a copy knows: where they are, what they were seen to do, and what their servers ask for.

Places and abilities lie in the vault's state. What a server asks for (a key and its secret) lies in the keyring of this
computer, or, where there is none, sealed under the device's own secret in the vault's state: never in a place, an
argument, the environment or a file of settings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import msgspec

from iop_tui.exchange.remotes import places
from iop_tui.exchange.remotes.apart.carrier import ApartRemote, Kept
from iop_tui.exchange.remotes.bundle import BundleRemote
from iop_tui.exchange.remotes.clients import Patience
from iop_tui.exchange.remotes.credentials import Credentials
from iop_tui.exchange.remotes.directory import DirectoryRemote
from iop_tui.exchange.remotes.failures import CertificateRefused
from iop_tui.exchange.remotes.places import Place
from iop_tui.exchange.remotes.port import Capabilities, Remote
from iop_tui.kernel.canonical import encode
from iop_tui.kernel.errors import MediumUnusable, NotFound, Refused, VaultDamaged
from iop_tui.kernel.rng import Rng
from iop_tui.kernel.secret import Secret
from iop_tui.kernel.text import clean_line
from iop_tui.store.work import Work
from iop_tui.vault import envelope, keystore
from iop_tui.vault.digest import derive, sha256
from iop_tui.workspace.workspace import Workspace

_REMOTES = "exchange:remotes"
_ACCESS = "exchange:access:"
_IN_KEYRING = b"keyring"
_CONTEXT = "iop/carrier-access/1"
_LARGEST_CA = 256 * 1024


class RemoteLine(msgspec.Struct, frozen=True, array_like=True):
    """A carrier this copy knows: its short name and where it is; `ca` is an authority of its own for TLS (PEM), `able`
    what its server was seen to do (names of `Capabilities`; empty where it was not tried), `proxy` the way to it where
    the network has no other (http://host:port).
    """

    name: str
    place: str
    ca: str = ""
    able: tuple[str, ...] = ()
    proxy: str = ""


class AccessMissing(MediumUnusable):
    """What the server of a carrier asks for is not on this computer."""

    code = "carrier_access"
    default_hint = "Enter it: `iop-tui remotes key NAME`, or press p on the carrier."


# -- the list ------------------------------------------------------------------------------


def remotes(ws: Workspace) -> list[RemoteLine]:
    """The carriers this copy knows."""
    raw = ws.session.db.state.get(_REMOTES, b"")
    try:  # not by its canonical form: a list of an older version has fewer fields
        return list(msgspec.msgpack.decode(raw, type=tuple[RemoteLine, ...])) if raw else []
    except msgspec.MsgspecError:
        raise VaultDamaged("The list of carriers cannot be read.") from None


def find_remote(ws: Workspace, text: str) -> RemoteLine:
    """A carrier by name or place; the only one where nothing is said. Raises `NotFound`, `Refused`."""
    known = remotes(ws)
    if not text:
        if len(known) != 1:
            raise Refused("Say which carrier is meant.", "`iop-tui remotes list` shows those this copy knows.")
        return known[0]
    for line in known:
        if text == line.name:
            return line
    place = places.parse(text)
    for line in known:
        if line.place == place.text:
            return line
    return RemoteLine(place.name, place.text)


def add_remote(
    ws: Workspace, name: str, place: Path | str, *, credentials: Credentials | None = None, ca: str = ""
) -> RemoteLine:
    """Try a carrier and note it. Raises what `tried` and `note_remote` raise."""
    line = tried(ws, name, place, credentials=credentials, ca=ca)
    note_remote(ws, line, keep(ws, line, credentials))
    return line


def tried(
    ws: Workspace, name: str, place: Path | str, *, credentials: Credentials | None = None, ca: str = "",
    proxy: str = "",
) -> RemoteLine:  # fmt: skip
    """Ask a carrier whether it can be one, and what its server does. Notes nothing here; may take as long as it likes.

    Raises `PlaceRefused`, `CarrierGone`, `OtherProgram`, `MediumUnusable`, `Refused` for a name in use.
    """
    found = places.parse(place)
    line = RemoteLine(clean_line(name) or found.name, found.text, ca, proxy=proxy.strip())
    if line.proxy:
        check_proxy(found, line.proxy)
    for other in remotes(ws):
        if other.name == line.name:
            raise Refused(f"There is a carrier named {line.name} already.", "Choose another name with --name.")
        if found.remote and other.place == line.place:
            raise Refused(f"This place is known already: it is {other.name}.", "Use that one, or forget it first.")
    return probed(ws, line, credentials)


def probed(ws: Workspace, line: RemoteLine, credentials: Credentials | None) -> RemoteLine:
    """The same for a carrier of the list, with these credentials. Notes nothing: see `note_abilities`, `set_access`."""
    place = places.parse(line.place)
    if not place.remote:
        open_remote(place.path, ws.realm, ws.rng).close()
        return line
    remote = server(place, credentials, ws.realm, ca=line.ca, proxy=line.proxy)
    try:
        able = remote.probe()
    finally:
        remote.close()
    return msgspec.structs.replace(line, able=_names(able))


def note_remote(ws: Workspace, line: RemoteLine, kept: bytes) -> None:
    """Remember a carrier that was tried; `kept` is what `keep` gave. Asks neither carrier nor keyring."""
    work = ws.work()
    _note_access(work, line, kept)
    _set_remotes(ws, work, [*remotes(ws), line], "remote-add")


def retest(ws: Workspace, line: RemoteLine) -> RemoteLine:
    """Try a carrier of the list with what is kept for it. Notes nothing: see `note_abilities`."""
    return probed(ws, line, access(ws, line))


def note_abilities(ws: Workspace, line: RemoteLine) -> None:
    """Remember what a carrier's server was seen to do now."""
    known = remotes(ws)
    fresh = [line if other.name == line.name else other for other in known]
    if fresh != known:
        _set_remotes(ws, ws.work(), fresh, "remote-test")


def set_access(ws: Workspace, line: RemoteLine, kept: bytes) -> None:
    """Replace what the server of a carrier asks for. Raises `Refused` for a folder or file."""
    if not places.parse(line.place).remote:
        raise Refused(f"{line.name} asks for no key.", "Only buckets and web folders do.")
    work = ws.work()
    _note_access(work, line, kept)
    ws.session.note(work, "remote-key")
    ws.session.db.commit(ws.session.sealed(work))


def remove_remote(ws: Workspace, name: str) -> RemoteLine:
    """Forget a carrier; nothing on it changes. What the keyring holds is left to `drop_access`. Raises `NotFound`."""
    gone = [line for line in remotes(ws) if line.name == name]
    if not gone:
        raise NotFound("`iop-tui remotes list` shows the names.")
    work = ws.work()
    _note_access(work, gone[0], b"")
    _set_remotes(ws, work, [line for line in remotes(ws) if line.name != name], "remote-remove")
    return gone[0]


def _set_remotes(ws: Workspace, work: Work, lines: list[RemoteLine], action: str) -> None:
    work.state[_REMOTES] = encode(tuple(lines))
    ws.session.note(work, action)
    ws.session.db.commit(ws.session.sealed(work))


# -- opening -------------------------------------------------------------------------------


def open_remote(place: Path, realm: bytes, rng: Rng) -> Remote:
    """The carrier at a path: a file that ends in `.cwx`, else a folder. Raises `CarrierGone`, `OtherProgram`."""
    if place.suffix == places.SUFFIX:
        return BundleRemote(place, realm, rng)
    return DirectoryRemote(place, realm, rng)


def open_server(
    ws: Workspace, line: RemoteLine, patience: Patience | None = None, cancelled: Callable[[], bool] | None = None,
    kept: Kept | None = None,
) -> ApartRemote:  # fmt: skip
    """The carrier on a server, with what is kept for it. Where it was tried before nothing is moved. To be closed.

    Raises `AccessMissing`, and what its first request raises where it was not tried.
    """
    able = _capabilities(line.able) if line.able else None
    place = places.parse(line.place)
    return server(place, access(ws, line), ws.realm, able=able, ca=line.ca, patience=patience, cancelled=cancelled,
                  kept=kept, proxy=line.proxy)  # fmt: skip


def server(
    place: Place, credentials: Credentials | None, realm: bytes | None, *, able: Capabilities | None = None,
    ca: str = "", patience: Patience | None = None, cancelled: Callable[[], bool] | None = None,
    kept: Kept | None = None, proxy: str = "",
) -> ApartRemote:  # fmt: skip
    """The carrier on a server at a place, in a process beside this one until it is closed."""
    return ApartRemote(place, credentials, realm, able=able, ca=ca, patience=patience, cancelled=cancelled, kept=kept,
                       proxy=proxy)  # fmt: skip


def check_proxy(place: Place, proxy: str) -> None:
    """Raise `PlaceRefused` where a place has no use for a proxy, or it is none."""
    places.parse_proxy(proxy)
    if not place.origin.startswith("https:"):
        raise places.PlaceRefused("A proxy leads to servers with https:// only.", "Leave --proxy out.")


def read_authority(file: Path) -> str:
    """The certificates (PEM) of an authority of one's own. Raises `CertificateRefused`."""
    try:
        text = file.read_bytes()[: _LARGEST_CA + 1].decode("ascii")
    except (OSError, UnicodeDecodeError):
        text = ""
    if "-----BEGIN CERTIFICATE-----" not in text or "PRIVATE KEY" in text or len(text) > _LARGEST_CA:
        raise CertificateRefused(f"{file.name} is no file of certificates.", "Give the authority's certificate as PEM.")
    return text


def _names(able: Capabilities) -> tuple[str, ...]:
    return tuple(field.name for field in fields(able) if getattr(able, field.name))


def _capabilities(names: tuple[str, ...]) -> Capabilities:
    known = {field.name for field in fields(Capabilities)}
    return Capabilities(**{name: True for name in names if name in known})


# -- what servers ask for ------------------------------------------------------------------


def access(ws: Workspace, line: RemoteLine) -> Credentials | None:
    """What the server of a carrier asks for, or None where nothing was ever given. Raises `AccessMissing`."""
    if not places.parse(line.place).remote:
        return None
    tag, kept = _tag(line), ws.session.db.state.get(_ACCESS + line.place, b"")
    if not kept:
        return None
    if kept != _IN_KEYRING:
        return Credentials.unpack(envelope.open_raw(_key(ws), _CONTEXT, (ws.realm, ws.session.device, tag), kept))
    found = keystore.load_access(ws.realm, ws.session.device, tag) if _keyring(ws) else None
    if found is None:
        raise AccessMissing(f"The key of {line.name} is not in the keyring of this computer.")
    return Credentials.unpack(found.reveal())


def keep(ws: Workspace, line: RemoteLine, credentials: Credentials | None) -> bytes:
    """Put what a server asks for where it is safe: what the vault's state is to hold of it. May ask the keyring, which
    may ask the person; changes nothing in the vault.
    """
    if credentials is None or not places.parse(line.place).remote:
        return b""
    tag = _tag(line)
    if _stored_in_keyring(ws, tag, credentials):
        return _IN_KEYRING
    return envelope.seal_raw(_key(ws), _CONTEXT, (ws.realm, ws.session.device, tag), credentials.pack(), ws.rng)


def drop_access(ws: Workspace, line: RemoteLine) -> None:
    """Take what the keyring holds for a carrier out of it. Raises `KeyringUnusable`."""
    if places.parse(line.place).remote and _keyring(ws):
        keystore.delete_access(ws.realm, ws.session.device, _tag(line))


def where(kept: bytes) -> str:
    """Where `keep` put it: `keyring`, `vault`, or nothing where there is nothing."""
    if not kept:
        return ""
    return "keyring" if kept == _IN_KEYRING else "vault"


def _note_access(work: Work, line: RemoteLine, kept: bytes) -> None:
    if places.parse(line.place).remote:
        work.state[_ACCESS + line.place] = kept


def _stored_in_keyring(ws: Workspace, tag: bytes, credentials: Credentials) -> bool:
    if not _keyring(ws):
        return False
    try:
        keystore.store_access(ws.realm, ws.session.device, tag, Secret(credentials.pack()))
    except keystore.KeyringUnusable:
        return False  # a locked or broken keyring: the vault keeps it, as where there is none
    return True


def _keyring(ws: Workspace) -> bool:
    return ws.env.use_keyring and keystore.available() is not None


def _tag(line: RemoteLine) -> bytes:
    return sha256(b"cwx/carrier", line.place.encode())[:16]


def _key(ws: Workspace) -> Secret:
    """A key that only the users of this device's vault can derive."""
    return Secret(derive(ws.vault_keys().device_seed.reveal(), _CONTEXT))
