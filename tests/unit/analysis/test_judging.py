"""What counts as a test of a place, and what a verdict's columns say of it."""

import dataclasses
import random
import time

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldsurvey.analysis.as_of import replayed_until, until
from fieldsurvey.analysis.cells import judge_cells
from fieldsurvey.analysis.judging import VERDICT_COLUMNS, YEAR_US
from fieldsurvey.analysis.measurements import Measurements, together
from fieldsurvey.analysis.scope import Scope, training
from fieldsurvey.analysis.settlements import SETTLEMENT_COLUMNS, judge_settlements
from fieldsurvey.analysis.stretches import STRETCH_COLUMNS, judge_stretches
from tests.support.analysis_rows import DAY_US, NOW_UTC_US, RULE, S, measurements, results


def stretches(m: Measurements, **asked: object) -> pl.DataFrame:
    return judge_stretches(m, RULE, now_utc_us=NOW_UTC_US, **asked)  # type: ignore[arg-type]


def only(m: Measurements, **asked: object) -> dict[str, object]:
    (row,) = stretches(m, **asked).iter_rows(named=True)
    return row


def test_counts_add_up_and_no_service_is_not_above() -> None:
    row = only(measurements(results("aabunnffr")))
    assert row["tests"] == 6
    counts = [row[name] for name in ("above", "below", "undecided_tests", "no_service")]
    assert counts == [2, 1, 1, 2]
    assert row["left_out"] == 0
    assert row["share_above"] == 0.4
    assert row["verdict"] == "below"
    assert row["rule"] == "bernoulli-sprt/1(0.6,0.9,0.05,0.05)"


def test_the_columns_are_those_that_are_documented() -> None:
    m = measurements(results("aab"), [{}])
    for frame, own in (
        (stretches(m), STRETCH_COLUMNS),
        (judge_settlements(m, RULE, now_utc_us=NOW_UTC_US), SETTLEMENT_COLUMNS),
    ):
        kinds = dict(frame.schema)
        assert kinds.pop("operator") == pl.Categorical()
        assert kinds == own | VERDICT_COLUMNS
    assert stretches(measurements()).schema == stretches(m).schema
    assert stretches(measurements(), by=()).is_empty()


@pytest.mark.parametrize(
    ("words", "verdict", "needed"),
    [("a" * 8, "above", 0), ("bbb", "below", 0), ("nnn", "below", 0), ("aaaaaaa", "undecided", 1)],
)
def test_three_verdicts(words: str, verdict: str, needed: int) -> None:
    row = only(measurements(results(words)))
    assert (row["verdict"], row["tests_needed"]) == (verdict, needed)


def test_a_stretch_that_was_only_driven_is_open() -> None:
    samples = [{}, {"reachable": False, "technology": "none"}, {"technology": "3G"}, {}]
    row = only(measurements(samples=samples))
    assert row["verdict"] == "undecided"
    assert row["tests"] == 0
    assert row["tests_needed"] == 6
    seconds = [row[name] for name in ("seconds", "seconds_with_service", "seconds_4g")]
    assert seconds == [4, 3, 2]
    unknown = ("share_above", "share_low", "share_high", "newest_utc_us", "median_bps", "p10_bps")
    assert all(row[name] is None for name in unknown)


def test_where_a_stretch_begins() -> None:
    tests = [{"chainage_m": metres} for metres in (0.0, 9_999.9, 10_000.0, 25_000.0)]
    found = stretches(measurements(tests))
    assert found.select("from_m", "to_m", "tests").rows() == [
        (0, 10_000, 2),
        (10_000, 20_000, 1),
        (20_000, 30_000, 1),
    ]
    fine = stretches(measurements(tests), length_m=100)
    assert fine["from_m"].to_list() == [0, 9_900, 10_000, 25_000]
    off_road = measurements([{"highway_ref": None, "chainage_m": None}])
    assert stretches(off_road).is_empty()


