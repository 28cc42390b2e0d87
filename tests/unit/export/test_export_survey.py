"""A whole new file or the old one: whatever happens on the way, and from a real survey file."""

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fieldsurvey.export.exporter import Exporter
from fieldsurvey.export.from_model import DriveRows, tables_from
from fieldsurvey.export.from_store import open_tables
from fieldsurvey.export.registry import FORMATS, export_survey, find_format, write_tables
from fieldsurvey.export.replacing import Replacement
from fieldsurvey.model.errors import KnownError
from fieldsurvey.store.survey_file import SurveyFile
from tests.support.export_reading import csv_rows, gpx_of, leftovers
from tests.support.export_surveys import (
    START_UTC_US,
    one_drive,
    real_life,
    resumed,
    throughput_test,
)

OLD = b"what was there before"
ENDED_UTC_US = START_UTC_US + 10**9


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    """A survey file with two drives, the first of them resumed once."""
    path = tmp_path / "survey" / "s.fsurvey"
    with SurveyFile.create(path) as survey_file:
        for of_drive in _drives():
            drive_id = of_drive.drive.drive_id
            survey_file.begin_drive(of_drive.drive)
            cut = 200 if of_drive.events else 0
            survey_file.append(drive_id, samples=of_drive.samples[:cut])
            survey_file.append(drive_id, events=of_drive.events)
            survey_file.append(drive_id, samples=of_drive.samples[cut:], tests=of_drive.tests)
            survey_file.end_drive(drive_id, ENDED_UTC_US)
    return path


def _drives() -> list[DriveRows]:
    first, second = (
        replace(rows, drive=replace(rows.drive, ended_utc_us=ENDED_UTC_US, replayed=False))
        for rows in (real_life(1), real_life(2))
    )
    return [replace(first, events=[resumed(200)]), second]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "out"
    path.mkdir()
    return path


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_the_store_and_the_model_give_the_same_bytes(survey: Path, folder: Path, name: str) -> None:
    before = survey.read_bytes()
    stored = export_survey(survey, name, folder / f"stored.{name}")
    model = write_tables(tables_from(_drives()), FORMATS[name], folder / f"model.{name}")
    assert [p.read_bytes() for p in stored.paths] == [p.read_bytes() for p in model.paths]
    tests, points = (8, -1) if name in ("fcc", "rtr") else (18, 600)  # regulators want tests alone
    assert stored.tests >= tests
    assert stored.points > points
    assert stored.bytes == sum(path.stat().st_size for path in stored.paths)
    assert survey.read_bytes() == before


def test_what_the_survey_holds_is_in_the_files(survey: Path, folder: Path) -> None:
    csv_report = export_survey(survey, "csv", folder / "a.csv")
    assert csv_report.paths == (folder / "a.csv", folder / "a-tests.csv")
    assert len(csv_rows((folder / "a.csv").read_bytes())) == csv_report.points == 800
    assert len(csv_rows((folder / "a-tests.csv").read_bytes())) == csv_report.tests == 20
    gpx_report = export_survey(survey, "gpx", folder / "a.gpx")
    gpx = gpx_of((folder / "a.gpx").read_bytes())
    assert len(gpx.waypoints) == gpx_report.tests
    assert gpx.get_track_points_no() == gpx_report.points
    assert leftovers(folder) == ["a-tests.csv", "a.csv", "a.gpx"]


def test_a_survey_that_is_being_written_can_be_exported(survey: Path, folder: Path) -> None:
    more = real_life(3)
    with SurveyFile.open(survey) as writer:
        writer.begin_drive(more.drive)
        writer.append(more.drive.drive_id, samples=more.samples)
        assert export_survey(survey, "csv", folder / "a.csv").points == 1200


def test_a_drive_that_begins_meanwhile_is_left_for_the_next_export(survey: Path) -> None:
    more = real_life(3)
    with open_tables(survey) as tables:
        with SurveyFile.open(survey) as writer:
            writer.begin_drive(more.drive)
            writer.append(more.drive.drive_id, samples=more.samples)
        seconds = Counter[str]()
        for piece in tables.sample_pieces():
            seconds.update(piece["drive_id"].to_list())
    assert seconds == {of_drive.drive.drive_id: 400 for of_drive in _drives()}


def test_words_in_another_language(survey: Path, folder: Path) -> None:
    export_survey(survey, "gpx", folder / "a.gpx", language="kk")
    assert "87 Мбит/с ▼" in (folder / "a.gpx").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_progress_never_goes_back_and_ends_at_one(survey: Path, folder: Path, name: str) -> None:
    told: list[float] = []
    export_survey(survey, name, folder / "a", progress=told.append)
    assert told == sorted(told)
    assert told[0] == 0.0
    assert told[-1] == 1.0
    assert len(told) > 2


