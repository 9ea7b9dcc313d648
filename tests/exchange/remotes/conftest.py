"""Servers that the tests of carriers share: started when first asked for, once per worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.network.servers import Authority, Served, dav_server, s3_server


@pytest.fixture(scope="session")
def authority() -> Authority:
    """The certificate authority of this test run."""
    return Authority()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Served]:
    """An S3 server. Tests take a prefix (`fresh`) or a bucket of their own."""
    with s3_server(tmp_path_factory.mktemp("s3"), authority) as served:
        yield served


@pytest.fixture(scope="session")
def dav(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Served]:
    """A WebDAV server. Tests take a folder of their own (`fresh`)."""
    with dav_server(tmp_path_factory.mktemp("dav"), authority) as served:
        yield served
