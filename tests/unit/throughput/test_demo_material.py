"""The synthetic demo: its files are what their generator draws, and hold what they promise."""

import functools
import importlib.util
import json
from operator import xor
from types import ModuleType

import pytest

from fieldsurvey.model.geodesy import distance_m
from fieldsurvey.model.messages import resources_dir
from fieldsurvey.throughput.link_trace import load_trace

DEMO = resources_dir() / "demo"


@pytest.fixture(scope="module")
def make_demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_demo", DEMO / "make_demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["route.nmea", "link.csv", "places.geojson"])
def test_the_files_are_what_the_generator_draws(make_demo: ModuleType, name: str) -> None:
    assert (DEMO / name).read_text(encoding="utf-8") == make_demo.FILES[name]()
    assert (DEMO / name).stat().st_size < 150_000


def degrees(text: str, whole_digits: int) -> float:
    return int(text[:whole_digits]) + float(text[whole_digits:]) / 60


def test_the_route_is_intact_nmea_at_the_speed_it_states() -> None:
    moves: list[tuple[float, float]] = []  # metres between seconds, metres by the stated speed
    voids, last = 0, None
    lines = (DEMO / "route.nmea").read_text(encoding="ascii").splitlines()
    for line in lines:
        content, checksum = line.removeprefix("$").split("*")
        assert functools.reduce(xor, content.encode(), 0) == int(checksum, 16)
        cells = content.split(",")
        if cells[0] != "GPRMC":
            continue
        if cells[2] == "V":
            voids, last = voids + 1, None
            continue
        here = degrees(cells[3], 2), degrees(cells[5], 3)
        if last is not None:
            moves.append((distance_m(*last, *here), float(cells[7]) * 0.514444))
        last = here
    assert len(lines) == 2 * 1150
    assert voids == 20
    assert max(abs(metres - stated_m) for metres, stated_m in moves) < 4.0
    assert 24_000 < sum(metres for metres, _ in moves) < 28_000
    assert max(stated_m for _, stated_m in moves) < 105 / 3.6
    assert sum(stated_m < 0.1 for _, stated_m in moves) >= 20


def test_the_link_has_fast_slow_dead_and_undecided_stretches() -> None:
    trace = load_trace(DEMO / "link.csv")
    assert trace.duration_s > 1150
    mbps = [rate_bps / 1e6 for rate_bps in trace.rates_bps]
    assert all(135 < rate < 260 for rate in mbps[:320] + mbps[895:1150])
    assert all(15 < rate < 65 for rate in mbps[345:596])
    assert set(mbps[613:676]) == {0.0}
    assert 95 < sum(mbps[688:870]) / 182 < 99
    assert mbps.count(0.0) == 63


def test_every_place_is_plainly_invented_and_named_in_three_languages() -> None:
    features = json.loads((DEMO / "places.geojson").read_text(encoding="utf-8"))["features"]
    properties = [feature["properties"] for feature in features]
    assert [entry["ref"] for entry in properties if "ref" in entry] == ["DEMO-1", "DEMO-2"]
    settlements = [entry for entry in properties if "place" in entry]
    assert len(settlements) == 3
    for entry in settlements:
        assert entry["name_en"].startswith("Demo")
        assert entry["name_ru"].startswith("Демо")
        assert entry["name_kk"].startswith("Демо")
