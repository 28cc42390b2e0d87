"""A survey, and the same drives after headquarters merged them, become the same measurements."""

import dataclasses
import hashlib
import json
from pathlib import Path

import polars as pl
import pytest

from fieldsurvey.analysis.measurements import DRIVE_COLUMNS, SAMPLE_COLUMNS, TEST_COLUMNS
from fieldsurvey.export.opening import open_measurements
from fieldsurvey.model.drive import Drive, EventKind, PlannedLink, Sample, SurveyPlan
from fieldsurvey.model.errors import KnownError
from fieldsurvey.model.place import Place
from fieldsurvey.model.radio import AccessType
from fieldsurvey.model.tally import Result
from fieldsurvey.model.throughput import Cause, Outcome, ThroughputTest
from fieldsurvey.model.verdict import Verdict
from fieldsurvey.store.bulk import sample_frame
from fieldsurvey.store.survey_file import SurveyFile
from fieldsurvey.wire.rows import DriveEnd, Row
from tests.support.merge_hq import DEVICES, EPOCHS, SmallHq, cut
from tests.support.places_inputs import geojson, imported
from tests.support.store_values import (
    START_UTC_US,
    S,
    a_drive,
    a_radio,
    a_sample,
    a_spoiled_test,
    a_test,
    a_watched_test,
    an_event,
)
from tests.support.value_by_value import read_seconds

DRIVE_ID = "00000000-0000-4000-8000-000000000001"


def recorded() -> list[object]:
    """What a drive records, with everything that can be missing, in order."""
    samples: list[Sample] = [a_sample(n) for n in range(1, 20)]
    samples[3] = dataclasses.replace(samples[3], radio=None)
    samples[4] = dataclasses.replace(samples[4], fix=None, fix_age_us=None, place=None)
    samples[5] = dataclasses.replace(samples[5], fix_age_us=2_000_001)
    samples[6] = a_sample(7, Cause.NO_ROUTE)
    samples[9] = a_sample(10, Cause.NOT_ASKED)
    first = a_watched_test(8, Verdict.BELOW)
    return [
        *samples[:8],
        dataclasses.replace(first, confirms=None),
        dataclasses.replace(a_watched_test(9, Verdict.ABOVE), confirms=first.test_id),
        *samples[8:12],
        an_event(13, EventKind.DRIVE_RESUMED),
        *samples[12:],
        dataclasses.replace(a_test(14), start_place=None),
        a_spoiled_test(15, Outcome.FAILED, Cause.NO_ROUTE),
        a_spoiled_test(16, Outcome.FAILED, Cause.ENGINE),
        a_spoiled_test(17, Outcome.SKIPPED, Cause.BUDGET),
        a_spoiled_test(18, Outcome.CANCELLED, None),
    ]


@pytest.fixture
def values() -> list[object]:
    return recorded()


@pytest.fixture
def survey(tmp_path: Path, values: list[object]) -> Path:
    return write_survey(tmp_path / "a.fsurvey", values)


def write_survey(path: Path, values: list[object], drive: Drive | None = None) -> Path:
    drive = drive or a_drive(DRIVE_ID)
    with SurveyFile.create(path) as survey:
        survey.begin_drive(drive)
        for value in values:
            kind = {Sample: "samples", ThroughputTest: "tests"}.get(type(value), "events")
            survey.append(DRIVE_ID, **{kind: [value]})
        survey.end_drive(DRIVE_ID, START_UTC_US + 60 * S)
    return path


def merged(folder: Path, values: list[object]) -> Path:
    """Return an HQ's folder after the drive came in."""
    drive = a_drive(DRIVE_ID)
    rows = [drive, *values, DriveEnd(START_UTC_US + 60 * S)]
    hq = SmallHq.create(folder)
    numbered = [Row(seq, DRIVE_ID, value) for seq, value in enumerate(rows, 1)]
    hq.land(cut(numbered, [10, 99], DEVICES[0], EPOCHS[0]))
    hq.merge_all()
    hq.ledger.close()
    return folder


