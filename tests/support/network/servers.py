"""Real servers on the loopback for tests, started and stopped by them: S3 (moto) and WebDAV (wsgidav).

    with s3_server(folder) as server:            # about 2 s: share it (fixture `s3` of tests/exchange/remotes)
        remote = S3Remote(server.place("a"), server.credentials, REALM, rng)          # plain, loopback
        remote = S3Remote(server.place("a", tls=True), …, ca=server.ca)               # TLS under a test authority

Both check who asks, speak TLS with a certificate made at run time, keep connections open and tell what was asked.
"""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from iop_tui.exchange.remotes.credentials import Credentials
from iop_tui.exchange.remotes.places import Place, parse

KEY, SECRET, BUCKET = "CLINICKEY0", "a-secret/with+signs", "clinic"
_STOP_SECONDS = 20


# -- certificates --------------------------------------------------------------------------


@dataclass(frozen=True)
class Certified:
    """A certificate and its key as files, and the authority (PEM) that signed it."""

    cert: Path
    private: Path
    ca: str


class Authority:
    """A certificate authority of one test run."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder().subject_name(self._name).issuer_name(self._name).public_key(self._key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=30))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )  # fmt: skip
        self.pem = made.public_bytes(serialization.Encoding.PEM).decode("ascii")

    def certify(self, folder: Path, *, days: tuple[int, int] = (-1, 20), names: tuple[str, ...] = ("localhost",),
                address: str = "127.0.0.1") -> Certified:  # fmt: skip
        """A server certificate, valid from and until so many days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.UTC)
        held = [*map(x509.DNSName, names), *([x509.IPAddress(ip_address(address))] if address else [])]
        made = (
            x509.CertificateBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
            .issuer_name(self._name).public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=days[0]))
            .not_valid_after(now + datetime.timedelta(days=days[1]))
            .add_extension(x509.SubjectAlternativeName(held), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(self._key, hashes.SHA256())
        )  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        cert, private = folder / "cert.pem", folder / "key.pem"
        cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        private.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ))  # fmt: skip
        return Certified(cert, private, self.pem)


# -- servers -------------------------------------------------------------------------------


@dataclass
class Served:
    """A running server: its two ports, what it asks for, who certified it."""

    kind: str
    port: int
    tls_port: int
    ca: str
    process: subprocess.Popen[str]
    root: Path
    used: int = 0

    def fresh(self) -> str:
        """A prefix nobody used before; on a WebDAV server its folder is made."""
        self.used += 1
        name = f"x{self.used}"
        (self.root / name).mkdir(exist_ok=True)
        return name

    @property
    def credentials(self) -> Credentials:
        """What the server accepts."""
        return Credentials.of(KEY.encode(), SECRET.encode())

    def text(self, prefix: str = "", *, tls: bool = False, bucket: str = BUCKET, port: int = 0) -> str:
        """The place of a carrier on this server; `port` of something in between."""
        number = port or (self.tls_port if tls else self.port)
        origin = f"http{'s' if tls else ''}://127.0.0.1:{number}"
        if self.kind == "s3":
            return f"s3://{bucket}/{prefix}?endpoint={origin}&region=us-east-1"
        return f"{origin}/dav/{prefix}"

    def place(self, prefix: str = "", *, tls: bool = False, bucket: str = BUCKET, port: int = 0) -> Place:
        """The same, understood. A folder of a WebDAV server must be there (`fresh`)."""
        return parse(self.text(prefix, tls=tls, bucket=bucket, port=port))

    def tell(self, command: str, argument: str = "") -> Any:
        """Have the server do something: `make`/`drop` a bucket, `rot bucket/key`, `log` (what was asked since)."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{command} {argument}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def log(self) -> list[str]:
        """What was asked since the last time: `GET /path?query`."""
        return list(self.tell("log"))


@contextmanager
def s3_server(folder: Path, authority: Authority | None = None) -> Iterator[Served]:
    """An S3 server with the bucket `clinic`."""
    with _serve("s3", folder, authority) as served:
        yield served


@contextmanager
def dav_server(folder: Path, authority: Authority | None = None) -> Iterator[Served]:
    """A WebDAV server that serves `folder/shared` as `/dav`."""
    with _serve("dav", folder, authority) as served:
        yield served


@contextmanager
def _serve(kind: str, folder: Path, authority: Authority | None) -> Iterator[Served]:
    (folder / "shared").mkdir(parents=True, exist_ok=True)
    certified = (authority or Authority()).certify(folder / "tls")
    options = {"kind": kind, "root": str(folder / "shared"), "key": KEY, "secret": SECRET, "bucket": BUCKET,
               "cert": str(certified.cert), "private": str(certified.private)}  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("serving.py")), json.dumps(options)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        ports = json.loads(process.stdout.readline())
        yield Served(kind, ports[0], ports[1], certified.ca, process, folder / "shared")
    finally:
        process.stdin.close()  # it ends by itself then
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
