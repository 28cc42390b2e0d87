"""The evening of a fleet: every laptop hands in its shift at the same time, over real sockets.

``HQ_LAPTOPS`` (500) laptops with eight hours each, an hour a batch, a test a minute; server, merge
worker and the laptops share the machine. Laptops are batches that were sealed before.
"""

import os
import time
from pathlib import Path

import pytest

from fieldsurvey.model.drive import Sample
from fieldsurvey.wire.rows import SCHEMA
from tests.support.hq_evening import shift, shifts
from tests.support.hq_load import send_all
from tests.support.hq_server import enrolled, make_home, running

pytestmark = pytest.mark.bench

LAPTOPS = int(os.environ.get("HQ_LAPTOPS", "500"))
CONNECTIONS = 200
ACKNOWLEDGED_S, QUERYABLE_S = 600.0, 900.0


def test_an_evening_of_the_fleet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samples = LAPTOPS * sum(isinstance(r.value, Sample) for hour in shift() for r in hour)
    made = shifts(LAPTOPS)
    home = make_home(tmp_path / "hq")
    with running(home) as server:
        laptops = enrolled(home, LAPTOPS)
        sealed = [
            [(laptop.seal(rows, payload, SCHEMA), laptop.token) for rows, payload in mine]
            for laptop, mine in zip(laptops, made, strict=True)
        ]
        batches = [hour for of_hour in zip(*sealed, strict=True) for hour in of_hour]
        began_s = time.monotonic()
        load = send_all(server.port, batches, CONNECTIONS)
        ledger = home.ledger()
        while waiting := ledger.counts().waiting:
            assert time.monotonic() < began_s + 2 * QUERYABLE_S, f"{waiting} batches wait"
            time.sleep(1.0)
        queryable_s = time.monotonic() - began_s
        archived = sum(file.rows for file in ledger.archive_files("samples"))
        ledger.close()
    rows = sum(one.header.rows for one, _ in batches)
    size = sum(len(one.content) for one, _ in batches)
    with capsys.disabled():
        print(  # noqa: T201 - the figures of the run
            f"\n{LAPTOPS} laptops, {len(batches)} batches, {rows} rows ({samples} seconds),"
            f" {size / rows:.1f} bytes a row: acknowledged in {load.seconds:.0f} s"
            f" ({len(batches) / load.seconds:.0f} batches/s, {rows / load.seconds:.0f} rows/s,"
            f" p99 {load.p99_ms:.0f} ms), queryable in {queryable_s:.0f} s"
        )
    assert archived == samples
    assert load.seconds <= ACKNOWLEDGED_S
    assert queryable_s <= QUERYABLE_S
