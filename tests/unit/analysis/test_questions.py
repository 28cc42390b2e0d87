"""What the questions say, against plain Python over the same rows, and against figures by hand."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldsurvey.analysis.evidence import COLUMNS, Question
from fieldsurvey.analysis.questions import Scope, answer
from fieldsurvey.hq.archive_tables import TABLES
from fieldsurvey.hq.engines.engine import Archived, Engine
from fieldsurvey.hq.engines.on_duckdb import OnDuckDb
from tests.support.engine_archive import (
    MIDNIGHT_UTC_US,
    US,
    Row,
    Rows,
    SmallArchive,
    seen,
    small_archive,
    written,
)
from tests.support.engine_reference import DAY_US, expected

SCOPES = [
    Scope(),
    Scope(9, MIDNIGHT_UTC_US, MIDNIGHT_UTC_US + DAY_US),
    Scope(5, operator="Tele2"),
    Scope(operator="Nobody"),
]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> SmallArchive:
    return small_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="module")
def engine(archive: SmallArchive) -> Iterator[Engine]:
    with contextlib.closing(OnDuckDb(Archived(archive.folder, archive.named()))) as one:
        yield one


@pytest.mark.parametrize("scope", SCOPES, ids=str)
@pytest.mark.parametrize("question", Question)
def test_plain_python_says_the_same(
    archive: SmallArchive, engine: Engine, question: Question, scope: Scope
) -> None:
    answered = engine.answer(answer(question, scope)).rows()
    assert answered == expected(question, scope, seen(archive.rows))
    assert answered or scope.operator == "Nobody"


def test_the_archive_has_these_columns() -> None:
    kinds = {"int64": "Int64", "float64": "Float64", "boolean": "Boolean", "string": "String"}
    for table, columns in COLUMNS.items():
        for name, kind in columns.items():
            assert str(TABLES[table][name]).replace("Categorical", "String") == kinds[kind], name


def asked(folder: Path, rows: Rows, question: Question, scope: Scope) -> list[Row]:
    files = written(folder, rows)
    archived = Archived(
        folder, {table: [one.path for one in files if one.table == table] for table in rows}
    )
    with contextlib.closing(OnDuckDb(archived)) as one:
        answered = one.answer(answer(question, scope))
    return answered.to_dicts()


def a_row(second: int, **values: object) -> Row:
    return {
        "ts_utc_us": MIDNIGHT_UTC_US + second * US,
        "time_quality": "gnss",
        "device": "device",
        "epoch": "epoch",
        "seq": second,
        "drive_id": "drive",
        "replayed": False,
        "operator": "Kcell",
        **values,
    }


def a_test(second: int, bps: int | None, **values: object) -> Row:
    word = "failed" if bps is None else "completed"
    return a_row(
        second, **{"outcome": word, "download_outcome": word, "download_bps": bps, **values}
    )


def test_a_failed_test_is_no_zero(tmp_path: Path) -> None:
    """Ten rates and ten failures: the median is of the ten."""
    tests = [a_test(at, (at + 1) * 1_000_000) for at in range(10)]
    tests += [a_test(10 + at, None) for at in range(10)]
    tests += [a_test(20, None, outcome="skipped"), a_test(21, None, outcome="cancelled")]
    tests += [a_test(22, 999_000_000, replayed=True), a_test(23, 999_000_000, replayed=None)]
    rows = {"samples": [], "tests": tests, "drives": [a_row(0)]}
    (day,) = asked(tmp_path, rows, Question.DAYS, Scope())
    assert (day["tests"], day["failed_tests"]) == (20, 10)
    assert (day["p10_bps"], day["median_bps"]) == (1_000_000, 5_000_000)
    assert day["technology"] == "unknown"
    assert day["seconds"] is None  # nobody recorded one: not the same as none
    steps = asked(tmp_path, rows, Question.RATES, Scope())
    assert {row["from_bps"]: row["tests"] for row in steps} == {0: 9, 10_000_000: 1, None: 10}


def test_only_failures_have_no_rate(tmp_path: Path) -> None:
    rows = {"samples": [], "tests": [a_test(0, None)], "drives": []}
    (day,) = asked(tmp_path, rows, Question.DAYS, Scope())
    assert (day["tests"], day["failed_tests"], day["median_bps"]) == (1, 1, None)


def test_a_tests_technology_is_of_its_second_or_the_one_before(tmp_path: Path) -> None:
    told = {10: "4G", 20: "5G-NSA", 21: None, 40: "3G"}
    samples = [
        a_row(at, reachable=True, radio_technology=technology) for at, technology in told.items()
    ]
    tests = [a_test(at, at * 1_000_000) for at in (10, 11, 12, 21, 39)]
    rows = {"samples": samples, "tests": tests, "drives": [a_row(0)]}
    found = {
        row["technology"]: (row["tests"], row["median_bps"])
        for row in asked(tmp_path, rows, Question.DAYS, Scope())
    }
    assert found == {
        "4G": (2, 10_000_000),
        "5G-NSA": (1, 21_000_000),
        "unknown": (2, 12_000_000),
        "3G": (None, None),
    }


def test_a_gap_is_what_is_missing_between_two_seconds(tmp_path: Path) -> None:
    samples = [a_row(at, reachable=True) for at in (0, 1, 2, 5, 6, 16)]
    samples.append(a_row(400_000_000, reachable=True, time_quality="doubtful"))
    rows = {"samples": samples, "tests": [], "drives": [a_row(0)]}
    (drive,) = asked(tmp_path, rows, Question.GAPS, Scope())
    assert (drive["seconds"], drive["undated_seconds"]) == (7, 1)
    assert (drive["gaps"], drive["missing_us"], drive["longest_us"]) == (2, 11 * US, 9 * US)


def test_of_nothing_there_is_nothing_to_say(tmp_path: Path) -> None:
    for question in Question:
        answered = asked(tmp_path, {}, question, Scope())
        if question is Question.EXTENT:
            assert answered[0]["seconds"] == 0
            assert answered[0]["north_deg"] is None
        else:
            assert answered == []


def test_a_tests_technology_does_not_depend_on_the_period(tmp_path: Path) -> None:
    """Its second may be of doubtful time, or lie before midnight."""
    samples = [
        a_row(-1, reachable=True, radio_technology="4G"),
        a_row(60, reachable=True, radio_technology="5G-SA", time_quality="doubtful"),
    ]
    rows = {"samples": samples, "tests": [a_test(0, 5), a_test(60, 7)], "drives": [a_row(0)]}
    scope = Scope(first_utc_us=MIDNIGHT_UTC_US, end_utc_us=MIDNIGHT_UTC_US + DAY_US)
    found = asked(tmp_path, rows, Question.SPEED, scope)
    assert {row["technology"]: row["median_bps"] for row in found} == {"4G": 5, "5G-SA": 7}


def test_what_never_downloads_says_nothing_of_the_rate(tmp_path: Path) -> None:
    tests = [
        a_test(0, None, outcome="completed", download_outcome=None),  # a ping
        a_test(1, 30_000_000, outcome="failed"),  # on the way up
        a_test(2, None, download_outcome=None),  # never reached the server
    ]
    rows = {"samples": [], "tests": tests, "drives": []}
    (row,) = asked(tmp_path, rows, Question.SPEED, Scope())
    assert (row["tests"], row["failed_tests"], row["median_bps"]) == (2, 1, 30_000_000)
