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

    def best_s(act: Callable[[], object]) -> float:
        took_s = []
        for _ in range(3):
            began = time.perf_counter()
            act()
            took_s.append(time.perf_counter() - began)
        return min(took_s)

    m = open_measurements([survey])
    assert (len(m.samples), len(m.tests)) == (40_000, 800)
    assert m.samples["utc_us"].is_sorted()
    ours_s = best_s(lambda: sample_frame(survey, sorted(names), 2 * S))
    peer_s = best_s(lambda: read_seconds(survey, names))
    assert ours_s < peer_s