def _old_files(folder: Path, name: str) -> Path:
    output = folder / f"a.{name}"
    for path in (output, folder / f"a-tests.{name}"):
        path.write_bytes(OLD)
    return output


def _assert_untouched(folder: Path, name: str) -> None:
    assert leftovers(folder) == [f"a-tests.{name}", f"a.{name}"]
    assert {path.read_bytes() for path in folder.iterdir()} == {OLD}


@pytest.mark.parametrize(
    ("name", "after"),
    [*((name, 1) for name in sorted(FORMATS)), ("csv", 0), ("csv", 2), ("csv", 3), ("gpkg", 0)],
)
def test_cancelling_leaves_what_was_there(
    survey: Path, folder: Path, name: str, after: int
) -> None:
    output = _old_files(folder, name)
    asked = iter(range(10**6))
    with pytest.raises(KnownError) as caught:
        export_survey(survey, name, output, cancelled=lambda: next(asked) >= after)
    assert caught.value.message.id == "export.cancelled"
    _assert_untouched(folder, name)


class _FullDisk:
    """A stream on a disk with room for so many bytes."""

    def __init__(self, exporter: Exporter, room: int, error: int) -> None:
        self._exporter, self._room, self._error = exporter, room, error

    def __getattr__(self, name: str) -> object:
        return getattr(self._exporter, name)

    def write(self, tables: object, stream: object, progress: object) -> object:
        outer = self

        class Stream:
            def write(self, data: bytes) -> int:
                outer._room -= len(data)
                if outer._room < 0:
                    raise OSError(outer._error, os.strerror(outer._error))
                return stream.write(data)  # type: ignore[attr-defined]

        return self._exporter.write(tables, Stream(), progress)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "room", "error", "message"),
    [
        *((name, 100, errno.ENOSPC, "export.disk_full") for name in sorted(FORMATS)),
        *(
            (name, 30_000, errno.ENOSPC, "export.disk_full")
            for name in ("csv", "geojson", "gpkg", "gpx", "kml", "parquet")
        ),
        ("csv", 0, errno.EIO, "export.write_failed"),
        ("csv", 30_000, errno.EROFS, "export.read_only"),
        ("gpx", 30_000, errno.EIO, "export.write_failed"),
    ],
)
def test_a_disk_that_fails_midway_leaves_what_was_there(
    folder: Path, name: str, room: int, error: int, message: str
) -> None:
    output = _old_files(folder, name)
    exporter = _FullDisk(FORMATS[name], room, error)
    with pytest.raises(KnownError) as caught:
        write_tables(tables_from(_drives()), exporter, output)  # type: ignore[arg-type]
    assert caught.value.message.id == message
    assert str(output) in str(caught.value)
    _assert_untouched(folder, name)


def test_a_really_full_disk(survey: Path) -> None:
    """/dev/full behind the export's own name would be replaced, so the limit is set on the file."""
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    folder = survey.parent / "out"
    folder.mkdir()
    output = _old_files(folder, "csv")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
        with pytest.raises(KnownError) as caught:
            export_survey(survey, "csv", output)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.message.id == "export.disk_full"
    _assert_untouched(folder, "csv")


def test_a_bug_in_an_exporter_leaves_what_was_there(folder: Path) -> None:
    output = _old_files(folder, "csv")

    def pieces() -> Iterator[object]:
        yield from tables_from(_drives()).sample_pieces()
        raise ZeroDivisionError

    tables = tables_from(_drives())
    broken = type(tables)(tables.drives, tables.tests, tables.sample_count, pieces)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        write_tables(broken, FORMATS["csv"], output)
    _assert_untouched(folder, "csv")


