"""All or nothing, exactly once, never changed afterwards."""

import dataclasses
import re
from pathlib import Path

import pytest

from fieldsurvey.model.drive import Reachability
from fieldsurvey.model.messages import catalogue
from fieldsurvey.model.throughput import Cause, Outcome
from fieldsurvey.store.driver import DatabaseError
from fieldsurvey.store.migrations import RAW_TABLES
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.store_values import (
    START_UTC_US,
    S,
    a_drive,
    a_fix,
    a_sample,
    a_spoiled_test,
    a_test,
    an_event,
)

HOUR_US = 3_600 * S


@pytest.fixture
def survey(tmp_path: Path):
    with SurveyFile.create(tmp_path / "a.fsurvey") as opened:
        opened.begin_drive(a_drive("d1"))
        yield opened


def last_seq(survey: SurveyFile) -> int:
    return survey.connection.execute("SELECT last_seq FROM survey").fetchone()[0]


def test_every_row_of_the_file_has_its_own_growing_number(survey: SurveyFile) -> None:
    survey.append("d1", fixes=[a_fix(1)], samples=[a_sample(1)], events=[an_event(1)])
    survey.append("d1", tests=[a_test(2)], samples=[a_sample(2)])
    survey.end_drive("d1", START_UTC_US + 9 * S)
    assert last_seq(survey) == 7
    assert survey.check() == []


@pytest.mark.parametrize("table", RAW_TABLES)
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET {} = {}"])
def test_measured_rows_cannot_be_changed(survey: SurveyFile, table: str, change: str) -> None:
    bad = dataclasses.replace(a_fix(9), latitude_deg=91.0)
    survey.append(
        "d1",
        fixes=[a_fix(1), bad],
        samples=[a_sample(1)],
        events=[an_event(1)],
        tests=[a_test(1)],
    )
    survey.end_drive("d1", START_UTC_US)
    column = survey.connection.execute(
        "SELECT name FROM pragma_table_info(?) LIMIT 1 OFFSET 2", (table,)
    ).fetchone()[0]
    with pytest.raises(DatabaseError, match="append-only"):
        survey.connection.execute(change.format(table, column, column))


def test_a_repeated_append_changes_nothing(survey: SurveyFile) -> None:
    rows = {
        "fixes": [a_fix(1)],
        "samples": [a_sample(1)],
        "events": [an_event(1)],
        "tests": [a_test(1)],
    }
    survey.append("d1", **rows)
    before = last_seq(survey)
    survey.append("d1", **rows)
    assert last_seq(survey) == before
    more = {**rows, "samples": [a_sample(1), a_sample(2)]}
    survey.append("d1", **more)
    assert last_seq(survey) == before + 1
    assert list(survey.samples()) == [a_sample(1), a_sample(2)]
    assert len(list(survey.tests())) == 1
    assert survey.check() == []


def test_a_repeated_append_in_another_process_run(tmp_path: Path) -> None:
    path = tmp_path / "b.fsurvey"
    with SurveyFile.create(path) as survey:
        survey.begin_drive(a_drive("d1"))
        survey.append("d1", samples=[a_sample(1)])
    with SurveyFile.open(path) as survey:
        survey.append("d1", samples=[a_sample(1), a_sample(2)])
        assert list(survey.samples()) == [a_sample(1), a_sample(2)]


def test_the_same_clock_reading_twice_is_two_seconds(survey: SurveyFile) -> None:
    """A clock set back an hour repeats UTC; a reboot repeats the monotonic clock."""
    sample = a_sample(1)
    set_back = dataclasses.replace(sample, mono_us=sample.mono_us + HOUR_US)
    rebooted = dataclasses.replace(sample, utc_us=sample.utc_us + HOUR_US)
    survey.append("d1", samples=[sample])
    survey.append("d1", samples=[set_back])
    survey.append("d1", samples=[rebooted])
    assert list(survey.samples()) == [sample, set_back, rebooted]


def test_equal_rows_of_two_drives_are_two_rows(survey: SurveyFile) -> None:
    survey.begin_drive(a_drive("d2"))
    survey.append("d1", samples=[a_sample(1)])
    survey.append("d2", samples=[a_sample(1)])
    assert len(list(survey.samples())) == 2


OUT_OF_RANGE = {
    "latitude": {"fixes": [dataclasses.replace(a_fix(1), latitude_deg=90.1)]},
    "longitude": {"fixes": [dataclasses.replace(a_fix(1), longitude_deg=-180.1)]},
    "no latitude": {"fixes": [dataclasses.replace(a_fix(1), latitude_deg=float("nan"))]},
    "heading": {"fixes": [dataclasses.replace(a_fix(1), heading_deg=361.0)]},
    "speed": {"fixes": [dataclasses.replace(a_fix(1), speed_mps=-1.0)]},
    "satellites": {"fixes": [dataclasses.replace(a_fix(1), satellites=-1)]},
    "year 10000": {"fixes": [dataclasses.replace(a_fix(1), utc_us=2**62)]},
    "65 bits": {"fixes": [dataclasses.replace(a_fix(1), mono_us=2**64)]},
    "text for a number": {"fixes": [dataclasses.replace(a_fix(1), utc_us="yesterday")]},
    "fix of a sample": {
        "samples": [
            dataclasses.replace(a_sample(1), fix=dataclasses.replace(a_fix(1), latitude_deg=-91.0))
        ]
    },
    "no service without a cause": {
        "samples": [dataclasses.replace(a_sample(1), reachability=Reachability(False))]
    },
    "round trip": {
        "samples": [dataclasses.replace(a_sample(1), reachability=Reachability(True, -1))]
    },
    "failed without a cause": {"tests": [a_spoiled_test(1, Outcome.FAILED, None)]},
    "skipped without a cause": {"tests": [a_spoiled_test(1, Outcome.SKIPPED, None)]},
}


