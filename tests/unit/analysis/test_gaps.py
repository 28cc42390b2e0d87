"""What to drive next, and how far the crews are."""

import math
from pathlib import Path

import pytest

from fieldsurvey.analysis.gaps import GAP_COLUMNS, PROGRESS_COLUMNS, find_gaps, progress
from fieldsurvey.analysis.judging import YEAR_US
from fieldsurvey.analysis.stretches import judge_stretches
from fieldsurvey.places.places_file import Places
from tests.support.analysis_places import small_country
from tests.support.analysis_rows import DAY_US, NOW_UTC_US, RULE, S, measurements, results


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    return small_country(tmp_path_factory.mktemp("places"))


def gaps(tests: list[dict[str, object]], places: Places | None, by: tuple[str, ...] = ()):
    m = measurements(tests)
    judged = judge_stretches(m, RULE, now_utc_us=NOW_UTC_US, by=by)
    return find_gaps(judged, RULE, places)


def test_every_stretch_without_a_verdict_is_a_gap(places: Places) -> None:
    old = NOW_UTC_US - YEAR_US - DAY_US
    tests = results("a" * 8, chainage_m=1.0)
    tests += [
        {**row, "started_utc_us": old + n * 200 * S}
        for n, row in enumerate(results("bbb", chainage_m=20_001.0))
    ]
    found = gaps(tests, places)
    assert dict(found.schema) == GAP_COLUMNS
    end_m = [math.ceil(line.length_m) for line in places.highway_lines()]
    assert end_m == [pytest.approx(25_000, abs=5), pytest.approx(2_500, abs=5)]
    columns = ("highway_ref", "from_m", "to_m", "reason", "tests", "tests_needed")
    assert found.select(columns).rows() == [
        ("KAZ01", 10_000, 20_000, "not_driven", 0, 6),
        ("KAZ01", 20_000, end_m[0], "stale", 3, 6),
        ("KAZ02", 0, end_m[1], "not_driven", 0, 6),
    ]
    assert gaps(tests, None)["reason"].to_list() == ["stale"]


def test_each_operator_has_its_own_gaps(places: Places) -> None:
    tests = [*results("a" * 8, chainage_m=1.0), *results("a", chainage_m=1.0, operator="B")]
    found = gaps(tests, places, by=("operator",))
    assert found["operator"].to_list() == ["B", "A", "B", "A", "B", "A", "B"]
    assert found["reason"][0] == "undecided"
    assert found["tests_needed"][0] > 0


def test_who_has_tests_elsewhere_lacks_them_on_every_highway(places: Places) -> None:
    judged = judge_stretches(
        measurements(results("a" * 8, chainage_m=1.0)), RULE, now_utc_us=NOW_UTC_US
    )
    found = find_gaps(judged, RULE, places, operators=["A", "of villages"])
    assert found["operator"].to_list() == ["of villages", *["A", "of villages"] * 3]
    assert set(found["reason"]) == {"not_driven"}
    as_before = find_gaps(judged, RULE, places)
    assert found.filter(operator="A").equals(as_before)


def test_where_nobody_was_everything_is_to_be_driven(places: Places) -> None:
    for by in ((), ("operator",)):
        assert len(gaps([], places, by)) == 4
    assert gaps([], None).is_empty()


def test_progress_by_crew_and_day() -> None:
    samples = [{"chainage_m": 100.0 * n} for n in range(45)]
    samples += [{"chainage_m": 100.0 * n, "drive": 1} for n in range(25)]
    samples += [{"highway_ref": None, "chainage_m": None, "utc_us": NOW_UTC_US - 3 * DAY_US}]
    tests = [*results("a" * 8 + "f"), *results("bb", drive=1, chainage_m=30_000.0)]
    m = measurements(tests, samples, [{}, {"device": "laptop-7"}])
    judged = judge_stretches(m, RULE, now_utc_us=NOW_UTC_US)
    found = progress(m, judged, RULE, NOW_UTC_US)
    assert dict(found.schema) == PROGRESS_COLUMNS
    assert found.drop("day_utc_us").rows() == [
        ("laptop-7", 3, 2, 0),
        ("rows", 0, 0, 0),
        ("rows", 5, 8, 1),
    ]
    day_utc_us = found["day_utc_us"].to_list()[-1]
    assert (day_utc_us + 5 * 3_600 * S) % DAY_US == 0, "midnight in Kazakhstan"


