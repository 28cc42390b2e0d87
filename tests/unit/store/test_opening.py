"""Nothing that is not ours is ever written to, and recording finds a place all the same."""

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fieldsurvey.model.errors import KnownError
from fieldsurvey.store import bulk, columns, driver
from fieldsurvey.store.migrations import SCHEMA_VERSION
from fieldsurvey.store.outbox import Outbox
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.outbox import seal_rest, sealed_rows
from tests.support.store_mounts import read_only
from tests.support.store_values import START_UTC_US, S, a_drive, a_sample, a_test, a_watched_test

ROWS = 400


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "campaign.fsurvey"


def make_survey(path: Path, rows: int = ROWS) -> None:
    with SurveyFile.create(path) as survey:
        drive = a_drive("d1")
        survey.begin_drive(drive)
        survey.append("d1", samples=[a_sample(n) for n in range(rows)], tests=[a_test(1)])


def refused(path: Path, **options: bool) -> str:
    with pytest.raises(KnownError) as caught:
        SurveyFile.open(path, **options).close()
    return caught.value.message.id


def test_create_open_and_the_file_says_what_it_is(path: Path) -> None:
    make_survey(path)
    with SurveyFile.open(path) as survey:
        pragma = {
            name: survey.connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version", "journal_mode", "synchronous")
        }
        strict = survey.connection.execute(
            "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND NOT strict"
            " AND name NOT LIKE 'sqlite_%' AND name <> '_sqlite_migrations'"
        ).fetchone()
    assert pragma == {
        "application_id": int.from_bytes(b"FSRV", "big"),
        "user_version": SCHEMA_VERSION,
        "journal_mode": "wal",
        "synchronous": 2,
    }
    assert strict == (0,)
    assert path.read_bytes()[68:72] == b"FSRV"


