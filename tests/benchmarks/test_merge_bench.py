"""How fast batches become the archive: the evening of a fleet."""

import dataclasses
import time
from pathlib import Path

import psutil
import pytest

from fieldsurvey.model.drive import Sample
from fieldsurvey.wire.batch import SealedBatch
from fieldsurvey.wire.rows import Row
from tests.support.merge_hq import SmallHq
from tests.support.store_values import a_fix
from tests.support.wire_batches import sealed
from tests.support.wire_drives import driven_rows

pytestmark = pytest.mark.bench

LAPTOPS, HOURS = 40, 8


def fleet() -> list[tuple[SealedBatch, int]]:
    """Eight hours of each laptop in batches of an hour; all drove the same, each for itself."""
    hours: list[list[Row]] = []
    fixes = [a_fix(second, north_m=23.0 * second) for second in range(1, HOURS * 3_600 + 1)]
    rows = driven_rows(fixes, radio=True, test_every_s=60)
    count = 0
    start = 0
    for at, row in enumerate(rows, 1):
        count += isinstance(row.value, Sample)
        if count == 3_600 or at == len(rows):
            hours.append(rows[start:at])
            start, count = at, 0
    batches = []
    for laptop in range(LAPTOPS):
        device = f"{laptop:08x}-0000-4000-8000-000000000000"
        drive_id = f"{laptop:08x}-1111-4000-8000-000000000000"
        for number, hour in enumerate(hours):
            mine = [dataclasses.replace(row, drive_id=drive_id) for row in hour]
            if number == 0:
                drive = dataclasses.replace(mine[0].value, drive_id=drive_id)
                mine[0] = dataclasses.replace(mine[0], value=drive)
            batch = sealed(mine, device=device, epoch=f"{laptop:016x}", batch_no=number)
            batches.append((batch, sum(isinstance(row.value, Sample) for row in mine)))
    return batches


def test_rows_a_second(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hq = SmallHq.create(tmp_path / "hq")
    batches = fleet()
    hq.land(batch for batch, _ in batches)
    rows = sum(batch.header.rows for batch, _ in batches)
    samples = sum(count for _, count in batches)
    process = psutil.Process()
    before_bytes = process.memory_info().rss
    most_bytes = before_bytes
    started_s, cpu_s = time.perf_counter(), sum(process.cpu_times()[:2])
    while hq.ledger.counts().waiting:
        hq.merge()
        most_bytes = max(most_bytes, process.memory_info().rss)
    took_s = time.perf_counter() - started_s
    cpu_s = sum(process.cpu_times()[:2]) - cpu_s
    files = hq.ledger.archive_files("samples")
    with capsys.disabled():
        print(  # noqa: T201 - the figures of the run
            f"\n{rows} rows, {samples} of them seconds, in {took_s:.1f} s ({cpu_s:.1f} s of CPU):"
            f" {rows / took_s:.0f} rows/s, {samples / took_s:.0f} seconds/s;"
            f" {sum(file.bytes for file in files) / samples:.1f} bytes a second in the archive,"
            f" {len(files)} files; {(most_bytes - before_bytes) / 1e6:.0f} MB more memory"
        )
    assert sum(file.rows for file in files) == samples
    hq.ledger.close()
