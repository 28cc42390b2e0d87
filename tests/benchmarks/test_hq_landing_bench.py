"""How fast HQ lands batches of an hour, server and clients on one machine."""

from pathlib import Path

import psutil
import pytest

from fieldsurvey.wire.rows import SCHEMA
from tests.support.hq_load import send_all
from tests.support.hq_rows import noisy_payload
from tests.support.hq_server import enrolled, make_home, running

_ROWS = 3_600


@pytest.mark.bench
def test_landing_keeps_up_with_a_country(tmp_path: Path) -> None:
    home = make_home(tmp_path / "hq")
    payload = noisy_payload(_ROWS)
    laptops = enrolled(home, 50)
    batches = [
        (laptop.seal(_ROWS, payload, SCHEMA), laptop.token) for _ in range(40) for laptop in laptops
    ]
    with running(home, "--no-merge") as server:
        send_all(server.port, batches[:100])
        process = psutil.Process(server.process.pid)
        before = process.cpu_times()
        load = send_all(server.port, batches[100:])
        after = process.cpu_times()
    cpu_s = after.user + after.system - before.user - before.system
    per_s = load.batches / load.seconds
    print(  # noqa: T201 - the figures of the bench
        f"\n{load.batches} batches of {_ROWS} rows, {len(batches[0][0].content)} bytes: "
        f"{per_s:.0f} batches/s, {per_s * _ROWS:.0f} rows/s, "
        f"p50 {load.p50_ms:.0f} ms, p99 {load.p99_ms:.0f} ms, most {load.most_ms:.0f} ms, "
        f"{1e3 * cpu_s / load.batches:.1f} ms of CPU per batch"
    )
    assert per_s >= 100
    assert per_s * _ROWS >= 100_000
    assert load.p99_ms < 250