def test_another_operators_verdict_is_no_progress() -> None:
    tests = [*results("a" * 8, operator="A"), *results("u", operator="B", drive=1)]
    tests += results("bbb", operator="B", drive=1, chainage_m=30_000.0)
    tests += results("bbb", operator="A", chainage_m=30_000.0)
    drives = [{"device": "one"}, {"device": "two", "campaign": "south"}]
    m = measurements(tests, [], drives)
    judged = judge_stretches(m, RULE, now_utc_us=NOW_UTC_US)
    found = progress(m, judged, RULE, NOW_UTC_US)
    assert found.select("crew", "decided_stretches").rows() == [("one", 2), ("two", 1)]
    for by in ((), ("campaign",), ("operator", "technology")):
        judged = judge_stretches(m, RULE, now_utc_us=NOW_UTC_US, by=by)
        counts = progress(m, judged, RULE, NOW_UTC_US)["decided_stretches"].to_list()
        assert counts == ([2, 2] if not by else [2, 1]), by


def test_who_waits_on_a_highway_made_one_pass_of_it() -> None:
    spot = {"start_latitude_deg": 43.0, "start_longitude_deg": 77.0}
    on_road = results("a" * 8, settlement_id=None, settlement_name=None, **spot)
    in_village = results("a" * 8, drive=1, **spot)
    off_road = results("a" * 8, drive=2, highway_ref=None, chainage_m=None, **spot)
    drives = [{"device": name} for name in ("one", "two", "three")]
    m = measurements([*on_road, *in_village, *off_road], [], drives)
    judged = judge_stretches(m, RULE, now_utc_us=NOW_UTC_US)
    assert judged["tests"].to_list() == [2], "one of each drive on the highway"
    found = progress(m, judged, RULE, NOW_UTC_US)
    assert dict(found.select("crew", "tests").rows()) == {"one": 1, "two": 8, "three": 8}


def test_tests_that_are_too_old_to_count_decided_nothing() -> None:
    old = {"started_utc_us": NOW_UTC_US - YEAR_US - DAY_US}
    tests = [*results("a" * 8), *results("a", drive=1, **old)]
    m = measurements(tests, [], [{"device": "one"}, {"device": "two"}])
    judged = judge_stretches(m, RULE, now_utc_us=NOW_UTC_US)
    found = progress(m, judged, RULE, NOW_UTC_US)
    assert found.select("crew", "tests", "decided_stretches").rows() == [
        ("one", 8, 1),
        ("two", 1, 0),
    ]


def test_progress_knows_nothing_of_later_days() -> None:
    later = {"utc_us": NOW_UTC_US + DAY_US}
    tests = results("a", started_utc_us=NOW_UTC_US + DAY_US)
    m = measurements(tests, [{}, later])
    judged = judge_stretches(m, RULE, now_utc_us=NOW_UTC_US)
    found = progress(m, judged, RULE, NOW_UTC_US)
    assert found.select("km_driven", "tests").rows() == [(1, 0)]


@pytest.mark.realdata
def test_the_real_country(shared_data: Path, tmp_path: Path) -> None:
    from fieldsurvey.places.places_file import import_files, open_places

    path = tmp_path / "kz.places"
    import_files([shared_data / "geography" / "kz_highways.geojson"], path)
    found = gaps([], open_places(path))
    assert 2_450 < len(found) < 2_650  # 25,000 km in stretches of ten, and a short one each