def fetched(hq: Path, folder: Path) -> Path:
    """Return a folder as ``sync fetch`` leaves it."""
    files = []
    for path in sorted((hq / "archive").glob("*/*/*.parquet")):
        table, day, content = path.parts[-3], path.parts[-2], path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        there = folder / table / day / f"{sha256[:16]}.parquet"
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(content)
        files.append(
            {
                "path": "elsewhere", "table": table, "day": day, "rows": 1,
                "rows_asked_at_most": 1, "bytes": len(content), "sha256": sha256,
            }
        )  # fmt: skip
    offer = {"log_size": 1, "waiting_batches": 0, "files": files, "checkpoint": ""}
    (folder / "manifest.json").write_text(json.dumps({"asked": {}, "offer": offer}))
    return folder


def test_every_second_and_test_of_a_survey(survey: Path, values: list[object]) -> None:
    m = open_measurements([survey])
    assert dict(m.drives.schema) == DRIVE_COLUMNS
    assert dict(m.samples.schema) == SAMPLE_COLUMNS
    assert dict(m.tests.schema) == TEST_COLUMNS
    samples = [value for value in values if isinstance(value, Sample)]
    assert len(m.samples) == len(samples)
    for row, sample in zip(m.samples.iter_rows(named=True), samples, strict=True):
        fresh = sample.fix if (sample.fix_age_us or 0) <= 2 * S else None
        radio, place = sample.radio, fresh and sample.place
        assert row["utc_us"] == sample.utc_us
        nobody_asked = sample.reachability.cause is Cause.NOT_ASKED
        assert row["reachable"] is (None if nobody_asked else sample.reachability.reachable)
        assert row["cause"] == sample.reachability.cause
        assert row["round_trip_us"] == sample.reachability.round_trip_us
        assert row["latitude_deg"] == (fresh and fresh.latitude_deg)
        assert row["speed_mps"] == (fresh and fresh.speed_mps)
        assert row["technology"] == (radio and radio.technology)
        assert row["rsrp_dbm"] == (radio and radio.rsrp_dbm)
        assert row["highway_ref"] == (place and place.highway_ref)
        assert row["chainage_m"] == (place and place.chainage_m)
        assert row["run"] == (sample.utc_us > START_UTC_US + 12 * S)
    (drive,) = m.drives.iter_rows(named=True)
    assert drive["replayed"] is False
    assert drive["ended_utc_us"] == START_UTC_US + 60 * S
    assert drive["campaign"] == "survey"
    assert m.sources == ("a.fsurvey",)


def test_what_a_test_counts_as_is_what_the_survey_says(survey: Path) -> None:
    m = open_measurements([survey])
    assert m.tests["result"].cast(pl.String).to_list() == [
        Result.UNDECIDED,  # below, and a second server delivered the target
        Result.REPEATED,
        Result.ABOVE,
        Result.NO_SERVICE,
        Result.FAILED,
        Result.SKIPPED,
        Result.CANCELLED,
    ]
    tally = dataclasses.asdict(SurveyFile.summary_of(survey).tally)
    counted = dict(m.tests.group_by(pl.col("result").cast(pl.String)).len().rows())
    assert counted == {word: number for word, number in tally.items() if number}


def test_a_test_knows_operator_radio_and_place(survey: Path) -> None:
    rows = open_measurements([survey]).tests.rows(named=True)
    assert {row["operator"] for row in rows} == {"Алатау"}  # of the link, or of the drive
    assert {row["access_type"] for row in rows} == {"mobile"}
    assert [row["technology"] for row in rows] == ["5G-NSA"] * 7
    assert rows[0]["idle_latency_us"] == 41_000
    assert rows[0]["download_latency_us"] == 52_000
    assert (rows[0]["highway_ref"], rows[0]["chainage_m"]) == ("KAZ02", 318_450.5)
    assert rows[0]["end_chainage_m"] == 318_450.5
    assert (rows[2]["highway_ref"], rows[2]["end_chainage_m"]) == (None, None)
    assert json.loads(rows[2]["tags"])["vehicle"] == "УАЗ"


