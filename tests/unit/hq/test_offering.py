"""No file with a row that was asked for is missing from an answer, whatever is asked."""

import random
from collections.abc import Iterator

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldsurvey.analysis.h3_index import cells, parents
from fieldsurvey.hq.ledger_records import ArchiveFile
from fieldsurvey.hq.offering import Offers, Question, box_of
from fieldsurvey.hq.station import Station, open_station
from fieldsurvey.model.clock import SystemClock
from tests.support.hq_archive import DAY_US, frame, put_into
from tests.support.hq_server import make_home

FIRST_US = 20_000 * DAY_US  # 2024-10-04
DAYS = [f"2024-10-0{day}" for day in range(4, 8)]
# Of the last drive, its own row has not come.
CAMPAIGNS = {"one": "north", "two": "south", "three": "north", "four": None}

degrees = st.floats(0, 3).map(lambda value: round(value, 3))


def _rows(dice: random.Random) -> list[dict[str, object]]:
    """A few rows of two drives that lie near each other, some of them without a place or time."""
    south, west = dice.uniform(0, 2), dice.uniform(0, 2)

    def place() -> tuple[float, float] | None:
        near = (round(south + dice.random(), 3), round(west + dice.random(), 3))
        return None if dice.random() < 0.3 else near

    return [
        {
            "drive_id": one,
            "ts_utc_us": FIRST_US + dice.randrange(4 * DAY_US),
            "at": place(),
            "end": place(),
            "time_quality": "doubtful" if dice.random() < 0.1 else "good",
        }
        for one in dice.sample(sorted(CAMPAIGNS), 2)
        for _ in range(3)
    ]


def _sample(row: dict[str, object]) -> dict[str, object]:
    latitude, longitude = row["at"] or (None, None)  # type: ignore[misc]
    return {
        **row,
        "fix_latitude_deg": latitude,
        "fix_longitude_deg": longitude,
        "h3_5": _cell(row["at"]),
    }


def _test(row: dict[str, object]) -> dict[str, object]:
    ends = {}
    for end in ("at", "end"):
        prefix = "start_" if end == "at" else "end_"
        latitude, longitude = row[end] or (None, None)  # type: ignore[misc]
        ends |= {f"{prefix}latitude_deg": latitude, f"{prefix}longitude_deg": longitude}
    return {**row, **ends, "h3_5": _cell(row["at"])}


def _cell(at: object) -> int | None:
    if at is None:
        return None
    latitude, longitude = at  # type: ignore[misc]
    return int(
        parents(cells(pl.Series([latitude]).to_numpy(), pl.Series([longitude]).to_numpy()), 5)[0]
    )


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    with open_station(make_home(tmp_path_factory.mktemp("hq") / "hq"), SystemClock()) as one:
        yield one


