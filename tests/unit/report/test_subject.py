"""What a report is about: given in words, and never cutting through what is judged."""

import dataclasses

import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.report.subject import (
    Box,
    Everything,
    Highway,
    Settlement,
    highway_from,
    known_highway,
    of_subject,
    region_from,
)
from tests.support.analysis_rows import Row, measurements
from tests.support.report_survey import places


def test_highways() -> None:
    assert highway_from("KAZ01") == Highway("KAZ01")
    assert highway_from("KZ38-01:40-52.5") == Highway("KZ38-01", 40_000.0, 52_500.0)
    assert Highway("KAZ01", 41_000, 52_500).judged_range_m() == (40_000, 60_000)
    assert Highway("KAZ01", 40_000, 60_000).judged_range_m() == (40_000, 60_000)
    assert Highway("KAZ01").judged_range_m() == (0, float("inf"))


@pytest.mark.parametrize(
    "text", ["", ":1-2", "KAZ01:", "KAZ01:x-y", "KAZ01:50-40", "KAZ01:1-2-3", "A:0-inf"]
)
def test_what_is_no_highway(text: str) -> None:
    with pytest.raises(KnownError) as caught:
        highway_from(text)
    assert caught.value.message.id == "report.bad_highway"
    assert text in str(caught.value)


def test_a_highway_is_found_in_whatever_case() -> None:
    m = measurements([{"highway_ref": "M-36"}])
    for asked in (Highway("kz38-01"), Highway("KZ38-01", 10_000, 20_000), Highway("m-36")):
        found = known_highway(asked, m, places())
        assert found == dataclasses.replace(asked, ref=asked.ref.upper())
    assert known_highway(Highway("m-36", 5e6), m, None).ref == "M-36"  # nobody knows its end
    twins = measurements([{"highway_ref": "a1"}, {"highway_ref": "A1"}])
    assert known_highway(Highway("a1"), twins, None).ref == "a1"


@pytest.mark.parametrize(
    ("asked", "id_"),
    [(Highway("KAZ77"), "report.no_highway"), (Highway("kz38-01", 9e6), "report.no_kilometre")],
)
def test_a_highway_that_nobody_knows_is_named(asked: Highway, id_: str) -> None:
    with pytest.raises(KnownError, match=asked.ref.upper()) as caught:
        known_highway(asked, measurements(), places())
    assert caught.value.message.id == id_


def test_regions() -> None:
    assert region_from("76.5,43,77.25,43.5", None) == Box(76.5, 43.0, 77.25, 43.5)
    for name in ("Қордай", "korday", "КОРДАЙ", "s1"):
        assert region_from(name, places()) == Settlement("s1")


@pytest.mark.parametrize(
    ("text", "with_places", "id_"),
    [
        ("77,43,76,44", True, "report.bad_region"),
        ("a,b,c,d", True, "report.bad_region"),
        ("1,2,3,nan", True, "report.bad_region"),
        ("Atlantis", True, "report.no_settlement"),
        ("Korday", False, "report.needs_places"),
    ],
)
def test_what_is_no_region(text: str, with_places: bool, id_: str) -> None:
    with pytest.raises(KnownError) as caught:
        region_from(text, places() if with_places else None)
    assert caught.value.message.id == id_


def test_a_name_that_two_settlements_have_is_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    from fieldsurvey.report import subject

    twins = places.__wrapped__()  # one to change
    table = twins.settlements()
    monkeypatch.setattr(type(table), "__len__", lambda self: 2)
    object.__setattr__(table, "name_en", ("Korday", "Korday"))
    with pytest.raises(KnownError, match="s1, s2"):
        subject.region_from("Korday", twins)


def test_a_box_takes_whole_stretches_and_settlements() -> None:
    inside, outside = {"start_latitude_deg": 43.5}, {"start_latitude_deg": 49.0}
    east = {"start_longitude_deg": 76.5}
    tests: list[Row] = [
        {**inside, **east, "chainage_m": 12_000.0, "settlement_id": None},
        {**outside, **east, "chainage_m": 19_000.0, "settlement_id": None},  # the same stretch
        {**outside, **east, "chainage_m": 20_000.0, "settlement_id": None},  # the next one
        {**inside, **east, "chainage_m": None, "highway_ref": None, "settlement_id": "s1"},
        {**outside, **east, "chainage_m": None, "highway_ref": None, "settlement_id": "s1"},
        {**outside, **east, "chainage_m": None, "highway_ref": None, "settlement_id": "s2"},
        {"chainage_m": None, "highway_ref": None, "settlement_id": None},  # nobody knows where
    ]
    samples = [{"latitude_deg": 43.5, "longitude_deg": 76.5, "chainage_m": 31_000.0}]
    samples += [{"latitude_deg": 49.0, "longitude_deg": 76.5, "chainage_m": 38_000.0}]
    found = of_subject(measurements(tests, samples), Box(76, 43, 77, 44))
    assert found.tests["test_id"].to_list() == ["test-0", "test-1", "test-3", "test-4"]
    assert found.samples["chainage_m"].to_list() == [31_000.0, 38_000.0]


def test_a_highway_takes_whole_stretches() -> None:
    metres = (39_999.0, 40_000.0, 59_999.0, 60_000.0)
    m = measurements([{"chainage_m": chainage_m} for chainage_m in metres])
    found = of_subject(m, Highway("KAZ01", 41_000, 52_000))
    assert found.tests["chainage_m"].to_list() == [40_000.0, 59_999.0]
    assert of_subject(m, Highway("KAZ02")).tests.is_empty()
    assert len(of_subject(m, Settlement("s1")).tests) == 4
    assert of_subject(m, Everything()) is m