def test_a_drive_with_several_links_has_no_operator_of_its_own(tmp_path: Path) -> None:
    """Its plan says so before any test is made; those of one link are its."""

    def opened(*links: PlannedLink) -> tuple[object, ...]:
        drive = dataclasses.replace(a_drive(DRIVE_ID), plan=SurveyPlan(links=links))
        survey = write_survey(tmp_path / f"{len(links)}.fsurvey", [a_sample(1)], drive)
        names = ("operator", "access_type", "operators_of_links", "access_types_of_links")
        return open_measurements([survey]).drives.select(names).row(0)

    one = PlannedLink("one", "wwan0", "Kcell", AccessType.MOBILE)
    two = PlannedLink("two", "wwan1", "Beeline", AccessType.MOBILE)
    assert opened(one, two) == (None, "mobile", True, False)
    assert opened(one) == ("Kcell", "mobile", False, False)
    assert opened() == (None, None, False, False)


def test_an_old_word_of_the_modem_is_not_taken_for_a_test(tmp_path: Path) -> None:
    silent = [dataclasses.replace(a_sample(n), radio=None) for n in range(3, 9)]
    said = dataclasses.replace(a_sample(2), radio=a_radio(2))
    path = write_survey(tmp_path / "b.fsurvey", [said, a_test(3), *silent, a_test(8)])
    words = open_measurements([path]).tests["technology"].cast(pl.String).to_list()
    assert words == ["5G-NSA", None]


def test_the_modem_says_nothing_of_a_satellite_beside_it(tmp_path: Path) -> None:
    dish = dataclasses.replace(a_watched_test(3), access_type=AccessType.SATELLITE)
    path = write_survey(tmp_path / "b.fsurvey", [a_sample(2), a_watched_test(2), dish])
    tests = open_measurements([path]).tests
    assert tests["technology"].cast(pl.String).to_list() == ["5G-NSA", None]
    assert tests["rsrp_dbm"].to_list() == [-98.5, None]


def test_the_modem_says_nothing_where_there_are_two(tmp_path: Path) -> None:
    left, right = a_watched_test(2), a_watched_test(3, link="right")
    path = write_survey(tmp_path / "b.fsurvey", [a_sample(2), left, a_sample(3), right])
    assert open_measurements([path]).tests["technology"].to_list() == [None, None]


def test_the_archive_tells_the_same(tmp_path: Path, survey: Path, values: list[object]) -> None:
    ours = open_measurements([survey])
    hq = merged(tmp_path / "hq", values)
    desk = open_measurements([fetched(hq, tmp_path / "desk")])
    assert not desk.notes
    own = open_measurements([hq])
    assert [note.id for note in own.notes] == ["analysis.archive_without_manifest"]
    for theirs in (desk, own):
        told = theirs.drives.drop("source", "device")
        assert told.equals(ours.drives.drop("source", "device"))
        assert theirs.drives["device"].to_list() == [DEVICES[0]]
        without_place = ("highway_ref", "chainage_m", "settlement_id", "utc_us")
        assert theirs.samples.drop(without_place).equals(ours.samples.drop(without_place))
        # Times are settled by GNSS there.
        off_us = (theirs.samples["utc_us"] - ours.samples["utc_us"]).abs()
        assert off_us.max() < 200_000
        unlike = ("started_utc_us", "ended_utc_us")
        # The wire puts the words of a JSON object in order.
        tags = [[json.loads(one) for one in m.tests["tags"]] for m in (theirs, ours)]
        assert tags[0] == tags[1] != []
        assert theirs.tests.drop(*unlike, "tags").equals(ours.tests.drop(*unlike, "tags"))


def test_a_file_that_hq_replaced_does_not_double_its_rows(
    tmp_path: Path, values: list[object]
) -> None:
    hq = merged(tmp_path / "hq", values)
    once = open_measurements([hq])
    for path in (hq / "archive").glob("*/*/*.parquet"):
        pl.read_parquet(path).write_parquet(path.with_name("0123456789abcdef.parquet"))
    twice = open_measurements([hq])
    assert twice.tests.equals(once.tests)
    assert twice.samples.equals(once.samples)


def test_a_drive_whose_own_row_has_not_come_is_no_evidence(tmp_path: Path) -> None:
    hq = SmallHq.create(tmp_path / "hq")
    rows = [Row(seq, DRIVE_ID, value) for seq, value in enumerate(recorded(), 2)]
    hq.land(cut(rows, [99], DEVICES[0], EPOCHS[0]))
    hq.merge_all()
    hq.ledger.close()
    m = open_measurements([tmp_path / "hq"])
    assert m.drives["replayed"].to_list() == [None]
    assert len(m.tests) == 7
    assert m.evidence().tests.is_empty()