def test_create_makes_the_folder_and_never_replaces(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.fsurvey"
    SurveyFile.create(path).close()
    before = path.read_bytes()
    with pytest.raises(KnownError) as caught:
        SurveyFile.create(path)
    assert caught.value.message.id == "store.exists"
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["a.fsurvey"]


def test_a_draft_left_by_a_crash_is_no_obstacle(path: Path) -> None:
    path.with_name(f".{path.name}.new").write_bytes(b"half a database")
    make_survey(path)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_missing(path: Path) -> None:
    assert refused(path) == "store.missing"
    assert refused(path, read_only=True) == "store.missing"
    assert list(path.parent.iterdir()) == []


def text_file(path: Path) -> None:
    path.write_text("lat,lon,mbps\n43.2,76.9,104\n" * 300, encoding="utf-8")


def empty_file(path: Path) -> None:
    path.touch()


def folder(path: Path) -> None:
    path.mkdir()
    (path / "inside.txt").write_text("kept")


def other_sqlite(path: Path) -> None:
    connection = driver.connect(path, "mode=rwc")
    connection.execute("PRAGMA application_id=1196444487")  # a GeoPackage
    connection.execute("CREATE TABLE gpkg_contents (a)")
    connection.close()


def newer(path: Path) -> None:
    make_survey(path)
    connection = driver.connect(path, "mode=rw")
    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    connection.close()


def truncated(path: Path) -> None:
    make_survey(path)
    os.truncate(path, path.stat().st_size * 2 // 3)


def zeroed_pages(path: Path) -> None:
    """What a cheap USB stick does to a file it had half in its cache."""
    make_survey(path)
    content = bytearray(path.read_bytes())
    content[3 * 4096 : 9 * 4096] = bytes(6 * 4096)
    path.write_bytes(content)


def damaged_header(path: Path) -> None:
    make_survey(path)
    content = bytearray(path.read_bytes())
    content[3] ^= 0x10
    path.write_bytes(content)


def unfinished_migrations(path: Path) -> None:
    make_survey(path)
    connection = driver.connect(path, "mode=rw")
    connection.execute("DELETE FROM _sqlite_migrations")
    connection.close()


def damaged_with_log(path: Path) -> None:
    """Damage in the file while committed rows still wait in its log."""
    make_survey(path)
    script = (
        "import sys; from pathlib import Path\n"
        "from fieldsurvey.store.survey_file import SurveyFile\n"
        "from tests.support.store_values import a_sample\n"
        "survey = SurveyFile.open(Path(sys.argv[1]))\n"
        "survey.append('d1', samples=[a_sample(9_999)])\n"
        "import os; os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, timeout=30)
    assert path.with_name(path.name + "-wal").stat().st_size > 0
    content = bytearray(path.read_bytes())
    content[4096 * 12 : 4096 * 13] = bytes(4096)
    path.write_bytes(content)


UNUSABLE = [
    (text_file, "store.foreign"),
    (other_sqlite, "store.foreign"),
    (folder, "store.foreign"),
    (empty_file, "store.empty"),
    (newer, "store.newer"),
    (truncated, "store.damaged"),
    (zeroed_pages, "store.damaged"),
    (damaged_header, "store.foreign"),
    (unfinished_migrations, "store.damaged"),
    (damaged_with_log, "store.damaged"),
]


@pytest.mark.parametrize(
    ("make", "message_id"), UNUSABLE, ids=lambda value: getattr(value, "__name__", value)
)
def test_left_untouched_and_recording_goes_on_beside(
    path: Path, make: Callable[[Path], None], message_id: str
) -> None:
    make(path)
    before = contents(path.parent)
    assert refused(path) == message_id
    survey, notice = SurveyFile.open_or_beside(path)
    with survey:
        assert survey.path == path.with_name("campaign-2.fsurvey")
        survey.begin_drive(a_drive("d2"))
        survey.append("d2", samples=[a_sample(1)])
    assert notice is not None
    assert notice.id == "store.beside"
    assert notice.args["problem"].id == message_id
    assert str(survey.path) in notice.text("kk")
    after = contents(path.parent)
    assert {name: after[name] for name in before} == before
    again, _ = SurveyFile.open_or_beside(path)  # the next start goes on there
    with again:
        assert again.path == survey.path
        assert again.summary().samples == 1


def contents(folder: Path) -> dict[str, bytes]:
    """All files but what holds no data: SQLite's index of the log, and a dead recorder's lock."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and not file.name.endswith(("-shm", ".lock"))
    }


def test_beside_counts_on(path: Path) -> None:
    text_file(path)
    text_file(path.with_name("campaign-2.fsurvey"))
    survey, notice = SurveyFile.open_or_beside(path)
    survey.close()
    assert survey.path.name == "campaign-3.fsurvey"
    assert notice is not None
    assert notice.args["problem"].args["path"] == path


def test_open_or_beside_of_a_good_or_new_file_says_nothing(path: Path) -> None:
    for _ in range(2):
        survey, notice = SurveyFile.open_or_beside(path)
        survey.close()
        assert (survey.path, notice) == (path, None)


def test_a_forgotten_log_is_not_poured_into_a_new_file(path: Path) -> None:
    damaged_with_log(path)
    path.rename(path.with_name("moved-without-its-log.fsurvey"))
    survey, notice = SurveyFile.open_or_beside(path)
    with survey:
        assert survey.path.name == "campaign-2.fsurvey"
        assert survey.summary().samples == 0
    assert notice is not None
    assert notice.args["problem"].id == "store.exists"


def test_one_recorder_per_file(path: Path) -> None:
    make_survey(path, 1)
    with SurveyFile.open(path):
        assert refused(path) == "store.in_use"
        with pytest.raises(KnownError) as caught:
            SurveyFile.open_or_beside(path)
        assert caught.value.message.id == "store.in_use"
    SurveyFile.open(path).close()


def test_the_lock_holds_between_processes_and_goes_with_its_process(path: Path) -> None:
    make_survey(path, 1)
    script = (
        "import sys; from pathlib import Path\n"
        "from fieldsurvey.store.survey_file import SurveyFile\n"
        "survey = SurveyFile.open(Path(sys.argv[1])); print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as recorder:
        assert recorder.stdout is not None
        assert recorder.stdout.readline() == b"open\n"
        assert refused(path) == "store.in_use"
        recorder.kill()
        recorder.wait(10)
        SurveyFile.open(path).close()


def test_reading_beside_a_recorder(path: Path) -> None:
    make_survey(path, 5)
    with SurveyFile.open(path) as recorder:
        recorder.append("d1", samples=[a_sample(100)])
        with SurveyFile.open(path, read_only=True) as reader:
            assert reader.summary().samples == 6
            recorder.append("d1", samples=[a_sample(101)])
            assert reader.summary().samples == 7
            with pytest.raises(KnownError) as caught:
                reader.append("d1", samples=[a_sample(102)])
            assert caught.value.message.id == "store.read_only"
        recorder.append("d1", samples=[a_sample(103)])
        assert recorder.summary().samples == 8


def test_read_only_folder(tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    path = stick / "a.fsurvey"
    stick.mkdir()
    make_survey(path, 7)
    with read_only(stick):
        for attempt in (SurveyFile.open, SurveyFile.open_or_beside):
            with pytest.raises(KnownError) as caught:
                attempt(path)
            assert caught.value.message.id == "store.read_only"
        with pytest.raises(KnownError) as caught:
            SurveyFile.create(stick / "deeper" / "b.fsurvey")
        assert caught.value.message.id == "store.read_only"
        with SurveyFile.open(path, read_only=True) as survey:
            assert survey.summary().samples == 7
            assert survey.check() == []
    SurveyFile.open(path).close()


def test_a_file_of_somebody_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite opens what it may not write for reading, and says so at the first write only."""
    make_survey(path, 1)
    from fieldsurvey.store import opening

    real_connect = opening.connect

    def connect(path: Path, mode: str, *key: bytes | None) -> driver.Connection:
        return real_connect(path, "mode=ro" if mode == "mode=rw" else mode, *key)

    monkeypatch.setattr(opening, "connect", connect)
    assert refused(path) == "store.read_only"


def test_a_survey_moved_away_while_recording(path: Path) -> None:
    make_survey(path, 1)
    elsewhere = path.with_name("elsewhere")
    with SurveyFile.open(path) as survey:
        path.rename(elsewhere)
        with pytest.raises(KnownError) as caught:
            survey.append("d1", samples=[a_sample(50)])
        assert caught.value.message.id == "store.vanished"
        elsewhere.rename(path)
        survey.append("d1", samples=[a_sample(50)])
        assert survey.summary().samples == 2


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2", "3.7.0"])
def test_sqlite_that_can_lose_rows_is_refused(version: str) -> None:
    with pytest.raises(KnownError) as caught:
        driver.check_sqlite_version(version)
    assert caught.value.message.id == "store.old_sqlite"


@pytest.mark.parametrize("version", ["3.51.3", "3.53.4", "4.0.0", driver.sqlite_version])
def test_sqlite_new_enough(version: str) -> None:
    driver.check_sqlite_version(version)


OLD = Path(__file__).parents[2] / "data" / "survey-v1.fsurvey"
OLD_2 = OLD.with_name("survey-v2.fsurvey")
OLD_3 = OLD.with_name("survey-v3.fsurvey")


def old_survey(tmp_path: Path, old: Path = OLD) -> Path:
    path = tmp_path / old.name
    path.write_bytes(old.read_bytes())
    return path


def read_old(survey: SurveyFile) -> None:
    """Look at everything in the file, in every way there is."""
    assert survey.check() == []
    summary = survey.summary()
    assert (summary.drives, summary.samples, summary.tally.tests) == (1, 3, 1)
    assert list(survey.samples()) == [a_sample(n) for n in range(3)]
    (test,) = survey.tests("old")
    assert dataclasses.replace(a_test(2), test_id=test.test_id) == test
    found = bulk.test_frame(survey, list(columns.TEST_COLUMNS))
    assert found["download_bps"].to_list() == [118_000_000.0]
    assert found["link"].to_list() == [None]  # nobody asked, so nobody knows


def test_a_survey_of_schema_1_is_brought_up_to_date_by_recording(tmp_path: Path) -> None:
    path = old_survey(tmp_path)
    with SurveyFile.open(path) as survey:
        assert survey.connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        read_old(survey)
        new = a_watched_test(4)
        survey.append("old", samples=[a_sample(3)], tests=[new])
        assert list(survey.tests())[1] == new
        assert survey.check() == []
    with SurveyFile.open(path) as survey:  # not twice
        assert survey.check() == []


def test_a_survey_of_schema_1_is_read_as_it_is(tmp_path: Path) -> None:
    path = old_survey(tmp_path)
    with SurveyFile.open(path, read_only=True) as survey:
        read_old(survey)
    assert path.read_bytes() == OLD.read_bytes()


def test_a_reader_of_schema_1_sees_what_a_recorder_adds(tmp_path: Path) -> None:
    path = old_survey(tmp_path)
    with SurveyFile.open(path, read_only=True) as reader:
        read_old(reader)
        with SurveyFile.open(path) as recorder:
            new = a_watched_test(4)
            recorder.append("old", tests=[new])
            assert list(reader.tests())[1] == new


def test_a_survey_of_schema_2_is_read_and_goes_on(tmp_path: Path) -> None:
    path = old_survey(tmp_path, OLD_2)
    for reading in (True, False):
        with SurveyFile.open(path, read_only=reading) as survey:
            assert survey.check() == []
            (test,) = survey.tests("old")
            new = a_watched_test(2)
            phases = tuple(dataclasses.replace(p, arrivals=None) for p in new.measurement.phases)
            expected = dataclasses.replace(
                new,
                test_id=test.test_id,
                confirms=test.confirms,
                measurement=dataclasses.replace(new.measurement, phases=phases),
            )
            assert test == expected  # nobody counted arrivals
    with SurveyFile.open(path) as survey:
        survey.append("old", tests=[new := a_watched_test(4)])
        assert list(survey.tests())[1] == new
        assert survey.check() == []


def test_a_survey_of_schema_3_is_read_and_goes_on(tmp_path: Path) -> None:
    path = old_survey(tmp_path, OLD_3)
    for reading in (True, False):
        with SurveyFile.open(path, read_only=reading) as survey:
            assert survey.check() == []
            assert list(survey.samples()) == [a_sample(n) for n in range(3)]
            (test,) = survey.tests("old")
            new = a_watched_test(2)
            assert test == dataclasses.replace(new, test_id=test.test_id, confirms=test.confirms)
            assert survey.drives()[0].ended_utc_us == START_UTC_US + 10 * S
    with SurveyFile.open(path) as survey:
        survey.append("old", tests=[new := a_watched_test(4)])
        assert list(survey.tests())[1] == new
        assert survey.check() == []


@pytest.mark.parametrize("old", [OLD, OLD_2, OLD_3], ids=lambda old: old.stem)
def test_an_old_survey_has_an_empty_outbox_until_it_is_recorded_into(
    tmp_path: Path, old: Path
) -> None:
    path = old_survey(tmp_path, old)
    with SurveyFile.open(path, read_only=True) as reader:
        seen = Outbox(reader)
        before = seen.progress()
        rows = len(seen.unsealed(100))
        assert rows >= 5
        assert (before.recorded_rows, before.sealed_rows, before.batches) == (rows, 0, 0)
        assert before.oldest_unsent_utc_us == START_UTC_US
        assert (seen.epoch(), seen.waiting(9), seen.receipts()) == (None, [], [])
        assert path.read_bytes() == old.read_bytes()
        with SurveyFile.open(path) as recorder:
            waiting = seal_rest(Outbox(recorder))
            assert len(sealed_rows(recorder)) == rows
            assert recorder.check() == []
        assert seen.waiting(9) == waiting  # a reader sees what the recorder adds
        assert seen.progress().sealed_rows == rows


def test_arrivals_cannot_be_changed_or_added_unseen(tmp_path: Path) -> None:
    for old in (OLD, OLD_2, OLD_3):
        path = old_survey(tmp_path, old)
        SurveyFile.open(path).close()
        forger = driver.connect(path, "mode=rw")
        forger.execute("DROP TRIGGER phase_no_update")
        forger.execute("UPDATE phase SET arrival_bytes = x'00000000' WHERE bin_bytes NOT NULL")
        with SurveyFile(path, forger, None) as survey:
            assert [finding.id for finding in survey.check()] == ["store.check_changed"], old.name


def test_a_test_of_schema_1_cannot_be_given_a_link(tmp_path: Path) -> None:
    """Its key covers the old columns; a hand that fills in new ones makes it one of schema 2."""
    path = old_survey(tmp_path)
    SurveyFile.open(path).close()
    forger = driver.connect(path, "mode=rw")
    forger.execute("DROP TRIGGER test_no_update")
    forger.execute(
        "UPDATE test SET link = 'x', operator = '', access_type = 'mobile', tls = 0, pace_bps = 0"
    )
    with SurveyFile(path, forger, None) as survey:
        assert [finding.id for finding in survey.check()] == ["store.check_changed"]
