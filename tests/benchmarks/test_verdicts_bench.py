"""The criteria a check and a measurement must meet, over thousands of simulated tests.

Prints one table. Links: drawn ones whose capacity is known to the byte, and every recorded drive.
The truth of a test is the capacity of the link over the stretch that the test itself covered.
Each is done twice: with bytes counted as they come, and as systems that do not tell hand them on.
"""

import itertools
from pathlib import Path

import numpy as np
import pytest

from fieldsurvey.throughput.link_trace import LinkTrace
from tests.support.simulated_link import Played, capacity_of
from tests.support.verdict_table import (
    CHECK,
    HEADING,
    MEASURE,
    Drive,
    Row,
    agreement,
    drawn_links,
    driven,
    play_all,
    steps_of,
)

pytestmark = pytest.mark.bench

ROUND_TRIPS_S = (0.02, 0.05, 0.12)
FAR_MBPS = (10, 30, 60, 80, 120, 150, 300)
TESTS = 60
MOST_WRONG = 0.01
MOST_UNDECIDED = 0.25
MOST_MEDIAN_S = 2.0
SAVINGS = {"4G": 5.0, "satellite": 5.0, "5G": 10.0}
LEAST_AGREEMENT = 0.97
COUNTED, IDS = (False, True), ("as it comes", "in order")


@pytest.mark.parametrize("in_order", COUNTED, ids=IDS)
def test_checks_of_drawn_links(in_order: bool) -> None:
    _say(f"\n{HEADING}")
    rows: dict[tuple[float, float], Row] = {}
    for variation, memory in itertools.product((0.1, 0.25, 0.4), (0.0, 0.5, 0.8)):
        name = f"variation {variation}, memory {memory}"
        rows[variation, memory] = Row.of(name, _drawn(variation, memory, in_order))
        _say(rows[variation, memory])
    dips = Row.of("variation 0.25, handover of 0.3 s", _drawn(0.25, 0.5, in_order, dips=True))
    _say(dips)
    for (variation, _), row in rows.items():
        if variation <= 0.25:
            _meets_the_criteria(row)
    # A known limit: when the link is gone while the sender speeds up, CUBIC takes seconds to fill
    # it again, and the bins of such a test are those of a slow link. Seen: 3.5 %.
    assert dips.wrong <= 0.05


@pytest.mark.realdata
@pytest.mark.parametrize("in_order", COUNTED, ids=IDS)
def test_checks_of_recorded_drives(shared_data: Path, in_order: bool) -> None:
    drives: list[Drive] = []
    _say(f"\n{HEADING}")
    for path in sorted((shared_data / "links").iterdir()):
        of_path = [
            driven(
                np.random.default_rng([20281, round(trip_s * 1000)]),
                path,
                trip_s,
                in_order=in_order,
            )
            for trip_s in ROUND_TRIPS_S
        ]
        drives += of_path
        _say(Row.of(path.name, [check for drive in of_path for check in drive.checks]))
    for kind, least in SAVINGS.items():
        group = [drive for drive in drives if drive.kind == kind]
        row = Row.of(kind, [check for drive in group for check in drive.checks])
        spent = sum(check.spent_bytes for drive in group for check in drive.checks)
        savings = sum(drive.full_bytes() for drive in group) / spent
        _say(f"{row}   {savings:.1f} times less data; {_kilometres(group)}")
        assert savings >= least
        assert row.undecided <= MOST_UNDECIDED
    every = Row.of("all drives", [check for drive in drives for check in drive.checks])
    _say(f"{every}   {_kilometres(drives)}")
    _meets_the_criteria(every)
    pairs = [pair for drive in drives for pair in drive.kilometres()]
    assert agreement(pairs)[1] >= LEAST_AGREEMENT


@pytest.mark.parametrize("in_order", COUNTED, ids=IDS)
def test_measurements_of_steady_links(in_order: bool) -> None:
    """Without loss by chance, but with the losses that a sender makes itself."""
    steps = steps_of(MEASURE)
    for mbps, trip_s in itertools.product((10, 30, 60, 85, 100, 115, 150, 300), ROUND_TRIPS_S):
        capacity = capacity_of(LinkTrace.steady(mbps * 1e6), [0.0] * 20, steps)
        played = play_all(
            np.random.default_rng([mbps]), MEASURE, capacity, trip_s, in_order=in_order
        )
        errors = [_error(one) for one in played]
        seconds = float(np.median([one.duration_s for one in played]))
        _say(f"{mbps:4} Mbps {trip_s * 1000:4.0f} ms: {min(errors):+.2%} to {max(errors):+.2%}, "
              f"{seconds:.1f} s")  # fmt: skip
        assert max(map(abs, errors)) <= 0.02


def _say(text: object) -> None:
    print(text, flush=True)  # noqa: T201 - the table is what the bench is for


def _drawn(variation: float, memory: float, in_order: bool, *, dips: bool = False) -> list[Played]:
    played = []
    for mbps, trip_s in itertools.product(FAR_MBPS, ROUND_TRIPS_S):
        seed = [20282, round(variation * 100), round(memory * 10), mbps, round(trip_s * 1000)]
        rng = np.random.default_rng(seed)
        links = drawn_links(rng, TESTS, mbps * 1e6, variation, memory, dips=dips)
        played += play_all(rng, CHECK, links, trip_s, in_order=in_order)
    return played


def _meets_the_criteria(row: Row) -> None:
    assert row.wrong <= MOST_WRONG
    assert row.undecided <= MOST_UNDECIDED
    assert row.median_s <= MOST_MEDIAN_S
    assert row.most_mb <= 40.0


def _kilometres(drives: list[Drive]) -> str:
    told = agreement([pair for drive in drives for pair in drive.kilometres()])
    perfect = agreement([pair for drive in drives for pair in drive.kilometres(perfect=True)])
    return f"{told[1]:.1%} of {told[0]} km (perfect readings: {perfect[1]:.1%})"


def _error(one: Played) -> float:
    assert one.estimate is not None
    return one.estimate.rate_bps / one.truth_bps - 1
