"""A shift must fit through a thin link: an hour's batch costs few bytes a row, all included."""

import time
from pathlib import Path

import pytest

from fieldsurvey.model.drive import Sample
from fieldsurvey.model.messages import resources_dir
from fieldsurvey.wire.rows import Row, decode_rows, encode_rows
from tests.support.wire_batches import sealed
from tests.support.wire_drives import driven_rows, hours, recorded_fixes

MOST_BYTES_PER_ROW = 30.0


def check_hours(rows: list[Row], capsys: pytest.CaptureFixture[str]) -> None:
    for number, hour in enumerate(hours(rows)):
        started_s = time.perf_counter()
        payload = encode_rows(hour)
        took_s = time.perf_counter() - started_s
        sealed_bytes = len(sealed(hour, payload).content)
        seconds = sum(isinstance(row.value, Sample) for row in hour)
        with capsys.disabled():
            print(  # noqa: T201 - the figures of the run
                f"\nbatch {number}: {len(hour)} rows of {seconds} s in {sealed_bytes} bytes,"
                f" {sealed_bytes / len(hour):.1f} a row, {sealed_bytes / seconds:.1f} a second"
                f" driven, encoded in {took_s:.3f} s"
            )
        assert sealed_bytes <= MOST_BYTES_PER_ROW * len(hour)
        assert decode_rows(payload) == hour


@pytest.mark.parametrize("radio", [False, True], ids=["no modem", "modem"])
def test_the_demo_drive(radio: bool, capsys: pytest.CaptureFixture[str]) -> None:
    fixes = recorded_fixes(resources_dir() / "demo" / "route.nmea")
    check_hours(driven_rows(fixes, radio=radio), capsys)


@pytest.mark.realdata
@pytest.mark.parametrize("radio", [False, True], ids=["no modem", "modem"])
def test_a_real_drive(shared_data: Path, radio: bool, capsys: pytest.CaptureFixture[str]) -> None:
    fixes = recorded_fixes(shared_data / "drives" / "highway_318km.nmea.gz")
    check_hours(driven_rows(fixes, radio=radio), capsys)
