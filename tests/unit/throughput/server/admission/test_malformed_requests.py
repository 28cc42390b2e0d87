"""Five hundred requests that no client should send; ``tests/faults`` has ten thousand."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.malformed_requests import LONGEST_S, SERVER_OPTIONS, malformed_requests, send
from tests.support.measure_server import ServerProcess, server_process, wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_process(tmp_path_factory.mktemp("server"), *SERVER_OPTIONS) as server:
        yield server
        assert server.health()["status"] == "ok"
        assert wait_until(lambda: server.health()["running_tests"] == 0)
        assert server.errors() == "", "a client's mistake is nothing to complain about"


@settings(
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)
@given(request=malformed_requests)
def test_the_server_lets_go_of_everybody(server: ServerProcess, request: bytes) -> None:
    assert send(server.port, request, LONGEST_S) < LONGEST_S
