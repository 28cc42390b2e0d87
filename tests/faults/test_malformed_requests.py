"""Ten thousand requests that no client should send, at one server, and what it has left of them."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.malformed_requests import LONGEST_S, SERVER_OPTIONS, malformed_requests, send
from tests.support.measure_server import server_process, wait_until

REQUESTS = 10_000


@pytest.mark.faults
def test_ten_thousand_malformed_requests(tmp_path: Path) -> None:
    with server_process(tmp_path, *SERVER_OPTIONS) as server:
        send(server.port, b"GET /health HTTP/1.1\r\n\r\n", LONGEST_S)
        files = server.open_files()
        longest_s = 0.0
        sent = 0

        @settings(
            max_examples=REQUESTS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
            database=None,
        )
        @given(request=malformed_requests)
        def ask(request: bytes) -> None:
            nonlocal longest_s, sent
            took_s = send(server.port, request, LONGEST_S)
            longest_s = max(longest_s, took_s)
            sent += 1
            assert took_s < LONGEST_S

        ask()
        assert sent >= REQUESTS
        assert server.health()["status"] == "ok"
        assert wait_until(lambda: server.open_files() <= files + 2)
        assert server.errors() == "", "a client's mistake is nothing to complain about"
        print(f"{sent} requests, longest {longest_s:.2f} s, {server.memory_bytes() / 1e6:.0f} MB")  # noqa: T201