def test_tests_at_one_spot_at_one_time_count_once() -> None:
    at = {"start_latitude_deg": 43.0, "start_longitude_deg": 77.0}
    start = NOW_UTC_US - DAY_US
    near = [{**at, "started_utc_us": start + n * 20 * S} for n in range(5)]  # 0 20 40 60 80 s
    assert only(measurements(near))["tests"] == 1  # who waits on a road sees no more of it
    assert only(measurements(near))["left_out"] == 4
    village = measurements([{**row, "settlement_id": "w1"} for row in near])
    (waited,) = judge_settlements(village, RULE, now_utc_us=NOW_UTC_US).iter_rows(named=True)
    assert (waited["tests"], waited["left_out"]) == (2, 3)
    far = [{**row, "start_latitude_deg": 43.0 + n * 0.001} for n, row in enumerate(near)]
    assert only(measurements(far))["tests"] == 5
    links = [{**row, "link": str(n)} for n, row in enumerate(near)]
    assert only(measurements(links))["tests"] == 5
    operators = [{**row, "operator": str(n)} for n, row in enumerate(near)]
    assert only(measurements(operators), by=())["tests"] == 5
    drives = [{**row, "drive": n} for n, row in enumerate(near)]
    assert only(measurements(drives, drives=[{}] * 5))["tests"] == 5
    nowhere = [{"started_utc_us": row["started_utc_us"]} for row in near]
    assert only(measurements(nowhere))["tests"] == 2


def test_only_the_year_before_now_counts() -> None:
    old, new = NOW_UTC_US - YEAR_US - DAY_US, NOW_UTC_US - YEAR_US + DAY_US
    tests = [{"started_utc_us": t + n * 120 * S} for t in (old, new) for n in range(8)]
    row = only(measurements(tests))
    assert (row["tests"], row["left_out"], row["stale"]) == (8, 8, False)
    assert (row["verdict"], row["oldest_utc_us"]) == ("above", new)
    row = only(measurements(tests[:8]))
    assert (row["tests"], row["above"], row["stale"]) == (8, 8, True)
    assert (row["verdict"], row["tests_needed"]) == ("undecided", 6)
    undated = [{"started_utc_us": None, "ended_utc_us": None}]
    assert only(measurements([*tests[8:], *undated]))["left_out"] == 1


def test_what_is_dated_later_than_now_is_not_there() -> None:
    """Judged as of a day in the past, or recorded by a laptop with a wrong clock."""
    tests = [*results("bbb"), *results("a" * 20, started_utc_us=NOW_UTC_US + 1)]
    tests = [
        {**row, "started_utc_us": NOW_UTC_US + 1 + n * 120 * S} if n >= 3 else row
        for n, row in enumerate(tests)
    ]
    m = measurements(tests, [{}, {"utc_us": NOW_UTC_US}, {"utc_us": NOW_UTC_US + 1}])
    row = only(m)
    assert (row["tests"], row["below"], row["above"], row["left_out"]) == (3, 3, 0, 0)
    assert (row["verdict"], row["seconds"]) == ("below", 2)
    old = [{"started_utc_us": NOW_UTC_US - YEAR_US - DAY_US}, *tests[3:]]
    assert only(measurements(old))["stale"]
    found = until(m, NOW_UTC_US)
    assert (len(found.tests), len(found.samples)) == (3, 2)
    (note,) = found.notes
    assert (note.args["tests"], note.args["seconds"]) == (20, 1)
    assert "wrong" in note.text()
    assert "позже 2026-09-21 19:13" in note.text("ru")
    assert until(found, NOW_UTC_US) is found
    ahead = measurements(tests, [{}], [{"replayed": True}])
    assert until(ahead, NOW_UTC_US) is ahead, "no evidence anyway"
    assert replayed_until(ahead, NOW_UTC_US) == ahead.tests["started_utc_us"].max()
    assert replayed_until(m, NOW_UTC_US) == NOW_UTC_US
    undated = measurements([{"started_utc_us": None}], [{"utc_us": None}])
    assert until(undated, NOW_UTC_US) is undated


def test_seconds_of_other_years_are_not_counted() -> None:
    samples = [{"utc_us": NOW_UTC_US - YEAR_US - S}, {"utc_us": None}, {}]
    assert only(measurements(samples=samples))["seconds"] == 1


