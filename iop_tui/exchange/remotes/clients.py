"""How the library is set up: TLS always checked, one host only, nothing from the environment, no tries of its own.

The library follows redirects by itself. So everything goes through a gate (`gate.py`) that leads to the carrier's own
server alone. Without TLS, on this computer, what is not for its host goes to a proxy that is nowhere.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from iop_tui.exchange.remotes.credentials import Credentials
from iop_tui.exchange.remotes.failures import NOWHERE, CertificateRefused, CredentialsRefused
from iop_tui.exchange.remotes.gate import Gate
from iop_tui.exchange.remotes.places import Place
from iop_tui.kernel.secret import Secret

if TYPE_CHECKING:
    from obstore.store import HTTPStore, S3Store

S = TypeVar("S")
LONGEST = 3600.0
"""Seconds for one request, whatever it moves."""
_AGENT = "cwx"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for a connection, and for the next byte once it stands. At 23 kbit/s an object of 64 KiB is on
    its way for about 25 s, during which the server has nothing to say. `page`: seconds in which a list goes on.
    """

    connect: float = 10.0
    silence: float = 90.0
    page: float = 900.0


def opened(
    make: Callable[[Place, Credentials | None, str, Patience, Gate | None], S], place: Place,
    credentials: Credentials | None, ca: str, patience: Patience, proxy: str = "",
) -> tuple[S, Gate | None]:  # fmt: skip
    """What `s3_store` or `dav_store` makes, and the gate of the place; without TLS none, and no proxy."""
    gate = Gate(place, patience.connect, proxy) if place.origin.startswith("https:") else None
    try:
        return make(place, credentials, ca, patience, gate), gate
    except BaseException:  # also a panic of the library: the gate would go on waiting
        if gate is not None:
            gate.close()
        raise


def s3_store(
    place: Place, credentials: Credentials | None, ca: str, patience: Patience, gate: Gate | None
) -> S3Store:
    """The bucket of a place."""
    from obstore.store import S3Store

    _forget_environment()
    config: dict[str, Any] = {
        "endpoint": place.origin, "region": place.region, "virtual_hosted_style_request": False,
        "disable_bulk_delete": True, "disable_tagging": True,
    }  # fmt: skip
    if credentials is None:
        config["skip_signature"] = True
    else:
        config["access_key_id"] = _text(credentials.key)
        config["secret_access_key"] = _text(credentials.secret)
    with _authority(ca):
        return S3Store(
            place.bucket, prefix=place.prefix or None, config=config,  # type: ignore[arg-type]
            client_options=_options(place, ca, patience, gate), retry_config={"max_retries": 0},
        )  # fmt: skip


def dav_store(
    place: Place, credentials: Credentials | None, ca: str, patience: Patience, gate: Gate | None
) -> HTTPStore:
    """The folder of a web server of a place."""
    from obstore.store import HTTPStore

    options = _options(place, ca, patience, gate)
    if credentials is not None:
        pair = credentials.key.reveal() + b":" + credentials.secret.reveal()
        options["default_headers"] = {"authorization": "Basic " + base64.b64encode(pair).decode("ascii")}
    with _authority(ca):
        return HTTPStore(place.text, client_options=options, retry_config={"max_retries": 0})


def _text(value: Secret) -> str:
    """A key as it goes into a request. The library ends the thread over one that no request can hold."""
    text = value.reveal().decode("utf-8", "replace")
    if not text.isprintable():
        raise CredentialsRefused("The key has characters in it that cannot be typed.", "Enter it anew, without them.")
    return text


@contextmanager
def _authority(ca: str) -> Iterator[None]:
    """A certificate that is none, as a sentence."""
    from obstore.exceptions import BaseError

    try:
        yield
    except BaseError:
        if not ca:
            raise
        said = "The certificate of the authority cannot be read."
        raise CertificateRefused(said, "Give the authority's own as PEM.") from None


def _options(place: Place, ca: str, patience: Patience, gate: Gate | None) -> Any:
    options: dict[str, Any] = {
        "allow_http": place.origin.startswith("http:"), "allow_invalid_certificates": False, "user_agent": _AGENT,
        "connect_timeout": f"{round(patience.connect * 1000)}ms", "read_timeout": f"{round(patience.silence * 1000)}ms",
        "timeout": f"{round(LONGEST)}s", "proxy_url": gate.url if gate else f"http://{NOWHERE}",
    }  # fmt: skip
    if gate is None:
        options["proxy_excludes"] = place.host
    if ca:
        options["root_certificate"] = ca
    return options


def _forget_environment() -> None:
    """Variables for other programs would name another server, another key or no signature at all."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
