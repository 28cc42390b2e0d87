"""How fast a survey opens, against its seconds read value by value in the same run."""

import time
from collections.abc import Callable
from pathlib import Path

from fieldsurvey.analysis.measurements import SAMPLE_COLUMNS
from fieldsurvey.export.opening import open_measurements
from fieldsurvey.store.bulk import sample_frame
from tests.support.opening_bulk import write_long_survey
from tests.support.store_values import S
from tests.support.value_by_value import read_seconds


def test_a_long_survey_opens_faster_than_its_seconds_are_read_value_by_value(
    tmp_path: Path,
) -> None:
    """The quick variant of ``tests/benchmarks/test_opening_bench.py``."""
    survey = write_long_survey(tmp_path / "long.fsurvey", 40_000)
    names = {*SAMPLE_COLUMNS, "drive_index"} - {"drive"}

    m = open_measurements([survey])
    assert (len(m.samples), len(m.tests)) == (40_000, 800)
    assert m.samples["utc_us"].is_sorted()
    ours_s, peer_s = [], []
    for _ in range(5):  # in turn: another program's busy moment is not one of them alone
        ours_s.append(seconds_of(lambda: sample_frame(survey, sorted(names), 2 * S)))
        peer_s.append(seconds_of(lambda: read_seconds(survey, names)))
    assert min(ours_s) < min(peer_s)


def seconds_of(act: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    act()
    return time.perf_counter() - began_s