def test_a_test_of_another_target_is_left_out() -> None:
    tests = [*results("aa"), *results("a", target_bps=50_000_000), *results("a", target_id="x")]
    row = only(measurements(tests))
    assert (row["tests"], row["left_out"]) == (2, 2)


def test_rates_are_ranked_with_no_service_below_all() -> None:
    rates = [{"compared_bps": mbps * 1_000_000} for mbps in (50, 10, 40, 20, 30)]
    row = only(measurements(rates))
    assert (row["median_bps"], row["p10_bps"]) == (30_000_000, 10_000_000)
    assert only(measurements(rates[:4]))["median_bps"] is None
    row = only(measurements([*rates[1:], *results("n")]))
    assert (row["median_bps"], row["p10_bps"]) == (20_000_000, None)


def test_operators_are_never_mixed_unless_asked_to() -> None:
    tests = [*results("aa", operator="B"), *results("bbb"), *results("a", operator=None)]
    m = measurements(tests)
    found = stretches(m)
    assert found.select("operator", "tests").rows() == [("A", 3), ("B", 2), (None, 1)]
    assert only(m, by=())["tests"] == 6
    by = stretches(m, by=("campaign", "technology"))
    assert by.columns[3:5] == ["campaign", "technology"]
    with pytest.raises(ValueError, match="weather"):
        stretches(m, by=("weather",))


def test_a_scope_is_what_is_counted() -> None:
    drives = [{}, {"operator": "B", "campaign": "south"}]
    tests = [
        *results("aa", access_type="satellite", technology=None),
        *results("a", drive=1, operator="B"),
    ]
    m = measurements(tests, [{}, {}, {"drive": 1, "technology": "3G"}], drives)

    def counted(**scope: object) -> tuple[int, int]:
        found = stretches(m, scope=Scope(**scope), by=())  # type: ignore[arg-type]
        return (found["tests"].sum(), found["seconds"].sum())

    assert counted() == (3, 3)
    assert counted(operator={"B"}) == (1, 1)
    assert counted(campaign=("north",)) == (2, 2)
    assert counted(access_type={"satellite"}) == (2, 0)
    assert counted(technology={None}) == (2, 0)
    assert counted(technology={None, "4G"}) == (3, 2)
    first = NOW_UTC_US - DAY_US
    assert counted(first_utc_us=first + 2 * S) == (2, 1)
    assert counted(end_utc_us=first + 1) == (1, 1)


def test_settlements_and_cells() -> None:
    at = {"start_latitude_deg": 43.25, "start_longitude_deg": 76.9}
    m = measurements(
        [*results("aaaaaaaa", **at), *results("b", settlement_id=None)],
        [{"settlement_id": "s2", "latitude_deg": 43.25, "longitude_deg": 76.9}],
    )
    found = judge_settlements(m, RULE, now_utc_us=NOW_UTC_US)
    columns = ("settlement_id", "settlement_name", "tests", "verdict", "seconds")
    assert found.select(columns).rows() == [
        ("s1", "Қордай", 8, "above", 0),
        ("s2", None, 0, "undecided", 1),
    ]
    import h3

    for resolution in (9, 7):
        (cell,) = judge_cells(m, RULE, now_utc_us=NOW_UTC_US, resolution=resolution).iter_rows(
            named=True
        )
        finest = h3.latlng_to_cell(43.25, 76.9, 9)
        assert f"{cell['cell']:x}" == h3.cell_to_parent(finest, resolution)
        assert (cell["tests"], cell["seconds"]) == (8, 1)


def test_replayed_drives_are_no_evidence_and_can_be_shown_apart() -> None:
    drives = [{}, {"replayed": True}, {"replayed": None}]
    tests = [result for drive in range(3) for result in results("aab", drive=drive)]
    m = measurements(tests, [{"drive": drive} for drive in range(3)], drives)
    row = only(m)
    assert (row["tests"], row["seconds"]) == (3, 1)
    shown = only(training(m))
    assert (shown["tests"], shown["seconds"]) == (3, 1)