def test_a_survey_and_the_archive_of_it_count_once(
    tmp_path: Path, survey: Path, values: list[object]
) -> None:
    desk = fetched(merged(tmp_path / "hq", values), tmp_path / "desk")
    both = open_measurements([survey, desk])
    assert len(both.tests) == 7
    assert both.sources == ("a.fsurvey", "desk")


def test_what_has_no_place_gets_one(tmp_path: Path, values: list[object]) -> None:
    road = ({"ref": "KAZ02"}, "LineString", [[77.0, 42.9], [77.0, 43.1]])
    (tmp_path / "in").mkdir()
    places, _ = imported(tmp_path, geojson(tmp_path / "in" / "roads.geojson", road))
    desk = fetched(merged(tmp_path / "hq", values), tmp_path / "desk")
    assert open_measurements([desk]).samples["highway_ref"].null_count() == 19
    m = open_measurements([desk], places=places)
    assert m.places_version == places.version
    known = m.samples.filter(pl.col("latitude_deg").is_not_null())
    assert known["highway_ref"].cast(pl.String).to_list() == ["KAZ02"] * 17
    assert known["chainage_m"].is_between(11_000, 11_200).all()
    assert m.samples.filter(pl.col("latitude_deg").is_null())["highway_ref"].null_count() == 2
    tests = m.tests.rows(named=True)
    assert tests[0]["chainage_m"] == 318_450.5, "a place that was recorded is left alone"
    assert tests[2]["highway_ref"] == "KAZ02"
    assert tests[2]["end_chainage_m"] - tests[2]["chainage_m"] == pytest.approx(40, abs=1)


@pytest.mark.parametrize("name", ["text.fsurvey", "empty.fsurvey", "folder", "missing.fsurvey"])
def test_what_is_not_ours_is_named_and_the_rest_opens(
    tmp_path: Path, survey: Path, name: str
) -> None:
    other = tmp_path / name
    if name == "folder":
        other.mkdir()
    elif name != "missing.fsurvey":
        other.write_bytes(b"no survey\n" * 200 if name == "text.fsurvey" else b"")
    before = other.read_bytes() if other.is_file() else None
    m = open_measurements([other, survey])
    assert len(m.tests) == 7
    (failed,) = m.failed
    assert str(other) in failed.text("en")
    assert before is None or other.read_bytes() == before
    with pytest.raises(KnownError) as caught:
        open_measurements([other])
    assert caught.value.message == failed


def test_a_damaged_archive_is_not_taken_in_part(tmp_path: Path, values: list[object]) -> None:
    desk = fetched(merged(tmp_path / "hq", values), tmp_path / "desk")
    (path,) = desk.glob("tests/*/*.parquet")
    content = path.read_bytes()
    for damaged in (content[:-1], content[:200] + b"x" * 100 + content[300:], b"x" * len(content)):
        path.write_bytes(damaged)
        with pytest.raises(KnownError) as caught:
            open_measurements([desk])
        assert caught.value.message.id == "analysis.archive_damaged"
    (desk / "manifest.json").write_text("{")
    with pytest.raises(KnownError) as caught:
        open_measurements([desk])
    assert caught.value.message.id == "analysis.bad_manifest"


def test_words_with_every_character_come_back(tmp_path: Path) -> None:
    """Within one piece of a survey, with numbers beside them."""
    words = ['a"b', "c\\d", "e,f", "g],[h", "Қ\n", "'", "0]"]
    samples = [
        dataclasses.replace(
            a_sample(n), place=Place("kz", word, 1.5, 0.0, settlement_id=f"{word}s")
        )
        for n, word in enumerate(words)
    ]
    for name, some in (("all", samples), ("plain", samples[2:4])):
        path = write_survey(tmp_path / f"{name}.fsurvey", list(some))
        found = open_measurements([path]).samples
        places = [sample.place for sample in some if sample.place is not None]
        assert found["highway_ref"].cast(pl.String).to_list() == [p.highway_ref for p in places]
        assert found["settlement_id"].cast(pl.String).to_list() == [p.settlement_id for p in places]
        assert found["chainage_m"].to_list() == [1.5] * len(some)


