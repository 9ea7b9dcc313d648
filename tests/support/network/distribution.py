"""WebDAV servers of the distribution, for tests marked `tools`: Apache's mod_dav and `rclone serve webdav`.

Both fail with a sentence where the program is absent. Apache is started without its own configuration, on a free port.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from iop_tui.exchange.remotes.credentials import Credentials
from iop_tui.exchange.remotes.places import Place, parse
from tests.support.network.servers import KEY, SECRET

_MODULES = ("mpm_event", "alias", "authn_core", "authn_file", "auth_basic", "authz_core", "authz_user", "dav", "dav_fs")
_START_SECONDS = 30


@dataclass
class Installed:
    """A running server of the distribution."""

    url: str
    root: Path
    used: int = 0

    @property
    def credentials(self) -> Credentials:
        """What it accepts."""
        return Credentials.of(KEY.encode(), SECRET.encode())

    def fresh(self) -> Place:
        """An empty folder on it."""
        self.used += 1
        folder = self.root / f"x{self.used}"
        folder.mkdir()
        folder.chmod(0o777)
        return parse(f"{self.url}/{folder.name}")


def _needed(*names: str) -> str:
    found = [path for name in names if (path := shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin"))]
    assert found, f"{names[0]} is not installed, and this test was asked for: install it with the system's packages."
    return found[0]


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that a server under another user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="iop-dav-"))
    folder.chmod(0o755)
    (folder / "shared").mkdir()
    (folder / "shared").chmod(0o777)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(process: subprocess.Popen[str]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def rclone() -> Iterator[Installed]:
    """`rclone serve webdav` over a folder."""
    program = _needed("rclone")
    with _folder() as folder:
        words = [program, "serve", "webdav", str(folder / "shared"), "--addr", "127.0.0.1:0", "--user", KEY,
                 "--pass", SECRET, "--config", os.devnull, "--dir-cache-time", "0s"]  # fmt: skip
        with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process, _running(process):
            assert process.stderr is not None
            for line in process.stderr:
                if found := re.search(r"http://(?:127\.0\.0\.1|\[::\]|localhost):(\d+)", line):
                    yield Installed(f"http://127.0.0.1:{found[1]}", folder / "shared")
                    return
            raise AssertionError("rclone ended without serving")


@contextmanager
def apache() -> Iterator[Installed]:
    """Apache with mod_dav over a folder."""
    program, tool = _needed("apache2", "httpd"), _needed("htpasswd")
    with _folder() as folder, socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        subprocess.run([tool, "-cb", str(folder / "users"), KEY, SECRET], check=True, capture_output=True)
        locks = folder / "locks"
        locks.mkdir()
        locks.chmod(0o777)
        (folder / "conf").write_text(_configuration(folder, port))
        held.close()
        words = [program, "-f", str(folder / "conf"), "-D", "FOREGROUND"]
        with subprocess.Popen(words, text=True) as process, _running(process):
            _answers(process, port)
            yield Installed(f"http://127.0.0.1:{port}/dav", folder / "shared")


def _configuration(folder: Path, port: int) -> str:
    places = (Path("/usr/lib/apache2/modules"), Path("/usr/lib64/httpd/modules"))
    modules = next(path for path in places if path.is_dir())
    loads = [f"LoadModule {name}_module {modules}/mod_{name}.so" for name in _MODULES]
    rights = ["User www-data", "Group www-data"] if os.geteuid() == 0 else []
    return "\n".join([
        *loads, *rights, f"ServerRoot {folder}", "ServerName localhost", f"Listen 127.0.0.1:{port}",
        f"PidFile {folder}/pid", f"ErrorLog {folder}/errors", f"DavLockDB {folder}/locks/db",
        f"Mutex file:{folder}/locks default", f"DocumentRoot {folder}/shared", f"Alias /dav {folder}/shared",
        f"<Directory {folder}/shared>", "Dav On", "AuthType Basic", "AuthName carriers",
        f"AuthUserFile {folder}/users", "Require valid-user", "</Directory>", "",
    ])  # fmt: skip


def _answers(process: subprocess.Popen[str], port: int) -> None:
    """Wait until it listens. Fails where it ended instead."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, "Apache ended at once; its configuration does not fit this system."
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("Apache does not listen.")