_WORDS = st.text("abunf", min_size=1, max_size=30)


@settings(max_examples=8, deadline=None)
@given(_WORDS, st.randoms(use_true_random=False))
def test_neither_the_order_of_rows_nor_their_files_matter(
    words: str, chance: random.Random
) -> None:
    """Nor does a replayed drive beside them."""
    tests = [
        {
            **row,
            "test_id": f"t{n:02}",
            "started_utc_us": NOW_UTC_US - DAY_US + n * 25 * S,
            "start_latitude_deg": 43.0 + n // 3 * 0.001,
            "start_longitude_deg": 77.0,
            "chainage_m": n * 700.0,
            "drive": n % 2,
        }
        for n, row in enumerate(results(words))
    ]
    samples = [{"chainage_m": n * 500.0, "utc_us": NOW_UTC_US - n * S} for n in range(20)]
    whole = measurements(tests, samples, [{}, {"operator": "B"}])
    expected = stretches(whole)
    assert expected["tests"].sum() + expected["left_out"].sum() == len(words) - words.count("f")
    chance.shuffle(tests)
    chance.shuffle(samples)
    assert stretches(measurements(tests, samples, [{}, {"operator": "B"}])).equals(expected)
    parts = [
        dataclasses.replace(
            whole,
            drives=whole.drives[number : number + 1],
            tests=_of_drive(whole.tests, number),
            samples=_of_drive(whole.samples, number),
        )
        for number in (0, 1)
    ]
    replay = measurements(results("aaabbb"), samples, [{"replayed": True, "drive_id": "replay"}])
    chance.shuffle(parts)
    assert stretches(together([*parts, replay])).equals(expected)
    assert stretches(together([*parts, parts[0]])).equals(expected), "a drive that came twice"


def test_copies_of_a_drive_that_are_not_alike_are_told() -> None:
    whole = [{"drive_id": "d", "source": "card.fsurvey"}]
    card = measurements(results("aabb"), drives=whole)
    archive = measurements(results("aab"), drives=[{"drive_id": "d", "source": "archive"}])
    for parts in ([card, archive], [archive, card]):
        both = together(parts)
        assert len(both.tests) == 4
        (note,) = both.notes
        assert note.id == "analysis.drive_twice"
        assert "card.fsurvey" in note.text("en")
        assert note.args["other_tests"] == 3
        assert note.args["other_source"] == "archive"
    assert together([card, card]).notes == ()
    seen = measurements(results("a"), [{}, {}], [{"drive_id": "d", "source": "seen.fsurvey"}])
    assert len(together([card, seen]).tests) == 1, "more of its seconds is more of it"


def _of_drive(rows: pl.DataFrame, number: int) -> pl.DataFrame:
    return rows.filter(pl.col("drive") == number).with_columns(drive=pl.lit(0, pl.UInt32))


def test_many_stretches_take_little_more_than_to_sort_their_tests() -> None:
    """Ten thousand stretches of 20 tests. Forty thousand took 0.9 s on two cores that others used
    as well."""
    stretch = np.repeat(np.arange(10_000), 20)
    number = np.arange(len(stretch))
    one = measurements(results("ab"))
    tests = one.tests[number % 2].with_columns(
        test_id=pl.Series(number).cast(pl.String),
        chainage_m=pl.Series(stretch * 10_000.0),
        started_utc_us=pl.Series(NOW_UTC_US - 300 * DAY_US + number * 60 * S),
        start_latitude_deg=pl.Series(43.0 + number % 1000 * 0.01),
        start_longitude_deg=pl.lit(77.0),
    )
    m = dataclasses.replace(one, tests=tests)
    began = time.process_time()
    peer = tests.sort("highway_ref", "chainage_m", "started_utc_us", "test_id")
    peer_s = time.process_time() - began
    began = time.process_time()
    found = stretches(m)
    ours_s = time.process_time() - began
    assert len(found) == 10_000
    assert len(peer) == len(tests)
    assert ours_s < 25 * peer_s, f"{ours_s:.2f} s, sorting alone {peer_s:.2f} s"
