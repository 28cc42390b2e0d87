"""What other people's clients need: their packages, installed once, and a server of ours."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fieldsurvey.throughput.server.app import MeasurementServer
from tests.support.third_parties import install_npm_clients
from tests.support.throughput import NO_BYTE_LIMIT, running

SECONDS = 2.0  # the server ends every load then: ndt7 lets it, and nobody has to wait for 10 s


@pytest.fixture(scope="session")
def npm_clients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder node_modules with the locked packages."""
    return install_npm_clients(tmp_path_factory.mktemp("npm"))


@pytest.fixture
def address() -> Iterator[str]:
    """HOST:PORT of a server that has every endpoint."""
    with running(MeasurementServer("contract", replace(NO_BYTE_LIMIT, seconds=SECONDS))) as port:
        yield f"127.0.0.1:{port}"