@pytest.mark.parametrize("name", ["survey-v1", "survey-v2", "survey-v3"])
def test_surveys_of_older_programs(name: str) -> None:
    path = Path(__file__).parents[2] / "data" / f"{name}.fsurvey"
    m = open_measurements([path])
    summary = SurveyFile.summary_of(path)
    assert len(m.samples) == summary.samples > 0
    counted = dict(m.tests.group_by(pl.col("result").cast(pl.String)).len().rows())
    tally = dataclasses.asdict(summary.tally)
    assert counted == {word: number for word, number in tally.items() if number}


def test_nothing_and_no_rows(tmp_path: Path) -> None:
    assert open_measurements([]).tests.is_empty()
    SurveyFile.create(tmp_path / "new.fsurvey").close()
    m = open_measurements([tmp_path / "new.fsurvey"])
    assert (len(m.drives), len(m.samples), len(m.tests)) == (0, 0, 0)
    assert dict(m.samples.schema) == SAMPLE_COLUMNS


def test_it_tells_how_far_it_is_and_can_be_stopped(survey: Path) -> None:
    shares: list[float] = []
    open_measurements([survey, survey], progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    with pytest.raises(KnownError) as caught:
        open_measurements([survey], cancelled=lambda: True)
    assert caught.value.message.id == "analysis.opening_cancelled"


def test_seconds_come_in_pieces_to_the_last_bit(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("fieldsurvey.store.bulk._PIECE_VALUES", 20_000)
    fix = a_sample(1).fix
    assert fix is not None
    samples = [
        dataclasses.replace(
            a_sample(n, Cause.NO_ROUTE if n % 7 == 0 else None),
            fix=None if n % 11 == 0 else dataclasses.replace(fix, latitude_deg=43 + n / 77_777),
            fix_age_us=None if n % 11 == 0 else n % 3 * S,
            radio=None if n % 13 == 0 else a_radio(n / 3),
            place=None if n % 5 == 0 else a_sample(1).place,
        )
        for n in range(1, 8_000)
    ]
    with SurveyFile.create(tmp_path / "a.fsurvey") as survey:
        survey.begin_drive(a_drive("d1"))
        resumed = [an_event(n, EventKind.DRIVE_RESUMED) for n in (0, 700, 701, 1_499, 4_998)]
        survey.append("d1", samples=samples[:5_000], events=resumed)
        survey.begin_drive(a_drive("d2"))
        survey.append("d2", samples=samples[5_000:6_000])
        survey.append("d1", samples=samples[6_000:])
    names = ["drive_index", "run", *(n for n in SAMPLE_COLUMNS if n not in ("drive", "run"))]
    path = tmp_path / "a.fsurvey"
    found = sample_frame(path, names, 10 * S)
    columns = read_seconds(path, names)
    for name in names:
        theirs = columns[name]
        expected = (
            pl.Series(theirs.tolist(), dtype=pl.String)
            if theirs.dtype == object
            else pl.Series(theirs, nan_to_null=True)
        )
        ours = found[name]
        assert (ours.cast(pl.String) if ours.dtype == pl.Categorical else ours).equals(expected)
    assert sample_frame(path, ["latitude_deg"], 0)["latitude_deg"].count() < 3_000


def test_what_is_recorded_meanwhile_is_left_for_the_next_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldsurvey.store.bulk._PIECE_VALUES", 20)
    path = tmp_path / "a.fsurvey"
    recorded_later = iter(range(100, 200))
    with SurveyFile.create(path) as survey:
        survey.begin_drive(a_drive("d1"))
        survey.append("d1", samples=[a_sample(n) for n in range(1, 100)])

    def record(_share: float) -> None:
        n = next(recorded_later)
        with SurveyFile.open(path) as survey:
            survey.append(
                "d1", samples=[a_sample(n)], events=[an_event(n, EventKind.DRIVE_RESUMED)]
            )

    found = sample_frame(path, ["seq", "run"], 2 * S, record)
    assert next(recorded_later) > 105
    assert len(found) == 99
    assert found["seq"].is_sorted()
    assert found["run"].sum() == 0
    assert len(sample_frame(path, ["run"], 2 * S)) > 105
