"""The evening of a fleet: every laptop hands in its shift at the same time, over real sockets.

``HQ_LAPTOPS`` (500) laptops with eight hours each, an hour a batch, a test a minute; server, merge
worker and the laptops share the machine. Laptops are batches that were sealed before.
"""

import dataclasses
import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from fieldsurvey.model.drive import Sample
from fieldsurvey.wire.rows import SCHEMA, Row, encode_rows
from tests.support.hq_load import send_all
from tests.support.hq_server import enrolled, make_home, running
from tests.support.store_values import a_fix
from tests.support.wire_drives import driven_rows, hours

pytestmark = pytest.mark.bench

LAPTOPS = int(os.environ.get("HQ_LAPTOPS", "500"))
HOURS = 8
CONNECTIONS = 200
ACKNOWLEDGED_S, QUERYABLE_S = 600.0, 900.0


def shift() -> list[list[Row]]:
    """Eight hours of one drive."""
    fixes = [a_fix(second, north_m=23.0 * second) for second in range(1, HOURS * 3_600 + 1)]
    return list(hours(driven_rows(fixes, radio=True, test_every_s=60)))


def payloads(laptops: range) -> list[list[tuple[int, bytes]]]:
    """Return rows and payload of each hour of these laptops; each drove the same for itself."""
    template = shift()
    made = []
    for laptop in laptops:
        drive_id = f"{laptop:08x}-1111-4000-8000-000000000000"
        mine = [[dataclasses.replace(row, drive_id=drive_id) for row in hour] for hour in template]
        drive = dataclasses.replace(mine[0][0].value, drive_id=drive_id)
        mine[0][0] = dataclasses.replace(mine[0][0], value=drive)
        made.append([(len(hour), encode_rows(hour)) for hour in mine])
    return made


def test_an_evening_of_the_fleet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samples = LAPTOPS * sum(isinstance(r.value, Sample) for hour in shift() for r in hour)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        pieces = [range(start, LAPTOPS, 2) for start in range(2)]
        made = [one for piece in pool.map(payloads, pieces) for one in piece]
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
