"""The process behind `servers.py`: an S3 server (moto) or a WebDAV server (wsgidav), with and without TLS.

Its first line on stdout tells the ports. Then it answers commands, one a line; it ends when its stdin does.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from cheroot import wsgi
from cheroot.ssl.builtin import BuiltinSSLAdapter


class Journal:
    """What was asked: `METHOD path?query`."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.lines: list[str] = []

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        query = environ.get("QUERY_STRING", "")
        self.lines.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}{'?' + query if query else ''}")
        return self._app(environ, start)


class Signed:
    """Lets requests through that are signed with one key (AWS Signature Version 4), as a provider does."""

    def __init__(self, app: Any, key: str, secret: str) -> None:
        self._app, self._key, self._secret = app, key, secret

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(size) if size else b""
        environ["wsgi.input"] = io.BytesIO(body)
        code = self._refusal(environ, body)
        if not code:
            return self._app(environ, start)
        answer = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>No.</Message></Error>'.encode()
        start("403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(answer)))])
        return [answer]

    def _refusal(self, environ: dict[str, Any], body: bytes) -> str:
        given = environ.get("HTTP_AUTHORIZATION", "")
        if not given.startswith("AWS4-HMAC-SHA256 "):
            return "AccessDenied"
        parts = dict(item.strip().split("=", 1) for item in given.split(" ", 1)[1].split(","))
        key, scope = parts["Credential"].split("/", 1)
        if key != self._key:
            return "InvalidAccessKeyId"
        if environ["HTTP_X_AMZ_CONTENT_SHA256"] != hashlib.sha256(body).hexdigest():
            return "XAmzContentSHA256Mismatch"
        right = self._sign(environ, parts["SignedHeaders"], scope)
        return "" if parts["Signature"] == right else "SignatureDoesNotMatch"

    def _sign(self, environ: dict[str, Any], signed: str, scope: str) -> str:
        def header(name: str) -> str:
            plain = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
            return str(environ.get(plain.get(name, "HTTP_" + name.upper().replace("-", "_")), "")).strip()

        query = environ.get("QUERY_STRING", "")
        pairs = sorted(pair.partition("=")[::2] for pair in query.split("&") if pair)
        canonical = "\n".join((
            environ["REQUEST_METHOD"], quote(unquote(environ["PATH_INFO"]), safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{header(name)}" for name in signed.split(";")), "", signed, header("x-amz-content-sha256"),
        ))  # fmt: skip
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        text = "\n".join(("AWS4-HMAC-SHA256", header("x-amz-date"), scope, hashed))
        state = b"AWS4" + self._secret.encode()
        for step in (*scope.split("/"), text):
            state = hmac.digest(state, step.encode(), "sha256")
        return state.hex()


def _s3(options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from moto.s3.models import s3_backends

    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]

    def make(name: str) -> None:
        backend.create_bucket(name, "us-east-1")

    def drop(name: str) -> None:
        backend.buckets[name].keys.clear()
        backend.delete_bucket(name)

    def rot(path: str) -> None:
        """Cut what is stored under a name in half, as some servers keep an upload that broke off."""
        bucket, _, key = path.partition("/")
        stored = backend.buckets[bucket].keys[key]
        stored.value = stored.value[: len(stored.value) // 2]

    make(options["bucket"])
    app = Signed(DomainDispatcherApplication(create_backend_app), options["key"], options["secret"])
    return app, {"make": make, "drop": drop, "rot": rot}


def _dav(options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    from wsgidav.wsgidav_app import WsgiDAVApp

    app = WsgiDAVApp({
        "provider_mapping": {"/dav": {"root": options["root"]}},
        "simple_dc": {"user_mapping": {"*": {options["key"]: {"password": options["secret"]}}}},
        "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
        "verbose": 0, "logging": {"enable": False}, "lock_storage": True, "property_manager": False,
    })  # fmt: skip

    def bare(environ: dict[str, Any], start: Any) -> Any:
        """Without the page that this version sends after the head of a HEAD: it would be read as the next answer."""
        found = app(environ, start)
        return [b"" for _ in found] if environ["REQUEST_METHOD"] == "HEAD" else found

    return bare, {}


def _listen(app: Any, options: dict[str, Any], *, tls: bool) -> wsgi.Server:
    server = wsgi.Server(("127.0.0.1", 0), app, numthreads=8, server_name="localhost", request_queue_size=64)
    server.error_log = lambda *args, **kwargs: None
    if tls:
        server.ssl_adapter = BuiltinSSLAdapter(options["cert"], options["private"])
    server.prepare()
    threading.Thread(target=server.serve, daemon=True).start()
    return server


def main() -> None:
    options = json.loads(sys.argv[1])
    app, commands = {"s3": _s3, "dav": _dav}[options["kind"]](options)
    journal = Journal(app)
    servers = [_listen(journal, options, tls=tls) for tls in (False, True)]
    print(json.dumps([server.bind_addr[1] for server in servers]), flush=True)

    def log(_: str) -> list[str]:
        found, journal.lines = journal.lines, []
        return found

    for line in sys.stdin:
        name, _, rest = line.strip().partition(" ")
        print(json.dumps({**commands, "log": log}[name](rest)), flush=True)
    for server in servers:
        server.stop()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))
    main()