def test_either_both_files_are_new_or_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second file is opened, written and on disk before the first is renamed."""
    output = _old_files(folder, "csv")
    renamed: list[str] = []
    real_replace = Path.replace

    def replace(self: Path, target: Path) -> Path:
        parts = [name for name in leftovers(folder) if name.endswith(".part")]
        assert len(parts) == 2 - len(renamed)
        renamed.append(Path(target).name)
        return real_replace(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    write_tables(tables_from(_drives()), FORMATS["csv"], output)
    assert renamed == ["a-tests.csv", "a.csv"]


def _nothing(_path: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("prepare", "target", "message"),
    [
        (_nothing, "missing/a.csv", "export.no_folder"),
        (lambda folder: (folder / "a.csv").mkdir(), "a.csv", "export.read_only"),
        (lambda folder: (folder / "a-tests.csv").mkdir(), "a.csv", "export.read_only"),
        (lambda folder: (folder / "f").write_bytes(b""), "f/a.csv", "export.no_folder"),
    ],
)
def test_places_that_cannot_take_a_file(
    folder: Path, prepare: Callable[[Path], object], target: str, message: str
) -> None:
    prepare(folder)
    before = leftovers(folder)
    with pytest.raises(KnownError) as caught:
        write_tables(tables_from(_drives()), FORMATS["csv"], folder / target)
    assert caught.value.message.id == message
    assert leftovers(folder) == before


def test_no_permission(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests may run as root, to whom everything is permitted."""
    real_open = Path.open

    def refuse(self: Path, *args: object, **more: object) -> object:
        if self.name.endswith(".part"):
            raise PermissionError(errno.EACCES, "no")
        return real_open(self, *args, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(KnownError) as caught:
        write_tables(tables_from(_drives()), FORMATS["gpx"], folder / "a.gpx")
    assert caught.value.message.id == "export.read_only"
    assert leftovers(folder) == []


@pytest.mark.parametrize("way", ["itself", "link", "tests"])
def test_the_survey_is_never_overwritten(survey: Path, way: str) -> None:
    before = survey.read_bytes()
    output = survey
    if way == "link":
        output = survey.parent / "link.csv"
        output.symlink_to(survey)
    elif way == "tests":
        (survey.parent / "x-tests.csv").symlink_to(survey)
        output = survey.parent / "x.csv"
    with pytest.raises(KnownError) as caught:
        export_survey(survey, "csv", output)
    assert caught.value.message.id == "export.same_file"
    assert survey.read_bytes() == before


def test_nor_is_another_one(survey: Path, folder: Path) -> None:
    other = folder / "day2.fsurvey"
    other.write_bytes(survey.read_bytes())
    with pytest.raises(KnownError) as caught:
        export_survey(survey, "csv", other)
    assert caught.value.message.id == "store.never_replaced"
    assert other.read_bytes() == survey.read_bytes()
    other.unlink()
    assert leftovers(folder) == []


def test_an_unknown_format_names_the_known_ones(survey: Path, folder: Path) -> None:
    with pytest.raises(KnownError, match="csv") as caught:
        export_survey(survey, "xlsx", folder / "a.xlsx")
    assert caught.value.message.id == "export.unknown_format"
    assert find_format("gpx") is FORMATS["gpx"]


def test_a_missing_survey_is_the_stores_error(folder: Path) -> None:
    with pytest.raises(KnownError) as caught:
        export_survey(folder / "none.fsurvey", "gpx", folder / "a.gpx")
    assert caught.value.message.id == "store.missing"
    assert leftovers(folder) == []


def test_no_points_leaves_nothing(folder: Path) -> None:
    tables = tables_from(one_drive(tests=[throughput_test(start_fix=None)]))
    with pytest.raises(KnownError) as caught:
        write_tables(tables, FORMATS["gpx"], folder / "a.gpx")
    assert caught.value.message.id == "export.no_points"
    assert leftovers(folder) == []


def test_a_link_is_followed_and_stays_a_link(folder: Path) -> None:
    real = folder / "real.gpx"
    real.write_bytes(OLD)
    link = folder / "link.gpx"
    link.symlink_to(real)
    write_tables(tables_from(_drives()), FORMATS["gpx"], link)
    assert link.is_symlink()
    assert real.read_bytes().startswith(b"<?xml")


def test_new_files_have_the_usual_permissions(folder: Path) -> None:
    usual = folder / "usual"
    usual.touch()
    write_tables(tables_from(_drives()), FORMATS["gpx"], folder / "a.gpx")
    assert (folder / "a.gpx").stat().st_mode == usual.stat().st_mode


def test_a_replacement_that_is_not_committed_changes_nothing(folder: Path) -> None:
    target = folder / "a"
    target.write_bytes(OLD)
    with Replacement() as replacement, replacement.file(target) as stream:
        stream.write(b"new")
    assert leftovers(folder) == ["a"]
    assert target.read_bytes() == OLD


def test_a_missing_survey_is_told_and_what_is_there_already_stays(tmp_path: Path) -> None:
    output = tmp_path / "n.gpx"
    output.write_bytes(OLD)
    with pytest.raises(KnownError) as caught:
        export_survey(tmp_path / "no-such.fsurvey", "gpx", output)
    assert caught.value.message.id == "store.missing"
    assert leftovers(tmp_path) == ["n.gpx"]
    assert output.read_bytes() == OLD