@pytest.mark.parametrize("rows", OUT_OF_RANGE.values(), ids=OUT_OF_RANGE.keys())
def test_a_row_out_of_range_is_kept_as_text_and_holds_up_nobody(
    survey: SurveyFile, rows: dict[str, list]
) -> None:
    good = {"samples": [a_sample(3)], "events": [an_event(3)], "tests": [a_test(3)]}
    together = {kind: rows.get(kind, []) + good.get(kind, []) for kind in rows.keys() | good.keys()}
    (told,) = survey.append("d1", **together)
    ((bad_row,),) = rows.values()
    assert told.id == "store.row_refused"
    assert list(survey.samples()) == good["samples"]
    assert list(survey.events()) == good["events"]
    assert list(survey.tests()) == good["tests"]
    assert list(survey.fixes_between(0, 2**62)) == []
    (content,) = survey.connection.execute("SELECT content FROM refused").fetchone()
    assert content == repr(bad_row)
    survey.append("d1", **together)  # repeated: still once
    assert survey.summary().refused_rows == 1
    assert [finding.id for finding in survey.check()] == ["store.check_refused"]


def test_bins_beyond_32_bits_are_refused_with_their_test(survey: SurveyFile) -> None:
    test = a_test(1)
    idle, download = test.measurement.phases
    bins = dataclasses.replace(download.bins, byte_counts=(1, 2**32))
    phases = (idle, dataclasses.replace(download, bins=bins))
    test = dataclasses.replace(
        test, measurement=dataclasses.replace(test.measurement, phases=phases)
    )
    (told,) = survey.append("d1", tests=[test])
    assert told.args["kind"] == "ThroughputTest"
    assert list(survey.tests()) == []


def test_a_second_test_of_the_same_id_does_not_replace_the_first(survey: SurveyFile) -> None:
    test = a_test(1)
    forged = dataclasses.replace(test, tags={"note": "much better"})
    survey.append("d1", tests=[test])
    (told,) = survey.append("d1", tests=[forged])
    assert "test_id" in str(told.args["reason"])
    assert list(survey.tests()) == [test]


def test_a_failure_midway_leaves_nothing(survey: SurveyFile) -> None:
    """Here the third row fails for a reason that is not the row's."""
    survey.connection.execute(
        "CREATE TEMP TRIGGER stop BEFORE INSERT ON sample WHEN new.mono_us = 3000000"
        " BEGIN SELECT abs(-9223372036854775808); END"
    )
    before = last_seq(survey)
    with pytest.raises(Exception, match="overflow"):
        survey.append("d1", fixes=[a_fix(1)], samples=[a_sample(1), a_sample(3)])
    assert last_seq(survey) == before
    assert list(survey.samples()) == []
    assert not survey.connection.in_transaction
    survey.connection.execute("DROP TRIGGER stop")
    survey.append("d1", fixes=[a_fix(1)], samples=[a_sample(1), a_sample(3)])
    assert last_seq(survey) == before + 3


def test_whole_floats_and_booleans_for_integers_do_not_look_forged(survey: SurveyFile) -> None:
    sloppy = dataclasses.replace(
        a_sample(1), fix_age_us=2.0, reachability=Reachability(True, round_trip_us=True)
    )
    assert survey.append("d1", samples=[sloppy]) == ()
    survey.append("d1", samples=[sloppy])
    (stored,) = survey.samples()
    assert (stored.fix_age_us, stored.reachability.round_trip_us) == (2, 1)
    assert survey.check() == []


def test_drives_end_once(survey: SurveyFile) -> None:
    survey.begin_drive(survey.drives()[0])  # repeated: nothing new
    assert len(survey.drives()) == 1
    survey.end_drive("d1", START_UTC_US + 5)
    survey.end_drive("d1", START_UTC_US + 5)
    with pytest.raises(ValueError, match="ended"):
        survey.end_drive("d1", START_UTC_US + 6)
    assert [drive.ended_utc_us for drive in survey.drives()] == [START_UTC_US + 5]
    assert survey.check() == []


def test_no_service_is_kept_with_its_cause(survey: SurveyFile) -> None:
    test = a_spoiled_test(1, Outcome.FAILED, Cause.NO_ROUTE)
    survey.append("d1", samples=[a_sample(1, Cause.TIMED_OUT)], tests=[test])
    (sample,), (stored,) = survey.samples(), survey.tests()
    assert sample.reachability == Reachability(False, None, Cause.TIMED_OUT)
    assert stored.no_service
    assert stored.measurement.cause is Cause.NO_ROUTE


def test_every_message_of_the_store_is_in_the_catalogue() -> None:
    sources = Path(__file__).parents[3] / "fieldsurvey" / "store"
    used = {
        found
        for source in sources.glob("*.py")
        for found in re.findall(r'"(store\.[a-z_]+)"', source.read_text(encoding="utf-8"))
    }
    known = {name for name in catalogue() if name.startswith("store.")}
    assert used == known
    for name in known:
        assert set(catalogue()[name]) == {"en", "kk", "ru"}
        arguments = [set(re.findall(r"{(\w+)}", text)) for text in catalogue()[name].values()]
        assert all(found == arguments[0] for found in arguments), name
