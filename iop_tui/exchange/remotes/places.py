"""Where a carrier is: a folder, a file `.cwx`, a bucket (`s3://…`) or a folder of a web server (`https://…`, WebDAV).

A place is text that is kept, shown and compared. It never holds a password or a key: those are kept elsewhere
(`credentials.py`), and a place that brings one is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from iop_tui.kernel.errors import Refused

FOLDER, FILE, S3, DAV = "folder", "file", "s3", "webdav"
SUFFIX = ".cwx"
DEFAULT_REGION = "us-east-1"
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]{1,20})://")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_EXAMPLES = (
    "Give a folder, a file that ends in .cwx, s3://bucket/folder?endpoint=https://host&region=name, or https://host/folder."
)


class PlaceRefused(Refused):
    """A place that cannot be a carrier, or that would show a secret."""

    code = "place"
    default_hint = _EXAMPLES


@dataclass(frozen=True, slots=True)
class Place:
    """`text` is the place as it is kept. `path` of a folder or file; of a server `origin` (scheme, host, port), `host`,
    `bucket` (S3), `prefix` (without slashes at its ends) and `region` (S3).
    """

    kind: str
    text: str
    path: Path = Path()
    origin: str = ""
    host: str = ""
    bucket: str = ""
    prefix: str = ""
    region: str = ""

    @property
    def remote(self) -> bool:
        """Whether it is reached over a network by this program."""
        return self.kind in (S3, DAV)

    @property
    def name(self) -> str:
        """A short name for people: the last part."""
        if not self.remote:
            return self.path.name
        return self.prefix.rpartition("/")[2] or self.bucket or self.host


def parse(text: str | Path) -> Place:
    """The place a text means. Raises `PlaceRefused`."""
    if isinstance(text, Path):
        return _local(text)
    scheme = _SCHEME.match(text.strip())
    if scheme is None:
        if not text.strip():
            raise PlaceRefused("No place was given.")
        return _local(Path(text))
    try:
        parts = urlsplit(text.strip())
        parts.port  # noqa: B018 - raises for a port that is no number
    except ValueError:
        raise PlaceRefused("This is not a complete address.") from None
    _refuse_secrets(parts)
    kinds = {"s3": _bucket, "https": _web, "http": _web, "davs": _web, "dav": _web}
    kind = kinds.get(parts.scheme.lower())
    if kind is None:
        raise PlaceRefused(f"Places that begin with {parts.scheme.lower()}:// are not known.")
    return kind(parts)


def parse_proxy(text: str) -> tuple[str, int]:
    """Host and port of a proxy that is given as http://host:port. Raises `PlaceRefused`."""
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname or "", parts.port or 0
    except ValueError:
        host, port, parts = "", 0, urlsplit("")
    if "@" in parts.netloc:
        raise PlaceRefused("A proxy that asks for a password cannot be used.", "Have it let this server pass without.")
    if parts.scheme.lower() != "http" or not host or not port or parts.path.strip("/") or parts.query or parts.fragment:
        raise PlaceRefused("A proxy is given as http://host:port.", "Ask whoever runs the network for both.")
    return host, port


def _local(path: Path) -> Place:
    path = path.absolute()
    return Place(FILE if path.suffix == SUFFIX else FOLDER, str(path), path=path)


def _refuse_secrets(parts: SplitResult) -> None:
    """What came is not repeated: it would stand in a terminal, a log or a recording."""
    asked = {key.lower() for key, _ in parse_qsl(parts.query, keep_blank_values=True)}
    if "@" in parts.netloc or asked & {"key", "secret", "password", "token", "access_key_id", "secret_access_key"}:
        raise PlaceRefused("A place holds no password and no key.", "Give it without them; they are asked for.")
    if parts.fragment:
        raise PlaceRefused("A place has no part behind #.")


def _bucket(parts: SplitResult) -> Place:
    bucket, prefix = parts.netloc, _prefix(parts.path)
    if not _BUCKET.fullmatch(bucket):
        raise PlaceRefused("Behind s3:// comes the name of a bucket: small letters, digits, dots and hyphens.")
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(asked.keys() - {"endpoint", "region"}):
        raise PlaceRefused(f"Only endpoint and region may follow the ?, not {unknown[0]}.")
    region = asked.get("region") or DEFAULT_REGION
    if not _REGION.fullmatch(region):
        raise PlaceRefused("The region is a short name such as us-east-1.")
    origin, host = _origin(asked.get("endpoint") or f"https://s3.{region}.amazonaws.com")
    given = {key: value for key, value in (("endpoint", origin), ("region", region)) if key in asked}
    text = f"s3://{bucket}" + (f"/{quote(prefix)}" if prefix else "")
    return Place(S3, text + (f"?{urlencode(given, safe=':/')}" if given else ""), origin=origin, host=host,
                 bucket=bucket, prefix=prefix, region=region)  # fmt: skip


def _web(parts: SplitResult) -> Place:
    if parts.query:
        raise PlaceRefused("A folder of a web server has no part behind a ?.")
    scheme = parts.scheme.lower().replace("dav", "http")
    origin, host = _origin(f"{scheme}://{parts.netloc}")
    prefix = _prefix(parts.path)
    return Place(DAV, origin + (f"/{quote(prefix)}" if prefix else ""), origin=origin, host=host, prefix=prefix)


def _prefix(path: str) -> str:
    steps = [step for step in unquote(path).split("/") if step]
    if any(step in (".", "..") or not step.isprintable() or "\\" in step for step in steps):
        raise PlaceRefused("The folder in this place cannot be used: it has steps up or odd characters.")
    return "/".join(steps)


def _origin(text: str) -> tuple[str, str]:
    """Scheme, host and port of a server, and the host alone. Without TLS only this computer itself is accepted."""
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or ""), parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if not host or parts.scheme.lower() not in ("http", "https") or "@" in parts.netloc or parts.path.strip("/"):
        raise PlaceRefused("The server is given as https://host or https://host:port.")
    if parts.scheme.lower() == "http" and not _this_computer(host):
        raise PlaceRefused("Without https everybody on the way can see what is moved.", "Use an address with https://.")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme.lower()}://{shown}" + (f":{port}" if port else ""), host


def _this_computer(host: str) -> bool:
    return host in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None