def _asked(question: Question, table: str, all_rows: pl.DataFrame) -> pl.DataFrame:
    """Say independently which rows are asked for: row by row, from what each says."""
    prefixes = {"samples": ("fix_",), "tests": ("start_", "end_")}.get(table, ())

    def wanted(row: dict[str, object]) -> bool:
        day = DAYS[(int(row["ts_utc_us"]) - FIRST_US) // DAY_US]  # type: ignore[call-overload]
        dated = row["time_quality"] == "good"
        if dated and not (question.first_day <= day <= (question.last_day or "9")):
            return False
        campaign = CAMPAIGNS[str(row["drive_id"])]
        if question.campaign and campaign not in (None, question.campaign):
            return False
        if question.area is None:
            return True
        west, south, east, north = question.area
        places = [(row[f"{one}latitude_deg"], row[f"{one}longitude_deg"]) for one in prefixes]
        return any(
            latitude is not None and south <= latitude <= north and west <= longitude <= east  # type: ignore[operator]
            for latitude, longitude in places
        )

    return all_rows.filter(
        pl.Series([wanted(row) for row in all_rows.to_dicts()], dtype=pl.Boolean)
    )


Filled = tuple[Offers, list[tuple[ArchiveFile, pl.DataFrame]]]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """An archive of many small files, as it is between two compactions, and what is in them."""
    dice = random.Random(7)
    told = [
        {"drive_id": one, "ts_utc_us": FIRST_US, "plan_name": name}
        for one, name in CAMPAIGNS.items()
        if name is not None
    ]
    home = make_home(tmp_path_factory.mktemp("filled") / "hq")
    put_into(home, {"drives": frame("drives", told)})
    files: list[ArchiveFile] = []
    for _ in range(6):
        drawn = _rows(dice)
        frames = {
            "samples": frame("samples", map(_sample, drawn)),
            "tests": frame("tests", map(_test, drawn)),
        }
        files += put_into(home, frames)
    held = [(file, pl.read_parquet(home.archive / file.path)) for file in files]
    with open_station(home, SystemClock()) as one:
        yield Offers(one), held


@given(
    st.sampled_from(["", *DAYS]),
    st.sampled_from(["", *DAYS]),
    st.sampled_from(["", "north", "south"]),
    st.one_of(st.none(), st.tuples(degrees, degrees, degrees, degrees)),
)
@settings(max_examples=20, deadline=None)
def test_no_row_that_was_asked_for_is_missing(
    filled: Filled,
    first_day: str,
    last_day: str,
    campaign: str,
    corners: tuple[float, float, float, float] | None,
) -> None:
    area = None
    if corners is not None:
        (west, east), (south, north) = sorted(corners[:2]), sorted(corners[2:])
        area = (west, south, east, north)
    offers, held = filled
    question = Question("", first_day, last_day, area, campaign)
    offered = {file.path: file for file in offers.answer(question).files}
    for file, rows in held:
        wanted = len(_asked(question, file.table, rows))
        if wanted:
            assert offered[file.path].rows_asked_at_most >= wanted
        if file.path in offered:
            assert 0 < offered[file.path].rows_asked_at_most <= file.rows


def test_what_is_certainly_not_asked_for_does_not_come(station: Station) -> None:
    here = {"drive_id": "one", "ts_utc_us": FIRST_US, "at": (1.0, 1.0)}
    there = {"drive_id": "two", "ts_utc_us": FIRST_US + DAY_US, "at": (2.0, 2.0)}
    told = [
        {"drive_id": one, "ts_utc_us": FIRST_US, "plan_name": CAMPAIGNS[one]}
        for one in ("one", "two")
    ]
    events = [{"drive_id": one["drive_id"], "ts_utc_us": one["ts_utc_us"]} for one in (here, there)]
    frames = {
        "samples": frame("samples", map(_sample, (here, there))),
        "events": frame("events", events),
        "drives": frame("drives", told),
    }
    put_into(station.home, frames, [file.path for file in station.ledger.archive_files()])
    offers = Offers(station)

    def days(**asked: object) -> list[tuple[str, str]]:
        answer = offers.answer(Question(**asked))  # type: ignore[arg-type]
        return [(one.table, one.day) for one in answer.files if one.table != "drives"]

    first, second = ("samples", DAYS[0]), ("samples", DAYS[1])
    both = [("events", DAYS[0]), ("events", DAYS[1]), first, second]
    assert days() == both
    assert days(first_day=DAYS[1]) == [both[1], second]
    assert days(last_day=DAYS[0]) == [both[0], first]
    assert days(campaign="north") == [both[0], first]
    assert days(area=(1.5, 1.5, 2.5, 2.5)) == [both[1], second]
    assert days(area=(1.5, 1.5, 2.5, 2.5), campaign="north") == []
    assert days(table="events", area=(0.0, 0.0, 1.0, 1.0)) == [both[0]]


def test_nothing_of_the_merges_own_memory_is_offered(station: Station) -> None:
    piece = {"drive_id": "one", "ts_utc_us": FIRST_US}
    (file,) = put_into(station.home, {"pieces": frame("pieces", [piece])})
    offers = Offers(station)
    assert file.path not in [one.path for one in offers.answer(Question()).files]
    assert offers.path_of(file.sha256) is None


@pytest.mark.parametrize("text", ["3,0,1,2", "0,3,1,2", "0,0,181,1", "nan,0,1,1"])
def test_what_is_no_area(text: str) -> None:
    with pytest.raises(ValueError, match="area"):
        box_of(text)
